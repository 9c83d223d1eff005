"""Read organizations with their counts, and what a merge would change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, and_, cast, func, select
from sqlalchemy.orm import aliased

from voiceadmin.accounts.models import Account, Membership
from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.database.base import db
from voiceadmin.database.totals import STATUS_TOTALS
from voiceadmin.errors import ChangeRefused, OrganizationNotFound
from voiceadmin.identity import Role, Scope
from voiceadmin.management.types import (
    UNDO_MERGE_PERIOD,
    MergePreview,
    MergeRow,
    MovedKey,
    MovedRole,
    OrganizationSummary,
)
from voiceadmin.organizations.models import Assistant, Organization, OrganizationMerge
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.voices.models import provider_totals


def list_organization_summaries(scope: Scope) -> list[OrganizationSummary]:
    """Return the organizations of a scope by name, each with its counts. Merged ones are left out."""
    return [OrganizationSummary(*row) for row in db.session.execute(_select_summaries(scope))]


def get_organization_summary(scope: Scope, organization_id: int) -> OrganizationSummary:
    """Return one organization with its counts.

    Raises:
        OrganizationNotFound: if there is no such organization in the scope, or it was merged into another one.
    """
    row = db.session.execute(_select_summaries(scope).where(Organization.id == organization_id)).one_or_none()
    if row is None:
        raise OrganizationNotFound(f"There is no organization {organization_id}.")
    return OrganizationSummary(*row)


def _select_summaries(scope: Scope) -> Any:
    # Each provider has one row, so that this reads little even if PostgreSQL scans the table for each organization.
    voices = cast(func.coalesce(func.sum(sum(provider_totals.c[name] for name in STATUS_TOTALS)), 0), BigInteger)
    counts = (
        select(func.count()).select_from(Assistant).where(Assistant.organization_id == Organization.id),
        select(voices).where(provider_totals.c.organization_id == Organization.id),
        select(func.count()).select_from(Membership).where(Membership.organization_id == Organization.id),
    )
    return (
        select(Organization.id, Organization.name, *(count.scalar_subquery() for count in counts))
        .where(Organization.merged_into_id.is_(None), restrict_to_scope(scope, Organization.id))
        .order_by(Organization.name, Organization.id)
    )


def preview_merge(scope: Scope, source_id: int, target_id: int) -> MergePreview:
    """Return what merging the first organization into the second one would change.

    Raises:
        OrganizationNotFound: if one of them does not exist in the scope.
        ChangeRefused: if both are the same.
    """
    source, target = get_organization_summary(scope, source_id), get_organization_summary(scope, target_id)
    if source.id == target.id:
        raise ChangeRefused(f"“{source.name}” cannot be merged into itself. Select another organization.")
    return MergePreview(source, target, _list_moved_roles(source_id, target_id), _list_moved_keys(source_id, target_id))


def _list_moved_roles(source_id: int, target_id: int) -> list[MovedRole]:
    other = aliased(Membership)
    in_target = and_(other.account_id == Membership.account_id, other.organization_id == target_id)
    rows: Any = db.session.execute(
        select(Account.id, Account.email, Membership.role, other.role)
        .join_from(Membership, Account, Account.id == Membership.account_id)
        .outerjoin(other, in_target)
        .where(Membership.organization_id == source_id)
        .order_by(Account.email_key)
    )
    return [
        MovedRole(id, email, Role(role), None if target_role is None else Role(target_role))
        for id, email, role, target_role in rows
    ]


def _list_moved_keys(source_id: int, target_id: int) -> list[MovedKey]:
    other = aliased(ApiKeyOrganization)
    in_target = and_(other.key_id == ApiKey.id, other.organization_id == target_id)
    rows = db.session.execute(
        select(ApiKey.id, ApiKey.name, other.key_id.is_not(None))
        .join_from(ApiKeyOrganization, ApiKey, ApiKey.id == ApiKeyOrganization.key_id)
        .outerjoin(other, in_target)
        .where(ApiKeyOrganization.organization_id == source_id)
        .order_by(ApiKey.name, ApiKey.id)
    )
    return [MovedKey(id, name, bool(reads_target)) for id, name, reads_target in rows]


def find_merged_organizations(scope: Scope, merge_id: int) -> tuple[int, ...]:
    """Return the ids of the two organizations of a merge; none if it is outside the scope."""
    merge = select(OrganizationMerge.source_id, OrganizationMerge.target_id).where(
        OrganizationMerge.id == merge_id, restrict_to_scope(scope, OrganizationMerge.target_id)
    )
    return tuple(db.session.execute(merge).one_or_none() or ())


def list_merges(scope: Scope, target_id: int, now: datetime) -> Sequence[MergeRow]:
    """Return the merges into an organization of a scope that can be undone, the newest first."""
    rows = db.session.execute(
        select(OrganizationMerge.id, Organization.name, OrganizationMerge.merged_at, OrganizationMerge.merged_by)
        .join_from(OrganizationMerge, Organization, Organization.id == OrganizationMerge.source_id)
        .where(
            OrganizationMerge.target_id == target_id,
            restrict_to_scope(scope, OrganizationMerge.target_id),
            OrganizationMerge.undone_at.is_(None),
            OrganizationMerge.merged_at > now - UNDO_MERGE_PERIOD,
        )
        .order_by(OrganizationMerge.id.desc())
    )
    return [MergeRow(*row) for row in rows]
