"""Merge one organization into another, and undo that.

The merged organization stays as a row without voices, assistants and people: its audit events, operations and plans
refer to it. The roles in the other organization hold for it, so that its history stays readable (see `find_session`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, delete, insert, literal, or_, select, update

from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK
from voiceadmin.accounts.actions.revocation import revoke_access_in, void_links
from voiceadmin.accounts.models import Account, Membership, OneTimeLink
from voiceadmin.api_keys.models import ApiKeyOrganization
from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.errors import ChangeRefused, OrganizationNotFound
from voiceadmin.history.models import VoiceTrend
from voiceadmin.identity import Actor, Scope
from voiceadmin.management.actions.guards import get_organization, organization_target
from voiceadmin.management.queries import preview_merge
from voiceadmin.management.types import UNDO_MERGE_PERIOD, MergePreview
from voiceadmin.operations.actions.targets import WITHOUT_SYNCHRONIZATION
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, MergedVoice, Organization, OrganizationMerge
from voiceadmin.sources.actions.resetting import reset_organizations
from voiceadmin.sources.models import Source
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.voices.importing.actions import write_transaction_without_import
from voiceadmin.voices.models import ClonedVoice

_MOVED_TABLES = (ClonedVoice, Assistant, Assignment, Mute, Source, VoiceTrend)


def merge_organizations(scope: Scope, source_id: int, target_id: int, *, by: Actor, now: datetime) -> int:
    """Move everything of one organization into another one, in one transaction. Return the id of the merge.

    Raises:
        OrganizationNotFound: if one of them does not exist in the scope.
        ChangeRefused: if both are the same, or an import is running.
    """
    with write_transaction_without_import():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        lock_organizations([source_id, target_id])
        preview = preview_merge(scope, source_id, target_id)
        source, target = get_organization(scope, source_id), get_organization(scope, target_id)
        merge = _save_merge(preview, by=by, now=now)
        for table in _MOVED_TABLES:
            _execute(update(table).where(table.organization_id == source.id).values(organization_id=target.id))
        _void_links(source.id, now=now)
        _move_roles(preview)
        _move_keys(preview)
        merged = or_(Organization.id == source.id, Organization.merged_into_id == source.id)
        _execute(update(Organization).where(merged).values(merged_into_id=target.id))
        _record(AuditEventType.ORGANIZATION_MERGED, source, target, _describe_counts(preview), by=by, now=now)
        reset_organizations([target.id], now=now)
        return merge.id


def _save_merge(preview: MergePreview, *, by: Actor, now: datetime) -> OrganizationMerge:
    """Store what is needed to undo the merge."""
    source_id = preview.source.id
    details = {
        "assistants": list(db.session.scalars(select(Assistant.id).where(Assistant.organization_id == source_id))),
        "roles": {role.account_id: int(role.role) for role in preview.roles},
        "target_roles": {role.account_id: int(role.target_role) for role in preview.roles if role.target_role},
        "keys": [key.id for key in preview.keys],
        "new_keys": [key.id for key in preview.new_keys],
        "sources": list(db.session.scalars(select(Source.id).where(Source.organization_id == source_id))),
        "merged": list(db.session.scalars(select(Organization.id).where(Organization.merged_into_id == source_id))),
    }
    merge = OrganizationMerge(
        source_id=source_id,
        target_id=preview.target.id,
        merged_at=now,
        merged_by=by.name or by.kind.label,
        details=json.dumps(details),
    )
    db.session.add(merge)
    db.session.flush()
    voices = select(literal(merge.id), ClonedVoice.id).where(ClonedVoice.organization_id == source_id)
    db.session.execute(insert(MergedVoice).from_select(["merge_id", "voice_id"], voices))
    return merge


def _void_links(source_id: int, *, now: datetime) -> None:
    """Void invitations to the source and reset links of its people, with which others could enter the target."""
    people = select(Membership.account_id).where(Membership.organization_id == source_id)
    void_links(or_(OneTimeLink.organization_id == source_id, OneTimeLink.account_id.in_(people)), now=now)


def _move_roles(preview: MergePreview) -> None:
    """Give the people of the source their role in the target, unless they have one there."""
    for moved in preview.roles:
        membership = db.session.get_one(Membership, (moved.account_id, preview.source.id))
        in_target = db.session.get(Membership, (moved.account_id, preview.target.id))
        if in_target is None:
            membership.organization_id = preview.target.id
        else:
            # A session that has ended in the source must not read its voices in the target.
            in_target.ended_session_id = max(in_target.ended_session_id, membership.ended_session_id)
            db.session.delete(membership)
    db.session.flush()


def _move_keys(preview: MergePreview) -> None:
    """Let the API keys of the source read the target."""
    in_source = ApiKeyOrganization.organization_id == preview.source.id
    new = ApiKeyOrganization.key_id.in_([key.id for key in preview.new_keys])
    move = update(ApiKeyOrganization).where(in_source, new).values(organization_id=preview.target.id)
    _execute(move)
    _execute(delete(ApiKeyOrganization).where(in_source))


def undo_merge(scope: Scope, merge_id: int, *, by: Actor, now: datetime) -> str:
    """Move everything back that a merge moved and that is still there. Return the name of the restored organization.

    Voices, assistants, people and keys that the target got after the merge stay there.

    Raises:
        OrganizationNotFound: if there is no such merge in the scope, or it was undone already.
        ChangeRefused: if the merge is too old, the target was merged since, or an import is running.
    """
    with write_transaction_without_import():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        merge, source, target = _get_merge(scope, merge_id)
        lock_organizations([source.id, target.id])
        if merge.merged_at < now - UNDO_MERGE_PERIOD:
            raise ChangeRefused(f"A merge can be undone for {UNDO_MERGE_PERIOD.days} days.")
        details = json.loads(merge.details)
        _move_back(Source, merge, Source.id.in_(details.get("sources", ())))  # older merges moved none
        _return_objects(merge, details["assistants"])
        _return_roles(merge, details["roles"], details["target_roles"], now=now)
        _return_keys(merge, details["keys"], details["new_keys"])
        restored = Organization.id.in_(details["merged"])
        move = update(Organization).where(restored).values(merged_into_id=source.id)
        _execute(move)
        source.merged_into_id, merge.undone_at = None, now
        _execute(delete(MergedVoice).where(MergedVoice.merge_id == merge.id))
        _record(AuditEventType.ORGANIZATION_MERGE_UNDONE, source, target, None, by=by, now=now)
        reset_organizations([source.id, target.id], now=now)
        return source.name


def _get_merge(scope: Scope, merge_id: int) -> tuple[OrganizationMerge, Organization, Organization]:
    merge = db.session.get(OrganizationMerge, merge_id)
    if merge is None or merge.undone_at is not None or not scope.covers(merge.target_id):
        raise OrganizationNotFound(f"There is no merge {merge_id} that can be undone.")
    source = db.session.get_one(Organization, merge.source_id)
    target = db.session.get_one(Organization, merge.target_id)
    if source.merged_into_id != target.id or target.merged_into_id is not None:
        raise ChangeRefused(f"“{target.name}” was merged into another organization since. Undo that merge first.")
    return merge, source, target


def _return_objects(merge: OrganizationMerge, assistant_ids: Collection[int]) -> None:
    """Move voices and assistants back, with the assignees and mutes of all objects."""
    voices = select(MergedVoice.voice_id).where(MergedVoice.merge_id == merge.id)
    _move_back(ClonedVoice, merge, ClonedVoice.id.in_(voices))
    _move_back(VoiceTrend, merge, VoiceTrend.voice_id.in_(voices))
    for ids in split_into_batches(list(assistant_ids)):
        _move_back(Assistant, merge, Assistant.id.in_(ids))
    for table in (Assignment, Mute):
        _move_back(table, merge, _is_about_any_of(table, ObjectKind.VOICE, ClonedVoice, merge.source_id))
        _move_back(table, merge, _is_about_any_of(table, ObjectKind.ASSISTANT, Assistant, merge.source_id))
        _move_back(table, merge, _is_about_any_of(table, ObjectKind.SOURCE, Source, merge.source_id))


def _is_about_any_of(table: Any, kind: ObjectKind, owners: Any, organization_id: int) -> ColumnElement[bool]:
    ids = select(owners.id).where(owners.organization_id == organization_id)
    return and_(table.object_kind == kind.value, table.object_id.in_(ids))


def _move_back(table: Any, merge: OrganizationMerge, condition: ColumnElement[bool]) -> None:
    in_target = table.organization_id == merge.target_id
    move = update(table).where(in_target, condition).values(organization_id=merge.source_id)
    _execute(move)


def _return_roles(
    merge: OrganizationMerge, roles: Mapping[str, int], target_roles: Mapping[str, int], *, now: datetime
) -> None:
    """Restore the roles in the source, and remove those in the target that the merge gave and nobody changed since.

    Args:
        merge: the merge.
        roles: by account id, the roles in the source before the merge.
        target_roles: by account id, the roles that people of the source had in the target already.
        now: the time of the undo.
    """
    for id, role in roles.items():
        current = db.session.get(Membership, (int(id), merge.target_id))
        if current is None:
            continue  # an admin has removed the person since
        is_lowered = current.role < target_roles.get(id, role)
        _add_role_in_source(merge, current, min(role, current.role) if is_lowered else role)
        void_links(OneTimeLink.account_id == current.account_id, now=now)  # an admin of the target may have created it
        if id not in target_roles and current.role == role:
            db.session.delete(current)
            db.session.flush()
            revoke_access_in(merge.target_id, db.session.get_one(Account, current.account_id), now=now)


def _add_role_in_source(merge: OrganizationMerge, current: Membership, role: int) -> None:
    """Add a role in the source for the person of a role in the target. Sessions that have ended there stay ended."""
    db.session.add(
        Membership(
            account_id=current.account_id,
            organization_id=merge.source_id,
            role=role,
            ended_session_id=current.ended_session_id,
        )
    )


def _return_keys(merge: OrganizationMerge, keys: Collection[int], new: Collection[int]) -> None:
    """Let the API keys read the source again, and only those the target that did before."""
    reads_target = ApiKeyOrganization.organization_id == merge.target_id
    _execute(delete(ApiKeyOrganization).where(reads_target, ApiKeyOrganization.key_id.in_(new)))
    for key_id in keys:
        db.session.add(ApiKeyOrganization(key_id=key_id, organization_id=merge.source_id))


def _execute(statement: Executable) -> None:
    """Execute a bulk statement. Its rows are not used as objects afterwards."""
    db.session.execute(statement, execution_options=WITHOUT_SYNCHRONIZATION)


def _describe_counts(preview: MergePreview) -> Facts:
    return {
        "assistants": preview.source.assistant_count,
        "voices": preview.source.voice_count,
        "people": len(preview.gaining),
        "keys": len(preview.new_keys),
    }


def _record(
    event_type: AuditEventType,
    source: Organization,
    target: Organization,
    counts: Facts | None,
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Record an event for the people of the target. Those of the source read it there."""
    record_event(
        event_type,
        organization_target(source),
        by=by,
        now=now,
        organizations=[target.id],
        after={"organization": target.name} | dict(counts or {}),
    )
