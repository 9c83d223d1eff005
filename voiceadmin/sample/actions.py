"""Fill the store with the sample data, and take it out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import CursorResult, Delete, delete, exists, func, inspect, select

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import SampleRefused
from voiceadmin.identity import Actor
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sample.data import ASSISTANT_IDS, VOICE_IDS, SampleOrganization, generate_sample
from voiceadmin.text import build_name_key
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns

SAMPLE = AuditTarget(ObjectKind.DATABASE, None, "sample data")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the organizations, the assistants or the voices of the sample. kept: not removed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: int = 0

    def __str__(self) -> str:
        """Say what is not zero: "2,497 changed, 3 unchanged"."""
        return ", ".join(f"{count:,} {word}" for word, count in asdict(self).items() if count) or "none"


@dataclass(frozen=True, slots=True)
class KeptOrganization:
    """A sample organization that was not removed, because of what somebody added to it.

    voices, assistants: how many of them are not the sample's. sample_assistants:
    the ids of the sample's assistants that stay as the way to those voices.
    """

    id: int
    name: str
    voices: int
    assistants: int
    sample_assistants: tuple[int, ...]

    def __str__(self) -> str:
        """Say that it stays, and why."""
        added = [_counted(self.voices, "voice"), _counted(self.assistants, "assistant")]
        sentence = f"“{self.name}” stays: it has {' and '.join(filter(None, added))} that the sample did not put in"
        if not self.sample_assistants:
            return sentence + "."
        ids = ", ".join(map(str, self.sample_assistants))
        return f"{sentence}, so {'these assistants stay' if ',' in ids else 'this assistant stays'} with it: {ids}."


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What filling or removing did. As a text: a line of sentences."""

    organizations: Tally
    assistants: Tally
    voices: Tally
    kept: tuple[KeptOrganization, ...] = ()

    def __str__(self) -> str:
        """Say it all in one line."""
        told = f"Sample organizations: {self.organizations}. Assistants: {self.assistants}. Voices: {self.voices}."
        return " ".join([told, *map(str, self.kept)])


def add_sample(as_of: datetime, *, by: Actor, now: datetime) -> SampleReport:
    """Put the sample into the store as it looks at the beginning of the day of `as_of`, in UTC.

    What is there already and alike is not written again. Raises SampleRefused
    when an id of the sample is taken outside the sample's organizations, or
    when that is too early to have a past; nothing is written then.
    """
    day = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        sample = generate_sample(day)
    except OverflowError as error:
        raise SampleRefused(
            f"The sample reaches back three years; before {day.date()} there are not so many. Choose a later time."
        ) from error
    with write_transaction():
        acquire_advisory_lock("import")
        _refuse_taken_ids()
        ids, organizations = _organization_ids(sample)
        lock_organizations(ids.values())
        report = SampleReport(
            organizations,
            assistants=_put(Assistant, list(_assistants(sample, ids))),
            voices=_put(ClonedVoice, list(_voices(sample, ids)), {"upstream_changed_at": now}),
        )
        record_event(AuditEventType.SAMPLE_ADDED, SAMPLE, by=by, now=now, after={"voices": str(report.voices)})
        return report


def remove_sample(*, by: Actor, now: datetime) -> SampleReport:
    """Take out what `add_sample` put in, and nothing else.

    An organization in which something is left stays. It stays a sample one, so
    that removing again, when it is empty, takes it out; and where voices are
    left, so do the sample's assistants: they are the way to those voices.
    """
    of_sample = select(Organization.id).where(Organization.sample)
    has_voices = exists().where(ClonedVoice.organization_id == Assistant.organization_id)
    is_used = exists().where(ClonedVoice.organization_id == Organization.id) | exists().where(
        Assistant.organization_id == Organization.id
    )
    with write_transaction():
        acquire_advisory_lock("import")
        lock_organizations(db.session.scalars(of_sample))
        voices = _removed(
            delete(ClonedVoice).where(ClonedVoice.id.in_(VOICE_IDS), ClonedVoice.organization_id.in_(of_sample))
        )
        assistants = _removed(
            delete(Assistant).where(
                Assistant.id.in_(ASSISTANT_IDS), Assistant.organization_id.in_(of_sample), ~has_voices
            )
        )
        organizations = _removed(delete(Organization).where(Organization.sample, ~is_used))
        kept = tuple(_kept())
        kept_assistants = sum(len(organization.sample_assistants) for organization in kept)
        record_event(AuditEventType.SAMPLE_REMOVED, SAMPLE, by=by, now=now, before={"voices": f"{voices:,} removed"})
        return SampleReport(
            Tally(removed=organizations, kept=len(kept)),
            Tally(removed=assistants, kept=kept_assistants),
            Tally(removed=voices),
            kept,
        )


