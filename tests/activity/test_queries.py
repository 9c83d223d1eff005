"""The audit trail as each may read it: exactly the lines that plain Python picks, page by page and as a file."""

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
from sqlalchemy import event

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
    """Somebody who signed in; roles by the names of organizations."""
    ids = {"acme": ACME, "other": OTHER}
    session = SessionRow(1, id, NOW, NOW, NOW, "", "")
    held = {ids[name]: role for name, role in roles.items()}
    return Requester(Actor(ActorKind.ACCOUNT, id, NAMES[id]), held, global_role, session)


VISITORS = {
    "admin of the platform": person(ADA, Role.PLATFORM),
    "admin of Acme": person(ADA, acme=Role.ADMIN),
    "operator of Acme": person(ADA, acme=Role.OPERATOR),
    "viewer of Acme, admin of Other": person(ADA, acme=Role.VIEWER, other=Role.ADMIN),
    "somebody without a role": person(BO),
    "nobody": anonymous_requester(),
    "nobody, where all may view": anonymous_requester(role=Role.VIEWER),
    "nobody, where all may operate": anonymous_requester(role=Role.OPERATOR),
    "a person, where all may view": person(BO, Role.VIEWER),
    "a key with the number of a person": Requester(Actor(ActorKind.KEY, ADA, "board"), {ACME: Role.VIEWER}),
}


def reads(requester: Requester, line: AuditEventRow) -> bool:
    """What the rule says, in plain Python."""
    if requester.global_role is Role.PLATFORM:
        return True
    if requester.session and (line.actor_kind, line.actor_id) == (ActorKind.ACCOUNT, requester.session.account_id):
        return True
    role = max(requester.global_role, requester.roles.get(line.organization_id or 0, Role.ANYONE))
    return line.organization_id is not None and role >= line.event_type.minimum_role


def matches(filters: AuditFilters, line: AuditEventRow) -> bool:
    return (
        (not filters.who or build_name_key(filters.who) == build_name_key(line.actor_name))
        and (not filters.event_types or line.event_type in filters.event_types)
        and (filters.voice is None or (line.object_kind, line.object_id) == (ObjectKind.VOICE, filters.voice))
        and (filters.since is None or line.at >= filters.since)
        and (filters.until is None or line.at < filters.until)
        and (filters.older_than is None or line.id < filters.older_than)
    )


ROOT = VISITORS["admin of the platform"]


def pages(requester: Requester, filters: AuditFilters) -> list[AuditEventRow]:
    """All pages after one another, as a reader goes on."""
    found: list[AuditEventRow] = []
    while True:
        lines, more = list_activity(requester, filters)
        found += lines
        if not more:
            return found
        assert len(lines) == EVENTS_PER_PAGE
        filters = replace(filters, older_than=lines[-1].id)


