"""A voice is judged by the sources of its provider that can list it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import make_organization, make_voice
from tests.sources.actions.providers import (
    MINUTE,
    Provider,
    add_elevenlabs,
    add_provider,
    evidence_of,
    judge,
    name_voices,
)
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream import elevenlabs, resemble
from tests.upstream.server import Fault, Response, status
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.evidence import collect_evidence
from voiceadmin.sources.types import SourceKind
from voiceadmin.voices.queries import get_voice
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

__all__ = ["_no_pauses", "run"]

IDS = ["v1", "v2", "v3", "v4"]
LATER = NOW + 5 * MINUTE


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization()


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with four voices, which was not read yet."""
    return add_elevenlabs(IDS, run, app.config["VOICEADMIN"])


def test_without_a_source_a_voice_is_not_verified_by_choice(acme: Organization) -> None:
    voice_id = name_voices(acme, IDS)["v1"]

    assert judge(voice_id) == (None, "by-choice")
    assert evidence_of(voice_id).judgement.message == "No source is connected, so that ElevenLabs is not asked."


@pytest.mark.parametrize(
    "fields", [{"provider": "azure"}, {"provider_voice_id": ""}], ids=["of another provider", "without an ID"]
)
def test_a_voice_that_no_source_can_list_has_no_evidence(acme: Organization, fields: dict[str, str]) -> None:
    detail = get_voice(EVERYTHING, make_voice(acme, **fields).id)

    assert collect_evidence(detail, now=NOW, cloning_timeout=timedelta(minutes=10)) is None


def test_a_source_that_was_never_read_verifies_nothing(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, IDS)
    assert judge(ids["v1"]) == (None, "unverified")

    provider.upstream.show(status(500), "/v2/voices")
    provider.sync()

    assert judge(ids["v1"]) == (None, "unverified")
    (source,) = evidence_of(ids["v1"]).sources
    assert source.read_at is None
    assert "500" in source.message


def test_a_disabled_source_verifies_nothing_until_it_is_enabled(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()

    disable_source(EVERYTHING, provider.source_id, by=SHELL, now=NOW)
    assert {judge(id) for id in ids.values()} == {(None, "by-choice")}
    assert [source.message for source in evidence_of(ids["v1"]).sources] == ["This source is disabled."]

    enable_source(EVERYTHING, provider.source_id, by=SHELL, now=NOW)
    assert judge(ids["gone"]) == ("missing", "confirmed")


def test_a_removed_source_verifies_nothing(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()

    remove_source(EVERYTHING, provider.source_id, by=SHELL, now=NOW)

    assert {judge(id) for id in ids.values()} == {(None, "by-choice")}


def test_a_voice_that_only_a_removed_source_may_have_is_not_missing(
    app: Flask, run: Run, provider: Provider, acme: Organization
) -> None:
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("other")])
    other = add_provider(SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"])
    ids = name_voices(acme, [*IDS, "other", "gone"])
    provider.sync()
    other.sync()
    provider.upstream.show(hide_voice("v1"), "/v2/voices")
    provider.sync(LATER)
    ids |= name_voices(acme, ["created since"])

    remove_source(EVERYTHING, provider.source_id, by=SHELL, now=LATER)
    other.sync(LATER + MINUTE)

    found = {name: judge(id, LATER + MINUTE) for name, id in ids.items()}
    assert found == dict.fromkeys([*IDS, "created since"], (None, "unverified")) | {
        "other": ("in-step", "listed"),
        "gone": ("missing", "confirmed"),
    }


def test_a_voice_of_others_that_the_list_lacks_is_missing(provider: Provider, acme: Organization) -> None:
    stock = elevenlabs.make_voice("stock", category="premade", is_owner=False)
    provider.world.voices.append(stock)
    ids = name_voices(acme, ["stock", *IDS])
    provider.sync()
    assert judge(ids["stock"]) == ("not-ours", "listed")

    provider.world.voices.remove(stock)
    provider.sync(LATER)

    assert judge(ids["stock"], LATER) == ("missing", "confirmed")


def hide_voice(voice_id: str) -> Fault:
    """Return a fault of a list that lacks a voice, which a look-up finds."""

    def hide(response: Response) -> Response:
        voices = [voice for voice in response.document["voices"] if voice["voice_id"] != voice_id]
        return response.with_document({**response.document, "voices": voices})

    return hide


def test_lists_that_are_no_longer_read_become_stale(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()

    assert judge(ids["gone"], NOW + MAX_LIST_AGE) == ("missing", "confirmed")
    assert judge(ids["gone"], NOW + MAX_LIST_AGE + MINUTE) == (None, "stale")
    assert judge(ids["v1"], NOW + MAX_LIST_AGE + MINUTE) == ("in-step", "stale")


def test_a_source_of_an_organization_says_nothing_about_voices_of_others(
    app: Flask, run: Run, acme: Organization
) -> None:
    globex = make_organization("Globex")
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice(id) for id in IDS])
    settings = app.config["VOICEADMIN"]
    own = add_provider(SourceKind.ELEVENLABS, world, run(world.start()), settings, organization_id=acme.id)
    ours, theirs = name_voices(acme, IDS)["v1"], name_voices(globex, ["w1"])["w1"]

    own.sync()

    assert judge(ours) == ("in-step", "listed")
    assert judge(theirs) == (None, "by-choice")
    assert own.look_ups == {}


def test_the_evidence_names_state_time_and_answer_of_each_source(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.world.voices[0]["safety_control"] = "BAN"
    provider.sync()

    (source,) = evidence_of(ids["v1"]).sources
    assert (source.name, source.read_at, source.message) == ("ElevenLabs", NOW, "")
    assert source.raw_state == "category: cloned, safety_control: BAN"
    (source,) = evidence_of(ids["gone"]).sources
    assert (source.raw_state, source.looked_up_at) == ("", NOW)
    assert source.answer == "The workspace of the key has no voice with this ID."


def test_a_voice_at_another_provider_is_not_missing(
    app: Flask, run: Run, provider: Provider, acme: Organization
) -> None:
    world = resemble.ResembleWorld([resemble.make_voice("moved")])
    other = add_provider(SourceKind.RESEMBLE, world, run(world.start()), app.config["VOICEADMIN"])
    moved = name_voices(acme, [*IDS, "moved"])["moved"]
    provider.sync()
    assert judge(moved) == ("missing", "confirmed")

    other.sync()

    assert judge(moved)[0] == "wrong-provider"
    assert "Resemble" in evidence_of(moved).judgement.message
    disable_source(EVERYTHING, other.source_id, by=SHELL, now=NOW)
    assert judge(moved) == (None, "by-choice")


def test_two_voices_of_an_organization_with_one_id_are_duplicates(provider: Provider, acme: Organization) -> None:
    first, second = (make_voice(acme, provider_voice_id="v1").id for _ in range(2))
    other = make_voice(make_organization("Globex"), provider_voice_id="v1").id
    provider.sync()

    assert judge(first) == judge(second) == ("duplicate", "listed")
    assert judge(other) == ("in-step", "listed")
