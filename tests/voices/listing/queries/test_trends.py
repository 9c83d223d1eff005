"""The voice list filtered by trends shows no trend that the page of the voice does not show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.factories import refill, voice_row
from tests.history.scenario import add_days, noon
from tests.sources.scenario import describe_source, make_source
from tests.strategies import IN_DATABASE
from tests.voices.listing.queries.scenario import make_rows, sort_voices
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.history.actions import renewing_trends
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.history.models import HistoryProgress
from voiceadmin.history.queries import read_use_history
from voiceadmin.history.types import STORED_TRENDS, Trend
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.models import SourceVoice, SyncRun
from voiceadmin.sources.queries import find_last_read
from voiceadmin.sources.types import SyncResult
from voiceadmin.voices.exporting.queries import list_matching_ids
from voiceadmin.voices.listing import lookup
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceList

TODAY = 100
STOPPED, NEW_USE = (Trend.STOPPED,), (Trend.NEW_USE,)

HISTORY = st.dictionaries(st.sampled_from([0, 30, 38, 39, 40, 55, 68, 69, 70, 90, 98, 99, 100]), st.integers(0, 9))


@pytest.fixture(params=[lookup.LOOKUP_LIMIT, 1], ids=["lookup", "scan"])
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look the voices up, or scan for them."""
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", request.param)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing_trends, "PAUSE_SECONDS", 0)


def add_history(voice_id: int, used: dict[int, int]) -> None:
    """Write days with their syntheses."""
    total, counts = 0, []
    for number, count in sorted(used.items()):
        total += count
        counts.append((number, total))
    if counts:
        add_days(voice_id, counts)


def renew(number: int) -> None:
    """Renew all trends as if none were stored."""
    with write_transaction():
        for row in db.session.query(HistoryProgress):
            row.trends_on = None
    for _ in renew_trends(now=noon(number)):
        pass


def find_shown(voice_id: int, number: int) -> Trend | None:
    """Return the trend on the page of a voice."""
    history = read_use_history(voice_id, read_at=find_last_read(voice_id) or noon(number))
    return history.trend.trend if history and history.trend else None


def put_one(acme: Organization) -> None:
    """Put the voice 1."""
    refill(acme, [voice_row(id=1)])


def list_pages(acme: Organization, filters: VoiceFilters, number: int) -> Iterator[VoiceList]:
    for page in range(1, 5):
        yield list_voices(acme.id, filters.with_changes(page=page), now=noon(number))


def list_ids(acme: Organization, trends: tuple[Trend, ...], number: int) -> list[int]:
    return sorted(list_matching_ids(acme.id, VoiceFilters(trends=trends), noon(number)))


def add_sync(source_id: int, number: int, result: SyncResult = SyncResult.COMPLETE) -> None:
    with write_transaction():
        run = SyncRun(source_id=source_id, started_at=noon(number), result=result.value, started_by="")
        db.session.add(run)


@pytest.fixture
def synced(app: Flask, acme: Organization) -> int:
    """A voice of a source that was used until 50 days ago. Return the id of the source."""
    put_one(acme)
    source_id = make_source(app.config["VOICEADMIN"], describe_source(key_variable="UPSTREAM_KEY_TEST"))
    with write_transaction():
        db.session.add(SourceVoice(source_id=source_id, voice_id=1, first_listed_at=noon(0)))
    add_history(1, {0: 0, 50: 5})
    return source_id


