"""An import finds its assistant and its organization until its end."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import SHELL
from tests.factories import make_assistant, make_organization, make_voice, voice_row
from tests.voices.importing.actions.scenario import lines
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import move_assistant, remove_assistant, remove_organization
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import remove_sample
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.actions import finish_interrupted_import, import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.models import ClonedVoice

# Of organizations 1 (with the assistants 31 and 32), 2 (empty) and 3 (merged into 2).
CHANGES: dict[str, Callable[[datetime], object]] = {
    "merge": lambda now: merge_organizations(EVERYTHING, 1, 2, by=SHELL, now=now),
    "undo of a merge": lambda now: undo_merge(EVERYTHING, 1, by=SHELL, now=now),
    "move": lambda now: move_assistant(EVERYTHING, 31, 2, by=SHELL, now=now),
    "removal of an assistant": lambda now: remove_assistant(EVERYTHING, 31, by=SHELL, now=now),
    "removal of an organization": lambda now: remove_organization(EVERYTHING, 4, by=SHELL, now=now),
    "removal of the sample": lambda now: remove_sample(by=SHELL, now=now),
}


def make_organizations(now: datetime) -> Organization:
    """Create the organizations of CHANGES, and return the first one."""
    acme, other, merged, _ = (make_organization(name) for name in ("Acme", "Other", "Merged", "Empty"))
    make_assistant(acme, id=31)
    make_assistant(acme, id=32)
    make_voice(acme, id=1)
    merge_organizations(EVERYTHING, merged.id, other.id, by=SHELL, now=now)
    return acme


def run_import(now: datetime, on_written: Callable[[int, int], None]) -> ImportReport:
    """Import ten voices for assistant 31."""
    file = io.BytesIO(lines([voice_row(id=id) for id in range(10, 20)]))
    return import_voices(file, ImportTarget(31), by=SHELL, now=now, on_fault=lambda _: None, on_written=on_written)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_while_an_import_is_running(app: Flask, now: datetime, change: str) -> None:
    make_organizations(now)
    refusals: list[str] = []

    def try_elsewhere(*_: int) -> None:
        thread = threading.Thread(target=try_change)
        thread.start()
        thread.join()

    def try_change() -> None:
        with app.app_context():
            try:
                CHANGES[change](now)
            except ChangeRefused as refusal:
                refusals.append(str(refusal))
            db.session.remove()

    assert run_import(now, try_elsewhere).added == 10

    assert refusals == ["An import or another change of organizations is running. Try again when it has finished."]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_until_an_interrupted_import_is_completed(
    sqlite_app: Flask, now: datetime, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 5)
    make_organizations(now)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_import(now, interrupt)

    with pytest.raises(ChangeRefused, match="An import was interrupted"):
        CHANGES[change](now)
    assert finish_interrupted_import()
    assert len(db.session.scalars(select(ClonedVoice.id)).all()) == 11
