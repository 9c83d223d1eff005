"""The audit log: each requester reads exactly the events that plain Python selects, in pages and as an export."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event

from tests.conftest import NOW, SHELL
from tests.factories import DAY
from tests.strategies import HOSTILE, IN_DATABASE
from voiceadmin.activity.queries import EVENTS_PER_PAGE, EXPORT_FIELDS, export_activity, list_activity
from voiceadmin.audit.actions import record_event, record_event_now
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, ActorKind, Requester, Role, SessionRow, anonymous_requester
from voiceadmin.tabular import ExportFormat, unescape_formula
from voiceadmin.text import build_name_key

ACME, OTHER, THIRD = 1, 2, 3
ADA, BO = 7, 8
NAMES = {ADA: "Ada@example.com", BO: "Bö@example.com"}
HOUR = timedelta(hours=1)


def person(id: int, global_role: Role = Role.ANYONE, **roles: Role) -> Requester:
    """Return a signed-in requester with roles by organization."""
    ids = {"acme": ACME, "other": OTHER}
    session = SessionRow(1, id, NOW, NOW, NOW, "", "")
    role_by_id = {ids[name]: role for name, role in roles.items()}
    return Requester(Actor(ActorKind.ACCOUNT, id, NAMES[id]), role_by_id, global_role, session)


REQUESTERS = {
    "platform admin": person(ADA, Role.PLATFORM),
    "admin of Acme": person(ADA, acme=Role.ADMIN),
    "operator of Acme": person(ADA, acme=Role.OPERATOR),
    "viewer of Acme, admin of Other": person(ADA, acme=Role.VIEWER, other=Role.ADMIN),
    "account without a role": person(BO),
    "anonymous": anonymous_requester(),
    "anonymous viewer": anonymous_requester(role=Role.VIEWER),
    "anonymous operator": anonymous_requester(role=Role.OPERATOR),
    "account where everyone is a viewer": person(BO, Role.VIEWER),
    "API key with the id of an account": Requester(Actor(ActorKind.KEY, ADA, "board"), {ACME: Role.VIEWER}),
}


def may_read(requester: Requester, event: AuditEventRow) -> bool:
    """Return whether a requester may read an event, in plain Python."""
    if requester.global_role is Role.PLATFORM:
        return True
    if requester.session and (event.actor_kind, event.actor_id) == (ActorKind.ACCOUNT, requester.session.account_id):
        return True
    role = max(requester.global_role, requester.roles.get(event.organization_id or 0, Role.ANYONE))
    return event.organization_id is not None and role >= event.event_type.minimum_role


def matches(filters: AuditFilters, event: AuditEventRow) -> bool:
    return (
        (not filters.who or build_name_key(filters.who) == build_name_key(event.actor_name))
        and (not filters.event_types or event.event_type in filters.event_types)
        and (filters.voice is None or (event.object_kind, event.object_id) == (ObjectKind.VOICE, filters.voice))
        and (filters.since is None or event.at >= filters.since)
        and (filters.until is None or event.at < filters.until)
        and (filters.older_than is None or event.id < filters.older_than)
    )


ROOT = REQUESTERS["platform admin"]


def pages(requester: Requester, filters: AuditFilters) -> list[AuditEventRow]:
    """Return the events of all pages."""
    found: list[AuditEventRow] = []
    while True:
        events, more = list_activity(requester, filters)
        found += events
        if not more:
            return found
        assert len(events) == EVENTS_PER_PAGE
        filters = replace(filters, older_than=events[-1].id)


@pytest.fixture
def events(app: Flask) -> list[AuditEventRow]:
    """Return three hundred events of all types, newest first."""
    randomness = random.Random(1)  # a fixed seed
    actors = [
        Actor(ActorKind.ACCOUNT, ADA, NAMES[ADA], "203.0.113.7"),
        Actor(ActorKind.ACCOUNT, BO, NAMES[BO]),
        Actor(ActorKind.KEY, ADA, "board"),
        Actor(ActorKind.CLI, None, "ada@example.com"),
        Actor(ActorKind.ANONYMOUS, None, "", "203.0.113.7"),
    ]
    event_types = list(AuditEventType)
    with write_transaction():
        for number in range(300):
            record_event(
                event_types[number % len(event_types)],
                AuditTarget(
                    randomness.choice([ObjectKind.VOICE, ObjectKind.ACCOUNT]), randomness.choice([None, 1, 2]), "thing"
                ),
                by=randomness.choice(actors),
                now=NOW + randomness.randrange(-48, 48) * HOUR,
                organizations=randomness.choice([[], [ACME], [OTHER], [THIRD]]),
                before=randomness.choice([None, {"name": "a"}]),
                after=randomness.choice([None, {"name": "b"}]),
            )
    return pages(ROOT, AuditFilters())


TIMES = st.none() | st.integers(-50, 50).map(lambda hours: NOW + hours * HOUR)
FILTERS = st.builds(
    AuditFilters,
    who=st.sampled_from(["", "", "ADA@example.com", "bö@example.com", "bo@example.com", "BOARD", "board ", "nobody"]),
    event_types=st.just(()) | st.lists(st.sampled_from(AuditEventType), max_size=3, unique=True).map(tuple),
    voice=st.none() | st.integers(1, 3),
    since=TIMES,
    until=TIMES,
    older_than=st.none() | st.integers(1, 310),
)


@pytest.mark.parametrize("who", REQUESTERS)
def test_each_requester_reads_exactly_the_permitted_events(events: list[AuditEventRow], who: str) -> None:
    assert len(events) == 300

    found = pages(REQUESTERS[who], AuditFilters())

    assert found == [event for event in events if may_read(REQUESTERS[who], event)]


def test_the_requesters_of_these_tests_read_different_events(events: list[AuditEventRow]) -> None:
    counts = {who: sum(may_read(requester, event) for event in events) for who, requester in REQUESTERS.items()}

    assert counts["anonymous"] == 0
    assert len(set(counts.values())) >= 7
    assert all(0 < number < 300 for who, number in counts.items() if who not in ("anonymous", "platform admin"))


@IN_DATABASE
@given(who=st.sampled_from(sorted(REQUESTERS)), filters=FILTERS)
def test_filters_find_the_same_events_as_plain_python(
    events: list[AuditEventRow], who: str, filters: AuditFilters
) -> None:
    requester = REQUESTERS[who]
    expected = [event for event in events if may_read(requester, event) and matches(filters, event)]

    assert pages(requester, filters) == expected

    rows = [json.loads(text) for text in "".join(export_activity(requester, filters, ExportFormat.NDJSON)).splitlines()]
    assert [row["id"] for row in rows] == [event.id for event in expected]


@pytest.mark.parametrize("number", [0, 1, EVENTS_PER_PAGE - 1, EVENTS_PER_PAGE, EVENTS_PER_PAGE + 1])
def test_a_page_tells_whether_there_are_older_events(app: Flask, number: int) -> None:
    with write_transaction():
        for _ in range(number):
            record_event(AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW)

    events, more = list_activity(ROOT, AuditFilters())

    assert (len(events), more) == (min(number, EVENTS_PER_PAGE), number > EVENTS_PER_PAGE)
    assert EVENTS_PER_PAGE == 50


def test_the_start_of_a_period_is_inclusive_and_its_end_exclusive(app: Flask) -> None:
    for hours in (-1, 0, 1):
        record_event_now(
            AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW + hours * HOUR
        )

    def found(since: datetime | None, until: datetime | None) -> list[int]:
        return [event.id for event in list_activity(ROOT, AuditFilters(since=since, until=until))[0]]

    assert found(NOW, None) == [3, 2]
    assert found(None, NOW) == [1]
    assert found(NOW, NOW + HOUR) == [2]
    assert found(NOW, NOW) == []


@pytest.mark.parametrize("who", REQUESTERS)
def test_a_page_executes_one_statement(events: list[AuditEventRow], who: str) -> None:
    db.session.rollback()
    seen: list[Any] = []
    sqlalchemy_event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    list_activity(REQUESTERS[who], AuditFilters(who="board", event_types=(AuditEventType.KEY_CREATED,)))

    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1


# Export


@pytest.fixture
def hostile(app: Flask) -> list[AuditEventRow]:
    """Return events with hostile texts."""
    with write_transaction():
        for text in HOSTILE:
            record_event(
                AuditEventType.VOICE_CHANGED,
                AuditTarget(ObjectKind.VOICE, 5, text),
                by=Actor(ActorKind.KEY, 3, text, "203.0.113.7"),
                now=NOW + timedelta(microseconds=len(text)),
                organizations=[ACME],
                before={"name": text, "score": None},
                after={"name": [text]},
                note=text,
            )
    return pages(ROOT, AuditFilters())


def test_a_csv_export_reads_back_and_contains_no_formula(hostile: list[AuditEventRow]) -> None:
    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV))

    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert list(rows[0]) == list(EXPORT_FIELDS)
    assert len(rows) == len(HOSTILE) == len(hostile)
    for row, event in zip(rows, hostile, strict=True):
        assert [unescape_formula(row[name]) for name in ("actor_name", "object_name", "note")] == [
            event.object_name
        ] * 3
        assert json.loads(row["before"]) == event.before
        assert json.loads(row["after"]) == event.after
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row.values())
        assert (row["id"], row["actor_kind"], row["event_type"], row["object_kind"], row["organization_id"]) == (
            str(event.id),
            "key",
            "voice-changed",
            "voice",
            "1",
        )


def test_an_ndjson_export_reads_back(hostile: list[AuditEventRow]) -> None:
    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.NDJSON))

    rows = [json.loads(row) for row in text.removesuffix("\n").split("\n")]

    assert [list(row) for row in rows] == [list(EXPORT_FIELDS)] * len(hostile)
    for row, event in zip(rows, hostile, strict=True):
        assert datetime.fromisoformat(row.pop("at")) == event.at
        assert row == {name: getattr(event, name) for name in EXPORT_FIELDS if name != "at"}


def test_a_csv_row_has_its_time_in_utc_and_empty_cells_for_unknown_values(app: Flask) -> None:
    record_event_now(
        AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, "sample data"), by=SHELL, now=NOW + DAY
    )

    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV))

    assert text.split("\r\n") == [
        ",".join(EXPORT_FIELDS),
        "1,2026-11-23T14:00:00Z,cli,,tester,,sample-added,,database,,sample data,,,,,",
        "",
    ]


def test_an_export_contains_all_permitted_events_and_more_than_a_page(events: list[AuditEventRow]) -> None:
    requester = REQUESTERS["viewer of Acme, admin of Other"]

    text = "".join(export_activity(requester, AuditFilters(), ExportFormat.NDJSON))

    expected = [event.id for event in events if may_read(requester, event)]
    assert [json.loads(row)["id"] for row in text.splitlines()] == expected
    assert len(expected) > EVENTS_PER_PAGE


def test_an_empty_export_has_a_csv_header_or_no_content(app: Flask) -> None:
    assert "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV)).startswith("id,at,")
    assert list(export_activity(ROOT, AuditFilters(), ExportFormat.NDJSON)) == []
