"""The JSON route of the triage queue: filters, scope, errors and ETags."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization, make_voice
from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.text import MAX_ID
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus

QUEUE = "/api/v1/attention"
MOMENT = timedelta(microseconds=1)
NONE = dict.fromkeys(RULES_BY_SLUG, 0)
FAULT = {
    "reason": (
        "Input should be 'assistant-unready', 'missing', 'account-changed', 'source-failing', 'list-withheld', "
        "'failed', 'drifted', 'stuck', 'poor', 'deletion-unconfirmed', 'slots-nearly-full', 'duplicate', 'unused', "
        "'orphans' or 'never-used'"
    ),
    "assignee": "Value error, this is neither 'none' nor the e-mail of a possible assignee",
    "after": "Value error, this is not the `next` of a response",
    "number": "Input should be a valid integer, unable to parse string as an integer",
}


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Return an organization. An admin of the platform is signed in."""
    return make_organization("Acme")


def set_clock(time: datetime, patch: pytest.MonkeyPatch) -> None:
    """Set the clock to a time."""
    patch.setattr(clock, "now", lambda: time)


def apply(action: TriageAction, voice: int, **fields: Any) -> None:
    """Apply an action to a voice."""
    ref = ObjectRef(ObjectKind.VOICE, voice)
    apply_action(
        EVERYTHING,
        ActionRequest(action, (ref,), f"{action} {voice}", 0, **fields),
        AttentionThresholds(),
        by=SHELL,
        now=NOW,
    )


