"""What needs a person, as programs are answered: counts by reason, and a page of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, union

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Assistant
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import encode_json
from voiceadmin.triage.queries.queue import line_record, list_queue
from voiceadmin.triage.types import Line, QueueFilters
from voiceadmin.voices.models import VoiceStats


def attention_answer(
    scope: Scope, filters: QueueFilters, counts: Mapping[str, int], limits: AttentionThresholds, *, now: datetime
) -> bytes:
    """The body of the JSON route: counts by reason, whichever of them are listed, and a page of the queue.

    counts: under the same filters, as `count_reasons` counts them.
    """
    queue = list_queue(scope, filters, limits, now=now)
    return encode_json(
        {
            "success": True,
            "counts": dict(counts),
            "items": [item_record(line) for line in queue.lines],
            "next": None if queue.next is None else str(queue.next),
        }
    )


def own_providers(scope: Scope) -> list[str]:
    """The providers of the voices and assistants of a scope, in one statement."""
    stored: Any = union(
        select(VoiceStats.provider).where(restrict_to_scope(scope, VoiceStats.organization_id)),
        select(Assistant.tts_provider).where(
            restrict_to_scope(scope, Assistant.organization_id), Assistant.tts_provider != ""
        ),
    )
    return sorted(db.session.scalars(stored))


def item_record(line: Line) -> dict[str, Any]:
    """A line of the queue as an answer has it.

    Without the reasons that were acknowledged or snoozed, which are not counted
    either, and without sentences: the ages in them would make another answer every minute.
    """
    record = line_record(replace(line, reasons=[why for why in line.reasons if why.mute is None]))
    for reason in record["reasons"]:
        del reason["evidence"]
    return record
