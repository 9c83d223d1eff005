"""The rights that the test of a key asks for, by kind of source."""

from __future__ import annotations

from typing import Any

import pytest
import stamina

from tests.conftest import NOW
from tests.upstream import inworld
from tests.upstream.burki import BurkiWorld
from tests.upstream.cartesia import CartesiaWorld
from tests.upstream.elevenlabs import ElevenLabsWorld
from tests.upstream.inworld import InworldWorld
from tests.upstream.resemble import ResembleWorld
from voiceadmin.sources.connecting import CLIENT_KINDS, Connection, check_key_rights
from voiceadmin.sources.types import KeyTest, SourceKind

OF_PROVIDER = ["List voices", "Read the account", "Read slots"]

WORLDS: dict[SourceKind, tuple[type, list[str]]] = {
    SourceKind.BURKI: (BurkiWorld, ["List voices", "Read the organization", "List assistants"]),
    SourceKind.ELEVENLABS: (ElevenLabsWorld, OF_PROVIDER),
    SourceKind.RESEMBLE: (ResembleWorld, OF_PROVIDER),
    SourceKind.INWORLD: (InworldWorld, OF_PROVIDER),
    SourceKind.CARTESIA: (CartesiaWorld, ["List voices"]),
}


KEYS = {SourceKind.INWORLD: inworld.KEY}  # the others know "key"


def check(kind: SourceKind, world: Any, key: str) -> KeyTest:
    with stamina.set_testing(True, attempts=1), world.start().run() as server:
        return check_key_rights(Connection(kind, server.address, key, ()), NOW)


def test_every_kind_with_a_client_has_a_stand_in() -> None:
    assert {*WORLDS, SourceKind.VOICEADMIN} == set(CLIENT_KINDS)  # another voiceadmin is tested with a real server


@pytest.mark.parametrize("kind", WORLDS)
def test_a_good_key_has_the_rights_of_its_kind(kind: SourceKind) -> None:
    world, labels = WORLDS[kind]

    test = check(kind, world(), KEYS.get(kind, "key"))

    assert [(right.label, right.is_granted) for right in test.rights] == [(label, True) for label in labels]


@pytest.mark.parametrize("kind", WORLDS)
def test_a_wrong_key_may_not_list_voices(kind: SourceKind) -> None:
    world, labels = WORLDS[kind]

    test = check(kind, world(), "wrong-key")

    assert test.works is False
    assert test.account_hash == ""
    assert [right.is_granted for right in test.rights] == [False] + [None] * (len(labels) - 1)


def test_accounts_are_told_apart_by_their_hashes() -> None:
    one, other = ElevenLabsWorld(), ElevenLabsWorld()
    other.workspace_id = "workspace-2"

    hashes = [check(SourceKind.ELEVENLABS, world, "key").account_hash for world in (one, one, other)]

    assert hashes[0] == hashes[1] != hashes[2]
    assert {len(text) for text in hashes} == {64}
