"""Which assistants are unready and since when, after an upgrade from schema 0013 or 0023."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import NOW
from tests.database.schema import assert_totals_are_correct, migrate_to
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.migrations import migrate
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters

ARCHIVED_AT, CHANGED_AT = "2026-02-03T04:05:06.000000Z", "2026-02-03T04:05:06.789000Z"
VOICES = (  # id, reference, status, when it was archived here
    (8001, "failed", "failed", None),
    (8002, "archived", "archived", ARCHIVED_AT),
    (8003, "shared", "failed", None),
    (8004, "shared", "archived", ARCHIVED_AT),
    (8005, "removed", "failed", None),
    (8006, "ready", "ready", None),
)
UNREADY = [801, 802, 803, 804]  # their assistants, in the order of the references
SINCE_OF_0013 = """(SELECT max(coalesce(archived_at, status_changed_at)) FROM cloned_voice
    WHERE organization_id = assistant.organization_id AND provider = assistant.tts_provider
    AND provider_voice_id = assistant.tts_voice_id)"""
MUTES_OF_0013 = f"""INSERT INTO mute
    (organization_id, object_kind, object_id, reason, fingerprint, kind, muted_at, muted_by)
    SELECT organization_id, 'assistant', id, 'assistant-unready',
    tts_provider || ' ' || tts_voice_id || ' ' || coalesce(CAST({SINCE_OF_0013} AS TEXT), 'gone'),
    'acknowledge', '{ARCHIVED_AT}', 'ada@example.com' FROM assistant WHERE is_unready"""


@pytest.fixture
def app_0013(old_app: Flask) -> Flask:
    """An application with a database of schema 0013, which has four more unready assistants."""
    migrate_to("0013")
    with write_transaction():
        db.session.execute(text("INSERT INTO organization (id, name) VALUES (80, 'Acme')"))
        for id, reference, status, archived_at in VOICES:
            insert_voice(id, reference, status, archived_at)
        for id, reference in enumerate(dict.fromkeys(reference for _, reference, *_ in VOICES), 801):
            insert_assistant(id, reference)
        db.session.execute(text("DELETE FROM cloned_voice WHERE id = 8005"))
    return old_app


def insert_voice(id: int, reference: str, status: str, archived_at: str | None) -> None:
    db.session.execute(
        text(
            "INSERT INTO cloned_voice (id, organization_id, name, provider, provider_voice_id, status, created_at,"
            " synthesis_count, name_key, search_key, recorded_status_changed_at, archived_at, upstream_status)"
            " VALUES (:id, 80, 'Ada', 'resemble', :reference, :status, '2024-01-15T10:45:00.000000Z', 0, 'ada', 'ada',"
            " :changed_at, :archived_at, :upstream_status)"
        ),
        {
            "id": id,
            "reference": reference,
            "status": status,
            "changed_at": CHANGED_AT,
            "archived_at": archived_at,
            "upstream_status": archived_at and "failed",
        },
    )


def insert_assistant(id: int, reference: str) -> None:
    db.session.execute(
        text(
            "INSERT INTO assistant (id, organization_id, name, name_key, tts_provider, tts_voice_id)"
            " VALUES (:id, 80, 'Desk', 'desk', 'resemble', :reference)"
        ),
        {"id": id, "reference": reference},
    )


def list_unready(*, muted: bool) -> list[int]:
    filters = QueueFilters(reasons=("assistant-unready",), muted=muted, size=1000)
    return sorted(item.ref.id for item in list_queue(EVERYTHING, filters, AttentionThresholds(), now=NOW).items)


def test_assistants_that_were_muted_before_stay_muted(app_0013: Flask) -> None:
    with write_transaction():
        db.session.execute(text("DELETE FROM mute WHERE reason = 'assistant-unready'"))
        db.session.execute(text(MUTES_OF_0013))

    migrate()

    assert list_unready(muted=False) == []
    assert set(list_unready(muted=True)) >= set(UNREADY)


def test_the_time_is_computed_by_the_upgrade(app_0013: Flask) -> None:
    times = "SELECT id, {} FROM assistant WHERE is_unready AND organization_id = 80 ORDER BY id"
    before = db.session.execute(text(times.format(SINCE_OF_0013))).all()
    db.session.rollback()

    migrate()

    assert [id for id, _ in before] == UNREADY
    assert db.session.execute(text(times.format("unready_since"))).all() == before
    assert_totals_are_correct()


def test_triggers_of_both_schemas_find_unready_assistants(app_0013: Flask) -> None:
    migrate()
    migrate_to("0013", down=True)
    with write_transaction():
        db.session.execute(text("UPDATE cloned_voice SET status = 'failed' WHERE id = 8006"))
        unready = db.session.scalars(text("SELECT id FROM assistant WHERE is_unready AND organization_id = 80")).all()

    migrate()

    assert sorted(unready) == [*UNREADY, 805]
    assert_totals_are_correct()
    with write_transaction():
        db.session.execute(text(f"UPDATE cloned_voice SET archived_at = '{CHANGED_AT}' WHERE id = 8002"))
    assert_totals_are_correct()


def test_the_mode_of_an_assistant_counts_after_the_upgrade_and_not_after_a_downgrade(app_0013: Flask) -> None:
    migrate()
    unready = text("SELECT id FROM assistant WHERE is_unready AND organization_id = 80 ORDER BY id")
    assert db.session.scalars(unready).all() == UNREADY
    db.session.rollback()

    with write_transaction():
        db.session.execute(text("UPDATE assistant SET is_voice_spoken = FALSE WHERE id IN (801, 805)"))
        assert db.session.scalars(unready).all() == UNREADY[1:]
    assert_totals_are_correct()
    db.session.rollback()

    migrate_to("0023", down=True)
    assert db.session.scalars(unready).all() == UNREADY
