"""What people do at the desk: to one voice or to thousands, in one transaction, once, and so that it can be undone.

A deed looks at everything it is to change before it changes anything. What
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
from voiceadmin.audit.models import AuditLine
from voiceadmin.audit.types import AuditWord, ObjectKind, Subject, Thing, fingerprint
from voiceadmin.config import Limits
from voiceadmin.database.base import db
from voiceadmin.database.transactions import one_at_a_time, writing
from voiceadmin.database.upserts import upsert
from voiceadmin.errors import ChangeRefused, DeedNotFound, SetChanged, SubjectNotFound
from voiceadmin.identity import EVERYTHING, Actor, Role, Scope
from voiceadmin.operations.models import Deed
from voiceadmin.operations.queries import deed_row, last_deed
from voiceadmin.operations.types import MOST_AT_ONCE, UNDONE_FOR, DeedRow, Left, Order
from voiceadmin.organizations.locks import hold
from voiceadmin.organizations.models import Assistant
from voiceadmin.tokens import new_token
from voiceadmin.triage.models import Assignment, Quiet
from voiceadmin.triage.queries.queue import reasons_of
from voiceadmin.triage.types import Act
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import count_set_to
from voiceadmin.voices.types.status import VoiceStatus

CHUNK = 500  # things looked up or changed by one statement


LEFT_NAMED = 100  # of the things that a deed left alone, so many are kept by name


# The facets of a thing that deeds change, and the words of the lines that say so.
ARCHIVED, OWNER, HUSH = "archived", "owner", "hush"


NOTE = "note"  # no facet: notes stand beside each other


WORDS = {
    ARCHIVED: (AuditWord.VOICE_ARCHIVED, AuditWord.VOICE_RESTORED),
    OWNER: (AuditWord.ASSIGNED,),
    HUSH: (AuditWord.ACKNOWLEDGED, AuditWord.SNOOZED, AuditWord.SHOWN_AGAIN),
}


FACETS = {
    Act.ARCHIVE: ARCHIVED,
    Act.RESTORE: ARCHIVED,
    Act.ASSIGN: OWNER,
    Act.ACKNOWLEDGE: HUSH,
    Act.SNOOZE: HUSH,
}


FACET_OF_WORD = {word.value: facet for facet, words in WORDS.items() for word in words}


Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Thing:
    """A voice or an assistant as it is now. archived: the facts of our archiving, None if it is not archived here."""

    subject: Subject
    organization_id: int
    name: str
    status: VoiceStatus | None = None
    archived: Facts | None = None


def do(scope: Scope, order: Order, limits: Limits, *, by: Actor, now: datetime) -> DeedRow:
    """Do something to voices and assistants of a scope, in one transaction. An order that was carried out is not again.

    Raises SubjectNotFound, and says so in the audit trail, when one of them is
    not in the scope; ChangeRefused for what makes no sense. Nothing is changed then.
    """
    try:
        with writing():
            return carry_out(scope, order, limits, by=by, now=now)
    except SubjectNotFound:
        word, chosen = AuditWord.DESK_REFUSED, len(set(order.subjects))
        note(word, Thing(ObjectKind.STORE, None, order.act.label), by=by, now=now, after={"chosen": chosen})
        raise


def do_to_all(
    scope: Scope,
    order: Order,
    find: Callable[[], Sequence[Subject]],
    mark: str,
    limits: Limits,
    *,
    by: Actor,
    now: datetime,
) -> DeedRow:
    """Do the same to whatever `find` finds in the scope, if that is what it was when somebody decided about it.

    mark: the fingerprint of what it was then. Raises SetChanged when it is not
    that any more, and what `do` raises; nothing is changed then.
    """
    with writing():
        former = _former(_kept_key(order, mark, by))
        if former is not None:
            return former
        subjects = find()
        if fingerprint(subjects) != mark:
            raise SetChanged("The list has changed meanwhile. Nothing was done.")
        return carry_out(scope, replace(order, subjects=tuple(subjects)), limits, by=by, now=now)


def _kept_key(order: Order, mark: str, by: Actor) -> str:
    """What an order is known by when it comes again. mark: the fingerprint of what it is about.

    That of its form alone would not do: somebody who goes back to a page finds
    the same form, and chooses something else in it.
    """
    until = None if order.until is None else _text(order.until)
    return _digest(order.key or new_token(), by.kind, by.id, by.name, order.act, mark, order.why, until, order.owner)


def _digest(*parts: str | int | None) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _former(key: str) -> DeedRow | None:
    """The deed that is known by this already; whoever sends the same meanwhile waits for the first."""
    one_at_a_time(f"deed {key}")
    former = db.session.scalar(select(Deed).where(Deed.key == key))
    return None if former is None else deed_row(former)


def carry_out(scope: Scope, order: Order, limits: Limits, *, by: Actor, now: datetime) -> DeedRow:
    """Do the same as `do` in a transaction that is being written, as a part of something larger."""
    subjects = tuple(dict.fromkeys(order.subjects))
    if not subjects:
        raise ChangeRefused("Nothing was chosen. Tick at least one.")
    if len(subjects) > MOST_AT_ONCE:
        raise ChangeRefused(f"{len(subjects):,} are too many at once. Narrow the filters to {MOST_AT_ONCE:,} at most.")
    if order.act in (Act.ARCHIVE, Act.RESTORE) and any(one.kind is not ObjectKind.VOICE for one in subjects):
        raise ChangeRefused("Only voices can be archived and restored. Choose voices alone.")
    if order.act is Act.NOTE and not order.why:
        raise ChangeRefused("The note is empty. Write it.")
    if order.until is not None and order.until <= now:
        raise ChangeRefused("The snooze would be over already. Choose a later day.")
    key = _kept_key(order, fingerprint(subjects), by)
    former = _former(key)
    if former is not None:
        return former
    things = _things(scope, subjects)
    owner = _owner(order, things)
    changed_since = _changed_since(subjects, order.act, order.seen, by)
    wanted = _wanted(order, owner)
    left, free = list[Left](), list[_Thing]()
    for thing in things:
        if thing.subject in changed_since:
            left.append(_left(thing, f"{changed_since[thing.subject]} meanwhile, so it was not {wanted}"))
        else:
            free.append(thing)
    changes = _CHANGES[order.act](_Work(order, owner, free, left, limits, by, now))
    places = {thing.organization_id for thing in things}
    set_to = count_set_to([change.thing.subject.id for change in changes]) if order.act is Act.ARCHIVE else 0
    return _finish(order.act, key, changes, left, places, by=by, now=now, why=order.why, set_to=set_to)


def undo(scope: Scope, deed_id: int, key: str, *, by: Actor, now: datetime) -> DeedRow:
    """Take a deed back, as far as nobody has changed since what it did. Undoing an undoing does it again.

    Raises DeedNotFound for one that did nothing in the scope, ChangeRefused when it is too old or undone already.
    """
    kept_key = _digest("undo", deed_id, key or new_token())
    with writing():
        former = _former(kept_key)
        if former is not None and scope.covers_all(former.organizations):
            return former
        deed = db.session.scalar(select(Deed).where(Deed.id == deed_id).with_for_update())
        lines = _lines_of(deed_id)
        places = {line.organization_id for line in lines}
        if deed is None or not lines or not scope.covers_all(frozenset(places)):
            raise DeedNotFound(f"There is nothing to undo under the number {deed_id}.")
        if deed.undone_by is not None:
            raise ChangeRefused("This was undone already.")
        if now - deed.at > UNDONE_FOR:
            raise ChangeRefused(f"This is older than {UNDONE_FOR.days} days and stays as it is.")
        changes, left = _to_undo(lines)
        _bring_to(changes)
        why = (lines[0].before or {}).get(NOTE, "undone")  # a note that comes back has its text again
        made = _finish(Act(deed.act), kept_key, changes, left, places, by=by, now=now, why=why, undoes=deed.id)
        db.session.execute(update(Deed).where(Deed.id == deed.id).values(undone_by=made.id))
        return made


@dataclass(frozen=True, slots=True)
class _Change:
    word: AuditWord
    thing: _Thing
    before: Facts | None
    after: Facts | None


@dataclass(frozen=True, slots=True)
class _Work:
    """An order on its way. things: those to change. left: gets those that are left alone."""

    order: Order
    owner: Account | None
    things: Sequence[_Thing]
    left: list[Left]
    limits: Limits
    by: Actor
    now: datetime


def _archive(work: _Work) -> list[_Change]:
    facts = {"at": _text(work.now), "by": work.by.name or work.by.kind.label, "why": work.order.why}
    changes = []
    for thing in work.things:
        if thing.archived is not None:
            work.left.append(_left(thing, "it is archived already"))
        else:
            changes.append(_Change(AuditWord.VOICE_ARCHIVED, thing, {ARCHIVED: None}, {ARCHIVED: facts}))
    _set_archived([change.thing.subject.id for change in changes], facts)
    return changes


def _restore(work: _Work) -> list[_Change]:
    changes = []
    for thing in work.things:
        if thing.archived is not None:
            changes.append(_Change(AuditWord.VOICE_RESTORED, thing, {ARCHIVED: thing.archived}, {ARCHIVED: None}))
        elif thing.status is VoiceStatus.ARCHIVED:
            work.left.append(_left(thing, "it is archived upstream, not here"))
        else:
            work.left.append(_left(thing, "it is not archived"))
    _set_archived([change.thing.subject.id for change in changes], None)
    return changes


def _assign(work: _Work) -> list[_Change]:
    before = _owners([thing.subject for thing in work.things])
    after = None if work.owner is None else {"id": work.owner.id, "email": work.owner.email}
    changes = []
    for thing in work.things:
        if before.get(thing.subject) == after:
            work.left.append(_left(thing, "nobody has it" if after is None else "it is theirs already"))
        else:
            changes.append(_Change(AuditWord.ASSIGNED, thing, {OWNER: before.get(thing.subject)}, {OWNER: after}))
    _set_owners({change.thing: after for change in changes})
    return changes


def _hush(work: _Work) -> list[_Change]:
    """Acknowledge or snooze every reason that there is now."""
    word = AuditWord.SNOOZED if work.order.act is Act.SNOOZE else AuditWord.ACKNOWLEDGED
    subjects = [thing.subject for thing in work.things]
    findings = reasons_of(subjects, work.limits, now=work.now)
    before = _hushes(subjects)
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
            for finding in findings[thing.subject]
        }
        if not after:
            work.left.append(_left(thing, "nothing is wrong with it any more"))
        else:
            changes.append(_Change(word, thing, {HUSH: before.get(thing.subject, {})}, {HUSH: after}))
    _set_hushes({change.thing: change.after[HUSH] for change in changes if change.after})
    return changes


def _note(work: _Work) -> list[_Change]:
    return [_Change(AuditWord.NOTED, thing, None, None) for thing in work.things]


_CHANGES = {
    Act.ARCHIVE: _archive,
    Act.RESTORE: _restore,
    Act.ASSIGN: _assign,
    Act.ACKNOWLEDGE: _hush,
    Act.SNOOZE: _hush,
    Act.NOTE: _note,
}


def _finish(
    act: Act,
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
) -> DeedRow:
    outcome = {
        "voices": sum(change.thing.subject.kind is ObjectKind.VOICE for change in changes),
        "left": [list(one) for one in left[:LEFT_NAMED]],
        "left_out": max(0, len(left) - LEFT_NAMED),
        "organizations": sorted(organizations),
        "set_to": set_to,
    }
    one_at_a_time("desk")  # so that whoever has seen a deed has seen all before it
    deed = Deed(
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
    db.session.add(deed)
    db.session.flush()
    for word in dict.fromkeys(change.word for change in changes):
        lines = (
            (
                Thing(change.thing.subject.kind, change.thing.subject.id, change.thing.name),
                change.thing.organization_id,
                change.before,
                change.after,
            )
            for change in changes
            if change.word is word
        )
        record_all(word, lines, by=by, now=now, why=why, deed_id=deed.id)
    return deed_row(deed)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the audit trail about one of the things of a deed."""

    id: int
    word: AuditWord
    subject: Subject
    organization_id: int
    name: str
    before: Facts | None
    after: Facts | None
    why: str


