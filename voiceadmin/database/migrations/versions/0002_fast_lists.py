"""Lists that stay fast: derived columns, counts kept by triggers, ordered indexes, written records, search by grams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What the filters ask of a voice, worked out by the database. Tiers are those of the vocabulary by their bars.
DERIVED = {
    "tier": (
        "smallint",
        """CASE WHEN quality_score IS NULL THEN 0 WHEN quality_score >= 0.9 THEN 4
        WHEN quality_score >= 0.8 THEN 3 WHEN quality_score >= 0.7 THEN 2 ELSE 1 END""",
    ),
    "dated": ("smallint", "CASE WHEN last_used_at IS NULL THEN 0 ELSE 1 END"),
    "never": ("smallint", "CASE WHEN last_used_at IS NULL AND synthesis_count = 0 THEN 1 ELSE 0 END"),
}
COUNTED = "organization_id, status, provider, coalesce(language, ''), tier, dated, never"
TESTED = [
    "id",
    "tier",
    "language",
    "dated",
    "never",
    "idle_since",
]  # read on the way along an index
ORDERS = {
    "name": ["name_key"],
    "quality": ["quality_score"],
    "syntheses": ["synthesis_count"],
    "last_used": ["dated", "idle_since"],
    "created": ["created_at"],
}

# A voice as the JSON route writes it: both databases are taught to write times and scores as Python does.
FIELDS = [
    ("id", "number"),
    ("name", "text"),
    ("provider", "text"),
    ("provider_voice_id", "text"),
    ("language", "text"),
    ("gender", "text"),
    ("status", "text"),
    ("quality_score", "score"),
    ("created_at", "time"),
    ("last_used_at", "time"),
    ("synthesis_count", "number"),
]
WRITTEN_BY_SQLITE = {
    "number": "{0}",
    "text": "json_quote({0})",
    # 15 digits when they are the number itself, all 17 otherwise: its own cast is not exact enough to ask.
    "score": """CASE WHEN {0} IS NULL THEN 'null' WHEN round({0}, 12) = {0} THEN printf('%!.15g', {0})
        ELSE printf('%!.17g', {0}) END""",
    "time": "coalesce('\"' || replace({0}, '.000000Z', 'Z') || '\"', 'null')",
}
WRITTEN_BY_POSTGRESQL = {
    "number": "{0}::text",
    "text": "voice_text({0})",
    "score": "coalesce({0}::text || CASE WHEN trunc({0}) = {0} THEN '.0' ELSE '' END, 'null')",
    "time": "voice_time({0})",
}


def _record(written: dict[str, str]) -> str:
    fields = (f"'\"{name}\":' || {written[kind].format(name)}" for name, kind in FIELDS)
    return "'{' || " + " || ',' || ".join(fields) + " || '}'"


def upgrade() -> None:
    """Make it all, for the voices that are there too."""
    op.drop_index("ix_cloned_voice_organization_id_status_provider", "cloned_voice")
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements["columns"]:
        op.execute(statement)
    for name, columns in ORDERS.items():
        op.create_index(
            f"ix_voice_by_{name}",
            "cloned_voice",
            ["organization_id", "status", "provider", *columns, *(one for one in TESTED if one not in columns)],
        )
    op.create_index(
        "ix_voice_by_kind",
        "cloned_voice",
        [
            *("organization_id", "status", "provider"),
            *(sa.text("coalesce(language, '')"), "tier", "dated", "never", "idle_since", "id"),
        ],
    )
    op.create_table(
        "voice_count",
        sa.Column("organization_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("status", sa.String(20), primary_key=True),
        sa.Column("provider", Sortable, primary_key=True),
        sa.Column("language", Sortable, primary_key=True),
        sa.Column("tier", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("dated", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("never", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("voices", BigId, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO voice_count SELECT {COUNTED}, count(*) FROM cloned_voice GROUP BY {COUNTED}")
    for statement in (*statements["search"], *statements["triggers"]):
        op.execute(statement)


def downgrade() -> None:
    """Take it away again."""
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements["away"]:
        op.execute(statement)
    op.drop_table("voice_count")
    for name in (*ORDERS, "kind"):
        op.drop_index(f"ix_voice_by_{name}", "cloned_voice")
    for column in ("record", "idle_since", *DERIVED):
        op.drop_column("cloned_voice", column)
    for statement in statements["away_at_last"]:
        op.execute(statement)
    op.create_index(None, "cloned_voice", ["organization_id", "status", "provider"])


# A voice's place in voice_count, as a trigger of SQLite sees it.
NEW = "NEW.organization_id, NEW.status, NEW.provider, coalesce(NEW.language, ''), NEW.tier, NEW.dated, NEW.never"
SAME_AS_OLD = """organization_id = OLD.organization_id AND status = OLD.status AND provider = OLD.provider
    AND language = coalesce(OLD.language, '') AND tier = OLD.tier AND dated = OLD.dated AND never = OLD.never"""
COUNT_NEW = f"INSERT INTO voice_count VALUES ({NEW}, 1) ON CONFLICT DO UPDATE SET voices = voices + 1;"
UNCOUNT_OLD = f"""UPDATE voice_count SET voices = voices - 1 WHERE {SAME_AS_OLD};
    DELETE FROM voice_count WHERE {SAME_AS_OLD} AND voices = 0;"""


def grams(voice: str) -> str:
    """Make SQLite's grams of a voice: words of the organization and three letters in hexadecimal, taken whole."""
    return (
        f"(SELECT group_concat({voice}.organization_id || 'x' || hex(substr({voice}.search_key, number, 3)), ' ')"
        f" FROM place WHERE number <= length({voice}.search_key) - 2)"
    )


