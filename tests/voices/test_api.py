"""The JSON routes, as a client that was written for the platform meets them, and a monitor."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_assistant, make_organization, make_voice
from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.text import MAX_ID
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.queries import build_voices_body
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.body_cache import ResponseBodyCache

ROUTE = "/api/v1/assistants/{}/cloned-voices"
STATUS_FAULT = "Input should be 'processing', 'ready', 'failed' or 'archived'"


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Acme, whose assistants are 31 and 32."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    make_assistant(acme, id=32)
    return acme


def ids(client: FlaskClient, address: str) -> list[int]:
    """The ids that the route lists."""
    response = client.get(address)
    assert response.status_code == 200, response.text
    return [voice["id"] for voice in response.get_json()["cloned_voices"]]


def test_the_documented_response_is_returned_byte_for_byte(client: FlaskClient, now: datetime) -> None:
    add_sample(now, by=SHELL, now=NOW)

    response = client.get(ROUTE.format(123))

    assert response.content_type == "application/json"
    assert response.get_json() == {
        "success": True,
        "cloned_voices": [
            {
                "id": 456,
                "name": "Custom Professional Voice",
                "provider": "elevenlabs",
                "provider_voice_id": "voice_abc123xyz",
                "language": "en",
                "gender": None,
                "status": "ready",
                "quality_score": 0.95,
                "created_at": "2024-01-15T10:45:00Z",
                "last_used_at": "2024-01-15T14:30:00Z",
                "synthesis_count": 47,
            },
            {
                "id": 457,
                "name": "Resemble Brand Voice",
                "provider": "resemble",
                "provider_voice_id": "uuid-def456-ghi789",
                "language": "en",
                "gender": "female",
                "status": "ready",
                "quality_score": 0.98,
                "created_at": "2024-01-14T16:20:00Z",
                "last_used_at": "2024-01-15T12:15:00Z",
                "synthesis_count": 23,
            },
            {
                "id": 458,
                "name": "Training Voice Sample",
                "provider": "elevenlabs",
                "provider_voice_id": "voice_training123",
                "language": "en",
                "gender": None,
                "status": "processing",
                "quality_score": None,
                "created_at": "2024-01-15T15:00:00Z",
                "last_used_at": None,
                "synthesis_count": 0,
            },
        ],
    }


def test_every_assistant_of_an_organization_has_the_same_voices_by_id(client: FlaskClient, acme: Organization) -> None:
    second, first = make_voice(acme, id=9002), make_voice(acme, id=9001)
    make_voice(make_organization("Other"))

    assert ids(client, ROUTE.format(31)) == ids(client, ROUTE.format(32)) == [first.id, second.id]


def test_a_fraction_of_a_second_is_written_only_when_there_is_one(client: FlaskClient, acme: Organization) -> None:
    make_voice(acme, created_at=datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC))

    (voice,) = client.get(ROUTE.format(31)).get_json()["cloned_voices"]

    assert voice["created_at"] == "2026-01-01T00:00:00.250000Z"


def test_status_and_provider_are_combined(client: FlaskClient, acme: Organization) -> None:
    ready = make_voice(acme, provider="resemble")
    make_voice(acme, provider="resemble", status=VoiceStatus.FAILED)
    make_voice(acme)

    assert ids(client, ROUTE.format(31) + "?status=ready&provider=resemble") == [ready.id]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1001, 1002, 1003]),
        ("?status=&provider=&skip=&limit=", [1001, 1002, 1003]),
        ("?status=failed&status=ready", [1001, 1002]),
        ("?unknown=1&page=7", [1001, 1002, 1003]),
        ("?skip=1", [1002, 1003]),
        ("?limit=2", [1001, 1002]),
        ("?skip=1&limit=1", [1002]),
        (f"?skip={MAX_ID}&limit={MAX_ID}", []),
        ("?skip=%2B1", [1002, 1003]),
    ],
)
def test_parameters_select_voices(client: FlaskClient, acme: Organization, query: str, expected: list[int]) -> None:
    make_voice(acme, id=1003, status=VoiceStatus.FAILED)
    make_voice(acme, id=1001)
    make_voice(acme, id=1002)

    assert ids(client, ROUTE.format(31) + query) == expected


@pytest.mark.parametrize("number", ["999", "0", "-1", str(MAX_ID + 1), "1" * 5000, "+999", "-" + "9" * 5000])
def test_an_impossible_assistant_id_is_not_found(client: FlaskClient, acme: Organization, number: str) -> None:
    response = client.get(ROUTE.format(number))

    assert response.status_code == 404
    assert response.get_json() == {"detail": f"Assistant with ID {number} not found"}


@pytest.mark.parametrize("word", ["x", "1e3", "٣", "1_000", "NaN", "1.0", "%20 1", "0x1", "+", "3%0A", "%00", "１"])
def test_an_id_that_is_not_an_integer_is_a_path_error(client: FlaskClient, acme: Organization, word: str) -> None:
    response = client.get(ROUTE.format(word))

    assert response.status_code == 422
    (fault,) = response.get_json()["detail"]
    assert fault["type"] == "int_parsing"
    assert fault["loc"] == ["path", "assistant_id"]
    assert fault["msg"] == "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize("number", ["31", "+31", "0031"])
def test_an_integer_may_have_a_sign_and_zeros(client: FlaskClient, acme: Organization, number: str) -> None:
    assert client.get(ROUTE.format(number)).status_code == 200


def test_an_invalid_status_is_reported_as_fastapi_does(client: FlaskClient, acme: Organization) -> None:
    response = client.get(ROUTE.format(31) + "?status=reddy")

    assert response.status_code == 422
    assert response.content_type == "application/json"
    assert response.get_json() == {
        "detail": [{"type": "enum", "loc": ["query", "status"], "msg": STATUS_FAULT, "input": "reddy"}]
    }


def test_all_errors_are_listed_path_first(client: FlaskClient) -> None:
    response = client.get(ROUTE.format("x") + "?status=READY&limit=0&skip=-1")

    assert [fault["loc"] for fault in response.get_json()["detail"]] == [
        ["path", "assistant_id"],
        ["query", "status"],
        ["query", "skip"],
        ["query", "limit"],
    ]


def test_a_valid_provider_has_a_label_or_is_one_of_the_organization(client: FlaskClient, acme: Organization) -> None:
    own = make_voice(acme, provider="playht")
    make_voice(make_organization("Other"), provider="lmnt")

    assert ids(client, ROUTE.format(31) + "?provider=playht") == [own.id]
    assert ids(client, ROUTE.format(31) + "?provider=cartesia") == []
    refused = client.get(ROUTE.format(31) + "?provider=lmnt")
    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["msg"] == (
        "Input should be 'elevenlabs', 'resemble', 'inworld', 'cartesia' or 'playht'"
    )


def test_an_invalid_query_is_reported_before_a_missing_assistant(client: FlaskClient) -> None:
    assert client.get(ROUTE.format(999) + "?status=reddy").status_code == 422
    assert client.get(ROUTE.format(999) + "?provider=whatever").status_code == 404


def test_head_responds_as_get_without_the_body(client: FlaskClient, acme: Organization) -> None:
    make_voice(acme)

    got, head = client.get(ROUTE.format(31)), client.head(ROUTE.format(31))

    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_other_methods_are_rejected_as_json(client: FlaskClient, acme: Organization) -> None:
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)(ROUTE.format(31))

        assert response.status_code == 405
        assert response.get_json() == {"detail": "Method Not Allowed"}
        assert "GET" in response.headers["Allow"]


def test_an_unknown_api_url_is_rejected_as_json(client: FlaskClient) -> None:
    response = client.get("/api/v1/nothing")

    assert (response.status_code, response.get_json()) == (404, {"detail": "Not Found"})


# ETag


def tag(client: FlaskClient, query: str = "", assistant: int = 31) -> str:
    """The ETag of a list."""
    return client.get(ROUTE.format(assistant) + query).headers["ETag"]


def test_an_unchanged_list_is_not_sent_again(client: FlaskClient, acme: Organization) -> None:
    make_voice(acme)
    first = client.get(ROUTE.format(31))

    again = client.get(ROUTE.format(31), headers={"If-None-Match": first.headers["ETag"]})

    assert not first.headers["ETag"].startswith("W/")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("header", ["*", "W/{}", '"other", {}', '"a,b" , {} , "c"'])
def test_every_form_of_if_none_match_is_understood(client: FlaskClient, acme: Organization, header: str) -> None:
    etag = tag(client)

    assert client.get(ROUTE.format(31), headers={"If-None-Match": header.format(etag)}).status_code == 304


def test_the_etag_depends_on_the_query(client: FlaskClient, acme: Organization) -> None:
    queries = ["", "?status=ready", "?provider=resemble", "?status=ready&provider=resemble", "?skip=1", "?limit=1"]

    assert len({tag(client, query) for query in queries}) == len(queries)
    assert tag(client, "?status=&x=1") == tag(client)
    assert tag(client, "?provider=resemble&status=ready") == tag(client, queries[3])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cloned_voice SET synthesis_count = synthesis_count + 1 WHERE id = 9001",
        "UPDATE cloned_voice SET name = 'Other' WHERE id = 9001",
        "DELETE FROM cloned_voice WHERE id = 9001",
    ],
)
def test_every_write_changes_the_etag_even_manual_sql(client: FlaskClient, acme: Organization, statement: str) -> None:
    make_voice(acme, id=9001)
    before = tag(client)

    with write_transaction():
        db.session.execute(text(statement))

    after = client.get(ROUTE.format(31), headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.headers["ETag"] != before


def test_a_write_to_another_organization_keeps_the_etag(client: FlaskClient, acme: Organization) -> None:
    before = tag(client)

    make_voice(make_organization("Other"))
    make_assistant(acme)

    assert tag(client) == before


def test_organizations_have_different_etags(client: FlaskClient, acme: Organization) -> None:
    make_assistant(id=77)

    assert tag(client) != tag(client, assistant=77)


def test_another_database_has_other_etags(client: FlaskClient, acme: Organization) -> None:
    before = tag(client)
    name = db.session.scalar(text("SELECT name FROM database_identity"))

    with write_transaction():
        db.session.execute(text("UPDATE database_identity SET name = 'another'"))
    try:
        assert tag(client) != before
    finally:
        with write_transaction():
            db.session.execute(text("UPDATE database_identity SET name = :name"), {"name": name})


def test_the_body_and_its_etag_belong_to_one_snapshot(
    store: Flask, client: FlaskClient, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that lands between the two statements of an answer is in neither of them."""
    make_voice(acme, id=9001, name="Before")
    before = tag(client)

    def with_a_write_in_between(*args: Any) -> bytes:
        def write() -> None:
            with store.app_context(), write_transaction():
                db.session.execute(text("UPDATE cloned_voice SET name = 'After'"))

        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        return build_voices_body(*args)

    with monkeypatch.context() as patch:
        patch.setattr("voiceadmin.voices.api.bodies", ResponseBodyCache(0))
        patch.setattr("voiceadmin.voices.api.build_voices_body", with_a_write_in_between)
        response = client.get(ROUTE.format(31))

    assert response.headers["ETag"] == before
    assert response.get_json()["cloned_voices"][0]["name"] == "Before"
    assert client.get(ROUTE.format(31)).get_json()["cloned_voices"][0]["name"] == "After"
    assert tag(client) != before


