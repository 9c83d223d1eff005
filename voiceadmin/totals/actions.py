"""Compute the totals anew where they are wrong, for example after a table was changed with its triggers disabled."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.totals import rebuild_statements, rebuild_voice_stats_statements
from voiceadmin.database.transactions import lock_tables, write_transaction
from voiceadmin.identity import Actor
from voiceadmin.totals.queries import Difference, find_wrong_totals

TARGET = AuditTarget(ObjectKind.DATABASE, None, "totals")


def rebuild_totals(*, by: Actor, now: datetime) -> list[Difference]:
    """Compare the totals with the rows, and compute all of them anew if any is wrong.

    No other transaction can write voices or assistants meanwhile.

    Returns:
        What was wrong.
    """
    with write_transaction():
        lock_tables("cloned_voice", "assistant")
        differences = find_wrong_totals()
        if differences:
            _rebuild()
            wrong_rows = dict(differences)
            record_event(AuditEventType.TOTALS_REBUILT, TARGET, by=by, now=now, after=wrong_rows)
    return differences


def _rebuild() -> None:
    for statement in (*rebuild_voice_stats_statements(), *rebuild_statements(db.engine.dialect.name)):
        db.session.execute(text(statement))
