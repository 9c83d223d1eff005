"""The voice list filtered by verdicts equals the list of plain Python, with every plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from tests.factories import connect_provider, put_verdicts, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES
from tests.voices.listing.queries.scenario import make_rows, sort_voices
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.exporting.queries import list_matching_ids
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.verdicts import Verdict

STORED = (Verdict.MISSING, Verdict.DRIFTED, Verdict.IN_STEP)


@pytest.fixture
def sources(acme: Organization, now: datetime) -> None:
    """The lists of ElevenLabs are current, those of Resemble too old, and those of PlayHT were never read."""
    connect_provider("elevenlabs", read_at=now)
    connect_provider("resemble", read_at=now - timedelta(days=3))
    connect_provider("playht", read_at=None)


@pytest.fixture(params=[lookup.LOOKUP_LIMIT, 1], ids=["lookup", "scan"])
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look the voices up, or scan for them."""
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", request.param)


def holds(row: VoiceRow, verdict: Verdict) -> bool:
    return row.provider == "elevenlabs" or (row.provider == "resemble" and verdict is not Verdict.MISSING)


def store(rows: Sequence[VoiceRow], now: datetime) -> dict[int, Verdict]:
    """Store a verdict of three of four voices, and return those that hold."""
    stored = {row.id: STORED[index % 4] for index, row in enumerate(rows) if index % 4 < 3}
    put_verdicts({id: verdict.value for id, verdict in stored.items()}, since=now)
    return {row.id: stored[row.id] for row in rows if row.id in stored and holds(row, stored[row.id])}


@settings(IN_DATABASE, max_examples=12)
@given(
    rows=st.lists(PLAIN_VOICES, max_size=12),
    filters=st.builds(
        VoiceFilters,
        verdicts=st.lists(st.sampled_from([None, *STORED]), min_size=1, max_size=2, unique=True).map(tuple),
        text=st.sampled_from(["", "", "ada"]),
        order=st.sampled_from(list(VoiceOrder)),
        size=st.sampled_from([2, 3]),
    ),
)
@pytest.mark.usefixtures("limit", "sources")
def test_all_pages_together_equal_the_list_of_plain_python(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    found = store(rows, now)
    texts = {row.id: f"{row.name} {row.provider_voice_id}".lower() for row in rows}
    matching = [row for row in rows if found.get(row.id) in filters.verdicts and filters.text in texts[row.id]]
    expected = sort_voices(matching, filters.order)

    pages = [list_voices(acme.id, filters.with_changes(page=number), now=now) for number in range(1, 8)]

    assert [row for voices in pages for row in voices.page.rows] == expected
    assert list_matching_ids(acme.id, filters, now) == [row.id for row in expected]
    if pages[0].page.is_total_exact:
        assert pages[0].page.total == len(expected)
    shown = {id: verdict for voices in pages for id, verdict in (voices.verdicts or {}).items()}
    assert {id: verdict.verdict for id, verdict in shown.items()} == {
        row.id: found[row.id] for row in expected if row.id in found
    }


@pytest.mark.databases("postgresql")
@pytest.mark.usefixtures("sources")
def test_a_scan_keeps_the_order_when_postgresql_tests_verdicts_with_a_hash_join(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(40, provider="elevenlabs")
    refill(acme, rows)
    put_verdicts(dict.fromkeys((row.id for row in rows[::2]), "in-step"), since=now)
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 1)
    db.session.execute(text("SET LOCAL enable_nestloop = off"))
    db.session.execute(text("SET LOCAL enable_mergejoin = off"))
    filters = VoiceFilters(verdicts=(None,), order=VoiceOrder.MOST_USED, size=5)

    pages = [list_voices(acme.id, filters.with_changes(page=number), now=now) for number in range(1, 5)]

    assert [row for voices in pages for row in voices.page.rows] == sort_voices(rows[1::2], filters.order)


@pytest.mark.usefixtures("limit", "sources")
def test_verdicts_hold_as_far_as_the_lists_do(acme: Organization, now: datetime) -> None:
    kinds = [(provider, verdict) for provider in ("elevenlabs", "resemble", "playht") for verdict in STORED[:2]]
    refill(acme, [voice_row(id=id, provider=provider) for id, (provider, _) in enumerate(kinds, 1)])
    put_verdicts({id: verdict.value for id, (_, verdict) in enumerate(kinds, 1)}, since=now)

    def find(verdict: Verdict | None) -> list[int]:
        filters = VoiceFilters(verdicts=(verdict,), order=VoiceOrder.NAME_ASCENDING)
        return sorted(row.id for row in list_voices(acme.id, filters, now=now).page.rows)

    assert {verdict: find(verdict) for verdict in (Verdict.MISSING, Verdict.DRIFTED, None)} == {
        Verdict.MISSING: [1],
        Verdict.DRIFTED: [2, 4],
        None: [3, 5, 6],
    }


@pytest.mark.usefixtures("sources")
def test_a_verdict_of_a_voice_that_has_changed_is_none(acme: Organization, now: datetime) -> None:
    (row,) = make_rows(1)
    refill(acme, [row])
    put_verdicts({row.id: "missing"}, since=now)
    with write_transaction():
        db.session.execute(update(ClonedVoice).values(provider_voice_id="other"))

    assert list_voices(acme.id, VoiceFilters(verdicts=(Verdict.MISSING,)), now=now).page.rows == []
    (found,) = list_voices(acme.id, VoiceFilters(verdicts=(None,)), now=now).page.rows
    assert found.id == row.id


@pytest.mark.usefixtures("sources")
def test_a_list_of_many_matching_voices_is_scanned_up_to_its_limit(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(40, provider="elevenlabs")
    refill(acme, rows)
    put_verdicts(dict.fromkeys((row.id for row in rows), "in-step"), since=now)
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 5)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 10)

    voices = list_voices(acme.id, VoiceFilters(verdicts=(Verdict.IN_STEP,), size=25), now=now)

    assert (len(voices.page.rows), voices.page.total, voices.page.is_total_exact) == (10, 5, False)
    assert voices.scan_truncated_after == 10
