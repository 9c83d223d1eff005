"""Filters, rows and a model of the voice list in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.factories import LONG_AGO, voice_row
from voiceadmin.organizations.models import Organization
from voiceadmin.text import build_name_key, fold_case
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceColumn, VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED, PROCESSING = VoiceStatus.READY, VoiceStatus.FAILED, VoiceStatus.PROCESSING


def list_names(organization: Organization, now: datetime, **filters: Any) -> set[str]:
    """Return the names of the voices that match filters."""
    return {row.name for row in list_voices(organization.id, VoiceFilters(**filters), now=now).page.rows}


FILTERS = st.builds(
    VoiceFilters,
    text=st.sampled_from(["", "", "a", "é", "%", "E", "ad", "ada", "mile"]),
    statuses=st.lists(st.sampled_from(list(VoiceStatus)), max_size=2, unique=True).map(tuple),
    providers=st.lists(st.sampled_from(["elevenlabs", "playht"]), max_size=2, unique=True).map(tuple),
    tiers=st.lists(st.sampled_from([None, *QualityTier]), max_size=2, unique=True).map(tuple),
    uses=st.lists(st.sampled_from(list(VoiceUse)), max_size=2, unique=True).map(tuple),
    languages=st.lists(st.sampled_from(["en", "fr"]), max_size=2, unique=True).map(tuple),
    order=st.sampled_from(list(VoiceOrder)),
    size=st.sampled_from([1, 2, 3]),
)


def matches(row: VoiceRow, filters: VoiceFilters, now: datetime) -> bool:
    """Return whether a voice matches filters, in plain Python."""

    def has_text(row: VoiceRow) -> bool:
        search_text = fold_case(filters.text)
        texts = [fold_case(row.name), fold_case(row.provider_voice_id)]
        if len(search_text) >= 3 or not search_text:
            return any(search_text in text for text in texts)
        return any(f"{before}{search_text}" in f"\n{text}" for text in texts for before in "\n ")

    def in_use(use: VoiceUse) -> bool:
        if use.idle_period is None:
            return row.last_used_at is None and row.synthesis_count == 0
        return (row.last_used_at or row.created_at) <= now - use.idle_period

    return (
        has_text(row)
        and (not filters.statuses or row.status in filters.statuses)
        and (not filters.providers or row.provider in filters.providers)
        and (not filters.tiers or row.tier in filters.tiers)
        and (not filters.uses or any(map(in_use, filters.uses)))
        and (not filters.languages or row.language in filters.languages)
    )


def sort_voices(rows: Sequence[VoiceRow], order: VoiceOrder) -> list[VoiceRow]:
    """Sort voices in plain Python: None last in both directions, ties by id in the direction of the order.

    Voices without a last use are ordered by creation, those of one status or provider by name in both directions.
    """
    values: dict[VoiceColumn, Callable[[VoiceRow], Any]] = {
        VoiceColumn.NAME: lambda row: build_name_key(row.name),
        VoiceColumn.PROVIDER: lambda row: row.provider,
        VoiceColumn.STATUS: lambda row: row.status.value,
        VoiceColumn.QUALITY: lambda row: row.quality_score,
        VoiceColumn.SYNTHESES: lambda row: row.synthesis_count,
        VoiceColumn.LAST_USED: lambda row: row.last_used_at,
        VoiceColumn.CREATED: lambda row: row.created_at,
    }
    value, descending = values[order.column], order.descending
    rows = sorted(rows, key=lambda row: (build_name_key(row.name), row.id))
    if order.column in (VoiceColumn.STATUS, VoiceColumn.PROVIDER):
        return (
            sorted(rows, key=value, reverse=False)
            if not descending
            else sorted(rows, key=lambda row: [-ord(letter) for letter in value(row)] + [0])
        )
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    known.sort(key=lambda row: (value(row), row.id), reverse=descending)
    unknown.sort(
        key=lambda row: (row.created_at if order.column is VoiceColumn.LAST_USED else 0, row.id), reverse=descending
    )
    return known + unknown


PLAN_LIMITS = {  # the limits that force each plan
    "default": {},
    "index-scan": {"LOOKUP_COST": 10**9},
    "lookup": {"LOOKUP_COST": 0},
    "too-many-to-count": {"LOOKUP_LIMIT": 1},
}


def make_rows(count: int, **fields: Any) -> list[VoiceRow]:
    """Return voices that are evenly distributed over all groups."""
    return [
        voice_row(
            **{
                "name": f"Voice {number * 7919 % count}",
                "provider": ("elevenlabs", "resemble", "inworld")[number % 3],
                "status": (READY, READY, FAILED, PROCESSING)[number % 4],
                "quality_score": None if number % 5 == 0 else number * 31 % 100 / 100,
                "language": ("en", "de", None)[number % 7 % 3],
                "last_used_at": None if number % 8 < 3 else LONG_AGO + timedelta(minutes=number * 997 % 100_000),
                "synthesis_count": 0 if number % 8 < 3 else number * 13 % 1000,
            }
            | fields
        )
        for number in range(count)
    ]
