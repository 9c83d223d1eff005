"""Export of the triage queue."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import delete

from tests.conftest import NOW
from tests.factories import DAY, make_assistant, make_voice, put_voices, voice_row
from tests.strategies import HOSTILE
from tests.triage.queries.model import MINUTE, THRESHOLDS
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat, escape_formula
from voiceadmin.triage.queries import export
from voiceadmin.triage.queries.export import FIELDS, export_queue
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus


@pytest.fixture
def hostile(acme: Organization) -> list[str]:
    """Return the hostile names of failed voices, in the order of the queue."""
    put_voices(
        acme,
        [
            voice_row(name=name, status=FAILED, created_at=NOW - DAY + number * MINUTE, provider="=cmd")
            for number, name in enumerate(HOSTILE)
        ],
    )
    return HOSTILE


def export_text(format: ExportFormat, **filters: Any) -> str:
    return "".join(export_queue(EVERYTHING, QueueFilters(**filters), THRESHOLDS, format, now=NOW))


def test_a_json_export_contains_the_queue_in_order(hostile: list[str]) -> None:
    records = json.loads(export_text(ExportFormat.JSON))

    assert [record["name"] for record in records] == hostile
    assert [list(record) for record in records] == [list(FIELDS)] * len(hostile)
    assert [json.loads(item) for item in export_text(ExportFormat.NDJSON).split("\n") if item] == records
    first = records[0]
    assert first["reasons"] == [
        {
            "reason": "failed",
            "severity": "high",
            "since": "2026-11-21T14:00:00Z",
            "evidence": "Cloning failed at =cmd yesterday.",
            "remedy": "Clone the voice again with better samples, or archive it.",
        }
    ]
    assert {**first, "id": 0, "organization_id": 0, "voice_id": 0, "reasons": 0} == {
        "kind": "voice",
        "id": 0,
        "name": "",
        "organization_id": 0,
        "organization": "Acme",
        "provider": "=cmd",
        "voice_id": 0,
        "voice_name": "",
        "voice_status": "failed",
        "reason": "failed",
        "severity": "high",
        "since": "2026-11-21T14:00:00Z",
        "assignee": None,
        "reasons": 0,
    }


def test_a_csv_export_contains_no_formula(hostile: list[str]) -> None:
    head, *rows = csv.reader(io.StringIO(export_text(ExportFormat.CSV), newline=""))

    assert head == list(FIELDS)
    assert [row[head.index("name")] for row in rows] == [escape_formula(name) for name in hostile]
    assert {row[head.index("provider")] for row in rows} == {"'=cmd"}
    assert all(json.loads(row[head.index("reasons")])[0]["reason"] == "failed" for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]


def test_an_assistant_whose_voice_is_gone_is_exported(acme: Organization) -> None:
    voice = make_voice(acme, provider_voice_id="pv")
    assistant = make_assistant(acme, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv")
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == voice.id))

    (record,) = json.loads(export_text(ExportFormat.JSON))

    assert (record["kind"], record["id"], record["name"], record["provider"]) == (
        *("assistant", assistant.id, "Front desk", "elevenlabs"),
    )
    assert (record["voice_id"], record["voice_name"], record["voice_status"], record["since"]) == (None,) * 4
    assert record["severity"] == "critical"


def test_an_export_ignores_the_cursor_and_the_page_size(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 3)
    ids = [make_voice(acme, status=FAILED).id for _ in range(7)]
    make_voice(acme)
    cursor = list_queue(EVERYTHING, QueueFilters(size=2), THRESHOLDS, now=NOW).next

    records = json.loads(export_text(ExportFormat.JSON, reasons=("failed",), after=cursor, size=2))

    assert [record["id"] for record in records] == ids
    assert json.loads(export_text(ExportFormat.JSON, reasons=("stuck",))) == []