def _refuse_taken_ids() -> None:
    """Raise SampleRefused if an id of the sample belongs to something that is not in a sample organization."""
    voices = db.session.scalars(
        select(ClonedVoice.id).join(Organization).where(ClonedVoice.id.in_(VOICE_IDS), ~Organization.sample)
    ).all()
    assistants = db.session.scalars(
        select(Assistant.id).join(Organization).where(Assistant.id.in_(ASSISTANT_IDS), ~Organization.sample)
    ).all()
    taken = [f"assistant {number}" for number in sorted(assistants)] + [f"voice {number}" for number in sorted(voices)]
    if taken:
        named = ", ".join(taken[:5]) + (f" and {len(taken) - 5:,} more" if len(taken) > 5 else "")
        raise SampleRefused(
            f"The store has data of its own under ids of the sample ({named}), so nothing was written. "
            "Put the sample into another store, say with VOICEADMIN_DATABASE_URL=sqlite:///sample.sqlite."
        )


def _organization_ids(sample: Sequence[SampleOrganization]) -> tuple[dict[str, int], Tally]:
    """Find or make the organizations; our id of each by its name."""
    found = select(Organization.id, Organization.name).where(Organization.sample).order_by(Organization.id.desc())
    ids = {organization.name: organization.id for organization in db.session.execute(found)}
    missing = [Organization(name=one.name, sample=True) for one in sample if one.name not in ids]
    db.session.add_all(missing)
    db.session.flush()
    ids.update((organization.name, organization.id) for organization in missing)
    return ids, Tally(added=len(missing), unchanged=len(sample) - len(missing))


def _assistants(sample: Sequence[SampleOrganization], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    for organization in sample:
        for assistant in organization.assistants:
            yield asdict(assistant) | {
                "organization_id": ids[organization.name],
                "name_key": build_name_key(assistant.name),
            }


def _voices(sample: Sequence[SampleOrganization], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    for organization in sample:
        yield from (build_voice_columns(voice, ids[organization.name]) for voice in organization.voices)


def _put(table: type[Base], rows: Sequence[dict[str, Any]], more: Mapping[str, Any] = MappingProxyType({})) -> Tally:
    """Write those of the whole rows that the store does not have just like that, and with them some more columns."""
    columns: dict[str, Any] = dict(inspect(table).columns)
    if table is ClonedVoice:  # one that was archived here is compared as upstream tells of it
        told = func.coalesce(columns["upstream_status"], columns["status"], type_=columns["status"].type)
        columns["status"] = told.label("status")
    found = db.session.execute(
        select(*(columns[name] for name in rows[0])).where(columns["id"].in_([row["id"] for row in rows]))
    )
    stored = {row["id"]: dict(row) for row in found.mappings()}
    different = [row for row in rows if stored.get(row["id"]) != row]
    if different:
        db.session.execute(upsert_statement(table), [row | dict(more) for row in different])
    added = len(rows) - len(stored)
    return Tally(added=added, changed=len(different) - added, unchanged=len(rows) - len(different))


def _removed(statement: Delete) -> int:
    """Delete, and count the rows."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101  # tells the type checker
    return result.rowcount


def _kept() -> Iterator[KeptOrganization]:
    """Look at the sample organizations that are left, by id. No voice of the sample is left."""
    for organization in db.session.scalars(
        select(Organization).where(Organization.sample).order_by(Organization.id)
    ).all():
        voices = db.session.scalar(
            select(func.count()).select_from(ClonedVoice).where(ClonedVoice.organization_id == organization.id)
        )
        assistants = db.session.scalars(
            select(Assistant.id).where(Assistant.organization_id == organization.id).order_by(Assistant.id)
        ).all()
        of_sample = tuple(number for number in assistants if number in ASSISTANT_IDS)
        yield KeptOrganization(
            organization.id, organization.name, voices or 0, len(assistants) - len(of_sample), of_sample
        )


def _counted(count: int, word: str) -> str:
    """Put a count before its word, or nothing for none: "2 voices"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}" if count else ""