def test_an_unchanged_list_is_built_once(
    client: FlaskClient, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, name="Once")
    first = client.get(ROUTE.format(31)).data

    def never(*_: Any) -> bytes:
        raise AssertionError("put together again")

    monkeypatch.setattr("voiceadmin.voices.api.build_voices_body", never)

    assert client.get(ROUTE.format(31)).data == first


def test_names_in_every_script_and_hostile_texts_are_returned_unchanged(
    client: FlaskClient, acme: Organization
) -> None:
    names = [
        "明るい案内",
        "😀 \u202e",
        "</script><!--",
        '"\\\n\t\u2028',
        "'; DROP TABLE cloned_voice; --",
        "x" * 10_000,
    ]
    for name in names:
        make_voice(acme, name=name)

    body = json.loads(client.get(ROUTE.format(31)).data)

    assert [voice["name"] for voice in body["cloned_voices"]] == names


def test_extreme_numbers_are_returned_unchanged(client: FlaskClient, acme: Organization) -> None:
    scores = [0.0, 1.0, 0.1 + 0.2, 0.8999999999999999, 5e-324, 1 / 3]
    for score in scores:
        make_voice(acme, quality_score=score, synthesis_count=MAX_ID)

    voices = client.get(ROUTE.format(31)).get_json()["cloned_voices"]

    assert [voice["quality_score"] for voice in voices] == scores
    assert {voice["synthesis_count"] for voice in voices} == {MAX_ID}


