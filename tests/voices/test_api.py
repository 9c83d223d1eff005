"""The JSON route of cloned voices: compatibility with the platform, ETags and exact values."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import NOW, SHELL
from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.text import MAX_ID
from voiceadmin.voices.queries import build_voices_body
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.body_cache import ResponseBodyCache

ROUTE = "/api/v1/assistants/{}/cloned-voices"
STATUS_FAULT = "Input should be 'processing', 'ready', 'failed' or 'archived'"


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Return an organization with the assistants 31 and 32."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    make_assistant(acme, id=32)
    return acme


def list_ids(client: FlaskClient, address: str) -> list[int]:
    """Return the ids that the route lists."""
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

    assert list_ids(client, ROUTE.format(31)) == list_ids(client, ROUTE.format(32)) == [first.id, second.id]


def test_a_fraction_of_a_second_is_written_only_when_there_is_one(client: FlaskClient, acme: Organization) -> None:
    make_voice(acme, created_at=datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC))

    (voice,) = client.get(ROUTE.format(31)).get_json()["cloned_voices"]

    assert voice["created_at"] == "2026-01-01T00:00:00.250000Z"


def test_status_and_provider_are_combined(client: FlaskClient, acme: Organization) -> None:
    ready = make_voice(acme, provider="resemble")
    make_voice(acme, provider="resemble", status=VoiceStatus.FAILED)
    make_voice(acme)

    assert list_ids(client, ROUTE.format(31) + "?status=ready&provider=resemble") == [ready.id]


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

    assert list_ids(client, ROUTE.format(31) + query) == expected


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

    assert list_ids(client, ROUTE.format(31) + "?provider=playht") == [own.id]
    assert list_ids(client, ROUTE.format(31) + "?provider=cartesia") == []
    refused = client.get(ROUTE.format(31) + "?provider=lmnt")
    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["msg"] == (
        "Input should be 'elevenlabs', 'resemble', 'inworld', 'cartesia' or 'playht'"
    )


def test_an_invalid_query_is_reported_before_a_missing_assistant(client: FlaskClient) -> None:
    assert client.get(ROUTE.format(999) + "?status=reddy").status_code == 422
    assert client.get(ROUTE.format(999) + "?provider=unknown").status_code == 404


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
    response = client.get("/api/v1/unknown")

    assert (response.status_code, response.get_json()) == (404, {"detail": "Not Found"})


# ETags


def fetch_etag(client: FlaskClient, query: str = "", assistant: int = 31) -> str:
    """Return the ETag of a list."""
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


@pytest.mark.parametrize("header", ["*", "W/{}", '"other", {}', '"a,b" , {} , "c"', "{gzip}", "W/{gzip}"])
def test_every_form_of_if_none_match_is_understood(client: FlaskClient, acme: Organization, header: str) -> None:
    etag = fetch_etag(client)

    assert (
        client.get(
            ROUTE.format(31), headers={"If-None-Match": header.format(etag, gzip=f'{etag[:-1]}-gzip"')}
        ).status_code
        == 304
    )


def test_the_etag_depends_on_the_query(client: FlaskClient, acme: Organization) -> None:
    queries = ["", "?status=ready", "?provider=resemble", "?status=ready&provider=resemble", "?skip=1", "?limit=1"]

    assert len({fetch_etag(client, query) for query in queries}) == len(queries)
    assert fetch_etag(client, "?status=&x=1") == fetch_etag(client)
    assert fetch_etag(client, "?provider=resemble&status=ready") == fetch_etag(client, queries[3])


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
    before = fetch_etag(client)

    with write_transaction():
        db.session.execute(text(statement))

    after = client.get(ROUTE.format(31), headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.headers["ETag"] != before


def test_a_write_to_another_organization_keeps_the_etag(client: FlaskClient, acme: Organization) -> None:
    before = fetch_etag(client)

    make_voice(make_organization("Other"))
    make_assistant(acme)

    assert fetch_etag(client) == before


def test_organizations_have_different_etags(client: FlaskClient, acme: Organization) -> None:
    make_assistant(id=77)

    assert fetch_etag(client) != fetch_etag(client, assistant=77)


def test_another_database_has_other_etags(client: FlaskClient, acme: Organization) -> None:
    before = fetch_etag(client)
    name = db.session.scalar(text("SELECT name FROM database_identity"))

    with write_transaction():
        db.session.execute(text("UPDATE database_identity SET name = 'another'"))
    try:
        assert fetch_etag(client) != before
    finally:
        with write_transaction():
            db.session.execute(text("UPDATE database_identity SET name = :name"), {"name": name})


@pytest.mark.databases("sqlite", "postgresql")
def test_the_body_and_its_etag_belong_together(
    app: Flask, client: FlaskClient, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write between the two statements of a response affects both or neither of them."""
    make_voice(acme, id=9001, name="Before")
    before = fetch_etag(client)

    def build_after_write(*args: Any) -> tuple[str, bytes]:
        def write() -> None:
            with app.app_context(), write_transaction():
                db.session.execute(text("UPDATE cloned_voice SET name = 'After'"))

        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        return build_voices_body(*args)

    with monkeypatch.context() as patch:
        patch.setattr("voiceadmin.voices.api.bodies", ResponseBodyCache(0))
        patch.setattr("voiceadmin.voices.api.build_voices_body", build_after_write)
        response = client.get(ROUTE.format(31))

    after = fetch_etag(client)
    name = response.get_json()["cloned_voices"][0]["name"]
    assert after != before
    assert (name, response.headers["ETag"]) in {("Before", before), ("After", after)}
    assert client.get(ROUTE.format(31)).get_json()["cloned_voices"][0]["name"] == "After"


def test_an_unchanged_list_is_built_once(
    client: FlaskClient, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, name="Once")
    first = client.get(ROUTE.format(31)).data

    def fail(*_: Any) -> bytes:
        raise AssertionError("the body was built again")

    monkeypatch.setattr("voiceadmin.voices.api.build_voices_body", fail)

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