def fetch_queue(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """Return the response of the route."""
    response = client.get(QUEUE + query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def test_the_documented_queue_is_returned_byte_for_byte(client: FlaskClient, now: datetime) -> None:
    add_sample(now, by=SHELL, now=NOW)
    of_front_desk = db.session.scalar(text("SELECT organization_id FROM assistant WHERE id = 123"))
    db.session.rollback()

    response = client.get(f"{QUEUE}?organization={of_front_desk}&limit=2")

    assert response.content_type == "application/json"
    assert json.dumps(response.get_json()) == json.dumps(
        {
            "success": True,
            "counts": {
                "assistant-unready": 0,
                "missing": 0,
                "account-changed": 0,
                "source-failing": 0,
                "list-withheld": 0,
                "failed": 0,
                "drifted": 0,
                "stuck": 1,
                "poor": 0,
                "deletion-unconfirmed": 0,
                "slots-nearly-full": 0,
                "duplicate": 0,
                "unused": 2,
                "orphans": 0,
                "never-used": 0,
            },
            "items": [
                {
                    "kind": "voice",
                    "id": 458,
                    "name": "Training Voice Sample",
                    "organization_id": of_front_desk,
                    "organization": "Harbor View Inn",
                    "provider": "elevenlabs",
                    "voice_id": 458,
                    "voice_name": "Training Voice Sample",
                    "voice_status": "processing",
                    "reason": "stuck",
                    "severity": "high",
                    "since": "2024-01-15T15:00:00Z",
                    "assignee": None,
                    "reasons": [
                        {
                            "reason": "stuck",
                            "severity": "high",
                            "since": "2024-01-15T15:00:00Z",
                            "remedy": "Check the voice at the provider, then clone it again or archive it.",
                        }
                    ],
                },
                {
                    "kind": "voice",
                    "id": 457,
                    "name": "Resemble Brand Voice",
                    "organization_id": of_front_desk,
                    "organization": "Harbor View Inn",
                    "provider": "resemble",
                    "voice_id": 457,
                    "voice_name": "Resemble Brand Voice",
                    "voice_status": "ready",
                    "reason": "unused",
                    "severity": "low",
                    "since": "2024-01-15T12:15:00Z",
                    "assignee": None,
                    "reasons": [
                        {
                            "reason": "unused",
                            "severity": "low",
                            "since": "2024-01-15T12:15:00Z",
                            "remedy": "Archive the voice if it is not needed. Its slot stays in use until it is"
                            " deleted at the provider.",
                        }
                    ],
                },
            ],
            "next": "60.1705320900000000.457",
        }
    )


def test_parameters_select_queue_items(client: FlaskClient, acme: Organization, now: datetime) -> None:
    globex = make_organization("Globex")
    ada = make_account("Ada@acme.example", roles={acme: Role.OPERATOR})
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    make_voice(acme, id=2, status=VoiceStatus.PROCESSING, provider="playht")
    make_voice(globex, id=3, status=VoiceStatus.FAILED)
    apply(TriageAction.ASSIGN, 2, assignee_id=ada.id)

    for query, counts, listed in (
        ("", {"failed": 2, "stuck": 1}, [1, 3, 2]),
        ("?reason=&organization=&provider=&assignee=&limit=&after=&x=1", {"failed": 2, "stuck": 1}, [1, 3, 2]),
        ("?reason=stuck", {"failed": 2, "stuck": 1}, [2]),
        ("?reason=stuck&reason=failed", {"failed": 2, "stuck": 1}, [1, 3]),
        (f"?organization={globex.id}", {"failed": 1}, [3]),
        ("?provider=playht", {"stuck": 1}, [2]),
        ("?provider=cartesia", {}, []),
        ("?assignee=none", {"failed": 2}, [1, 3]),
        ("?assignee=ada@ACME.example", {"stuck": 1}, [2]),
        ("?limit=1000", {"failed": 2, "stuck": 1}, [1, 3, 2]),
        ("?limit=2", {"failed": 2, "stuck": 1}, [1, 3]),
    ):
        body = fetch_queue(client, query)

        assert body["counts"] == NONE | counts, query
        assert [item["id"] for item in body["items"]] == listed, query
    assert [item["id"] for item in fetch_queue(client, f"?limit=2&after={body['next']}")["items"]] == [2]


def test_the_default_limit_is_one_hundred_items(client: FlaskClient, acme: Organization) -> None:
    for _ in range(101):
        make_voice(acme, status=VoiceStatus.FAILED)

    body = fetch_queue(client)

    assert (len(body["items"]), body["counts"]["failed"]) == (100, 101)
    assert len(fetch_queue(client, "?after=" + body["next"])["items"]) == 1


def test_a_key_sees_only_its_scope(anonymous_client: FlaskClient, now: datetime) -> None:
    organizations = [make_organization(name) for name in ("Acme", "Globex", "Initech")]
    for organization in organizations:
        make_voice(organization, id=organization.id, status=VoiceStatus.FAILED)
    all_ids: list[int] = [organization.id for organization in organizations]

    for scope in (all_ids[:1], all_ids[1:], None):
        ids = None if scope is None else frozenset(scope)
        key = create_api_key(EVERYTHING, f"Key of {scope}", ids, expires_at=None, by=SHELL, now=NOW)
        bearer = {"Authorization": f"Bearer {key}"}
        body = anonymous_client.get(QUEUE, headers=bearer).get_json()

        visible_ids = all_ids if scope is None else scope
        assert body["counts"] == NONE | {"failed": len(visible_ids)}
        assert [item["organization_id"] for item in body["items"]] == visible_ids
        for number in [*all_ids, MAX_ID]:
            response = anonymous_client.get(f"{QUEUE}?organization={number}", headers=bearer)
            if number in visible_ids:
                assert [item["organization_id"] for item in response.get_json()["items"]] == [number]
            else:
                assert response.status_code == 404
                assert response.get_json() == {"detail": f"There is no organization {number}."}


def test_values_of_another_organization_are_rejected_like_unknown_values(
    anonymous_client: FlaskClient, now: datetime
) -> None:
    acme, globex = make_organization("Acme"), make_organization("Globex")
    make_account("bob@globex.example", roles={globex: Role.OPERATOR})
    make_voice(globex, provider="playht")
    key = create_api_key(EVERYTHING, "Key of Acme", frozenset([acme.id]), expires_at=None, by=SHELL, now=NOW)

    def refusal(query: str) -> str:
        response = anonymous_client.get(f"{QUEUE}?{query}", headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == 422
        return response.text

    assert refusal("assignee=bob@globex.example") == refusal("assignee=zed@nowhere.example").replace(
        "zed@nowhere.example", "bob@globex.example"
    )
    assert refusal("provider=playht") == refusal("provider=unknown").replace("unknown", "playht")


@pytest.mark.parametrize(
    ("name", "given", "fault", "message"),
    [
        ("reason", "Stuck", "enum", FAULT["reason"]),
        ("provider", "lmnt", "enum", "Input should be 'elevenlabs', 'resemble', 'inworld' or 'cartesia'"),
        ("assignee", "ada", "value_error", FAULT["assignee"]),
        ("assignee", "None", "value_error", FAULT["assignee"]),
        ("assignee", "1", "value_error", FAULT["assignee"]),
        ("organization", "acme", "int_parsing", FAULT["number"]),
        ("organization", "0", "greater_than_equal", "Input should be greater than or equal to 1"),
        ("organization", "9" * 30, "less_than_equal", f"Input should be less than or equal to {MAX_ID}"),
        ("limit", "0", "greater_than_equal", "Input should be greater than or equal to 1"),
        ("limit", "1001", "less_than_equal", "Input should be less than or equal to 1000"),
        ("after", "30", "value_error", FAULT["after"]),
        ("after", "30.999999999999999999.1", "value_error", FAULT["after"]),
        ("after", f"30.0.{MAX_ID + 1}", "value_error", FAULT["after"]),
        ("after", "30.0.1;--", "value_error", FAULT["after"]),
    ],
)
def test_queue_errors_have_the_format_of_fastapi(
    client: FlaskClient, name: str, given: str, fault: str, message: str
) -> None:
    response = client.get(QUEUE, query_string={name: given})

    assert response.status_code == 422
    assert response.get_json() == {"detail": [{"type": fault, "loc": ["query", name], "msg": message, "input": given}]}


def test_every_error_is_listed_before_a_missing_organization(client: FlaskClient) -> None:
    response = client.get(QUEUE + "?after=x&limit=x&assignee=x&provider=x&organization=999&reason=x")

    assert response.status_code == 422
    faulty = [fault["loc"][1] for fault in response.get_json()["detail"]]
    assert faulty == ["reason", "provider", "assignee", "limit", "after"]


def test_an_unchanged_queue_is_not_sent_again(
    client: FlaskClient, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, status=VoiceStatus.FAILED)
    first = client.get(QUEUE)
    etag = first.headers["ETag"]
    set_clock(NOW + timedelta(minutes=29), monkeypatch)

    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(QUEUE, headers={"If-None-Match": header})

        assert (again.status_code, again.data) == (304, b""), header
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    head = client.head(QUEUE)
    assert (head.headers["ETag"], head.headers["Content-Length"]) == (etag, first.headers["Content-Length"])


@pytest.mark.parametrize(
    ("reason", "voice"),
    [
        ("stuck", {"status": VoiceStatus.PROCESSING, "created_at": NOW - timedelta(minutes=10) + MOMENT}),
        ("unused", {"synthesis_count": 1, "last_used_at": NOW - timedelta(days=60) + MOMENT}),
        ("never-used", {"created_at": NOW - timedelta(days=14) + MOMENT}),
    ],
)
def test_a_finding_that_starts_by_time_alone_changes_the_etag(
    client: FlaskClient,
    acme: Organization,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    voice: dict[str, Any],
) -> None:
    make_voice(acme, id=9, **voice)
    before = client.get(QUEUE)
    assert before.get_json()["counts"] == NONE

    set_clock(NOW + MOMENT, monkeypatch)
    after = client.get(QUEUE, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.get_json()["counts"] == NONE | {reason: 1}
    assert [item["id"] for item in after.get_json()["items"]] == [9]


def test_the_end_of_a_snooze_changes_the_etag_to_the_microsecond(
    client: FlaskClient, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, id=9, status=VoiceStatus.FAILED)
    open_etag = client.get(QUEUE).headers["ETag"]
    apply(TriageAction.SNOOZE, 9, until=NOW + timedelta(minutes=20))

    set_clock(NOW + timedelta(minutes=20) - MOMENT, monkeypatch)
    snoozed = client.get(QUEUE)
    set_clock(NOW + timedelta(minutes=20), monkeypatch)

    assert snoozed.get_json()["counts"] == NONE
    assert client.get(QUEUE, headers={"If-None-Match": snoozed.headers["ETag"]}).status_code == 200
    assert client.get(QUEUE, headers={"If-None-Match": open_etag}).status_code == 304, "the queue is the same as before"


def test_every_action_changes_the_etag_of_the_queue(client: FlaskClient, acme: Organization, now: datetime) -> None:
    ada = make_account("ada@acme.example", roles={acme: Role.OPERATOR})
    make_voice(acme, id=8, status=VoiceStatus.FAILED)
    make_voice(acme, id=9, status=VoiceStatus.FAILED)
    tags = [client.get(QUEUE).headers["ETag"]]

    for change in (
        lambda: apply(TriageAction.ASSIGN, 8, assignee_id=ada.id),
        lambda: apply(TriageAction.ACKNOWLEDGE, 8),
        lambda: apply(TriageAction.ARCHIVE, 9),
        lambda: make_voice(acme, id=7, status=VoiceStatus.PROCESSING),
        lambda: make_voice(acme, id=7, name="Another name", status=VoiceStatus.PROCESSING),
    ):
        change()
        tags.append(client.get(QUEUE).headers["ETag"])

    assert len(set(tags)) == len(tags)
