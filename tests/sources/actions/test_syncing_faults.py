"""Whatever a platform sends instead of a list, no voice counts as missing and nothing is written in part."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conftest import NOW
from tests.sources.actions.scenario import (
    Platform,
    assistants,
    dump_all_but_runs,
    missing,
    newest_run,
    organizations,
    stored_voices,
)
from tests.upstream import server
from tests.upstream.burki import ASSISTANTS, VOICES, make_assistant
from tests.upstream.server import Fault, Response, StandIn
from voiceadmin.sources.clients import burki
from voiceadmin.sources.clients import transport as transports
from voiceadmin.sources.types import SyncResult

LATER = NOW + timedelta(hours=1)

ORGANIZATION = f"{ASSISTANTS}/me/organization"
COUNT = f"{ASSISTANTS}/count"

BOMB = server.gzip_bomb((64 << 20) + 1)

FAULTS: dict[str, tuple[Callable[[StandIn], Fault], str]] = {
    "a web page": (lambda _: server.html, "sent a web page instead of JSON"),
    "a redirect": (lambda _: server.redirect, "redirected the request"),
    "half of a body": (lambda _: server.truncate, "before the response was complete"),
    "no list": (lambda _: server.text(b'{"success": true}'), "is missing"),
    "no success": (lambda _: server.text(b'{"success": false, "message": "Try later", "items": []}'), "Try later"),
    "an empty body": (lambda _: server.text(b""), "instead of JSON"),
    "a number": (lambda _: server.text(b"7"), "not an object"),
    "a bomb": (lambda _: BOMB, "MB. Nothing of it was used"),
    "401": (lambda _: server.status(401), "answered 401"),
    "403": (lambda _: server.status(403), "answered 403"),
    "404 of a gateway": (lambda _: lambda r: server.html(server.status(404)(r)), "a page instead of JSON"),
    "429": (lambda _: server.status(429), "answered 429"),
    "500": (lambda _: server.status(500), "answered 500"),
    "503 of a gateway": (lambda _: lambda r: server.html(server.status(503)(r)), "answered 503"),
    "no answer": (lambda upstream: server.wait_for(upstream.released), "did not answer in time"),
}

# What the reader of the list says, which checks what the client of Burki does not.
OF_THE_LIST = {
    "a web page": "is a web page or XML",
    "no list": "“cloned_voices”",
    "no success": "without success",
    "an empty body": "is empty",
    "a number": "is not JSON",
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "READ_SECONDS", 0.3)


def show(platform: Platform, fault: Fault, path: str) -> None:
    """Show a fault at one address, and not at those below it."""
    platform.upstream.show(lambda response: response, f"{path}/")
    platform.upstream.show(fault, path)


def change(platform: Platform) -> int:
    """Remove a voice, rename another one and an assistant. Return the id of the removed voice."""
    platform.voices[0]["name"] = "Renamed"
    platform.world.assistants[0] = make_assistant(31, name="Renamed")
    id: int = platform.voices.pop()["id"]
    return id


def assert_requests_are_recorded(platform: Platform, since: int) -> None:
    """Check that the newest run has a record of each request since a number of them."""
    recorded = [record["target"].partition("?")[0] for record in json.loads(newest_run().requests)]
    assert recorded == [request.path for request in platform.upstream.requests[since:]]


@pytest.mark.parametrize("path", [ORGANIZATION, VOICES], ids=["organization", "voices"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_organization_or_voices_leaves_everything_as_it_was(
    platform: Platform, name: str, path: str
) -> None:
    build, message = FAULTS[name]
    if path == VOICES:
        message = OF_THE_LIST.get(name, message)
    elif name == "no list":
        message = "it names no organization"
    show(platform, build(platform.upstream), path)

    first = platform.sync()

    assert (first.result, message in first.messages[0]) == (SyncResult.FAILED, True), first.messages
    assert (organizations(), assistants(), stored_voices()) == ([], {}, {})
    assert_requests_are_recorded(platform, 0)
    platform.upstream.recover()
    platform.sync()
    change(platform)
    before, since = dump_all_but_runs(), len(platform.upstream.requests)
    show(platform, build(platform.upstream), path)

    later = platform.sync(LATER)

    assert (later.result, later.messages) == (SyncResult.FAILED, first.messages)
    assert dump_all_but_runs() == before
    assert_requests_are_recorded(platform, since)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_assistants_keeps_the_voices_right(platform: Platform, name: str) -> None:
    build, message = FAULTS[name]
    message = "“items” is missing" if name == "no list" else message
    platform.sync()
    former, removed, since = assistants(), change(platform), len(platform.upstream.requests)
    show(platform, build(platform.upstream), ASSISTANTS)

    report = platform.sync(LATER)

    assert report.result is SyncResult.INCOMPLETE
    assert (len(report.messages), message in report.messages[0]) == (1, True), report.messages
    assert assistants() == former
    assert json.loads(stored_voices()[801])["name"] == "Renamed"
    assert missing(platform.source_id) == {removed}
    assert_requests_are_recorded(platform, since)


def test_an_answer_that_comes_at_the_second_attempt_is_complete(platform: Platform) -> None:
    for path in (ORGANIZATION, VOICES):
        platform.upstream.show(server.status(503), path, times=1)

    report = platform.sync()

    assert report.result is SyncResult.COMPLETE
    assert [record["attempt"] for record in json.loads(newest_run().requests)] == [1, 2, 1, 1, 1, 2]


def repeat_first_page(platform: Platform) -> None:
    """Answer each page of assistants with the first one."""
    first = [platform.world.assistants[0]]
    show(platform, lambda response: response.with_document(first), ASSISTANTS)


def count_more(platform: Platform) -> None:
    """Count more assistants than are listed."""
    platform.upstream.show(server.text(b'{"count": 9}'), COUNT)


LISTINGS = {
    "a repeated page": (repeat_first_page, "A page came a second time"),
    "a total that moves": (count_more, "ended after 2 entries, but should have 9"),
}


@pytest.mark.parametrize(("spoil", "message"), LISTINGS.values(), ids=LISTINGS)
def test_assistants_that_were_read_are_written_although_others_may_lack(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Platform], None], message: str
) -> None:
    monkeypatch.setattr(burki, "PAGE_SIZE", 1)
    platform.sync()
    removed = change(platform)
    spoil(platform)

    report = platform.sync(LATER)

    assert (report.result, message in report.messages[0]) == (SyncResult.INCOMPLETE, True), report.messages
    assert assistants()[31][0] == "Renamed"
    assert set(assistants()) == {31, 32}
    assert missing(platform.source_id) == {removed}


LISTS = {
    "an interruption after a record": (lambda body: body[: body.index(b"}, {") + 1], "is incomplete or not JSON"),
    "a table": (lambda _: b"id,name\n801,Voice\n", "is not JSON"),
    "one voice": (lambda body: body[body.index(b"[") + 1 : body.index(b"}, {") + 1], "“cloned_voices”"),
    "a record a line": (lambda body: b'{"id": 801}\n{"id": 802}\n', "“cloned_voices”"),
    "the list twice": (lambda body: body[:-1] + b', "cloned_voices": []}', "twice"),
    "another list": (lambda body: body.replace(b"cloned_voices", b"voices"), "“cloned_voices”"),
    "an error": (lambda _: b'{"detail": "Try later"}', "Try later"),
    "something after the end": (lambda body: body + b"[]", "continues after its end"),
}


@pytest.mark.parametrize(("spoil", "message"), LISTS.values(), ids=LISTS)
def test_a_body_that_is_no_whole_list_is_refused(
    platform: Platform, spoil: Callable[[bytes], bytes], message: str
) -> None:
    platform.sync()
    change(platform)
    before = dump_all_but_runs()

    def fault(response: Response) -> Response:
        return server.text(spoil(response.body))(response)

    platform.upstream.show(fault, VOICES)
    report = platform.sync(LATER)

    assert (report.result, message in report.messages[0]) == (SyncResult.FAILED, True), report.messages
    assert dump_all_but_runs() == before
