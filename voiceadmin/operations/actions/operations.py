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
from voiceadmin.audit.actions import note, record_all
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef, fingerprint
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, writing
from voiceadmin.database.upserts import upsert
from voiceadmin.errors import ChangeRefused, ObjectNotFound, OperationNotFound, SetChanged
from voiceadmin.identity import EVERYTHING, Actor, Role, Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.queries import get_last_operation_id, operation_row
from voiceadmin.operations.types import MOST_AT_ONCE, UNDONE_FOR, Left, OperationRow, Order
from voiceadmin.organizations.locks import hold
from voiceadmin.organizations.models import Assistant
from voiceadmin.tokens import new_token
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.queue import reasons_of
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import count_set_to
from voiceadmin.voices.types.status import VoiceStatus

CHUNK = 500  # things looked up or changed by one statement


MAX_LISTED_SKIPPED = 100  # of the things that a operation left alone, so many are kept by name


# The facets of a thing that operations change, and the words of the lines that say so.
ARCHIVED, OWNER, MUTE = "archived", "owner", "mute"


NOTE = "note"  # no facet: notes stand beside each other


WORDS = {
    ARCHIVED: (AuditEventType.VOICE_ARCHIVED, AuditEventType.VOICE_RESTORED),
    OWNER: (AuditEventType.ASSIGNED,),
    MUTE: (AuditEventType.ACKNOWLEDGED, AuditEventType.SNOOZED, AuditEventType.SHOWN_AGAIN),
}


FACETS = {
    TriageAction.ARCHIVE: ARCHIVED,
    TriageAction.RESTORE: ARCHIVED,
    TriageAction.ASSIGN: OWNER,
    TriageAction.ACKNOWLEDGE: MUTE,
    TriageAction.SNOOZE: MUTE,
}


