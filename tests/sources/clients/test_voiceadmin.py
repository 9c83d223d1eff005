"""Another voiceadmin: lists of named assistants, each read only if it has changed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.burki import make_voice
from tests.upstream.server import Fault, Request, Response, StandIn, as_json
from voiceadmin.sources.clients.outcomes import Complete, FaultKind, RequestRecord, UpstreamFailed
from voiceadmin.sources.clients.voiceadmin import Voiceadmin, build_headers

FIRST, SECOND = "/api/v1/assistants/31/cloned-voices", "/api/v1/assistants/62/cloned-voices"


class Peer:
    """A server with the lists of two assistants. Each has an ETag."""

    def __init__(self) -> None:
        self.lists = {FIRST: [make_voice(801), make_voice(802)], SECOND: [make_voice(802), make_voice(803)]}

    def answer(self, request: Request) -> Response:
        """Answer as the JSON route does."""
        if request.headers.get("authorization") != "Bearer key":
            return as_json({"detail": "The API key is not valid."}, 401)
        if request.path not in self.lists:
            return as_json({"detail": "There is no such assistant."}, 404)
        etag = f'"{hash(json.dumps(self.lists[request.path]))}"'
        if request.headers.get("if-none-match") == etag:
            return Response(304, b"", {"ETag": etag})
        return as_json({"success": True, "cloned_voices": self.lists[request.path]}).with_header("ETag", etag)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def upstream(peer: Peer, run: Run) -> StandIn:
    return run(StandIn(peer.answer))


def download(client: Voiceadmin, *assistant_ids: int) -> tuple[str, Any]:
    """The path of the first list, and the body that was written, None if none was."""
    file = io.BytesIO()
    path = client.download_voices(file, assistant_ids)
    return path, json.loads(file.getvalue()) if file.getvalue() else None


def make_client(connect: Connect, upstream: StandIn, *assistant_ids: int) -> Voiceadmin:
    return Voiceadmin(connect(upstream, **build_headers("key")), assistant_ids)


def list_ids(body: Any) -> list[int]:
    return [voice["id"] for voice in body["cloned_voices"]]


def test_the_list_of_one_assistant_is_written_as_it_was_sent(peer: Peer, upstream: StandIn, connect: Connect) -> None:
    path, body = download(make_client(connect, upstream), 31)

    assert (path, body) == (FIRST, {"success": True, "cloned_voices": peer.lists[FIRST]})


def test_the_lists_of_several_assistants_are_one_with_each_voice_once(upstream: StandIn, connect: Connect) -> None:
    path, body = download(make_client(connect, upstream), 31, 62)

    assert (path, list_ids(body)) == (FIRST, [801, 802, 803])


def test_lists_that_have_not_changed_are_not_sent_again(
    upstream: StandIn, connect: Connect, records: list[RequestRecord]
) -> None:
    client = make_client(connect, upstream)
    download(client, 31, 62)

    assert download(client, 31, 62) == ("", None)
    assert [(record.status, record.size, record.fault) for record in records[2:]] == [(304, 0, None)] * 2
    assert set(client.etags) == {FIRST, SECOND}


def test_a_list_that_has_not_changed_is_read_again_if_another_one_has(
    peer: Peer, upstream: StandIn, connect: Connect
) -> None:
    client = make_client(connect, upstream)
    download(client, 31, 62)
    peer.lists[SECOND].append(make_voice(804))

    _, body = download(client, 31, 62)

    assert sorted(list_ids(body)) == [801, 802, 803, 804]
    assert download(client, 31, 62) == ("", None)


def test_one_list_that_has_changed_is_written(peer: Peer, upstream: StandIn, connect: Connect) -> None:
    client = make_client(connect, upstream)
    download(client, 31)
    peer.lists[FIRST].pop()

    assert list_ids(download(client, 31)[1]) == [801]


FAULTS: dict[str, tuple[Fault, FaultKind]] = {
    "no list": (server.without("cloned_voices"), FaultKind.WRONG_SHAPE),
    "no success": (server.with_field("success", False), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.WRONG_SHAPE),
    "403": (server.status(403), FaultKind.RIGHT_MISSING),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
    "304 that was not asked for": (lambda _: Response(304, b""), FaultKind.REDIRECTED),
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_one_of_several_lists_is_a_fault_of_all(
    upstream: StandIn, connect: Connect, fault: Fault, kind: FaultKind
) -> None:
    upstream.show(fault, SECOND)

    with pytest.raises(UpstreamFailed) as raised:
        download(make_client(connect, upstream), 31, 62)

    assert raised.value.fault.kind is kind


def test_a_source_without_assistants_cannot_be_read(upstream: StandIn, connect: Connect) -> None:
    with pytest.raises(UpstreamFailed, match="Name an assistant of it"):
        download(make_client(connect, upstream))

    assert upstream.requests == []


def test_the_check_of_a_key_requests_one_voice_of_each_assistant(upstream: StandIn, connect: Connect) -> None:
    client = make_client(connect, upstream, 31, 62)

    client.check_list()
    client.check_assistants()

    assert [(request.path, request.query) for request in upstream.requests] == [
        (path, {"limit": "1"}) for path in (FIRST, FIRST, SECOND)
    ]
    with pytest.raises(UpstreamFailed):
        make_client(connect, upstream, 31, 99).check_assistants()


def test_neither_assistants_nor_an_organization_are_told(upstream: StandIn, connect: Connect) -> None:
    client = make_client(connect, upstream, 31)

    assert client.list_assistants() == Complete((), 0)
    assert client.read_organization() == ("", "")
    assert upstream.requests == []
