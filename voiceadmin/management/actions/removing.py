"""Remove a source with everything that people noted about its findings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from voiceadmin.audit.types import ObjectKind
from voiceadmin.cleanup.actions.orphan_requests import REMOVED, end_orphan_requests
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.managing import delete_source, find_source
from voiceadmin.triage.models import Assignment, Mute


def remove_source(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Remove a source with its key, its assignee and its mutes, and return its name. Its notes stay in the audit log.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        for table in (Assignment, Mute):
            is_about = (table.object_kind == ObjectKind.SOURCE.value, table.object_id == source.id)
            db.session.execute(delete(table).where(*is_about))
        end_orphan_requests(source, REMOVED, by=by, now=now)
        delete_source(source, by=by, now=now)
        return source.name
