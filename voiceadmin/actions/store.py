"""Make the store ready for this program."""

from __future__ import annotations

from voiceadmin.db import db
from voiceadmin.migrations import migrate


def prepare_store() -> bool:
    """Make or migrate the store. True when there was anything to do. Raises StoreNotReady."""
    return migrate()


def let_go() -> None:
    """Close every connection, so that processes forked from this one open their own."""
    db.session.remove()
    db.engine.dispose()
