"""What people do at the desk: to one voice or to thousands, in one transaction, once, and so that it can be undone.

A operation looks at everything it is to change before it changes anything. What
somebody else changed since the person looked is left alone and named. Each
thing that is changed gets a line in the audit trail, with what it was before
and after; undoing reads those lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, null, or_, select, update

from voiceadmin.accounts.models import Account, Membership
from voiceadmin.audit.actions import record_event_now, record_events
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef, hash_selection
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import ChangeRefused, ObjectNotFound, OperationNotFound, SelectionChanged
from voiceadmin.identity import EVERYTHING, Actor, Role, Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.queries import get_last_operation_id, operation_row
from voiceadmin.operations.types import MOST_AT_ONCE, UNDONE_FOR, OperationRow, Order, SkippedItem
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant
from voiceadmin.tokens import generate_token
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.queue import reasons_of
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import count_voices_in_use

CHUNK = 500  # things looked up or changed by one statement


MAX_LISTED_SKIPPED = 100  # of the things that a operation left alone, so many are kept by name


# The facets of a thing that operations change, and the words of the lines that say so.
ARCHIVED, ASSIGNEE, MUTE = "archived", "assignee", "mute"


NOTE = "note"  # no facet: notes stand beside each other


WORDS = {
    ARCHIVED: (AuditEventType.VOICE_ARCHIVED, AuditEventType.VOICE_RESTORED),
    ASSIGNEE: (AuditEventType.ASSIGNED,),
    MUTE: (AuditEventType.ACKNOWLEDGED, AuditEventType.SNOOZED, AuditEventType.UNMUTED),
}


FACETS = {
    TriageAction.ARCHIVE: ARCHIVED,
    TriageAction.RESTORE: ARCHIVED,
    TriageAction.ASSIGN: ASSIGNEE,
    TriageAction.ACKNOWLEDGE: MUTE,
    TriageAction.SNOOZE: MUTE,
}


FACET_OF_WORD = {event_type.value: facet for facet, words in WORDS.items() for event_type in words}


Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _TargetObject:
    """A voice or an assistant as it is now. archived: the facts of our archiving, None if it is not archived here."""

    ref: ObjectRef
    organization_id: int
    name: str
    status: VoiceStatus | None = None
    archived: Facts | None = None


def do(scope: Scope, order: Order, limits: AttentionThresholds, *, by: Actor, now: datetime) -> OperationRow:
    """Do something to voices and assistants of a scope, in one transaction. An order that was carried out is not again.

    Raises ObjectNotFound, and says so in the audit trail, when one of them is
    not in the scope; ChangeRefused for what makes no sense. Nothing is changed then.
    """
    try:
        with write_transaction():
            return carry_out(scope, order, limits, by=by, now=now)
    except ObjectNotFound:
        event_type, chosen = AuditEventType.OPERATION_REFUSED, len(set(order.refs))
        record_event_now(
            event_type,
            AuditTarget(ObjectKind.DATABASE, None, order.action.label),
            by=by,
            now=now,
            after={"chosen": chosen},
        )
        raise


def do_to_all(
    scope: Scope,
    order: Order,
    find: Callable[[], Sequence[ObjectRef]],
    mark: str,
    limits: AttentionThresholds,
    *,
    by: Actor,
    now: datetime,
) -> OperationRow:
    """Do the same to whatever `find` finds in the scope, if that is what it was when somebody decided about it.

    mark: the fingerprint of what it was then. Raises SelectionChanged when it is not
    that any more, and what `do` raises; nothing is changed then.
    """
    with write_transaction():
        former = _former(_kept_key(order, mark, by))
        if former is not None:
            return former
        refs = find()
        if hash_selection(refs) != mark:
            raise SelectionChanged("The list has changed meanwhile. Nothing was done.")
        return carry_out(scope, replace(order, refs=tuple(refs)), limits, by=by, now=now)


def _kept_key(order: Order, mark: str, by: Actor) -> str:
    """What an order is known by when it comes again. mark: the fingerprint of what it is about.

    That of its form alone would not do: somebody who goes back to a page finds
    the same form, and chooses something else in it.
    """
    until = None if order.until is None else _text(order.until)
    return _digest(
        order.key or generate_token(), by.kind, by.id, by.name, order.action, mark, order.note, until, order.assignee
    )


def _digest(*parts: str | int | None) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _former(key: str) -> OperationRow | None:
    """The operation that is known by this already; whoever sends the same meanwhile waits for the first."""
    acquire_advisory_lock(f"operation {key}")
    former = db.session.scalar(select(Operation).where(Operation.key == key))
    return None if former is None else operation_row(former)


def carry_out(scope: Scope, order: Order, limits: AttentionThresholds, *, by: Actor, now: datetime) -> OperationRow:
    """Do the same as `do` in a transaction that is being written, as a part of something larger."""
    refs = tuple(dict.fromkeys(order.refs))
    if not refs:
        raise ChangeRefused("Nothing was chosen. Tick at least one.")
    if len(refs) > MOST_AT_ONCE:
        raise ChangeRefused(f"{len(refs):,} are too many at once. Narrow the filters to {MOST_AT_ONCE:,} at most.")
    if order.action in (TriageAction.ARCHIVE, TriageAction.RESTORE) and any(
        one.kind is not ObjectKind.VOICE for one in refs
    ):
        raise ChangeRefused("Only voices can be archived and restored. Choose voices alone.")
    if order.action is TriageAction.NOTE and not order.note:
        raise ChangeRefused("The note is empty. Write it.")
    if order.until is not None and order.until <= now:
        raise ChangeRefused("The snooze would be over already. Choose a later day.")
    key = _kept_key(order, hash_selection(refs), by)
    former = _former(key)
    if former is not None:
        return former
    things = _things(scope, refs)
    assignee = _assignee(order, things)
    changed_since = _changed_since(refs, order.action, order.seen, by)
    wanted = _wanted(order, assignee)
    left, free = list[SkippedItem](), list[_TargetObject]()
    for thing in things:
        if thing.ref in changed_since:
            left.append(_left(thing, f"{changed_since[thing.ref]} meanwhile, so it was not {wanted}"))
        else:
            free.append(thing)
    changes = _CHANGES[order.action](_Work(order, assignee, free, left, limits, by, now))
    places = {thing.organization_id for thing in things}
    in_use_count = (
        count_voices_in_use([change.thing.ref.id for change in changes]) if order.action is TriageAction.ARCHIVE else 0
    )
    return _finish(order.action, key, changes, left, places, by=by, now=now, note=order.note, in_use_count=in_use_count)


def undo(scope: Scope, operation_id: int, key: str, *, by: Actor, now: datetime) -> OperationRow:
    """Take a operation back, as far as nobody has changed since what it did. Undoing an undoing does it again.

    Raises OperationNotFound for one that did nothing in the scope, ChangeRefused when it is too old or undone already.
    """
    kept_key = _digest("undo", operation_id, key or generate_token())
    with write_transaction():
        former = _former(kept_key)
        if former is not None and scope.covers_all(former.organizations):
            return former
        operation = db.session.scalar(select(Operation).where(Operation.id == operation_id).with_for_update())
        lines = _lines_of(operation_id)
        places = {line.organization_id for line in lines}
        if operation is None or not lines or not scope.covers_all(frozenset(places)):
            raise OperationNotFound(f"There is nothing to undo under the number {operation_id}.")
        if operation.undone_by is not None:
            raise ChangeRefused("This was undone already.")
        if now - operation.at > UNDONE_FOR:
            raise ChangeRefused(f"This is older than {UNDONE_FOR.days} days and stays as it is.")
        changes, left = _to_undo(lines)
        _bring_to(changes)
        note = (lines[0].before or {}).get(NOTE, "undone")  # a note that comes back has its text again
        made = _finish(
            TriageAction(operation.action),
            kept_key,
            changes,
            left,
            places,
            by=by,
            now=now,
            note=note,
            undoes=operation.id,
        )
        db.session.execute(update(Operation).where(Operation.id == operation.id).values(undone_by=made.id))
        return made


@dataclass(frozen=True, slots=True)
class _Change:
    event_type: AuditEventType
    thing: _TargetObject
    before: Facts | None
    after: Facts | None


@dataclass(frozen=True, slots=True)
class _Work:
    """An order on its way. things: those to change. left: gets those that are left alone."""

    order: Order
    assignee: Account | None
    things: Sequence[_TargetObject]
    left: list[SkippedItem]
    limits: AttentionThresholds
    by: Actor
    now: datetime


def _archive(work: _Work) -> list[_Change]:
    facts = {"at": _text(work.now), "by": work.by.name or work.by.kind.label, "note": work.order.note}
    changes = []
    for thing in work.things:
        if thing.archived is not None:
            work.left.append(_left(thing, "it is archived already"))
        else:
            changes.append(_Change(AuditEventType.VOICE_ARCHIVED, thing, {ARCHIVED: None}, {ARCHIVED: facts}))
    _set_archived([change.thing.ref.id for change in changes], facts)
    return changes


def _restore(work: _Work) -> list[_Change]:
    changes = []
    for thing in work.things:
        if thing.archived is not None:
            changes.append(_Change(AuditEventType.VOICE_RESTORED, thing, {ARCHIVED: thing.archived}, {ARCHIVED: None}))
        elif thing.status is VoiceStatus.ARCHIVED:
            work.left.append(_left(thing, "it is archived upstream, not here"))
        else:
            work.left.append(_left(thing, "it is not archived"))
    _set_archived([change.thing.ref.id for change in changes], None)
    return changes


def _assign(work: _Work) -> list[_Change]:
    before = _assignees([thing.ref for thing in work.things])
    after = None if work.assignee is None else {"id": work.assignee.id, "email": work.assignee.email}
    changes = []
    for thing in work.things:
        if before.get(thing.ref) == after:
            work.left.append(_left(thing, "nobody has it" if after is None else "it is theirs already"))
        else:
            changes.append(
                _Change(AuditEventType.ASSIGNED, thing, {ASSIGNEE: before.get(thing.ref)}, {ASSIGNEE: after})
            )
    _set_assignees({change.thing: after for change in changes})
    return changes


def _hush(work: _Work) -> list[_Change]:
    """Acknowledge or snooze every reason that there is now."""
    event_type = AuditEventType.SNOOZED if work.order.action is TriageAction.SNOOZE else AuditEventType.ACKNOWLEDGED
    refs = [thing.ref for thing in work.things]
    findings = reasons_of(refs, work.limits, now=work.now)
    before = _mutes(refs)
    until = None if work.order.until is None else _text(work.order.until)
    changes = []
    for thing in work.things:
        after = {
            finding.reason: {
                "fingerprint": finding.fingerprint,
                "kind": work.order.action.value,
                "until": until,
                "muted_at": _text(work.now),
                "muted_by": work.by.name or work.by.kind.label,
            }
            for finding in findings[thing.ref]
        }
        if not after:
            work.left.append(_left(thing, "nothing is wrong with it any more"))
        else:
            changes.append(_Change(event_type, thing, {MUTE: before.get(thing.ref, {})}, {MUTE: after}))
    _set_mutes({change.thing: change.after[MUTE] for change in changes if change.after})
    return changes


def _note(work: _Work) -> list[_Change]:
    return [_Change(AuditEventType.NOTE_ADDED, thing, None, None) for thing in work.things]


_CHANGES = {
    TriageAction.ARCHIVE: _archive,
    TriageAction.RESTORE: _restore,
    TriageAction.ASSIGN: _assign,
    TriageAction.ACKNOWLEDGE: _hush,
    TriageAction.SNOOZE: _hush,
    TriageAction.NOTE: _note,
}


def _finish(
    action: TriageAction,
    key: str,
    changes: Sequence[_Change],
    skipped: Sequence[SkippedItem],
    organizations: set[int],
    *,
    by: Actor,
    now: datetime,
    note: str,
    undoes: int | None = None,
    in_use_count: int = 0,
) -> OperationRow:
    outcome = {
        "voice_count": sum(change.thing.ref.kind is ObjectKind.VOICE for change in changes),
        "skipped": [list(one) for one in skipped[:MAX_LISTED_SKIPPED]],
        "skipped_unlisted": max(0, len(skipped) - MAX_LISTED_SKIPPED),
        "organizations": sorted(organizations),
        "in_use_count": in_use_count,
    }
    acquire_advisory_lock("desk")  # so that whoever has seen an operation has seen all before it
    operation = Operation(
        key=key,
        at=now,
        actor_kind=by.kind.value,
        actor_id=by.id,
        actor_name=by.name,
        action=action.value,
        object_count=len(changes),
        outcome=json.dumps(outcome, ensure_ascii=False),
        undoes=undoes,
    )
    db.session.add(operation)
    db.session.flush()
    for event_type in dict.fromkeys(change.event_type for change in changes):
        lines = (
            (
                AuditTarget(change.thing.ref.kind, change.thing.ref.id, change.thing.name),
                change.thing.organization_id,
                change.before,
                change.after,
            )
            for change in changes
            if change.event_type is event_type
        )
        record_events(event_type, lines, by=by, now=now, note=note, operation_id=operation.id)
    return operation_row(operation)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the audit trail about one of the things of a operation."""

    id: int
    event_type: AuditEventType
    ref: ObjectRef
    organization_id: int
    name: str
    before: Facts | None
    after: Facts | None
    note: str