def _lines_of(deed_id: int) -> list[_Line]:
    rows = db.session.execute(
        select(
            *(AuditLine.id, AuditLine.word, AuditLine.object_kind, AuditLine.object_id, AuditLine.organization_id),
            *(AuditLine.object_name, AuditLine.before, AuditLine.after, AuditLine.why),
        )
        .where(AuditLine.deed_id == deed_id)
        .order_by(AuditLine.object_kind, AuditLine.object_id)
    )
    return [
        _Line(
            *(id, AuditWord(word), Subject(ObjectKind(kind), object_id or 0), organization_id or 0, name),
            *(json.loads(before or "null"), json.loads(after or "null"), why),
        )
        for id, word, kind, object_id, organization_id, name, before, after, why in rows
    ]


def _to_undo(lines: Sequence[_Line]) -> tuple[list[_Change], list[Left]]:
    """The way back of each line, and what has to stay as it is."""
    hold({line.organization_id for line in lines})
    things = {thing.subject: thing for thing in _existing([line.subject for line in lines])}
    later = _later(lines)
    as_it_is = _as_it_is(lines, things)
    reaches = {id: _reach(id) for line in lines for id in [_owner_id(line.before)] if id is not None}
    changes, left = list[_Change](), list[Left]()
    for line in lines:
        thing, facet, owner = things.get(line.subject), FACET_OF_WORD.get(line.word), _owner_id(line.before)
        if thing is None:
            left.append(Left(line.subject.kind.value, line.subject.id, line.name, "it is gone"))
        elif line.id in later:
            left.append(_left(thing, f"{later[line.id]} changed it since"))
        elif facet is not None and as_it_is[facet].get(line.subject) != ((line.after or {}).get(facet) or None):
            left.append(_left(thing, "it is not what it was then"))  # removed and brought in anew, for one
        elif owner is not None and not reaches[owner].covers(line.organization_id):
            left.append(_left(thing, f"{(line.before or {})[OWNER]['email']} cannot act on it any more"))
        else:
            changes.append(_way_back(line, thing))
    return changes, left


