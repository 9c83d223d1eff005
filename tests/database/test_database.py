"""Snapshots of readers, transactions of writers, constraints and triggers, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from tests.conftest import NOW
from tests.factories import DAY, LONG_AGO, make_organization, make_voice, put_voices, voice_row
from voiceadmin.database.base import db
from voiceadmin.database.dialect import build_ids_condition, fetch_first_row, fetch_rows, format_time_sql
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.transactions import read_without_snapshot, write_transaction
from voiceadmin.database.upserts import ROWS_PER_STATEMENT, insert_rows, upsert_rows
from voiceadmin.organizations.models import Organization
from voiceadmin.text import format_iso8601
from voiceadmin.triage.models import Mute
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import WRITTEN_COLUMNS, build_voice_values


def count_organizations() -> int:
    """The number of organizations in the snapshot of this context."""
    return len(db.session.scalars(select(Organization.id)).all())


def run_in_other_thread(app: Flask, work: object) -> None:
    """Call a function in another application context and thread, like another process."""

    def run() -> None:
        with app.app_context():
            work()  # type: ignore[operator]

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_reader_keeps_its_snapshot_until_its_context_ends(app: Flask) -> None:
    before = count_organizations()
    run_in_other_thread(app, make_organization)

    during = count_organizations()
    db.session.rollback()

    assert (before, during, count_organizations()) == (0, 0, 1)


@pytest.mark.databases("postgresql")
def test_only_a_reader_without_snapshot_sees_later_writes(app: Flask) -> None:
    read_without_snapshot()
    before = count_organizations()
    run_in_other_thread(app, make_organization)
    during = count_organizations()
    db.session.rollback()
    next_before = count_organizations()
    run_in_other_thread(app, make_organization)

    assert (before, during) == (0, 1)
    assert (next_before, count_organizations()) == (1, 1)


def test_fetch_first_row_reads_the_snapshot_and_returns_driver_values(app: Flask) -> None:
    id = make_organization().id
    sql = "SELECT id, NULL FROM organization WHERE id = :id"
    before = fetch_first_row(sql, {"id": id}), fetch_first_row(sql, {"id": id + 1})
    run_in_other_thread(app, make_organization)

    assert before == ((id, None), None)
    assert fetch_first_row(sql, {"id": id + 1}) is None


def test_fetch_rows_converts_times_and_ignores_values_without_parameter(app: Flask) -> None:
    voices = [make_voice(make_organization(), created_at=LONG_AGO + days * DAY) for days in (0, 1, 2)]
    sql = "SELECT id, '100%' FROM cloned_voice WHERE created_at > :created_after AND name LIKE '%' ORDER BY id"

    rows = fetch_rows(sql, {"created_after": LONG_AGO, "other": 1})

    assert rows == [(voice.id, "100%") for voice in voices[1:]]
    assert fetch_rows(sql, {"created_after": LONG_AGO + 2 * DAY}) == []


def test_one_parameter_selects_any_number_of_ids(app: Flask) -> None:
    ids = [make_organization().id for _ in range(3)]
    condition, parameters = build_ids_condition("id", [ids[2], ids[0], ids[2] + 1])
    none, no_parameters = build_ids_condition("id", [])

    assert fetch_rows(f"SELECT id FROM organization WHERE {condition} ORDER BY id", parameters) == [
        (ids[0],),
        (ids[2],),
    ]
    assert fetch_rows(f"SELECT id FROM organization WHERE {none}", no_parameters) == []


@pytest.mark.parametrize("microsecond", [0, 1, 500_000])
def test_the_database_formats_a_time_as_python_does(app: Flask, microsecond: int) -> None:
    time = LONG_AGO.replace(microsecond=microsecond)
    make_voice(make_organization(), created_at=time)

    assert fetch_rows(f"SELECT {format_time_sql('created_at')} FROM cloned_voice", {}) == [(format_iso8601(time),)]


def test_an_error_of_fetch_first_row_leaves_the_session_usable(app: Flask) -> None:
    with pytest.raises(DBAPIError):
        fetch_first_row("SELECT missing FROM organization WHERE id = :id", {"id": 1})
    db.session.rollback()

    assert count_organizations() == 0


def test_an_exception_rolls_the_write_transaction_back(app: Flask) -> None:
    def fail() -> None:
        with write_transaction():
            db.session.add(Organization(name="Half"))
            db.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert count_organizations() == 0


def test_parallel_transactions_lose_no_update(app: Flask) -> None:
    counter = make_organization("Counter", upstream_id=1)
    rounds, failures = 50, []

    def add_many() -> None:
        with app.app_context():
            for _ in range(rounds):
                try:
                    with write_transaction():
                        row = db.session.get_one(Organization, counter.id, with_for_update=True)
                        row.upstream_id = (row.upstream_id or 0) + 1
                except OperationalError as error:
                    failures.append(error)
            db.session.remove()

    threads = [threading.Thread(target=add_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert db.session.get_one(Organization, counter.id).upstream_id == 1 + 8 * rounds


def test_a_time_without_time_zone_is_refused(app: Flask) -> None:
    with pytest.raises(StatementError, match="no time zone"):
        make_voice(make_organization(), created_at=datetime(2026, 1, 1))  # noqa: DTZ001  # the case under test


@pytest.mark.parametrize(
    "time", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
)
def test_the_earliest_and_the_latest_time_are_stored_unchanged(app: Flask, time: datetime) -> None:
    make_voice(make_organization(), created_at=time)

    assert db.session.scalars(select(ClonedVoice.created_at)).one() == time


@pytest.mark.parametrize("number", [0, 1, ROWS_PER_STATEMENT - 1, ROWS_PER_STATEMENT, 2 * ROWS_PER_STATEMENT + 1])
def test_a_bulk_upsert_writes_the_same_rows_as_single_upserts(app: Flask, number: int) -> None:
    acme = make_organization()
    rows = [voice_row(id=number, last_used_at=None if number % 2 else LONG_AGO) for number in range(1, number + 1)]
    changed = [
        row._replace(name='\'{"x", NULL}\\', language=None, created_at=LONG_AGO.astimezone(timezone(DAY / 3)))
        for row in rows
    ]

    for given in (rows, changed):
        with write_transaction():
            upsert_rows(ClonedVoice, WRITTEN_COLUMNS, [build_voice_values(row, acme.id) for row in given])
        many = db.session.execute(select(ClonedVoice.__table__).order_by(ClonedVoice.id)).all()
        db.session.rollback()
        put_voices(acme, given) if given else None
        one_by_one = db.session.execute(select(ClonedVoice.__table__).order_by(ClonedVoice.id)).all()

        assert [row.name for row in many] == [row.name for row in given]
        assert many == one_by_one
        db.session.rollback()


@pytest.mark.parametrize("number", [0, 1, ROWS_PER_STATEMENT, 2 * ROWS_PER_STATEMENT + 1])
def test_a_bulk_insert_writes_every_value(app: Flask, number: int) -> None:
    columns = list(Mute.__table__.columns)
    acme, local = make_organization(), LONG_AGO.astimezone(timezone(DAY / 3))
    rows = [
        ("voice", n, acme.id, "failed", f'\'{{"x", %s ?}}\\ {n}', "snooze", local if n % 2 else None, NOW, "Ada")
        for n in range(number)
    ]

    with write_transaction():
        insert_rows(Mute, tuple(column.name for column in columns), rows)

    stored = db.session.execute(select(*columns).order_by(Mute.object_id)).all()
    assert [tuple(row) for row in stored] == rows


def test_a_replaced_sqlite_file_is_noticed_by_open_connections(sqlite_app: Flask, tmp_path: Path) -> None:
    path: Path = sqlite_app.extensions[SQLITE_PATH]
    make_organization("Old")
    db.session.remove()
    db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    db.session.remove()
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes())
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

    path.unlink()
    with pytest.raises(OperationalError, match="unable to open"):
        count_organizations()
    db.session.remove()
    assert not path.exists(), "a reader created an empty database"
    other.replace(path)

    assert count_organizations() == 1


def test_a_revision_changes_with_every_sql_write(app: Flask) -> None:
    acme = make_organization()
    voice = make_voice(acme)

    def revision() -> int:
        db.session.rollback()
        return db.session.scalars(select(Organization.revision).where(Organization.id == acme.id)).one()

    revisions = [revision()]
    for statement in (
        f"UPDATE cloned_voice SET synthesis_count = 1 WHERE id = {voice.id}",
        f"""INSERT INTO cloned_voice ({", ".join(WRITTEN_COLUMNS)})
        SELECT {", ".join(WRITTEN_COLUMNS).replace("id", "id + 10000", 1)} FROM cloned_voice""",
        f"DELETE FROM cloned_voice WHERE id = {voice.id}",
    ):
        with write_transaction():
            db.session.execute(text(statement))
        revisions.append(revision())

    assert len(set(revisions)) == 4


def test_moving_a_voice_changes_the_revisions_of_both_organizations(app: Flask) -> None:
    acme, other = make_organization(), make_organization()
    make_voice(acme)

    def revisions() -> set[int]:
        db.session.rollback()
        return set(db.session.scalars(select(Organization.revision)).all())

    before = revisions()
    with write_transaction():
        db.session.execute(text(f"UPDATE cloned_voice SET organization_id = {other.id}"))

    assert not before & revisions()


@pytest.mark.parametrize(
    "column", ["status = 'reddy'", "quality_score = 1.5", "synthesis_count = -1", "organization_id = 999"]
)
def test_constraints_refuse_invalid_voices(app: Flask, column: str) -> None:
    make_voice(make_organization())

    with pytest.raises(Exception, match=r"(?i)constraint"), write_transaction():
        db.session.execute(text(f"UPDATE cloned_voice SET {column}"))  # constants of this test


def test_a_writer_that_finds_the_database_locked_raises_database_unavailable(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("engine", "transactions"):  # otherwise the test waits for the full time-out, twice
        monkeypatch.setattr(f"voiceadmin.database.{module}.BUSY_SECONDS", 0)
    refused: list[Exception] = []

    def try_to_write() -> None:
        try:
            make_organization("Second")
        except OperationalError as error:
            refused.append(error)

    with write_transaction():
        db.session.add(Organization(name="First"))
        db.session.flush()
        run_in_other_thread(sqlite_app, try_to_write)

    assert "locked" in str(refused[0])
    assert count_organizations() == 1