def _lines_of(operation_id: int) -> list[_Line]:
    rows = db.session.execute(
        select(
            *(
                AuditEvent.id,
                AuditEvent.event_type,
                AuditEvent.object_kind,
                AuditEvent.object_id,
                AuditEvent.organization_id,
            ),
            *(AuditEvent.object_name, AuditEvent.before, AuditEvent.after, AuditEvent.note),
        )
        .where(AuditEvent.operation_id == operation_id)
        .order_by(AuditEvent.object_kind, AuditEvent.object_id)
    )
    return [
        _Line(
            *(id, AuditEventType(event_type), ObjectRef(ObjectKind(kind), object_id or 0), organization_id or 0, name),
            *(json.loads(before or "null"), json.loads(after or "null"), note),
        )
        for id, event_type, kind, object_id, organization_id, name, before, after, note in rows
    ]


def _to_undo(lines: Sequence[_Line]) -> tuple[list[_Change], list[SkippedItem]]:
    """The way back of each line, and what has to stay as it is."""
    lock_organizations({line.organization_id for line in lines})
    things = {thing.ref: thing for thing in _existing([line.ref for line in lines])}
    later = _later(lines)
    as_it_is = _as_it_is(lines, things)
    reaches = {id: _reach(id) for line in lines for id in [_assignee_id(line.before)] if id is not None}
    changes, left = list[_Change](), list[SkippedItem]()
    for line in lines:
        thing, facet, assignee = things.get(line.ref), FACET_OF_WORD.get(line.event_type), _assignee_id(line.before)
        if thing is None:
            left.append(SkippedItem(line.ref.kind.value, line.ref.id, line.name, "it is gone"))
        elif line.id in later:
            left.append(_left(thing, f"{later[line.id]} changed it since"))
        elif facet is not None and as_it_is[facet].get(line.ref) != ((line.after or {}).get(facet) or None):
            left.append(_left(thing, "it is not what it was then"))  # removed and brought in anew, for one
        elif assignee is not None and not reaches[assignee].covers(line.organization_id):
            left.append(_left(thing, f"{(line.before or {})[ASSIGNEE]['email']} cannot act on it any more"))
        else:
            changes.append(_way_back(line, thing))
    return changes, left


