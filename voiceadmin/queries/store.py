"""The store as a whole: can it be used, and is there anything in it."""

from __future__ import annotations

from sqlalchemy import select

from voiceadmin.config import COMMAND
from voiceadmin.db import db
from voiceadmin.migrations import newest, revision_of_store
from voiceadmin.models import Assistant, ClonedVoice
from voiceadmin.problems import StoreNotReady


def check_store() -> None:
    """Raise StoreNotReady unless the store stands at this program's schema; a store out of reach raises by itself."""
    if revision_of_store() != newest():
        raise StoreNotReady(f"The store is not at this program's version. Run “{COMMAND} migrate”.")


def store_is_empty() -> bool:
    """Whether there is neither an assistant nor a voice."""
    return not any(db.session.execute(select(table.id).limit(1)).first() for table in (Assistant, ClonedVoice))
