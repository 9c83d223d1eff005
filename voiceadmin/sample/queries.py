"""Queries of the sample data."""

from __future__ import annotations

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.organizations.models import Assistant
from voiceadmin.voices.models import ClonedVoice


def database_is_empty() -> bool:
    """Return whether there is neither an assistant nor a voice."""
    return not any(db.session.execute(select(table.id).limit(1)).first() for table in (Assistant, ClonedVoice))
