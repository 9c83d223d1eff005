"""The triage queue: equality with a model in plain Python, cost, and query plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from sqlalchemy import delete

from tests.conftest import NOW
from tests.factories import make_assistant, make_organization, make_voice
from tests.triage.queries.model import (
    EXAMPLES,
    FILTERS,
    ITEMS,
    SCOPES,
    SLUGS,
    SMALL_SCOPES,
    THRESHOLDS,
    ModelItem,
    QueueModel,
    small_scope,
)
from tests.triage.queries.scenario import make_findings, record_statements
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.queries.counts import count_queue, summarize
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.queue import list_queue, list_queue_refs
from voiceadmin.triage.rules import RULES
from voiceadmin.triage.types import AttentionSummary, QueueCursor, QueueFilters
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT


def pages(scope: Scope, filters: QueueFilters) -> Iterator[list[ObjectRef]]:
    """Yield every page of a queue, following the cursors."""
    after: QueueCursor | None = None
    while True:
        queue = list_queue(scope, replace(filters, after=after), THRESHOLDS, now=NOW)
        yield [item.ref for item in queue.items]
        if queue.next is None:
            return
        after = QueueCursor.parse(str(queue.next))
        assert after == queue.next


@EXAMPLES
@given(items=ITEMS, scope=SCOPES, drawn=FILTERS, limit=SMALL_SCOPES)
def test_the_queue_equals_the_model(
    model: QueueModel, items: list[ModelItem], scope: tuple[int, ...] | None, drawn: QueueFilters, limit: int
) -> None:
    model.fill(items)
    seen, filters = model.scope(scope), model.filters(drawn)
    expected = model.queue(scope, drawn)

    with small_scope(limit):
        found = list(pages(seen, filters))

    assert [ref for page in found for ref in page] == expected
    assert all(len(page) == filters.size for page in found[:-1])
    assert list_queue_refs(seen, filters, THRESHOLDS, now=NOW, limit=100) == expected
    assert list_queue_refs(seen, filters, THRESHOLDS, now=NOW, limit=2) == expected[:2]


def test_pages_continue_after_findings_with_an_unknown_start(acme: Organization) -> None:
    settings = {"tts_provider": "resemble", "tts_voice_id": "gone"}
    removed = make_voice(acme, provider="resemble", provider_voice_id="gone")
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == removed.id))
    make_voice(acme, status=FAILED, provider="resemble", provider_voice_id="failed")
    without_time = [make_assistant(acme, **settings).id for _ in range(3)]
    with_time = make_assistant(acme, tts_provider="resemble", tts_voice_id="failed").id

    found = list(pages(EVERYTHING, QueueFilters(reasons=("assistant-unready",), size=1)))

    assert found == [[ObjectRef(ASSISTANT, id)] for id in [*sorted(without_time), with_time]]
    assert summarize(EVERYTHING, THRESHOLDS, now=NOW).oldest["assistant-unready"] is None


def test_an_empty_scope_has_an_empty_queue(acme: Organization) -> None:
    make_voice(acme, status=FAILED)

    assert list_queue(NOTHING, QueueFilters(), THRESHOLDS, now=NOW).items == []
    assert summarize(NOTHING, THRESHOLDS, now=NOW) == AttentionSummary(dict.fromkeys(SLUGS, 0), dict.fromkeys(SLUGS), 0)


@pytest.mark.parametrize(("scope", "more"), [(None, 0), (0, 1)], ids=["all organizations", "one organization"])
def test_the_number_of_statements_does_not_depend_on_the_number_of_items(
    acme: Organization, scope: int | None, more: int
) -> None:
    seen_by = EVERYTHING if scope is None else Scope(frozenset({acme.id}))
    queries: dict[str, Callable[[], Any]] = {
        "queue": lambda: list_queue(seen_by, QueueFilters(size=500), THRESHOLDS, now=NOW),
        "count": lambda: count_queue(seen_by, THRESHOLDS, now=NOW, limit=500),
        "summary": lambda: summarize(seen_by, THRESHOLDS, now=NOW),
        "reasons": lambda: find_findings([ObjectRef(VOICE, 1), ObjectRef(ASSISTANT, 1)], THRESHOLDS, now=NOW),
    }
    counts = []
    for size in (1, 24):
        make_findings(acme, size)
        found = {}
        for name, query in queries.items():
            with record_statements() as seen:
                query()
            found[name] = len(seen)
        counts.append(found)
    items = list_queue(seen_by, QueueFilters(size=500), THRESHOLDS, now=NOW).items

    assert len(items) == 15 * 25
    # One for each rule, then voices, assistants, their voices, sources, their slots, assignees, mutes and findings.
    few, many = counts
    assert few == {
        "queue": len(RULES) + 10 + more,
        "count": len(RULES) + more,
        "summary": len(RULES) - 1 + 2 + 2 * more,  # none for a reason without findings: deletions are all confirmed
        "reasons": 2,
    }
    assert many == few | {"summary": many["summary"]}
    assert many["summary"] <= few["summary"]  # it stops at a hundred findings


def explain(statements: Sequence[tuple[str, Any]]) -> list[str]:
    """Return the query plan steps of SQLite."""
    driver: Any = db.session.connection().connection.driver_connection
    return [row[3] for sql, values in statements for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


INDEXES = {
    "assistant-unready": "ix_assistant_unready_since",
    "failed": "ix_queue_failed",
    "stuck": "ix_queue_stuck",
    "poor": "ix_queue_poor",
    "unused": "ix_queue_unused",
    "never-used": "ix_queue_never",
}


def test_sqlite_scans_only_the_index_of_each_rule(sqlite_app: Flask) -> None:
    make_findings(make_organization(), 3)
    for query in (
        lambda: count_queue(EVERYTHING, THRESHOLDS, now=NOW),
        lambda: summarize(EVERYTHING, THRESHOLDS, now=NOW),
        lambda: list_queue_refs(EVERYTHING, QueueFilters(), THRESHOLDS, now=NOW, limit=100),
    ):
        with record_statements() as seen:
            query()
        found = explain(seen)
        for index in INDEXES.values():
            assert [
                step
                for step in found
                if re.fullmatch(rf"(SCAN|SEARCH) (voice|assistant) USING .*INDEX {index}\b.*", step)
            ]
        scans = {step for step in found if step.startswith(("SCAN voice", "SCAN cloned_voice", "SCAN twin"))}
        assert not [step for step in scans if step.rpartition(" ")[2] not in INDEXES.values()]
        assert not [step for step in found if step.endswith("(organization_id=?)")]  # all voices of an organization


@pytest.mark.parametrize("reason", INDEXES)
def test_sqlite_reads_a_page_of_one_reason_in_index_order(sqlite_app: Flask, reason: str) -> None:
    make_findings(make_organization(), 3)

    with record_statements() as seen:
        list_queue_refs(EVERYTHING, QueueFilters(reasons=(reason,)), THRESHOLDS, now=NOW, limit=100)

    found = explain(seen)
    assert INDEXES[reason] in found[0]
    assert not [step for step in found if "TEMP B-TREE" in step]


def test_the_queue_and_its_count_read_no_voices_to_find_unready_assistants(acme: Organization) -> None:
    make_findings(acme, 3)

    with record_statements() as seen:
        count_queue(EVERYTHING, THRESHOLDS, now=NOW)
        list_queue_refs(EVERYTHING, QueueFilters(), THRESHOLDS, now=NOW, limit=100)

    found = [sql for sql, _ in seen if "FROM assistant" in sql]
    assert len(found) == 2
    assert [sql for sql in found if "cloned_voice" in sql] == []
