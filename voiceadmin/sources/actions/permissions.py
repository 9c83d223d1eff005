"""Allow voices to be deleted at the provider of a source, or forbid it."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.managing import find_source, record_source_event
from voiceadmin.sources.types import SourceKind


def allow_deletion(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Let clean-up plans delete voices at the provider of a source, and return the name of the source.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if it is one of the platform, or its key belongs to another account than before.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        if SourceKind(source.kind).is_platform:
            raise SourceRefused("Voices are deleted at providers only. Select a source of a provider.")
        if source.account_changed_at is not None:
            raise SourceRefused("The key belongs to another account than before. Accept the account first.")
        if source.deletion_allowed_at is None:
            source.deletion_allowed_at, source.deletion_allowed_by = now, by.name or by.kind.label
            record_source_event(AuditEventType.DELETION_ALLOWED, source, by, now)
        return source.name


def forbid_deletion(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Let no more voices be deleted at the provider of a source, and return the name of the source.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        if source.deletion_allowed_at is not None:
            source.deletion_allowed_at, source.deletion_allowed_by = None, None
            record_source_event(AuditEventType.DELETION_FORBIDDEN, source, by, now)
        return source.name
