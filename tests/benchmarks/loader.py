"""Write the voices of a new benchmark database in bulk, without indexes and triggers, which takes a tenth of the time.

At the end the database is as if the triggers had run: indexes, statistics, totals and the search index are complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import text

from voiceadmin.database.base import db
from voiceadmin.database.totals import rebuild_statements, voice_stats_select
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.voices.importing.bulk_load import without_indexes
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import WRITTEN_COLUMNS, build_voice_values
from voiceadmin.voices.types.rows import VoiceRow

NO_ORGANIZATION = 0  # nobody has read a list yet, so that revisions may stay
BATCH = 10_000  # voices for which SQLite's statements are built at a time

SELECT_POSTGRESQL_INDEXES = """SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'cloned_voice' AND schemaname = current_schema() AND indexname <> 'pk_cloned_voice'"""

_SHIFTED = {"id": "id + :voices", "organization_id": "organization_id + :organizations"}
COPY_VOICES = (
    f"INSERT INTO cloned_voice ({', '.join(WRITTEN_COLUMNS)})"
    f" SELECT {', '.join(_SHIFTED.get(name, name) for name in WRITTEN_COLUMNS)} FROM cloned_voice WHERE id <= :last_id"
)

POSTGRESQL_REBUILD_STATEMENTS = (
    f"INSERT INTO voice_stats {voice_stats_select()}",
    """INSERT INTO shared_provider_voice_ref (organization_id, provider, provider_voice_id)
        SELECT organization_id, provider, provider_voice_id
        FROM cloned_voice WHERE provider_voice_id <> '' GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    *rebuild_statements("postgresql"),
)


class Step(NamedTuple):
    """What a copy of a voice adds to its id and to that of its organization."""

    voices: int
    organizations: int


def load_voices(voices: Iterable[tuple[int, VoiceRow]], steps: Sequence[Step] = ()) -> None:
    """Write voices with their organizations, in one transaction. The database must have no other voices.

    Args:
        voices: organizations and voices.
        steps: for each further copy of all voices, what is added to their ids and to those of their organizations.
    """
    values = (build_voice_values(row, organization) for organization, row in voices)
    is_postgresql = db.engine.dialect.name == "postgresql"
    with write_transaction(), _without_postgresql_indexes() if is_postgresql else without_indexes(NO_ORGANIZATION):
        (_copy_to_postgresql if is_postgresql else _insert_into_sqlite)(values)
        last_id = db.session.scalar(text("SELECT max(id) FROM cloned_voice"))
        for step in steps:
            db.session.execute(text(COPY_VOICES), step._asdict() | {"last_id": last_id})


def _insert_into_sqlite(values: Iterator[tuple[Any, ...]]) -> None:
    while batch := list(islice(values, BATCH)):
        upsert_rows(ClonedVoice, WRITTEN_COLUMNS, batch)


def _copy_to_postgresql(values: Iterator[tuple[Any, ...]]) -> None:
    columns = ", ".join(WRITTEN_COLUMNS)
    with _driver().cursor() as cursor, cursor.copy(f"COPY cloned_voice ({columns}) FROM STDIN") as copy:
        for row in values:
            copy.write_row(row)


def _driver() -> Any:
    return db.session.connection().connection.dbapi_connection


@contextmanager
def _without_postgresql_indexes() -> Iterator[None]:
    """Drop the indexes of voices and run no triggers; create and compute everything again at the end."""
    driver = _driver()
    indexes = driver.execute(SELECT_POSTGRESQL_INDEXES).fetchall()
    for name, _ in indexes:
        driver.execute(f"DROP INDEX {name}")
    driver.execute("SET LOCAL session_replication_role = replica")  # in which triggers do not run
    driver.execute("SET LOCAL maintenance_work_mem = '1GB'")
    driver.execute("SET LOCAL work_mem = '256MB'")
    yield
    for statement in (*(definition for _, definition in indexes), *POSTGRESQL_REBUILD_STATEMENTS):
        driver.execute(statement)
    driver.execute("SET LOCAL session_replication_role = origin")