def _assignee_id(facts: Facts | None) -> int | None:
    assignee = (facts or {}).get(ASSIGNEE)
    return None if assignee is None else int(assignee["id"])


def _way_back(line: _Line, thing: _TargetObject) -> _Change:
    match FACET_OF_WORD.get(line.event_type):
        case None if line.event_type is AuditEventType.NOTE_ADDED:
            return _Change(AuditEventType.NOTE_REMOVED, thing, {NOTE: line.note}, None)
        case None:
            return _Change(AuditEventType.NOTE_ADDED, thing, None, None)
        case facet:
            return _Change(_word_of(facet, (line.before or {})[facet]), thing, before=line.after, after=line.before)


def _word_of(facet: str, after: Facts | None) -> AuditEventType:
    """The event_type for what brought a facet to this."""
    if facet == ARCHIVED:
        return AuditEventType.VOICE_RESTORED if after is None else AuditEventType.VOICE_ARCHIVED
    if facet == ASSIGNEE:
        return AuditEventType.ASSIGNED
    if not after:
        return AuditEventType.UNMUTED
    snoozed = any(facts["kind"] == TriageAction.SNOOZE.value for facts in after.values())
    return AuditEventType.SNOOZED if snoozed else AuditEventType.ACKNOWLEDGED


def _as_it_is(lines: Sequence[_Line], things: Mapping[ObjectRef, _TargetObject]) -> dict[str, dict[ObjectRef, Facts]]:
    """What the things of some lines have now, for each facet that the lines are about; nothing is left out."""
    of_facet: dict[str, list[ObjectRef]] = {}
    for line in lines:
        of_facet.setdefault(FACET_OF_WORD.get(line.event_type, NOTE), []).append(line.ref)
    archived = {ref: thing.archived for ref, thing in things.items() if thing.archived is not None}
    return {
        ARCHIVED: archived,
        ASSIGNEE: _assignees(of_facet.get(ASSIGNEE, [])),
        MUTE: _mutes(of_facet.get(MUTE, [])),
    }


