"""The commands of a dry run: what they print, save and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from tests.commands import Shell
from tests.factories import voice_row
from tests.sources.actions.scenario import VARIABLE, Platform, add_platform
from tests.sources.clients.conftest import Run, run
from tests.two_tenants import dump
from tests.upstream.burki import BurkiWorld, make_assistant, make_voice
from voiceadmin.voices.json_body import voice_to_json

__all__ = ["run"]

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def platform(app: Flask, run: Run, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A source with 30 voices, of which one has a name that would move the cursor of a terminal."""
    monkeypatch.setenv(VARIABLE, "key")
    voices = [make_voice(number) for number in range(801, 830)]
    world = BurkiWorld([make_assistant(31)], [make_voice(800, name="\x1b[2J“Zoë”"), *voices])
    return add_platform(world, run(world.start()), app.config["VOICEADMIN"])


def test_the_first_differences_of_each_kind_are_printed(platform: Platform, shell: Shell) -> None:
    before = dump()

    result = shell("sync", "--source", "1", "--dry-run")

    assert (result.exit_code, result.stderr, dump()) == (0, "", before)
    lines = result.stdout.splitlines()
    assert lines[:8] == [
        "Harbour: dry run, nothing was written. A sync would write this:",
        "Organization: 1",
        '  "Harbour" would be added, with the ID 2 on the platform',
        "Assistants to add: 1",
        '  31  "Assistant 31": elevenlabs',
        "Voices to add: 30",
        '  800  "\\u001b[2J“Zoë”": elevenlabs, ready',
        '  801  "Voice 801": elevenlabs, ready',
    ]
    assert lines[26:] == [
        "  … and 10 more",
        "Unchanged: 0 voices",
    ]


def test_a_file_is_applied_once(platform: Platform, shell: Shell, tmp_path: Path) -> None:
    shell("sync")
    platform.voices[0] |= {"name": "Renamed", "quality_score": 0.5}
    platform.voices[1]["status"] = "gone"
    file = tmp_path / "plan.json"

    planned = shell("sync", "--source", "1", "--dry-run", "--output", file)
    applied = shell("sync", "--apply", file)
    again = shell("sync", "--apply", file)

    assert planned.stdout.splitlines() == [
        "Harbour: dry run, nothing was written. A sync would write this:",
        "  1 record could not be used, so that no voice counts as missing.",
        "Voices to change: 1",
        '  800  "Renamed": name "\\u001b[2J“Zoë”" → "Renamed", quality_score none → 0.5',
        "Records that cannot be used: 1",
        '  Record 2, status: "gone" is not a status. Use one of processing, ready, failed, archived.',
        "Unchanged: 28 voices",
        f"Saved in {file}. Write exactly this with “sync --apply {file}”.",
    ]
    assert (planned.exit_code, applied.exit_code, again.exit_code) == (1, 1, 1)
    assert applied.stdout == "Harbour: incomplete. Voices: 0 added, 1 changed, 28 unchanged.\n"
    assert "This database has changed since the file was made: voices changed (800)." in again.stderr


def test_a_dry_run_without_differences_says_so(platform: Platform, shell: Shell) -> None:
    shell("sync")

    assert shell("sync", "--source", "1", "--dry-run").stdout.splitlines() == [
        "Harbour: dry run, nothing was written. A sync would change nothing.",
        "Unchanged: 30 voices",
    ]


OPTIONS = {
    "a dry run of all sources": (("--dry-run",), "Give --source with --dry-run"),
    "an output without a dry run": (("--source", "1", "--output", "x"), "Give --dry-run with --output."),
    "a file and a source": (("--apply", "x", "--source", "1"), "Give --apply alone."),
    "a dry run again and again": (("--source", "1", "--dry-run", "--every", "5m"), "Give either --source or --every."),
}


@pytest.mark.parametrize(("words", "message"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_contradict_each_other_are_refused(
    app: Flask, shell: Shell, words: tuple[str, ...], message: str
) -> None:
    result = shell("sync", *words)

    assert (result.exit_code, message in result.stderr) == (2, True)


def test_a_sync_merges_what_an_import_created_for_an_assistant_and_syncs_again(
    platform: Platform, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "voices.json"
    file.write_text(json.dumps([voice_to_json(voice_row(id=801, name="Radio spot"))]))
    shell("import", file, "--assistant", 31)

    result = shell("sync")

    assert result.exit_code == 0
    assert (
        "Harbour: 1 organization that an import created was merged into that of the source."
        " Merges can be undone on the page Organizations.\n"
    ) in result.stdout
    assert result.stdout.splitlines()[-1] == (
        "Harbour: complete. Voices: 29 added, 1 changed, 0 unchanged. Assistants: 1 added or changed."
    )
