"""A voice that a removed source or a former account may have is not missing, whatever happens to the other sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import MINUTE, Provider, add_provider, judge, name_voices
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream.elevenlabs import ElevenLabsWorld, make_voice
from tests.upstream.server import Response
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.managing import disable_source
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.types import SourceKind

__all__ = ["_no_pauses", "run"]

Connect = Callable[..., Provider]
TIMES = [NOW + 5 * number * MINUTE for number in range(10)]
COMMON = [f"common{number}" for number in range(6)]


@pytest.fixture
def connect(app: Flask, run: Run) -> Connect:
    """Return a function that adds a source of a new workspace with these voices."""

    def add(*ids: str, **fields: Any) -> Provider:
        world = ElevenLabsWorld([make_voice(id) for id in ids])
        world.workspace_id = f"workspace of {ids[0]}"
        return add_provider(SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"], **fields)

    return add


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization()


def remove(provider: Provider) -> None:
    remove_source(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[1])


def believe(provider: Provider, index: int) -> None:
    withheld = hash_withheld(provider.listings["voices"].withheld)
    believe_list(EVERYTHING, provider.source_id, withheld, by=SHELL, now=TIMES[index])


def change_account(provider: Provider, *ids: str) -> None:
    """Give a source the key of another workspace, and accept it."""
    provider.world.workspace_id, provider.world.voices = "another", [make_voice(id) for id in ids]
    provider.sync(TIMES[2])
    accept_account(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[2])


def test_another_account_does_not_tell_that_a_voice_of_a_removed_source_is_gone(
    connect: Connect, acme: Organization
) -> None:
    first, second = connect("v1"), connect(*COMMON)
    ids = name_voices(acme, ["v1", *COMMON])
    first.sync()
    second.sync()
    remove(first)

    change_account(second, *COMMON)
    second.sync(TIMES[3])

    assert judge(ids["v1"], TIMES[3]) == (None, "unverified")


def test_other_sources_do_not_tell_that_a_voice_of_a_former_account_is_gone(
    connect: Connect, acme: Organization
) -> None:
    first, second = connect("v1"), connect(*COMMON)
    ids = name_voices(acme, ["v1", *COMMON])
    first.sync()
    second.sync()

    change_account(first, "others")
    first.sync(TIMES[3])
    if first.listings["voices"].withheld:
        believe(first, 3)
    first.sync(TIMES[4])
    second.sync(TIMES[4])

    assert judge(ids["v1"], TIMES[4]) == (None, "unverified")


def test_a_list_of_another_organization_does_not_tell_where_a_voice_is(connect: Connect, acme: Organization) -> None:
    globex = make_organization("Globex")
    removed, other = connect("v1", organization_id=acme.id), connect(*COMMON, organization_id=acme.id)
    same = connect("v1", organization_id=globex.id)
    ids = name_voices(acme, ["v1", *COMMON])
    removed.sync()
    other.sync()
    remove(removed)

    same.sync(TIMES[2])
    other.sync(TIMES[3])

    assert judge(ids["v1"], TIMES[3]) == (None, "unverified")


def test_a_believed_list_does_not_tell_that_a_voice_of_a_removed_source_is_gone(
    connect: Connect, acme: Organization
) -> None:
    removed, other = connect("v1"), connect(*COMMON)
    ids = name_voices(acme, ["v1", *COMMON[:2], "gone"])
    removed.sync()
    disable_source(EVERYTHING, removed.source_id, by=SHELL, now=NOW)
    other.world.voices = []
    other.sync(TIMES[1])
    remove(removed)

    believe(other, 1)
    other.sync(TIMES[2])

    assert judge(ids["v1"], TIMES[2]) == (None, "unverified")


def test_a_look_up_during_a_removal_does_not_tell_that_a_voice_is_gone(
    app: Flask, connect: Connect, acme: Organization
) -> None:
    removed, other = connect("v1"), connect(*COMMON)
    ids = name_voices(acme, ["v1", *COMMON])

    def remove_meanwhile(response: Response) -> Response:
        with app.app_context():
            remove(removed)
        return response

    other.upstream.show(remove_meanwhile, "/v1/voices/", times=1)
    other.sync(TIMES[1])

    assert judge(ids["v1"], TIMES[1]) == (None, "unverified")
    other.sync(TIMES[2])
    assert judge(ids["v1"], TIMES[2]) == (None, "unverified")
