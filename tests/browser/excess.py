"""A store with more of everything than anybody has."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.browser.crowd import INVITED, VIEWER, choose_token, let_in
from tests.conftest import SHELL
from tests.factories import LONG_AGO, make_account, make_assistant, make_organization, put_voices, voice_row
from voiceadmin.accounts.actions.links import create_invitation
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
PROVIDERS = ("elevenlabs", "a provider nobody here has heard of", "x" * 300, "resemble")
PROVIDER_IDS = ("", "y" * 500, "voice with blanks " * 30, "z")
GENDERS = (None, "female", "a word that is longer than the column is wide", None)
COUNTS = (9_999_999, 1_234_567, 0, 2**63 - 1)
SCORES = (None, 0.0, 1.0, 0.897, 0.75)

LONG_NAMED = 900  # the assistant with the long name
NAMELESS = 2**63 - 1
LONELY = 901  # of an organization that has neither a name nor voices
MIXED = 902  # of one with a page full of voices, and on the second page eight of every status and quality


def fill_excess(now: datetime) -> None:
    """Fill the store. Voice 1 has the longest name and is the one that the long-named assistant is set to."""
    organization = make_organization("Gebäudereinigungsgesellschaft" * 40)
    make_assistant(
        organization, id=LONG_NAMED, name="A" * 10_000, tts_provider=PROVIDERS[0], tts_voice_id=PROVIDER_IDS[1]
    )
    _fill_people(now, organization)
    make_assistant(organization, id=NAMELESS, name="  ", tts_provider=PROVIDERS[2], tts_voice_id="q" * 500)
    make_assistant(make_organization(" "), id=LONELY, name="Lonely")
    _fill_mixed(now)
    _fill_leavings(now)
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
    _fill_desk(now)


def _fill_desk(now: datetime) -> None:
    """Operation 1 left some voices alone. Voice 3 has been through everything, with notes as long as they may be."""
    by = Actor(ActorKind.ACCOUNT, 1, f"{'m' * 64}@{'w' * 181}.example")
    voices = tuple(ObjectRef(ObjectKind.VOICE, number) for number in range(1, VOICES + 1))
    for number, (act, refs, how) in enumerate(
        (
            (TriageAction.RESTORE, voices, {}),
            (TriageAction.SNOOZE, voices[2:4], {"until": now + timedelta(days=3650)}),
            (TriageAction.ASSIGN, voices[2:4], {"assignee_id": 1}),
            (TriageAction.NOTE, voices[2:4], {"note": "N" * MAX_NOTE_LENGTH}),
            (TriageAction.NOTE, voices[2:4], {"note": "words of a note " * 60}),
            (TriageAction.ARCHIVE, voices[2:3], {"note": "W" * MAX_NOTE_LENGTH}),
        )
    ):
        apply_action(EVERYTHING, ActionRequest(act, refs, f"{number}", 0, **how), AttentionThresholds(), by=by, now=now)  # type: ignore[arg-type]


def _fill_people(now: datetime, organization: Organization) -> None:
    """Person 1 has an address and a name as long as they may be, and so has everything that they did."""
    nameless = make_organization("\t")
    long = make_account(
        f"{'m' * 64}@{'w' * 181}.example", name="N" * 200, roles={organization: Role.ADMIN, nameless: Role.VIEWER}
    )
    make_account("w.w@example.com", name="Words of a name " * 12, roles={organization: Role.VIEWER})
    for number, client in enumerate(("U" * 300, "", "Agent of many words " * 15)):
        let_in(long, f"{VIEWER if number == 0 else number}", now, client=client, address="2001:db8::" + "f" * 4)
    by = Actor(ActorKind.ACCOUNT, long.id, long.email, "2001:0db8:85a3:0000:0000:8a2e:0370:7334")
    for name in ("K" * 100, "a key of words " * 6):
        create_api_key(
            EVERYTHING, name, frozenset({organization.id, nameless.id}), expires_at=now + timedelta(1), by=by, now=now
        )
    create_invitation(EVERYTHING, long.email.replace("m", "i"), Grant(organization.id, Role.ADMIN), by=by, now=now)
    choose_token(INVITED)
    with write_transaction():
        for kind in (ObjectKind.VOICE, ObjectKind.DATABASE):
            record_event(
                AuditEventType.VOICE_CHANGED,
                AuditTarget(kind, 2**63 - 1, "O" * 10_000),
                by=by if kind is ObjectKind.VOICE else SHELL,
                now=now,
                organization_id=organization.id,
                before={"name": "B" * 500, "f" * 100: "before " * 50},
                after={"name": "A" * 500, "f" * 100: None, "count": 2**63 - 1},
                note="w" * 300,
            )


def _fill_mixed(now: datetime) -> None:
    organization = make_organization("Mixed")
    make_assistant(organization, id=MIXED, name="Mixed", tts_provider="elevenlabs", tts_voice_id="pv1026")
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


def _fill_leavings(now: datetime) -> None:
    """What could go, at a price that has no blank to break at."""
    put_voices(
        make_organization("Leavings" * 100),
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
