"""Rows of sources with the results of their syncs, for tests that need no sync."""

from __future__ import annotations

from typing import Any

from tests.conftest import NOW
from tests.factories import LONG_AGO
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.models import ProviderListing, SlotUse, Source

WITHHELD = '{"absent": ["v1"], "lacking": []}'


def make_source(organization: Organization | None = None, **fields: Any) -> int:
    """Create a source that was read now, and return its id."""
    with write_transaction():
        return add_source(None if organization is None else organization.id, **fields)


def add_source(organization_id: int | None, *, withheld: str = "", nearly_full_since: Any = None, **fields: Any) -> int:
    """Add a source of ElevenLabs that was read now, and return its id. Requires a transaction.

    Args:
        organization_id: the owner; None for the platform.
        withheld: what its list lacks that is not believed.
        nearly_full_since: of its 30 slots.
        fields: columns of Source.
    """
    given = {"kind": "elevenlabs", "name": "Voices", "address": "http://127.0.0.1:9", "key_variable": "UPSTREAM_KEY"}
    state = {"created_at": LONG_AGO, "created_by": "tester", "read_at": NOW}
    source = Source(**({"organization_id": organization_id} | given | state | fields))
    db.session.add(source)
    db.session.flush()
    result = {"result": "withheld" if withheld else "complete", "message": "", "voices": 3, "withheld": withheld}
    times = {"attempted_at": NOW, "complete_at": source.read_at}
    slots = {"used": 29, "slot_limit": 30, "is_counted": False, "nearly_full_since": nearly_full_since, "read_at": NOW}
    db.session.add(ProviderListing(source_id=source.id, name="voices", **result, **times))
    db.session.add(SlotUse(source_id=source.id, kind="instant", **slots))
    db.session.flush()
    return source.id
