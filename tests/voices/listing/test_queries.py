"""A page of voices by filters and order: every plan finds the voices that plain Python finds."""

from __future__ import annotations

import io
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from tests.conftest import NOW, SHELL
from tests.factories import DAY, LONG_AGO, make_assistant, make_organization, make_voice, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES, SCORES
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.pagination import PAGE_SIZES
from voiceadmin.text import build_name_key, fold_case
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceColumn, VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED, PROCESSING = VoiceStatus.READY, VoiceStatus.FAILED, VoiceStatus.PROCESSING


@pytest.fixture
def acme(store: Flask) -> Organization:
    """An organization that holds the voices of a test."""
    return make_organization()


def names(organization: Organization, now: datetime, **filters: Any) -> set[str]:
    """The names of the voices that filters choose."""
    return {row.name for row in list_voices(organization.id, VoiceFilters(**filters), now=now).page.rows}


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
        pytest.param({"providers": ("playht",)}, {"50%"}, id="a-provider-without-a-name-here"),
        pytest.param({"providers": ("playht", "resemble")}, {"50%", "Bo_b"}, id="any-of-two-providers"),
        pytest.param({"tiers": (QualityTier.EXCELLENT,)}, {"Ada"}, id="one-is-excellent"),
        pytest.param({"tiers": (QualityTier.GOOD,)}, {"Bo_b"}, id="lower-bound-is-in"),
        pytest.param({"tiers": (QualityTier.POOR,)}, {"50%"}, id="zero-is-poor"),
        pytest.param({"tiers": (None,)}, {"Recepción"}, id="not-scored"),
        pytest.param({"tiers": (None, QualityTier.POOR)}, {"Recepción", "50%"}, id="not-scored-or-poor"),
        pytest.param({"languages": ("fr",)}, {"Bo_b"}, id="one-language"),
        pytest.param({"uses": (VoiceUse.NEVER,)}, {"Recepción", "50%"}, id="never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_30,)}, {"Bo_b", "50%"}, id="idle-includes-old-ones-never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_90,)}, {"50%"}, id="idle-for-longer"),
        pytest.param({"statuses": (READY,), "tiers": (QualityTier.POOR,)}, {"50%"}, id="filters-add-up"),
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

    assert names(acme, now, **filters) == expected


def test_a_voice_with_uses_but_no_date_counts_as_used(acme: Organization, now: datetime) -> None:
    make_voice(acme, name="Undated", synthesis_count=5, last_used_at=None)

    assert names(acme, now, uses=(VoiceUse.NEVER,)) == set()


def test_the_bounds_of_idleness_are_inclusive(acme: Organization, now: datetime) -> None:
    instant = timedelta(microseconds=1)
    make_voice(acme, name="At", last_used_at=now - 30 * DAY, synthesis_count=1)
    make_voice(acme, name="Inside", last_used_at=now - 30 * DAY + instant, synthesis_count=1)

    assert names(acme, now, uses=(VoiceUse.IDLE_30,)) == {"At"}


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
    nameless = make_voice(acme, provider_voice_id="")
    for _ in range(2):
        make_assistant(acme, tts_provider="resemble", tts_voice_id="X1")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="")
    make_assistant(make_organization("Other"), tts_provider="inworld", tts_voice_id="X1")

    users = list_voices(acme.id, VoiceFilters(), now=now).assistant_counts

    assert users == {used.id: 2}
    assert not {other_case.id, other_provider.id, nameless.id} & set(users)


# Every order, filter and page, against plain Python over the same rows

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


def chosen(row: VoiceRow, filters: VoiceFilters, now: datetime) -> bool:
    """What the filters mean, in plain Python."""

    def has_text(row: VoiceRow) -> bool:
        sought = fold_case(filters.text)
        texts = [fold_case(row.name), fold_case(row.provider_voice_id)]
        if len(sought) >= 3 or not sought:
            return any(sought in text for text in texts)
        return any(f"{before}{sought}" in f"\n{text}" for text in texts for before in "\n ")

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


def ordered(rows: Sequence[VoiceRow], order: VoiceOrder) -> list[VoiceRow]:
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
    value, down = values[order.column], order.descending
    rows = sorted(rows, key=lambda row: (build_name_key(row.name), row.id))
    if order.column in (VoiceColumn.STATUS, VoiceColumn.PROVIDER):
        return (
            sorted(rows, key=value, reverse=False)
            if not down
            else sorted(rows, key=lambda row: [-ord(letter) for letter in value(row)] + [0])
        )
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    known.sort(key=lambda row: (value(row), row.id), reverse=down)
    unknown.sort(key=lambda row: (row.created_at if order.column is VoiceColumn.LAST_USED else 0, row.id), reverse=down)
    return known + unknown


