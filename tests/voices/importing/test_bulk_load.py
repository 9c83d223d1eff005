"""Bulk loading: dropped indexes and triggers are recreated, and derived data equals that of single writes."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, text

from tests.conftest import NOW, SHELL
from tests.factories import LONG_AGO, make_assistant, make_organization, put_voices, voice_row
from tests.strategies import HOSTILE, IN_DATABASE, LISTS
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing import bulk_load as loading
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import UnreadableInput
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

ASSISTANT_ID, OTHER_ASSISTANT_ID = 31, 32
NEVER = 10**9
SEARCH_TEXTS = ("v", "ad", "ada", "voice 1", "recepcion", "pv12", "😀😀😀", "x" * 40, "=1+1")


@contextmanager
def empty_database(template: Path, folder: Path) -> Iterator[Flask]:
    """Yield an application with an empty SQLite database in this folder, inside its context."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(template, folder / "voiceadmin.sqlite")
    app = create_app(Settings(instance=folder))
    with app.app_context():
        yield app
        dispose_engine()


@pytest.fixture
def bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load in bulk from the first voice on and into any database, in batches of three."""
    monkeypatch.setattr(importing, "BATCH_SIZE", 3)
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 0)
    monkeypatch.setattr(importing, "_is_first", lambda: True)


def run_import(
    rows: Iterable[VoiceRow | dict[str, Any]], rest: bytes = b"", assistant_id: int = ASSISTANT_ID, **options: Any
) -> bool:
    """Import voices or raw records. Return whether they were written."""
    records = (voice_to_json(row) if isinstance(row, VoiceRow) else row for row in rows)
    data = b"".join(json.dumps(record).encode() + b"\n" for record in records) + rest or b"[]"
    return import_voices(
        io.BytesIO(data), ImportTarget(assistant_id), by=SHELL, now=NOW, on_fault=lambda fault: None, **options
    ).written


def rows_of(statement: str) -> list[Any]:
    """Return the rows of a statement, sorted."""
    return sorted(map(tuple, db.session.execute(text(statement))), key=repr)


def derived_data() -> dict[str, Any]:
    """Return the schema and everything that triggers derive from voices."""
    db.session.rollback()
    db.session.execute(text("CREATE VIRTUAL TABLE temp.word USING fts5vocab(main, voice_search, row)"))
    found = {
        "schema": rows_of("SELECT type, name, tbl_name, sql FROM sqlite_master"),
        "counts": rows_of("SELECT * FROM voice_stats"),
        "words": rows_of("SELECT term, doc FROM temp.word"),
        "faults": rows_of("PRAGMA integrity_check"),
    }
    db.session.execute(text("DROP TABLE temp.word"))
    db.session.rollback()
    return found


def read_state(now: datetime) -> dict[str, Any]:
    """Return the derived data, the voices, and the lists that they appear in."""
    organizations = list(db.session.scalars(select(Organization.id).order_by(Organization.id)))
    lists = {
        (organization, search_text): list_voices(organization, VoiceFilters(text=search_text), now=now)
        for organization in organizations
        for search_text in ("", *SEARCH_TEXTS)
    }
    return derived_data() | {"voices": rows_of("SELECT * FROM cloned_voice"), "lists": lists}


def revisions() -> dict[str, int]:
    """Return the revision of each organization, by name."""
    db.session.rollback()
    return dict(db.session.execute(select(Organization.name, Organization.revision)).all())


@contextmanager
def statements() -> Iterator[list[str]]:
    """Record the statements that are executed inside the block."""
    seen: list[str] = []

    def record(*args: Any) -> None:
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", record)
    yield seen
    event.remove(db.engine, "before_cursor_execute", record)


LONGEST = [
    voice_row(id=number, name=letter * 10_000, provider_voice_id=letter * 500)
    for number, letter in enumerate(("x", "é", "😀", "\ufdfa"), 900)  # the last is folded to eighteen letters
]
SEVERAL = [
    *(voice_row(id=number, name=f"Voice {number}", provider_voice_id=f"PV{number}") for number in range(1, 30)),
    *(voice_row(id=number, name=name, provider_voice_id=name) for number, name in enumerate(HOSTILE, 100)),
    voice_row(id=500, name="", provider_voice_id="", language=None, quality_score=None),
    voice_row(id=501, name="Ada", provider="playht", status=VoiceStatus.FAILED, last_used_at=LONG_AGO),
    *LONGEST,
]
CHANGED = [row._replace(name=f"New {row.name[:9000]}", quality_score=0.1) for row in SEVERAL[::2]]


def run_scenario(now: datetime) -> Iterator[dict[str, Any]]:
    """Import, import into another organization, change, skip, and delete. Yield the state after each step."""
    assert run_import(SEVERAL)
    yield read_state(now)
    assert run_import([row._replace(id=row.id + 5000) for row in SEVERAL[:40]], assistant_id=OTHER_ASSISTANT_ID)
    yield read_state(now)
    assert run_import([*CHANGED, {"id": "x"}, *(row._replace(id=row.id + 9000) for row in SEVERAL[:20])], skip_bad=True)
    yield read_state(now)
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id % 2 == 0))
    yield read_state(now)
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    assert derived_data()["words"] == derived_data()["counts"] == []


def test_bulk_loading_and_single_writes_give_the_same_database(
    sqlite_template: Path, tmp_path: Path, now: datetime, bulk: None
) -> None:
    with empty_database(sqlite_template, tmp_path / "bulk"), statements() as seen:
        in_bulk = list(run_scenario(now))
    assert any(statement.startswith("DROP index") for statement in seen)

    with (
        pytest.MonkeyPatch.context() as patch,
        empty_database(sqlite_template, tmp_path / "row_by_row"),
        statements() as seen,
    ):
        patch.setattr(importing, "MAX_TRANSACTION_CHANGES", NEVER)
        row_by_row = list(run_scenario(now))
    assert not any(statement.startswith("DROP") and "temp.word" not in statement for statement in seen)

    for one, other in zip(in_bulk, row_by_row, strict=True):
        assert one["faults"] == [("ok",)]
        for part in one:
            assert one[part] == other[part], part


@IN_DATABASE
@given(rows=LISTS, changed=st.lists(st.text("ab =é", max_size=4), max_size=6))
def test_bulk_loading_derives_the_same_data_for_any_voices(
    sqlite_app: Flask, bulk: None, rows: Sequence[VoiceRow], changed: Sequence[str]
) -> None:
    def add_and_change(max_changes: int) -> tuple[dict[str, Any], dict[str, Any]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing, "MAX_TRANSACTION_CHANGES", max_changes)
            with write_transaction():
                db.session.execute(delete(ClonedVoice))
            assert run_import(rows)
            added = derived_data()
            assert run_import(row._replace(name=name) for row, name in zip(rows, changed, strict=False))
            return added, derived_data()

    assert add_and_change(0) == add_and_change(NEVER)


def test_bulk_loading_changes_only_the_revision_of_its_organization(sqlite_app: Flask, bulk: None) -> None:
    make_assistant(make_organization("Acme"), id=ASSISTANT_ID)
    put_voices(make_organization("Other"), [voice_row(id=9999)])
    before = revisions()

    assert run_import(SEVERAL)

    assert {name for name, revision in revisions().items() if before[name] != revision} == {"Acme"}


# Failures


class Stopped(io.RawIOBase):
    """A stream that is interrupted with Ctrl-C at its end."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.data.readinto(buffer)
        if not size:
            raise KeyboardInterrupt
        return size


