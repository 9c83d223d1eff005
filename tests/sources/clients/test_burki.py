"""Burki: the list of voices as it was sent, all assistants with the voices they name, and the organization."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import server
from tests.upstream.burki import ASSISTANTS, ORGANIZATION_ID, VOICES, BurkiWorld, make_assistant, make_voice
from tests.upstream.server import Fault, StandIn
from voiceadmin.sources.clients import transport as transports
from voiceadmin.sources.clients.burki import Burki, build_headers, parse_assistant
from voiceadmin.sources.clients.outcomes import Broken, Complete, FaultKind, Incomplete, UpstreamFailed
from voiceadmin.sources.clients.types import PlatformAssistant

COUNT = f"{ASSISTANTS}/count"


def make_client(connect: Connect, address: str, key: str = "key") -> Burki:
    return Burki(connect(address, **build_headers(key)))


def fail_download(connect: Connect, upstream: StandIn, *assistant_ids: int | str) -> FaultKind:
    with pytest.raises(UpstreamFailed) as raised:
        make_client(connect, upstream.address).download_voices(io.BytesIO(), assistant_ids)
    return raised.value.fault.kind


@pytest.fixture
def world() -> BurkiWorld:
    """An organization with three pages of assistants and two voices, beside another one."""
    world = BurkiWorld((make_assistant(number) for number in range(1, 2051)), [make_voice(801), make_voice(802)])
    world.organizations[9] = "Other"
    world.assistants.append(make_assistant(3000, organization_id=9))
    world.voices[9] = [make_voice(900)]
    return world


# The list of voices


@pytest.mark.parametrize("is_bare", [False, True])
def test_the_voices_are_written_as_they_were_sent(world: BurkiWorld, run: Run, connect: Connect, is_bare: bool) -> None:
    world.has_bare_voices = is_bare
    upstream = run(world.start())
    file = io.BytesIO(b"something longer than the list " * 100)

    path = make_client(connect, upstream.address).download_voices(file)

    voices = [make_voice(801), make_voice(802)]
    assert json.loads(file.getvalue()) == (voices if is_bare else {"success": True, "cloned_voices": voices})
    assert path == VOICES
    assert [request.path for request in upstream.requests] == [VOICES]
    assert upstream.requests[0].headers["authorization"] == "Bearer key"


FALLBACKS: dict[str, tuple[bool, Fault | None]] = {
    "422 from a server that reads an id": (False, None),
    "404": (True, server.status(404, {"detail": "Not Found"})),
}


@pytest.mark.parametrize(("has_address", "fault"), FALLBACKS.values(), ids=FALLBACKS)
def test_a_server_without_an_address_for_the_organization_is_asked_by_assistant(
    world: BurkiWorld, run: Run, connect: Connect, has_address: bool, fault: Fault | None
) -> None:
    world.has_organization_address = has_address
    upstream = run(world.start())
    if fault is not None:
        upstream.show(fault, VOICES)
    file = io.BytesIO()

    path = make_client(connect, upstream.address).download_voices(file)

    assert path == f"{ASSISTANTS}/1/cloned-voices"
    assert [voice["id"] for voice in json.loads(file.getvalue())["cloned_voices"]] == [801, 802]
    assert [request.path for request in upstream.requests] == [VOICES, ASSISTANTS, path]


def test_named_assistants_are_asked_until_one_is_known(world: BurkiWorld, run: Run, connect: Connect) -> None:
    world.has_organization_address = False
    upstream = run(world.start())

    path = make_client(connect, upstream.address).download_voices(io.BytesIO(), [3000, "../a", 7, 8])

    assert path == f"{ASSISTANTS}/7/cloned-voices"
    assert [request.path for request in upstream.requests] == [
        VOICES,
        f"{ASSISTANTS}/3000/cloned-voices",
        f"{ASSISTANTS}/../a/cloned-voices",
        path,
    ]


def test_only_three_assistants_are_asked(world: BurkiWorld, run: Run, connect: Connect) -> None:
    world.has_organization_address = False
    upstream = run(world.start())

    assert fail_download(connect, upstream, 3000, 3001, 3002, 1) is FaultKind.NOT_FOUND
    assert len(upstream.requests) == 4


def test_an_organization_without_assistants_cannot_be_asked_by_assistant(run: Run, connect: Connect) -> None:
    world = BurkiWorld([], [make_voice(801)])
    world.has_organization_address = False

    assert fail_download(connect, run(world.start())) is FaultKind.NOT_FOUND


NO_FALLBACK: dict[str, tuple[Fault, FaultKind]] = {
    "401": (server.status(401), FaultKind.KEY_REFUSED),
    "403": (server.status(403), FaultKind.RIGHT_MISSING),
    "404 of a gateway": (lambda response: server.html(server.status(404)(response)), FaultKind.WRONG_SHAPE),
    "429": (server.status(429), FaultKind.RATE_LIMITED),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), NO_FALLBACK.values(), ids=NO_FALLBACK)
def test_no_assistant_is_asked_after_another_failure(
    world: BurkiWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind
) -> None:
    upstream = run(world.start())
    upstream.show(fault, VOICES)

    assert fail_download(connect, upstream) is kind
    assert {request.path for request in upstream.requests} == {VOICES}


@pytest.mark.parametrize(("fault", "kind"), NO_FALLBACK.values(), ids=NO_FALLBACK)
def test_no_second_assistant_is_asked_after_another_failure(
    world: BurkiWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind
) -> None:
    world.has_organization_address = False
    upstream = run(world.start())
    upstream.show(fault, f"{ASSISTANTS}/1/")

    assert fail_download(connect, upstream, 1, 2) is kind
    assert {request.path for request in upstream.requests} == {VOICES, f"{ASSISTANTS}/1/cloned-voices"}


@pytest.mark.parametrize("has_address", [True, False])
def test_the_check_requests_few_voices(world: BurkiWorld, run: Run, connect: Connect, has_address: bool) -> None:
    world.has_organization_address = has_address
    world.has_bare_voices = has_address
    upstream = run(world.start())

    make_client(connect, upstream.address).check_list()

    assert upstream.requests[-1].path == (VOICES if has_address else f"{ASSISTANTS}/1/cloned-voices")
    assert upstream.requests[-1].query == {"status": "processing"}


CHECKS: dict[str, tuple[Fault, FaultKind]] = {
    "a wrong key": (server.status(401), FaultKind.KEY_REFUSED),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "no list": (server.without("cloned_voices"), FaultKind.WRONG_SHAPE),
    "not successful": (server.with_field("success", False), FaultKind.WRONG_SHAPE),
}


@pytest.mark.parametrize(("fault", "kind"), CHECKS.values(), ids=CHECKS)
def test_the_check_fails_unless_a_list_comes(
    world: BurkiWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind
) -> None:
    upstream = run(world.start())
    upstream.show(fault, VOICES)

    with pytest.raises(UpstreamFailed) as raised:
        make_client(connect, upstream.address).check_list()

    assert raised.value.fault.kind is kind


# Assistants


FORMS: dict[str, dict[str, bool]] = {
    "as documented": {},
    "ids as text": {"has_text_ids": True},
    "an object around the list": {"has_wrapped_assistants": True, "has_count": False},
    "no number of assistants": {"has_count": False},
}


@pytest.mark.parametrize("switches", FORMS.values(), ids=FORMS)
def test_all_assistants_of_the_organization_are_read(
    world: BurkiWorld, run: Run, connect: Connect, switches: dict[str, bool]
) -> None:
    world.assistants[0]["is_active"] = False
    for name, value in switches.items():
        setattr(world, name, value)
    upstream = run(world.start())

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Complete)
    assert [assistant.id for assistant in outcome.items] == list(range(1, 2051))
    assert [assistant.is_active for assistant in outcome.items[:2]] == [False, True]
    assert {assistant.organization_id for assistant in outcome.items} == {str(ORGANIZATION_ID)}
    assert [request.query["skip"] for request in upstream.requests if request.path == ASSISTANTS] == [
        "0",
        "1000",
        "2000",
    ]


@pytest.mark.parametrize("count", [0, 1000])
def test_the_end_after_a_full_page_is_an_empty_page(run: Run, connect: Connect, count: int) -> None:
    upstream = run(BurkiWorld(make_assistant(number) for number in range(1, count + 1)).start())

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Complete)
    assert (len(outcome.items), outcome.pages) == (count, 1 + count // 1000)


INCOMPLETE: dict[str, tuple[Fault, FaultKind]] = {
    "an object": (server.text(b"{}"), FaultKind.WRONG_SHAPE),
    "not successful": (server.text(b'{"success": false, "items": []}'), FaultKind.WRONG_SHAPE),
    "null": (server.text(b"null"), FaultKind.WRONG_SHAPE),
    "no entry with an id": (server.text(b'[{"id": null}, 7]'), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "a redirect": (server.redirect, FaultKind.REDIRECTED),
    "404": (server.status(404), FaultKind.NOT_FOUND),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
    "half of a body": (server.truncate, FaultKind.TRUNCATED),
}


@pytest.mark.parametrize(("fault", "kind"), INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("good_pages", [0, 1])
def test_a_fault_on_any_page_of_assistants_is_never_the_end(
    world: BurkiWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind, good_pages: int
) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response, times=good_pages)
    upstream.show(fault)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Incomplete if good_pages else Broken)
    assert outcome.fault.kind is kind


def test_a_repeated_page_of_assistants_is_never_the_end(world: BurkiWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())
    page = [make_assistant(number) for number in range(1, 1001)]
    upstream.show(lambda response: response.with_document(page), ASSISTANTS)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Incomplete)
    assert outcome.fault.kind is FaultKind.REPEATED_PAGE


def test_full_pages_without_a_usable_id_are_not_requested_without_end(run: Run, connect: Connect) -> None:
    upstream = run(BurkiWorld().start())
    upstream.show(server.status(200, [{"id": None}] * 1000), times=5)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Broken)
    assert len(upstream.requests) == 1


COUNTS: dict[str, tuple[Fault, FaultKind]] = {
    "another number": (server.with_field("count", 2051), FaultKind.TOTAL_DIFFERS),
    "no number": (server.text(b'{"count": null}'), FaultKind.WRONG_SHAPE),
    "a bare number": (server.text(b"2050"), FaultKind.WRONG_SHAPE),
    "a web page": (server.html, FaultKind.NOT_JSON),
    "500": (server.status(500), FaultKind.SERVER_FAILED),
}


@pytest.mark.parametrize(("fault", "kind"), COUNTS.values(), ids=COUNTS)
def test_a_short_page_is_not_the_end_if_the_number_of_assistants_does_not_confirm_it(
    world: BurkiWorld, run: Run, connect: Connect, fault: Fault, kind: FaultKind
) -> None:
    upstream = run(world.start())
    upstream.show(fault, COUNT)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Incomplete)
    assert outcome.fault.kind is kind


def test_a_server_with_smaller_pages_than_requested_is_noticed(world: BurkiWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())
    upstream.show(lambda response: response.with_document(response.document[:100]), ASSISTANTS, times=1)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Incomplete)
    assert (len(outcome.items), outcome.fault.kind) == (100, FaultKind.TOTAL_DIFFERS)


def test_assistants_with_long_settings_are_read_in_smaller_pages(
    run: Run, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = run(BurkiWorld(make_assistant(number) for number in range(1, 251)).start())
    monkeypatch.setattr(transports, "BODY_LIMIT", 100_000)

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Complete)
    assert len(outcome.items) == 250
    asked = [(request.query["skip"], request.query["limit"]) for request in upstream.requests[:-1]]
    assert asked == [("0", "1000"), ("0", "100"), ("100", "100"), ("200", "100")]


def test_assistants_that_are_too_long_even_in_smaller_pages_break_the_listing(
    world: BurkiWorld, run: Run, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "BODY_LIMIT", 10_000)

    upstream = run(world.start())
    client = make_client(connect, upstream.address)

    outcomes = [client.list_assistants(), client.list_assistants()]

    assert [type(outcome) for outcome in outcomes] == [Broken, Broken]
    assert [request.query["limit"] for request in upstream.requests] == ["1000", "100", "100"]


IDS: dict[str, Any] = {
    "none": None,
    "empty": "",
    "a word": "asst_1",
    "true": True,
    "zero": 0,
    "negative": -3,
    "more than 64 bits": 1 << 63,
    "a list": [1],
}


@pytest.mark.parametrize("assistant_id", IDS.values(), ids=IDS)
def test_an_assistant_without_a_usable_id_leaves_the_listing_incomplete(
    run: Run, connect: Connect, assistant_id: Any
) -> None:
    upstream = run(BurkiWorld([make_assistant(1), make_assistant(2) | {"id": assistant_id}]).start())

    outcome = make_client(connect, upstream.address).list_assistants()

    assert isinstance(outcome, Incomplete)
    assert [assistant.id for assistant in outcome.items] == [1]
    assert outcome.fault.message == "1 entry of the listing had no ID."


def parse(**fields: Any) -> PlatformAssistant:
    assistant = parse_assistant(make_assistant(1, **fields))
    assert assistant is not None
    return assistant


REFERENCES: dict[str, tuple[Any, list[tuple[str, str, str]]]] = {
    "one voice": (
        {"provider": "resemble", "voice_id": "5a1b"},
        [("resemble", "5a1b", "tts_settings.voice_id")],
    ),
    "no provider": ({"voice_id": "5a1b"}, [("elevenlabs", "5a1b", "tts_settings.voice_id")]),
    "three places": (
        {"provider": "inworld", "voice_id": "a", "provider_config": {"custom_voice_id": "b", "voice_id": "c"}},
        [
            ("inworld", "a", "tts_settings.voice_id"),
            ("inworld", "b", "tts_settings.provider_config.custom_voice_id"),
            ("inworld", "c", "tts_settings.provider_config.voice_id"),
        ],
    ),
    "empty ones": ({"voice_id": "None", "provider_config": {"custom_voice_id": "", "voice_id": " "}}, []),
    "a number": ({"voice_id": 17}, [("elevenlabs", "17", "tts_settings.voice_id")]),
    "wrong types": ({"provider": 3, "voice_id": ["a"], "provider_config": "b"}, []),
    "no settings": (None, []),
    "a list as settings": (["a"], []),
}


@pytest.mark.parametrize(("settings", "references"), REFERENCES.values(), ids=REFERENCES)
def test_every_voice_that_the_settings_name_is_a_reference_with_its_field(
    settings: Any, references: list[tuple[str, str, str]]
) -> None:
    assert list(parse(tts_settings=settings).references) == references


def test_an_assistant_in_live_mode_does_not_speak_the_voice_that_it_names() -> None:
    live, cascade, other = parse(voice_mode="openai_live"), parse(voice_mode="cascade"), parse(voice_mode=None)

    assert (live.is_spoken, cascade.is_spoken, other.is_spoken) == (False, True, True)
    assert live.references == cascade.references != ()


def test_credentials_are_not_kept(world: BurkiWorld, run: Run, connect: Connect) -> None:
    upstream = run(world.start())

    outcome = make_client(connect, upstream.address).list_assistants()

    assert "secret" in str(upstream.respond(upstream.requests[0]).document)
    assert "secret" not in repr(outcome)


# The organization


ORGANIZATIONS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "ids as text": ({"organization_id": "2", "organization_name": "Harbour"}, ("2", "Harbour")),
    "an object": ({"organization": {"id": 2, "name": "Harbour"}, "name": None}, ("2", "Harbour")),
    "plain names": ({"id": 2, "name": "Harbour"}, ("2", "Harbour")),
    "no name": ({"organization_id": 2, "organization_name": None}, ("2", "")),
}


def test_the_organization_of_the_key_is_read(world: BurkiWorld, run: Run, connect: Connect) -> None:
    world.keys["other"] = 9
    upstream = run(world.start())

    assert make_client(connect, upstream.address).read_organization() == ("2", "Harbour")
    assert make_client(connect, upstream.address, "other").read_organization() == ("9", "Other")


@pytest.mark.parametrize(("document", "organization"), ORGANIZATIONS.values(), ids=ORGANIZATIONS)
def test_the_organization_is_read_in_every_form(
    world: BurkiWorld, run: Run, connect: Connect, document: dict[str, Any], organization: tuple[str, str]
) -> None:
    upstream = run(world.start())
    upstream.show(server.status(200, document))

    assert make_client(connect, upstream.address).read_organization() == organization


def test_a_wrong_key_and_a_response_without_an_organization_are_faults(
    world: BurkiWorld, run: Run, connect: Connect
) -> None:
    upstream = run(world.start())

    with pytest.raises(UpstreamFailed) as refused:
        make_client(connect, upstream.address, "wrong").read_organization()
    upstream.show(server.text(b'{"organization_id": null}'))
    with pytest.raises(UpstreamFailed) as missing:
        make_client(connect, upstream.address).read_organization()

    assert refused.value.fault.kind is FaultKind.KEY_REFUSED
    assert "Could not validate credentials" in refused.value.fault.message
    assert missing.value.fault.kind is FaultKind.WRONG_SHAPE