PLAN_LIMITS = {  # the limits that force each plan
    "as-it-comes": {},
    "index-scan": {"LOOKUP_COST": 10**9},
    "lookup": {"LOOKUP_COST": 0},
    "too-many-to-count": {"LOOKUP_LIMIT": 1},
}


@pytest.fixture(params=PLAN_LIMITS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Force one of the plans."""
    for name, value in PLAN_LIMITS[request.param].items():
        monkeypatch.setattr(lookup, name, value)


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
@pytest.mark.usefixtures("plan")
def test_pages_together_are_the_list_that_plain_python_makes(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = ordered([row for row in rows if chosen(row, filters, now)], filters.order)
    counts = Counter(row.status for row in rows if chosen(row, filters.with_changes(statuses=()), now))

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
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
def test_a_truncated_scan_returns_matching_voices_in_order(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = ordered([row for row in rows if chosen(row, filters, now)], filters.order)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_scan, "SCAN_LIMIT", 4)
        patch.setattr(lookup, "LOOKUP_LIMIT", 1)
        voices = list_voices(acme.id, replace(filters, size=25), now=now)

    places = [expected.index(row) for row in voices.page.rows]
    assert places == sorted(places)
    assert voices.scan_truncated_after or len(voices.page.rows) == len(expected)


@IN_DATABASE
@given(score=st.none() | SCORES)
def test_python_and_sql_assign_the_same_tier(acme: Organization, now: datetime, score: float | None) -> None:
    row = voice_row(quality_score=score)
    refill(acme, [row])

    tiers = [tier for tier in (None, *QualityTier) if names(acme, now, tiers=(tier,))]

    assert tiers == [QualityTier.from_score(score)]


@pytest.mark.parametrize("size", PAGE_SIZES)
def test_a_list_executes_three_statements_regardless_of_its_length(
    acme: Organization, now: datetime, size: int
) -> None:
    make_assistant(acme)
    refill(acme, [voice_row() for _ in range(size + 1)])
    statements: list[str] = []
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    list_voices(acme.id, VoiceFilters(size=size), now=now)

    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) == 3


def test_imported_voices_are_in_the_next_list(acme: Organization, now: datetime) -> None:
    assistant, faults = make_assistant(acme), list[Fault]()
    line = json.dumps({**voice_row(name="New")._asdict(), "created_at": "2026-01-01T00:00:00Z"}).encode()

    import_voices(io.BytesIO(line), ImportTarget(assistant.id), by=SHELL, now=NOW, on_fault=faults.append)

    assert not faults

    assert names(acme, now) == {"New"}


# The cost of a page in virtual machine steps of SQLite; every entry of a table or an index takes some


def voices_like(count: int, **fields: Any) -> list[VoiceRow]:
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


def cost_of(work: Callable[[], Any]) -> int:
    """Return the number of virtual machine steps that SQLite executes for a call."""
    db.session.rollback()
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    steps = count()
    connection.set_progress_handler(lambda: next(steps) and 0, 1)
    work()
    connection.set_progress_handler(None, 0)
    return next(steps)


def settle() -> None:
    """Merge the segments of the search index, as SQLite does by itself sooner or later."""
    with write_transaction():
        db.session.execute(text("INSERT INTO voice_search (voice_search) VALUES ('optimize')"))


PAGES: dict[str, dict[str, Any]] = {
    "all": {},
    "status-and-provider": {"statuses": (READY,), "providers": ("resemble",)},
    "tier": {"tiers": (QualityTier.POOR,)},
    "use": {"uses": (VoiceUse.NEVER,)},
    "idle": {"uses": (VoiceUse.IDLE_30,)},
    "language": {"languages": ("de",)},
    "text": {"text": "voice 12"},
    "by-name": {"order": VoiceOrder.NAME_ASCENDING},
    "last-page": {"page": 10, "size": 25},
}


def test_voices_of_other_organizations_do_not_slow_a_page(sqlite_store: Flask, now: datetime) -> None:
    acme = make_organization()
    put_voices(acme, voices_like(250))
    lists = {name: VoiceFilters(**filters) for name, filters in PAGES.items()}

    def costs() -> dict[str, int]:
        settle()
        return {name: cost_of(lambda: list_voices(acme.id, filters, now=now)) for name, filters in lists.items()}  # noqa: B023

    put_voices(make_organization("Other"), voices_like(1000))
    before = costs()
    put_voices(make_organization("Larger"), voices_like(4500))
    for _ in range(9):
        put_voices(make_organization("One of many"), voices_like(500))
    after = costs()

    assert {name: (before[name], cost) for name, cost in after.items() if cost > 1.1 * before[name]} == {}


@pytest.mark.parametrize("order", VoiceOrder)
def test_the_first_and_the_last_page_cost_the_same_in_an_organization_ten_times_as_large(
    sqlite_store: Flask, now: datetime, order: VoiceOrder
) -> None:
    small, large = make_organization("Small"), make_organization("Large")
    put_voices(small, voices_like(300))
    put_voices(large, voices_like(3000))
    choices: list[dict[str, Any]] = [
        {},
        {"statuses": (READY,)},
        {"statuses": (READY, FAILED)},
        {"providers": ("resemble",)},
        {"statuses": (FAILED,), "providers": ("resemble",)},
    ]

    def costs(organization: Organization, filters: VoiceFilters) -> list[int]:
        last = list_voices(organization.id, filters, now=now).page.last_page
        ends = filters, filters.with_changes(page=last)
        return [cost_of(lambda: list_voices(organization.id, end, now=now)) for end in ends]  # noqa: B023

    for choice in choices:
        filters = VoiceFilters(**choice, order=order, size=25)
        for of_small, of_large in zip(costs(small, filters), costs(large, filters), strict=True):
            assert of_large < 1.5 * of_small, choice


# The limits, from both sides


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
    if "text" in filters:  # any status may have more then
        assert found.inexact_statuses == (frozenset(VoiceStatus) if more else frozenset())
    else:
        assert found.inexact_statuses == (frozenset({READY}) if more else frozenset())
    assert (found.page.total, found.page.is_total_exact, found.scan_truncated_after) == (counted, not more, 0)
    assert len(found.page.rows) == number


@pytest.mark.parametrize(("before", "names", "cut"), [(2, 2, 0), (3, 1, 4), (4, 0, 4), (5, 0, 4)])
def test_a_scan_stops_at_the_scan_limit_and_reports_it(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch, before: int, names: int, cut: int
) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 1)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 4)
    others = [voice_row(name=f"Anna {number}") for number in range(before)]
    put_voices(acme, [*others, voice_row(name="Maria 1"), voice_row(name="Maria 2")])

    found = list_voices(acme.id, VoiceFilters(text="maria", order=VoiceOrder.NAME_ASCENDING), now=now)

    assert [row.name for row in found.page.rows] == ["Maria 1", "Maria 2"][:names]
    assert found.scan_truncated_after == cut


@pytest.mark.parametrize("order", [VoiceOrder("quality"), VoiceOrder("-quality"), VoiceOrder("last-used")])
def test_the_scan_limit_is_divided_among_the_sections_of_a_list(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch, order: VoiceOrder
) -> None:
    """Those with a value are one part and those without another, so each may pass two."""
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 1)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 4)
    with_value = {"quality_score": 0.5, "last_used_at": LONG_AGO, "synthesis_count": 1}
    put_voices(acme, [voice_row(name="Maria", **with_value) for _ in range(2)])
    put_voices(acme, [voice_row(name="Maria", quality_score=None) for _ in range(2)])
    whole = list_voices(acme.id, VoiceFilters(text="maria", order=order), now=now)
    assert (len(whole.page.rows), whole.scan_truncated_after) == (4, 0)

    put_voices(acme, [voice_row(name="Maria", quality_score=None)])
    short = list_voices(acme.id, VoiceFilters(text="maria", order=order), now=now)

    assert (len(short.page.rows), short.scan_truncated_after) == (4, 4)


# The same filters in every order and plan: random filters may omit some of them

CHOICES: list[dict[str, Any]] = [
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


@pytest.mark.parametrize("order", VoiceOrder)
@pytest.mark.usefixtures("plan")
def test_every_order_of_every_choice_is_the_list_that_plain_python_makes(acme: Organization, order: VoiceOrder) -> None:
    rows, later = voices_like(60), LONG_AGO + 80 * DAY  # when some were used within thirty days, and some not
    put_voices(acme, rows)
    put_voices(make_organization("Other"), voices_like(20))

    for choice in CHOICES:
        filters = VoiceFilters(**choice, order=order, size=7)
        expected = ordered([row for row in rows if chosen(row, filters, later)], order)
        counts = Counter(row.status for row in rows if chosen(row, filters.with_changes(statuses=()), later))
        found: list[VoiceRow] = []
        for page in range(1, len(expected) // 7 + 2):
            voices = list_voices(acme.id, filters.with_changes(page=page), now=later)
            found += voices.page.rows
            for status in set(VoiceStatus).difference(voices.inexact_statuses):
                assert voices.status_counts[status] == counts[status], (choice, page)

        assert found == expected, choice


@pytest.mark.usefixtures("plan")
def test_never_used_or_idle_includes_voices_created_today(acme: Organization, now: datetime) -> None:
    make_voice(acme, name="New", created_at=now)
    make_voice(acme, name="Used today", last_used_at=now, synthesis_count=1)
    make_voice(acme, name="Old", last_used_at=LONG_AGO, synthesis_count=1)

    found = list_voices(acme.id, VoiceFilters(uses=(VoiceUse.NEVER, VoiceUse.IDLE_30)), now=now)

    assert {row.name for row in found.page.rows} == {"New", "Old"}
