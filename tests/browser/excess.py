"""A store with more of everything than anybody has."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.factories import LONG_AGO, make_assistant, make_organization, put_voices, voice_row
from voiceadmin.vocabulary import VoiceStatus

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
    make_assistant(organization, id=NAMELESS, name="  ", tts_provider=PROVIDERS[2], tts_voice_id="q" * 500)
    make_assistant(make_organization(" "), id=LONELY, name="Lonely")
    _fill_mixed(now)
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
