"""Merge organizations that imports created for single assistants into the organization that the platform names.

An import of the voices of an assistant whose organization is not known creates one with the name of the assistant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from voiceadmin.accounts.models import Membership, OneTimeLink
from voiceadmin.api_keys.models import ApiKeyOrganization
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sources.models import Source

# After a merge, these could read everything of the other organization. A person decides about that.
_GRANTS = (Membership, OneTimeLink, ApiKeyOrganization, Source)


def join_organizations(source_id: int, assistant_ids: Collection[int], *, by: Actor, now: datetime) -> int:
    """Merge each organization that an import created for one of these assistants into that of a source.

    Each merge is one transaction, and can be undone. An organization stays as it is if it was renamed, or if a person,
    an API key, an invitation or a source has access to it. If any was merged, the source is to be synced again.

    Args:
        source_id: a source whose sync has skipped these assistants.
        assistant_ids: assistants that the platform lists in the organization of the source.
        by: who started the sync, for the audit events.
        now: the time of the merges.

    Returns:
        The number of merged organizations.

    Raises:
        ChangeRefused: if an import is running.
    """
    found = [id for batch in split_into_batches(list(assistant_ids)) for id in _list_created_for(batch)]
    target_id = db.session.scalar(select(Source.organization_id).where(Source.id == source_id))
    db.session.rollback()
    if not found or target_id is None:
        return 0
    for id in found:
        merge_organizations(EVERYTHING, id, target_id, by=by, now=now)
    _request_sync(source_id, now)
    return len(found)


def _request_sync(source_id: int, now: datetime) -> None:
    with write_transaction():
        source = db.session.get(Source, source_id)
        if source is not None:
            source.sync_requested_at = now


def _list_created_for(assistant_ids: Collection[int]) -> Sequence[int]:
    """Return the organizations that imports created for one of these assistants, and to which nobody has access."""
    other = aliased(Assistant)
    statement = (
        select(Organization.id)
        .join(Assistant, Assistant.organization_id == Organization.id)
        .where(
            Assistant.id.in_(assistant_ids),
            ~exists().where(other.organization_id == Organization.id, other.id != Assistant.id),
            Organization.name == Assistant.name,
            Organization.upstream_id.is_(None),
            Organization.merged_into_id.is_(None),
            ~Organization.sample,
            *(~_refers_to_organization(table) for table in _GRANTS),
        )
        .order_by(Organization.id)
    )
    return db.session.scalars(statement).all()


def _refers_to_organization(table: type[Membership | OneTimeLink | ApiKeyOrganization | Source]) -> ColumnElement[bool]:
    return exists().where(table.organization_id == Organization.id)