EVENTS = ("insert", "update", "delete")
LONGEST_SEARCH_KEY = 10_000 + 500 + 3  # letters: the longest name and provider id, and three newlines
FIND_NEW = f"INSERT INTO voice_search (rowid, grams) VALUES (NEW.id, {grams('NEW')});"
UNFIND_OLD = f"INSERT INTO voice_search (voice_search, rowid, grams) VALUES ('delete', OLD.id, {grams('OLD')});"

SQLITE = {
    "columns": [
        *(
            f"ALTER TABLE cloned_voice ADD COLUMN {name} {kind} NOT NULL GENERATED ALWAYS AS ({sql}) VIRTUAL"
            for name, (kind, sql) in DERIVED.items()
        ),
        """ALTER TABLE cloned_voice ADD COLUMN idle_since TEXT NOT NULL
        GENERATED ALWAYS AS (coalesce(last_used_at, created_at)) VIRTUAL""",
        f"""ALTER TABLE cloned_voice ADD COLUMN record TEXT NOT NULL
        GENERATED ALWAYS AS ({_record(WRITTEN_BY_SQLITE)}) VIRTUAL""",
        "CREATE INDEX ix_voice_record ON cloned_voice (organization_id, id, status, provider, record)",
    ],
    "search": [
        # A newline at either end: then every word begins in the middle of a gram.
        "UPDATE cloned_voice SET search_key = char(10) || search_key || char(10)",
        "CREATE TABLE place (number INTEGER PRIMARY KEY)",
        f"""INSERT INTO place WITH RECURSIVE up (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM up
            WHERE number < {LONGEST_SEARCH_KEY}) SELECT number FROM up""",
        """CREATE VIRTUAL TABLE voice_search USING
            fts5(grams, content='', detail='none', columnsize=0, tokenize='ascii')""",
        f"INSERT INTO voice_search (rowid, grams) SELECT id, {grams('cloned_voice')} FROM cloned_voice",
    ],
    "triggers": [
        f"CREATE TRIGGER voice_insert_counted AFTER INSERT ON cloned_voice BEGIN {COUNT_NEW} END",
        f"CREATE TRIGGER voice_insert_found AFTER INSERT ON cloned_voice BEGIN {FIND_NEW} END",
        f"CREATE TRIGGER voice_delete_counted AFTER DELETE ON cloned_voice BEGIN {UNCOUNT_OLD} END",
        f"CREATE TRIGGER voice_delete_found AFTER DELETE ON cloned_voice BEGIN {UNFIND_OLD} END",
        f"""CREATE TRIGGER voice_update_counted AFTER UPDATE ON cloned_voice
            WHEN (OLD.organization_id, OLD.status, OLD.provider, coalesce(OLD.language, ''), OLD.tier, OLD.dated,
                OLD.never) <> ({NEW}) BEGIN {COUNT_NEW} {UNCOUNT_OLD} END""",
        f"""CREATE TRIGGER voice_update_found AFTER UPDATE ON cloned_voice
            WHEN (OLD.id, OLD.organization_id, OLD.search_key) <> (NEW.id, NEW.organization_id, NEW.search_key)
            BEGIN {UNFIND_OLD} {FIND_NEW} END""",
    ],
    "away": [
        *(f"DROP TRIGGER voice_{event}_{what}" for event in EVENTS for what in ("counted", "found")),
        "DROP TABLE voice_search",
        "DROP TABLE place",
        "DROP INDEX ix_voice_record",
        "UPDATE cloned_voice SET search_key = substr(search_key, 2, length(search_key) - 2)",
    ],
    "away_at_last": [],
}