def _owner_id(facts: Facts | None) -> int | None:
    owner = (facts or {}).get(OWNER)
    return None if owner is None else int(owner["id"])


def _way_back(line: _Line, thing: _Thing) -> _Change:
    match FACET_OF_WORD.get(line.word):
        case None if line.word is AuditWord.NOTED:
            return _Change(AuditWord.NOTE_TAKEN_BACK, thing, {NOTE: line.why}, None)
        case None:
            return _Change(AuditWord.NOTED, thing, None, None)
        case facet:
            return _Change(_word_of(facet, (line.before or {})[facet]), thing, before=line.after, after=line.before)


def _word_of(facet: str, after: Facts | None) -> AuditWord:
    """The word for what brought a facet to this."""
    if facet == ARCHIVED:
        return AuditWord.VOICE_RESTORED if after is None else AuditWord.VOICE_ARCHIVED
    if facet == OWNER:
        return AuditWord.ASSIGNED
    if not after:
        return AuditWord.SHOWN_AGAIN
    snoozed = any(facts["act"] == Act.SNOOZE.value for facts in after.values())
    return AuditWord.SNOOZED if snoozed else AuditWord.ACKNOWLEDGED


def _as_it_is(lines: Sequence[_Line], things: Mapping[Subject, _Thing]) -> dict[str, dict[Subject, Facts]]:
    """What the things of some lines have now, for each facet that the lines are about; nothing is left out."""
    of_facet: dict[str, list[Subject]] = {}
    for line in lines:
        of_facet.setdefault(FACET_OF_WORD.get(line.word, NOTE), []).append(line.subject)
    archived = {subject: thing.archived for subject, thing in things.items() if thing.archived is not None}
    return {
        ARCHIVED: archived,
        OWNER: _owners(of_facet.get(OWNER, [])),
        HUSH: _hushes(of_facet.get(HUSH, [])),
    }


