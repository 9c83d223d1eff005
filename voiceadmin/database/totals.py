"""Definitions of the totals that triggers maintain, and the statements that compute them anew from the rows.

`provider_totals` has one row for each organization and provider. `provider_day_totals` counts the voices of all
organizations by provider and day, so that "unused for 60 days" is a sum over days and not over voices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def _count(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1 ELSE 0 END"


# What one voice adds to each column of provider_totals. {0} is the row of the voice.
PROVIDER_TOTALS = {
    "ready": _count("{0}.status = 'ready'"),
    "processing": _count("{0}.status = 'processing'"),
    "failed": _count("{0}.status = 'failed'"),
    "archived": _count("{0}.status = 'archived'"),
    "not_scored": _count("{0}.tier = 0"),
    "poor": _count("{0}.tier = 1"),
    "fair": _count("{0}.tier = 2"),
    "good": _count("{0}.tier = 3"),
    "excellent": _count("{0}.tier = 4"),
    "poor_in_use": _count("{0}.tier = 1 AND {0}.synthesis_count > 0 AND {0}.status <> 'archived'"),
    "ready_dated": _count("{0}.status = 'ready' AND {0}.has_last_used_at = 1"),
    "ready_never_used": _count("{0}.status = 'ready' AND {0}.is_never_used = 1"),
    "without_id": _count("{0}.provider_voice_id = ''"),
    "archived_without_id": _count("{0}.provider_voice_id = '' AND {0}.status = 'archived'"),
    # The sum of large counts could exceed 64 bits, so that they are summed in two halves of 32 bits.
    "syntheses_high": "{0}.synthesis_count >> 32",
    "syntheses_low": "{0}.synthesis_count & 4294967295",
}

STATUS_TOTALS = ("ready", "processing", "failed", "archived")
LARGE_TOTALS = ("syntheses_high", "syntheses_low")  # 64 bits; the others have 32, which PostgreSQL sums faster

# What one voice adds to provider_day_totals on the day of its creation, and on the day of its last use if it has one.
CREATION_DAY_TOTALS = {
    "created": "1",
    "created_failed": _count("'failed' IN ({0}.status, {0}.upstream_status)"),
    "ready_never_used": PROVIDER_TOTALS["ready_never_used"],
}
USE_DAY_TOTALS = {"ready_dated": PROVIDER_TOTALS["ready_dated"]}
DAY_TOTALS = (*CREATION_DAY_TOTALS, *USE_DAY_TOTALS)

# Columns of a voice that the totals read. A change of another column changes no total.
TOTALLED_COLUMNS = (
    "organization_id",
    "provider",
    "status",
    "upstream_status",
    "quality_score",
    "created_at",
    "last_used_at",
    "synthesis_count",
    "provider_voice_id",
)


def day_sql(time: str, dialect: str) -> str:
    """Return SQL of the UTC day of a time, as a text such as "2026-11-30"."""
    if dialect == "sqlite":
        return f"substr({time}, 1, 10)"
    return f"to_char({time} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def format_terms(columns: Mapping[str, str], row: str, sign: str = "") -> str:
    """Return SQL of what a voice adds to each column. sign: "-" for what it takes away."""
    return ", ".join(f"{sign}({term.format(row)}) AS {name}" for name, term in columns.items())


def format_zeros(names: Iterable[str]) -> str:
    """Return SQL of a zero for each column."""
    return ", ".join(f"0 AS {name}" for name in names)


def sum_columns(names: Iterable[str]) -> str:
    """Return SQL of the sums of some columns."""
    return ", ".join(f"sum({name})" for name in names)


_GROUP = "organization_id, status, provider, coalesce(language, ''), tier, has_last_used_at, is_never_used"


def voice_stats_select() -> str:
    """Return a SELECT of all rows that voice_stats should have."""
    return f"SELECT {_GROUP}, count(*) FROM cloned_voice GROUP BY {_GROUP}"


def rebuild_voice_stats_statements() -> list[str]:
    """Return the statements that compute voice_stats anew."""
    return ["DELETE FROM voice_stats", f"INSERT INTO voice_stats {voice_stats_select()}"]


def provider_totals_select() -> str:
    """Return a SELECT of all rows that provider_totals should have."""
    return (
        f"SELECT organization_id, provider, {sum_columns(PROVIDER_TOTALS)}, max(last_used_at) FROM"
        f" (SELECT organization_id, provider, {format_terms(PROVIDER_TOTALS, 'voice')}, last_used_at"
        " FROM cloned_voice AS voice) AS term GROUP BY organization_id, provider"
    )


def day_totals_select(dialect: str) -> str:
    """Return a SELECT of all rows that provider_day_totals should have, without the shard."""
    created, used = day_sql("voice.created_at", dialect), day_sql("voice.last_used_at", dialect)
    no_use, no_creation = format_zeros(USE_DAY_TOTALS), format_zeros(CREATION_DAY_TOTALS)
    return (
        f"SELECT provider, day, {sum_columns(DAY_TOTALS)} FROM"
        f" (SELECT provider, {created} AS day, {format_terms(CREATION_DAY_TOTALS, 'voice')},"
        f" {no_use} FROM cloned_voice AS voice UNION ALL"
        f" SELECT provider, {used}, {no_creation}, {format_terms(USE_DAY_TOTALS, 'voice')} FROM cloned_voice AS voice"
        " WHERE voice.status = 'ready' AND voice.last_used_at IS NOT NULL) AS term GROUP BY provider, day"
    )


def is_unready_sql(assistant: str = "assistant") -> str:
    """Return SQL of whether callers should hear a cloned voice that is not ready. assistant: its row."""
    return f"({assistant}.is_voice_spoken AND {is_unready_sql_0013(assistant)})"


def is_unready_sql_0013(assistant: str) -> str:
    """Return SQL of whether an assistant is set to a cloned voice that is not ready. assistant: its row."""
    reference = _has_reference_of(assistant)
    # An id that was never a cloned voice here is a stock voice, or one that upstream does not list: not a finding.
    return (
        f"coalesce({assistant}.tts_provider <> '' AND {assistant}.tts_voice_id <> ''"
        f" AND NOT EXISTS (SELECT 1 FROM cloned_voice WHERE {reference} AND status = 'ready')"
        f" AND (EXISTS (SELECT 1 FROM cloned_voice WHERE {reference})"
        f" OR EXISTS (SELECT 1 FROM former_provider_voice_ref WHERE {reference})), FALSE)"
    )


def unready_since_sql(assistant: str = "assistant") -> str:
    """Return SQL of when the last voice of an unready assistant stopped being ready. assistant: its row.

    NULL if the assistant is not unready, or if no voice with its reference exists.
    """
    return _since_sql(is_unready_sql(assistant), assistant)


def _since_sql(is_unready: str, assistant: str) -> str:
    return (
        f"CASE WHEN {is_unready} THEN (SELECT max(coalesce(archived_at, status_changed_at))"
        f" FROM cloned_voice WHERE {_has_reference_of(assistant)}) END"
    )


def _has_reference_of(assistant: str) -> str:
    return (
        f"organization_id = {assistant}.organization_id AND provider = {assistant}.tts_provider"
        f" AND provider_voice_id = {assistant}.tts_voice_id"
    )


AssistantTotals = Mapping[str, Callable[[str], str]]

# Columns of assistants that depend on voices: for each, the function that returns its SQL for a row. Those with a
# number are of the schemas from this one on.
ASSISTANT_TOTALS_0013: AssistantTotals = {"is_unready": is_unready_sql_0013}
ASSISTANT_TOTALS_0014: AssistantTotals = {
    **ASSISTANT_TOTALS_0013,
    "unready_since": lambda assistant: _since_sql(is_unready_sql_0013(assistant), assistant),
}
ASSISTANT_TOTALS: AssistantTotals = {"is_unready": is_unready_sql, "unready_since": unready_since_sql}


def is_wrong_assistant_sql(dialect: str, columns: AssistantTotals = ASSISTANT_TOTALS) -> str:
    """Return the condition that one of these columns of an assistant has not the value that it should have."""
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    comparisons = (f"{name} {differs} ({sql('assistant')})" for name, sql in columns.items())
    return f"({' OR '.join(comparisons)})"


def recheck_assistants_sql(dialect: str, condition: str = "", columns: AssistantTotals = ASSISTANT_TOTALS) -> str:
    """Return an UPDATE of the assistants whose columns are wrong. condition: which are checked; "" for all."""
    assignments = ", ".join(f"{name} = {sql('assistant')}" for name, sql in columns.items())
    checked = f"{condition} AND " if condition else ""
    return f"UPDATE assistant SET {assignments} WHERE {checked}{is_wrong_assistant_sql(dialect, columns)}"


# The voices that share a provider voice reference and are not archived.
SHARED_VOICES = (
    "(SELECT count(*) FROM cloned_voice AS voice"
    " WHERE voice.organization_id = shared_provider_voice_ref.organization_id"
    " AND voice.provider = shared_provider_voice_ref.provider"
    " AND voice.provider_voice_id = shared_provider_voice_ref.provider_voice_id AND voice.status <> 'archived')"
)


def rebuild_statements(dialect: str, assistant_totals: AssistantTotals = ASSISTANT_TOTALS) -> list[str]:
    """Return the statements that compute all totals but voice_stats anew."""
    totals = ", ".join(("organization_id", "provider", *PROVIDER_TOTALS, "last_used_at"))
    days = ", ".join(("shard", "provider", "day", *DAY_TOTALS))
    return [
        "DELETE FROM provider_totals",
        f"INSERT INTO provider_totals ({totals}) {provider_totals_select()}",
        "DELETE FROM provider_day_totals",
        f"INSERT INTO provider_day_totals ({days}) SELECT 0, counted.* FROM ({day_totals_select(dialect)}) AS counted",
        f"UPDATE shared_provider_voice_ref SET voices = {SHARED_VOICES} WHERE voices <> {SHARED_VOICES}",
        recheck_assistants_sql(dialect, columns=assistant_totals),
    ]
