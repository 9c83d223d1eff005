"""SQL of the triggers that maintain the totals; see `voiceadmin.database.totals` for what they count."""

from __future__ import annotations

from collections.abc import Iterable

from voiceadmin.database.totals import (
    ASSISTANT_TOTALS,
    CREATION_DAY_TOTALS,
    DAY_TOTALS,
    PROVIDER_TOTALS,
    SHARED_VOICES,
    STATUS_TOTALS,
    TOTALLED_COLUMNS,
    USE_DAY_TOTALS,
    AssistantTotals,
    day_sql,
    format_terms,
    format_zeros,
    recheck_assistants_sql,
    sum_columns,
)

SHARDS = 16  # of PostgreSQL; more transactions that write voices at a time are rare

_REF = ("organization_id", "provider", "provider_voice_id")
_KEYS_OF_TOTALS = "organization_id, provider"
_KEYS_OF_DAYS = "shard, provider, day"
_ARE_EMPTY = f"{' + '.join(STATUS_TOTALS)} = 0"
_REF_OF_ASSISTANT = "organization_id, tts_provider, tts_voice_id"

# The columns of assistants that ASSISTANT_TOTALS_0013 and ASSISTANT_TOTALS read.
ASSISTANT_COLUMNS_0013 = _REF_OF_ASSISTANT
ASSISTANT_COLUMNS = f"{_REF_OF_ASSISTANT}, is_voice_spoken"
_REF_TOTALLED_COLUMNS = (*_REF, "status", "archived_at", "status_changed_at")  # what the totals of references read


def _assign(columns: Iterable[str], change: str) -> str:
    return ", ".join(f"{name} = {change.format(name)}" for name in columns)


def _same(one: str, other: str, columns: Iterable[str]) -> str:
    return " AND ".join(f"{one}.{column} = {other}.{column}" for column in columns)


# The time of the last use at a provider, read from the end of the ordered index of each status.
_LATEST_USE = (
    "(SELECT max((SELECT max(voice.last_activity_at) FROM cloned_voice AS voice"
    " WHERE voice.organization_id = provider_totals.organization_id AND voice.status = one.status"
    " AND voice.provider = provider_totals.provider AND voice.has_last_used_at = 1)) FROM"
    f" ({' UNION ALL '.join(f'SELECT {quoted} AS status' for quoted in map(repr, STATUS_TOTALS))}) AS one)"
)


# SQLite: the triggers run once for each voice.


def build_sqlite_totals_triggers(
    assistant_totals: AssistantTotals = ASSISTANT_TOTALS, assistant_columns: str = ASSISTANT_COLUMNS
) -> dict[str, str]:
    """Return the triggers, as CREATE statements by name.

    Args:
        assistant_totals: the columns of assistants to write.
        assistant_columns: the columns of assistants that these depend on.
    """
    add, remove = _add_to_totals(), _remove_from_totals()
    old, new = (", ".join(f"{row}.{column}" for column in TOTALLED_COLUMNS) for row in ("OLD", "NEW"))
    bodies = {
        "voice_insert_totals": f"INSERT ON cloned_voice BEGIN {add} END",
        "voice_delete_totals": f"DELETE ON cloned_voice BEGIN {remove} {_recompute_latest_use('TRUE')} END",
        "voice_update_totals": f"UPDATE ON cloned_voice WHEN ({old}) IS NOT ({new})"
        f" BEGIN {remove} {add} {_recompute_latest_use(_LATEST_USE_LEFT)} END",
    }
    bodies |= _build_sqlite_ref_bodies(assistant_totals, assistant_columns)
    return {name: f"CREATE TRIGGER {name} AFTER {body}" for name, body in bodies.items()}


