"""Find out what a sync of a source of the platform would write. Writes nothing to the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, NamedTuple

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.errors import SourceRefused
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.listed_voices import Differences, compare_list
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.organizations import (
    AssistantPlan,
    OrganizationPlan,
    plan_assistants,
    plan_organization,
    plan_unnamed_assistants,
)
from voiceadmin.sources.actions.reading import PlatformSnapshot
from voiceadmin.sources.breaker import WITHHELD
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind, parse_ids
from voiceadmin.text import pluralize
from voiceadmin.voices.importing.actions import stage_changes
from voiceadmin.voices.importing.plain_records import AnyRecord
from voiceadmin.voices.importing.reading import read_response
from voiceadmin.voices.importing.records import ParsedRecord
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.types import Fault, ImportReport


class OwnerPlan(NamedTuple):
    """The organization of a source and its assistants, to be written in one transaction.

    Attributes:
        messages: why the result is not complete.
    """

    organization: OrganizationPlan
    assistants: AssistantPlan
    messages: Sequence[str]


class ListPlan(NamedTuple):
    """Which voices are listed. withheld: voices that the list lacks and that do not count as missing. message: why."""

    differences: Differences
    withheld: Sequence[int]
    message: str


class PlatformPlan(NamedTuple):
    """What a sync would write.

    Attributes:
        staged: the voices to add and to change.
        report: how many voices are added, changed and unchanged.
        faults: of the records that cannot be used.
        notes: why the end of the list of voices is not trusted.
    """

    owner: OwnerPlan
    staged: StagedChanges
    report: ImportReport
    faults: Sequence[Fault]
    notes: Sequence[str]
    listed: ListPlan

    @property
    def messages(self) -> list[str]:
        """Why the result is not complete, in the order in which a sync finds out."""
        own = [message for message in (describe_refused(self.report.refused), self.listed.message) if message]
        return [*self.notes, *self.owner.messages, *own]


def plan_platform(
    source_id: int,
    snapshot: PlatformSnapshot,
    known: Mapping[int, datetime | None],
    staged: StagedChanges,
    *,
    now: datetime,
) -> PlatformPlan:
    """Return what a sync would write.

    Args:
        source_id: the source.
        snapshot: what the platform lists.
        known: the voices of the source before the list was requested.
        staged: gets the voices to write.
        now: as for the sync.

    Raises:
        SourceRefused: if the sync would be refused.
        UnreadableInput: if the list of voices cannot be read to its end.
    """
    listed, notes = read_listed_ids(snapshot.voices)
    owner = plan_owner(require_source(source_id), snapshot)
    check_has_assistants(owner)
    db.session.rollback()
    faults: list[Fault] = []
    snapshot.voices.seek(0)
    report = stage_changes(snapshot.voices, owner.organization.id, staged, now=now, on_fault=faults.append)
    plan = plan_list(compare_list(known, listed), report.refused, is_whole=not notes)
    return PlatformPlan(owner, staged, report, faults, notes, plan)


def read_listed_ids(file: BinaryIO) -> tuple[set[int], list[str]]:
    """Return the ids of a list of voices, and what the response says besides: reasons not to trust its end."""
    notes: list[str] = []
    file.seek(0)
    ids = (_find_id(record) for record in read_response(file, notes.append))
    listed = {id for id in ids if id is not None}
    return listed, [f"Voices: {note}" for note in notes]


def _find_id(record: AnyRecord) -> int | None:
    """Return the id of a record, also of one that cannot be used otherwise; None if it has no valid id."""
    return record.given_id if isinstance(record, ParsedRecord) and record.row is None else record.id


def plan_owner(source: Source, snapshot: PlatformSnapshot) -> OwnerPlan:
    """Return the organization and the assistants to write.

    Raises:
        SourceRefused: if the key belongs to another organization than the source.
    """
    upstream = snapshot.upstream_organization
    organization = plan_organization(source, upstream.id, upstream.name)
    assistants = plan_assistants(snapshot.list_assistants(), organization.id, upstream.id)
    if source.kind == SourceKind.VOICEADMIN.value:
        assistants = plan_unnamed_assistants(parse_ids(source.assistant_ids))
    messages = [f"Assistants: {snapshot.assistants_message}"] if snapshot.assistants_message else []
    if assistants.skipped:
        messages.append(f"Skipped because of another organization: {pluralize(assistants.skipped, 'assistant')}.")
    return OwnerPlan(organization, assistants, messages)


def check_has_assistants(plan: OwnerPlan) -> None:
    """Raise SourceRefused if the organization has no assistants, neither here nor on the platform."""
    is_any_new = any(change.before is None for change in plan.assistants.changes)
    has_any = is_any_new or plan.assistants.owned_elsewhere
    if not has_any and find_assistant(plan.organization.id) is None:
        raise SourceRefused(
            "The organization has no assistants, so that its voices cannot be shown. Nothing was written."
        )


def find_assistant(organization_id: int | None) -> int | None:
    """Return the id of an assistant of an organization, None if it has none."""
    ids = select(Assistant.id).where(Assistant.organization_id == organization_id)
    return db.session.scalar(ids.order_by(Assistant.id).limit(1))


def describe_refused(refused: int) -> str:
    """Return what refused records mean, "" if there are none."""
    return f"{pluralize(refused, 'record')} could not be used, so that no voice counts as missing." if refused else ""


def plan_list(differences: Differences, refused: int, *, is_whole: bool) -> ListPlan:
    """Return which voices are listed. None counts as missing unless every record could be used.

    Args:
        differences: of the list.
        refused: number of records that could not be used.
        is_whole: whether the list was read to an end that is trusted.
    """
    if refused or not is_whole:
        return ListPlan(differences._replace(missing=()), differences.missing, "")
    if differences.is_suspicious:
        message = f"{pluralize(len(differences.missing), 'voice')} of {differences.known:,}: {WITHHELD}"
        return ListPlan(differences._replace(missing=()), differences.missing, message)
    return ListPlan(differences, (), "")