def _bring_to(changes: Sequence[_Change]) -> None:
    """Bring things to what their changes say they are afterwards."""
    archived: dict[str, tuple[Facts | None, list[int]]] = {}
    owners, hushes = dict[_Thing, Facts | None](), dict[_Thing, Facts]()
    for change in changes:
        after = change.after or {}
        if ARCHIVED in after:
            facts: Facts | None = after[ARCHIVED]
            archived.setdefault(json.dumps(facts), (facts, []))[1].append(change.thing.subject.id)
        if OWNER in after:
            owners[change.thing] = after[OWNER]
        if HUSH in after:
            hushes[change.thing] = after[HUSH]
    for facts, ids in archived.values():
        _set_archived(ids, facts)
    _set_owners(owners)
    _set_hushes(hushes)


# What is there


def _things(scope: Scope, subjects: Sequence[Subject]) -> list[_Thing]:
    """All of these, in their order. Raises SubjectNotFound unless each is there and in the scope."""
    places = _places(subjects)
    if not all(subject in places and scope.covers(places[subject]) for subject in subjects):
        raise SubjectNotFound("One of these is not there, or not any more. Nothing was changed.")
    hold(places.values())
    found = {thing.subject: thing for thing in _existing(subjects)}
    if len(found) < len(subjects):
        raise SubjectNotFound("One of these is not there any more. Nothing was changed.")
    return [found[subject] for subject in subjects]


