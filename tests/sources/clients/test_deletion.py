"""Deleting one voice: which requests are sent, and what their answers mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from tests.sources.clients.conftest import Connect, Run
from tests.upstream import cartesia, elevenlabs, inworld, resemble, server
from tests.upstream.server import Fault, Response, StandIn
from voiceadmin.sources.clients import cartesia as cartesia_client
from voiceadmin.sources.clients import elevenlabs as elevenlabs_client
from voiceadmin.sources.clients import inworld as inworld_client
from voiceadmin.sources.clients import resemble as resemble_client
from voiceadmin.sources.clients.deletion import is_safe_id
from voiceadmin.sources.clients.outcomes import Accepted, FaultKind, NotThere, Refused, Unconfirmed
from voiceadmin.sources.clients.types import Absent, Found, ProviderClient, ProviderState, ProviderVoice, Unclear


class Kind(NamedTuple):
    """A provider. make_world: with one voice of this ID. path: of its voices."""

    make_world: Callable[[], Any]
    client: Callable[..., ProviderClient]
    build_headers: Callable[[str], dict[str, str]]
    voice_id: str
    path: str
    key: str = "key"
    base: str = ""


KINDS = {
    "elevenlabs": Kind(
        lambda: elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("v1")]),
        elevenlabs_client.ElevenLabs,
        elevenlabs_client.build_headers,
        "v1",
        "/v1/voices",
    ),
    "resemble": Kind(
        lambda: resemble.ResembleWorld([resemble.make_voice("v1")]),
        resemble_client.Resemble,
        resemble_client.build_headers,
        "v1",
        "/api/v2/voices",
        base="/api/v2",
    ),
    "inworld": Kind(
        lambda: inworld.InworldWorld([inworld.make_voice("v1")]),
        inworld_client.Inworld,
        inworld_client.build_headers,
        "acme__v1",
        inworld.VOICES,
        inworld.KEY,
    ),
    "cartesia": Kind(
        lambda: cartesia.CartesiaWorld([cartesia.make_voice("v1")]),
        cartesia_client.Cartesia,
        cartesia_client.build_headers,
        "v1",
        "/voices",
    ),
}
PROVIDERS = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def connect_to(kind: Kind, upstream: StandIn, connect: Connect) -> ProviderClient:
    headers = {name.replace("-", "_"): value for name, value in kind.build_headers(kind.key).items()}
    return kind.client(connect(upstream.address + kind.base, **headers))


def find(client: ProviderClient, voice_id: str) -> ProviderVoice:
    found = client.look_up(voice_id)
    assert isinstance(found, Found)
    return found.voice


@PROVIDERS
def test_a_voice_is_deleted_with_one_request_and_is_absent_afterwards(kind: Kind, run: Run, connect: Connect) -> None:
    upstream = run(kind.make_world().start())
    client = connect_to(kind, upstream, connect)
    voice = find(client, kind.voice_id)

    outcome = client.delete_voice(voice)

    assert outcome == Accepted(204 if kind.path == "/voices" else 200)
    assert upstream.deletions == [f"{kind.path}/{kind.voice_id}"]
    assert isinstance(client.look_up_deleted(voice), Absent)


# A fault, whether the voice is deleted nevertheless, and the outcome.
FAULTS: dict[str, tuple[Fault, bool, type[object], FaultKind]] = {
    "in use": (server.status(409, {"message": "in use"}), False, Refused, FaultKind.CONFLICT),
    "without the right": (server.status(403, {"message": "no right"}), False, Refused, FaultKind.RIGHT_MISSING),
    "key refused": (server.status(401, {"message": "key"}), False, Refused, FaultKind.KEY_REFUSED),
    "bad request": (server.status(400, {"message": "bad"}), False, Refused, FaultKind.REQUEST_REFUSED),
    "too many requests": (server.status(429, Retry_After="1"), False, Refused, FaultKind.RATE_LIMITED),
    "no such voice": (server.status(404, {"message": "gone"}), False, NotThere, FaultKind.NOT_FOUND),
    "a page of a gateway": (
        lambda response: replace(server.html(response), status=404),
        False,
        Unconfirmed,
        FaultKind.WRONG_SHAPE,
    ),
    "timed out": (server.status(408), True, Unconfirmed, FaultKind.TIMED_OUT),
    "server failed": (server.status(500), True, Unconfirmed, FaultKind.SERVER_FAILED),
    "redirected": (server.redirect, True, Unconfirmed, FaultKind.REDIRECTED),
    "answer lost": (server.lose, True, Unconfirmed, FaultKind.TRUNCATED),
    "not JSON": (server.html, True, Unconfirmed, FaultKind.NOT_JSON),
    "success is false": (server.text(b'{"success": false}'), False, Unconfirmed, FaultKind.WRONG_SHAPE),
    "another status": (server.text(b'{"status": "error"}'), False, Unconfirmed, FaultKind.WRONG_SHAPE),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_never_taken_for_a_deletion_and_never_repeated(name: str, run: Run, connect: Connect) -> None:
    kind = KINDS["elevenlabs"]
    upstream = run(kind.make_world().start())
    fault, is_carried_out, expected, fault_kind = FAULTS[name]
    body = fault if name != "not JSON" else lambda response: server.html(replace(response, status=200))
    upstream.show(body, method="DELETE", is_carried_out=is_carried_out)
    client = connect_to(kind, upstream, connect)
    voice = find(client, kind.voice_id)

    outcome = client.delete_voice(voice)

    assert isinstance(outcome, expected)
    assert not isinstance(outcome, Accepted)
    assert outcome.fault.kind is fault_kind
    assert len(upstream.deletions) == 1
    assert isinstance(client.look_up_deleted(voice), Absent if is_carried_out else Found)


def test_a_missing_right_is_read_from_the_body(run: Run, connect: Connect) -> None:
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("v1")])
    world.keys = {"key": frozenset({"voices_read"})}
    client = connect_to(KINDS["elevenlabs"], run(world.start()), connect)

    outcome = client.delete_voice(find(client, "v1"))

    assert isinstance(outcome, Refused)
    assert outcome.fault.kind is FaultKind.RIGHT_MISSING
    assert "voices_write" in outcome.fault.message


UNSAFE_IDS = {
    "empty": "",
    "dot": ".",
    "two dots": "..",
    "slash": "a/b",
    "leading slash": "/a",
    "backslash": "a\\b",
    "query": "a?b",
    "fragment": "a#b",
    "encoded": "%2e%2e",
    "line break": "a\nb",
    "carriage return": "a\r",
    "NUL": "a\0",
    "blank": "a b",
    "only blank": " ",
    "wide blank": "a\u3000",
    "zero width": "a\u200b",
    "unpaired surrogate": "a\ud800",
}


@PROVIDERS
def test_an_unsafe_id_is_refused_before_any_request(kind: Kind, run: Run, connect: Connect) -> None:
    upstream = run(kind.make_world().start())
    client = connect_to(kind, upstream, connect)

    voices = {name: ProviderVoice(id, "Voice", ProviderState.READY, is_ours=True) for name, id in UNSAFE_IDS.items()}
    sent = [name for name, voice in voices.items() if not isinstance(client.delete_voice(voice), Refused)]

    assert sent == []
    assert upstream.requests == []


def test_an_id_is_sent_as_one_segment_of_the_path(run: Run, connect: Connect) -> None:
    odd = "ä:@;=&+,$!*'()~"
    upstream = run(elevenlabs.ElevenLabsWorld([elevenlabs.make_voice(odd)]).start())
    client = connect_to(KINDS["elevenlabs"], upstream, connect)

    assert is_safe_id(odd)
    assert client.delete_voice(find(client, odd)) == Accepted(200)

    assert upstream.requests[-1].target == "/v1/voices/%C3%A4%3A%40%3B%3D%26%2B%2C%24%21%2A%27%28%29~"


OBSTACLES: dict[str, dict[str, Any]] = {
    "of others": {"is_ours": False},
    "in training": {"state": ProviderState.PROCESSING},
    "of an unknown state": {"state": ProviderState.UNKNOWN},
}


@PROVIDERS
def test_a_voice_of_others_or_of_an_unclear_state_is_refused_before_any_request(
    kind: Kind, run: Run, connect: Connect
) -> None:
    upstream = run(kind.make_world().start())
    client = connect_to(kind, upstream, connect)
    voice = ProviderVoice(kind.voice_id, "Voice", ProviderState.READY, is_ours=True)

    outcomes = [client.delete_voice(voice._replace(**fields)) for fields in OBSTACLES.values()]

    assert [type(outcome) for outcome in outcomes] == [Refused] * 3
    assert upstream.requests == []


# Inworld


@pytest.mark.parametrize(
    ("state", "path"),
    [("DRAFT", inworld.PVC_VOICES), ("FAILED", inworld.PVC_VOICES), ("READY", inworld.VOICES)],
)
def test_a_professional_voice_is_deleted_by_the_service_that_can(
    state: str, path: str, run: Run, connect: Connect
) -> None:
    world = inworld.InworldWorld(professional=[inworld.make_professional("pro", state)])
    upstream = run(world.start())
    client = connect_to(KINDS["inworld"], upstream, connect)
    voice = find(client, "acme__pro")

    assert client.delete_voice(voice) == Accepted(200)

    assert upstream.deletions == [f"{path}/acme__pro"]
    assert isinstance(client.look_up_deleted(voice), Absent)


@pytest.mark.parametrize("state", ["QUEUED", "TRAINING", "SOMETHING_NEW"])
def test_a_professional_voice_in_training_is_not_deleted(state: str, run: Run, connect: Connect) -> None:
    upstream = run(inworld.InworldWorld(professional=[inworld.make_professional("pro", state)]).start())
    client = connect_to(KINDS["inworld"], upstream, connect)

    assert isinstance(client.delete_voice(find(client, "acme__pro")), Refused)
    assert upstream.deletions == []


def test_a_deleted_voice_is_not_absent_if_a_service_of_inworld_does_not_answer(run: Run, connect: Connect) -> None:
    upstream = run(KINDS["inworld"].make_world().start())
    client = connect_to(KINDS["inworld"], upstream, connect)
    voice = find(client, "acme__v1")
    client.delete_voice(voice)
    upstream.show(server.status(500), inworld.PVC_VOICES)

    assert isinstance(client.look_up_deleted(voice), Unclear)


def test_a_fine_tune_of_cartesia_is_not_deleted(run: Run, connect: Connect) -> None:
    upstream = run(cartesia.CartesiaWorld(fine_tunes=[cartesia.make_fine_tune("tune", "failed")]).start())
    client = connect_to(KINDS["cartesia"], upstream, connect)

    assert isinstance(client.delete_voice(find(client, "tune")), Refused)
    assert upstream.deletions == []


def test_an_empty_body_of_success_is_an_answer(run: Run, connect: Connect) -> None:
    upstream = run(KINDS["inworld"].make_world().start())
    upstream.show(lambda _: Response(body=b""), method="DELETE")
    client = connect_to(KINDS["inworld"], upstream, connect)

    assert client.delete_voice(find(client, "acme__v1")) == Accepted(200)
