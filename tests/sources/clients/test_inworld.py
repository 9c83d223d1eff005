"""Inworld: both listings as a whole or an outcome that is not complete, states, slots, the account and look-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.inworld import (
    KEY,
    PVC_VOICES,
    VOICES,
    InworldWorld,
    make_professional,
    make_stock_voice,
    make_voice,
)
from tests.upstream.server import Fault
from voiceadmin.sources.clients.inworld import Inworld, build_headers, parse_professional, parse_voice
from voiceadmin.sources.clients.outcomes import Broken, Complete, FaultKind, Incomplete, UpstreamFailed
from voiceadmin.sources.clients.types import Absent, Found, ProviderState, SlotKind, Unclear

SLOTS = {"instant": SlotKind.INSTANT, "professional": SlotKind.PROFESSIONAL, "none": None}


def make_client(connect: Connect, address: str, key: str = KEY) -> Inworld:
    return Inworld(connect(address, **build_headers(key)))


@pytest.fixture
def world() -> InworldWorld:
    """Three pages of voices and three of professional voices, of which none is ready."""
    return InworldWorld(
        [make_stock_voice("Alex"), *(make_voice(f"voice{number}") for number in range(220))],
        [make_professional(f"pro{number}", "DRAFT") for number in range(210)],
    )


def test_both_listings_are_read_page_by_page(world: InworldWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())

    outcomes = make_client(connect, upstream.address).list_voices()

    voices, professional = outcomes["voices"], outcomes["pvc-voices"]
    assert isinstance(voices, Complete)
    assert isinstance(professional, Complete)
    assert [voice.id for voice in voices.items] == ["Alex", *(f"acme__voice{number}" for number in range(220))]
    assert [voice.id for voice in professional.items] == [f"acme__pro{number}" for number in range(210)]
    assert (voices.pages, professional.pages) == (3, 3)
    assert {request.query["pageSize"] for request in upstream.requests} == {"100"}
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Basic {KEY}"}


def test_a_list_that_inworld_cuts_without_paging_is_read_as_a_whole(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld(make_voice(f"voice{number}") for number in range(2100)).start())

    unpaged = connect(upstream, **build_headers(KEY)).get_json(VOICES)
    paged = make_client(connect, upstream.address).list_voices()["voices"]

    assert (len(unpaged["voices"]), set(unpaged)) == (2000, {"voices"})
    assert isinstance(paged, Complete)
    assert len(paged.items) == 2100


def test_an_empty_workspace_is_complete_and_empty(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld().start())

    outcomes = make_client(connect, upstream.address).list_voices()

    assert outcomes == {"voices": Complete((), 1), "pvc-voices": Complete((), 1)}


ENDINGS: dict[str, Fault] = {
    "absent": server.without("nextPageToken"),
    "null": server.with_field("nextPageToken", None),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_an_absent_token_is_the_end(run: Run, connect: Connect, ending: Fault) -> None:
    upstream = run(InworldWorld([make_voice("a")]).start())
    upstream.show(ending)

    outcome = make_client(connect, upstream.address).list_voices()["voices"]

    assert isinstance(outcome, Complete)
    assert [voice.id for voice in outcome.items] == ["acme__a"]


def on_list(change: Callable[[str], Fault]) -> Fault:
    """A fault that changes the list of a page, whatever its name."""
    return lambda response: change("voices" if "voices" in response.document else "pvcVoices")(response)


INCOMPLETE: dict[str, tuple[Fault, FaultKind]] = {
    "a number as token": (server.with_field("nextPageToken", 3), FaultKind.WRONG_SHAPE),
    "false as token": (server.with_field("nextPageToken", False), FaultKind.WRONG_SHAPE),
    "a repeated token": (server.with_field("nextPageToken", "token-100"), FaultKind.REPEATED_PAGE),
    "no list": (on_list(server.without), FaultKind.WRONG_SHAPE),
    "null as list": (on_list(lambda name: server.with_field(name, None)), FaultKind.WRONG_SHAPE),
    "an object as list": (on_list(lambda name: server.with_field(name, {})), FaultKind.WRONG_SHAPE),
    "a bare list": (on_list(server.bare), FaultKind.WRONG_SHAPE),
    "an empty object": (server.text(b"{}"), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "404": (server.status(404), FaultKind.NOT_FOUND),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "429": (server.status(429), FaultKind.RATE_LIMITED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize(("name", "path"), {"voices": VOICES, "pvc-voices": PVC_VOICES}.items())
@pytest.mark.parametrize("good_pages", [0, 1])
def test_a_fault_on_any_page_is_never_the_end_of_its_listing(
    world: InworldWorld,
    run: Run,
    connect: Connect,
    fault: Fault,
    kind: FaultKind,
    name: str,
    path: str,
    good_pages: int,
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response, path, times=good_pages)
    upstream.show(fault, path)

    outcomes = make_client(connect, upstream.address).list_voices()

    outcome = outcomes.pop(name)
    assert isinstance(outcome, Incomplete if good_pages or kind is FaultKind.REPEATED_PAGE else Broken)
    assert outcome.fault.kind is kind
    (other,) = outcomes.values()
    assert isinstance(other, Complete)


CUT: dict[str, Fault] = {
    "no token on the first page": server.without("nextPageToken"),
    "a larger total": server.with_field("totalSize", "222"),
    "a smaller total": server.with_field("totalSize", 220),
}


@pytest.mark.parametrize("fault", CUT.values(), ids=CUT)
def test_a_listing_with_another_number_of_voices_than_it_says_is_incomplete(
    world: InworldWorld, run: Run, connect: Connect, fault: Fault
) -> None:
    upstream = run(world.start())
    upstream.show(fault)

    outcome = make_client(connect, upstream.address).list_voices()["voices"]

    assert isinstance(outcome, Incomplete)
    assert outcome.fault.kind is FaultKind.TOTAL_DIFFERS


def test_entries_without_an_id_leave_the_listing_incomplete(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld([make_voice("a"), make_voice("b", voiceId="")], [{"state": "x"}]).start())

    for outcome in make_client(connect, upstream.address).list_voices().values():
        assert isinstance(outcome, Incomplete)
        assert outcome.fault.message == "1 entry of the listing had no ID."


def test_a_professional_voice_that_is_ready_is_in_both_listings(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld([], [make_professional("a", "READY")]).start())

    for outcome in make_client(connect, upstream.address).list_voices().values():
        assert isinstance(outcome, Complete)
        (voice,) = outcome.items
        assert (voice.id, voice.state, voice.slot) == ("acme__a", ProviderState.READY, SlotKind.PROFESSIONAL)


SOURCES: dict[str, tuple[Any, ProviderState, str, bool]] = {
    "instant": ("IVC", ProviderState.READY, "instant", True),
    "professional": ("PVC", ProviderState.READY, "professional", True),
    "stock": ("SYSTEM", ProviderState.READY, "none", False),
    "stock by another word": ("INWORLD", ProviderState.READY, "none", False),
    "designed": ("DESIGN", ProviderState.UNKNOWN, "none", True),
    "no source": (None, ProviderState.UNKNOWN, "none", True),
    "a list as source": (["IVC"], ProviderState.UNKNOWN, "none", True),
}


@pytest.mark.parametrize(("source", "state", "slot", "is_ours"), SOURCES.values(), ids=SOURCES)
def test_a_listed_voice_is_ready_if_its_source_is_known(
    source: Any, state: ProviderState, slot: str, is_ours: bool
) -> None:
    voice = parse_voice(make_voice("a", source=source))

    assert (voice.state, voice.slot, voice.is_ours) == (state, SLOTS[slot], is_ours)


STATES: dict[str, tuple[dict[str, Any], ProviderState, str]] = {
    "draft": (make_professional("a", "DRAFT"), ProviderState.WAITING, ""),
    "queued": (make_professional("a", "QUEUED"), ProviderState.PROCESSING, ""),
    "in training": (make_professional("a", "TRAINING"), ProviderState.PROCESSING, ""),
    "ready": (make_professional("a", "READY", failure={"message": "old"}), ProviderState.READY, ""),
    "failed": (make_professional("a", "FAILED", failure={"message": "Noisy."}), ProviderState.FAILED, "Noisy."),
    "failed without a reason": (make_professional("a", "FAILED", failure="Noisy."), ProviderState.FAILED, ""),
    "a new word": (make_professional("a", "FAILED_OVER"), ProviderState.UNKNOWN, ""),
    "no state": (make_professional("a", "READY") | {"state": None}, ProviderState.UNKNOWN, ""),
    "an object as state": (make_professional("a", "READY") | {"state": {"a": 1}}, ProviderState.UNKNOWN, ""),
}


@pytest.mark.parametrize(("entry", "state", "reason"), STATES.values(), ids=STATES)
def test_the_state_of_a_professional_voice_follows_from_its_word(
    entry: dict[str, Any], state: ProviderState, reason: str
) -> None:
    voice = parse_professional(entry)

    assert (voice.state, voice.reason) == (state, reason)
    assert (voice.slot, voice.is_ours) == (SlotKind.PROFESSIONAL, True)


def test_unknown_words_are_kept() -> None:
    assert parse_professional(make_professional("a", "RESTING")).raw_state == "state: PVC_VOICE_STATE_RESTING"
    assert parse_voice(make_voice("a", source="DESIGN")).raw_state == "source: DESIGN"


LANGUAGES: dict[str, tuple[dict[str, Any], str]] = {
    "the older field": ({"langCode": "PT_BR"}, "pt-BR"),
    "without a region": ({"langCode": "FR"}, "fr"),
    "the newer field": ({"langCode": "EN_US", "languageCode": "en-GB"}, "en-GB"),
    "automatic": ({"langCode": "AUTO"}, ""),
    "empty": ({"langCode": ""}, ""),
    "a number": ({"langCode": 7, "languageCode": []}, ""),
}


@pytest.mark.parametrize(("fields", "language"), LANGUAGES.values(), ids=LANGUAGES)
def test_the_language_is_read_from_either_field(fields: dict[str, Any], language: str) -> None:
    assert parse_voice(make_voice("a", **fields)).language == language


def test_a_look_up_asks_both_services(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld([make_voice("a")], [make_professional("b", "TRAINING")]).start())
    client = make_client(connect, upstream.address)

    instant, professional, absent = client.look_up("acme__a"), client.look_up("acme__b"), client.look_up("acme__c")

    assert isinstance(instant, Found)
    assert isinstance(professional, Found)
    assert professional.voice.state is ProviderState.PROCESSING
    assert isinstance(absent, Absent)


FOREIGN = {
    "another workspace": "other__a",
    "a longer workspace": "acme2__a",
    "split in two ways": "acme__x__a",
    "split in two ways by underscores": "acme___a",
    "no workspace": "Alex",
    "no voice": "acme__",
}


@pytest.mark.parametrize("voice_id", FOREIGN.values(), ids=FOREIGN)
def test_a_404_about_an_id_of_another_workspace_proves_nothing(run: Run, connect: Connect, voice_id: str) -> None:
    upstream = run(InworldWorld([make_voice("b"), make_voice("a", "other")]).start())

    result = make_client(connect, upstream.address).look_up(voice_id)

    assert isinstance(result, Unclear)
    assert result.fault.kind is FaultKind.NOT_FOUND


def test_a_404_proves_nothing_while_the_workspace_of_the_key_is_unknown(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld([make_stock_voice("Alex")]).start())

    assert isinstance(make_client(connect, upstream.address).look_up("acme__a"), Unclear)
    assert isinstance(make_client(connect, upstream.address).look_up("__a"), Unclear)


UNCLEAR: dict[str, tuple[Fault, str]] = {
    "404 of a gateway": (lambda response: server.html(server.status(404)(response)), f"{VOICES}/"),
    "404 of a gateway from the second service": (
        lambda response: server.html(server.status(404)(response)),
        f"{PVC_VOICES}/",
    ),
    "403 from the second service": (server.status(403, {"code": 7, "message": "No."}), f"{PVC_VOICES}/"),
    "500 from the second service": (server.status(500), f"{PVC_VOICES}/"),
    "another voice": (server.status(200, make_voice("b")), f"{VOICES}/"),
    "a list": (server.status(200, []), f"{VOICES}/"),
    "no listing for the workspace": (server.status(500), VOICES),
}


@pytest.mark.parametrize(("fault", "path"), UNCLEAR.values(), ids=UNCLEAR)
def test_a_look_up_that_either_service_does_not_answer_is_unclear(
    run: Run, connect: Connect, fault: Fault, path: str
) -> None:
    upstream = run(InworldWorld([make_voice("b")]).start())
    upstream.show(fault, path)

    assert isinstance(make_client(connect, upstream.address).look_up("acme__a"), Unclear)


def test_an_id_is_never_read_as_a_path_or_a_method(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld([make_voice("a")]).start())

    result = make_client(connect, upstream.address).look_up("acme__x/../a:clone?y")

    assert isinstance(result, Absent)
    assert upstream.requests[0].path == f"{VOICES}/acme__x/../a:clone?y"


ACCOUNTS: dict[str, tuple[InworldWorld, str]] = {
    "an instant voice after a stock voice": (InworldWorld([make_stock_voice("Alex"), make_voice("a")]), "acme"),
    "a draft only": (InworldWorld([make_stock_voice("Alex")], [make_professional("a", "DRAFT")]), "acme"),
    "stock voices only": (InworldWorld([make_stock_voice("Alex")]), ""),
    "another form of the name": (InworldWorld([], [make_professional("a", "DRAFT") | {"name": "acme"}]), ""),
    "no name": (InworldWorld([], [make_professional("a", "DRAFT") | {"name": None}]), ""),
}


@pytest.mark.parametrize(("world", "account"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_the_account_is_the_workspace_in_the_name_of_a_voice_of_ours(
    run: Run, connect: Connect, world: InworldWorld, account: str
) -> None:
    assert make_client(connect, run(world.start()).address).read_account() == account


def test_slots_are_those_of_the_whole_account_and_of_all_professional_voices(run: Run, connect: Connect) -> None:
    voices = [make_stock_voice("Alex"), make_voice("a"), make_voice("b", "other")]
    upstream = run(InworldWorld(voices, [make_professional("c", "DRAFT")]).start())

    slots = make_client(connect, upstream.address).read_slots()

    assert slots == ((SlotKind.INSTANT, 2, 100), (SlotKind.PROFESSIONAL, 1, 1))


CAPACITIES: dict[str, tuple[dict[str, Any], int | None, int | None]] = {
    "text": ({"usedCustomVoices": "3", "maxCustomVoices": "100"}, 3, 100),
    "no number of used ones": ({"maxCustomVoices": 100}, 0, 100),
    "no limit": ({"usedCustomVoices": 2}, 2, 0),
    "neither": ({}, None, None),
    "wrong types": ({"usedCustomVoices": [], "maxCustomVoices": "many"}, None, None),
}


@pytest.mark.parametrize(("document", "used", "limit"), CAPACITIES.values(), ids=CAPACITIES)
def test_slots_are_read_in_every_form(
    run: Run, connect: Connect, document: dict[str, Any], used: int | None, limit: int | None
) -> None:
    upstream = run(InworldWorld().start())
    upstream.show(server.status(200, document), f"{VOICES}:customVoiceCapacity")

    instant, professional = make_client(connect, upstream.address).read_slots()

    assert instant == (SlotKind.INSTANT, used, limit)
    assert professional == (SlotKind.PROFESSIONAL, 0, 1)


def test_a_key_without_the_right_to_read_is_told_apart_from_a_wrong_key(run: Run, connect: Connect) -> None:
    world = InworldWorld()
    world.keys["d3JpdGU="] = frozenset({"write"})
    upstream = run(world.start())

    make_client(connect, upstream.address).check_list()
    with pytest.raises(UpstreamFailed) as missing:
        make_client(connect, upstream.address, "d3JpdGU=").check_list()
    with pytest.raises(UpstreamFailed) as refused:
        make_client(connect, upstream.address, "wrong").check_list()

    assert [request.query["pageSize"] for request in upstream.requests[:2]] == ["1", "1"]
    assert missing.value.fault.kind is FaultKind.RIGHT_MISSING
    assert refused.value.fault.kind is FaultKind.KEY_REFUSED


def test_a_listing_that_only_one_service_refuses_fails_the_check(run: Run, connect: Connect) -> None:
    upstream = run(InworldWorld().start())
    upstream.show(server.status(403), PVC_VOICES)

    with pytest.raises(UpstreamFailed):
        make_client(connect, upstream.address).check_list()
