"""Count the orphans of a source, so that no page has to compare all voices."""

from __future__ import annotations

from voiceadmin.database.base import db
from voiceadmin.sources.models import Source
from voiceadmin.sources.provider_queries import OrphanSlots, find_orphan_slots


def read_orphan_slots(source_id: int) -> OrphanSlots:
    """Return the orphans of a source that take a slot. Call outside of a transaction: it compares all voices."""
    source = db.session.get(Source, source_id)
    orphans = OrphanSlots(None, None) if source is None else find_orphan_slots(source)
    db.session.rollback()
    return orphans


def write_orphan_slots(source: Source, orphans: OrphanSlots) -> None:
    """Store the number of orphans of a source. Call inside a write transaction."""
    source.orphan_count, source.orphans_since = orphans
