"""Requests end in JSON or in a fault that says what came, whatever an upstream sends."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.server import Fault, Request, Response, StandIn, as_json
from voiceadmin import clock
from voiceadmin.sources.clients import outcomes
from voiceadmin.sources.clients import transport as transports
from voiceadmin.sources.clients.outcomes import FaultKind, RequestRecord, UpstreamFailed
from voiceadmin.sources.clients.transport import ATTEMPTS, BODY_LIMIT

BODY = {"voices": ["ä", "b"]}


def answer(_: Request) -> Response:
    return as_json(BODY)


@pytest.fixture
def upstream(run: Run) -> StandIn:
    return run(StandIn(answer))


def fail(connect: Connect, upstream: StandIn | str) -> outcomes.Fault:
    with pytest.raises(UpstreamFailed) as raised:
        connect(upstream).get_json("/list")
    return raised.value.fault


def test_a_get_request_returns_the_decoded_body_and_sends_the_headers(upstream: StandIn, connect: Connect) -> None:
    body = connect(upstream, Authorization="Bearer key").get_json("/list", {"page": 2, "q": "a b"})

    (request,) = upstream.requests
    assert body == BODY
    assert (request.path, request.query) == ("/list", {"page": "2", "q": "a b"})
    assert (request.headers["authorization"], request.headers["user-agent"]) == ("Bearer key", "voiceadmin")


def test_a_base_address_may_have_a_path(run: Run, connect: Connect) -> None:
    upstream = run(StandIn(answer))

    connect(upstream.address + "/api/v2/").get_json("/voices")

    assert upstream.requests[0].path == "/api/v2/voices"


UNUSABLE: dict[str, tuple[Fault, FaultKind]] = {
    "a web page": (server.html, FaultKind.NOT_JSON),
    "nothing": (server.text(b""), FaultKind.NOT_JSON),
    "deep nesting": (server.text(b"[" * 100_000), FaultKind.NOT_JSON),
    "half of an object": (server.text(b'{"a": 1'), FaultKind.NOT_JSON),
    "not UTF-8": (server.text(b"\xff\xfe\xfa"), FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "a gzip bomb": (server.gzip_bomb(BODY_LIMIT + 1), FaultKind.TOO_LARGE),
    "a long name": (server.text(b'"' + b"a" * BODY_LIMIT + b'"'), FaultKind.TOO_LARGE),
    "an unknown encoding": (lambda response: response.with_header("Content-Encoding", "br"), FaultKind.WRONG_SHAPE),
    "401": (server.status(401), FaultKind.KEY_REFUSED),
    "403": (server.status(403), FaultKind.RIGHT_MISSING),
    "404": (server.status(404), FaultKind.NOT_FOUND),
    "404 of a gateway": (lambda response: replace(server.html(response), status=404), FaultKind.WRONG_SHAPE),
    "402": (server.status(402), FaultKind.QUOTA_USED_UP),
    "400": (server.status(400), FaultKind.REQUEST_REFUSED),
    "418": (server.status(418), FaultKind.REQUEST_REFUSED),
}


@pytest.mark.parametrize(("fault", "kind"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_response_that_cannot_be_used_is_not_requested_again(
    upstream: StandIn, connect: Connect, records: list[RequestRecord], fault: Fault, kind: FaultKind
) -> None:
    upstream.show(fault)

    failed = fail(connect, upstream)

    assert failed.kind is kind
    assert [record.fault for record in records] == [failed]
    assert len(upstream.requests) == 1


PASSING: dict[str, tuple[Fault, FaultKind]] = {
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
    "half of a compressed body": (lambda response: server.truncate(server.zipped(response)), FaultKind.TRUNCATED),
    "not compressed": (lambda response: response.with_header("Content-Encoding", "gzip"), FaultKind.TRUNCATED),
    "429": (server.status(429), FaultKind.RATE_LIMITED),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "503": (server.status(503), FaultKind.SERVER_FAILED),
}


@pytest.mark.parametrize(("fault", "kind"), PASSING.values(), ids=PASSING)
def test_a_request_is_repeated_where_that_can_help_and_at_most_five_times(
    upstream: StandIn, connect: Connect, records: list[RequestRecord], fault: Fault, kind: FaultKind
) -> None:
    upstream.show(fault)

    assert fail(connect, upstream).kind is kind
    assert [record.attempt for record in records] == [1, 2, 3, 4, 5]
    assert len(upstream.requests) == ATTEMPTS == 5


def test_a_request_succeeds_after_two_failures(
    upstream: StandIn, connect: Connect, records: list[RequestRecord]
) -> None:
    upstream.show(server.status(500), times=1)
    upstream.show(server.truncate, times=1)

    assert connect(upstream).get_json("/list") == BODY
    assert [record.fault and record.fault.kind for record in records] == [
        FaultKind.SERVER_FAILED,
        FaultKind.TRUNCATED,
        None,
    ]


def test_a_compressed_body_is_decoded(upstream: StandIn, connect: Connect) -> None:
    upstream.show(server.zipped)

    assert connect(upstream).get_json("/list") == BODY


def test_a_server_that_does_not_answer_is_timed_out(
    upstream: StandIn, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "READ_SECONDS", 0.05)
    upstream.show(server.wait_for(upstream.released))

    failed = fail(connect, upstream)

    assert (failed.kind, failed.status) == (FaultKind.TIMED_OUT, None)
    assert "did not answer in time" in failed.message


def test_a_response_that_never_ends_is_ended(
    upstream: StandIn, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "RESPONSE_SECONDS", -1)

    assert fail(connect, upstream).kind is FaultKind.TIMED_OUT


def test_a_server_that_cannot_be_reached_and_one_that_resets_connections_are_told_apart(connect: Connect) -> None:
    with server.refuse_connections() as address:
        unreachable = fail(connect, address)
    with server.reset_connections() as address:
        reset = fail(connect, address)

    assert (unreachable.kind, reset.kind) == (FaultKind.UNREACHABLE, FaultKind.TRUNCATED)


def test_a_server_without_tls_at_an_https_address_gets_no_key(upstream: StandIn, connect: Connect) -> None:
    failed = fail(connect, upstream.address.replace("http:", "https:"))

    assert failed.kind is FaultKind.INSECURE
    assert upstream.requests == []


@pytest.mark.parametrize("seconds", ["7", "31"])
def test_a_short_retry_after_is_obeyed_and_a_long_one_ends_the_request(
    upstream: StandIn, connect: Connect, seconds: str
) -> None:
    upstream.show(server.status(429, Retry_After=seconds))

    failed = fail(connect, upstream)

    assert failed.retry_after == float(seconds)
    assert len(upstream.requests) == (5 if seconds == "7" else 1)


def test_retry_after_may_be_a_date(upstream: StandIn, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    upstream.show(server.status(429, Retry_After=format_datetime(now + timedelta(minutes=2), usegmt=True)))

    assert fail(connect, upstream).retry_after == 120


def test_the_record_of_a_request_has_its_outcome_and_no_key(
    upstream: StandIn, connect: Connect, records: list[RequestRecord]
) -> None:
    upstream.show(lambda response: response.with_header("x-request-id", "req-1"))

    connect(upstream, xi_api_key="secret").get_json("/list", {"page": 1})

    (record,) = records
    assert (record.method, record.target, record.attempt, record.status) == ("GET", "/list?page=1", 1, 200)
    assert (record.size, record.request_id, record.fault) == (
        len(upstream.respond(upstream.requests[0]).body),
        "req-1",
        None,
    )
    assert "secret" not in repr(record)


@pytest.mark.parametrize("header", [{"xi_api_key": "planted-key"}, {"Authorization": "Bearer planted-key"}], ids=str)
def test_a_key_that_an_upstream_repeats_in_its_message_is_removed(
    upstream: StandIn, connect: Connect, header: dict[str, str]
) -> None:
    upstream.show(server.status(401, {"detail": {"status": "planted-key", "message": "Invalid key planted-key."}}))

    with pytest.raises(UpstreamFailed) as raised:
        connect(upstream, **header).get_json("/list")

    assert "planted-key" not in repr(raised.value.fault)
    assert "Invalid key (key removed)." in raised.value.fault.message


def test_a_long_listing_is_written_to_a_file_and_begun_anew_after_a_failure(
    upstream: StandIn, connect: Connect
) -> None:
    file = io.BytesIO()
    upstream.show(server.truncate, times=1)

    connect(upstream).download("/list", {}, file, 100)

    assert file.getvalue() == as_json(BODY).body


def test_a_delete_request_is_never_repeated(upstream: StandIn, connect: Connect) -> None:
    upstream.show(server.status(500))

    with pytest.raises(UpstreamFailed):
        connect(upstream).delete("/voices/1")

    assert [request.method for request in upstream.requests] == ["DELETE"]