def _bring_to(changes: Sequence[_Change]) -> None:
    """Bring things to what their changes say they are afterwards."""
    archived: dict[str, tuple[Facts | None, list[int]]] = {}
    assignees, mutes = dict[_TargetObject, Facts | None](), dict[_TargetObject, Facts]()
    for change in changes:
        after = change.after or {}
        if ARCHIVED in after:
            facts: Facts | None = after[ARCHIVED]
            archived.setdefault(json.dumps(facts), (facts, []))[1].append(change.thing.ref.id)
        if ASSIGNEE in after:
            assignees[change.thing] = after[ASSIGNEE]
        if MUTE in after:
            mutes[change.thing] = after[MUTE]
    for facts, ids in archived.values():
        _set_archived(ids, facts)
    _set_assignees(assignees)
    _set_mutes(mutes)


# What is there


def _things(scope: Scope, refs: Sequence[ObjectRef]) -> list[_TargetObject]:
    """All of these, in their order. Raises ObjectNotFound unless each is there and in the scope."""
    places = _places(refs)
    if not all(ref in places and scope.covers(places[ref]) for ref in refs):
        raise ObjectNotFound("One of these is not there, or not any more. Nothing was changed.")
    lock_organizations(places.values())
    found = {thing.ref: thing for thing in _existing(refs)}
    if len(found) < len(refs):
        raise ObjectNotFound("One of these is not there any more. Nothing was changed.")
    return [found[ref] for ref in refs]


