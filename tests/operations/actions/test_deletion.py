"""Marking archived voices as deleted at their provider, by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from tests.factories import make_account, put_voices, sign_in, voice_row
from tests.operations.actions.scenario import BOB, Runner, voice_refs
from tests.two_tenants import rows_of
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.providers.queries import list_provider_stats
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import get_voice
from voiceadmin.voices.types.status import VoiceStatus


@pytest.fixture
def archived(acme: Organization) -> Organization:
    """Create three archived voices, one of them without an id at the provider, and a ready one."""
    put_voices(
        acme,
        [
            voice_row(id=1, status=VoiceStatus.ARCHIVED),
            voice_row(id=2, status=VoiceStatus.ARCHIVED),
            voice_row(id=3, status=VoiceStatus.ARCHIVED, provider_voice_id=""),
            voice_row(id=4),
        ],
    )
    return acme


def count_slots(now: datetime) -> tuple[int, int]:
    """Return the used slots, and those of archived voices."""
    (stats,) = list_provider_stats(EVERYTHING, now=now)
    return stats.used_slots, stats.archived_slots


def test_a_voice_that_was_deleted_at_its_provider_uses_no_slot(
    archived: Organization, runner: Runner, now: datetime
) -> None:
    assert count_slots(now) == (3, 2)

    operation = runner.apply(TriageAction.MARK_DELETED, 1)

    assert count_slots(now) == (2, 1)
    assert get_voice(EVERYTHING, 1).deletion == (runner.now, "ada@example.com")
    assert get_voice(EVERYTHING, 2).deletion is None
    runner.undo(operation, by=BOB)
    assert count_slots(now) == (3, 2)


def test_only_archived_voices_with_an_id_at_the_provider_are_marked_once(
    archived: Organization, runner: Runner
) -> None:
    runner.apply(TriageAction.MARK_DELETED, 2)

    operation = runner.apply(TriageAction.MARK_DELETED, 1, 2, 3, 4)
    removed = runner.apply(TriageAction.UNMARK_DELETED, 1, 3)

    assert operation.object_count == removed.object_count == 1
    assert {item.id: item.reason for item in operation.skipped} == {
        2: SkipReason.ALREADY_DELETED_AT_PROVIDER,
        3: SkipReason.NO_PROVIDER_ID,
        4: SkipReason.ARCHIVE_FIRST,
    }
    assert {item.id: item.reason for item in removed.skipped} == {3: SkipReason.NOT_DELETED_AT_PROVIDER}


@pytest.mark.parametrize("change", [{"provider_voice_id": "new"}, {"provider": "resemble"}])
def test_a_mark_is_void_when_an_import_brings_another_reference(
    archived: Organization, runner: Runner, now: datetime, change: dict[str, Any]
) -> None:
    row = voice_row(id=1, status=VoiceStatus.ARCHIVED, provider_voice_id="old")
    put_voices(archived, [row])
    runner.apply(TriageAction.MARK_DELETED, 1)
    slots = sum(stats.used_slots for stats in list_provider_stats(EVERYTHING, now=now))

    put_voices(archived, [row._replace(**change)])

    assert get_voice(EVERYTHING, 1).deletion is None
    assert sum(stats.used_slots for stats in list_provider_stats(EVERYTHING, now=now)) == slots + 1
    assert runner.apply(TriageAction.MARK_DELETED, 1).object_count == 1


def test_the_page_of_an_archived_voice_offers_the_mark(
    archived: Organization, runner: Runner, anonymous_client: FlaskClient
) -> None:
    browser = sign_in(anonymous_client, make_account(roles={archived: Role.OPERATOR}))
    button = "Mark as deleted at provider"

    before, ready, without_id = (browser.get(f"/voices/{id}").text for id in (1, 4, 3))
    form = {"action": "mark-deleted", "ref": str(voice_refs(1)[0]), "key": "k", "last_seen_operation_id": "0"}
    marked = browser.post("/operations", data=form, follow_redirects=True)
    after = browser.get("/voices/1").text

    assert button in before
    assert button not in ready
    assert button not in without_id
    assert marked.status_code == 200
    assert "Marked as deleted at ElevenLabs by" in after
    assert "until it is deleted" in before
    assert "until it is deleted" not in after
    assert "Mark as not deleted at provider" in after


def test_a_removed_voice_takes_its_mark_along(archived: Organization, runner: Runner) -> None:
    runner.apply(TriageAction.MARK_DELETED, 1)
    assert len(rows_of("provider_deletion")) == 1

    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 1))

    assert rows_of("provider_deletion") == []
