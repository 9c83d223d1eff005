"""SQL of the triggers on voices and audit events, with the names before and after migration 0006.

A later migration that renames a table or a column adds a mapping of names here.
"""

from __future__ import annotations

from collections.abc import Mapping

EVENTS = ("insert", "update", "delete")

# Names of tables, columns, functions and parts of trigger names.
NAMES_0005 = {
    "stats": "voice_count",
    "has_last_used_at": "dated",
    "is_never_used": "never",
    "shared_ref": "shared_place",
    "former_ref": "former_place",
    "position": "place",
    "audit_event": "audit_line",
    "audit_error": "a line of the audit trail is final",
    "audit_trigger": "audit_final",
    "audit_function": "audit_is_final",
    "revision_function": "voices_written",
    "stats_function": "voices_counted",
    "truncate_function": "voices_truncated",
    "ref_function": "voices_placed",
    "revision_suffix": "",
    "revision_old_suffix": "_away",
    "stats_suffix": "_counted",
    "trigrams_suffix": "_found",
    "shared_suffix": "_shared",
    "former_suffix": "_former",
    "ref_suffix": "_placed",
}
NAMES_0006 = {
    "stats": "voice_stats",
    "has_last_used_at": "has_last_used_at",
    "is_never_used": "is_never_used",
    "shared_ref": "shared_provider_voice_ref",
    "former_ref": "former_provider_voice_ref",
    "position": "trigram_position",
    "audit_event": "audit_event",
    "audit_error": "audit events cannot be changed or deleted",
    "audit_trigger": "audit_event_immutable",
    "audit_function": "reject_audit_event_change",
    "revision_function": "renew_organization_revision",
    "stats_function": "update_voice_stats_after",
    "truncate_function": "clear_voice_stats",
    "ref_function": "record_provider_voice_refs_after",
    # PostgreSQL fires triggers in the order of their names. The one that writes the organization's revision comes
    # first: its row lock lets only one transaction at a time update that organization's statistics.
    "revision_suffix": "_revision",
    "revision_old_suffix": "_revision_old",
    "stats_suffix": "_stats",
    "trigrams_suffix": "_trigrams",
    "shared_suffix": "_shared_ref",
    "former_suffix": "_former_ref",
    "ref_suffix": "_voice_refs",
}


def build_sqlite_audit_triggers(names: Mapping[str, str]) -> dict[str, str]:
    """Return the triggers that keep audit events from being changed, as CREATE statements by name."""
    table = names["audit_event"]
    reject = f"BEGIN SELECT RAISE(ABORT, '{names['audit_error']}'); END"
    return {
        "audit_update": f"CREATE TRIGGER audit_update BEFORE UPDATE ON {table} {reject}",
        "audit_delete": f"CREATE TRIGGER audit_delete BEFORE DELETE ON {table} {reject}",
        # INSERT OR REPLACE deletes the old row without firing a DELETE trigger.
        "audit_insert": f"""CREATE TRIGGER audit_insert BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {reject}""",
    }


def build_sqlite_voice_triggers(names: Mapping[str, str]) -> dict[str, str]:
    """Return the triggers on cloned_voice, as CREATE statements by name."""
    insert, delete = _build_stats_insert(names), _build_stats_delete(names)
    add, remove = _build_trigrams_insert(names), _build_trigrams_delete(names)
    shared, former = _build_shared_ref_insert(names), _build_former_ref_insert(names)
    revision = "BEGIN UPDATE organization SET revision = random() WHERE id IN ({}); END"
    stats, trigrams = names["stats_suffix"], names["trigrams_suffix"]
    bodies = {
        f"insert{names['revision_suffix']}": revision.format("NEW.organization_id"),
        f"update{names['revision_suffix']}": revision.format("OLD.organization_id, NEW.organization_id"),
        f"delete{names['revision_suffix']}": revision.format("OLD.organization_id"),
        f"insert{stats}": f"BEGIN {insert} END",
        f"insert{trigrams}": f"BEGIN {add} END",
        f"delete{stats}": f"BEGIN {delete} END",
        f"delete{trigrams}": f"BEGIN {remove} END",
        f"update{stats}": f"WHEN ({_build_group_key('OLD', names)}) <> ({_build_group_key('NEW', names)})"
        f" BEGIN {insert} {delete} END",
        f"update{trigrams}": "WHEN (OLD.id, OLD.organization_id, OLD.search_key)"
        f" <> (NEW.id, NEW.organization_id, NEW.search_key) BEGIN {remove} {add} END",
        f"insert{names['shared_suffix']}": f"BEGIN {shared} END",
        f"update{names['shared_suffix']}": f"WHEN {_REF_CHANGED} BEGIN {shared} END",
        f"update{names['former_suffix']}": f"WHEN {_REF_CHANGED} BEGIN {former} END",
        f"delete{names['former_suffix']}": f"BEGIN {former} END",
    }
    return {
        f"voice_{name}": f"CREATE TRIGGER voice_{name} AFTER {name.split('_')[0].upper()} ON cloned_voice {body}"
        for name, body in bodies.items()
    }