@settings(IN_DATABASE, max_examples=25)
@given(
    uses=st.lists(HISTORY, min_size=4, max_size=4),
    trends=st.lists(st.sampled_from(STORED_TRENDS), min_size=1, max_size=3, unique=True).map(tuple),
    passed=st.sampled_from([0, 0, 1, 2, 9, 30, 31, 61]),
    later=st.dictionaries(st.integers(0, 3), st.integers(1, 9), max_size=2),
)
@pytest.mark.usefixtures("limit")
def test_the_list_has_only_voices_whose_page_shows_the_trend_and_all_of_them_after_a_renewal(
    acme: Organization, uses: list[dict[int, int]], trends: tuple[Trend, ...], passed: int, later: dict[int, int]
) -> None:
    rows = make_rows(4)
    refill(acme, rows)
    for row, used in zip(rows, uses, strict=True):
        add_history(row.id, used)
    renew(TODAY)
    for index, count in later.items():  # used after the renewal
        days = [number for number, _ in sorted(uses[index].items())]
        if passed and (not days or days[-1] < TODAY):
            add_days(rows[index].id, [(TODAY + passed // 2, sum(uses[index].values()) + count)])

    now, filters = TODAY + passed, VoiceFilters(trends=trends, size=2)
    shown = [row for row in rows if find_shown(row.id, now) in trends]
    listed = [row for page in list_pages(acme, filters, now) for row in page.page.rows]

    assert {row.id for row in listed} <= {row.id for row in shown}
    if not passed:
        assert listed == sort_voices(shown, filters.order)
    renew(now)
    listed = [row for page in list_pages(acme, filters, now) for row in page.page.rows]
    assert listed == sort_voices(shown, filters.order)
    assert list_matching_ids(acme.id, filters, noon(now)) == [row.id for row in listed]


def test_a_voice_that_was_used_again_yesterday_is_not_listed_before_its_trend_is_renewed(acme: Organization) -> None:
    put_one(acme)
    add_history(1, {0: 0, 50: 5})
    renew(TODAY)
    assert list_ids(acme, STOPPED, TODAY) == [1]

    add_days(1, [(TODAY, 6)])

    assert list_ids(acme, STOPPED, TODAY) == [1]  # today is not over, as on the page of the voice
    assert list_ids(acme, STOPPED, TODAY + 1) == []
    renew(TODAY + 1)
    assert (list_ids(acme, STOPPED, TODAY + 1), find_shown(1, TODAY + 1)) == ([], Trend.STEADY)


def test_a_count_that_was_written_late_ends_the_trend(acme: Organization) -> None:
    put_one(acme)
    add_history(1, {0: 0, 50: 5, 99: 0})
    renew(TODAY)
    with write_transaction():
        db.session.execute(text("UPDATE voice_day SET synthesis_count = 50 WHERE synthesis_count = 5"))

    assert list_ids(acme, STOPPED, TODAY) == []


def test_a_voice_whose_source_is_not_read_any_more_is_not_listed_with_a_trend_of_later_days(
    acme: Organization, synced: int
) -> None:
    add_sync(synced, 78)
    add_sync(synced, 99, SyncResult.FAILED)
    renew(TODAY)

    assert find_shown(1, TODAY) is Trend.NEW_USE  # on day 78
    assert (list_ids(acme, STOPPED, TODAY), list_ids(acme, NEW_USE, TODAY)) == ([], [])
    add_sync(synced, TODAY)
    assert (list_ids(acme, STOPPED, TODAY), find_shown(1, TODAY)) == ([1], Trend.STOPPED)


def test_the_filter_combines_with_others_and_the_page_tells_the_use_of_its_voices(acme: Organization) -> None:
    refill(
        acme,
        [voice_row(id=id, provider=provider) for id, provider in enumerate(("elevenlabs", "resemble", "inworld"), 1)],
    )
    for id in (1, 2):
        add_history(id, {0: 0, 80: 5})
    renew(TODAY)
    filters = VoiceFilters(trends=NEW_USE, providers=("resemble",))

    voices = list_voices(acme.id, filters, now=noon(TODAY))

    assert [row.id for row in voices.page.rows] == [2]
    assert voices.trends_on == noon(TODAY).date()
    assert voices.recent_use is not None
    assert voices.recent_use[2].trend == (Trend.NEW_USE, 5, 0)
    assert voices.recent_use[2].until == noon(TODAY).date() - timedelta(days=1)
    with_column = list_voices(acme.id, VoiceFilters(shows_use=True), now=noon(TODAY))
    assert (len(with_column.page.rows), set(with_column.recent_use or ())) == (3, {1, 2})
    assert list_voices(acme.id, VoiceFilters(), now=noon(TODAY)).recent_use is None