# What needs a person

QUEUE = "/api/v1/attention"
MOMENT = timedelta(microseconds=1)
NONE = dict.fromkeys(RULES_BY_SLUG, 0)
FAULT = {
    "reason": "Input should be 'assistant-unready', 'failed', 'stuck', 'poor', 'duplicate', 'unused' or 'never-used'",
    "assignee": "Value error, this is neither 'none' nor the e-mail of a possible assignee",
    "after": "Value error, this is not the `next` of a response",
    "number": "Input should be a valid integer, unable to parse string as an integer",
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is just now, counting a small store is not dear."""
    monkeypatch.setattr("voiceadmin.web.stats_cache.SLOW", 3600)


def at(time: datetime, patch: pytest.MonkeyPatch) -> None:
    """Let it be this time."""
    patch.setattr(clock, "now", lambda: time)


def order(act: TriageAction, voice: int, **fields: Any) -> None:
    """Do something to a voice at the desk."""
    ref = ObjectRef(ObjectKind.VOICE, voice)
    apply_action(
        EVERYTHING, ActionRequest(act, (ref,), f"{act} {voice}", 0, **fields), AttentionThresholds(), by=SHELL, now=NOW
    )


def queue(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """What the route answers."""
    response = client.get(QUEUE + query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    return answer


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
                "failed": 0,
                "stuck": 1,
                "poor": 0,
                "duplicate": 0,
                "unused": 2,
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
    order(TriageAction.ASSIGN, 2, assignee_id=ada.id)

    for query, numbers, listed in (
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
        answer = queue(client, query)

        assert answer["counts"] == NONE | numbers, query
        assert [item["id"] for item in answer["items"]] == listed, query
    assert [item["id"] for item in queue(client, f"?limit=2&after={answer['next']}")["items"]] == [2]


def test_the_default_limit_is_one_hundred_items(client: FlaskClient, acme: Organization) -> None:
    for _ in range(101):
        make_voice(acme, status=VoiceStatus.FAILED)

    answer = queue(client)

    assert (len(answer["items"]), answer["counts"]["failed"]) == (100, 101)
    assert len(queue(client, "?after=" + answer["next"])["items"]) == 1


def test_a_key_sees_only_its_scope(stranger: FlaskClient, now: datetime) -> None:
    places = [make_organization(name) for name in ("Acme", "Globex", "Initech")]
    for place in places:
        make_voice(place, id=place.id, status=VoiceStatus.FAILED)
    everywhere: list[int] = [place.id for place in places]

    for scope in (everywhere[:1], everywhere[1:], None):
        ids = None if scope is None else frozenset(scope)
        key = create_api_key(EVERYTHING, f"Key of {scope}", ids, expires_at=None, by=SHELL, now=NOW)
        bearer = {"Authorization": f"Bearer {key}"}
        answer = stranger.get(QUEUE, headers=bearer).get_json()

        inside = everywhere if scope is None else scope
        assert answer["counts"] == NONE | {"failed": len(inside)}
        assert [item["organization_id"] for item in answer["items"]] == inside
        for number in [*everywhere, MAX_ID]:
            response = stranger.get(f"{QUEUE}?organization={number}", headers=bearer)
            if number in inside:
                assert [item["organization_id"] for item in response.get_json()["items"]] == [number]
            else:
                assert response.status_code == 404
                assert response.get_json() == {"detail": f"There is no organization {number}."}


def test_values_of_another_organization_are_rejected_like_unknown_values(stranger: FlaskClient, now: datetime) -> None:
    acme, globex = make_organization("Acme"), make_organization("Globex")
    make_account("bob@globex.example", roles={globex: Role.OPERATOR})
    make_voice(globex, provider="playht")
    key = create_api_key(EVERYTHING, "Key of Acme", frozenset([acme.id]), expires_at=None, by=SHELL, now=NOW)

    def refusal(query: str) -> str:
        response = stranger.get(f"{QUEUE}?{query}", headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == 422
        return response.text

    assert refusal("assignee=bob@globex.example") == refusal("assignee=zed@nowhere.example").replace(
        "zed@nowhere.example", "bob@globex.example"
    )
    assert refusal("provider=playht") == refusal("provider=nobody").replace("nobody", "playht")


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
    at(NOW + timedelta(minutes=29), monkeypatch)

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

    at(NOW + MOMENT, monkeypatch)
    after = client.get(QUEUE, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.get_json()["counts"] == NONE | {reason: 1}
    assert [item["id"] for item in after.get_json()["items"]] == [9]


def test_the_end_of_a_snooze_changes_the_etag_to_the_microsecond(
    client: FlaskClient, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, id=9, status=VoiceStatus.FAILED)
    loud = client.get(QUEUE).headers["ETag"]
    order(TriageAction.SNOOZE, 9, until=NOW + timedelta(minutes=20))

    at(NOW + timedelta(minutes=20) - MOMENT, monkeypatch)
    quiet = client.get(QUEUE)
    at(NOW + timedelta(minutes=20), monkeypatch)

    assert quiet.get_json()["counts"] == NONE
    assert client.get(QUEUE, headers={"If-None-Match": quiet.headers["ETag"]}).status_code == 200
    assert client.get(QUEUE, headers={"If-None-Match": loud}).status_code == 304, "it is what it was"


def test_every_action_changes_the_etag_of_the_queue(client: FlaskClient, acme: Organization, now: datetime) -> None:
    ada = make_account("ada@acme.example", roles={acme: Role.OPERATOR})
    make_voice(acme, id=8, status=VoiceStatus.FAILED)
    make_voice(acme, id=9, status=VoiceStatus.FAILED)
    tags = [client.get(QUEUE).headers["ETag"]]

    for change in (
        lambda: order(TriageAction.ASSIGN, 8, assignee_id=ada.id),
        lambda: order(TriageAction.ACKNOWLEDGE, 8),
        lambda: order(TriageAction.ARCHIVE, 9),
        lambda: make_voice(acme, id=7, status=VoiceStatus.PROCESSING),
        lambda: make_voice(acme, id=7, name="Another name", status=VoiceStatus.PROCESSING),
    ):
        change()
        tags.append(client.get(QUEUE).headers["ETag"])

    assert len(set(tags)) == len(tags)


def test_expensive_counts_are_cached_for_a_minute_and_items_are_not(
    client: FlaskClient, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceadmin.web.stats_cache.SLOW", 0)
    for query in ("", "?assignee=none"):
        assert queue(client, query)["counts"] == NONE
    make_voice(acme, status=VoiceStatus.FAILED)

    for late, number in ((timedelta(0), 0), (timedelta(minutes=1) - MOMENT, 0), (timedelta(minutes=1), 1)):
        at(NOW + late, monkeypatch)
        for query in ("", "?assignee=none"):
            answer = queue(client, query)
            assert (answer["counts"]["failed"], len(answer["items"])) == (number, 1), late