def _places(refs: Sequence[ObjectRef]) -> dict[ObjectRef, int]:
    """The organization of each, which never changes."""
    tables: dict[ObjectKind, type[ClonedVoice | Assistant]]
    tables = {ObjectKind.VOICE: ClonedVoice, ObjectKind.ASSISTANT: Assistant}
    found = dict[ObjectRef, int]()
    for kind, table in tables.items():
        for ids in _chunks([one.id for one in refs if one.kind is kind]):
            rows = db.session.execute(select(table.id, table.organization_id).where(table.id.in_(ids)))
            found |= {ObjectRef(kind, id): organization_id for id, organization_id in rows}
    return found


def _existing(refs: Sequence[ObjectRef]) -> Iterator[_TargetObject]:
    """Those of these that are there. Voices are locked, in the order of their ids, until the transaction ends."""
    for ids in _chunks(sorted(one.id for one in refs if one.kind is ObjectKind.VOICE)):
        rows = db.session.execute(
            select(
                *(ClonedVoice.id, ClonedVoice.organization_id, ClonedVoice.name, ClonedVoice.status),
                *(ClonedVoice.archived_at, ClonedVoice.archived_by, ClonedVoice.archive_note),
            )
            .where(ClonedVoice.id.in_(ids))
            .order_by(ClonedVoice.id)
            .with_for_update()
        )
        for id, organization_id, name, status, at, by, note in rows:
            archived = None if at is None else {"at": _text(at), "by": by, "note": note}
            yield _TargetObject(ObjectRef(ObjectKind.VOICE, id), organization_id, name, status, archived)
    for ids in _chunks(sorted(one.id for one in refs if one.kind is ObjectKind.ASSISTANT)):
        found = select(Assistant.id, Assistant.organization_id, Assistant.name).where(Assistant.id.in_(ids))
        for id, organization_id, name in db.session.execute(found.order_by(Assistant.id).with_for_update()):
            yield _TargetObject(ObjectRef(ObjectKind.ASSISTANT, id), organization_id, name)