def _build_sqlite_ref_bodies(assistant_totals: AssistantTotals, assistant_columns: str) -> dict[str, str]:
    """Return the events and bodies of the triggers that write totals of references, by name."""
    old, new = (", ".join(f"{row}.{column}" for column in _REF_TOTALLED_COLUMNS) for row in ("OLD", "NEW"))
    recount_old, recount_new = (_recount_ref(row, assistant_totals) for row in ("OLD", "NEW"))
    recheck_new = _recheck_assistants("NEW", assistant_totals)
    recheck_assistant = f"{recheck_assistants_sql('sqlite', 'id = NEW.id', assistant_totals)};"
    return {
        "voice_insert_ref_totals": f"INSERT ON cloned_voice BEGIN {recount_new} END",
        "voice_delete_ref_totals": f"DELETE ON cloned_voice BEGIN {recount_old} END",
        "voice_update_ref_totals": f"UPDATE ON cloned_voice WHEN ({old}) IS NOT ({new})"
        f" BEGIN {recount_old} {recount_new} END",
        # SQLite runs the triggers of one event in any order, so that a new reference may come after the recount.
        "shared_ref_insert_totals": f"INSERT ON shared_provider_voice_ref BEGIN {_recount_shared('NEW')} END",
        "former_ref_insert_totals": f"INSERT ON former_provider_voice_ref BEGIN {recheck_new} END",
        "assistant_insert_totals": f"INSERT ON assistant BEGIN {recheck_assistant} END",
        "assistant_update_totals": f"UPDATE OF {assistant_columns} ON assistant BEGIN {recheck_assistant} END",
    }


# Whether the last use of a changed voice is not at the same provider any more, or earlier than it was.
_LATEST_USE_LEFT = (
    "NEW.last_used_at IS NULL OR NEW.last_used_at < OLD.last_used_at"
    " OR (NEW.organization_id, NEW.provider) <> (OLD.organization_id, OLD.provider)"
)


def _add_to_totals() -> str:
    """Return the statements that add a new voice."""
    names = ", ".join((*PROVIDER_TOTALS, "last_used_at"))
    created, used = day_sql("NEW.created_at", "sqlite"), day_sql("NEW.last_used_at", "sqlite")
    return f"""INSERT INTO provider_totals ({_KEYS_OF_TOTALS}, {names})
        VALUES (NEW.organization_id, NEW.provider, {_terms(PROVIDER_TOTALS, "NEW")}, NEW.last_used_at)
        ON CONFLICT DO UPDATE SET {_assign(PROVIDER_TOTALS, "{0} + excluded.{0}")},
        last_used_at = coalesce(max(last_used_at, excluded.last_used_at), last_used_at, excluded.last_used_at);
        INSERT INTO provider_day_totals ({_KEYS_OF_DAYS}, {", ".join(CREATION_DAY_TOTALS)})
        VALUES (0, NEW.provider, {created}, {_terms(CREATION_DAY_TOTALS, "NEW")})
        ON CONFLICT DO UPDATE SET {_assign(CREATION_DAY_TOTALS, "{0} + excluded.{0}")};
        INSERT INTO provider_day_totals ({_KEYS_OF_DAYS}, {", ".join(USE_DAY_TOTALS)})
        SELECT 0, NEW.provider, {used}, {_terms(USE_DAY_TOTALS, "NEW")}
        WHERE NEW.status = 'ready' AND NEW.last_used_at IS NOT NULL
        ON CONFLICT DO UPDATE SET {_assign(USE_DAY_TOTALS, "{0} + excluded.{0}")};"""


def _terms(columns: dict[str, str], row: str) -> str:
    return ", ".join(term.format(row) for term in columns.values())


def _remove_from_totals() -> str:
    """Return the statements that subtract an old voice."""
    day = "shard = 0 AND provider = OLD.provider AND day = {}"
    created, used = day_sql("OLD.created_at", "sqlite"), day_sql("OLD.last_used_at", "sqlite")
    return f"""UPDATE provider_totals SET {_subtract(PROVIDER_TOTALS)} WHERE {_SAME_TOTALS};
        DELETE FROM provider_totals WHERE {_SAME_TOTALS} AND {_ARE_EMPTY};
        UPDATE provider_day_totals SET {_subtract(CREATION_DAY_TOTALS)} WHERE {day.format(created)};
        UPDATE provider_day_totals SET {_subtract(USE_DAY_TOTALS)} WHERE {day.format(used)};"""


_SAME_TOTALS = "organization_id = OLD.organization_id AND provider = OLD.provider"


def _subtract(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} = {name} - ({term.format('OLD')})" for name, term in columns.items())


def _recompute_latest_use(condition: str) -> str:
    """Return the statement that finds the last use again if that of the old voice was it."""
    return (
        f"UPDATE provider_totals SET last_used_at = {_LATEST_USE}"
        f" WHERE {_SAME_TOTALS} AND last_used_at = OLD.last_used_at AND ({condition});"
    )


