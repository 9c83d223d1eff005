"""Filters, counts and pages of the voice list."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import NOW, SHELL
from tests.factories import DAY, LONG_AGO, make_assistant, make_organization, make_voice, voice_row
from tests.voices.listing.queries.scenario import FAILED, PROCESSING, READY, list_names
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import VoiceStatus


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, {"Ada", "Bo_b", "Recepción", "50%"}, id="no-filter-is-all"),
        pytest.param({"text": "ADA"}, {"Ada"}, id="name-ignores-case"),
        pytest.param({"text": "recepcion"}, {"Recepción"}, id="name-ignores-accents"),
        pytest.param({"text": "RECEPCIÓN"}, {"Recepción"}, id="accents-in-the-search-are-ignored-too"),
        pytest.param({"text": "o_b"}, {"Bo_b"}, id="underscore-is-a-letter"),
        pytest.param({"text": "0%"}, set(), id="two-letters-begin-a-word"),
        pytest.param({"text": "50%"}, {"50%"}, id="percent-is-a-letter"),
        pytest.param({"text": "b"}, {"Bo_b"}, id="one-letter-begins-a-word"),
        pytest.param({"text": "ep"}, set(), id="two-letters-inside-a-word-are-too-few"),
        pytest.param({"text": "epc"}, {"Recepción"}, id="three-letters-are-found-inside-a-word"),
        pytest.param({"text": "pv"}, {"Ada", "Bo_b", "Recepción", "50%"}, id="a-provider-id-is-a-word"),
        pytest.param({"text": "pv-bo"}, {"Bo_b"}, id="provider-id-is-searched"),
        pytest.param({"text": "adapv"}, set(), id="name-and-provider-id-do-not-run-together"),
        pytest.param({"statuses": (FAILED,)}, {"Bo_b"}, id="one-status"),
        pytest.param({"statuses": (FAILED, PROCESSING)}, {"Bo_b", "Recepción"}, id="any-of-two-statuses"),
        pytest.param({"providers": ("playht",)}, {"50%"}, id="a-provider-without-a-label"),
        pytest.param({"providers": ("playht", "resemble")}, {"50%", "Bo_b"}, id="any-of-two-providers"),
        pytest.param({"tiers": (QualityTier.EXCELLENT,)}, {"Ada"}, id="one-is-excellent"),
        pytest.param({"tiers": (QualityTier.GOOD,)}, {"Bo_b"}, id="lower-bound-is-inclusive"),
        pytest.param({"tiers": (QualityTier.POOR,)}, {"50%"}, id="zero-is-poor"),
        pytest.param({"tiers": (None,)}, {"Recepción"}, id="not-scored"),
        pytest.param({"tiers": (None, QualityTier.POOR)}, {"Recepción", "50%"}, id="not-scored-or-poor"),
        pytest.param({"languages": ("fr",)}, {"Bo_b"}, id="one-language"),
        pytest.param({"uses": (VoiceUse.NEVER,)}, {"Recepción", "50%"}, id="never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_30,)}, {"Bo_b", "50%"}, id="idle-includes-old-ones-never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_90,)}, {"50%"}, id="idle-for-longer"),
        pytest.param({"uses": (VoiceUse.IDLE_30, VoiceUse.IDLE_90)}, {"Bo_b", "50%"}, id="any-of-two-idle-periods"),
        pytest.param({"statuses": (READY,), "tiers": (QualityTier.POOR,)}, {"50%"}, id="filters-are-combined"),
        pytest.param({"statuses": (READY,), "languages": ("fr",)}, set(), id="filters-can-exclude-all"),
    ],
)
def test_filters_select_voices(acme: Organization, now: datetime, filters: dict[str, Any], expected: set[str]) -> None:
    make_voice(acme, name="Ada", provider_voice_id="pv-ada", quality_score=1.0, last_used_at=now, synthesis_count=3)
    make_voice(
        acme,
        name="Bo_b",
        provider="resemble",
        provider_voice_id="pv-bo",
        status=FAILED,
        quality_score=QualityTier.GOOD.low,
        language="fr",
        last_used_at=now - 30 * DAY,
        synthesis_count=1,
    )
    make_voice(acme, name="Recepción", status=PROCESSING, quality_score=None, created_at=now - 29 * DAY)
    make_voice(acme, name="50%", provider="playht", quality_score=0.0, created_at=LONG_AGO)
    make_voice(make_organization("Other"), name="Ada of another organization")

    assert list_names(acme, now, **filters) == expected


def test_a_voice_with_uses_but_no_date_counts_as_used(acme: Organization, now: datetime) -> None:
    make_voice(acme, name="Undated", synthesis_count=5, last_used_at=None)

    assert list_names(acme, now, uses=(VoiceUse.NEVER,)) == set()


def test_the_bounds_of_idleness_are_inclusive(acme: Organization, now: datetime) -> None:
    instant = timedelta(microseconds=1)
    make_voice(acme, name="At", last_used_at=now - 30 * DAY, synthesis_count=1)
    make_voice(acme, name="Inside", last_used_at=now - 30 * DAY + instant, synthesis_count=1)

    assert list_names(acme, now, uses=(VoiceUse.IDLE_30,)) == {"At"}


def test_counts_by_status_ignore_the_status_filter(acme: Organization, now: datetime) -> None:
    make_voice(acme, status=READY)
    make_voice(acme, status=FAILED)
    make_voice(acme, status=FAILED, provider="resemble")

    filters = VoiceFilters(statuses=(READY,), providers=("elevenlabs",))
    found = list_voices(acme.id, filters, now=now)

    assert found.status_counts == {PROCESSING: 0, READY: 1, FAILED: 1, VoiceStatus.ARCHIVED: 0}
    assert found.page.total == 1
    assert [(label, number) for _, label, number, _ in found.tabs][:2] == [("All", 2), ("Ready", 1)]


def test_a_page_past_the_end_is_empty_and_knows_the_total(acme: Organization, now: datetime) -> None:
    make_voice(acme)

    page = list_voices(acme.id, VoiceFilters(page=9), now=now).page

    assert (page.rows, page.total, page.last_page) == ([], 1, 1)


def test_assistants_are_counted_by_the_voice_they_use(acme: Organization, now: datetime) -> None:
    used = make_voice(acme, provider="resemble", provider_voice_id="X1")
    other_case = make_voice(acme, provider="resemble", provider_voice_id="x1")
    other_provider = make_voice(acme, provider="inworld", provider_voice_id="X1")
    without_id = make_voice(acme, provider_voice_id="")
    for _ in range(2):
        make_assistant(acme, tts_provider="resemble", tts_voice_id="X1")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="")
    make_assistant(make_organization("Other"), tts_provider="inworld", tts_voice_id="X1")

    users = list_voices(acme.id, VoiceFilters(), now=now).assistant_counts

    assert users == {used.id: 2}
    assert not {other_case.id, other_provider.id, without_id.id} & set(users)


def test_imported_voices_are_in_the_next_list(acme: Organization, now: datetime) -> None:
    assistant, faults = make_assistant(acme), list[Fault]()
    line = json.dumps({**voice_row(name="New")._asdict(), "created_at": "2026-01-01T00:00:00Z"}).encode()

    import_voices(io.BytesIO(line), ImportTarget(assistant.id), by=SHELL, now=NOW, on_fault=faults.append)

    assert not faults

    assert list_names(acme, now) == {"New"}


@pytest.mark.usefixtures("plan")
def test_never_used_or_idle_includes_voices_created_today(acme: Organization, now: datetime) -> None:
    make_voice(acme, name="New", created_at=now)
    make_voice(acme, name="Used today", last_used_at=now, synthesis_count=1)
    make_voice(acme, name="Old", last_used_at=LONG_AGO, synthesis_count=1)

    found = list_voices(acme.id, VoiceFilters(uses=(VoiceUse.NEVER, VoiceUse.IDLE_30)), now=now)

    assert {row.name for row in found.page.rows} == {"New", "Old"}