FACET_OF_WORD = {word.value: facet for facet, words in WORDS.items() for word in words}


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
        with writing():
            return carry_out(scope, order, limits, by=by, now=now)
    except ObjectNotFound:
        word, chosen = AuditEventType.DESK_REFUSED, len(set(order.refs))
        note(word, AuditTarget(ObjectKind.STORE, None, order.act.label), by=by, now=now, after={"chosen": chosen})
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

    mark: the fingerprint of what it was then. Raises SetChanged when it is not
    that any more, and what `do` raises; nothing is changed then.
    """
    with writing():
        former = _former(_kept_key(order, mark, by))
        if former is not None:
            return former
        refs = find()
        if fingerprint(refs) != mark:
            raise SetChanged("The list has changed meanwhile. Nothing was done.")
        return carry_out(scope, replace(order, refs=tuple(refs)), limits, by=by, now=now)


def _kept_key(order: Order, mark: str, by: Actor) -> str:
    """What an order is known by when it comes again. mark: the fingerprint of what it is about.

    That of its form alone would not do: somebody who goes back to a page finds
    the same form, and chooses something else in it.
    """
    until = None if order.until is None else _text(order.until)
    return _digest(order.key or new_token(), by.kind, by.id, by.name, order.act, mark, order.why, until, order.owner)


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
    if order.act in (TriageAction.ARCHIVE, TriageAction.RESTORE) and any(
        one.kind is not ObjectKind.VOICE for one in refs
    ):
        raise ChangeRefused("Only voices can be archived and restored. Choose voices alone.")
    if order.act is TriageAction.NOTE and not order.why:
        raise ChangeRefused("The note is empty. Write it.")
    if order.until is not None and order.until <= now:
        raise ChangeRefused("The snooze would be over already. Choose a later day.")
    key = _kept_key(order, fingerprint(refs), by)
    former = _former(key)
    if former is not None:
        return former
    things = _things(scope, refs)
    owner = _owner(order, things)
    changed_since = _changed_since(refs, order.act, order.seen, by)
    wanted = _wanted(order, owner)
    left, free = list[Left](), list[_TargetObject]()
    for thing in things:
        if thing.ref in changed_since:
            left.append(_left(thing, f"{changed_since[thing.ref]} meanwhile, so it was not {wanted}"))
        else:
            free.append(thing)
    changes = _CHANGES[order.act](_Work(order, owner, free, left, limits, by, now))
    places = {thing.organization_id for thing in things}
    set_to = count_set_to([change.thing.ref.id for change in changes]) if order.act is TriageAction.ARCHIVE else 0
    return _finish(order.act, key, changes, left, places, by=by, now=now, why=order.why, set_to=set_to)


def undo(scope: Scope, operation_id: int, key: str, *, by: Actor, now: datetime) -> OperationRow:
    """Take a operation back, as far as nobody has changed since what it did. Undoing an undoing does it again.

    Raises OperationNotFound for one that did nothing in the scope, ChangeRefused when it is too old or undone already.
    """
    kept_key = _digest("undo", operation_id, key or new_token())
    with writing():
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
        why = (lines[0].before or {}).get(NOTE, "undone")  # a note that comes back has its text again
        made = _finish(
            TriageAction(operation.act), kept_key, changes, left, places, by=by, now=now, why=why, undoes=operation.id
        )
        db.session.execute(update(Operation).where(Operation.id == operation.id).values(undone_by=made.id))
        return made


@dataclass(frozen=True, slots=True)
class _Change:
    word: AuditEventType
    thing: _TargetObject
    before: Facts | None
    after: Facts | None


@dataclass(frozen=True, slots=True)
class _Work:
    """An order on its way. things: those to change. left: gets those that are left alone."""

    order: Order
    owner: Account | None
    things: Sequence[_TargetObject]
    left: list[Left]
    limits: AttentionThresholds
    by: Actor
    now: datetime


def _archive(work: _Work) -> list[_Change]:
    facts = {"at": _text(work.now), "by": work.by.name or work.by.kind.label, "why": work.order.why}
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
    before = _owners([thing.ref for thing in work.things])
    after = None if work.owner is None else {"id": work.owner.id, "email": work.owner.email}
    changes = []
    for thing in work.things:
        if before.get(thing.ref) == after:
            work.left.append(_left(thing, "nobody has it" if after is None else "it is theirs already"))
        else:
            changes.append(_Change(AuditEventType.ASSIGNED, thing, {OWNER: before.get(thing.ref)}, {OWNER: after}))
    _set_owners({change.thing: after for change in changes})
    return changes


def _hush(work: _Work) -> list[_Change]:
    """Acknowledge or snooze every reason that there is now."""
    word = AuditEventType.SNOOZED if work.order.act is TriageAction.SNOOZE else AuditEventType.ACKNOWLEDGED
    refs = [thing.ref for thing in work.things]
    findings = reasons_of(refs, work.limits, now=work.now)
    before = _mutes(refs)
    until = None if work.order.until is None else _text(work.order.until)
    changes = []
    for thing in work.things:
        after = {
            finding.reason: {
                "mark": finding.mark,
                "act": work.order.act.value,
                "until": until,
                "at": _text(work.now),
                "by": work.by.name or work.by.kind.label,
            }
            for finding in findings[thing.ref]
        }
        if not after:
            work.left.append(_left(thing, "nothing is wrong with it any more"))
        else:
            changes.append(_Change(word, thing, {MUTE: before.get(thing.ref, {})}, {MUTE: after}))
    _set_mutes({change.thing: change.after[MUTE] for change in changes if change.after})
    return changes


def _note(work: _Work) -> list[_Change]:
    return [_Change(AuditEventType.NOTED, thing, None, None) for thing in work.things]


_CHANGES = {
    TriageAction.ARCHIVE: _archive,
    TriageAction.RESTORE: _restore,
    TriageAction.ASSIGN: _assign,
    TriageAction.ACKNOWLEDGE: _hush,
    TriageAction.SNOOZE: _hush,
    TriageAction.NOTE: _note,
}


def _finish(
    act: TriageAction,
    key: str,
    changes: Sequence[_Change],
    left: Sequence[Left],
    organizations: set[int],
    *,
    by: Actor,
    now: datetime,
    why: str,
    undoes: int | None = None,
    set_to: int = 0,
) -> OperationRow:
    outcome = {
        "voices": sum(change.thing.ref.kind is ObjectKind.VOICE for change in changes),
        "left": [list(one) for one in left[:MAX_LISTED_SKIPPED]],
        "skipped_unlisted": max(0, len(left) - MAX_LISTED_SKIPPED),
        "organizations": sorted(organizations),
        "set_to": set_to,
    }
    acquire_advisory_lock("desk")  # so that whoever has seen a operation has seen all before it
    operation = Operation(
        key=key,
        at=now,
        actor_kind=by.kind.value,
        actor_id=by.id,
        actor_name=by.name,
        act=act.value,
        number=len(changes),
        outcome=json.dumps(outcome, ensure_ascii=False),
        undoes=undoes,
    )
    db.session.add(operation)
    db.session.flush()
    for word in dict.fromkeys(change.word for change in changes):
        lines = (
            (
                AuditTarget(change.thing.ref.kind, change.thing.ref.id, change.thing.name),
                change.thing.organization_id,
                change.before,
                change.after,
            )
            for change in changes
            if change.word is word
        )
        record_all(word, lines, by=by, now=now, why=why, operation_id=operation.id)
    return operation_row(operation)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the audit trail about one of the things of a operation."""

    id: int
    word: AuditEventType
    ref: ObjectRef
    organization_id: int
    name: str
    before: Facts | None
    after: Facts | None
    why: str


