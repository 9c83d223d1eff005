"""Write the first voices of an SQLite database without indexes and triggers, and rebuild them at the end.

Every written voice updates all indexes, the counts and the search index, each at a random page of the file, and
SQLite journals each page for each voice. Creating them afterwards is several times faster. All is one transaction,
so that no reader ever sees the table without them. It blocks other writers, which matters little in a database
that has no voices yet. Not used with PostgreSQL, where it would block readers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from voiceadmin.database.base import db
from voiceadmin.database.totals import rebuild_statements, rebuild_voice_stats_statements

# The two triggers that are not listed keep the former provider voice references, which a rebuild could not derive.
SELECT_INDEXES_AND_TRIGGERS = """SELECT type, name, sql FROM sqlite_master
    WHERE tbl_name = 'cloned_voice' AND type IN ('index', 'trigger') AND sql IS NOT NULL
    AND name NOT IN ('voice_update_former_ref', 'voice_delete_former_ref') ORDER BY rowid"""


# The rows that the triggers would have written. The Python function voice_trigrams replaces the SQL of the triggers,
# which would take as long as building all indexes.
REBUILD_STATEMENTS = (
    *rebuild_voice_stats_statements(),
    "INSERT INTO voice_search (voice_search) VALUES ('delete-all')",
    """INSERT INTO voice_search (rowid, grams)
        SELECT id, voice_trigrams(organization_id, search_key, max_trigrams)
        FROM cloned_voice, (SELECT max(number) AS max_trigrams FROM trigram_position)""",
    """INSERT OR IGNORE INTO shared_provider_voice_ref (organization_id, provider, provider_voice_id)
        SELECT organization_id, provider, provider_voice_id
        FROM cloned_voice WHERE provider_voice_id <> '' GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    *rebuild_statements("sqlite"),
)


@contextmanager
def without_indexes(organization_id: int) -> Iterator[None]:
    """Drop the indexes and triggers of voices; create them again at the end, with everything that triggers maintain.

    Call inside a write transaction.

    Args:
        organization_id: the only organization whose voices are written inside the block.
    """
    connection = db.session.connection()
    dropped = []
    for kind, name, sql in connection.exec_driver_sql(SELECT_INDEXES_AND_TRIGGERS).all():
        connection.exec_driver_sql(f"DROP {kind} {name}")
        dropped.append(sql)
    yield
    _driver(connection).create_function("voice_trigrams", 3, voice_trigrams, deterministic=True)
    with _sort_in_threads(connection):
        for statement in (*dropped, *REBUILD_STATEMENTS):
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql("UPDATE organization SET revision = random() WHERE id = ?", (organization_id,))


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
