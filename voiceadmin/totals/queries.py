"""Sums of the totals, counts of idle voices, and the comparison of the totals with the rows.

Each `…_sql` function returns a SELECT of provider and number; a provider may have several rows, which are to be added.
Its parameters are those of `rule_parameters` and `scope_parameters`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all, forced_order_join, index_hint
from voiceadmin.database.totals import (
    DAY_TOTALS,
    PROVIDER_TOTALS,
    SHARED_VOICES,
    STATUS_TOTALS,
    day_totals_select,
    is_wrong_assistant_sql,
    provider_totals_select,
    sum_columns,
    voice_stats_select,
)
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.voices.types.status import VoiceStatus

# Rows of totals without any voice say nothing.
HAS_VOICES = f"{' + '.join(STATUS_TOTALS)} > 0"


def sum_totals(scope: Scope, *names: str) -> dict[str, dict[str, int]]:
    """Return the sums of some columns of provider_totals, by provider and column."""
    sums = ", ".join(f"sum({name}) AS {name}" for name in names)
    rows = fetch_all(
        f"SELECT provider, {sums} FROM provider_totals WHERE {_in_scope(scope)} AND {HAS_VOICES} GROUP BY provider",
        scope_parameters(scope),
    )
    return {row[0]: {name: int(value) for name, value in zip(names, row[1:], strict=True)} for row in rows}


def list_providers(scope: Scope) -> list[str]:
    """Return the providers of the voices of a scope, sorted."""
    return sorted(sum_totals(scope, "ready"))


Deletions = Counter[tuple[str, VoiceStatus]]


def count_deleted_at_provider(scope: Scope) -> Deletions:
    """Return the number of voices that are marked as deleted at their provider, by provider and status."""
    rows = fetch_all(
        f"SELECT voice.provider, voice.status, count(*) FROM {deleted_at_provider_sql()}"
        f" AND {scope_sql(scope, 'voice.organization_id')} GROUP BY voice.provider, voice.status",
        scope_parameters(scope),
    )
    return Counter({(provider, VoiceStatus(status)): count for provider, status, count in rows})


def deleted_at_provider_sql() -> str:
    """Return the tables and the condition of the voices that are marked as deleted at their provider."""
    return (
        f"provider_deletion AS deletion {forced_order_join()} cloned_voice AS voice ON voice.id = deletion.voice_id"
        " AND voice.provider = deletion.provider AND voice.provider_voice_id = deletion.provider_voice_id"
        " WHERE voice.provider_voice_id <> ''"
    )


def total_sql(name: str, scope: Scope) -> str:
    """Return SQL of one column of provider_totals."""
    return f"SELECT provider, sum({name}) FROM provider_totals WHERE {_in_scope(scope)} GROUP BY provider"


def old_use_sql(scope: Scope) -> str:
    """Return SQL of the ready voices that were last used before the threshold."""
    if scope.organizations is not None:
        return _idle_in_organizations_sql(scope, "ready_dated", "has_last_used_at = 1", ":unused_before")
    table = f"cloned_voice AS voice{index_hint('ix_queue_unused')}"
    return _idle_everywhere_sql("ready_dated", table, "voice.last_used_at", "unused")


def never_used_sql(scope: Scope) -> str:
    """Return SQL of the ready voices that were never used and are old enough."""
    if scope.organizations is not None:
        is_never_used = "has_last_used_at = 0 AND voice.is_never_used = 1"
        return _idle_in_organizations_sql(scope, "ready_never_used", is_never_used, ":young_before")
    table = f"cloned_voice AS voice{index_hint('ix_queue_never')}"
    is_never_used = " AND voice.last_used_at IS NULL AND voice.synthesis_count = 0"
    return _idle_everywhere_sql("ready_never_used", table, "voice.created_at", "young", is_never_used)


def _idle_everywhere_sql(total: str, table: str, time: str, threshold: str, condition: str = "") -> str:
    """Return SQL of the whole days before a threshold, and of the voices of the last day, which is a part of one."""
    return (
        f"SELECT provider, sum({total}) FROM provider_day_totals WHERE day < :{threshold}_day GROUP BY provider"
        f" UNION ALL SELECT voice.provider, count(*) FROM {table} WHERE voice.status = 'ready'{condition}"
        f" AND {time} >= :{threshold}_day_start AND {time} <= :{threshold}_before GROUP BY voice.provider"
    )


def _idle_in_organizations_sql(scope: Scope, total: str, condition: str, before: str) -> str:
    """Return SQL that reads one range of an ordered index for each organization and provider."""
    return (
        "SELECT totals.provider, (SELECT count(*) FROM cloned_voice AS voice"
        f"{index_hint('ix_voice_by_last_used')} WHERE voice.organization_id = totals.organization_id"
        f" AND voice.status = 'ready' AND voice.provider = totals.provider AND voice.{condition}"
        f" AND voice.last_activity_at <= {before}) FROM provider_totals AS totals"
        f" WHERE totals.{total} > 0 AND {scope_sql(scope, 'totals.organization_id')}"
    )


def too_new_sql(scope: Scope, thresholds: AttentionThresholds) -> str:
    """Return SQL of the ready voices whose last use is before its threshold, but that are too new to be reported.

    Usually there is none: the last use would be before the creation.
    """
    is_contradictory = thresholds.minimum_age <= thresholds.unused
    hint = index_hint("ix_queue_too_new") if is_contradictory else ""
    return (
        f"SELECT voice.provider, count(*) AS voices FROM cloned_voice AS voice{hint} WHERE voice.status = 'ready'"
        f"{' AND voice.last_used_at < voice.created_at' if is_contradictory else ''}"
        " AND voice.created_at > :young_before AND voice.last_used_at <= :unused_before"
        f" AND {scope_sql(scope, 'voice.organization_id')} GROUP BY voice.provider"
    )


def _in_scope(scope: Scope) -> str:
    return scope_sql(scope, "organization_id")


class Difference(NamedTuple):
    """A table of totals that does not agree with the rows. rows: how many of its rows are wrong, missing or left."""

    table: str
    rows: int


def find_wrong_totals() -> list[Difference]:
    """Compare all totals with the rows that they count. Reads every voice."""
    counted = ((table, int(fetch_all(statement, {})[0][0])) for table, statement in _select_differences())
    return [Difference(table, rows) for table, rows in counted if rows]


def _select_differences() -> Iterator[tuple[str, str]]:
    """Yield each table with a SELECT of how many of its rows differ."""
    totals = ", ".join(("organization_id", "provider", *PROVIDER_TOTALS, "last_used_at"))
    days = " OR ".join(f"sum({name}) <> 0" for name in DAY_TOTALS)
    stored_days = (
        f"SELECT provider, day, {sum_columns(DAY_TOTALS)} FROM provider_day_totals GROUP BY provider, day HAVING {days}"
    )
    dialect = db.engine.dialect.name
    day_totals = day_totals_select(dialect)
    yield "voice_stats", _count_differences("SELECT * FROM voice_stats", voice_stats_select())
    yield "provider_totals", _count_differences(f"SELECT {totals} FROM provider_totals", provider_totals_select())
    yield "provider_day_totals", _count_differences(stored_days, day_totals)
    yield (
        "shared_provider_voice_ref",
        f"SELECT count(*) FROM shared_provider_voice_ref WHERE voices <> {SHARED_VOICES}",
    )
    yield "assistant", f"SELECT count(*) FROM assistant WHERE {is_wrong_assistant_sql(dialect)}"


def _count_differences(stored: str, right: str) -> str:
    """Return a SELECT of the number of rows that only one of two SELECTs has."""
    return (
        f"SELECT (SELECT count(*) FROM (SELECT * FROM ({stored}) AS a EXCEPT SELECT * FROM ({right}) AS b) AS c)"
        f" + (SELECT count(*) FROM (SELECT * FROM ({right}) AS d EXCEPT SELECT * FROM ({stored}) AS e) AS f)"
    )