KINDS = "organization_id, status, provider, language, tier, dated, never"


def kept_by(event: str, tables: str, change: str) -> list[str]:
    """Make PostgreSQL's function and trigger that add up a statement's changes, in the order of the keys.

    The trigger that moves the organization's revision comes before it by name:
    it lets only one writer at a time go on to an organization's counts.
    """
    return [
        f"""CREATE FUNCTION voices_counted_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO voice_count AS kept
                    SELECT {KINDS}, sum(one) FROM ({change}) AS change ({KINDS}, one)
                    GROUP BY {KINDS} HAVING sum(one) <> 0 ORDER BY {KINDS}
                    ON CONFLICT ({KINDS}) DO UPDATE SET voices = kept.voices + excluded.voices;
                DELETE FROM voice_count WHERE voices = 0 AND organization_id IN (SELECT organization_id FROM {{}});
                RETURN NULL;
            END $$""".format("written" if event == "insert" else "former"),
        f"""CREATE TRIGGER voice_{event}_counted AFTER {event} ON cloned_voice REFERENCING {tables}
            FOR EACH STATEMENT EXECUTE FUNCTION voices_counted_{event}()""",
    ]


MORE, LESS = f"SELECT {COUNTED}, 1 FROM written", f"SELECT {COUNTED}, -1 FROM former"

POSTGRESQL = {
    "columns": [
        """CREATE FUNCTION voice_text(word text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
            SELECT coalesce(to_json(word)::text, 'null') $$""",
        """CREATE FUNCTION voice_time(moment timestamptz) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
            SELECT coalesce('"' || replace(to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                '.000000', '') || 'Z"', 'null') $$""",
        """CREATE FUNCTION voice_grams(organization_id bigint, search_key text) RETURNS text[]
            IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
            DECLARE
                grams text[] := '{}';
                before text := organization_id || 'x';
            BEGIN
                FOR place IN 1 .. length(search_key) - 2 LOOP
                    grams := grams || (before || substr(search_key, place, 3));
                    IF substr(search_key, place, 1) IN (chr(10), ' ') THEN
                        grams := grams || (before || substr(search_key, place, 2));
                    END IF;
                END LOOP;
                RETURN grams;
            END $$""",
        # One statement, so that the table is written anew but once.
        "ALTER TABLE cloned_voice "
        + ", ".join(
            f"ADD COLUMN {name} {kind} NOT NULL GENERATED ALWAYS AS ({sql}) STORED"
            for name, (kind, sql) in (
                DERIVED
                | {
                    "idle_since": ("timestamptz", "coalesce(last_used_at, created_at)"),
                    "record": ("text", _record(WRITTEN_BY_POSTGRESQL)),
                }
            ).items()
        ),
        "CREATE INDEX ix_voice_record ON cloned_voice (organization_id, id)",
    ],
    "search": [
        "UPDATE cloned_voice SET search_key = chr(10) || search_key || chr(10)",
        "CREATE INDEX ix_voice_search ON cloned_voice USING gin (voice_grams(organization_id, search_key))",
    ],
    "triggers": [
        *kept_by("insert", "NEW TABLE AS written", MORE),
        *kept_by("update", "NEW TABLE AS written OLD TABLE AS former", f"{MORE} UNION ALL {LESS}"),
        *kept_by("delete", "OLD TABLE AS former", LESS),
        """CREATE FUNCTION voices_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                DELETE FROM voice_count;
                UPDATE organization SET revision = ('x' || md5(gen_random_uuid()::text))::bit(64)::bigint;
                RETURN NULL;
            END $$""",
        """CREATE TRIGGER voice_truncate AFTER TRUNCATE ON cloned_voice
            FOR EACH STATEMENT EXECUTE FUNCTION voices_truncated()""",
    ],
    "away": [
        *(f"DROP TRIGGER voice_{event}_counted ON cloned_voice" for event in EVENTS),
        *(f"DROP FUNCTION voices_counted_{event}()" for event in EVENTS),
        "DROP TRIGGER voice_truncate ON cloned_voice",
        "DROP FUNCTION voices_truncated()",
        "DROP INDEX ix_voice_search",
        "DROP INDEX ix_voice_record",
        "UPDATE cloned_voice SET search_key = substr(search_key, 2, length(search_key) - 2)",
    ],
    "away_at_last": [
        "DROP FUNCTION voice_grams(bigint, text)",
        "DROP FUNCTION voice_text(text)",
        "DROP FUNCTION voice_time(timestamptz)",
    ],
}
