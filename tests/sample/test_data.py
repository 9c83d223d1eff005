"""The generated sample: its variety, and that it is the same on every machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from voiceadmin.sample.data import (
    ASSISTANT_IDS,
    EDGE_SCORES,
    FRONT_DESK,
    VOICE_IDS,
    SampleAssistant,
    SampleOrganization,
    generate_sample,
)
from voiceadmin.sample.names import ODD_NAMES
from voiceadmin.voices.json_body import parse_voice, voice_to_json
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

DAY = datetime(2026, 3, 5, tzinfo=UTC)
SAMPLE = generate_sample(DAY)
FRONT_DESKS = next(one for one in SAMPLE if FRONT_DESK in {assistant.id for assistant in one.assistants})
VOICES = [voice for organization in SAMPLE for voice in organization.voices]
DRAWN = [voice for voice in VOICES if voice not in FRONT_DESKS.voices]


def serialize(sample: tuple[SampleOrganization, ...]) -> str:
    return json.dumps(
        [
            [
                organization.name,
                [[one.id, one.name, one.active, one.tts_provider, one.tts_voice_id] for one in organization.assistants],
                [voice_to_json(voice) for voice in organization.voices],
            ]
            for organization in sample
        ]
    )


def last_activity_at(voice: VoiceRow) -> datetime:
    return voice.last_used_at or voice.created_at


def voice_of(assistant: SampleAssistant, organization: SampleOrganization) -> VoiceRow | None:
    setting = (assistant.tts_provider, assistant.tts_voice_id)
    return next((voice for voice in organization.voices if (voice.provider, voice.provider_voice_id) == setting), None)


def test_a_day_gives_the_same_sample_on_every_machine_and_python() -> None:
    digest = hashlib.sha256(serialize(generate_sample(DAY)).encode()).hexdigest()

    # After an intended change of the sample, put the new digest here.
    assert digest == "e3a09e0d8543b8949d8e2175619d192813588793bd76d763ae6a4d3beb349986"


def test_another_day_moves_the_times_and_nothing_else() -> None:
    later = generate_sample(DAY + timedelta(days=3))

    for before, after in zip(SAMPLE, later, strict=True):
        assert (before.name, before.assistants) == (after.name, after.assistants)
        if before is not FRONT_DESKS:
            moved = [
                voice._replace(
                    created_at=voice.created_at + timedelta(days=3),
                    last_used_at=voice.last_used_at and voice.last_used_at + timedelta(days=3),
                )
                for voice in before.voices
            ]
            assert moved == list(after.voices)


def test_ten_assistants_in_eight_organizations_have_2500_voices() -> None:
    assert sorted(len(one.voices) for one in SAMPLE) == [0, 3, 45, 118, 180, 310, 640, 1204]
    assert sorted(len(one.assistants) for one in SAMPLE) == [1] * 7 + [3]
    assert len({one.name for one in SAMPLE}) == 8


def test_the_ids_are_those_of_the_constants() -> None:
    assistants = [assistant.id for organization in SAMPLE for assistant in organization.assistants]

    assert sorted(assistants) == sorted(ASSISTANT_IDS)
    assert sorted(voice.id for voice in VOICES) == sorted(VOICE_IDS)
    assert len(set(VOICE_IDS)) == 2500
    assert len(set(ASSISTANT_IDS)) == 10


def test_a_later_voice_has_a_larger_id() -> None:
    assert sorted(DRAWN) == sorted(DRAWN, key=lambda voice: (voice.created_at, voice.id))


@pytest.mark.parametrize("day", [DAY, datetime(2030, 12, 31, tzinfo=UTC)])
def test_the_front_desk_is_the_same_on_every_day(day: datetime) -> None:
    front_desks = next(one for one in generate_sample(day) if one.name == FRONT_DESKS.name)

    assert front_desks.assistants == (SampleAssistant(123, "Front desk", True, "elevenlabs", "voice_abc123xyz"),)
    assert [voice_to_json(voice) for voice in front_desks.voices] == [
        {
            "id": 456,
            "name": "Custom Professional Voice",
            "provider": "elevenlabs",
            "provider_voice_id": "voice_abc123xyz",
            "language": "en",
            "gender": None,
            "status": "ready",
            "quality_score": 0.95,
            "created_at": "2024-01-15T10:45:00Z",
            "last_used_at": "2024-01-15T14:30:00Z",
            "synthesis_count": 47,
        },
        {
            "id": 457,
            "name": "Resemble Brand Voice",
            "provider": "resemble",
            "provider_voice_id": "uuid-def456-ghi789",
            "language": "en",
            "gender": "female",
            "status": "ready",
            "quality_score": 0.98,
            "created_at": "2024-01-14T16:20:00Z",
            "last_used_at": "2024-01-15T12:15:00Z",
            "synthesis_count": 23,
        },
        {
            "id": 458,
            "name": "Training Voice Sample",
            "provider": "elevenlabs",
            "provider_voice_id": "voice_training123",
            "language": "en",
            "gender": None,
            "status": "processing",
            "quality_score": None,
            "created_at": "2024-01-15T15:00:00Z",
            "last_used_at": None,
            "synthesis_count": 0,
        },
    ]


def test_every_voice_is_valid_for_the_import() -> None:
    for voice in VOICES:
        assert parse_voice(voice_to_json(voice)) == voice
        assert type(voice.provider) is str


def test_no_voice_is_used_before_its_creation_or_after_the_day_begins() -> None:
    for voice in DRAWN:
        assert DAY - timedelta(days=3 * 365) <= voice.created_at <= last_activity_at(voice) <= DAY


def test_a_voice_has_a_last_use_exactly_when_it_has_uses() -> None:
    for voice in VOICES:
        assert (voice.last_used_at is None) == (voice.synthesis_count == 0)


@pytest.mark.parametrize(
    ("status", "minimum", "maximum"),
    [
        (VoiceStatus.READY, 88, 92),
        (VoiceStatus.PROCESSING, 0.8, 1.2),
        (VoiceStatus.FAILED, 1.5, 2),
        (VoiceStatus.ARCHIVED, 6.5, 7.5),
    ],
)
def test_most_voices_are_ready_and_some_are_not(status: VoiceStatus, minimum: float, maximum: float) -> None:
    percent = 100 * sum(voice.status is status for voice in VOICES) / len(VOICES)

    assert minimum <= percent <= maximum


def test_every_tier_and_every_bound_of_a_tier_occurs() -> None:
    ready = [voice for voice in VOICES if voice.status is VoiceStatus.READY]

    assert {voice.tier for voice in ready} == {*QualityTier, None}
    assert set(EDGE_SCORES) <= {voice.quality_score for voice in ready}
    assert {tier.low for tier in QualityTier} <= set(EDGE_SCORES)
    assert 0.22 <= sum(voice.quality_score is None for voice in ready) / len(ready) <= 0.28


@pytest.mark.parametrize("status", [VoiceStatus.PROCESSING, VoiceStatus.FAILED])
def test_a_voice_that_was_never_ready_is_unused_and_rarely_scored(status: VoiceStatus) -> None:
    voices = [voice for voice in VOICES if voice.status is status]

    assert {voice.synthesis_count for voice in voices} == {0}
    assert sum(voice.quality_score is None for voice in voices) > 0.8 * len(voices)


def test_voices_are_idle_for_30_and_90_days_and_some_were_never_used() -> None:
    ready = [voice for voice in DRAWN if voice.status is VoiceStatus.READY]
    idle_30, idle_90 = (sum(last_activity_at(one) <= DAY - timedelta(days=days) for one in ready) for days in (30, 90))
    never = sorted(DAY - voice.created_at for voice in ready if voice.synthesis_count == 0)

    assert 0.3 < idle_30 / len(ready) < 0.5
    assert idle_90 < 0.8 * idle_30
    assert never[0] < timedelta(days=1)
    assert never[-1] > timedelta(days=900)


def test_few_voices_have_most_of_the_uses() -> None:
    counts = sorted((voice.synthesis_count for voice in VOICES), reverse=True)

    assert 4_500 < counts[0] <= 5_000
    assert sum(counts[: len(counts) // 5]) > 0.7 * sum(counts)


def test_voices_are_minutes_to_three_years_old_and_some_are_stuck() -> None:
    ages = sorted(DAY - voice.created_at for voice in DRAWN)
    cloning = [DAY - voice.created_at for voice in DRAWN if voice.status is VoiceStatus.PROCESSING]

    assert ages[0] < timedelta(minutes=5)
    assert ages[-1] > timedelta(days=1000)
    assert min(cloning) < timedelta(minutes=30) < timedelta(hours=3) < max(cloning)


def test_most_names_are_english_and_the_others_come_in_many_scripts() -> None:
    languages = Counter(voice.language for voice in VOICES)
    scripts = ("é", "ß", "ł", "ş", "ờ", "受", "语", "안", "ر", "ה", "ग", "ข", "Μ", "Э", "ї")

    assert languages["en"] + languages["en-US"] > len(VOICES) / 2
    assert {"pt-BR", "es", "fr", "de", "ja", "ar", "hi", "el", "ru", "uk", "ko", "he", "th", "zh-CN"} <= set(languages)
    assert all(any(letter in voice.name for voice in VOICES) for letter in scripts)


def test_names_repeat_and_the_odd_names_occur() -> None:
    names = Counter(voice.name for voice in VOICES)

    assert all(name in names for name, _ in ODD_NAMES)
    assert any(name != name.strip() for name in names)
    assert max(map(len, names)) > 200
    assert names.most_common(1)[0][1] > 3
    assert len(names) > 1000


def test_genders_are_values_or_missing() -> None:
    assert {None, "female", "male", "neutral"} < {voice.gender for voice in VOICES}


@pytest.mark.parametrize(
    ("provider", "shape"),
    [
        (Provider.ELEVENLABS, r"[0-9A-Za-z]{20}"),
        (Provider.RESEMBLE, r"[0-9a-f]{8}"),
        (Provider.INWORLD, r"[a-z]+__[a-z0-9]+-[0-9]{5}"),
        (Provider.CARTESIA, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("playht", r"s3://voices/[0-9a-f-]{36}/manifest\.json"),
    ],
)
def test_provider_voice_ids_have_the_format_of_the_provider(provider: str, shape: str) -> None:
    ids = [voice.provider_voice_id for voice in DRAWN if voice.provider == provider]

    assert len(ids) > 10
    assert all(re.fullmatch(shape, id) for id in ids if id)


def test_only_failed_voices_have_no_provider_voice_id() -> None:
    statuses = [voice.status for voice in VOICES if not voice.provider_voice_id]

    assert len(statuses) > 3
    assert set(statuses) == {VoiceStatus.FAILED}


def test_one_organization_has_two_duplicate_voices() -> None:
    duplicates = [
        organization.name
        for organization in SAMPLE
        for (_, voice_id), times in Counter(
            (one.provider, one.provider_voice_id) for one in organization.voices
        ).items()
        if voice_id and times == 2
    ]

    assert len(duplicates) == 2
    assert len(set(duplicates)) == 1


def test_most_assistants_use_a_ready_voice_of_their_organization() -> None:
    used = [voice_of(assistant, one) for one in SAMPLE for assistant in one.assistants]
    statuses = Counter(voice.status if voice else None for voice in used)

    assert statuses == {VoiceStatus.READY: 8, VoiceStatus.ARCHIVED: 1, None: 1}
    assert any(assistant.tts_voice_id == "rachel" for one in SAMPLE for assistant in one.assistants)
    assert sum(not assistant.active for one in SAMPLE for assistant in one.assistants) == 1


def test_some_times_have_fractions_of_a_second() -> None:
    microseconds = {voice.created_at.microsecond for voice in VOICES}

    assert 0 in microseconds
    assert any(fraction and fraction % 1000 == 0 for fraction in microseconds)
    assert any(fraction % 1000 for fraction in microseconds)


def test_a_day_less_than_three_years_after_the_first_date_overflows() -> None:
    with pytest.raises(OverflowError):
        generate_sample(datetime(2, 1, 1, tzinfo=UTC))
