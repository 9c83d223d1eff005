"""The activity page and its export."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.conftest import SHELL
from tests.factories import DAY, make_account, make_assistant, make_organization, make_voice, sign_in
from tests.page import OpenPage, Page
from voiceadmin.activity.queries import list_activity
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.actions import record_event, record_event_now
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, anonymous_requester
from voiceadmin.organizations.models import Organization

ADA = Actor(ActorKind.ACCOUNT, 999, "ada@example.com", "203.0.113.7")
SAMPLE_DATA = AuditTarget(ObjectKind.DATABASE, None, "sample data")


@pytest.fixture
def acme(app: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """Return a browser in which an admin of Acme is signed in."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def open_page_as(client: FlaskClient, address: str) -> Page:
    response = client.get(address)
    assert response.status_code == 200, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def read_export_links(found: Page) -> list[str]:
    addresses = [node.attributes.get("href", "") for node in found.root.one("main").all("a")]
    return [address for address in addresses if address.startswith("/activity.")]


def read_object_names(found: Page) -> list[str]:
    """Return the name of the object of each row."""
    cells = found.root.one("tbody").all("td", **{"data-label": "Object"})
    return [next(node.text for node in cell.walk() if node is not cell and node.text) for cell in cells]


def list_audit_events() -> list[AuditEventRow]:
    """Return all audit events, newest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0]


def test_an_empty_audit_log_shows_a_message(open_page: OpenPage) -> None:
    found = open_page("/activity")

    assert found.rows() == [["There are no entries that you may read yet."]]
    assert not found.root.all("nav", **{"aria-label": "Pages"})


def test_a_row_shows_time_actor_action_object_and_changes(
    open_page: OpenPage, acme: Organization, now: datetime
) -> None:
    voice = make_voice(acme, id=456)
    record_event_now(
        AuditEventType.VOICE_CHANGED,
        AuditTarget(ObjectKind.VOICE, 456, "Lobby"),
        by=ADA,
        now=now - timedelta(minutes=5),
        organizations=[acme.id],
        before={"name": "Old", "quality_score": None},
        after={"name": "Lobby", "quality_score": 0.5},
        note="import",
    )
    record_event_now(
        AuditEventType.VOICES_IMPORTED,
        AuditTarget(ObjectKind.ASSISTANT, 31, ""),
        by=Actor(ActorKind.KEY, 1, "board"),
        now=now,
        after={"added": 2},
    )
    record_event_now(
        AuditEventType.SIGN_IN_FAILED,
        AuditTarget(ObjectKind.ACCOUNT, None, "x@y"),
        by=anonymous_requester("::1").actor,
        now=now,
    )

    found = open_page("/activity")

    expected = [
        ["2026-11-22 14:00:00 UTC", ["Not signed in", "::1"], "failed to sign in", ["x@y"], []],
        [
            "2026-11-22 14:00:00 UTC",
            ["board", "API key"],
            "imported 2 new or changed voices",
            ["assistant", "31"],
            ["added", "2"],
        ],
        [
            "2026-11-22 13:55:00 UTC",
            ["ada@example.com", "203.0.113.7"],
            "changed a voice",
            ["Lobby", "456"],
            ["name", "Old", "Lobby", "quality", "0.5"],
        ],
    ]
    assert len(found.rows()) == len(expected)
    for row, (at, actor, action, target, change) in zip(found.rows(), expected, strict=True):
        assert row[0].startswith(str(at))
        assert row[2].startswith(str(action))
        for cell, pieces in ((row[1], actor), (row[3], target), (row[4], change)):
            assert all(piece.lower() in cell.lower() for piece in pieces), row
    assert "import" in found.rows()[2][2]
    assert found.link("ada@example.com") == "/activity?who=ada@example.com"
    assert found.link("Lobby") == f"/voices/{voice.id}"
    assert read_export_links(found) == ["/activity.csv", "/activity.excel", "/activity.json", "/activity.ndjson"]


def test_an_admin_sees_events_of_the_own_organization(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    for number, organization in enumerate((acme.id, other.id, None)):
        target = AuditTarget(ObjectKind.KEY, number, f"key {number}")
        record_event_now(
            AuditEventType.KEY_CREATED,
            target,
            by=SHELL,
            now=now,
            organizations=[] if organization is None else [organization],
        )

    assert read_object_names(open_page_as(admin, "/activity")) == ["key 0"]


def test_the_admins_of_all_organizations_of_a_key_see_one_event_about_it(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    other, third = make_organization("Other"), make_organization("Third")
    for name, organizations in {"ours": [acme], "shared": [acme, other], "theirs": [other, third]}.items():
        ids = frozenset(int(organization.id) for organization in organizations)
        create_api_key(EVERYTHING, name, ids, expires_at=None, by=SHELL, now=now)
    create_api_key(EVERYTHING, "all", None, expires_at=None, by=SHELL, now=now)
    admin_of_both = make_account("bo@example.com", roles={acme: Role.ADMIN, other: Role.ADMIN})
    viewer = make_account("vi@example.com", roles={acme: Role.VIEWER})

    assert read_object_names(open_page_as(admin, "/activity")) == ["shared", "ours"]
    assert read_object_names(open_page_as(sign_in(admin, admin_of_both), "/activity")) == ["theirs", "shared", "ours"]
    assert read_object_names(open_page_as(sign_in(admin, viewer), "/activity")) == []


def test_events_about_other_objects_with_the_id_of_a_key_stay_hidden(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    create_api_key(EVERYTHING, "ours", frozenset({int(acme.id)}), expires_at=None, by=SHELL, now=now)
    for kind in ObjectKind:
        if kind is not ObjectKind.KEY:
            record_event_now(AuditEventType.SESSION_ENDED, AuditTarget(kind, 1, kind.value), by=SHELL, now=now)

    assert read_object_names(open_page_as(admin, "/activity")) == ["ours"]


@pytest.fixture
def several(client: FlaskClient, acme: Organization, now: datetime) -> None:
    make_assistant(acme, id=31)
    make_voice(acme, id=456)
    for days, (event_type, target, by) in enumerate(
        [
            (AuditEventType.KEY_CREATED, AuditTarget(ObjectKind.KEY, 1, "board"), ADA),
            (AuditEventType.VOICE_CHANGED, AuditTarget(ObjectKind.VOICE, 456, "Lobby"), ADA),
            (AuditEventType.SAMPLE_ADDED, SAMPLE_DATA, SHELL),
        ]
    ):
        record_event_now(event_type, target, by=by, now=now - days * DAY)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ["sample data", "Lobby", "board"]),
        ("who=ADA@example.com", ["Lobby", "board"]),
        ("who=ada", []),
        ("kind=key-created&kind=sample-added", ["sample data", "board"]),
        ("voice=456", ["Lobby"]),
        ("voice=1", []),
        ("since=2026-11-21", ["Lobby", "board"]),
        ("until=2026-11-21", ["sample data", "Lobby"]),
        ("since=2026-11-21&until=2026-11-21", ["Lobby"]),
        ("older=3", ["Lobby", "board"]),
    ],
)
def test_filters_select_rows(open_page: OpenPage, arguments: str, expected: list[str]) -> None:
    found = open_page(f"/activity?{arguments}")

    assert read_object_names(found) == expected
    if not expected:
        assert len(found.rows()) == 1
        assert found.rows()[0][0].startswith("No entries")
        assert found.link("Clear filters") == "/activity"


@pytest.mark.usefixtures("several")
def test_filters_are_kept_in_the_form_and_in_the_export_links(open_page: OpenPage) -> None:
    found = open_page("/activity?who=ada@example.com&voice=456&since=2026-11-01&until=2026-11-30&kind=voice-changed")

    shown = {
        name: found.root.one("input", name=name).attributes["value"] for name in ("who", "voice", "since", "until")
    }
    assert shown == {"who": "ada@example.com", "voice": "456", "since": "2026-11-01", "until": "2026-11-30"}
    arguments = "who=ada%40example.com&kind=voice-changed&voice=456&since=2026-11-01&until=2026-11-30"
    formats = ("csv", "excel", "json", "ndjson")
    assert read_export_links(found) == [f"/activity.{format}?{arguments}" for format in formats]


@pytest.mark.parametrize(
    ("argument", "label", "fault"),
    [
        ("since=soon", "From", '"soon" is not a date. Write it as 2026-01-31.'),
        ("until=2026-02-30", "To", '"2026-02-30" is not a date. Write it as 2026-01-31.'),
        ("kind=x", "Action", '"x" is not a kind of activity. Choose from the list.'),
        ("voice=x", "Voice ID", '"x" is not an ID. Enter a whole number, such as 456.'),
        ("older=0", "Older than", '"0" is not an ID. Enter a whole number, such as 456.'),
        ("who=a%00b", "Who", "This contains control characters. Remove them."),
    ],
)
def test_an_invalid_argument_is_reported_without_a_list(
    open_page: OpenPage, argument: str, label: str, fault: str
) -> None:
    for address in ("/activity", "/activity.csv"):
        found = open_page(f"{address}?{argument}", 422)

        assert not found.root.all("table")
        assert f"{label}: {fault}" in found.root.one("div", role="alert").text
    assert list_audit_events() == []


def test_pages_link_to_older_and_to_the_newest_events(open_page: OpenPage, now: datetime) -> None:
    with write_transaction():
        for number in range(101):
            record_event(
                AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, f"no. {number}"), by=SHELL, now=now
            )

    seen: list[str] = []
    address, sizes = "/activity?who=tester", []
    while True:
        found = open_page(address)
        seen += read_object_names(found)
        sizes.append(len(found.rows()))
        pager = found.root.one("nav", **{"aria-label": "Pages"}).text
        if "Older" not in pager:
            break
        address = found.link("Older entries")
        assert address.startswith("/activity?who=tester&older=")

    assert seen == [f"no. {number}" for number in range(100, -1, -1)]
    assert sizes == [50, 50, 1]
    assert pager == "Newest entries"
    assert found.link("Newest entries") == "/activity?who=tester"


def test_the_page_executes_one_statement_besides_those_of_every_page(client: FlaskClient, now: datetime) -> None:
    for _ in range(60):
        record_event_now(AuditEventType.SAMPLE_ADDED, SAMPLE_DATA, by=SHELL, now=now)
    seen: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    counts = []

    for path in ("/no-such-page", "/activity"):
        seen.clear()
        client.get(path)
        counts.append(len([statement for statement in seen if statement.startswith("SELECT")]))

    assert counts[1] - counts[0] == 1


# Export


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("format", "content_type"),
    [("csv", "text/csv; charset=utf-8"), ("json", "application/json"), ("ndjson", "application/x-ndjson")],
)
def test_an_export_contains_the_filtered_events_and_records_one_itself(
    client: FlaskClient, now: datetime, format: str, content_type: str
) -> None:
    response = client.get(f"/activity.{format}?who=ada@example.com&kind=key-created&kind=voice-changed")

    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.headers["Content-Disposition"] == f'attachment; filename="activity-2026-11-22.{format}"'
    if format == "csv":
        lines: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(response.text, newline="")))
    elif format == "json":
        lines = json.loads(response.text)
    else:
        lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["object_name"] for line in lines] == ["Lobby", "board"]
    newest = list_audit_events()[0]
    assert (newest.event_type, newest.actor_name, newest.address, newest.at) == (
        AuditEventType.ACTIVITY_EXPORTED,
        "root@example.com",
        "127.0.0.1",
        now,
    )
    assert (newest.object_kind, newest.object_id, newest.object_name) == (ObjectKind.DATABASE, None, "activity")
    assert newest.after == {
        "format": format,
        "filters": {"who": "ada@example.com", "kind": ["key-created", "voice-changed"]},
    }
    assert len(list_audit_events()) == 4


def test_an_export_contains_more_than_a_page_and_its_own_event(client: FlaskClient, now: datetime) -> None:
    with write_transaction():
        for _ in range(120):
            record_event(AuditEventType.SAMPLE_ADDED, SAMPLE_DATA, by=SHELL, now=now)

    lines = [json.loads(line) for line in client.get("/activity.ndjson").text.splitlines()]

    assert len(lines) == 121
    assert lines[0]["event_type"] == "activity-exported"


def test_an_export_contains_only_permitted_events(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    record_event_now(
        AuditEventType.KEY_CREATED, AuditTarget(ObjectKind.KEY, 1, "ours"), by=SHELL, now=now, organizations=[acme.id]
    )
    record_event_now(AuditEventType.KEY_CREATED, AuditTarget(ObjectKind.KEY, 2, "theirs"), by=SHELL, now=now)

    lines = [json.loads(line) for line in admin.get("/activity.ndjson").text.splitlines()]

    assert [line["object_name"] for line in lines] == ["activity", "ours"]


@pytest.mark.parametrize("format", ["JSON", "CSV", "html", "csvx"])
def test_other_export_formats_are_not_found(open_page: OpenPage, format: str) -> None:
    open_page(f"/activity.{format}", 404)

    assert list_audit_events() == []
