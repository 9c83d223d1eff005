"""Bring voices in from a file: all of them or none, unless the bad ones are to be passed over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from sqlalchemy import select

from voiceadmin.audit.actions import Facts, record_event, record_events
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ImportRefused
from voiceadmin.identity import Actor
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.text import MAX_ID, build_name_key, parse_integer
from voiceadmin.voices.importing.bulk_load import Loading
from voiceadmin.voices.importing.reading import Incoming, read_voices
from voiceadmin.voices.importing.types import Fault, ImportReport
from voiceadmin.voices.json_body import InvalidValue, parse_name, voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row, with_upstream_status
from voiceadmin.voices.types.rows import VoiceRow

BATCH = 2000  # records looked up and written at a time


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """Whose voices they will be: those of the organization of an assistant.

    An assistant that is not there yet is made, in the organization that is
    named (by name, or by our id), or else in one of its own. assistant_name:
    None leaves the name as it is.
    """

    assistant_id: int
    assistant_name: str | None = None
    organization: str | None = None


def import_voices(
    stream: BinaryIO,
    target: ImportTarget,
    *,
    by: Actor,
    now: datetime,
    dry_run: bool = False,
    skip_bad: bool = False,
    on_fault: Callable[[Fault], None],
) -> ImportReport:
    """Upsert every voice of a file by its id, in one transaction.

    The audit trail gets a line for the import, and one for each voice that it changed.
    on_fault is called with every fault, in the order of the records. A fault
    means that nothing is written, unless skip_bad: then only its record is
    left out. Raises ImportRefused when the target makes no sense, BadInput
    when the file as a whole cannot be read; nothing is written then either.
    """
    try:
        with closing(_Tally()) as tally, write_transaction():
            acquire_advisory_lock("import")
            organization_id = _settle(target)
            lock_organizations([organization_id])
            loading = Loading(organization_id, now)
            for batch in _batches(read_voices(stream)):
                good = list(_sift(batch, organization_id, tally, on_fault))
                if good and not dry_run and (skip_bad or not tally.refused):
                    loading.write([row for _, row in good])
                    changes = (_change(before, row, organization_id) for before, row in good if before is not None)
                    record_events(AuditEventType.VOICE_CHANGED, changes, by=by, now=now, note="import")
            if dry_run or (tally.refused and not skip_bad):
                raise _TakeBack
            loading.finish()
            report = tally.report(written=True)
            counts = {"added": report.added, "changed": report.changed, "unchanged": report.unchanged}
            assistant = db.session.get_one(Assistant, target.assistant_id)
            thing = AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name)
            record_event(
                AuditEventType.VOICES_IMPORTED, thing, by=by, now=now, organization_id=organization_id, after=counts
            )
    except _TakeBack:
        return tally.report(written=False)
    return report


class _TakeBack(Exception):
    """Ends the transaction without its changes."""


class _Tally:
    """What became of the records so far, and which ids were among them.

    The ids lie in a temporary database of their own, which goes to disk when
    it grows: a set of a million would take half of the memory we allow.
    """

    def __init__(self) -> None:
        self.added = self.changed = self.unchanged = self.refused = self.ignored = 0
        self._seen = sqlite3.connect("")
        self._seen.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, record INTEGER)")

    def earlier(self, rows: Sequence[tuple[int, VoiceRow]]) -> dict[int, int]:
        """Note the ids of numbered rows; those that an earlier record had, with its number."""
        pairs = [(row.id, record) for record, row in rows]
        if self._seen.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", pairs).rowcount == len(pairs):
            return {}
        first = "SELECT record FROM seen WHERE id = ?"
        noted = ((record, self._seen.execute(first, (id,)).fetchone()[0]) for id, record in pairs)
        return {record: before for record, before in noted if before != record}

    def close(self) -> None:
        """Give the ids up. The counts stay."""
        self._seen.close()

    def report(self, *, written: bool) -> ImportReport:
        """The counts."""
        return ImportReport(self.added, self.changed, self.unchanged, self.refused, self.ignored, written)


def _batches(records: Iterator[Incoming]) -> Iterator[list[Incoming]]:
    while batch := list(islice(records, BATCH)):
        yield batch


def _sift(
    batch: Sequence[Incoming], organization_id: int, tally: _Tally, on_fault: Callable[[Fault], None]
) -> Iterator[tuple[VoiceRow | None, VoiceRow]]:
    """The rows of a batch to write, each behind the stored one; what becomes of every record goes into the tally."""
    numbered = [(incoming.number, incoming.row) for incoming in batch if incoming.row is not None]
    earlier = tally.earlier(numbered)
    stored = _stored([row.id for _, row in numbered])
    for incoming in batch:
        tally.ignored += incoming.unknown
        faults: Iterable[Fault] = incoming.faults
        if (row := incoming.row) is not None:
            owner, before = stored.get(row.id, (organization_id, None))
            if incoming.number in earlier:
                problem = f"was already given by record {earlier[incoming.number]}."
                faults = [Fault(incoming.number, "id", row.id, problem, "Keep one of the two.")]
            elif owner != organization_id:
                problem = "belongs to a voice of another organization."
                faults = [Fault(incoming.number, "id", row.id, problem, "Import it with an assistant of that one.")]
            elif before == row:
                tally.unchanged += 1
            else:
                tally.added += before is None
                tally.changed += before is not None
                yield before, row
        for fault in faults:
            on_fault(fault)
        tally.refused += bool(faults)


def _change(before: VoiceRow, after: VoiceRow, organization_id: int) -> tuple[AuditTarget, int, Facts, Facts]:
    """What the audit trail says of a voice that was there."""
    old, new = voice_to_json(before), voice_to_json(after)
    differ = [name for name, value in new.items() if old[name] != value]
    thing = AuditTarget(ObjectKind.VOICE, after.id, after.name)
    return thing, organization_id, {name: old[name] for name in differ}, {name: new[name] for name in differ}


def _stored(ids: Sequence[int]) -> dict[int, tuple[int, VoiceRow]]:
    """The voices of these ids as upstream last told of them, each with its organization."""
    # A thousand ids take their time. In most files they ascend, and those of new voices lie where there are none yet.
    near = ClonedVoice.id.between(min(ids, default=0), max(ids, default=0))
    if db.session.scalar(select(ClonedVoice.id).where(near).limit(1)) is None:
        return {}
    told = select(*VOICE_COLUMNS, ClonedVoice.organization_id, ClonedVoice.upstream_status)
    found = db.session.execute(told.where(ClonedVoice.id.in_(ids)))
    return {
        row.id: (row.organization_id, with_upstream_status(build_voice_row(row), row.upstream_status)) for row in found
    }


def _settle(target: ImportTarget) -> int:
    """Find or make the assistant; the id of its organization."""
    if not 1 <= target.assistant_id <= MAX_ID:
        raise ImportRefused(f"An assistant's id lies between 1 and {MAX_ID}; {target.assistant_id} does not.")
    name = _name(target.assistant_name, "--assistant-name")
    assistant = db.session.get(Assistant, target.assistant_id)
    if assistant is None:
        name = name or f"Assistant {target.assistant_id}"
        organization = _named_organization(target) or Organization(name=name)
        db.session.add(organization)
        db.session.flush()
        assistant = Assistant(
            id=target.assistant_id, organization_id=organization.id, name=name, name_key=build_name_key(name)
        )
        db.session.add(assistant)
    else:
        named = _named_organization(target)
        if named is not None and named.id != assistant.organization_id:
            owner = db.session.get_one(Organization, assistant.organization_id)
            raise ImportRefused(
                f"Assistant {assistant.id} belongs to the organization “{owner.name}” ({owner.id}), "
                f"not to “{named.name}”. Leave out --organization."
            )
        if name is not None:
            assistant.name, assistant.name_key = name, build_name_key(name)
    db.session.flush()
    return assistant.organization_id


def _named_organization(target: ImportTarget) -> Organization | None:
    """The organization that the target names, which may not be stored yet; None when it names none."""
    named = _name(target.organization, "--organization")
    if named is None:
        return None
    number = parse_integer(named)
    if number is not None:
        found = db.session.get(Organization, number) if 1 <= number <= MAX_ID else None
        if found is None:
            raise ImportRefused(f"There is no organization {named}. Give a name to make one.")
        return found
    of_name = db.session.scalars(
        select(Organization).where(Organization.name == named).order_by(Organization.id).limit(10)
    ).all()
    current = db.session.get(Assistant, target.assistant_id)
    for organization in of_name:
        if current is not None and organization.id == current.organization_id:
            return organization
    if len(of_name) > 1:
        ids = ", ".join(str(organization.id) for organization in of_name)
        raise ImportRefused(f"Several organizations are called “{named}”. Give the id of one: {ids}.")
    return of_name[0] if of_name else Organization(name=named)


def _name(text: str | None, option: str) -> str | None:
    """A name that came from the shell. Raises ImportRefused, naming the option."""
    if text is None:
        return None
    try:
        name = parse_name(text)
        if not name.strip():
            raise InvalidValue("is blank.", "Give a name or leave the option out.")
    except InvalidValue as bad:
        raise ImportRefused(f"{option} {bad.problem} {bad.remedy}") from bad
    return name
