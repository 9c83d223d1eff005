"""Many voices of one organization on their way into the store, in bulk where that is cheaper.

A voice that is written keeps every index, the counts and the search in step,
each at a random place of the file, and SQLite journals each place for each
voice. Where the voices are a good part of the store it is much less work to
take all that down and to make it anew at the end. One transaction does both,
so nobody ever sees a store without. PostgreSQL would have to lock readers out.
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

MANY = 1000  # voices; for fewer nothing is taken down


GOOD_PART = 5  # one voice in so many of the store is a good part


KEEPERS = """SELECT type, name, sql FROM sqlite_master
    WHERE tbl_name = 'cloned_voice' AND type IN ('index', 'trigger') AND sql IS NOT NULL
    AND name NOT IN ('voice_update_former_ref', 'voice_delete_former_ref') ORDER BY rowid"""


# What the triggers of all voices come to together. The SQL that `grams` stands for takes as long as all the indexes.
MADE_ANEW = (
    "DELETE FROM voice_stats",
    """INSERT INTO voice_stats
        SELECT organization_id, status, provider, coalesce(language, ''), tier, has_last_used_at, is_never_used, count(*)
        FROM cloned_voice GROUP BY 1, 2, 3, 4, 5, 6, 7""",
    "INSERT INTO voice_search (voice_search) VALUES ('delete-all')",
    """INSERT INTO voice_search (rowid, grams)
        SELECT id, grams(organization_id, search_key, places)
        FROM cloned_voice, (SELECT max(number) AS places FROM place)""",
    """INSERT OR IGNORE INTO shared_provider_voice_ref SELECT organization_id, provider, provider_voice_id
        FROM cloned_voice WHERE provider_voice_id <> '' GROUP BY 1, 2, 3 HAVING count(*) > 1""",
)


class Loading:
    """The writing of voices within one transaction, which `finish` must end if it is to be committed."""

    def __init__(self, organization_id: int, now: datetime) -> None:
        self._organization_id, self._now = organization_id, now
        self._written = 0
        self._next_look = MANY
        self._keepers: list[str] = []

    def write(self, rows: Sequence[VoiceRow]) -> None:
        """Upsert these voices."""
        self._written += len(rows)
        if not self._keepers and self._written >= self._next_look and self._is_good_part():
            self._take_down()
        values = [(*build_voice_values(row, self._organization_id), self._now) for row in rows]
        upsert_rows(ClonedVoice, (*WRITTEN_COLUMNS, "upstream_changed_at"), values)

    def finish(self) -> None:
        """Bring everything that is worked out of voices in step with them."""
        if not self._keepers:
            return
        connection = db.session.connection()
        _driver(connection).create_function("grams", 3, grams, deterministic=True)
        with _sorting_aside(connection):
            for statement in (*self._keepers, *MADE_ANEW):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE organization SET revision = random() WHERE id = ?", (self._organization_id,))
        self._keepers = []

    def _is_good_part(self) -> bool:
        if db.engine.dialect.name != "sqlite":
            return False
        stored = db.session.scalar(select(func.sum(VoiceStats.voices))) or 0
        self._next_look = stored // GOOD_PART
        return self._written >= self._next_look

    def _take_down(self) -> None:
        connection = db.session.connection()
        for kind, name, sql in connection.exec_driver_sql(KEEPERS).all():
            connection.exec_driver_sql(f"DROP {kind} {name}")
            self._keepers.append(sql)


def grams(organization_id: int, search_key: str, places: int) -> str:
    """The words that SQLite finds a voice by: its organization and each three letters, in hexadecimal.

    places: so many are enough, as they are for the triggers.
    """
    word = f" {organization_id}x"
    number = min(len(search_key) - 2, places)
    if search_key.isascii():
        digits = search_key.encode().hex()
        return word + word.join([digits[place : place + 6] for place in range(0, 2 * number, 2)])
    return word + word.join([search_key[place : place + 3].encode().hex() for place in range(number)])


@contextmanager
def _sorting_aside(connection: Connection) -> Iterator[None]:
    """Let a second thread of SQLite sort what the first one reads; one with a large cache would read all before."""
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
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # tells the type checker
    return driver
