"""The response body of the attention API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import fetch_all
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.tabular import encode_json
from voiceadmin.totals.queries import HAS_VOICES
from voiceadmin.triage.queries.export import build_item_record
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.rules.rule import PLATFORM_KINDS
from voiceadmin.triage.types import QueueFilters, QueueItem


def build_attention_body(
    scope: Scope, filters: QueueFilters, counts: Mapping[str, int], thresholds: AttentionThresholds, *, now: datetime
) -> bytes:
    """Return the response body: counts by reason, and a page of the queue.

    Args:
        scope: the organizations visible to the requester.
        filters: of the items.
        counts: under the same filters, as `count_reasons` returns them.
        thresholds: of the rules.
        now: the current time.
    """
    queue = list_queue(scope, filters, thresholds, now=now)
    return encode_json(
        {
            "success": True,
            "counts": dict(counts),
            "items": [build_api_item(item) for item in queue.items],
            "next": None if queue.next is None else str(queue.next),
        }
    )


def list_providers_in_scope(scope: Scope) -> list[str]:
    """Return the providers of the voices, assistants and sources of a scope, in one statement."""
    is_in_scope = scope_sql(scope, "organization_id")
    rows = fetch_all(
        f"SELECT provider FROM provider_totals WHERE {is_in_scope} AND {HAS_VOICES} UNION"
        f" SELECT tts_provider FROM assistant WHERE {is_in_scope} AND tts_provider <> '' UNION"
        f" SELECT kind FROM source WHERE {is_in_scope} AND kind NOT IN ({PLATFORM_KINDS})",
        scope_parameters(scope),
    )
    return sorted(row[0] for row in rows)


def build_api_item(item: QueueItem) -> dict[str, Any]:
    """Return an item of the queue as the API shows it.

    Muted reasons are left out, as they are from the counts. So is the evidence: the ages in it would change the body,
    and with it the ETag, every minute.
    """
    record = build_item_record(replace(item, reasons=tuple(reason for reason in item.reasons if reason.mute is None)))
    for reason in record["reasons"]:
        del reason["evidence"]
    return record
