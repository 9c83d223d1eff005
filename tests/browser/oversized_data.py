"""Data with texts and numbers of maximum size, for tests of the layout."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.browser.accounts import INVITED, VIEWER, create_session_with_token, set_newest_link_token
from tests.browser.sources import fill_with_oversized_source
from tests.conftest import SHELL
from tests.factories import (
    LONG_AGO,
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    put_voices,
    voice_row,
)
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import MAX_NOTE_LENGTH, ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus

LANGUAGES = 40
VOICES = 60
NAMES = ("W" * 10_000, "   ", "Recording with words " * 500, "Plain")
PROVIDERS = ("elevenlabs", "a provider that this program does not know", "x" * 300, "resemble")
PROVIDER_IDS = ("", "y" * 500, "voice with blanks " * 30, "z")
GENDERS = (None, "female", "a text that is longer than the column is wide", None)
COUNTS = (9_999_999, 1_234_567, 0, 2**63 - 1)
SCORES = (None, 0.0, 1.0, 0.897, 0.75)

LONG_NAME_ASSISTANT = 900  # has a name of 10,000 characters
BLANK_NAME_ASSISTANT = 2**63 - 1
EMPTY_ASSISTANT = 901  # its organization has a blank name and no voices
MIXED_ASSISTANT = 902  # its organization has 33 voices of every status and quality: a full page and eight more


def fill_with_oversized_data(now: datetime) -> None:
    """Fill the database. Voice 1 has the longest name and is used by the assistant with the longest name."""
    organization = make_organization("Gebäudereinigungsgesellschaft" * 40)
    make_assistant(
        organization, id=LONG_NAME_ASSISTANT, name="A" * 10_000, tts_provider=PROVIDERS[0], tts_voice_id=PROVIDER_IDS[1]
    )
    _add_people(now, organization)
    fill_with_oversized_source(now, organization.id)
    make_assistant(organization, id=BLANK_NAME_ASSISTANT, name="  ", tts_provider=PROVIDERS[2], tts_voice_id="q" * 500)
    make_assistant(make_organization(" "), id=EMPTY_ASSISTANT, name="Solo")
    _add_mixed_voices(now)
    _add_unused_voices(now)
    put_voices(
        organization,
        [
            voice_row(
                id=number,
                name=NAMES[(number - 1) % 4],
                provider=PROVIDERS[(number - 1) % 4],
                provider_voice_id=PROVIDER_IDS[number % 4],
                language="l" * 300 if number == 1 else f"language-{number % LANGUAGES:02}",
                gender=GENDERS[number % 4],
                status=list(VoiceStatus)[number % 4],
                quality_score=SCORES[number % 5],
                synthesis_count=COUNTS[number % 4],
                created_at=now + timedelta(days=1) if number == 4 else LONG_AGO,
                last_used_at=now - timedelta(days=number) if number % 3 else None,
            )
            for number in range(1, VOICES + 1)
        ],
    )
    _add_operations(now)


def _add_operations(now: datetime) -> None:
    """Add operations. Operation 1 skips some voices. Voice 3 has every action, with notes of maximum length."""
    by = Actor(ActorKind.ACCOUNT, 1, f"{'m' * 64}@{'w' * 181}.example")
    voices = tuple(ObjectRef(ObjectKind.VOICE, number) for number in range(1, VOICES + 1))
    for number, (action, refs, options) in enumerate(
        (
            (TriageAction.RESTORE, voices, {}),
            (TriageAction.SNOOZE, voices[2:4], {"until": now + timedelta(days=3650)}),
            (TriageAction.ASSIGN, voices[2:4], {"assignee_id": 1}),
            (TriageAction.NOTE, voices[2:4], {"note": "N" * MAX_NOTE_LENGTH}),
            (TriageAction.NOTE, voices[2:4], {"note": "words of a note " * 60}),
            (TriageAction.ARCHIVE, voices[2:3], {"note": "W" * MAX_NOTE_LENGTH}),
        )
    ):
        request = ActionRequest(action, refs, f"{number}", 0, **options)  # type: ignore[arg-type]
        apply_action(EVERYTHING, request, AttentionThresholds(), by=by, now=now)


def _add_people(now: datetime, organization: Organization) -> None:
    """Add accounts. Account 1 has an address and a name of maximum length, as have its invitation, keys and events."""
    blank = make_organization("\t")
    long = make_account(
        f"{'m' * 64}@{'w' * 181}.example", name="N" * 200, roles={organization: Role.ADMIN, blank: Role.VIEWER}
    )
    make_account("w.w@example.com", name="Words of a name " * 12, roles={organization: Role.VIEWER})
    for number, client in enumerate(("U" * 300, "", "Agent of many words " * 15)):
        create_session_with_token(
            long, f"{VIEWER if number == 0 else number}", now, client=client, address="2001:db8::" + "f" * 4
        )
    by = Actor(ActorKind.ACCOUNT, long.id, long.email, "2001:0db8:85a3:0000:0000:8a2e:0370:7334")
    for name in ("K" * 100, "a key of words " * 6):
        create_api_key(
            EVERYTHING, name, frozenset({organization.id, blank.id}), expires_at=now + timedelta(1), by=by, now=now
        )
    create_invitation(EVERYTHING, long.email.replace("m", "i"), Grant(organization.id, Role.ADMIN), by=by, now=now)
    set_newest_link_token(INVITED)
    with write_transaction():
        for kind in (ObjectKind.VOICE, ObjectKind.DATABASE):
            record_event(
                AuditEventType.VOICE_CHANGED,
                AuditTarget(kind, 2**63 - 1, "O" * 10_000),
                by=by if kind is ObjectKind.VOICE else SHELL,
                now=now,
                organizations=[organization.id],
                before={"name": "B" * 500, "f" * 100: "before " * 50},
                after={"name": "A" * 500, "f" * 100: None, "count": 2**63 - 1},
                note="w" * 300,
            )


def _add_mixed_voices(now: datetime) -> None:
    organization = make_organization("Mixed")
    make_assistant(organization, id=MIXED_ASSISTANT, name="Mixed", tts_provider="elevenlabs", tts_voice_id="pv1026")
    put_voices(
        organization,
        [
            voice_row(
                id=1000 + number,
                name=f"Voice {number}",
                provider_voice_id=f"pv{1000 + number}",
                status=list(VoiceStatus)[number % 4],
                quality_score=SCORES[number % 5],
                synthesis_count=number,
                last_used_at=now - timedelta(hours=number) if number % 3 else None,
            )
            for number in range(1, 34)
        ],
    )


def _add_unused_voices(now: datetime) -> None:
    """Add candidates for clean-up with prices that cannot be wrapped."""
    put_voices(
        make_organization("Leftover" * 100),
        [
            voice_row(
                id=2000 + number,
                name=NAMES[number],
                provider=PROVIDERS[number],
                provider_voice_id=PROVIDER_IDS[number],
                last_used_at=now - timedelta(days=3000) if number % 2 else None,
                synthesis_count=2**63 - 1 if number % 2 else 0,
            )
            for number in range(4)
        ],
    )
    for number, provider in enumerate(PROVIDERS):
        day = now.date() - timedelta(days=400 * number)
        set_price(provider, 999_999_999, f"US{'ABCD'[number]}", day, by=SHELL, now=now)
