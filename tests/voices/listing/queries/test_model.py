"""The voice list equals the list of plain Python, in every order and with every plan."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import DAY, LONG_AGO, make_organization, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES, SCORES
from tests.voices.listing.queries.scenario import (
    FAILED,
    FILTERS,
    PROCESSING,
    READY,
    list_names,
    make_rows,
    matches,
    sort_voices,
)
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
@pytest.mark.usefixtures("plan")
def test_all_pages_together_equal_the_list_of_plain_python(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = sort_voices([row for row in rows if matches(row, filters, now)], filters.order)
    counts = Counter(row.status for row in rows if matches(row, filters.with_changes(statuses=()), now))

    first = list_voices(acme.id, filters, now=now)
    found, number, voices = list(first.page.rows), 1, first
    while voices.page.rows:
        number += 1
        voices = list_voices(acme.id, filters.with_changes(page=number), now=now)
        found += voices.page.rows

    assert found == expected
    assert not voices.scan_truncated_after
    assert first.page.total == len(expected) if first.page.is_total_exact else first.page.total <= len(expected)
    for status in VoiceStatus:
        exact = status not in first.inexact_statuses
        assert first.status_counts[status] == counts[status] if exact else first.status_counts[status] <= counts[status]


@IN_DATABASE
@given(score=st.none() | SCORES)
def test_python_and_sql_assign_the_same_tier(acme: Organization, now: datetime, score: float | None) -> None:
    row = voice_row(quality_score=score)
    refill(acme, [row])

    tiers = [tier for tier in (None, *QualityTier) if list_names(acme, now, tiers=(tier,))]

    assert tiers == [QualityTier.from_score(score)]


FILTER_ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"statuses": (READY,)},
    {"statuses": (READY, FAILED)},
    {"providers": ("resemble",)},
    {"providers": ("resemble", "inworld")},
    {"statuses": (FAILED, PROCESSING), "providers": ("resemble", "elevenlabs")},
    {"tiers": (QualityTier.POOR,)},
    {"tiers": (None,)},
    {"tiers": (None, QualityTier.GOOD)},
    {"tiers": (QualityTier.GOOD, QualityTier.EXCELLENT), "statuses": (READY,)},
    {"languages": ("de",)},
    {"languages": ("de", "en"), "providers": ("inworld",)},
    {"uses": (VoiceUse.NEVER,)},
    {"uses": (VoiceUse.NEVER,), "languages": ("en",), "statuses": (READY, PROCESSING)},
    {"uses": (VoiceUse.IDLE_30,)},
    {"uses": (VoiceUse.NEVER, VoiceUse.IDLE_30)},
    {"uses": (VoiceUse.IDLE_30,), "tiers": (QualityTier.POOR, None), "providers": ("elevenlabs",)},
    {"text": "voice 1"},
    {"text": "1", "statuses": (READY,)},
    {"text": "voice 2", "uses": (VoiceUse.IDLE_30,), "providers": ("resemble", "inworld")},
    {"text": "voice", "tiers": (QualityTier.POOR,)},
    {"text": "nowhere"},
]


@pytest.mark.slow
@pytest.mark.parametrize("order", VoiceOrder)
@pytest.mark.usefixtures("plan")
def test_every_order_with_every_filter_equals_the_list_of_plain_python(acme: Organization, order: VoiceOrder) -> None:
    rows, later = make_rows(60), LONG_AGO + 80 * DAY  # some were used within the thirty days before, and some not
    put_voices(acme, rows)
    put_voices(make_organization("Other"), make_rows(20))

    for arguments in FILTER_ARGUMENTS:
        filters = VoiceFilters(**arguments, order=order, size=7)
        expected = sort_voices([row for row in rows if matches(row, filters, later)], order)
        counts = Counter(row.status for row in rows if matches(row, filters.with_changes(statuses=()), later))
        found: list[VoiceRow] = []
        for page in range(1, len(expected) // 7 + 2):
            voices = list_voices(acme.id, filters.with_changes(page=page), now=later)
            found += voices.page.rows
            for status in set(VoiceStatus).difference(voices.inexact_statuses):
                assert voices.status_counts[status] == counts[status], (arguments, page)

        assert found == expected, arguments
