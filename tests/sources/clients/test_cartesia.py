"""Cartesia: both listings to an empty page or an outcome that is not complete, fine-tunes and look-ups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.cartesia import CartesiaWorld, make_fine_tune, make_voice
from tests.upstream.server import Fault, StandIn
from voiceadmin.sources.clients.cartesia import Cartesia, build_headers, parse_fine_tune, parse_voice
from voiceadmin.sources.clients.outcomes import Broken, Complete, FaultKind, Incomplete, UpstreamFailed
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import Absent, Found, ProviderClient, ProviderState, Unclear

LISTINGS = {"voices": "/voices", "fine-tunes": "/fine-tunes/"}


def make_client(connect: Connect, upstream: StandIn, key: str = "key") -> ProviderClient:
    transport: Transport = connect(upstream.address, **build_headers(key))
    return Cartesia(transport)


@pytest.fixture
def world() -> CartesiaWorld:
    """An organization with three pages of voices and of fine-tunes in training."""
    return CartesiaWorld(
        (make_voice(f"voice{number}") for number in range(250)),
        (make_fine_tune(f"fine-tune{number}", "training") for number in range(250)),
    )


def test_both_listings_are_read_to_an_empty_page(world: CartesiaWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())

    listings = make_client(connect, upstream).list_voices()

    assert list(listings) == ["voices", "fine-tunes"]
    for name, outcome in listings.items():
        assert isinstance(outcome, Complete)
        assert [voice.id for voice in outcome.items] == [f"{name.removesuffix('s')}{number}" for number in range(250)]
        assert outcome.pages == 4
    assert {request.query["limit"] for request in upstream.requests} == {"100"}
    assert [request.query.get("starting_after") for request in upstream.requests if request.path == "/voices"] == [
        None,
        "voice99",
        "voice199",
        "voice249",
    ]


def test_the_key_and_the_version_are_sent(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld().start())

    make_client(connect, upstream).list_voices()

    for request in upstream.requests:
        assert request.headers["authorization"] == "Bearer key"
        assert request.headers["cartesia-version"] == "2026-08-14"


def test_an_empty_organization_is_complete_and_empty(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld().start())

    assert make_client(connect, upstream).list_voices() == {
        "voices": Complete((), 1),
        "fine-tunes": Complete((), 1),
    }


@pytest.mark.parametrize("name", LISTINGS)
def test_a_short_page_and_an_old_mark_of_the_end_prove_nothing(
    world: CartesiaWorld, run: Run, connect: Connect, name: str
) -> None:
    world.largest_page = 90
    upstream = run(world.start())
    upstream.show(server.with_field("has_more", False))

    outcome = make_client(connect, upstream).list_voices()[name]

    assert isinstance(outcome, Complete)
    assert (len(outcome.items), outcome.pages) == (250, 4)


INCOMPLETE: dict[str, tuple[Fault, FaultKind]] = {
    "no list": (server.without("data"), FaultKind.WRONG_SHAPE),
    "null as list": (server.with_field("data", None), FaultKind.WRONG_SHAPE),
    "an object as list": (server.with_field("data", {}), FaultKind.WRONG_SHAPE),
    "a bare list": (server.bare("data"), FaultKind.WRONG_SHAPE),
    "entries without an ID": (server.with_field("data", [{"name": "a"}, 7]), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "400": (server.status(400), FaultKind.REQUEST_REFUSED),
    "404": (server.status(404), FaultKind.NOT_FOUND),
    "429": (server.status(429, {"error_code": "concurrency_limited"}), FaultKind.RATE_LIMITED),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("good_pages", [0, 1])
@pytest.mark.parametrize("name", LISTINGS)
def test_a_fault_on_any_page_of_a_listing_is_never_its_end_and_leaves_the_other_listing_complete(
    world: CartesiaWorld, run: Run, connect: Connect, name: str, fault: Fault, kind: FaultKind, good_pages: int
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response, LISTINGS[name], times=good_pages)
    upstream.show(fault, LISTINGS[name])

    listings = dict(make_client(connect, upstream).list_voices())
    outcome = listings.pop(name)
    (other,) = listings.values()

    assert isinstance(other, Complete)
    if good_pages:
        assert isinstance(outcome, Incomplete)
        assert len(outcome.items) == 100
    else:
        assert isinstance(outcome, Broken)
    assert outcome.fault.kind is kind


@pytest.mark.parametrize("word", ["training", "completed"])
def test_a_page_that_is_repeated_ends_a_listing(run: Run, connect: Connect, word: str) -> None:
    entries = [make_fine_tune("a", word), make_fine_tune("b", word)]
    upstream = run(CartesiaWorld(entries, entries).start())
    upstream.show(server.with_field("data", entries))

    for outcome in make_client(connect, upstream).list_voices().values():
        assert isinstance(outcome, Incomplete)
        assert (outcome.fault.kind, outcome.pages) == (FaultKind.REPEATED_PAGE, 2)


def test_entries_without_an_id_leave_the_listing_incomplete(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld([make_voice(""), {"name": "b"}, make_voice("a")]).start())

    outcome = make_client(connect, upstream).list_voices()["voices"]

    assert isinstance(outcome, Incomplete)
    assert [voice.id for voice in outcome.items] == ["a"]
    assert outcome.fault.message == "2 entries of the listing had no ID."


def test_an_id_may_be_a_number(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld([make_voice("") | {"id": 7}]).start())

    outcome = make_client(connect, upstream).list_voices()["voices"]

    assert isinstance(outcome, Complete)
    assert [voice.id for voice in outcome.items] == ["7"]


def test_a_completed_fine_tune_is_not_listed_but_its_voices_are(run: Run, connect: Connect) -> None:
    world = CartesiaWorld(
        [make_voice("a")], [make_fine_tune(word, word) for word in ("completed", "created", "training", "failed")]
    )
    world.voices_by_fine_tune["completed"] = {"a"}

    voices, fine_tunes = make_client(connect, run(world.start())).list_voices().values()

    assert isinstance(voices, Complete)
    assert isinstance(fine_tunes, Complete)
    assert [voice.id for voice in voices.items] == ["a"]
    assert [(voice.id, voice.state) for voice in fine_tunes.items] == [
        ("created", ProviderState.WAITING),
        ("training", ProviderState.PROCESSING),
        ("failed", ProviderState.FAILED),
    ]


def test_fine_tunes_are_read_before_voices(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld().start())

    make_client(connect, upstream).list_voices()

    assert [request.path for request in upstream.requests] == ["/fine-tunes/", "/voices"]


@pytest.mark.parametrize(
    ("word", "raw_state"),
    [("resting", "status: resting"), (None, ""), ({"word": "failed"}, ""), ("", "")],
    ids=["a new word", "null", "an object", "an empty word"],
)
def test_a_fine_tune_with_a_word_that_is_not_known_is_listed_as_unknown(word: Any, raw_state: str) -> None:
    voice = parse_fine_tune(make_fine_tune("a", word))

    assert voice is not None
    assert (voice.state, voice.raw_state) == (ProviderState.UNKNOWN, raw_state)
    assert (voice.name, voice.is_ours, voice.category, voice.slot) == ("Fine-tune a", True, "fine-tune", None)


VOICES: dict[str, tuple[dict[str, Any], bool, str]] = {
    "private": (make_voice("a"), True, "access: private, visibility: owner"),
    "public and ours": (
        make_voice("a", access="public", visibility="all"),
        True,
        "access: public, visibility: all",
    ),
    "of another owner": (make_voice("a", is_owner=False), False, "access: private, visibility: owner"),
    "without an owner": (make_voice("a", is_owner=None), False, "access: private, visibility: owner"),
    "the owner as text": (make_voice("a", is_owner="true"), False, "access: private, visibility: owner"),
    "new words": (make_voice("a", access="shared", visibility=[]), True, "access: shared"),
    "an older version": ({"id": "a", "is_owner": True, "is_public": False}, True, "is_public: false"),
    "wrong types": ({"id": "a", "is_owner": True, "is_public": {}, "access": 3, "created_at": [], "name": 1}, True, ""),
}


@pytest.mark.parametrize(("entry", "is_ours", "raw_state"), VOICES.values(), ids=VOICES)
def test_a_listed_voice_is_ready_and_its_owner_decides_whether_it_is_ours(
    entry: dict[str, Any], is_ours: bool, raw_state: str
) -> None:
    voice = parse_voice(entry)

    assert (voice.state, voice.slot) == (ProviderState.READY, None)
    assert (voice.is_ours, voice.raw_state) == (is_ours, raw_state)


def test_the_other_fields_of_a_voice_are_read() -> None:
    voice = parse_voice(make_voice("a"))

    assert (voice.id, voice.name, voice.language, voice.gender) == ("a", "Voice a", "en", "feminine")
    assert voice.created_at == datetime(2026, 1, 10, 8, 0, 0, 123456, tzinfo=UTC)


def test_a_look_up_finds_a_voice_a_fine_tune_in_training_or_the_absence_of_both(run: Run, connect: Connect) -> None:
    world = CartesiaWorld([make_voice("a")], [make_fine_tune("b", "training"), make_fine_tune("c", "completed")])
    client = make_client(connect, run(world.start()))

    voice, fine_tune, completed, absent = map(client.look_up, ("a", "b", "c", "b/../a"))

    assert isinstance(voice, Found)
    assert (voice.voice.id, voice.voice.state) == ("a", ProviderState.READY)
    assert isinstance(fine_tune, Found)
    assert (fine_tune.voice.id, fine_tune.voice.state) == ("b", ProviderState.PROCESSING)
    assert completed == Absent("This is the ID of a completed fine-tune, whose voices have other IDs.")
    assert absent == Absent("Cartesia answered 404. It does not document whether that includes voices of others.")


UNCLEAR: dict[str, tuple[Fault, FaultKind]] = {
    "404 of a gateway": (lambda response: server.html(server.status(404)(response)), FaultKind.WRONG_SHAPE),
    "404 with plain text": (
        lambda response: server.text(b"Not found: no.")(server.status(404)(response)),
        FaultKind.WRONG_SHAPE,
    ),
    "the word for absence with another status": (
        server.status(400, {"error_code": "voice_not_found"}),
        FaultKind.NOT_FOUND,
    ),
    "401": (server.status(401), FaultKind.KEY_REFUSED),
    "403": (server.status(403), FaultKind.RIGHT_MISSING),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "another voice": (server.with_field("id", "c"), FaultKind.WRONG_SHAPE),
    "a list": (server.text(b"[]"), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
}


@pytest.mark.parametrize(("fault", "kind"), UNCLEAR.values(), ids=UNCLEAR)
@pytest.mark.parametrize("id", ["voice", "fine-tune"])
def test_anything_else_leaves_a_look_up_unclear(
    run: Run, connect: Connect, id: str, fault: Fault, kind: FaultKind
) -> None:
    upstream = run(CartesiaWorld([make_voice("voice")], [make_fine_tune("fine-tune", "training")]).start())
    upstream.show(fault, f"/{id}s/")

    result = make_client(connect, upstream).look_up(id)

    assert isinstance(result, Unclear)
    assert result.fault.kind is kind


def test_an_empty_id_finds_nothing(run: Run, connect: Connect) -> None:
    client = make_client(connect, run(CartesiaWorld([make_voice("a")]).start()))

    assert isinstance(client.look_up(""), Unclear)


def test_slots_and_the_account_are_not_told_and_not_requested(run: Run, connect: Connect) -> None:
    upstream = run(CartesiaWorld().start())
    client = make_client(connect, upstream)

    assert client.read_slots() == ()
    assert client.read_account() == ""
    assert upstream.requests == []


def test_the_check_of_a_key_requests_one_voice(world: CartesiaWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())

    make_client(connect, upstream).check_list()
    with pytest.raises(UpstreamFailed) as refused:
        make_client(connect, upstream, "wrong").check_list()

    assert (upstream.requests[0].path, upstream.requests[0].query) == ("/voices", {"limit": "1"})
    assert refused.value.fault.kind is FaultKind.KEY_REFUSED
    assert "The API key is not valid." in refused.value.fault.message
