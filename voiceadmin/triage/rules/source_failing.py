"""An enabled source whose lists are not current, so that the verdicts of its voices are not either."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.text import format_age, shorten
from voiceadmin.triage.rules.list_withheld import IS_WITHHELD
from voiceadmin.triage.rules.rule import Evidence, build_source_rule
from voiceadmin.triage.types import QueueSource, Severity

MAX_MESSAGE = 300  # characters

# Another account is a reason of its own.
IS_FAILING = (
    "source.account_changed_at IS NULL"
    " AND (source.failing_since IS NOT NULL OR coalesce(source.read_at, source.created_at) < :lists_before)"
)

SINCE = "coalesce(source.failing_since, source.read_at, source.created_at)"


def _describe(evidence: Evidence) -> str:
    source = evidence.source
    return "Its lists are not current." if source is None else _describe_source(source, evidence.now)


def _describe_source(source: QueueSource, now: datetime) -> str:
    if source.read_at is None:
        read = f"Added {format_age(source.created_at, now)}, never read as a whole"
    else:
        read = f"Last read as a whole {format_age(source.read_at, now)}"
    effect = "its voices may have changed since" if source.kind.is_platform else "its voices have no current verdict"
    why = shorten(source.failure.partition("\n")[0], MAX_MESSAGE) or "No sync has ended since then."
    return f"{read}: {effect}. {why}"


RULE = build_source_rule(
    slug="source-failing",
    label="Source not read",
    rank=17,
    severity=Severity.HIGH,
    remedy="Open the source and correct what its newest sync says. Without a newer sync, check that a process syncs.",
    condition=f"{IS_FAILING} AND NOT {IS_WITHHELD}",
    since=SINCE,
    fingerprint=f"CAST({SINCE} AS TEXT)",
    describe=_describe,
)
