"""The command that deletes the voices of a plan."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina
from flask import Flask

from tests.cleanup.actions.deletions import Scene, build_scene, make_workspace
from tests.commands import Shell
from tests.factories import make_assistant, make_organization
from tests.sources.actions.providers import VARIABLE
from tests.two_tenants import rows_of
from voiceadmin.cleanup.actions import deleting

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def scene(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv(VARIABLE, "key")
    monkeypatch.setattr(deleting, "PAUSE_SECONDS", 0.0)
    world = make_workspace()
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        yield build_scene(make_organization("Acme"), upstream, world, app.config["VOICEADMIN"])


def test_without_options_the_command_prints_what_is_possible_and_deletes_nothing(scene: Scene, shell: Shell) -> None:
    make_assistant(scene.acme, tts_provider="elevenlabs", tts_voice_id="v1")

    lines = shell("clean-up", "delete", "1").stdout.splitlines()

    assert lines == [
        "ElevenLabs: 2 voices can be deleted.",
        "  1: An assistant uses it, or names it in its settings.",
        "Nothing was deleted. Give --provider and --count to delete voices.",
    ]
    assert (scene.deleted, rows_of("deletion_request")) == ([], [])


def test_the_exact_number_deletes_the_voices(scene: Scene, shell: Shell) -> None:
    wrong = shell("clean-up", "delete", "1", "--provider", "elevenlabs", "--count", "2")
    sent = list(scene.deleted)
    right = shell("clean-up", "delete", "1", "--provider", "elevenlabs", "--count", "3")

    assert wrong.exit_code == 1
    assert "3 voices can be deleted at ElevenLabs now. Nothing was deleted." in wrong.stderr
    assert sent == []
    assert (right.exit_code, len(right.stdout.splitlines())) == (0, 3)
    assert scene.deleted == ["v1", "v2", "v3"]


def test_the_command_carries_out_what_was_confirmed_on_the_page(scene: Scene, shell: Shell) -> None:
    scene.request()

    assert "Deleted. Answered 200." in shell("clean-up", "delete", "1").stdout
    assert scene.deleted == ["v1", "v2", "v3"]


@pytest.mark.parametrize("words", [("--count", "3"), ("--provider", "elevenlabs")], ids=["count", "provider"])
def test_one_option_without_the_other_is_refused(scene: Scene, shell: Shell, words: tuple[str, str]) -> None:
    result = shell("clean-up", "delete", "1", *words)

    assert (result.exit_code, scene.deleted) == (2, [])
    assert "Give both --provider and --count." in result.stderr


def test_an_unknown_plan_is_named(scene: Scene, shell: Shell) -> None:
    result = shell("clean-up", "delete", "7")

    assert (result.exit_code, scene.deleted) == (1, [])
    assert "There is no plan 7." in result.stderr
