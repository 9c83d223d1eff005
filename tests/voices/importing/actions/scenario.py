"""Imports and readers that the tests of importing share."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from tests.conftest import NOW, SHELL
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.identity import Role, anonymous_requester
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.rows import VoiceRow

ASSISTANT_ID = 31
TARGET = ImportTarget(ASSISTANT_ID)


def lines(rows: Iterable[Any]) -> bytes:
    """Return voices or raw records as NDJSON."""
    records = (voice_to_json(row) if isinstance(row, VoiceRow) else row for row in rows)
    return "".join(json.dumps(record) + "\n" for record in records).encode() or b"[]"


def run_import(data: bytes, target: ImportTarget = TARGET, **options: Any) -> tuple[ImportReport, list[str]]:
    """Import a file. Return the report and every fault as text."""
    faults: list[str] = []
    report = import_voices(
        io.BytesIO(data), target, by=SHELL, now=NOW, on_fault=lambda fault: faults.append(str(fault)), **options
    )
    return report, faults


def outcomes(report: ImportReport) -> tuple[int, int, int, int]:
    """Return the counts of added, changed, unchanged and refused records."""
    return report.added, report.changed, report.unchanged, report.refused


def list_stored_voices() -> list[VoiceRow]:
    """Return all stored voices, by id."""
    db.session.rollback()
    return [build_voice_row(row) for row in db.session.execute(select(*VOICE_COLUMNS).order_by(ClonedVoice.id))]


def dump() -> list[list[Any]]:
    """Return all stored rows, revisions included."""
    db.session.rollback()
    tables = [db.metadata.tables[table] for table in ("organization", "assistant", "cloned_voice")]
    return [list(db.session.execute(select(table).order_by(table.c.id))) for table in tables]


def load_assistant() -> Assistant:
    """Return the assistant that the tests import for."""
    db.session.rollback()
    return db.session.get_one(Assistant, ASSISTANT_ID)


def organization_names() -> list[str]:
    """Return the names of all organizations, in the order of creation."""
    return list(db.session.scalars(select(Organization.name).order_by(Organization.id)))


BAD = {"id": "x", "name": 5}


def list_events() -> list[AuditEventRow]:
    """Return all audit events, oldest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]