def _build_group_key(row: str, names: Mapping[str, str]) -> str:
    """Return the key of a voice's row in the statistics."""
    columns = ("tier", names["has_last_used_at"], names["is_never_used"])
    derived = ", ".join(f"{row}.{column}" for column in columns)
    return f"{row}.organization_id, {row}.status, {row}.provider, coalesce({row}.language, ''), {derived}"


def _build_stats_insert(names: Mapping[str, str]) -> str:
    return (
        f"INSERT INTO {names['stats']} VALUES ({_build_group_key('NEW', names)}, 1)"
        " ON CONFLICT DO UPDATE SET voices = voices + 1;"
    )


def _build_stats_delete(names: Mapping[str, str]) -> str:
    derived = " AND ".join(
        f"{column} = OLD.{column}" for column in ("tier", names["has_last_used_at"], names["is_never_used"])
    )
    same = f"""organization_id = OLD.organization_id AND status = OLD.status AND provider = OLD.provider
        AND language = coalesce(OLD.language, '') AND {derived}"""
    return f"""UPDATE {names["stats"]} SET voices = voices - 1 WHERE {same};
        DELETE FROM {names["stats"]} WHERE {same} AND voices = 0;"""


def _build_trigrams(row: str, names: Mapping[str, str]) -> str:
    """Return the tokens of a voice in the full-text index: each is its organization and a trigram in hexadecimal."""
    return (
        f"(SELECT group_concat({row}.organization_id || 'x' || hex(substr({row}.search_key, number, 3)), ' ')"
        f" FROM {names['position']} WHERE number <= length({row}.search_key) - 2)"
    )


def _build_trigrams_insert(names: Mapping[str, str]) -> str:
    return f"INSERT INTO voice_search (rowid, grams) VALUES (NEW.id, {_build_trigrams('NEW', names)});"


def _build_trigrams_delete(names: Mapping[str, str]) -> str:
    return (
        "INSERT INTO voice_search (voice_search, rowid, grams)"
        f" VALUES ('delete', OLD.id, {_build_trigrams('OLD', names)});"
    )


_REF = ("organization_id", "provider", "provider_voice_id")
_REF_CHANGED = """(OLD.organization_id, OLD.provider, OLD.provider_voice_id)
    <> (NEW.organization_id, NEW.provider, NEW.provider_voice_id)"""


def _build_ref_condition(one: str, other: str) -> str:
    return " AND ".join(f"{one}.{column} = {other}.{column}" for column in _REF)


def _build_shared_ref_insert(names: Mapping[str, str]) -> str:
    # Not INSERT OR IGNORE: inside an upsert, SQLite gives the trigger the conflict handling of the outer statement.
    return f"""INSERT INTO {names["shared_ref"]} ({", ".join(_REF)})
        SELECT NEW.organization_id, NEW.provider, NEW.provider_voice_id
        WHERE NEW.provider_voice_id <> '' AND EXISTS (SELECT 1 FROM cloned_voice AS other
            WHERE {_build_ref_condition("other", "NEW")} AND other.id <> NEW.id) ON CONFLICT DO NOTHING;"""


def _build_former_ref_insert(names: Mapping[str, str]) -> str:
    return f"""INSERT INTO {names["former_ref"]}
        SELECT OLD.organization_id, OLD.provider, OLD.provider_voice_id
        WHERE OLD.provider_voice_id <> '' ON CONFLICT DO NOTHING;"""


