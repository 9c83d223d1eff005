"""Resemble: the whole list or an outcome that is not complete, the state of a voice, the limit and look-ups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.resemble import BASE, ResembleWorld, make_team, make_voice
from tests.upstream.server import Fault, StandIn
from voiceadmin.sources.clients.outcomes import Broken, Complete, FaultKind, Incomplete, Outcome, UpstreamFailed
from voiceadmin.sources.clients.resemble import Resemble, build_headers, parse_voice
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import (
    Absent,
    Found,
    ProviderClient,
    ProviderState,
    ProviderVoice,
    SlotKind,
    Unclear,
)


def make_client(connect: Connect, upstream: StandIn, key: str = "key") -> Resemble:
    transport: Transport = connect(upstream.address + BASE, **build_headers(key))
    return Resemble(transport)


def list_voices(connect: Connect, upstream: StandIn) -> Outcome[ProviderVoice]:
    client: ProviderClient = make_client(connect, upstream)
    listings = client.list_voices()
    assert list(listings) == ["voices"]
    return listings["voices"]


@pytest.fixture
def world() -> ResembleWorld:
    """An account with three pages of voices."""
    world = ResembleWorld(make_voice(f"voice{number}") for number in range(50))
    world.largest_page = 20
    return world


ENVELOPES: dict[str, tuple[set[str], int]] = {
    "of the pages": ({"page", "page_count", "total_results"}, 3),
    "of the OpenAPI document": ({"page", "num_pages", "page_size"}, 3),
    "without the number of the page": ({"num_pages"}, 3),
    "without the number of pages": ({"page", "page_size"}, 4),
}


@pytest.mark.parametrize(("envelope", "pages"), ENVELOPES.values(), ids=ENVELOPES)
def test_all_pages_are_read_with_each_envelope_and_without_one_to_an_empty_page(
    world: ResembleWorld, run: Run, connect: Connect, envelope: set[str], pages: int
) -> None:
    world.envelope = envelope
    upstream = run(world.start())

    outcome = list_voices(connect, upstream)

    assert isinstance(outcome, Complete)
    assert [voice.id for voice in outcome.items] == [f"voice{number}" for number in range(50)]
    assert outcome.pages == pages
    queries = [(request.query["page"], request.query["page_size"]) for request in upstream.requests]
    assert queries == [(str(page), "1000") for page in range(1, pages + 1)]


@pytest.mark.parametrize("envelope", [{"page_count"}, {"num_pages"}, set()], ids=str)
def test_an_empty_account_is_complete_and_empty(run: Run, connect: Connect, envelope: set[str]) -> None:
    world = ResembleWorld()
    world.envelope = envelope

    assert list_voices(connect, run(world.start())) == Complete((), 1)


ODD_COUNTS: dict[str, dict[str, Any]] = {
    "null": {"page_count": None},
    "0": {"page_count": 0},
    "true": {"page_count": True},
    "a list": {"page_count": []},
    "two that differ": {"page_count": 1, "num_pages": 3},
    "a text": {"page_count": "3"},
}


@pytest.mark.parametrize("counts", ODD_COUNTS.values(), ids=ODD_COUNTS)
def test_no_odd_number_of_pages_ends_the_listing_early(
    world: ResembleWorld, run: Run, connect: Connect, counts: dict[str, Any]
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response.with_document({**response.document, **counts}))

    outcome = list_voices(connect, upstream)

    assert isinstance(outcome, Complete)
    assert len(outcome.items) == 50


INCOMPLETE: dict[str, tuple[Fault, FaultKind]] = {
    "no list": (server.without("items"), FaultKind.WRONG_SHAPE),
    "null as list": (server.with_field("items", None), FaultKind.WRONG_SHAPE),
    "an object as list": (server.with_field("items", {}), FaultKind.WRONG_SHAPE),
    "a bare list": (server.bare("items"), FaultKind.WRONG_SHAPE),
    "no success": (server.with_field("success", False), FaultKind.WRONG_SHAPE),
    "another page": (server.with_field("page", 3), FaultKind.WRONG_SHAPE),
    "an empty page before the last": (server.with_field("items", []), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "404": (server.status(404), FaultKind.NOT_FOUND),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "429": (server.status(429), FaultKind.RATE_LIMITED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("good_pages", [0, 1])
def test_a_fault_on_any_page_is_never_the_end_of_the_listing(
    world: ResembleWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind, good_pages: int
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response, times=good_pages)
    upstream.show(fault)

    outcome = list_voices(connect, upstream)

    if good_pages:
        assert isinstance(outcome, Incomplete)
        assert len(outcome.items) == 20
    else:
        assert isinstance(outcome, Broken)
    assert outcome.fault.kind is kind


@pytest.mark.parametrize("envelope", [{"page_count"}, set()], ids=str)
def test_a_server_that_sends_the_first_page_for_each_number_is_noticed(
    world: ResembleWorld, run: Run, connect: Connect, envelope: set[str]
) -> None:
    world.envelope = envelope
    upstream = run(world.start())
    upstream.show(server.with_field("items", world.voices[:20]))

    outcome = list_voices(connect, upstream)

    assert isinstance(outcome, Incomplete)
    assert (outcome.fault.kind, outcome.pages) == (FaultKind.REPEATED_PAGE, 2)


def test_the_text_of_a_refusal_with_the_status_of_success_is_kept(run: Run, connect: Connect) -> None:
    upstream = run(ResembleWorld().start())
    upstream.show(server.text(b'{"success": false, "message": "The plan has no API."}'))

    outcome = list_voices(connect, upstream)

    assert isinstance(outcome, Broken)
    assert "The plan has no API." in outcome.fault.message


def test_entries_without_an_id_leave_the_listing_incomplete(run: Run, connect: Connect) -> None:
    upstream = run(ResembleWorld([make_voice("a"), make_voice(""), {"name": "b"}]).start())
    upstream.show(
        lambda response: response.with_document({**response.document, "items": [*response.document["items"], 7]})
    )

    outcome = list_voices(connect, upstream)

    assert isinstance(outcome, Incomplete)
    assert [voice.id for voice in outcome.items] == ["a"]
    assert outcome.fault.message == "3 entries of the listing had no ID."


def make_wordless(**components: Any) -> dict[str, Any]:
    return make_voice("a", status=None, voice_status="", component_status=components)


STATES: dict[str, tuple[dict[str, Any], ProviderState]] = {
    "ready": (make_voice("a"), ProviderState.READY),
    "finished in capitals": (make_voice("a", status="Finished "), ProviderState.READY),
    "pending": (make_voice("a", status="pending"), ProviderState.PROCESSING),
    "initializing": (make_voice("a", status="initializing"), ProviderState.PROCESSING),
    "running": (make_voice("a", status="running"), ProviderState.PROCESSING),
    "training": (make_voice("a", status="training"), ProviderState.PROCESSING),
    "building": (make_voice("a", status="building"), ProviderState.PROCESSING),
    "queued": (make_voice("a", status="queued"), ProviderState.PROCESSING),
    "failed": (make_voice("a", status="failed"), ProviderState.FAILED),
    "an error": (make_voice("a", status="error"), ProviderState.FAILED),
    "failed in the analysis": (make_voice("a", dataset_analysis_failure=True), ProviderState.FAILED),
    "archived": (make_voice("a", status="archived"), ProviderState.ARCHIVED),
    "ready and archived": (make_voice("a", is_archived=True), ProviderState.ARCHIVED),
    "failed and archived": (make_voice("a", is_archived=True, status="failed"), ProviderState.FAILED),
    "a new word": (make_voice("a", status="resting"), ProviderState.UNKNOWN),
    "ready by its status only": (make_voice("a", voice_status="failed"), ProviderState.READY),
    "running by its voice_status": (make_voice("a", status=None, voice_status="running"), ProviderState.PROCESSING),
    "ready by objects": (make_wordless(fill={"status": "Ready"}), ProviderState.READY),
    "ready by texts": (make_wordless(fill="ready", text_to_speech="ready"), ProviderState.READY),
    "one component failed": (make_wordless(fill="ready", text_to_speech={"status": "failed"}), ProviderState.FAILED),
    "one component in training": (make_wordless(fill="ready", text_to_speech="training"), ProviderState.UNKNOWN),
    "one component unreadable": (make_wordless(fill="ready", text_to_speech=[]), ProviderState.UNKNOWN),
    "no words and no components": (make_wordless(), ProviderState.UNKNOWN),
    "wrong types": (
        {"uuid": "a", "source": "Custom Voice", "status": [], "voice_status": {}, "component_status": [3]},
        ProviderState.UNKNOWN,
    ),
}


@pytest.mark.parametrize(("entry", "state"), STATES.values(), ids=STATES)
def test_the_state_follows_from_the_words(entry: dict[str, Any], state: ProviderState) -> None:
    voice = parse_voice(entry)

    assert (voice.state, voice.slot, voice.is_ours) == (state, SlotKind.INSTANT, True)


RAW_STATES: dict[str, tuple[dict[str, Any], str]] = {
    "agreement": (make_voice("a", voice_status="READY"), "status: ready"),
    "disagreement": (make_voice("a", voice_status="failed"), "status: ready, voice_status: failed"),
    "a new word": (make_voice("a", status="Resting"), "status: Resting, voice_status: ready"),
    "flags": (
        make_voice("a", dataset_analysis_failure=True, is_archived=True),
        "status: ready, dataset_analysis_failure: true, is_archived: true",
    ),
    "components": (make_wordless(fill={"status": "odd"}), "component fill: odd"),
}


@pytest.mark.parametrize(("entry", "raw_state"), RAW_STATES.values(), ids=RAW_STATES)
def test_the_raw_words_are_kept(entry: dict[str, Any], raw_state: str) -> None:
    assert parse_voice(entry).raw_state == raw_state


@pytest.mark.parametrize("source", ["Resemble Voice", "Resemble Marketplace", "", None, []], ids=str)
def test_only_custom_voices_are_ours(source: Any) -> None:
    voice = parse_voice(make_voice("a", source=source))

    assert (voice.is_ours, voice.slot, voice.state) == (False, None, ProviderState.READY)


def test_the_other_fields_of_a_voice_are_read_and_may_have_wrong_types() -> None:
    voice = parse_voice(make_voice("a"))
    odd = parse_voice({name: {"status": [1]} for name in make_voice("a")} | {"uuid": 7})

    assert (voice.name, voice.category, voice.language) == ("Voice a", "professional", "en-US")
    assert voice.created_at == datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    assert (odd.id, odd.name, odd.created_at, odd.state) == ("7", "", None, ProviderState.UNKNOWN)


def test_a_look_up_finds_a_voice_or_its_absence(run: Run, connect: Connect) -> None:
    client = make_client(connect, run(ResembleWorld([make_voice("a")]).start()))

    found, absent = client.look_up("a"), client.look_up("b/../a")

    assert isinstance(found, Found)
    assert found.voice.id == "a"
    assert absent == Absent("Resemble answered 404. It does not document whether that includes voices of others.")


UNCLEAR: dict[str, tuple[Fault, FaultKind]] = {
    "404 of a gateway": (lambda response: server.html(server.status(404)(response)), FaultKind.WRONG_SHAPE),
    "the word for absence with another status": (
        server.status(400, {"error": {"code": "voice_not_found"}}),
        FaultKind.NOT_FOUND,
    ),
    "401": (server.status(401), FaultKind.KEY_REFUSED),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "no success": (server.with_field("success", False), FaultKind.WRONG_SHAPE),
    "no voice": (server.with_field("item", None), FaultKind.WRONG_SHAPE),
    "another voice": (server.with_field("item", make_voice("c")), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
}


@pytest.mark.parametrize(("fault", "kind"), UNCLEAR.values(), ids=UNCLEAR)
def test_anything_else_leaves_a_look_up_unclear(run: Run, connect: Connect, fault: Fault, kind: FaultKind) -> None:
    upstream = run(ResembleWorld([make_voice("a")]).start())
    upstream.show(fault)

    result = make_client(connect, upstream).look_up("a")

    assert isinstance(result, Unclear)
    assert result.fault.kind is kind


TEAMS: dict[str, tuple[list[Any], int | None]] = {
    "one team": ([make_team("a", 50)], 50),
    "a limit as text": ([make_team("a", "50")], 50),
    "several teams": ([make_team("a", 50), make_team("b", 10)], None),
    "a team that cannot be read": ([make_team("a", 50), None], None),
    "no team": ([], None),
    "no limit": ([make_team("a", None)], None),
}


@pytest.mark.parametrize(("teams", "limit"), TEAMS.values(), ids=TEAMS)
def test_the_limit_of_voices_is_read_of_one_team_only(
    run: Run, connect: Connect, teams: list[Any], limit: int | None
) -> None:
    world = ResembleWorld([make_voice("a")])
    world.teams = teams

    assert make_client(connect, run(world.start())).read_slots() == ((SlotKind.INSTANT, None, limit),)


def test_the_account_is_the_address_of_its_owner_with_and_without_an_object_around_it(
    run: Run, connect: Connect
) -> None:
    upstream = run(ResembleWorld().start())
    client = make_client(connect, upstream)

    assert client.read_account() == "owner@example.com"
    upstream.show(server.bare("item"))
    assert client.read_account() == "owner@example.com"


def test_a_response_without_teams_or_an_address_is_a_fault(run: Run, connect: Connect) -> None:
    upstream = run(ResembleWorld().start())
    upstream.show(server.text(b'{"success": true}'))
    client = make_client(connect, upstream)

    with pytest.raises(UpstreamFailed) as slots:
        client.read_slots()
    with pytest.raises(UpstreamFailed) as account:
        client.read_account()

    assert slots.value.fault.kind is account.value.fault.kind is FaultKind.WRONG_SHAPE


def test_the_check_of_a_key_requests_the_smallest_page(world: ResembleWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())

    make_client(connect, upstream).check_list()
    with pytest.raises(UpstreamFailed) as refused:
        make_client(connect, upstream, "wrong").check_list()

    assert upstream.requests[0].query == {"page": "1", "page_size": "10"}
    assert upstream.requests[0].headers["authorization"] == "Bearer key"
    assert refused.value.fault.kind is FaultKind.KEY_REFUSED