def _lines_of(operation_id: int) -> list[_Line]:
    rows = db.session.execute(
        select(
            *(AuditEvent.id, AuditEvent.word, AuditEvent.object_kind, AuditEvent.object_id, AuditEvent.organization_id),
            *(AuditEvent.object_name, AuditEvent.before, AuditEvent.after, AuditEvent.why),
        )
        .where(AuditEvent.operation_id == operation_id)
        .order_by(AuditEvent.object_kind, AuditEvent.object_id)
    )
    return [
        _Line(
            *(id, AuditEventType(word), ObjectRef(ObjectKind(kind), object_id or 0), organization_id or 0, name),
            *(json.loads(before or "null"), json.loads(after or "null"), why),
        )
        for id, word, kind, object_id, organization_id, name, before, after, why in rows
    ]


def _to_undo(lines: Sequence[_Line]) -> tuple[list[_Change], list[Left]]:
    """The way back of each line, and what has to stay as it is."""
    hold({line.organization_id for line in lines})
    things = {thing.ref: thing for thing in _existing([line.ref for line in lines])}
    later = _later(lines)
    as_it_is = _as_it_is(lines, things)
    reaches = {id: _reach(id) for line in lines for id in [_owner_id(line.before)] if id is not None}
    changes, left = list[_Change](), list[Left]()
    for line in lines:
        thing, facet, owner = things.get(line.ref), FACET_OF_WORD.get(line.word), _owner_id(line.before)
        if thing is None:
            left.append(Left(line.ref.kind.value, line.ref.id, line.name, "it is gone"))
        elif line.id in later:
            left.append(_left(thing, f"{later[line.id]} changed it since"))
        elif facet is not None and as_it_is[facet].get(line.ref) != ((line.after or {}).get(facet) or None):
            left.append(_left(thing, "it is not what it was then"))  # removed and brought in anew, for one
        elif owner is not None and not reaches[owner].covers(line.organization_id):
            left.append(_left(thing, f"{(line.before or {})[OWNER]['email']} cannot act on it any more"))
        else:
            changes.append(_way_back(line, thing))
    return changes, left


def _owner_id(facts: Facts | None) -> int | None:
    owner = (facts or {}).get(OWNER)
    return None if owner is None else int(owner["id"])


def _way_back(line: _Line, thing: _TargetObject) -> _Change:
    match FACET_OF_WORD.get(line.word):
        case None if line.word is AuditEventType.NOTED:
            return _Change(AuditEventType.NOTE_TAKEN_BACK, thing, {NOTE: line.why}, None)
        case None:
            return _Change(AuditEventType.NOTED, thing, None, None)
        case facet:
            return _Change(_word_of(facet, (line.before or {})[facet]), thing, before=line.after, after=line.before)


def _word_of(facet: str, after: Facts | None) -> AuditEventType:
    """The word for what brought a facet to this."""
    if facet == ARCHIVED:
        return AuditEventType.VOICE_RESTORED if after is None else AuditEventType.VOICE_ARCHIVED
    if facet == OWNER:
        return AuditEventType.ASSIGNED
    if not after:
        return AuditEventType.SHOWN_AGAIN
    snoozed = any(facts["act"] == TriageAction.SNOOZE.value for facts in after.values())
    return AuditEventType.SNOOZED if snoozed else AuditEventType.ACKNOWLEDGED