def build_postgresql_functions(names: Mapping[str, str]) -> dict[str, str]:
    """Return the trigger functions, as CREATE statements by name. They run once for each statement.

    A trigger for each row would update the row of an organization once for each voice.
    """
    revision = "('x' || md5(gen_random_uuid()::text))::bit(64)::bigint"
    bodies = {
        names["audit_function"]: f"RAISE EXCEPTION '{names['audit_error']}';",
        names["revision_function"]: f"""UPDATE organization SET revision = {revision}
                WHERE id IN (SELECT organization_id FROM written);
            RETURN NULL;""",
        names["truncate_function"]: f"""DELETE FROM {names["stats"]};
            UPDATE organization SET revision = {revision};
            RETURN NULL;""",
    }
    for event in EVENTS:
        bodies[f"{names['stats_function']}_{event}"] = _build_stats_body(event, names)
        bodies[f"{names['ref_function']}_{event}"] = _build_refs_body(event, names)
    return {
        name: f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {body}
        END $$"""
        for name, body in bodies.items()
    }


def build_postgresql_audit_triggers(names: Mapping[str, str]) -> dict[str, str]:
    """Return the trigger that keeps audit events from being changed, as a CREATE statement by name."""
    name = names["audit_trigger"]
    return {
        name: f"""CREATE TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {names["audit_event"]}
            FOR EACH STATEMENT EXECUTE FUNCTION {names["audit_function"]}()"""
    }


def build_postgresql_voice_triggers(names: Mapping[str, str]) -> dict[str, str]:
    """Return the triggers on cloned_voice, as CREATE statements by name."""
    revision, changed = names["revision_function"], names["revision_suffix"]
    tables = {
        "insert": "NEW TABLE AS written",
        "update": "NEW TABLE AS written OLD TABLE AS former",
        "delete": "OLD TABLE AS former",
    }
    triggers = {
        f"voice_insert{changed}": ("INSERT", "NEW TABLE AS written", revision),
        f"voice_update{changed}": ("UPDATE", "NEW TABLE AS written", revision),
        f"voice_update{names['revision_old_suffix']}": ("UPDATE", "OLD TABLE AS written", revision),
        f"voice_delete{changed}": ("DELETE", "OLD TABLE AS written", revision),
    }
    for event in EVENTS:
        for suffix, function in (("stats_suffix", "stats_function"), ("ref_suffix", "ref_function")):
            name, of_event = f"voice_{event}{names[suffix]}", f"{names[function]}_{event}"
            triggers[name] = event.upper(), tables[event], of_event
    statements = {
        name: f"""CREATE TRIGGER {name} AFTER {event} ON cloned_voice REFERENCING {referencing}
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""
        for name, (event, referencing, function) in triggers.items()
    }
    truncate = f"""CREATE TRIGGER voice_truncate AFTER TRUNCATE ON cloned_voice
        FOR EACH STATEMENT EXECUTE FUNCTION {names["truncate_function"]}()"""
    return statements | {"voice_truncate": truncate}


def _build_stats_body(event: str, names: Mapping[str, str]) -> str:
    """Return the body that adds up the changes of a statement. It writes in key order, which prevents deadlock."""
    derived = f"tier, {names['has_last_used_at']}, {names['is_never_used']}"
    group = f"organization_id, status, provider, language, {derived}"
    of_voice = f"organization_id, status, provider, coalesce(language, ''), {derived}"
    more, less = f"SELECT {of_voice}, 1 FROM written", f"SELECT {of_voice}, -1 FROM former"
    change = {"insert": more, "update": f"{more} UNION ALL {less}", "delete": less}[event]
    changed = "written" if event == "insert" else "former"
    of_changed = f"organization_id IN (SELECT organization_id FROM {changed})"
    return f"""INSERT INTO {names["stats"]} AS stats
                SELECT {group}, sum(one) FROM ({change}) AS change ({group}, one)
                GROUP BY {group} HAVING sum(one) <> 0 ORDER BY {group}
                ON CONFLICT ({group}) DO UPDATE SET voices = stats.voices + excluded.voices;
            DELETE FROM {names["stats"]} WHERE voices = 0 AND {of_changed};
            RETURN NULL;"""


def _build_refs_body(event: str, names: Mapping[str, str]) -> str:
    """Return the body that records references that two voices share, and references that a voice had before."""
    shared = f"""INSERT INTO {names["shared_ref"]}
                SELECT DISTINCT {", ".join(f"voice.{column}" for column in _REF)}
                FROM written AS voice JOIN cloned_voice AS other ON {_build_ref_condition("other", "voice")}
                AND other.id <> voice.id WHERE voice.provider_voice_id <> '' ON CONFLICT DO NOTHING;"""
    former = f"""INSERT INTO {names["former_ref"]} SELECT DISTINCT {", ".join(_REF)} FROM former AS voice
                WHERE provider_voice_id <> '' AND NOT EXISTS (SELECT 1 FROM cloned_voice AS current
                    WHERE current.id = voice.id AND {_build_ref_condition("current", "voice")})
                ON CONFLICT DO NOTHING;"""
    changes = {"insert": [shared], "update": [shared, former], "delete": [former]}[event]
    return "\n            ".join([*changes, "RETURN NULL;"])
