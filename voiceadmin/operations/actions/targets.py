"""Find and lock the objects of an operation, and build SQL conditions for rows that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.errors import ObjectNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.actions.handler import TargetObject, format_time
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.models import Source
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.voices.models import ClonedVoice

# The session contains no rows that bulk statements change, so it need not be synchronized.
WITHOUT_SYNCHRONIZATION = {"synchronize_session": False}


def lock_targets(scope: Scope, refs: Sequence[ObjectRef]) -> list[TargetObject]:
    """Return all objects in the order of `refs`, locked until the transaction ends.

    Raises:
        ObjectNotFound: if one does not exist or is outside the scope.
    """
    targets = lock_visible(scope, refs)
    if not all(ref in targets for ref in refs):
        raise ObjectNotFound(
            "A selected voice, assistant or source does not exist. Nothing was changed. Load the page again."
        )
    return [targets[ref] for ref in refs]


def lock_visible(scope: Scope, refs: Sequence[ObjectRef]) -> dict[ObjectRef, TargetObject]:
    """Return the objects that exist in the scope, locked until the transaction ends."""
    organizations = {ref: id for ref, id in _organizations(refs).items() if scope.covers(id)}
    lock_organizations(organizations.values())
    targets = _read_and_lock(list(organizations))
    # Between the two statements, an object can move to another organization, which is not locked.
    return {target.ref: target for target in targets if target.organization_id == organizations[target.ref]}


def _organizations(refs: Sequence[ObjectRef]) -> dict[ObjectRef, int | None]:
    """Return the organization of each object that exists; None for a source of the platform."""
    tables: dict[ObjectKind, type[ClonedVoice | Assistant | Source]]
    tables = {ObjectKind.VOICE: ClonedVoice, ObjectKind.ASSISTANT: Assistant, ObjectKind.SOURCE: Source}
    organizations = dict[ObjectRef, int | None]()
    for kind, table in tables.items():
        for ids in split_into_batches([ref.id for ref in refs if ref.kind is kind]):
            rows = db.session.execute(select(table.id, table.organization_id).where(table.id.in_(ids)))
            organizations |= {ObjectRef(kind, object_id): organization_id for object_id, organization_id in rows}
    return organizations


def _read_and_lock(refs: Sequence[ObjectRef]) -> Iterator[TargetObject]:
    """Yield the objects that exist. They are locked in the order of their ids, so that two requests cannot deadlock."""
    for ids in split_into_batches(sorted(ref.id for ref in refs if ref.kind is ObjectKind.VOICE)):
        yield from _voices(ids)
    for ids in split_into_batches(sorted(ref.id for ref in refs if ref.kind is ObjectKind.ASSISTANT)):
        yield from _assistants(ids)
    for ids in split_into_batches(sorted(ref.id for ref in refs if ref.kind is ObjectKind.SOURCE)):
        yield from _sources(ids)


def _voices(ids: Sequence[int]) -> Iterator[TargetObject]:
    rows = db.session.execute(
        select(
            ClonedVoice.id,
            ClonedVoice.organization_id,
            ClonedVoice.name,
            ClonedVoice.status,
            ClonedVoice.archived_at,
            ClonedVoice.archived_by,
            ClonedVoice.archive_note,
        )
        .where(ClonedVoice.id.in_(ids))
        .order_by(ClonedVoice.id)
        .with_for_update()
    )
    for voice_id, organization_id, name, status, at, by, note in rows:
        archived = None if at is None else {"at": format_time(at), "by": by, "note": note}
        yield TargetObject(ObjectRef(ObjectKind.VOICE, voice_id), organization_id, name, status, archived)


def _assistants(ids: Sequence[int]) -> Iterator[TargetObject]:
    rows = db.session.execute(
        select(Assistant.id, Assistant.organization_id, Assistant.name)
        .where(Assistant.id.in_(ids))
        .order_by(Assistant.id)
        .with_for_update()
    )
    for assistant_id, organization_id, name in rows:
        yield TargetObject(ObjectRef(ObjectKind.ASSISTANT, assistant_id), organization_id, name)


def _sources(ids: Sequence[int]) -> Iterator[TargetObject]:
    rows = db.session.execute(
        select(Source.id, Source.organization_id, Source.name)
        .where(Source.id.in_(ids))
        .order_by(Source.id)
        .with_for_update()
    )
    for source_id, organization_id, name in rows:
        yield TargetObject(ObjectRef(ObjectKind.SOURCE, source_id), organization_id, name)


def is_about(table: type[Assignment | Mute | AuditEvent], refs: Sequence[ObjectRef]) -> ColumnElement[bool]:
    """Return the condition that a row is about one of these objects."""
    ids_by_kind: dict[ObjectKind, list[int]] = {}
    for kind, object_id in refs:
        ids_by_kind.setdefault(kind, []).append(object_id)
    conditions = (and_(table.object_kind == kind.value, table.object_id.in_(ids)) for kind, ids in ids_by_kind.items())
    return or_(*conditions)


def key_columns(target: TargetObject) -> dict[str, Any]:
    """Return the columns that tie a row of Assignment or Mute to an object."""
    return {
        "object_kind": target.ref.kind.value,
        "object_id": target.ref.id,
        "organization_id": target.organization_id,
    }