def _changed_since(refs: Sequence[ObjectRef], action: TriageAction, seen: int, by: Actor) -> dict[ObjectRef, str]:
    """Who else did what to which of these after a operation, as far as this action changes the same: "Ada archived it"."""
    facet = FACETS.get(action)
    if facet is None or get_last_operation_id() <= seen:
        return {}
    found: dict[ObjectRef, str] = {}
    for chunk in _chunks(refs):
        rows = db.session.execute(
            select(
                *(
                    AuditEvent.object_kind,
                    AuditEvent.object_id,
                    AuditEvent.actor_name,
                    AuditEvent.event_type,
                    AuditEvent.after,
                )
            )
            .where(
                _about(AuditEvent, chunk),
                AuditEvent.operation_id > seen,
                AuditEvent.event_type.in_([event_type.value for event_type in WORDS[facet]]),
                (AuditEvent.actor_kind != by.kind.value) | (func.coalesce(AuditEvent.actor_id, 0) != (by.id or 0)),
            )
            .order_by(AuditEvent.id)
        )
        for kind, id, name, event_type, after in rows:
            what = _told(AuditEventType(event_type), json.loads(after or "null") or {})
            found[ObjectRef(ObjectKind(kind), id or 0)] = f"{name or 'Somebody'} {what}"
    return found


def _told(event_type: AuditEventType, after: Facts) -> str:
    """What somebody did, for a sentence: "gave it to ada@example.com"."""
    match event_type:
        case AuditEventType.VOICE_ARCHIVED:
            return "archived it"
        case AuditEventType.VOICE_RESTORED:
            return "restored it"
        case AuditEventType.ASSIGNED:
            return "took it from its assignee" if after[ASSIGNEE] is None else f"gave it to {after[ASSIGNEE]['email']}"
        case AuditEventType.UNMUTED:
            return "brought it back into the queue"
        case AuditEventType.SNOOZED:
            ends = {facts["until"] for facts in after[MUTE].values()}
            return f"snoozed it{_until(max((end for end in ends if end), default=None))}"
        case _:
            return "acknowledged it"


def _wanted(order: Order, assignee: Account | None) -> str:
    """What an order wanted done, for the end of the same sentence: "given to bob@example.com"."""
    match order.action:
        case TriageAction.ASSIGN:
            return "taken from its assignee" if assignee is None else f"given to {assignee.email}"
        case TriageAction.SNOOZE:
            return f"snoozed{_until(None if order.until is None else _text(order.until))}"
        case action:
            return action.done.lower()


def _until(end: str | None) -> str:
    return "" if end is None else f" until {end[:10]}"


def _later(lines: Sequence[_Line]) -> dict[int, str]:
    """Of lines about different things: those after which somebody changed the same again, with who did."""
    later: dict[int, str] = {}
    by_facet: dict[str, dict[ObjectRef, int]] = {}
    for line in lines:
        facet = FACET_OF_WORD.get(line.event_type)
        if facet is not None:
            by_facet.setdefault(facet, {})[line.ref] = line.id
    for facet, ids in by_facet.items():
        words = [event_type.value for event_type in WORDS[facet]]
        for chunk in _chunks(list(ids)):
            rows = db.session.execute(
                select(AuditEvent.id, AuditEvent.object_kind, AuditEvent.object_id, AuditEvent.actor_name)
                .where(
                    _about(AuditEvent, chunk),
                    AuditEvent.id > min(ids[one] for one in chunk),
                    AuditEvent.event_type.in_(words),
                )
                .order_by(AuditEvent.id)
            )
            for id, kind, object_id, name in rows:
                own = ids[ObjectRef(ObjectKind(kind), object_id or 0)]
                if id > own:
                    later[own] = name or "Somebody"
    return later


def _assignee(order: Order, things: Sequence[_TargetObject]) -> Account | None:
    """The account that an order assigns to. Raises ChangeRefused unless it can action on all of these things."""
    if order.action is not TriageAction.ASSIGN or order.assignee is None:
        return None
    if not _reach(order.assignee).covers_all(frozenset(thing.organization_id for thing in things)):
        raise ChangeRefused("That person cannot action in the organization of all of these. Choose somebody who can.")
    return db.session.get_one(Account, order.assignee)