def import_invalid_records() -> None:
    """Import invalid records after and among valid ones."""
    assert not run_import([*SEVERAL, {"id": "x"}])
    assert not run_import([*SEVERAL[:10], {"id": "x"}, *SEVERAL[10:]])


def import_invalid_bytes() -> None:
    """Import a byte that is not UTF-8."""
    with pytest.raises(UnreadableInput):
        run_import(SEVERAL, b"\xff")


def interrupt_import() -> None:
    """Interrupt an import with Ctrl-C."""
    data = b"".join(json.dumps(voice_to_json(row)).encode() + b"\n" for row in SEVERAL)
    with pytest.raises(KeyboardInterrupt):
        import_voices(io.BufferedReader(Stopped(data)), ImportTarget(ASSISTANT_ID), by=SHELL, now=NOW, on_fault=print)


def import_with_dry_run() -> None:
    """Import with --dry-run."""
    assert not run_import(SEVERAL, dry_run=True)


def fail_during_rebuild() -> None:
    """Fail while indexes and derived data are rebuilt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "REBUILD_STATEMENTS", (*loading.REBUILD_STATEMENTS, "INSERT INTO nowhere VALUES (1)"))
        with pytest.raises(Exception, match="nowhere"):
            run_import(row._replace(gender="unknown") for row in SEVERAL)


@pytest.mark.parametrize(
    "failing",
    [import_invalid_records, import_invalid_bytes, interrupt_import, import_with_dry_run, fail_during_rebuild],
    ids=lambda failing: failing.__name__,
)
def test_a_failed_bulk_load_changes_nothing(sqlite_app: Flask, now: datetime, bulk: None, failing: Any) -> None:
    make_assistant(make_organization("Acme"), id=ASSISTANT_ID)
    run_import(CHANGED[:5])
    before, revision = read_state(now), revisions()

    failing()

    assert read_state(now) == before
    assert revisions() == revision
    assert run_import(SEVERAL)
    assert read_state(now)["faults"] == [("ok",)]


def test_bulk_loading_restores_the_settings_of_the_connection(sqlite_app: Flask, bulk: None) -> None:
    def pragmas() -> list[Any]:
        return [rows_of(f"PRAGMA {name}") for name in ("cache_size", "threads", "foreign_keys", "journal_mode")]

    before = pragmas()
    assert run_import(SEVERAL)
    after = pragmas()
    fail_during_rebuild()

    assert before == after == pragmas()


# Conditions of bulk loading


@pytest.mark.parametrize(
    ("before", "imported", "in_bulk"),
    [
        pytest.param(0, 10, False, id="few"),
        pytest.param(0, 11, True, id="many-into-an-empty-database"),
        pytest.param(1, 11, False, id="many-into-a-database-in-use"),
    ],
)
def test_bulk_loading_is_for_the_first_voices_of_a_database(
    app: Flask, monkeypatch: pytest.MonkeyPatch, before: int, imported: int, in_bulk: bool
) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 10)
    if before:
        put_voices(make_organization("Other"), [voice_row(id=number) for number in range(1, before + 1)])

    with statements() as seen:
        assert run_import(voice_row(id=number) for number in range(1001, imported + 1001))

    dropped = {statement.split()[1] for statement in seen if statement.startswith("DROP")} - {"TABLE"}
    assert dropped == ({"index", "trigger"} if in_bulk and db.engine.dialect.name == "sqlite" else set())
    assert db.session.scalar(select(func.count()).select_from(ClonedVoice)) == before + imported


def test_a_concurrent_reader_misses_no_index(sqlite_app: Flask, now: datetime, bulk: None) -> None:
    acme = make_organization("Acme")
    make_assistant(acme, id=ASSISTANT_ID)
    put_voices(acme, SEVERAL[:10])
    seen: list[tuple[int, int]] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            thread = threading.Thread(target=count_totals)
            thread.start()
            thread.join()
            return super().read(-1 if size is None else size)

    def count_totals() -> None:
        with sqlite_app.app_context():
            totals = [
                list_voices(acme.id, VoiceFilters(text=search_text), now=now).page.total
                for search_text in ("", "voice")
            ]
            seen.append((totals[0], totals[1]))
            db.session.remove()

    data = b"".join(json.dumps(voice_to_json(voice_row(id=number))).encode() + b"\n" for number in range(1000, 1600))
    import_voices(Watched(data), ImportTarget(ASSISTANT_ID), by=SHELL, now=NOW, on_fault=print)
    during = set(seen)
    count_totals()

    assert len(seen) > 3
    assert during == {(10, 10)}
    assert seen[-1] == (610, 610)