def _as_it_is(lines: Sequence[_Line], things: Mapping[ObjectRef, _TargetObject]) -> dict[str, dict[ObjectRef, Facts]]:
    """What the things of some lines have now, for each facet that the lines are about; nothing is left out."""
    of_facet: dict[str, list[ObjectRef]] = {}
    for line in lines:
        of_facet.setdefault(FACET_OF_WORD.get(line.word, NOTE), []).append(line.ref)
    archived = {ref: thing.archived for ref, thing in things.items() if thing.archived is not None}
    return {
        ARCHIVED: archived,
        OWNER: _owners(of_facet.get(OWNER, [])),
        MUTE: _mutes(of_facet.get(MUTE, [])),
    }


def _bring_to(changes: Sequence[_Change]) -> None:
    """Bring things to what their changes say they are afterwards."""
    archived: dict[str, tuple[Facts | None, list[int]]] = {}
    owners, mutes = dict[_TargetObject, Facts | None](), dict[_TargetObject, Facts]()
    for change in changes:
        after = change.after or {}
        if ARCHIVED in after:
            facts: Facts | None = after[ARCHIVED]
            archived.setdefault(json.dumps(facts), (facts, []))[1].append(change.thing.ref.id)
        if OWNER in after:
            owners[change.thing] = after[OWNER]
        if MUTE in after:
            mutes[change.thing] = after[MUTE]
    for facts, ids in archived.values():
        _set_archived(ids, facts)
    _set_owners(owners)
    _set_mutes(mutes)


# What is there


def _things(scope: Scope, refs: Sequence[ObjectRef]) -> list[_TargetObject]:
    """All of these, in their order. Raises ObjectNotFound unless each is there and in the scope."""
    places = _places(refs)
    if not all(ref in places and scope.covers(places[ref]) for ref in refs):
        raise ObjectNotFound("One of these is not there, or not any more. Nothing was changed.")
    hold(places.values())
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
        for id, organization_id, name, status, at, by, why in rows:
            archived = None if at is None else {"at": _text(at), "by": by, "why": why}
            yield _TargetObject(ObjectRef(ObjectKind.VOICE, id), organization_id, name, status, archived)
    for ids in _chunks(sorted(one.id for one in refs if one.kind is ObjectKind.ASSISTANT)):
        found = select(Assistant.id, Assistant.organization_id, Assistant.name).where(Assistant.id.in_(ids))
        for id, organization_id, name in db.session.execute(found.order_by(Assistant.id).with_for_update()):
            yield _TargetObject(ObjectRef(ObjectKind.ASSISTANT, id), organization_id, name)


def _changed_since(refs: Sequence[ObjectRef], act: TriageAction, seen: int, by: Actor) -> dict[ObjectRef, str]:
    """Who else did what to which of these after a operation, as far as this act changes the same: "Ada archived it"."""
    facet = FACETS.get(act)
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
                    AuditEvent.word,
                    AuditEvent.after,
                )
            )
            .where(
                _about(AuditEvent, chunk),
                AuditEvent.operation_id > seen,
                AuditEvent.word.in_([word.value for word in WORDS[facet]]),
                (AuditEvent.actor_kind != by.kind.value) | (func.coalesce(AuditEvent.actor_id, 0) != (by.id or 0)),
            )
            .order_by(AuditEvent.id)
        )
        for kind, id, name, word, after in rows:
            what = _told(AuditEventType(word), json.loads(after or "null") or {})
            found[ObjectRef(ObjectKind(kind), id or 0)] = f"{name or 'Somebody'} {what}"
    return found


def _told(word: AuditEventType, after: Facts) -> str:
    """What somebody did, for a sentence: "gave it to ada@example.com"."""
    match word:
        case AuditEventType.VOICE_ARCHIVED:
            return "archived it"
        case AuditEventType.VOICE_RESTORED:
            return "restored it"
        case AuditEventType.ASSIGNED:
            return "took it from its owner" if after[OWNER] is None else f"gave it to {after[OWNER]['email']}"
        case AuditEventType.SHOWN_AGAIN:
            return "brought it back into the queue"
        case AuditEventType.SNOOZED:
            ends = {facts["until"] for facts in after[MUTE].values()}
            return f"snoozed it{_until(max((end for end in ends if end), default=None))}"
        case _:
            return "acknowledged it"


