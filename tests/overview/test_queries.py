"""Statistics of the overview, for the voices of the scope only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import SHELL
from tests.factories import DAY, LONG_AGO, make_organization, make_voice, put_voices, voice_row
from tests.source_rows import make_source
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.overview.queries import LIST_LENGTH, RECENT, SOURCES_LENGTH, get_overview_stats
from voiceadmin.overview.types import ListedSources, OverviewStats
from voiceadmin.sample.actions import add_sample
from voiceadmin.voices.types.status import VoiceStatus

READY, PROCESSING = VoiceStatus.READY, VoiceStatus.PROCESSING
FAILED, ARCHIVED = VoiceStatus.FAILED, VoiceStatus.ARCHIVED


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def globex(app: Flask) -> Organization:
    return make_organization("Globex")


def test_voices_are_counted_by_provider_and_status_in_order_of_the_labels(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    for provider, status in (
        ("resemble", READY),
        ("resemble", READY),
        ("resemble", FAILED),
        ("unknown", ARCHIVED),
        ("elevenlabs", PROCESSING),
    ):
        make_voice(acme, provider=provider, status=status)
    make_voice(acme, provider="resemble", language="fr", quality_score=None)
    make_voice(globex, provider="resemble")

    found = get_overview_stats(Scope(frozenset({acme.id})), now=now)

    assert list(found.provider_counts.items()) == [
        ("elevenlabs", {READY: 0, PROCESSING: 1, FAILED: 0, ARCHIVED: 0}),
        ("resemble", {READY: 3, PROCESSING: 0, FAILED: 1, ARCHIVED: 0}),
        ("unknown", {READY: 0, PROCESSING: 0, FAILED: 0, ARCHIVED: 1}),
    ]
    assert found.total_counts == {READY: 3, PROCESSING: 1, FAILED: 1, ARCHIVED: 1}
    assert get_overview_stats(EVERYTHING, now=now).total_counts[READY] == 4
    assert get_overview_stats(NOTHING, now=now) == OverviewStats({}, [], [], None, ListedSources([], 0))


def test_the_most_used_voices_are_ready_and_have_been_used(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    put_voices(acme, [voice_row(id=id, synthesis_count=count) for id, count in ((1, 7), (2, 9), (3, 7), (4, 0))])
    put_voices(acme, [voice_row(id=5, synthesis_count=99, status=FAILED)])
    put_voices(globex, [voice_row(id=6, synthesis_count=8)])

    found = get_overview_stats(EVERYTHING, now=now).most_used

    assert [(voice.id, organization) for voice, organization, _ in found] == [
        (2, "Acme"),
        (6, "Globex"),
        (1, "Acme"),
        (3, "Acme"),
    ]
    assert [voice.id for voice, *_ in get_overview_stats(Scope(frozenset({globex.id})), now=now).most_used] == [6]
    put_voices(globex, [voice_row(synthesis_count=100) for _ in range(LIST_LENGTH)])
    assert {organization for _, organization, _ in get_overview_stats(EVERYTHING, now=now).most_used} == {"Globex"}


def test_voices_that_failed_in_the_last_week_are_listed_newest_first(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    put_voices(
        acme,
        [
            voice_row(id=1, status=FAILED, created_at=now - RECENT),
            voice_row(id=2, status=FAILED, created_at=now - RECENT - timedelta(microseconds=1)),
            voice_row(id=3, status=FAILED, created_at=now - DAY),
            voice_row(id=4, status=PROCESSING, created_at=now),
        ],
    )
    put_voices(globex, [voice_row(id=id, status=FAILED, created_at=now - DAY) for id in (5, 6)])

    found = get_overview_stats(EVERYTHING, now=now).recently_failed

    assert [(voice.id, organization, time) for voice, organization, time in found] == [
        (6, "Globex", now - DAY),
        (5, "Globex", now - DAY),
        (3, "Acme", now - DAY),
        (1, "Acme", now - RECENT),
    ]
    assert [voice.id for voice, *_ in get_overview_stats(Scope(frozenset({acme.id})), now=now).recently_failed] == [
        3,
        1,
    ]
    put_voices(globex, [voice_row(status=FAILED, created_at=now) for _ in range(LIST_LENGTH)])
    assert len(get_overview_stats(EVERYTHING, now=now).recently_failed) == LIST_LENGTH


def test_the_last_import_is_the_last_file_or_the_sample(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    def record(event_type: AuditEventType, time: datetime, organization: Organization) -> None:
        with write_transaction():
            record_event(
                event_type,
                AuditTarget(ObjectKind.DATABASE, None, ""),
                by=SHELL,
                now=time,
                organizations=[organization.id],
            )

    assert get_overview_stats(EVERYTHING, now=now).last_import_at is None
    record(AuditEventType.VOICES_IMPORTED, now - 3 * DAY, acme)
    record(AuditEventType.VOICES_IMPORTED, now - 2 * DAY, acme)
    record(AuditEventType.VOICE_ARCHIVED, now - DAY, acme)
    record(AuditEventType.VOICES_IMPORTED, now, globex)

    assert get_overview_stats(Scope(frozenset({acme.id})), now=now).last_import_at == now - 2 * DAY
    assert get_overview_stats(EVERYTHING, now=now).last_import_at == now
    add_sample(LONG_AGO, by=SHELL, now=now + DAY)
    assert get_overview_stats(Scope(frozenset({acme.id})), now=now).last_import_at == now + DAY, (
        "the sample concerns every scope"
    )


def test_sources_that_fail_are_first_then_those_read_longest_ago_and_disabled_ones_last(
    acme: Organization, now: datetime
) -> None:
    states: dict[str, Any] = {
        "disabled": {"disabled_at": now, "failing_since": now},
        "read now": {"read_at": now},
        "read yesterday": {"read_at": now - DAY},
        "never read": {"read_at": None},
        "another account": {"account_changed_at": now},
        "failing": {"failing_since": now, "read_at": now - 2 * DAY},
    }
    for name, fields in states.items():
        make_source(acme, name=name, **fields)

    rows, total = get_overview_stats(EVERYTHING, now=now).sources

    assert [row.name for row in rows] == [
        "failing",
        "another account",
        "never read",
        "read yesterday",
        "read now",
        "disabled",
    ]
    assert total == 6


def test_sources_are_those_of_the_scope_and_counted_beyond_the_listed_ones(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    make_source(globex, name="Globex")
    make_source(None, kind="burki", name="Platform")
    for number in range(SOURCES_LENGTH + 1):
        make_source(acme, name=f"Acme {number}")

    own, every = (get_overview_stats(scope, now=now).sources for scope in (Scope(frozenset({acme.id})), EVERYTHING))

    assert ([row.name for row in own.rows], own.total) == ([f"Acme {number}" for number in range(8)], 9)
    assert {row.organization_name for row in own.rows} == {"Acme"}
    assert (len(every.rows), every.total) == (SOURCES_LENGTH, 11)
    assert {row.organization_name for row in every.rows} == {"Acme", "Globex", None}