def _places(subjects: Sequence[Subject]) -> dict[Subject, int]:
    """The organization of each, which never changes."""
    tables: dict[ObjectKind, type[ClonedVoice | Assistant]]
    tables = {ObjectKind.VOICE: ClonedVoice, ObjectKind.ASSISTANT: Assistant}
    found = dict[Subject, int]()
    for kind, table in tables.items():
        for ids in _chunks([one.id for one in subjects if one.kind is kind]):
            rows = db.session.execute(select(table.id, table.organization_id).where(table.id.in_(ids)))
            found |= {Subject(kind, id): organization_id for id, organization_id in rows}
    return found


def _existing(subjects: Sequence[Subject]) -> Iterator[_Thing]:
    """Those of these that are there. Voices are locked, in the order of their ids, until the transaction ends."""
    for ids in _chunks(sorted(one.id for one in subjects if one.kind is ObjectKind.VOICE)):
        rows = db.session.execute(
            select(
                *(ClonedVoice.id, ClonedVoice.organization_id, ClonedVoice.name, ClonedVoice.status),
                *(ClonedVoice.archived_at, ClonedVoice.archived_by, ClonedVoice.archived_why),
            )
            .where(ClonedVoice.id.in_(ids))
            .order_by(ClonedVoice.id)
            .with_for_update()
        )
        for id, organization_id, name, status, at, by, why in rows:
            archived = None if at is None else {"at": _text(at), "by": by, "why": why}
            yield _Thing(Subject(ObjectKind.VOICE, id), organization_id, name, status, archived)
    for ids in _chunks(sorted(one.id for one in subjects if one.kind is ObjectKind.ASSISTANT)):
        found = select(Assistant.id, Assistant.organization_id, Assistant.name).where(Assistant.id.in_(ids))
        for id, organization_id, name in db.session.execute(found.order_by(Assistant.id).with_for_update()):
            yield _Thing(Subject(ObjectKind.ASSISTANT, id), organization_id, name)


def _changed_since(subjects: Sequence[Subject], act: Act, seen: int, by: Actor) -> dict[Subject, str]:
    """Who else did what to which of these after a deed, as far as this act changes the same: "Ada archived it"."""
    facet = FACETS.get(act)
    if facet is None or last_deed() <= seen:
        return {}
    found: dict[Subject, str] = {}
    for chunk in _chunks(subjects):
        rows = db.session.execute(
            select(*(AuditLine.object_kind, AuditLine.object_id, AuditLine.actor_name, AuditLine.word, AuditLine.after))
            .where(
                _about(AuditLine, chunk),
                AuditLine.deed_id > seen,
                AuditLine.word.in_([word.value for word in WORDS[facet]]),
                (AuditLine.actor_kind != by.kind.value) | (func.coalesce(AuditLine.actor_id, 0) != (by.id or 0)),
            )
            .order_by(AuditLine.id)
        )
        for kind, id, name, word, after in rows:
            what = _told(AuditWord(word), json.loads(after or "null") or {})
            found[Subject(ObjectKind(kind), id or 0)] = f"{name or 'Somebody'} {what}"
    return found


def _told(word: AuditWord, after: Facts) -> str:
    """What somebody did, for a sentence: "gave it to ada@example.com"."""
    match word:
        case AuditWord.VOICE_ARCHIVED:
            return "archived it"
        case AuditWord.VOICE_RESTORED:
            return "restored it"
        case AuditWord.ASSIGNED:
            return "took it from its owner" if after[OWNER] is None else f"gave it to {after[OWNER]['email']}"
        case AuditWord.SHOWN_AGAIN:
            return "brought it back into the queue"
        case AuditWord.SNOOZED:
            ends = {facts["until"] for facts in after[HUSH].values()}
            return f"snoozed it{_until(max((end for end in ends if end), default=None))}"
        case _:
            return "acknowledged it"


def _wanted(order: Order, owner: Account | None) -> str:
    """What an order wanted done, for the end of the same sentence: "given to bob@example.com"."""
    match order.act:
        case Act.ASSIGN:
            return "taken from its owner" if owner is None else f"given to {owner.email}"
        case Act.SNOOZE:
            return f"snoozed{_until(None if order.until is None else _text(order.until))}"
        case act:
            return act.done.lower()


def _until(end: str | None) -> str:
    return "" if end is None else f" until {end[:10]}"