def _recount_ref(row: str, assistant_totals: AssistantTotals) -> str:
    return f"{_recount_shared(row)} {_recheck_assistants(row, assistant_totals)}"


def _recount_shared(row: str) -> str:
    """Return the statement that counts the voices of one shared reference again."""
    same = " AND ".join(f"{column} = {row}.{column}" for column in _REF)
    return f"UPDATE shared_provider_voice_ref SET voices = {SHARED_VOICES} WHERE {same};"


def _recheck_assistants(row: str, assistant_totals: AssistantTotals) -> str:
    """Return the statement that checks the assistants that are set to one reference again."""
    is_set_to_ref = (
        f"organization_id = {row}.organization_id AND tts_provider = {row}.provider"
        f" AND tts_voice_id = {row}.provider_voice_id"
    )
    return f"{recheck_assistants_sql('sqlite', is_set_to_ref, assistant_totals)};"


# PostgreSQL: the functions run once for each statement, with all its voices.


def build_postgresql_totals_functions(assistant_totals: AssistantTotals = ASSISTANT_TOTALS) -> dict[str, str]:
    """Return the functions by signature, as CREATE statements. assistant_totals: the columns of assistants to write."""
    bodies = {"clear_totals": _clear_body(assistant_totals), "check_assistant": _check_body(assistant_totals)}
    for event, tables in (("insert", ("written",)), ("update", ("written", "former")), ("delete", ("former",))):
        bodies[f"update_totals_after_{event}"] = _totals_body(tables)
        bodies[f"update_ref_totals_after_{event}"] = _ref_totals_body(tables, assistant_totals)
    functions = {
        f"{name}()": f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        for name, body in bodies.items()
    }
    return {"take_totals_shard()": _TAKE_SHARD} | functions


def build_postgresql_totals_triggers(assistant_columns: str = ASSISTANT_COLUMNS) -> dict[str, tuple[str, str]]:
    """Return the triggers by name: the table, and the CREATE statement.

    assistant_columns: the columns of assistants on which their totals depend.

    PostgreSQL fires triggers in the order of their names: these come after those that lock the organization and record
    references.
    """
    tables = {
        "insert": "NEW TABLE AS written",
        "update": "NEW TABLE AS written OLD TABLE AS former",
        "delete": "OLD TABLE AS former",
    }
    triggers = {
        f"voice_{event}_{suffix}": (
            "cloned_voice",
            (
                f"AFTER {event} ON cloned_voice REFERENCING {referencing} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION {function}_after_{event}()"
            ),
        )
        for event, referencing in tables.items()
        for suffix, function in (("totals", "update_totals"), ("voice_refs_totals", "update_ref_totals"))
    }
    triggers |= {
        "voice_truncate_totals": (
            "cloned_voice",
            "AFTER TRUNCATE ON cloned_voice FOR EACH STATEMENT EXECUTE FUNCTION clear_totals()",
        ),
        "assistant_insert_totals": (
            "assistant",
            "BEFORE INSERT ON assistant FOR EACH ROW EXECUTE FUNCTION check_assistant()",
        ),
        "assistant_update_totals": (
            "assistant",
            f"BEFORE UPDATE OF {assistant_columns} ON assistant FOR EACH ROW EXECUTE FUNCTION check_assistant()",
        ),
    }
    return {name: (table, f"CREATE TRIGGER {name} {body}") for name, (table, body) in triggers.items()}


# Transactions of different organizations write the same days. Each takes a shard that no other holds, so that none
# waits for another. The number of a connection is beyond all shards; only its own transactions use it.
_TAKE_SHARD = f"""CREATE FUNCTION take_totals_shard() RETURNS integer LANGUAGE plpgsql AS $$
    BEGIN
        FOR shard IN 0 .. {SHARDS - 1} LOOP
            IF pg_try_advisory_xact_lock(hashtext('provider_day_totals'), shard) THEN
                RETURN shard;
            END IF;
        END LOOP;
        RETURN {SHARDS} + pg_backend_pid();
    END $$"""


def _clear_body(assistant_totals: AssistantTotals) -> str:
    return f"""BEGIN
        DELETE FROM provider_totals;
        DELETE FROM provider_day_totals;
        UPDATE shared_provider_voice_ref SET voices = 0;
        {recheck_assistants_sql("postgresql", columns=assistant_totals)};
        RETURN NULL;
    END"""