def _wanted(order: Order, owner: Account | None) -> str:
    """What an order wanted done, for the end of the same sentence: "given to bob@example.com"."""
    match order.act:
        case TriageAction.ASSIGN:
            return "taken from its owner" if owner is None else f"given to {owner.email}"
        case TriageAction.SNOOZE:
            return f"snoozed{_until(None if order.until is None else _text(order.until))}"
        case act:
            return act.done.lower()


def _until(end: str | None) -> str:
    return "" if end is None else f" until {end[:10]}"


def _later(lines: Sequence[_Line]) -> dict[int, str]:
    """Of lines about different things: those after which somebody changed the same again, with who did."""
    later: dict[int, str] = {}
    by_facet: dict[str, dict[ObjectRef, int]] = {}
    for line in lines:
        facet = FACET_OF_WORD.get(line.word)
        if facet is not None:
            by_facet.setdefault(facet, {})[line.ref] = line.id
    for facet, ids in by_facet.items():
        words = [word.value for word in WORDS[facet]]
        for chunk in _chunks(list(ids)):
            rows = db.session.execute(
                select(AuditEvent.id, AuditEvent.object_kind, AuditEvent.object_id, AuditEvent.actor_name)
                .where(
                    _about(AuditEvent, chunk),
                    AuditEvent.id > min(ids[one] for one in chunk),
                    AuditEvent.word.in_(words),
                )
                .order_by(AuditEvent.id)
            )
            for id, kind, object_id, name in rows:
                own = ids[ObjectRef(ObjectKind(kind), object_id or 0)]
                if id > own:
                    later[own] = name or "Somebody"
    return later


def _owner(order: Order, things: Sequence[_TargetObject]) -> Account | None:
    """The account that an order assigns to. Raises ChangeRefused unless it can act on all of these things."""
    if order.act is not TriageAction.ASSIGN or order.owner is None:
        return None
    if not _reach(order.owner).covers_all(frozenset(thing.organization_id for thing in things)):
        raise ChangeRefused("That person cannot act in the organization of all of these. Choose somebody who can.")
    return db.session.get_one(Account, order.owner)


def _reach(account_id: int) -> Scope:
    """Where somebody can act; the account cannot be disabled until the transaction ends."""
    account = db.session.scalar(select(Account).where(Account.id == account_id).with_for_update(read=True))
    if account is None or account.disabled_at is not None:
        return Scope(frozenset())
    if account.platform:
        return EVERYTHING
    acts = select(Membership.organization_id).where(
        Membership.account_id == account_id, Membership.role >= Role.OPERATOR
    )
    return Scope(frozenset(db.session.scalars(acts)))


def _owners(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Facts]:
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
                "mark": row.mark,
                "act": row.act,
                "until": None if row.until is None else _text(row.until),
                "at": _text(row.at),
                "by": row.by,
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
            "archive_note": facts["why"],
        }
    for chunk in _chunks(ids):
        statement = update(ClonedVoice).where(ClonedVoice.id.in_(chunk)).values(values)
        db.session.execute(statement, execution_options={"synchronize_session": False})


def _set_owners(owners: Mapping[_TargetObject, Facts | None]) -> None:
    gone = [thing.ref for thing, owner in owners.items() if owner is None]
    for chunk in _chunks(gone):
        db.session.execute(delete(Assignment).where(_about(Assignment, chunk)), execution_options=_BLIND)
    rows = [_key(thing) | {"account_id": owner["id"]} for thing, owner in owners.items() if owner is not None]
    if rows:
        db.session.execute(upsert(Assignment), rows)


def _set_mutes(mutes: Mapping[_TargetObject, Facts]) -> None:
    for chunk in _chunks([thing.ref for thing in mutes]):
        db.session.execute(delete(Mute).where(_about(Mute, chunk)), execution_options=_BLIND)
    rows = [
        _key(thing)
        | {"reason": reason, "mark": facts["mark"], "act": facts["act"], "by": facts["by"]}
        | {name: None if facts[name] is None else datetime.fromisoformat(facts[name]) for name in ("until", "at")}
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


def _left(thing: _TargetObject, why: str) -> Left:
    return Left(thing.ref.kind.value, thing.ref.id, thing.name, why)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