def _later(lines: Sequence[_Line]) -> dict[int, str]:
    """Of lines about different things: those after which somebody changed the same again, with who did."""
    later: dict[int, str] = {}
    by_facet: dict[str, dict[Subject, int]] = {}
    for line in lines:
        facet = FACET_OF_WORD.get(line.word)
        if facet is not None:
            by_facet.setdefault(facet, {})[line.subject] = line.id
    for facet, ids in by_facet.items():
        words = [word.value for word in WORDS[facet]]
        for chunk in _chunks(list(ids)):
            rows = db.session.execute(
                select(AuditLine.id, AuditLine.object_kind, AuditLine.object_id, AuditLine.actor_name)
                .where(
                    _about(AuditLine, chunk),
                    AuditLine.id > min(ids[one] for one in chunk),
                    AuditLine.word.in_(words),
                )
                .order_by(AuditLine.id)
            )
            for id, kind, object_id, name in rows:
                own = ids[Subject(ObjectKind(kind), object_id or 0)]
                if id > own:
                    later[own] = name or "Somebody"
    return later


def _owner(order: Order, things: Sequence[_Thing]) -> Account | None:
    """The account that an order assigns to. Raises ChangeRefused unless it can act on all of these things."""
    if order.act is not Act.ASSIGN or order.owner is None:
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


def _owners(subjects: Sequence[Subject]) -> dict[Subject, Facts]:
    found = {}
    for chunk in _chunks(subjects):
        rows = db.session.execute(
            select(Assignment.object_kind, Assignment.object_id, Account.id, Account.email)
            .join_from(Assignment, Account, Account.id == Assignment.account_id)
            .where(_about(Assignment, chunk))
        )
        for kind, id, account_id, email in rows:
            found[Subject(ObjectKind(kind), id)] = {"id": account_id, "email": email}
    return found


def _hushes(subjects: Sequence[Subject]) -> dict[Subject, Facts]:
    found: dict[Subject, Facts] = {}
    for chunk in _chunks(subjects):
        for row in db.session.scalars(select(Quiet).where(_about(Quiet, chunk)).order_by(Quiet.reason)):
            found.setdefault(Subject(ObjectKind(row.object_kind), row.object_id), {})[row.reason] = {
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
            **dict.fromkeys(("upstream_status", "archived_at", "archived_by", "archived_why"), null()),
        }
    else:
        values = {
            "upstream_status": ClonedVoice.status,
            "status": VoiceStatus.ARCHIVED,
            "archived_at": datetime.fromisoformat(facts["at"]),
            "archived_by": facts["by"],
            "archived_why": facts["why"],
        }
    for chunk in _chunks(ids):
        statement = update(ClonedVoice).where(ClonedVoice.id.in_(chunk)).values(values)
        db.session.execute(statement, execution_options={"synchronize_session": False})


def _set_owners(owners: Mapping[_Thing, Facts | None]) -> None:
    gone = [thing.subject for thing, owner in owners.items() if owner is None]
    for chunk in _chunks(gone):
        db.session.execute(delete(Assignment).where(_about(Assignment, chunk)), execution_options=_BLIND)
    rows = [_key(thing) | {"account_id": owner["id"]} for thing, owner in owners.items() if owner is not None]
    if rows:
        db.session.execute(upsert(Assignment), rows)


def _set_hushes(hushes: Mapping[_Thing, Facts]) -> None:
    for chunk in _chunks([thing.subject for thing in hushes]):
        db.session.execute(delete(Quiet).where(_about(Quiet, chunk)), execution_options=_BLIND)
    rows = [
        _key(thing)
        | {"reason": reason, "mark": facts["mark"], "act": facts["act"], "by": facts["by"]}
        | {name: None if facts[name] is None else datetime.fromisoformat(facts[name]) for name in ("until", "at")}
        for thing, reasons in hushes.items()
        for reason, facts in reasons.items()
    ]
    if rows:
        db.session.execute(insert(Quiet), rows)


_BLIND = {"synchronize_session": False}


def _key(thing: _Thing) -> Facts:
    return {
        "object_kind": thing.subject.kind.value,
        "object_id": thing.subject.id,
        "organization_id": thing.organization_id,
    }


def _about(table: type[Assignment | Quiet | AuditLine], subjects: Sequence[Subject]) -> Any:
    """The condition that a row is about one of these."""
    by_kind: dict[ObjectKind, list[int]] = {}
    for kind, id in subjects:
        by_kind.setdefault(kind, []).append(id)
    return or_(*(and_(table.object_kind == kind.value, table.object_id.in_(ids)) for kind, ids in by_kind.items()))


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _left(thing: _Thing, why: str) -> Left:
    return Left(thing.subject.kind.value, thing.subject.id, thing.name, why)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
