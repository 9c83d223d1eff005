"""Read what a page shows about voices and assistants: findings with their evidence, mutes and assignees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.organizations.queries import build_assistant_row, select_assistants
from voiceadmin.organizations.types import AssistantRow
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Evidence
from voiceadmin.triage.types import Assignee, Finding, MuteRow, QueueItem, ReasonDetail, TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.usage import find_voices_of_assistants

Mutes = Mapping[tuple[ObjectRef, str], tuple[str, MuteRow]]  # by object and reason: the fingerprint and the mute


@dataclass(frozen=True, slots=True)
class _Objects:
    """The voices and assistants that exist.

    Attributes:
        voices: by id, each with the id of its organization.
        assistants: by id.
        voices_of_assistants: the voice that each assistant uses.
        organization_names: by id.
    """

    voices: Mapping[int, tuple[VoiceRow, int]]
    assistants: Mapping[int, AssistantRow]
    voices_of_assistants: Mapping[int, VoiceRow]
    organization_names: Mapping[int, str]

    def describe(self, ref: ObjectRef) -> tuple[VoiceRow | None, AssistantRow | None, int] | None:
        """Return the voice and the assistant of an item and the id of their organization, None for a missing object."""
        if ref.kind is ObjectKind.VOICE:
            voice, organization_id = self.voices.get(ref.id, (None, 0))
            return None if voice is None else (voice, None, organization_id)
        assistant = self.assistants.get(ref.id)
        if assistant is None:
            return None
        return self.voices_of_assistants.get(ref.id), assistant, assistant.organization.id


def list_queue_items(refs: Sequence[ObjectRef], thresholds: AttentionThresholds, *, now: datetime) -> list[QueueItem]:
    """Return these voices and assistants as the queue shows them, with or without findings. Missing ones are left out.

    The caller has checked that the requester may see these objects.
    """
    objects = _read_objects(refs)
    assignees, mutes = _read_assignees(refs), _read_mutes(refs, now)
    findings = find_findings(refs, thresholds, now=now)
    items = []
    for ref in refs:
        described = objects.describe(ref)
        if described is None:
            continue
        voice, assistant, organization_id = described
        reasons = [_detail(Evidence(finding, voice, thresholds, now), mutes) for finding in findings[ref]]
        name = objects.organization_names[organization_id]
        items.append(QueueItem(ref, organization_id, name, reasons, voice, assistant, assignees.get(ref)))
    return items


def _read_objects(refs: Sequence[ObjectRef]) -> _Objects:
    voices = _read_voices([ref.id for ref in refs if ref.kind is ObjectKind.VOICE])
    assistants = _read_assistants([ref.id for ref in refs if ref.kind is ObjectKind.ASSISTANT])
    organizations = {organization_id for _, organization_id in voices.values()}
    organizations |= {assistant.organization.id for assistant in assistants.values()}
    voices_of_assistants = find_voices_of_assistants(list(assistants.values()))
    return _Objects(voices, assistants, voices_of_assistants, _read_organization_names(organizations))


def _read_voices(ids: Sequence[int]) -> dict[int, tuple[VoiceRow, int]]:
    if not ids:
        return {}
    rows = db.session.execute(select(*VOICE_COLUMNS, ClonedVoice.organization_id).where(ClonedVoice.id.in_(ids)))
    return {row.id: (build_voice_row(row), row.organization_id) for row in rows.all()}


def _read_assistants(ids: Sequence[int]) -> dict[int, AssistantRow]:
    if not ids:
        return {}
    rows = db.session.execute(select_assistants().where(Assistant.id.in_(ids))).all()
    return {row.id: row for row in map(build_assistant_row, rows)}


def _read_organization_names(ids: Iterable[int]) -> dict[int, str]:
    statement = select(Organization.id, Organization.name).where(Organization.id.in_(sorted(ids)))
    return {row.id: row.name for row in db.session.execute(statement)}


def _read_assignees(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Assignee]:
    rows = db.session.execute(
        select(Assignment.object_kind, Assignment.object_id, Account.id, Account.email)
        .join_from(Assignment, Account, Account.id == Assignment.account_id)
        .where(Assignment.object_id.in_({ref.id for ref in refs}))
    )
    return {
        ObjectRef(ObjectKind(kind), object_id): Assignee(account_id, email)
        for kind, object_id, account_id, email in rows
    }


def _read_mutes(refs: Sequence[ObjectRef], now: datetime) -> Mutes:
    rows = db.session.scalars(select(Mute).where(Mute.object_id.in_({ref.id for ref in refs})))
    return {
        (ObjectRef(ObjectKind(row.object_kind), row.object_id), row.reason): (
            row.fingerprint,
            MuteRow(TriageAction(row.kind), row.until, row.muted_at, row.muted_by),
        )
        for row in rows
        if row.until is None or row.until > now
    }


def _detail(evidence: Evidence, mutes: Mutes) -> ReasonDetail:
    finding = evidence.finding
    rule = RULES_BY_SLUG[finding.reason]
    return ReasonDetail(
        finding,
        rule.label,
        rule.severity,
        rule.describe(evidence),
        rule.remedy,
        _find_mute(finding, mutes),
    )


def _find_mute(finding: Finding, mutes: Mutes) -> MuteRow | None:
    fingerprint, mute = mutes.get((finding.ref, finding.reason), (None, None))
    return mute if fingerprint == finding.fingerprint else None
