"""Add the sample data to the database, and remove it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Delete, delete, exists, func, inspect, or_, select

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import acquire_advisory_lock, execute_and_count, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import SampleRefused
from voiceadmin.history.actions.recording import record_voice_days
from voiceadmin.identity import Actor
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, Organization, OrganizationMerge
from voiceadmin.sample.data import ASSISTANT_IDS, VOICE_IDS, SampleOrganization, generate_sample
from voiceadmin.text import build_name_key, pluralize
from voiceadmin.voices.importing.actions import write_transaction_without_import
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns

SAMPLE = AuditTarget(ObjectKind.DATABASE, None, "sample data")


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """Number of organizations, assistants or voices of the sample by outcome. kept: not removed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: int = 0

    def __str__(self) -> str:
        """Return the counts above zero, such as "2,497 changed, 3 unchanged"."""
        return ", ".join(f"{count:,} {outcome}" for outcome, count in asdict(self).items() if count) or "none"


@dataclass(frozen=True, slots=True)
class KeptOrganization:
    """A sample organization that was not removed, because it contains other data.

    Attributes:
        voices: how many voices the sample did not add.
        assistants: how many assistants the sample did not add.
        sample_assistants: ids of the sample's assistants that were kept, because the pages of the voices belong
            to assistants.
    """

    id: int
    name: str
    voices: int
    assistants: int
    sample_assistants: tuple[int, ...]

    def __str__(self) -> str:
        """Return a sentence with the reason."""
        counts = ((self.voices, "voice"), (self.assistants, "assistant"))
        others = " and ".join(pluralize(count, noun) for count, noun in counts if count)
        sentence = f"“{self.name}” was kept: it has {others} that the sample did not add."
        if not self.sample_assistants:
            return sentence
        ids = ", ".join(map(str, self.sample_assistants))
        return f"{sentence} So {'these assistants were' if ',' in ids else 'this assistant was'} kept too: {ids}."


@dataclass(frozen=True, slots=True)
class SampleReport:
    """The result of adding or removing the sample."""

    organizations: OutcomeCounts
    assistants: OutcomeCounts
    voices: OutcomeCounts
    kept: tuple[KeptOrganization, ...] = ()

    def __str__(self) -> str:
        """Return one line of sentences."""
        counts = f"Sample organizations: {self.organizations}. Assistants: {self.assistants}. Voices: {self.voices}."
        return " ".join([counts, *map(str, self.kept)])


def add_sample(as_of: datetime, *, by: Actor, now: datetime) -> SampleReport:
    """Add the sample for the UTC day of `as_of`, or update it. Equal rows are not written.

    Raises:
        SampleRefused: if an id of the sample is used outside the sample's organizations, or if there is no date three
            years before `as_of`. Nothing is written then.
    """
    day = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        sample = generate_sample(day)
    except OverflowError as error:
        raise SampleRefused(
            f"The sample covers three years, and no date is three years before {day.date()}. Choose a later time."
        ) from error
    with write_transaction():
        acquire_advisory_lock("import")
        _refuse_taken_ids()
        ids, organizations = _organization_ids(sample)
        lock_organizations(ids.values())
        report = SampleReport(
            organizations,
            assistants=_upsert_changed(Assistant, list(_assistant_values(sample, ids))),
            voices=_upsert_changed(ClonedVoice, list(_voice_values(sample, ids)), {"upstream_changed_at": now}),
        )
        counts = {"added": report.voices.added, "changed": report.voices.changed, "unchanged": report.voices.unchanged}
        record_event(AuditEventType.SAMPLE_ADDED, SAMPLE, by=by, now=now, organizations=set(ids.values()), after=counts)
        return report


def remove_sample(*, by: Actor, now: datetime) -> SampleReport:
    """Remove what `add_sample` added, and nothing else.

    A sample organization that contains other data is kept. It stays marked as sample, so that a later removal deletes
    it once it is empty. If it has other voices, the sample's assistants are kept too: voices are shown by assistant.

    Raises:
        ChangeRefused: if an import is running.
    """
    sample_ids = select(Organization.id).where(Organization.sample)
    has_voices = exists().where(ClonedVoice.organization_id == Assistant.organization_id)
    is_used = exists().where(ClonedVoice.organization_id == Organization.id) | exists().where(
        Assistant.organization_id == Organization.id
    )
    was_merged = exists().where(
        or_(OrganizationMerge.source_id == Organization.id, OrganizationMerge.target_id == Organization.id)
    )
    with write_transaction_without_import():
        ids = db.session.scalars(sample_ids).all()
        lock_organizations(ids)
        voices = _delete(
            delete(ClonedVoice).where(ClonedVoice.id.in_(VOICE_IDS), ClonedVoice.organization_id.in_(sample_ids))
        )
        assistants = _delete(
            delete(Assistant).where(
                Assistant.id.in_(ASSISTANT_IDS), Assistant.organization_id.in_(sample_ids), ~has_voices
            )
        )
        organizations = _delete(delete(Organization).where(Organization.sample, ~is_used, ~was_merged))
        kept = tuple(_kept_organizations())
        kept_assistants = sum(len(organization.sample_assistants) for organization in kept)
        facts = {"removed": voices}
        record_event(AuditEventType.SAMPLE_REMOVED, SAMPLE, by=by, now=now, organizations=ids, before=facts)
        return SampleReport(
            OutcomeCounts(removed=organizations, kept=len(kept)),
            OutcomeCounts(removed=assistants, kept=kept_assistants),
            OutcomeCounts(removed=voices),
            kept,
        )