def _check_body(assistant_totals: AssistantTotals) -> str:
    assignments = " ".join(f"NEW.{name} := {sql('NEW')};" for name, sql in assistant_totals.items())
    return f"BEGIN {assignments} RETURN NEW; END"


def _totals_body(tables: Iterable[str]) -> str:
    """Return the body that adds up the changes of a statement. It writes in key order, which prevents deadlock."""
    removed = _remove_postgresql_totals() if "former" in tables else ""
    return f"""DECLARE
        own_shard CONSTANT integer := take_totals_shard();
    BEGIN
        INSERT INTO provider_totals ({_KEYS_OF_TOTALS}, {", ".join(PROVIDER_TOTALS)}, last_used_at)
            SELECT {_KEYS_OF_TOTALS}, {sum_columns(PROVIDER_TOTALS)}, max(last_used_at)
            FROM ({_union(_totals_terms(table) for table in tables)}) AS term
            GROUP BY {_KEYS_OF_TOTALS} ORDER BY {_KEYS_OF_TOTALS}
            ON CONFLICT ({_KEYS_OF_TOTALS}) DO UPDATE SET
            {_assign(PROVIDER_TOTALS, "provider_totals.{0} + excluded.{0}")},
            last_used_at = greatest(provider_totals.last_used_at, excluded.last_used_at);
        {removed}
        INSERT INTO provider_day_totals ({_KEYS_OF_DAYS}, {", ".join(DAY_TOTALS)})
            SELECT own_shard, provider, day, {sum_columns(DAY_TOTALS)}
            FROM ({_union(select for table in tables for select in _day_terms(table))}) AS term
            GROUP BY provider, day
            HAVING {" OR ".join(f"sum({name}) <> 0" for name in DAY_TOTALS)}
            ON CONFLICT ({_KEYS_OF_DAYS}) DO UPDATE SET
            {_assign(DAY_TOTALS, "provider_day_totals.{0} + excluded.{0}")};
        RETURN NULL;
    END"""


def _remove_postgresql_totals() -> str:
    """Return the statements that find the last use again where it may have left, and delete empty rows."""
    return f"""UPDATE provider_totals SET last_used_at = {_LATEST_USE}
            WHERE (organization_id, provider, last_used_at) IN
                (SELECT DISTINCT organization_id, provider, last_used_at FROM former WHERE last_used_at IS NOT NULL);
        DELETE FROM provider_totals WHERE (organization_id, provider) IN
                (SELECT DISTINCT organization_id, provider FROM former) AND {_ARE_EMPTY};"""


def _union(selects: Iterable[str]) -> str:
    return "\n            UNION ALL ".join(selects)


def _totals_terms(table: str) -> str:
    sign, last_used_at = ("-", "NULL::timestamptz") if table == "former" else ("", f"{table}.last_used_at")
    terms = format_terms(PROVIDER_TOTALS, table, sign)
    return f"SELECT organization_id, provider, {terms}, {last_used_at} AS last_used_at FROM {table}"


def _day_terms(table: str) -> tuple[str, str]:
    sign = "-" if table == "former" else ""
    created, used = (day_sql(f"{table}.{column}", "postgresql") for column in ("created_at", "last_used_at"))
    no_use, no_creation = format_zeros(USE_DAY_TOTALS), format_zeros(CREATION_DAY_TOTALS)
    return (
        f"SELECT provider, {created} AS day, {format_terms(CREATION_DAY_TOTALS, table, sign)}, {no_use} FROM {table}",
        (
            f"SELECT provider, {used} AS day, {no_creation}, {format_terms(USE_DAY_TOTALS, table, sign)} FROM {table}"
            f" WHERE {table}.status = 'ready' AND {table}.last_used_at IS NOT NULL"
        ),
    )


def _ref_totals_body(tables: Iterable[str], assistant_totals: AssistantTotals) -> str:
    """Return the body that counts the changed references again, and checks the assistants that are set to them."""
    refs = " UNION ".join(f"SELECT {', '.join(_REF)} FROM {table}" for table in tables)
    return f"""BEGIN
        UPDATE shared_provider_voice_ref SET voices = {SHARED_VOICES}
            WHERE ({", ".join(_REF)}) IN ({refs}) AND voices <> {SHARED_VOICES};
        {recheck_assistants_sql("postgresql", f"({_REF_OF_ASSISTANT}) IN ({refs})", assistant_totals)};
        RETURN NULL;
    END"""
