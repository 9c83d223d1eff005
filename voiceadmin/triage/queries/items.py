"""Read what a page shows about voices, assistants and sources: findings with their evidence, mutes and assignees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, text

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.sources import read_queue_sources
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Evidence
from voiceadmin.triage.types import (
    Assignee,
    Finding,
    MuteRow,
    QueueAssistant,
    QueueItem,
    QueueSource,
    ReasonDetail,
    TriageAction,
)
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.usage import find_voices_of_assistants

Mutes = Mapping[tuple[ObjectRef, str], tuple[str, MuteRow]]  # by object and reason: the fingerprint and the mute


class _Object(NamedTuple):
    """An object that exists.

    Attributes:
        organization_id, organization_name: None for a source of the platform.
        voice: that of an assistant; None if it no longer exists.
    """

    organization_id: int | None
    organization_name: str | None
    voice: VoiceRow | None = None
    assistant: QueueAssistant | None = None
    source: QueueSource | None = None


# As text, because SQLAlchemy takes longer to compare a statement with those that it has compiled than to execute it.
_VOICES = (
    text(
        f"SELECT voice.organization_id, organization.name, {', '.join(f'voice.{name}' for name in VoiceRow._fields)}"
        " FROM cloned_voice AS voice JOIN organization ON organization.id = voice.organization_id"
        " WHERE voice.id IN :ids"
    )
    .bindparams(bindparam("ids", expanding=True))
    .columns(ClonedVoice.organization_id, Organization.name, *(getattr(ClonedVoice, name) for name in VoiceRow._fields))
)


_ASSISTANTS = (
    "SELECT assistant.organization_id, organization.name, assistant.id, assistant.name, assistant.tts_provider"
    " FROM assistant JOIN organization ON organization.id = assistant.organization_id WHERE assistant.id IN :ids"
)


_ASSIGNEES = (
    "SELECT assignment.object_kind, assignment.object_id, account.id, account.email"
    " FROM assignment JOIN account ON account.id = assignment.account_id WHERE assignment.object_id IN :ids"
)


_MUTES = (
    "SELECT object_kind, object_id, reason, fingerprint, kind, until, muted_at, muted_by FROM mute"
    " WHERE object_id IN :ids AND (until IS NULL OR until > :now)"
)


def list_queue_items(refs: Sequence[ObjectRef], thresholds: AttentionThresholds, *, now: datetime) -> list[QueueItem]:
    """Return these objects as the queue shows them, with or without findings. Missing ones are left out.

    The caller has checked that the requester may see these objects.
    """
    objects = _read_voices(refs) | _read_assistants(refs) | _read_sources(refs)
    assignees, mutes = _read_assignees(refs), _read_mutes(refs, now)
    findings = find_findings(refs, thresholds, now=now)
    items = []
    for ref in refs:
        if ref in objects:
            organization_id, organization_name, voice, assistant, source = objects[ref]
            evidence = (Evidence(finding, voice, thresholds, now, source) for finding in findings[ref])
            reasons = tuple(_detail(one, mutes) for one in evidence)
            owner = (organization_id, organization_name)
            items.append(QueueItem(ref, *owner, reasons, voice, assistant, assignees.get(ref), source))
    return items


def _read_voices(refs: Sequence[ObjectRef]) -> dict[ObjectRef, _Object]:
    ids = _ids(refs, ObjectKind.VOICE)
    objects = {}
    for organization_id, organization_name, *values in db.session.execute(_VOICES, {"ids": ids}) if ids else ():
        voice = VoiceRow._make(values)
        objects[ObjectRef(ObjectKind.VOICE, voice.id)] = _Object(organization_id, organization_name, voice)
    return objects


def _read_assistants(refs: Sequence[ObjectRef]) -> dict[ObjectRef, _Object]:
    ids = _ids(refs, ObjectKind.ASSISTANT)
    voices, objects = find_voices_of_assistants(ids), {}
    for organization_id, organization_name, *values in fetch_all(_ASSISTANTS, {"ids": ids}) if ids else ():
        assistant = QueueAssistant._make(values)
        voice = voices.get(assistant.id)
        objects[ObjectRef(ObjectKind.ASSISTANT, assistant.id)] = _Object(
            organization_id, organization_name, voice, assistant
        )
    return objects


def _read_sources(refs: Sequence[ObjectRef]) -> dict[ObjectRef, _Object]:
    return {
        ObjectRef(ObjectKind.SOURCE, source.id): _Object(organization_id, organization_name, source=source)
        for organization_id, organization_name, source in read_queue_sources(_ids(refs, ObjectKind.SOURCE))
    }


def _ids(refs: Sequence[ObjectRef], kind: ObjectKind) -> list[int]:
    return [ref.id for ref in refs if ref.kind is kind]


def _read_assignees(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Assignee]:
    return {
        ObjectRef(ObjectKind(kind), object_id): Assignee(account_id, email)
        for kind, object_id, account_id, email in fetch_all(_ASSIGNEES, {"ids": [ref.id for ref in refs]})
    }


def _read_mutes(refs: Sequence[ObjectRef], now: datetime) -> Mutes:
    rows = fetch_all(_MUTES, {"ids": [ref.id for ref in refs], "now": now})
    return {
        (ObjectRef(ObjectKind(kind), object_id), reason): (
            fingerprint,
            MuteRow(TriageAction(action), parse_timestamp(until), parse_timestamp(muted_at), muted_by),
        )
        for kind, object_id, reason, fingerprint, action, until, muted_at, muted_by in rows
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
