"""Write the voices of one import, in bulk if that is faster.

Every written voice updates all indexes, the counts and the search index, each at a random page of the file, and
SQLite journals each page for each voice. If the import is a large part of the table, it is much faster to drop the
indexes and triggers, and to rebuild everything at the end. One transaction does both, so that no reader ever sees
the table without them. Not used with PostgreSQL, where it would block readers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, func, select

from voiceadmin.database.base import db
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.voices.models import ClonedVoice, VoiceStats
from voiceadmin.voices.queries import WRITTEN_COLUMNS, build_voice_values
from voiceadmin.voices.types.rows import VoiceRow

MIN_BULK_VOICES = 1000  # for fewer voices, indexes and triggers stay
MIN_BULK_FRACTION = 5  # they also stay for less than one fifth of the stored voices


# The two triggers that are not listed keep the former provider voice references, which a rebuild could not derive.
SELECT_INDEXES_AND_TRIGGERS = """SELECT type, name, sql FROM sqlite_master
    WHERE tbl_name = 'cloned_voice' AND type IN ('index', 'trigger') AND sql IS NOT NULL
    AND name NOT IN ('voice_update_former_ref', 'voice_delete_former_ref') ORDER BY rowid"""


# The rows that the triggers would have written. The Python function voice_trigrams replaces the SQL of the triggers,
# which would take as long as building all indexes.
REBUILD_STATEMENTS = (
    "DELETE FROM voice_stats",
    """INSERT INTO voice_stats
        SELECT organization_id, status, provider, coalesce(language, ''), tier, has_last_used_at, is_never_used,
            count(*)
        FROM cloned_voice GROUP BY 1, 2, 3, 4, 5, 6, 7""",
    "INSERT INTO voice_search (voice_search) VALUES ('delete-all')",
    """INSERT INTO voice_search (rowid, grams)
        SELECT id, voice_trigrams(organization_id, search_key, max_trigrams)
        FROM cloned_voice, (SELECT max(number) AS max_trigrams FROM trigram_position)""",
    """INSERT OR IGNORE INTO shared_provider_voice_ref SELECT organization_id, provider, provider_voice_id
        FROM cloned_voice WHERE provider_voice_id <> '' GROUP BY 1, 2, 3 HAVING count(*) > 1""",
)


class VoiceLoader:
    """Writes voices of one organization within a transaction. Call `finish` before the commit.

    On SQLite it drops the indexes and triggers of the table once the import is large, and `finish`
    creates them again.
    """

    def __init__(self, organization_id: int, now: datetime) -> None:
        self._organization_id, self._now = organization_id, now
        self._written = 0
        self._next_check = MIN_BULK_VOICES
        self._dropped: list[str] = []  # the SQL that creates the dropped indexes and triggers

    def write(self, rows: Sequence[VoiceRow]) -> None:
        """Insert or update these voices."""
        self._written += len(rows)
        if not self._dropped and self._written >= self._next_check and self._is_large():
            self._drop_indexes_and_triggers()
        values = [(*build_voice_values(row, self._organization_id), self._now) for row in rows]
        upsert_rows(ClonedVoice, (*WRITTEN_COLUMNS, "upstream_changed_at"), values)

    def finish(self) -> None:
        """Recreate the dropped indexes and triggers, and rebuild everything that triggers maintain."""
        if not self._dropped:
            return
        connection = db.session.connection()
        _driver(connection).create_function("voice_trigrams", 3, voice_trigrams, deterministic=True)
        with _sort_in_threads(connection):
            for statement in (*self._dropped, *REBUILD_STATEMENTS):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE organization SET revision = random() WHERE id = ?", (self._organization_id,))
        self._dropped = []

    def _is_large(self) -> bool:
        """Return whether this import wrote a large enough part of the stored voices."""
        if db.engine.dialect.name != "sqlite":
            return False
        stored = db.session.scalar(select(func.sum(VoiceStats.voices))) or 0
        self._next_check = stored // MIN_BULK_FRACTION
        return self._written >= self._next_check

    def _drop_indexes_and_triggers(self) -> None:
        connection = db.session.connection()
        for kind, name, sql in connection.exec_driver_sql(SELECT_INDEXES_AND_TRIGGERS).all():
            connection.exec_driver_sql(f"DROP {kind} {name}")
            self._dropped.append(sql)


def voice_trigrams(organization_id: int, search_key: str, max_trigrams: int) -> str:
    """Return the search terms of a voice: its organization and each three characters, in hexadecimal.

    Args:
        max_trigrams: how many characters are indexed; the triggers use the same limit.
    """
    prefix = f" {organization_id}x"
    count = min(len(search_key) - 2, max_trigrams)
    if search_key.isascii():
        digits = search_key.encode().hex()
        return prefix + prefix.join([digits[start : start + 6] for start in range(0, 2 * count, 2)])
    return prefix + prefix.join([search_key[start : start + 3].encode().hex() for start in range(count)])


@contextmanager
def _sort_in_threads(connection: Connection) -> Iterator[None]:
    """Let SQLite sort index entries in a second thread while the first one reads the table.

    A large page cache would prevent that: SQLite would collect all entries in memory before it sorts them.
    """
    settings = {"cache_size": -2000, "threads": 1}
    before = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in settings}
    try:
        for name, value in settings.items():
            connection.exec_driver_sql(f"PRAGMA {name}={value}").close()
        yield
    finally:
        for name, value in before.items():
            connection.exec_driver_sql(f"PRAGMA {name}={value}").close()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # narrows the type for mypy
    return driver