def _reach(account_id: int) -> Scope:
    """Where somebody can action; the account cannot be disabled until the transaction ends."""
    account = db.session.scalar(select(Account).where(Account.id == account_id).with_for_update(read=True))
    if account is None or account.disabled_at is not None:
        return Scope(frozenset())
    if account.platform:
        return EVERYTHING
    acts = select(Membership.organization_id).where(
        Membership.account_id == account_id, Membership.role >= Role.OPERATOR
    )
    return Scope(frozenset(db.session.scalars(acts)))


def _assignees(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Facts]:
    found = {}
    for chunk in _chunks(refs):
        rows = db.session.execute(
            select(Assignment.object_kind, Assignment.object_id, Account.id, Account.email)
            .join_from(Assignment, Account, Account.id == Assignment.account_id)
            .where(_about(Assignment, chunk))
        )
        for kind, id, account_id, email in rows:
            found[ObjectRef(ObjectKind(kind), id)] = {"id": account_id, "email": email}
    return found


def _mutes(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Facts]:
    found: dict[ObjectRef, Facts] = {}
    for chunk in _chunks(refs):
        for row in db.session.scalars(select(Mute).where(_about(Mute, chunk)).order_by(Mute.reason)):
            found.setdefault(ObjectRef(ObjectKind(row.object_kind), row.object_id), {})[row.reason] = {
                "fingerprint": row.fingerprint,
                "kind": row.kind,
                "until": None if row.until is None else _text(row.until),
                "muted_at": _text(row.muted_at),
                "muted_by": row.muted_by,
            }
    return found


# What is written


def _set_archived(ids: Sequence[int], facts: Facts | None) -> None:
    values: dict[str, Any]
    if facts is None:
        values = {
            "status": ClonedVoice.upstream_status,
            **dict.fromkeys(("upstream_status", "archived_at", "archived_by", "archive_note"), null()),
        }
    else:
        values = {
            "upstream_status": ClonedVoice.status,
            "status": VoiceStatus.ARCHIVED,
            "archived_at": datetime.fromisoformat(facts["at"]),
            "archived_by": facts["by"],
            "archive_note": facts["note"],
        }
    for chunk in _chunks(ids):
        statement = update(ClonedVoice).where(ClonedVoice.id.in_(chunk)).values(values)
        db.session.execute(statement, execution_options={"synchronize_session": False})


def _set_assignees(assignees: Mapping[_TargetObject, Facts | None]) -> None:
    gone = [thing.ref for thing, assignee in assignees.items() if assignee is None]
    for chunk in _chunks(gone):
        db.session.execute(delete(Assignment).where(_about(Assignment, chunk)), execution_options=_BLIND)
    rows = [
        _key(thing) | {"account_id": assignee["id"]} for thing, assignee in assignees.items() if assignee is not None
    ]
    if rows:
        db.session.execute(upsert_statement(Assignment), rows)


def _set_mutes(mutes: Mapping[_TargetObject, Facts]) -> None:
    for chunk in _chunks([thing.ref for thing in mutes]):
        db.session.execute(delete(Mute).where(_about(Mute, chunk)), execution_options=_BLIND)
    rows = [
        _key(thing)
        | {"reason": reason, "fingerprint": facts["fingerprint"], "kind": facts["kind"], "muted_by": facts["muted_by"]}
        | {name: None if facts[name] is None else datetime.fromisoformat(facts[name]) for name in ("until", "muted_at")}
        for thing, reasons in mutes.items()
        for reason, facts in reasons.items()
    ]
    if rows:
        db.session.execute(insert(Mute), rows)


_BLIND = {"synchronize_session": False}


def _key(thing: _TargetObject) -> Facts:
    return {
        "object_kind": thing.ref.kind.value,
        "object_id": thing.ref.id,
        "organization_id": thing.organization_id,
    }


def _about(table: type[Assignment | Mute | AuditEvent], refs: Sequence[ObjectRef]) -> Any:
    """The condition that a row is about one of these."""
    by_kind: dict[ObjectKind, list[int]] = {}
    for kind, id in refs:
        by_kind.setdefault(kind, []).append(id)
    return or_(*(and_(table.object_kind == kind.value, table.object_id.in_(ids)) for kind, ids in by_kind.items()))


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _left(thing: _TargetObject, note: str) -> SkippedItem:
    return SkippedItem(thing.ref.kind.value, thing.ref.id, thing.name, note)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
