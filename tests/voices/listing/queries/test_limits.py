"""The lookup limit and the scan limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import LONG_AGO, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES
from tests.voices.listing.queries.scenario import FILTERS, READY, matches, sort_voices
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
def test_a_truncated_scan_returns_matching_voices_in_order(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = sort_voices([row for row in rows if matches(row, filters, now)], filters.order)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_scan, "SCAN_LIMIT", 4)
        patch.setattr(lookup, "LOOKUP_LIMIT", 1)
        voices = list_voices(acme.id, replace(filters, size=25), now=now)

    positions = [expected.index(row) for row in voices.page.rows]
    assert positions == sorted(positions)
    assert voices.scan_truncated_after or len(voices.page.rows) == len(expected)


@pytest.mark.parametrize(("number", "counted", "more"), [(1, 1, False), (2, 2, False), (3, 2, True), (4, 2, True)])
@pytest.mark.parametrize("filters", [{"uses": (VoiceUse.IDLE_30,)}, {"text": "maria"}], ids=["idle", "text"])
def test_expensive_counts_stop_at_the_lookup_limit_and_are_inexact(
    acme: Organization,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    filters: dict[str, Any],
    number: int,
    counted: int,
    more: bool,
) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 2)
    put_voices(acme, [voice_row(name=f"Maria {letter}") for letter in "abcd"[:number]])

    found = list_voices(acme.id, VoiceFilters(**filters), now=now)

    assert found.status_counts == dict.fromkeys(VoiceStatus, 0) | {READY: counted}
    if "text" in filters:  # any status may have more in this case
        assert found.inexact_statuses == (frozenset(VoiceStatus) if more else frozenset())
    else:
        assert found.inexact_statuses == (frozenset({READY}) if more else frozenset())
    assert (found.page.total, found.page.is_total_exact, found.scan_truncated_after) == (counted, not more, None)
    assert len(found.page.rows) == number


@pytest.mark.parametrize(("before", "found_count", "truncated_after"), [(2, 2, None), (3, 1, 4), (4, 0, 4), (5, 0, 4)])
def test_a_scan_stops_at_the_scan_limit_and_reports_it(
    acme: Organization,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    before: int,
    found_count: int,
    truncated_after: int | None,
) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 1)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 4)
    others = [voice_row(name=f"Anna {number}") for number in range(before)]
    put_voices(acme, [*others, voice_row(name="Maria 1"), voice_row(name="Maria 2")])

    found = list_voices(acme.id, VoiceFilters(text="maria", order=VoiceOrder.NAME_ASCENDING), now=now)

    assert [row.name for row in found.page.rows] == ["Maria 1", "Maria 2"][:found_count]
    assert found.scan_truncated_after == truncated_after


@pytest.mark.parametrize("order", [VoiceOrder("quality"), VoiceOrder("-quality"), VoiceOrder("last-used")])
def test_the_scan_limit_is_divided_among_the_sections_of_a_list(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch, order: VoiceOrder
) -> None:
    """Voices with and without a value are two sections, so each may read two entries."""
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 1)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 4)
    with_value = {"quality_score": 0.5, "last_used_at": LONG_AGO, "synthesis_count": 1}
    put_voices(acme, [voice_row(name="Maria", **with_value) for _ in range(2)])
    put_voices(acme, [voice_row(name="Maria", quality_score=None) for _ in range(2)])
    whole = list_voices(acme.id, VoiceFilters(text="maria", order=order), now=now)
    assert (len(whole.page.rows), whole.scan_truncated_after) == (4, None)

    put_voices(acme, [voice_row(name="Maria", quality_score=None)])
    short = list_voices(acme.id, VoiceFilters(text="maria", order=order), now=now)

    assert (len(short.page.rows), short.scan_truncated_after) == (4, 4)
