"""Write the changes of an import to the database, each batch with its audit events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from voiceadmin.audit.actions import Facts, record_event, record_events
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.history.actions.recording import record_voice_days
from voiceadmin.identity import Actor
from voiceadmin.organizations.models import Assistant
from voiceadmin.voices.importing.checking import Change
from voiceadmin.voices.json_body import value_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import WRITTEN_COLUMNS, build_voice_values
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


class ImportRun(NamedTuple):
    """One import whose records are all valid or skipped.

    Attributes:
        assistant_id: the assistant that was named.
        organization_id: the organization that gets the voices.
        counts: of the added, changed and unchanged records, for the audit event.
    """

    assistant_id: int
    organization_id: int
    counts: dict[str, int]
    by: Actor
    now: datetime


def write_changes(run: ImportRun, changes: Sequence[Change]) -> None:
    """Insert or update voices, and record an audit event for each existing one. Call inside a write transaction."""
    values = [(*build_voice_values(change.after, run.organization_id), run.now) for change in changes]
    upsert_rows(ClonedVoice, (*WRITTEN_COLUMNS, "upstream_changed_at"), values)
    record_voice_days([change.after.id for change in changes if _has_use_changed(change)], now=run.now)
    events = (
        _describe_change(change.before, change.after, run.organization_id)
        for change in changes
        if change.before is not None
    )
    record_events(AuditEventType.VOICE_CHANGED, events, by=run.by, now=run.now, note="import")


def _has_use_changed(change: Change) -> bool:
    """Return whether a change belongs into the history: a new voice, or other syntheses, status or score."""
    return change.before is None or _read_use(change.before) != _read_use(change.after)


def _read_use(voice: VoiceRow) -> tuple[int, VoiceStatus, float | None]:
    return voice.synthesis_count, voice.status, voice.quality_score


def _describe_change(before: VoiceRow, after: VoiceRow, organization_id: int) -> tuple[AuditTarget, int, Facts, Facts]:
    """Return the audit event of a changed voice: target, organization, and the fields that differ, before and after."""
    changed = [values for values in zip(VoiceRow._fields, before, after, strict=True) if values[1] != values[2]]
    voice = AuditTarget(ObjectKind.VOICE, after.id, after.name)
    old = {name: value_to_json(value) for name, value, _ in changed}
    new = {name: value_to_json(value) for name, _, value in changed}
    return voice, organization_id, old, new


def record_import(run: ImportRun) -> None:
    """Record the audit event of the whole import. Call inside a write transaction."""
    assistant = db.session.get_one(Assistant, run.assistant_id)
    record_event(
        AuditEventType.VOICES_IMPORTED,
        AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name),
        by=run.by,
        now=run.now,
        organizations=[run.organization_id],
        after=run.counts,
    )
