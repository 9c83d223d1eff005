"""Muted findings: when they leave the queue and when they return."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.conftest import NOW
from tests.factories import DAY, make_assistant, make_voice
from tests.triage.queries.model import THRESHOLDS
from tests.triage.queries.scenario import POOR, USED, acknowledge, list_open_reasons, ref_of, update_voice
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.triage.queries.counts import count_queue, summarize
from voiceadmin.triage.queries.export import build_item_record
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus


@pytest.mark.parametrize(
    ("reason", "voice", "same", "between", "after"),
    [
        ("failed", {"status": FAILED}, {"name": "Another"}, {"status": READY, "synthesis_count": 1}, {}),
        (
            "stuck",
            {"status": PROCESSING},
            {"name": "Another"},
            {"status": READY, "synthesis_count": 1},
            {"status": PROCESSING},
        ),
        ("poor", POOR, {"synthesis_count": 2}, {"quality_score": 0.9}, {"quality_score": 0.6}),
        (
            "unused",
            {**USED, "last_used_at": NOW - 80 * DAY},
            {"synthesis_count": 2},
            {"last_used_at": NOW},
            {"last_used_at": NOW - 70 * DAY},
        ),
    ],
)
def test_an_acknowledged_reason_returns_when_it_occurs_again(
    acme: Organization,
    reason: str,
    voice: dict[str, Any],
    same: dict[str, Any],
    between: dict[str, Any],
    after: dict[str, Any],
) -> None:
    row = make_voice(acme, **voice)
    assert list_open_reasons() == [(ref_of(row), [reason])]

    acknowledge(ref_of(row))
    assert list_open_reasons() == []
    assert list_open_reasons(muted=True) == [(ref_of(row), [])]
    update_voice(row, acme, **same)
    assert list_open_reasons() == []
    update_voice(row, acme, **between)
    assert (list_open_reasons(), list_open_reasons(muted=True)) == ([], [])
    update_voice(row, acme, **after)
    assert list_open_reasons() == [(ref_of(row), [reason])]
    assert list_open_reasons(muted=True) == []


def test_an_acknowledged_assistant_returns_when_its_voice_changes_or_is_unready_again(acme: Organization) -> None:
    make_voice(acme, provider_voice_id="other", status=ARCHIVED, created_at=NOW - DAY)
    voice = make_voice(acme, provider_voice_id="pv", status=ARCHIVED, created_at=NOW - DAY)
    assistant = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="pv")
    alarm = [(ref_of(assistant), ["assistant-unready"])]

    acknowledge(ref_of(assistant))
    update_voice(voice, acme, name="Another")
    assert list_open_reasons() == []
    update_voice(voice, acme, status=READY)
    assert (list_open_reasons(), list_open_reasons(muted=True)) == ([], [])
    update_voice(voice, acme, status=ARCHIVED)
    assert list_open_reasons() == alarm
    acknowledge(ref_of(assistant))
    assert list_open_reasons() == []
    with write_transaction():
        db.session.execute(update(Assistant).values(tts_voice_id="other"))
    assert list_open_reasons() == alarm
    acknowledge(ref_of(assistant))
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.provider_voice_id == "other"))
    assert list_open_reasons() == alarm
    acknowledge(ref_of(assistant))
    assert list_open_reasons() == []


def test_acknowledged_duplicates_return_when_there_is_another_duplicate(acme: Organization) -> None:
    first, second = (make_voice(acme, provider_voice_id="x", created_at=NOW) for _ in range(2))
    acknowledge(ref_of(first), ref_of(second))
    assert list_open_reasons() == []

    third = make_voice(acme, provider_voice_id="x", created_at=NOW)

    assert list_open_reasons() == [(ref_of(voice), ["duplicate"]) for voice in (first, second, third)]


def test_a_snoozed_reason_returns_at_the_end_of_the_snooze(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED)
    acknowledge(ref_of(voice), until=NOW + DAY)

    times = [NOW, NOW + DAY - timedelta(microseconds=1), NOW + DAY]
    assert [count_queue(EVERYTHING, THRESHOLDS, now=time) for time in times] == [0, 0, 1]
    assert [summarize(EVERYTHING, THRESHOLDS, now=time).counts["failed"] for time in times] == [0, 0, 1]


def test_a_later_reason_is_shown_although_a_worse_one_is_acknowledged(acme: Organization) -> None:
    voice = make_voice(acme, provider_voice_id="x", status=FAILED, created_at=NOW - DAY)
    acknowledge(ref_of(voice))
    assert list_open_reasons() == []

    twin = make_voice(acme, provider_voice_id="x", created_at=NOW)

    assert list_open_reasons() == [(ref_of(voice), ["duplicate"]), (ref_of(twin), ["duplicate"])]
    assert list_open_reasons(muted=True) == [(ref_of(voice), ["duplicate"])]
    assert count_queue(EVERYTHING, THRESHOLDS, now=NOW) == 2
    (item,) = list_queue_items([ref_of(voice)], THRESHOLDS, now=NOW)
    assert [(detail.finding.reason, detail.mute is None) for detail in item.reasons] == [
        ("failed", False),
        ("duplicate", True),
    ]
    assert item.worst_reason == item.reasons[1]
    assert build_item_record(item)["reason"] == "duplicate"