@pytest.fixture
def lines(store: Flask) -> list[AuditEventRow]:
    """Three hundred lines of all kinds, the newest first."""
    dice = random.Random(1)  # always the same
    actors = [
        Actor(ActorKind.ACCOUNT, ADA, NAMES[ADA], "203.0.113.7"),
        Actor(ActorKind.ACCOUNT, BO, NAMES[BO]),
        Actor(ActorKind.KEY, ADA, "board"),
        Actor(ActorKind.CLI, None, "ada@example.com"),
        Actor(ActorKind.ANONYMOUS, None, "", "203.0.113.7"),
    ]
    words = list(AuditEventType)
    with write_transaction():
        for number in range(300):
            record_event(
                words[number % len(words)],
                AuditTarget(dice.choice([ObjectKind.VOICE, ObjectKind.ACCOUNT]), dice.choice([None, 1, 2]), "thing"),
                by=dice.choice(actors),
                now=NOW + dice.randrange(-48, 48) * HOUR,
                organization_id=dice.choice([None, ACME, OTHER, THIRD]),
                before=dice.choice([None, {"name": "a"}]),
                after=dice.choice([None, {"name": "b"}]),
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


@pytest.mark.parametrize("who", VISITORS)
def test_everybody_reads_exactly_what_they_may(lines: list[AuditEventRow], who: str) -> None:
    assert len(lines) == 300

    found = pages(VISITORS[who], AuditFilters())

    assert found == [line for line in lines if reads(VISITORS[who], line)]


def test_the_visitors_of_these_tests_read_different_things(lines: list[AuditEventRow]) -> None:
    numbers = {who: sum(reads(requester, line) for line in lines) for who, requester in VISITORS.items()}

    assert numbers["nobody"] == 0
    assert len(set(numbers.values())) >= 7
    assert all(0 < number < 300 for who, number in numbers.items() if who not in ("nobody", "admin of the platform"))


@IN_DATABASE
@given(who=st.sampled_from(sorted(VISITORS)), filters=FILTERS)
def test_filters_find_exactly_what_plain_python_finds(
    lines: list[AuditEventRow], who: str, filters: AuditFilters
) -> None:
    requester = VISITORS[who]
    expected = [line for line in lines if reads(requester, line) and matches(filters, line)]

    assert pages(requester, filters) == expected

    rows = [json.loads(text) for text in "".join(export_activity(requester, filters, ExportFormat.NDJSON)).splitlines()]
    assert [row["id"] for row in rows] == [line.id for line in expected]


@pytest.mark.parametrize("number", [0, 1, EVENTS_PER_PAGE - 1, EVENTS_PER_PAGE, EVENTS_PER_PAGE + 1])
def test_a_page_says_whether_there_are_older_lines(store: Flask, number: int) -> None:
    with write_transaction():
        for _ in range(number):
            record_event(AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW)

    lines, more = list_activity(ROOT, AuditFilters())

    assert (len(lines), more) == (min(number, EVENTS_PER_PAGE), number > EVENTS_PER_PAGE)
    assert EVENTS_PER_PAGE == 50


def test_bounds_in_time_are_the_first_in_and_the_second_out(store: Flask) -> None:
    for hours in (-1, 0, 1):
        record_event_now(
            AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW + hours * HOUR
        )

    def found(since: datetime | None, until: datetime | None) -> list[int]:
        return [line.id for line in list_activity(ROOT, AuditFilters(since=since, until=until))[0]]

    assert found(NOW, None) == [3, 2]
    assert found(None, NOW) == [1]
    assert found(NOW, NOW + HOUR) == [2]
    assert found(NOW, NOW) == []


@pytest.mark.parametrize("who", VISITORS)
def test_a_page_takes_one_statement(lines: list[AuditEventRow], who: str) -> None:
    db.session.rollback()
    seen: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    list_activity(VISITORS[who], AuditFilters(who="board", event_types=(AuditEventType.KEY_CREATED,)))

    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1


# Files


@pytest.fixture
def hostile(store: Flask) -> list[AuditEventRow]:
    """Lines with whatever people call things."""
    with write_transaction():
        for text in HOSTILE:
            record_event(
                AuditEventType.VOICE_CHANGED,
                AuditTarget(ObjectKind.VOICE, 5, text),
                by=Actor(ActorKind.KEY, 3, text, "203.0.113.7"),
                now=NOW + timedelta(microseconds=len(text)),
                organization_id=ACME,
                before={"name": text, "score": None},
                after={"name": [text]},
                note=text,
            )
    return pages(ROOT, AuditFilters())


def test_csv_reads_back_and_holds_no_formula(hostile: list[AuditEventRow]) -> None:
    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV))

    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert list(rows[0]) == list(EXPORT_FIELDS)
    assert len(rows) == len(HOSTILE) == len(hostile)
    for row, line in zip(rows, hostile, strict=True):
        assert [unescape_formula(row[name]) for name in ("actor_name", "object_name", "note")] == [line.object_name] * 3
        assert json.loads(row["before"]) == line.before
        assert json.loads(row["after"]) == line.after
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row.values())
        assert (row["id"], row["actor_kind"], row["event_type"], row["object_kind"], row["organization_id"]) == (
            str(line.id),
            "key",
            "voice-changed",
            "voice",
            "1",
        )


def test_ndjson_reads_back(hostile: list[AuditEventRow]) -> None:
    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.NDJSON))

    rows = [json.loads(row) for row in text.removesuffix("\n").split("\n")]

    assert [list(row) for row in rows] == [list(EXPORT_FIELDS)] * len(hostile)
    for row, line in zip(rows, hostile, strict=True):
        assert datetime.fromisoformat(row.pop("at")) == line.at
        assert row == {name: getattr(line, name) for name in EXPORT_FIELDS if name != "at"}


def test_a_line_in_a_file_says_its_time_in_utc_and_nothing_for_what_is_not_known(store: Flask) -> None:
    record_event_now(
        AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, "sample data"), by=SHELL, now=NOW + DAY
    )

    text = "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV))

    assert text.split("\r\n") == [
        ",".join(EXPORT_FIELDS),
        "1,2026-11-23T14:00:00Z,cli,,tester,,sample-added,,database,,sample data,,,,,",
        "",
    ]


def test_a_file_holds_what_its_reader_may_read_and_more_than_a_page(lines: list[AuditEventRow]) -> None:
    requester = VISITORS["viewer of Acme, admin of Other"]

    text = "".join(export_activity(requester, AuditFilters(), ExportFormat.NDJSON))

    expected = [line.id for line in lines if reads(requester, line)]
    assert [json.loads(row)["id"] for row in text.splitlines()] == expected
    assert len(expected) > EVENTS_PER_PAGE


def test_an_empty_file_has_a_head_or_nothing(store: Flask) -> None:
    assert "".join(export_activity(ROOT, AuditFilters(), ExportFormat.CSV)).startswith("id,at,")
    assert list(export_activity(ROOT, AuditFilters(), ExportFormat.NDJSON)) == []
