"""What could go and what stays: what plain Python finds among the same voices; files of it, and prices."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.conftest import NOW, SHELL
from tests.factories import DAY, LONG_AGO, make_assistant, make_organization, make_voice, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan, undo_plan
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.queries.candidates import CANDIDATE_FIELDS, export_candidates, list_candidates
from voiceadmin.cleanup.queries.counts import count_candidates
from voiceadmin.cleanup.queries.plans import (
    ITEMS_PER_PAGE,
    LISTED_PLANS,
    RESTORE_SHEET_FIELDS,
    count_rechecked,
    export_restore_sheet,
    get_plan,
    is_plan_covered,
    list_items,
    list_plan_organizations,
    list_plans,
    list_undoable_operations,
    recheck_items,
)
from voiceadmin.cleanup.queries.prices import list_priceable_providers, list_prices
from voiceadmin.cleanup.types.candidates import ARCHIVED_HERE, ARCHIVED_UPSTREAM, CleanUpFilters, ExclusionReason
from voiceadmin.cleanup.types.plans import ItemState, SkipReason
from voiceadmin.cleanup.types.prices import Price, format_amount, sum_savings
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import PlanNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import UNDO_PERIOD, ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.tabular import ExportFormat, unescape_formula
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

LIMITS = AttentionThresholds()
ALL = CleanUpFilters()
STATUS_KINDS = {
    VoiceStatus.ARCHIVED: ARCHIVED_UPSTREAM,
    VoiceStatus.PROCESSING: ExclusionReason.PROCESSING,
    VoiceStatus.FAILED: ExclusionReason.FAILED,
}


@pytest.fixture
def acme(store: Flask) -> Organization:
    return make_organization("Acme")


def reason_of(row: VoiceRow, now: datetime) -> str:
    """The reason that a voice has by itself, "" for none."""
    if row.status is not VoiceStatus.READY or row.created_at > now - LIMITS.minimum_age:
        return ""
    if row.last_used_at is None:
        return "" if row.synthesis_count else "never-used"
    return "unused" if row.last_used_at <= now - LIMITS.unused else ""


def kind_of(row: VoiceRow, rows: list[VoiceRow], places: set[tuple[str, str]], now: datetime) -> str:
    """Why a voice could go, or what keeps it."""
    if row.status is not VoiceStatus.READY:
        return STATUS_KINDS[row.status]
    place = row.provider, row.provider_voice_id
    if not (reason := reason_of(row, now)):
        if row.last_used_at is None:
            return ExclusionReason.UNDATED if row.synthesis_count else ExclusionReason.TOO_NEW
        return ExclusionReason.TOO_NEW if row.last_used_at <= now - LIMITS.unused else ExclusionReason.RECENTLY_USED
    if row.provider_voice_id and place in places:
        return ExclusionReason.IN_USE
    twins = [one for one in rows if (one.provider, one.provider_voice_id) == place]
    if row.provider_voice_id and any(one.id != row.id and one.status is not VoiceStatus.ARCHIVED for one in twins):
        return ExclusionReason.SHARED_REFERENCE
    return reason


def voice(id: int) -> VoiceRow:
    """A voice as it is in the store."""
    row = db.session.execute(select(*VOICE_COLUMNS).where(ClonedVoice.id == id)).one()
    return build_voice_row(row)


def found_in(scope: Scope, now: datetime, filters: CleanUpFilters = ALL) -> list[int]:
    """The ids of all that could go, in the order of a plan."""
    return [one.voice.id for one in list_candidates(scope, filters, LIMITS, now=now, limit=1000)]


def ages(*days: int) -> st.SearchStrategy[datetime]:
    """Times so many days ago, and a microsecond later."""
    return st.builds(
        lambda day, more: NOW - day * DAY + timedelta(microseconds=more), st.sampled_from(days), st.integers(0, 1)
    )


VOICES = st.builds(  # alike enough to be twins, and about the bounds of the rules
    voice_row,
    provider=st.sampled_from(["elevenlabs", "resemble"]),
    provider_voice_id=st.sampled_from(["", "a", "a", "b"]),
    status=st.sampled_from([VoiceStatus.READY] * 4 + list(VoiceStatus)),
    created_at=ages(1, 14, 14, 300),
    last_used_at=st.none() | ages(0, 60, 90),
    synthesis_count=st.integers(0, 1),
)


@settings(IN_DATABASE, phases=set(Phase) - {Phase.shrink})  # a dozen voices are read sooner than shrunk
@given(rows=st.lists(VOICES, min_size=1, max_size=12), places=st.sets(st.sampled_from(["", "a", "b"]), max_size=2))
def test_they_are_what_plain_python_finds(
    acme: Organization, now: datetime, rows: list[VoiceRow], places: set[str]
) -> None:
    refill(acme, rows)
    with write_transaction():
        db.session.execute(delete(Assistant))
    for place in places:
        make_assistant(acme, tts_provider="elevenlabs", tts_voice_id=place, active=False)
    kinds = {row.id: kind_of(row, rows, {("elevenlabs", place) for place in places}, now) for row in rows}

    for scope in (EVERYTHING, Scope(frozenset({acme.id}))):
        counted = count_candidates(scope, LIMITS, now=now)
        numbers = {(one.provider, one.kind): one.voices for one in counted.counts}
        assert numbers == Counter((row.provider, kinds[row.id]) for row in rows)
        unused = sorted((row.last_used_at, row.id) for row in rows if kinds[row.id] == "unused" and row.last_used_at)
        never = sorted((row.created_at, row.id) for row in rows if kinds[row.id] == "never-used")
        assert found_in(scope, now) == [id for _, id in (*unused, *never)]


def test_only_voices_of_the_scope_and_the_filters_are_found(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    make_voice(acme, id=1)
    make_voice(acme, id=2, provider="resemble", last_used_at=now - 90 * DAY, synthesis_count=1)
    make_voice(other, id=3)
    of_acme = Scope(frozenset({acme.id}))

    assert found_in(EVERYTHING, now) == [2, 1, 3]
    assert found_in(of_acme, now) == [2, 1]
    assert found_in(NOTHING, now) == []
    assert found_in(of_acme, now, CleanUpFilters(other.id)) == []
    assert found_in(EVERYTHING, now, CleanUpFilters(acme.id, ("resemble", "playht"))) == [2]
    assert found_in(EVERYTHING, now, CleanUpFilters(reasons=("never-used",))) == [1, 3]
    counted = count_candidates(EVERYTHING, LIMITS, now=now)
    assert counted.by_organization(("unused", "never-used")) == {acme.id: 2, other.id: 1}
    assert counted.matching(CleanUpFilters(acme.id, ("resemble",))).count("unused", "never-used") == 1
    assert count_candidates(NOTHING, LIMITS, now=now).counts == []


def test_what_is_archived_here_counts_apart_from_what_is_upstream(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=1), *(voice_row(id=id, status=VoiceStatus.ARCHIVED) for id in (2, 3))])
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 1),), "a", 10**9),
        LIMITS,
        by=SHELL,
        now=now,
    )

    counted = count_candidates(EVERYTHING, LIMITS, now=now)

    assert {one.kind: one.voices for one in counted.counts} == {ARCHIVED_HERE: 1, ARCHIVED_UPSTREAM: 2}
    (freed,) = counted.by_provider(("unused", "never-used"), {})
    assert (freed.candidates, freed.archived, freed.price) == (0, 3, None)


def test_what_was_acknowledged_or_is_snoozed_stays_until_the_snooze_ends(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    for act, voice_id, until in ((TriageAction.ACKNOWLEDGE, 1, None), (TriageAction.SNOOZE, 2, now + DAY)):
        order = ActionRequest(act, (ObjectRef(ObjectKind.VOICE, voice_id),), act, 0, until=until)
        apply_action(EVERYTHING, order, LIMITS, by=SHELL, now=now)

    assert found_in(EVERYTHING, now) == []
    assert count_candidates(EVERYTHING, LIMITS, now=now).count(ExclusionReason.MUTED) == 2
    assert found_in(EVERYTHING, now + 2 * DAY) == [2]


def list_queue_items(text: str, format: ExportFormat) -> list[dict[str, Any]]:
    """A file as a program reads it."""
    if format is ExportFormat.CSV:
        return [
            {name: unescape_formula(value) or None for name, value in line.items()}
            for line in csv.DictReader(io.StringIO(text, newline=""))
        ]
    if format is ExportFormat.JSON:
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]


def as_in(format: ExportFormat, record: dict[str, Any]) -> dict[str, Any]:
    """A record as a file of this format has it."""
    if format is not ExportFormat.CSV:
        return record
    return {name: None if value is None else str(value) or None for name, value in record.items()}


HOSTILE = ("=1+1", '"quoted", and\nbroken', "'@x", "Ωmega \u202e", "\t")


@pytest.mark.parametrize("format", ExportFormat)
def test_a_file_of_candidates_reads_back(acme: Organization, now: datetime, format: ExportFormat) -> None:
    rows = [voice_row(name=name, provider_voice_id=f"={number}") for number, name in enumerate(HOSTILE)]
    put_voices(acme, rows)

    text = "".join(export_candidates(EVERYTHING, ALL, LIMITS, format, now=now))

    lines = list_queue_items(text, format)
    assert [line["name"] for line in lines] == [row.name for row in rows]
    assert [tuple(line) for line in lines] == [CANDIDATE_FIELDS] * len(rows)
    assert lines[0] == as_in(
        format,
        {
            "reason": "never-used",
            "evidence": "Created 316 days ago, never used.",
            "organization_id": acme.id,
            "organization": "Acme",
            "id": rows[0].id,
            "name": "=1+1",
            "provider": "elevenlabs",
            "provider_voice_id": "=0",
            "language": "en",
            "gender": None,
            "status": "ready",
            "quality_score": 0.85,
            "created_at": "2026-01-10T08:00:00Z",
            "last_used_at": None,
            "synthesis_count": 0,
            "counted_at": "2026-11-22T14:00:00Z",
        },
    )


@pytest.mark.parametrize("format", ExportFormat)
def test_a_restore_sheet_has_every_fact_as_it_was(acme: Organization, now: datetime, format: ExportFormat) -> None:
    rows = [
        voice_row(name=name, last_used_at=now - 90 * DAY, synthesis_count=number) for number, name in enumerate(HOSTILE)
    ]
    put_voices(acme, rows)
    plan_id = create_plan(EVERYTHING, ALL, LIMITS, "key", by=SHELL, now=now)
    confirm_plan(EVERYTHING, plan_id, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan_id, LIMITS, by=SHELL, now=now, seconds=60)

    lines = list_queue_items("".join(export_restore_sheet(get_plan(EVERYTHING, plan_id, now=now), format)), format)

    assert [tuple(line) for line in lines] == [RESTORE_SHEET_FIELDS] * len(rows)
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        facts = as_in(format, voice_to_json(row))
        assert {name: line[name] for name in RESTORE_SHEET_FIELDS if name in facts} == {
            name: facts[name] for name in RESTORE_SHEET_FIELDS if name in facts
        }
        assert line["upstream_status"] == "ready"
        assert (line["state"], str(line["position"]), line["organization"]) == ("archived", str(number), "Acme")
        for what in ("archived", "planned", "confirmed"):
            assert (line[f"{what}_at"], line[f"{what}_by"]) == ("2026-11-22T14:00:00Z", "tester")


# Plans


@pytest.fixture
def plan(acme: Organization, now: datetime) -> int:
    """A plan of five voices of Acme and one of Globex, the longest unused first."""
    put_voices(
        acme,
        [
            voice_row(id=id, provider=provider, last_used_at=now - days * DAY, synthesis_count=id)
            for id, days, provider in (
                (1, 90, "playht"),
                (2, 80, "resemble"),
                (3, 100, "resemble"),
                (4, 70, "resemble"),
                (5, 60, "resemble"),
            )
        ],
    )
    make_voice(make_organization("Globex"), id=6)
    return create_plan(EVERYTHING, ALL, LIMITS, "key", by=SHELL, now=now)


ORDER = [3, 1, 2, 4, 5, 6]


def rechecked(plan: int, now: datetime, **more: Any) -> list[tuple[int, int, SkipReason | None]]:
    found = recheck_items(plan, LIMITS, now=now, **({"limit": 100} | more))
    return [(item.position, item.voice_id, item.skip_reason) for item in found]


def test_a_plan_begins_with_all_of_its_voices_waiting(plan: int, now: datetime) -> None:
    found = get_plan(EVERYTHING, plan, now=now)

    assert (found.voice_count, found.created_at, found.created_by, found.filters) == (
        6,
        now,
        "tester",
        ALL.with_changes(limit=None),
    )
    assert (found.confirmed_at, found.confirmed_by, found.undoable) == (None, "", 0)
    assert found.states == {ItemState.PENDING: 6}
    assert dict(found.voices) == {"resemble": 4, "elevenlabs": 1, "playht": 1}
    assert next(iter(found.voices)) == "resemble", "the most first"
    assert rechecked(plan, now) == [(position, id, None) for position, id in enumerate(ORDER, 1)]
    assert count_rechecked(plan, LIMITS, now=now) == {None: 6}
    assert list_plan_organizations(plan) == sorted(list_plan_organizations(plan))
    assert len(list_plan_organizations(plan)) == 2


def test_the_first_that_wait_are_judged_or_one_of_them(plan: int, now: datetime) -> None:
    assert rechecked(plan, now, limit=2) == [(1, 3, None), (2, 1, None)]
    assert rechecked(plan, now, limit=2, position=4) == [(4, 4, None)]
    assert rechecked(plan + 1, now) == []


def test_what_would_be_left_alone_now_is_said_with_its_reason(plan: int, acme: Organization, now: datetime) -> None:
    make_assistant(acme, tts_provider="resemble", tts_voice_id=voice(3).provider_voice_id)
    make_voice(acme, id=7, provider="playht", provider_voice_id=voice(1).provider_voice_id, last_used_at=now)
    order = ActionRequest(TriageAction.ACKNOWLEDGE, (ObjectRef(ObjectKind.VOICE, 2),), "key", 0)
    apply_action(EVERYTHING, order, LIMITS, by=SHELL, now=now)
    put_voices(acme, [voice(4)._replace(last_used_at=now)])
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 6),), "key", 0),
        LIMITS,
        by=SHELL,
        now=now,
    )

    reasons = [
        SkipReason.IN_USE,
        SkipReason.SHARED_REFERENCE,
        SkipReason.MUTED,
        SkipReason.USED_OR_RECLONED,
        SkipReason.GONE,
        SkipReason.ALREADY_ARCHIVED,
    ]
    assert rechecked(plan, now) == [
        (position, id, reason) for position, (id, reason) in enumerate(zip(ORDER, reasons, strict=True), 1)
    ]
    assert count_rechecked(plan, LIMITS, now=now) == dict.fromkeys(sorted(reasons), 1)


def test_what_became_of_its_voices_is_told_and_found_by_state(plan: int, acme: Organization, now: datetime) -> None:
    make_assistant(acme, tts_provider="resemble", tts_voice_id=voice(3).provider_voice_id)
    confirm_plan(EVERYTHING, plan, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan, LIMITS, by=SHELL, now=now, seconds=60)
    restore = ActionRequest(TriageAction.RESTORE, (ObjectRef(ObjectKind.VOICE, 4),), "key", get_last_operation_id())
    apply_action(EVERYTHING, restore, LIMITS, by=SHELL, now=now)
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))

    found = get_plan(EVERYTHING, plan, now=now)

    assert (found.confirmed_at, found.confirmed_by) == (now, "tester")
    assert found.states == {ItemState.ARCHIVED: 3, ItemState.SKIPPED: 1, ItemState.RESTORED: 1, ItemState.GONE: 1}
    assert dict(found.voices) == {"playht": 1, "resemble": 1, "elevenlabs": 1}
    assert found.undoable == 5
    assert get_plan(EVERYTHING, plan, now=now + UNDO_PERIOD).undoable == 5
    assert get_plan(EVERYTHING, plan, now=now + UNDO_PERIOD + timedelta(microseconds=1)).undoable == 0
    assert [operation.object_count for operation in list_undoable_operations(plan)] == [5]
    ids = {
        state: [item.voice.id for item in list_items(found, [state], 1, LIMITS)]
        for state in ItemState
        if found.count(state)
    }
    assert ids == {
        ItemState.ARCHIVED: [1, 2, 6],
        ItemState.SKIPPED: [3],
        ItemState.RESTORED: [4],
        ItemState.GONE: [5],
    }
    (left,) = list_items(found, [ItemState.SKIPPED], 1, LIMITS)
    assert (left.skip_reason, left.evidence) == (SkipReason.IN_USE, "Not used for 100 days.")
    assert (left.organization_id, left.organization_name) == (acme.id, "Acme")


def test_its_voices_come_in_pages(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=id, created_at=LONG_AGO + id * DAY) for id in range(1, ITEMS_PER_PAGE + 11)])
    found = get_plan(EVERYTHING, create_plan(EVERYTHING, ALL, LIMITS, "key", by=SHELL, now=now), now=now)

    for states in ([], [ItemState.PENDING]):
        pages = [[item.voice.id for item in list_items(found, states, page, LIMITS)] for page in (1, 2, 3)]
        assert pages == [list(range(1, ITEMS_PER_PAGE + 1)), list(range(ITEMS_PER_PAGE + 1, ITEMS_PER_PAGE + 11)), []]


def test_a_plan_is_nobody_s_who_does_not_see_all_of_it(plan: int, acme: Organization, now: datetime) -> None:
    own = create_plan(EVERYTHING, ALL.with_changes(organization=acme.id), LIMITS, "other", by=SHELL, now=now)
    scope = Scope(frozenset({acme.id}))

    assert [one.id for one in list_plans(EVERYTHING)] == [own, plan]
    assert [one.states for one in list_plans(EVERYTHING)] == [{ItemState.PENDING: 5}, {ItemState.PENDING: 6}]
    assert [one.id for one in list_plans(scope)] == [own]
    assert list_plans(NOTHING) == []
    assert (is_plan_covered(scope, own), is_plan_covered(scope, plan), is_plan_covered(EVERYTHING, plan)) == (
        True,
        False,
        True,
    )
    assert get_plan(scope, own, now=now).filters.organization == acme.id
    for hidden in (plan, own + 1):
        with pytest.raises(PlanNotFound, match=rf"^There is no plan {hidden}\.$"):
            get_plan(scope, hidden, now=now)


def test_the_newest_plans_are_listed(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    made = [
        create_plan(EVERYTHING, ALL, LIMITS, f"key {number}", by=SHELL, now=now) for number in range(LISTED_PLANS + 1)
    ]

    assert [one.id for one in list_plans(EVERYTHING)] == made[:0:-1]


# Money


def test_the_list_counts_an_undone_plan_as_its_own_page_does(plan: int, now: datetime) -> None:
    confirm_plan(EVERYTHING, plan, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan, LIMITS, by=SHELL, now=now, seconds=60)

    undo_plan(EVERYTHING, plan, by=SHELL, now=now, seconds=60)

    (listed,) = list_plans(EVERYTHING)
    assert listed.states == get_plan(EVERYTHING, plan, now=now).states
    assert ItemState.RESTORED in listed.states
    assert ItemState.ARCHIVED not in listed.states


def price(provider: str, cents: int, currency: str = "USD", day: date = date(2026, 11, 1)) -> Price:
    return Price(provider, cents, currency, day, NOW, "tester")


def summed(voices: dict[str, int], *prices: Price) -> Any:
    return sum_savings(voices, {one.provider: one for one in prices}, today=NOW.date())


def test_money_of_two_currencies_is_never_added_up() -> None:
    found = summed(
        {"resemble": 3, "inworld": 2, "cartesia": 1},
        price("resemble", 200),
        price("inworld", 150, "EUR"),
        price("cartesia", 1),
    )

    assert found.monthly == ["3.00 EUR", "6.01 USD"]
    assert (found.slots, found.unpriced) == (6, [])


def test_an_unknown_price_is_not_zero_and_a_price_of_zero_is_known() -> None:
    assert summed({"resemble": 3}).monthly == []
    assert summed({"resemble": 3}).unpriced == ["Resemble"]
    assert summed({"resemble": 3}, price("resemble", 0)).monthly == ["0.00 USD"]
    assert summed({"resemble": 3}, price("resemble", 0)).unpriced == []


def test_what_frees_no_voice_has_no_say() -> None:
    found = summed({"resemble": 0, "inworld": 0}, price("resemble", 200, day=date(2020, 1, 1)))

    assert found == (0, [], [], False, [])


@pytest.mark.parametrize(("days", "old"), [(0, False), (183, False), (184, True), (4000, True)])
def test_a_price_is_old_after_half_a_year(days: int, old: bool) -> None:
    day = NOW.date() - timedelta(days=days)

    assert summed({"resemble": 1}, price("resemble", 1, day=day)).has_outdated_price is old
    assert summed({"resemble": 1}, price("resemble", 1, day=day)).price_dates == [day]


def test_the_oldest_and_the_newest_day_of_prices_are_told() -> None:
    days = [date(2026, 3, 1), date(2026, 11, 1), date(2026, 7, 1)]
    prices = [price(name, 100, day=day) for name, day in zip(("resemble", "inworld", "cartesia"), days, strict=True)]

    found = summed({"resemble": 1, "inworld": 1, "cartesia": 1}, *prices)

    assert (found.price_dates, found.has_outdated_price) == ([days[0], days[1]], True)
    assert summed({"inworld": 1}, *prices).has_outdated_price is False


def test_amounts_are_written_with_all_their_hundredths() -> None:
    assert [format_amount(cents, "USD") for cents in (0, 5, 120, 123_456_789)] == [
        "0.00 USD",
        "0.05 USD",
        "1.20 USD",
        "1,234,567.89 USD",
    ]


def test_a_provider_is_offered_that_has_a_name_a_voice_in_the_scope_or_a_price(acme: Organization) -> None:
    make_voice(acme, provider="playht", created_at=LONG_AGO)
    make_voice(make_organization("Other"), provider="zebra")
    set_price("paid", 1, "USD", NOW.date(), by=SHELL, now=NOW)
    named = ["elevenlabs", "resemble", "inworld", "cartesia"]

    assert list_priceable_providers(EVERYTHING) == [*named, "paid", "playht", "zebra"]
    assert list_priceable_providers(Scope(frozenset({acme.id}))) == [*named, "paid", "playht"]
    assert list(list_prices()) == ["paid"]
