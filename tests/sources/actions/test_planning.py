"""A dry run tells what a sync would write and writes nothing; its file is applied exactly, or refused as a whole."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import VARIABLE as PROVIDER_VARIABLE
from tests.sources.actions.providers import Provider, add_provider, name_voices
from tests.sources.actions.scenario import VARIABLE, Platform, newest_run
from tests.sources.clients.conftest import Run as RunStandIn
from tests.two_tenants import dump
from tests.upstream import elevenlabs
from tests.upstream.burki import make_assistant, make_voice
from voiceadmin.database.base import db
from voiceadmin.database.models import DatabaseIdentity
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.listed_voices import read_known_voices
from voiceadmin.sources.actions.managing import disable_source
from voiceadmin.sources.actions.plan_documents import Document
from voiceadmin.sources.actions.plan_files import read_plan, write_plan
from voiceadmin.sources.actions.planning import apply_plan, plan_sync
from voiceadmin.sources.actions.platform_planning import plan_platform
from voiceadmin.sources.actions.platform_syncing import write_platform
from voiceadmin.sources.actions.reading import read_platform
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.connecting import Connection
from voiceadmin.sources.types import SourceKind, SyncReport, SyncResult
from voiceadmin.voices.importing import actions, steps
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.models import ClonedVoice, VoiceVerdict

LATER, MUCH_LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)

ENVIRON = {VARIABLE: "key", PROVIDER_VARIABLE: "key"}

Source = Platform | Provider


def plan(source: Source, folder: Path) -> Document:
    """The document of a dry run, after it was saved and read again."""
    write_plan(
        folder / "plan.json", plan_sync(EVERYTHING, source.source_id, source.settings, now=LATER, environ=ENVIRON)
    )
    return read_plan(folder / "plan.json")


def apply(source: Source, document: Document, now: datetime = MUCH_LATER) -> SyncReport:
    return apply_plan(EVERYTHING, document, source.settings, by=SHELL, now=now, environ=ENVIRON)


def refusal(source: Source, document: Document) -> str:
    """The message with which a plan is refused, after it was checked that nothing was written."""
    before = dump()
    with pytest.raises(SourceRefused) as refused:
        apply(source, document)
    assert dump() == before
    return str(refused.value)


def ids(document: Document, section: str) -> list[Any]:
    return [entry["id"] for entry in document["differences"][section]]


def change_everything(platform: Platform) -> None:
    """Let a platform that was synced differ in every way."""
    platform.voices[2] |= {"name": "Renamed", "status": "failed"}
    platform.voices[:] = [voice for voice in platform.voices if voice["id"] != 810] + [make_voice(900)]
    live = make_assistant(33, voice_mode="openai_live")
    platform.world.assistants = [make_assistant(31, "other", name="Night desk"), live]


@pytest.fixture
def changed(platform: Platform) -> Platform:
    """A platform that was synced and differs in every way since."""
    platform.voices.append(make_voice(811))
    platform.sync()
    platform.voices.pop()
    platform.sync()  # 811 is missing
    platform.voices.append(make_voice(811))
    change_everything(platform)
    return platform


# Dry run


def test_a_dry_run_tells_every_difference_and_writes_nothing(changed: Platform, tmp_path: Path) -> None:
    before = dump()

    document = plan(changed, tmp_path)

    assert dump() == before
    assert document["unchanged"] == 9
    voice = {"tts_provider": "elevenlabs", "tts_voice_id": "rachel", "is_voice_spoken": False}
    assert document["differences"]["assistants_added"] == [{"id": 33, "name": "Assistant 33", "active": True} | voice]
    assert document["differences"]["assistants_changed"] == [
        {"id": 31, "changes": {"name": ["Assistant 31", "Night desk"], "tts_voice_id": ["rachel", "other"]}}
    ]
    assert document["differences"]["voices_added"] == [make_voice(900)]
    assert document["differences"]["voices_changed"] == [
        {"id": 803, "name": "Renamed", "changes": {"name": ["Voice 803", "Renamed"], "status": ["ready", "failed"]}}
    ]
    assert document["differences"]["voices_missing"] == [{"id": 810, "name": "Voice 810"}]
    assert document["differences"]["voices_returned"] == [{"id": 811, "name": "Voice 811"}]
    assert document["differences"]["organization"] == []


def test_a_dry_run_before_the_first_sync_names_the_new_organization(platform: Platform, tmp_path: Path) -> None:
    before = dump()

    document = plan(platform, tmp_path)

    assert dump() == before
    assert document["differences"]["organization"] == [
        {"id": None, "name": "Harbour", "upstream_id": 2, "is_new": True, "is_assigned": True}
    ]
    assert len(document["differences"]["voices_added"]) == 10


def test_refused_records_and_withheld_voices_are_named(platform: Platform, tmp_path: Path) -> None:
    platform.sync()
    platform.voices[0]["quality_score"] = 7
    platform.voices.pop()

    document = plan(platform, tmp_path)

    (fault,) = document["differences"]["records_refused"]
    assert (fault["record"], fault["field"], fault["value"]) == (1, "quality_score", "7")
    assert fault["remedy"] == "Give a score from 0.0 to 1.0; divide a percentage by 100."
    assert ids(document, "voices_missing") == []
    assert ids(document, "voices_withheld") == [810]
    assert document["messages"] == ["1 record could not be used, so that no voice counts as missing."]


def test_the_file_is_private_has_one_line_for_each_difference_and_no_key(changed: Platform, tmp_path: Path) -> None:
    changed.key = "key-planted-0123456789"
    changed.world.keys = {changed.key: 2}
    document = plan_sync(EVERYTHING, changed.source_id, changed.settings, now=LATER, environ={VARIABLE: changed.key})

    write_plan(tmp_path / "plan.json", document)

    text = (tmp_path / "plan.json").read_text()
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert changed.key not in text
    assert json.dumps({"id": 810, "name": "Voice 810"}) in text.splitlines()
    assert list(tmp_path.iterdir()) == [tmp_path / "plan.json"]


# Apply


def test_a_plan_is_applied_as_a_sync_would_have_written_it(changed: Platform, tmp_path: Path) -> None:
    document = plan(changed, tmp_path)

    report = apply(changed, document)

    assert report.result is SyncResult.COMPLETE
    counts = report.counts
    assert (counts.assistants, counts.added, counts.changed, counts.missing, counts.returned) == (2, 1, 1, 1, 1)
    assert newest_run().started_at == MUCH_LATER
    again = plan(changed, tmp_path)
    assert not any(again["differences"].values())
    assert [row["event_type"] for row in dump()["audit_event"]][-1] == "source-synced"


def move_upstream_voice(platform: Platform) -> None:
    platform.voices[5]["synthesis_count"] = 99


def move_upstream_assistant(platform: Platform) -> None:
    platform.world.assistants[0]["name"] = "Day desk"


def break_upstream(platform: Platform) -> None:
    platform.world.keys = {}


def move_voice(platform: Platform) -> None:
    with write_transaction():
        db.session.get_one(ClonedVoice, 803).quality_score = 0.5


def move_unchanged_voice(platform: Platform) -> None:
    with write_transaction():
        db.session.get_one(ClonedVoice, 805).language = "de"


def move_assistant(platform: Platform) -> None:
    with write_transaction():
        db.session.get_one(Assistant, 31).name = "Renamed here"


def sync_meanwhile(platform: Platform) -> None:
    platform.sync(LATER)


def disable(platform: Platform) -> None:
    disable_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)


def remove(platform: Platform) -> None:
    remove_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)


MOVES: dict[str, tuple[Callable[[Platform], None], str]] = {
    "a voice upstream": (move_upstream_voice, "The upstream has changed since the file was made: voices."),
    "an assistant upstream": (move_upstream_assistant, "The upstream has changed since the file was made: assistants."),
    "the key upstream": (break_upstream, "Could not validate credentials"),
    "a voice": (move_voice, "This database has changed since the file was made: voices changed (803)."),
    "an unchanged voice": (move_unchanged_voice, "voices changed (805)."),
    "an assistant": (move_assistant, "assistants changed (31)."),
    "a sync": (sync_meanwhile, "This database has changed since the file was made: assistants added (33),"),
    "a disabled source": (disable, "is disabled. Enable it first."),
    "a removed source": (remove, "was removed. Nothing was written."),
}


@pytest.mark.parametrize(("move", "message"), MOVES.values(), ids=MOVES)
def test_a_plan_is_refused_as_a_whole_after_a_change_of(
    changed: Platform, tmp_path: Path, move: Callable[[Platform], None], message: str
) -> None:
    document = plan(changed, tmp_path)
    move(changed)

    assert message in refusal(changed, document)


class Killed(Exception):
    """Ends a sync as a killed process does."""


def end_after_first_step(written: int, total: int) -> None:
    raise Killed


@pytest.mark.databases("sqlite")  # PostgreSQL imports in one transaction
def test_an_interrupted_import_is_completed_before_a_plan_is_compared(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.sync()
    monkeypatch.setattr(actions, "MAX_TRANSACTION_CHANGES", 1)
    monkeypatch.setattr(steps, "STEP_SIZE", 1)
    for voice in platform.voices[:3]:
        voice["name"] = "Renamed"
    with pytest.raises(Killed):
        platform.sync(on_written=end_after_first_step)
    document, runs = plan(platform, tmp_path), newest_run().id

    with pytest.raises(SourceRefused, match="This database has changed"):
        apply(platform, document)

    assert ids(document, "voices_changed") == [802, 803]
    assert newest_run().id == runs
    assert not any(plan(platform, tmp_path)["differences"].values())


def test_a_voice_that_changes_while_a_plan_is_applied_stops_it_before_voices_are_written(changed: Platform) -> None:
    connection = Connection(SourceKind.BURKI, changed.upstream.address, "key", ())
    known = read_known_voices(changed.source_id)
    with read_platform(connection, {}, lambda _: None) as snapshot, closing(StagedChanges()) as staged:
        plan = plan_platform(changed.source_id, snapshot, known, staged, now=LATER)
        move_voice(changed)
        run = Run.start(changed.source_id, by=SHELL, now=LATER)

        with pytest.raises(SourceRefused, match="Voices were changed here"):
            write_platform(run, snapshot, known, lambda *_: None, plan)

    db.session.rollback()
    assert db.session.get(ClonedVoice, 900) is None


# Providers


@pytest.fixture
def provider(app: Flask, run: RunStandIn) -> Provider:
    """A provider that was synced and differs in every way since."""
    ids = [f"v{number:03}" for number in range(10)]
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice(id) for id in ids])
    provider = add_provider(SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"])
    name_voices(make_organization(), [*ids, "v900"])
    provider.sync()
    voices = {voice["voice_id"]: voice for voice in world.voices}
    voices["v003"]["safety_control"] = "BAN"
    world.voices = [*(voice for id, voice in voices.items() if id != "v009"), elevenlabs.make_voice("v010")]
    return provider


def test_a_dry_run_of_a_provider_tells_every_difference_and_asks_for_no_voice(
    provider: Provider, tmp_path: Path
) -> None:
    before, look_ups = dump(), provider.count_look_ups()

    document = plan(provider, tmp_path)

    assert (dump(), provider.count_look_ups()) == (before, look_ups)
    assert ids(document, "voices_listed_first") == ["v010"]
    (change,) = document["differences"]["voices_changed"]
    assert (change["id"], change["changes"]["state"]) == ("v003", ["ready", "blocked"])
    assert ids(document, "voices_absent") == ["v009"]
    assert ids(document, "look_ups") == ["v009"]  # v900 was looked up an hour ago


def test_a_plan_of_a_provider_is_applied_and_looks_up_the_voices_that_it_names(
    provider: Provider, tmp_path: Path
) -> None:
    document, look_ups = plan(provider, tmp_path), provider.count_look_ups()

    report = apply(provider, document, NOW + timedelta(days=2))  # when v900 would be looked up again

    assert (report.counts.added, report.counts.changed, report.counts.missing) == (1, 1, 1)
    assert provider.count_look_ups() == look_ups + 1
    assert provider.look_ups == {"v009": "absent", "v900": "absent"}
    verdicts = select(VoiceVerdict.provider_voice_id, VoiceVerdict.verdict)
    assert dict(db.session.execute(verdicts).all())["v009"] == "missing"
    db.session.rollback()
    differences = plan(provider, tmp_path)["differences"]
    assert [name for name, entries in differences.items() if entries] == ["lists"]


def test_a_plan_of_a_provider_is_refused_after_a_change_of_its_list_or_account(
    provider: Provider, tmp_path: Path
) -> None:
    document = plan(provider, tmp_path)
    provider.world.voices.pop()
    assert "The upstream has changed since the file was made: slots, list “voices”." in refusal(provider, document)

    document = plan(provider, tmp_path)
    provider.world.workspace_id = "other"
    assert "The upstream has changed since the file was made: account." in refusal(provider, document)


def test_lists_that_are_not_believed_are_planned_as_withheld(provider: Provider, tmp_path: Path) -> None:
    provider.world.voices = provider.world.voices[:2]

    document = plan(provider, tmp_path)

    assert ids(document, "voices_absent") == ids(document, "look_ups") == []
    assert [entry["why"] for entry in document["differences"]["voices_withheld"]][:1] == ["listed before"]
    assert "Too many voices are missing at once" in document["messages"][0]


# Files


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace("Renamed", "Other"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def change_version(path: Path) -> None:
    path.write_text(path.read_text().replace('"version": 1,', '"version": 2,'))


def replace_by_list(path: Path) -> None:
    path.write_text("[]")


def rename_database(path: Path) -> None:
    with write_transaction():
        db.session.scalars(select(DatabaseIdentity)).one().name = "other"


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "edited": (edit, "is damaged, or was changed after it was written."),
    "cut": (cut, "is damaged, or is not a file of a dry run."),
    "of another version": (change_version, "has version 2 of its format, and this program writes 1."),
    "something else": (replace_by_list, "is not a file of a dry run."),
    "removed": (Path.unlink, "cannot be read: No such file or directory."),
    "of another database": (rename_database, "was made from another database."),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_file_is_refused_that_is(
    changed: Platform, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    plan(changed, tmp_path)
    damage(tmp_path / "plan.json")

    with pytest.raises(SourceRefused, match=re.escape(message)):
        read_plan(tmp_path / "plan.json")


def test_a_file_that_cannot_be_written_leaves_nothing_behind(changed: Platform, tmp_path: Path) -> None:
    document = plan_sync(EVERYTHING, changed.source_id, changed.settings, now=LATER, environ=ENVIRON)

    with pytest.raises(SourceRefused, match="cannot be written"):
        write_plan(tmp_path / "nowhere" / "plan.json", document)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceRefused, match="cannot be written"):
        write_plan(tmp_path / "folder", document)

    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]