def _refuse_taken_ids() -> None:
    """Raise SampleRefused if an id of the sample is used outside the sample's organizations."""
    voices = db.session.scalars(
        select(ClonedVoice.id).join(Organization).where(ClonedVoice.id.in_(VOICE_IDS), ~Organization.sample)
    ).all()
    assistants = db.session.scalars(
        select(Assistant.id).join(Organization).where(Assistant.id.in_(ASSISTANT_IDS), ~Organization.sample)
    ).all()
    taken = [f"assistant {id}" for id in sorted(assistants)] + [f"voice {id}" for id in sorted(voices)]
    if taken:
        listed = ", ".join(taken[:5]) + (f" and {len(taken) - 5:,} more" if len(taken) > 5 else "")
        raise SampleRefused(
            f"Other data in the database uses ids of the sample ({listed}). Nothing was written. "
            "Add the sample to another database, for example with VOICEADMIN_DATABASE_URL=sqlite:///sample.sqlite."
        )


def _organization_ids(sample: Sequence[SampleOrganization]) -> tuple[dict[str, int], OutcomeCounts]:
    """Find or create the organizations. Return their ids by name, and the counts."""
    is_sample = (Organization.sample, Organization.merged_into_id.is_(None))
    query = select(Organization.id, Organization.name).where(*is_sample).order_by(Organization.id.desc())
    ids = {organization.name: organization.id for organization in db.session.execute(query)}
    missing = [Organization(name=item.name, sample=True) for item in sample if item.name not in ids]
    db.session.add_all(missing)
    db.session.flush()
    ids.update((organization.name, organization.id) for organization in missing)
    return ids, OutcomeCounts(added=len(missing), unchanged=len(sample) - len(missing))


def _assistant_values(sample: Sequence[SampleOrganization], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    for organization in sample:
        for assistant in organization.assistants:
            yield asdict(assistant) | {
                "organization_id": ids[organization.name],
                "name_key": build_name_key(assistant.name),
            }


def _voice_values(sample: Sequence[SampleOrganization], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    for organization in sample:
        yield from (build_voice_columns(voice, ids[organization.name]) for voice in organization.voices)


def _upsert_changed(
    table: type[Base], rows: Sequence[dict[str, Any]], more: Mapping[str, Any] = MappingProxyType({})
) -> OutcomeCounts:
    """Write the rows that are new or differ from the stored ones. more: further columns, which are not compared."""
    columns: dict[str, Any] = dict(inspect(table).columns)
    if table is ClonedVoice:  # a voice that was archived here is compared by its upstream status
        status = func.coalesce(columns["upstream_status"], columns["status"], type_=columns["status"].type)
        columns["status"] = status.label("status")
    rows_found = db.session.execute(
        select(*(columns[name] for name in rows[0])).where(columns["id"].in_([row["id"] for row in rows]))
    )
    stored = {row["id"]: dict(row) for row in rows_found.mappings()}
    different = [row for row in rows if stored.get(row["id"]) != row]
    if different:
        db.session.execute(upsert_statement(table), [row | dict(more) for row in different])
    if table is ClonedVoice:
        record_voice_days([row["id"] for row in different], now=more["upstream_changed_at"])
    added = len(rows) - len(stored)
    return OutcomeCounts(added=added, changed=len(different) - added, unchanged=len(rows) - len(different))


def _delete(statement: Delete) -> int:
    """Execute the statement, and return the number of deleted rows."""
    return execute_and_count(statement.execution_options(synchronize_session=False))


def _kept_organizations() -> Iterator[KeptOrganization]:
    """Yield the remaining sample organizations, by id, after the voices of the sample were deleted."""
    for organization in db.session.scalars(
        select(Organization).where(Organization.sample, Organization.merged_into_id.is_(None)).order_by(Organization.id)
    ).all():
        voices = db.session.scalar(
            select(func.count()).select_from(ClonedVoice).where(ClonedVoice.organization_id == organization.id)
        )
        assistants = db.session.scalars(
            select(Assistant.id).where(Assistant.organization_id == organization.id).order_by(Assistant.id)
        ).all()
        kept = tuple(id for id in assistants if id in ASSISTANT_IDS)
        yield KeptOrganization(organization.id, organization.name, voices or 0, len(assistants) - len(kept), kept)
