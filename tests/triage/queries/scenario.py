"""Voices, findings and readers that the tests of the queue share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count, product
from typing import Any

from sqlalchemy import event

from tests.conftest import NOW, SHELL
from tests.factories import DAY, connect_provider, make_assistant, put_verdicts, put_voices, voice_row
from tests.source_rows import WITHHELD, make_source
from tests.triage.queries.model import HOUR, THRESHOLDS
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters, TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT


def list_open_reasons(**filters: Any) -> list[tuple[ObjectRef, list[str]]]:
    """Return the items of the whole queue, each with its reasons that are not muted."""
    items = list_queue(EVERYTHING, QueueFilters(**filters), THRESHOLDS, now=NOW).items
    return [(item.ref, [detail.finding.reason for detail in item.reasons if detail.mute is None]) for item in items]


_keys = count()


def acknowledge(*refs: ObjectRef, until: datetime | None = None) -> None:
    action = TriageAction.ACKNOWLEDGE if until is None else TriageAction.SNOOZE
    apply_action(
        EVERYTHING, ActionRequest(action, refs, f"mute {next(_keys)}", 0, until=until), THRESHOLDS, by=SHELL, now=NOW
    )


def update_voice(voice: VoiceRow, organization: Organization, **fields: Any) -> None:
    """Store a voice as a later import from upstream does."""
    row = build_voice_columns(voice._replace(**fields), organization.id) | {"upstream_changed_at": NOW - HOUR}
    with write_transaction():
        db.session.execute(upsert_statement(ClonedVoice), [row])


def ref_of(item: VoiceRow | Assistant) -> ObjectRef:
    return ObjectRef(ASSISTANT if isinstance(item, Assistant) else VOICE, item.id)


SOURCES_WITH_FINDINGS: list[dict[str, Any]] = [
    {"account_changed_at": NOW - DAY},
    {"failing_since": NOW - DAY, "failure": "The key is not valid."},
    {"failing_since": NOW - DAY, "withheld": WITHHELD},
    {"nearly_full_since": NOW - DAY},
    {"orphan_count": 2, "orphans_since": NOW - DAY},
]
POOR = {"quality_score": 0.5, "synthesis_count": 1, "last_used_at": NOW, "created_at": NOW - DAY}
USED = {"synthesis_count": 1, "created_at": NOW - 90 * DAY}


@contextmanager
def record_statements() -> Iterator[list[tuple[str, Any]]]:
    """Record the statements that are executed inside the block, with their values."""
    seen: list[tuple[str, Any]] = []

    def record(*args: Any) -> None:
        if not args[2].startswith("BEGIN"):
            seen.append((args[2], args[3]))

    engine = db.engine
    db.session.rollback()
    event.listen(engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", record)


def make_findings(organization: Organization, number: int) -> None:
    """Create this number of objects for each reason, each with no other reason."""
    old = {"created_at": NOW - 90 * DAY}
    kinds: list[dict[str, Any]] = [
        {"status": FAILED},
        {"status": PROCESSING, **old},
        POOR,
        {**USED, "last_used_at": NOW - 70 * DAY},
        old,
        {"status": ARCHIVED, "provider_voice_id": "pv"},
    ]
    put_voices(organization, [voice_row(**kind) for kind, _ in product(kinds, range(number))])
    references = [f"twin{index // 2}" for index in range(2 * number)]
    put_voices(organization, [voice_row(provider_voice_id=reference, created_at=NOW) for reference in references])
    verdicts = [(voice_row(created_at=NOW), verdict) for verdict, _ in product(("missing", "broken"), range(number))]
    put_voices(organization, [row for row, _ in verdicts])
    connect_provider(read_at=NOW)
    put_verdicts({row.id: verdict for row, verdict in verdicts}, since=NOW - DAY)
    for _ in range(number):
        make_assistant(organization, tts_provider="elevenlabs", tts_voice_id="pv")
        for source in SOURCES_WITH_FINDINGS:
            make_source(organization, kind="cartesia", **source)  # the lists of the voices stay current
