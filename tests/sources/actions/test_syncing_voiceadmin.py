"""A voiceadmin that syncs from another one ends with the same list, and reads it again only after a change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import NOW, SHELL
from tests.factories import make_assistant, make_organization, put_voices, voice_row
from tests.server.conftest import start
from tests.server.server_process import ServerProcess, Start
from tests.sources.actions.scenario import assistants, missing, newest_run, stored_voices
from voiceadmin import create_app
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.types import NewSource, SourceKind, SyncReport, SyncResult
from voiceadmin.voices.models import ClonedVoice

__all__ = ["start"]

pytestmark = pytest.mark.slow

PATH = "/api/v1/assistants/31/cloned-voices"

VARIABLE = "UPSTREAM_KEY_PEER"

NAMES = ("Zoë", "“Quoted”", "line\nbreak", "日本語", "emoji 🎙", "back\\slash", "  blanks  ", "</script>")

Sync = Callable[[], SyncReport]


@contextmanager
def open_instance(folder: Path) -> Iterator[Settings]:
    """Open the database of a folder, created if it does not exist."""
    settings = Settings(instance=folder)
    with create_app(settings).app_context():
        prepare_database()
        yield settings
        db.session.remove()
        dispose_engine()


@pytest.fixture
def peer(tmp_path: Path, start: Start) -> tuple[ServerProcess, Path, str]:
    """A running voiceadmin with an organization and a key for it: the server, its folder and the key."""
    folder = tmp_path / "peer"
    folder.mkdir()
    with open_instance(folder):
        organization = make_organization("Harbour")
        make_assistant(organization, id=31)
        named = [voice_row(id=900 + number, name=name) for number, name in enumerate(NAMES)]
        put_voices(organization, [*named, *(voice_row(id=number, quality_score=None) for number in range(1, 300))])
        key = create_api_key(EVERYTHING, "Peer", frozenset({organization.id}), expires_at=None, by=SHELL, now=NOW)
    return start("run", folder=folder), folder, key


@pytest.fixture
def own(tmp_path: Path, peer: tuple[ServerProcess, Path, str]) -> Iterator[Sync]:
    """A second voiceadmin in the folder "own" with the first one as a source. Yields what syncs it."""
    server, _, key = peer
    (tmp_path / "own").mkdir()
    with open_instance(tmp_path / "own") as settings:
        organization = make_organization("Ours")
        new = NewSource(organization.id, SourceKind.VOICEADMIN, "Peer", server.address, VARIABLE, assistant_ids=(31,))
        id = create_source(EVERYTHING, new, settings, by=SHELL, now=NOW)
        environ = {VARIABLE: key}
        yield lambda: sync_source(EVERYTHING, id, settings, by=SHELL, now=NOW + timedelta(hours=1), environ=environ)


def statuses() -> list[int]:
    """The statuses of the requests of the newest sync."""
    return [request["status"] for request in json.loads(newest_run().requests)]


def test_the_list_is_the_same_byte_for_byte(
    peer: tuple[ServerProcess, Path, str], own: Sync, tmp_path: Path, start: Start
) -> None:
    report = own()

    assert (report.result, report.counts.added, report.messages) == (SyncResult.COMPLETE, 307, ())
    assert peer[0].get(PATH) == start("run", folder=tmp_path / "own").get(PATH)


def test_an_unchanged_list_is_not_sent_again(peer: tuple[ServerProcess, Path, str], own: Sync) -> None:
    own()

    report = own()

    assert statuses() == [304]
    assert (report.result, report.counts.unchanged) == (SyncResult.COMPLETE, 307)
    assert missing(1) == set()


def test_a_change_of_the_other_voiceadmin_is_read(peer: tuple[ServerProcess, Path, str], own: Sync) -> None:
    own()
    change_voice(peer[1], 5, name="Renamed")

    report = own()

    assert (statuses(), report.counts.changed) == ([200], 1)
    assert json.loads(stored_voices()[5])["name"] == "Renamed"


def test_a_change_of_a_voice_here_is_undone_by_the_next_sync(own: Sync) -> None:
    own()
    with write_transaction():
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id == 5).values(name="Wrong"))

    report = own()

    assert (statuses(), report.counts.changed) == ([200], 1)


def test_assistants_are_created_once_and_keep_the_name_that_they_have_here(own: Sync) -> None:
    own()
    assert assistants()[31][0] == "Assistant 31"
    with write_transaction():
        db.session.execute(update(Organization).values(name="Ours, renamed"))

    assert own().counts.assistants == 0
    assert [name for name, *_ in assistants().values()] == ["Assistant 31"]


def test_a_source_without_an_organization_is_refused(app: Flask) -> None:
    settings: Settings = app.config["VOICEADMIN"]
    new = NewSource(None, SourceKind.VOICEADMIN, "Peer", "http://127.0.0.1:9", VARIABLE, assistant_ids=(31,))
    id = create_source(EVERYTHING, new, settings, by=SHELL, now=NOW)

    with pytest.raises(SourceRefused, match="has no organization"):
        sync_source(EVERYTHING, id, settings, by=SHELL, now=NOW, environ={VARIABLE: "key"})


def change_voice(folder: Path, id: int, **values: str) -> None:
    """Change a voice in the database of a folder."""
    with create_app(Settings(instance=folder)).app_context():
        with write_transaction():
            db.session.execute(update(ClonedVoice).where(ClonedVoice.id == id).values(**values))
        dispose_engine()
