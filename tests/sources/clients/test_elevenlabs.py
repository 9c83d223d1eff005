"""ElevenLabs: the whole list or an outcome that is not complete, the state of a voice, slots and look-ups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.elevenlabs import ElevenLabsWorld, make_professional, make_voice
from tests.upstream.server import Fault
from voiceadmin.sources.clients.elevenlabs import ElevenLabs, build_headers, parse_voice
from voiceadmin.sources.clients.outcomes import Broken, Complete, FaultKind, Incomplete, UpstreamFailed
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import Absent, Found, ProviderState, SlotKind, Unclear

WORDS = {"instant": SlotKind.INSTANT, "professional": SlotKind.PROFESSIONAL, "none": None}


def make_client(connect: Connect, address: str, key: str = "key") -> ElevenLabs:
    transport: Transport = connect(address, **build_headers(key))
    return ElevenLabs(transport)


@pytest.fixture
def world() -> ElevenLabsWorld:
    """A workspace with three pages of voices."""
    return ElevenLabsWorld(make_voice(f"voice{number}") for number in range(250))


def test_all_pages_are_read_with_the_voices_that_ride_along_on_the_first(
    world: ElevenLabsWorld, run: Run, connect: Connect
) -> None:
    upstream = run(world.start())

    (outcome,) = make_client(connect, upstream.address).list_voices().values()

    assert isinstance(outcome, Complete)
    assert [voice.id for voice in outcome.items] == [f"voice{number}" for number in range(250)]
    assert outcome.pages == 3
    assert {request.query["page_size"] for request in upstream.requests} == {"100"}


def test_an_empty_workspace_is_complete_and_empty(run: Run, connect: Connect) -> None:
    upstream = run(ElevenLabsWorld().start())

    (outcome,) = make_client(connect, upstream.address).list_voices().values()

    assert outcome == Complete((), 1)


INCOMPLETE: dict[str, tuple[Fault, FaultKind]] = {
    "no mark of the end": (server.without("has_more"), FaultKind.WRONG_SHAPE),
    "null instead of false": (server.with_field("has_more", None), FaultKind.WRONG_SHAPE),
    "no token": (server.without("next_page_token"), FaultKind.WRONG_SHAPE),
    "an empty token": (server.with_field("next_page_token", ""), FaultKind.WRONG_SHAPE),
    "a number as token": (server.with_field("next_page_token", 3), FaultKind.WRONG_SHAPE),
    "a repeated token": (server.with_field("next_page_token", "token-102"), FaultKind.REPEATED_PAGE),
    "no list": (server.without("voices"), FaultKind.WRONG_SHAPE),
    "null as list": (server.with_field("voices", None), FaultKind.WRONG_SHAPE),
    "an object as list": (server.with_field("voices", {}), FaultKind.WRONG_SHAPE),
    "a bare list": (server.bare("voices"), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "429": (server.status(429), FaultKind.RATE_LIMITED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("good_pages", [0, 1])
def test_a_fault_on_any_page_is_never_the_end_of_the_listing(
    world: ElevenLabsWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind, good_pages: int
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response, times=good_pages)
    upstream.show(fault)

    (outcome,) = make_client(connect, upstream.address).list_voices().values()

    if good_pages or kind is FaultKind.REPEATED_PAGE:
        assert isinstance(outcome, Incomplete)
        assert len(outcome.items) >= 102
    else:
        assert isinstance(outcome, Broken)
    assert outcome.fault.kind is kind


def test_entries_without_an_id_leave_the_listing_incomplete(run: Run, connect: Connect) -> None:
    upstream = run(ElevenLabsWorld([make_voice("a"), make_voice(""), {"name": "b"}]).start())
    upstream.show(
        lambda response: response.with_document({**response.document, "voices": [*response.document["voices"], 7]})
    )

    (outcome,) = make_client(connect, upstream.address).list_voices().values()

    assert isinstance(outcome, Incomplete)
    assert [voice.id for voice in outcome.items] == ["a"]
    assert outcome.fault.message == "3 entries of the listing had no ID."


STATES: dict[str, tuple[dict[str, Any], ProviderState, str]] = {
    "an instant voice": (make_voice("a"), ProviderState.READY, "instant"),
    "a generated voice": (make_voice("a", category="generated"), ProviderState.READY, "instant"),
    "to be verified": (
        make_voice("a", voice_verification={"requires_verification": True, "is_verified": False}),
        ProviderState.WAITING,
        "instant",
    ),
    "verified": (
        make_voice("a", voice_verification={"requires_verification": True, "is_verified": True}),
        ProviderState.READY,
        "instant",
    ),
    "one model of two trained": (
        make_professional("a", v1="failed", v2="fine_tuned"),
        ProviderState.READY,
        "professional",
    ),
    "in training": (make_professional("a", v1="failed", v2="delayed"), ProviderState.PROCESSING, "professional"),
    "failed": (make_professional("a", v1="failed", v2="not_started"), ProviderState.FAILED, "professional"),
    "not trained": (make_professional("a", v1="not_started"), ProviderState.WAITING, "professional"),
    "no model": (make_professional("a"), ProviderState.WAITING, "professional"),
    "a new word of training": (make_professional("a", v1="resting"), ProviderState.UNKNOWN, "professional"),
    "a new category": (make_voice("a", category="hologram"), ProviderState.UNKNOWN, "none"),
    "no category": (make_voice("a", category=None), ProviderState.UNKNOWN, "none"),
    "blocked": (make_voice("a", safety_control="BAN"), ProviderState.BLOCKED, "instant"),
    "banned": (make_voice("a", sharing={"ban_reason": "fraud"}), ProviderState.BLOCKED, "instant"),
    "wrong types": (
        make_voice("a", fine_tuning=[], labels="x", sharing=3, voice_verification="no", created_at_unix=[]),
        ProviderState.READY,
        "instant",
    ),
}


@pytest.mark.parametrize(("entry", "state", "slot"), STATES.values(), ids=STATES)
def test_the_state_follows_from_the_words(entry: dict[str, Any], state: ProviderState, slot: str) -> None:
    voice = parse_voice(entry)

    assert (voice.state, voice.slot, voice.is_ours) == (state, WORDS[slot], True)


def test_the_raw_words_and_the_reason_of_a_failure_are_kept() -> None:
    voice = parse_voice(make_professional("a", v1="failed"))

    assert voice.raw_state == "category: professional, fine_tuning v1: failed"
    assert voice.reason == "v1 failed"


@pytest.mark.parametrize(
    "fields",
    [{"category": "premade"}, {"category": "famous"}, {"is_owner": False}, {"sharing": {"status": "copied"}}],
    ids=str,
)
def test_stock_voices_and_copies_are_not_ours(fields: dict[str, Any]) -> None:
    voice = parse_voice(make_voice("a", **fields))

    assert (voice.is_ours, voice.slot) == (False, None)


def test_a_copy_that_will_be_withdrawn_has_its_date() -> None:
    voice = parse_voice(make_voice("a", sharing={"status": "copied", "disable_at_unix": 1_772_323_200}))

    assert voice.breaks_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_look_up_finds_a_voice_proves_its_absence_or_is_unclear(run: Run, connect: Connect) -> None:
    upstream = run(ElevenLabsWorld([make_voice("a")]).start())
    client = make_client(connect, upstream.address)

    found, absent = client.look_up("a"), client.look_up("b/../a")
    upstream.show(lambda response: server.html(server.status(404)(response)), times=1)
    gateway = client.look_up("a")
    upstream.show(server.with_field("voice_id", "c"))
    other = client.look_up("a")

    assert isinstance(found, Found)
    assert isinstance(absent, Absent)
    assert isinstance(gateway, Unclear)
    assert isinstance(other, Unclear)


def test_the_old_form_of_an_absent_voice_is_understood(run: Run, connect: Connect) -> None:
    upstream = run(ElevenLabsWorld([make_voice("a")]).start())
    upstream.show(server.status(400, {"detail": {"status": "voice_does_not_exist", "message": "No."}}))

    assert isinstance(make_client(connect, upstream.address).look_up("a"), Absent)


def test_slots_and_the_account_are_read(run: Run, connect: Connect) -> None:
    upstream = run(
        ElevenLabsWorld([make_voice("a"), make_professional("b"), make_voice("c", category="premade")]).start()
    )
    client = make_client(connect, upstream.address)

    assert client.read_slots() == ((SlotKind.INSTANT, 1, 30), (SlotKind.PROFESSIONAL, 1, 1))
    assert client.read_account() == "workspace-1"


def test_a_key_that_may_only_list_is_told_apart_from_a_wrong_key(run: Run, connect: Connect) -> None:
    world = ElevenLabsWorld()
    world.keys["list-only"] = frozenset({"voices_read"})
    upstream = run(world.start())

    scoped, wrong = make_client(connect, upstream.address, "list-only"), make_client(connect, upstream.address, "wrong")
    scoped.check_list()
    with pytest.raises(UpstreamFailed) as missing:
        scoped.read_slots()
    with pytest.raises(UpstreamFailed) as refused:
        wrong.check_list()

    assert missing.value.fault.kind is FaultKind.RIGHT_MISSING
    assert "user_read" in missing.value.fault.message
    assert refused.value.fault.kind is FaultKind.KEY_REFUSED
