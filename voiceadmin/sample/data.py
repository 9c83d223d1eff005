"""The sample data: eight invented organizations with ten assistants and 2,500 voices, generated for a day."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from voiceadmin.sample.names import DETAILS, NAMES, NUMBERS, ODD_NAMES, THEMES
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SampleAssistant:
    """An assistant and the voice that it uses."""

    id: int
    name: str
    active: bool
    tts_provider: str
    tts_voice_id: str


@dataclass(frozen=True, slots=True)
class SampleOrganization:
    """An organization with its assistants and voices. Its name is unique in the sample."""

    name: str
    assistants: tuple[SampleAssistant, ...]
    voices: tuple[VoiceRow, ...]


def _repeat_by_weight(weights: Mapping[T, int]) -> tuple[T, ...]:
    """Repeat every key as many times as its weight, so that a uniform choice is weighted."""
    return tuple(key for key, weight in weights.items() for _ in range(weight))


class _AssistantPlan(NamedTuple):
    """An assistant to generate.

    Attributes:
        voice_status: status of the voice it uses, the most used one with this status; None for a stock voice.
    """

    id: int
    name: str
    voice_status: VoiceStatus | None = VoiceStatus.READY
    active: bool = True


class _OrganizationPlan(NamedTuple):
    name: str
    voices: int
    assistants: tuple[_AssistantPlan, ...]


ORGANIZATION_PLANS = (
    _OrganizationPlan(
        "Acme Telecom",
        1204,
        (
            _AssistantPlan(31, "Night desk"),
            _AssistantPlan(32, "Billing questions"),
            _AssistantPlan(33, "Outage hotline", VoiceStatus.ARCHIVED),
        ),
    ),
    _OrganizationPlan("Grand Meridian Hotels", 640, (_AssistantPlan(201, "Booking line"),)),
    _OrganizationPlan("Riverside Health", 310, (_AssistantPlan(202, "Appointments"),)),
    _OrganizationPlan("Kestrel Parcel", 180, (_AssistantPlan(205, "Where is my parcel?"),)),
    _OrganizationPlan("Museo de las Américas", 118, (_AssistantPlan(210, "Guía telefónica", active=False),)),
    _OrganizationPlan("Trattoria Niccolò", 45, (_AssistantPlan(214, "Table reservations"),)),
    _OrganizationPlan("Bluebird Books", 0, (_AssistantPlan(230, "Shop line", voice_status=None),)),
)


STOCK_VOICE = (Provider.ELEVENLABS.value, "rachel")  # the default of the platform for a new assistant


FRONT_DESK = 123  # the id of the assistant whose three voices are the same for every day


FIXED_ORGANIZATION = SampleOrganization(
    "Harbor View Inn",
    (SampleAssistant(FRONT_DESK, "Front desk", True, Provider.ELEVENLABS.value, "voice_abc123xyz"),),
    (
        VoiceRow(
            id=456,
            name="Custom Professional Voice",
            provider=Provider.ELEVENLABS.value,
            provider_voice_id="voice_abc123xyz",
            language="en",
            gender=None,
            status=VoiceStatus.READY,
            quality_score=0.95,
            created_at=datetime(2024, 1, 15, 10, 45, tzinfo=UTC),
            last_used_at=datetime(2024, 1, 15, 14, 30, tzinfo=UTC),
            synthesis_count=47,
        ),
        VoiceRow(
            id=457,
            name="Resemble Brand Voice",
            provider=Provider.RESEMBLE.value,
            provider_voice_id="uuid-def456-ghi789",
            language="en",
            gender="female",
            status=VoiceStatus.READY,
            quality_score=0.98,
            created_at=datetime(2024, 1, 14, 16, 20, tzinfo=UTC),
            last_used_at=datetime(2024, 1, 15, 12, 15, tzinfo=UTC),
            synthesis_count=23,
        ),
        VoiceRow(
            id=458,
            name="Training Voice Sample",
            provider=Provider.ELEVENLABS.value,
            provider_voice_id="voice_training123",
            language="en",
            gender=None,
            status=VoiceStatus.PROCESSING,
            quality_score=None,
            created_at=datetime(2024, 1, 15, 15, 0, tzinfo=UTC),
            last_used_at=None,
            synthesis_count=0,
        ),
    ),
)


FIRST_ID = 20_001  # of the generated voices, which are numbered from the oldest


GENERATED_VOICES = sum(plan.voices for plan in ORGANIZATION_PLANS)


VOICE_IDS = (*(voice.id for voice in FIXED_ORGANIZATION.voices), *range(FIRST_ID, FIRST_ID + GENERATED_VOICES))


ASSISTANT_IDS = (*(assistant.id for plan in ORGANIZATION_PLANS for assistant in plan.assistants), FRONT_DESK)


STATUSES = _repeat_by_weight(
    {VoiceStatus.READY: 900, VoiceStatus.ARCHIVED: 71, VoiceStatus.FAILED: 18, VoiceStatus.PROCESSING: 11}
)


UNSCORED_PERCENT = {
    VoiceStatus.READY: 25,
    VoiceStatus.ARCHIVED: 30,
    VoiceStatus.FAILED: 90,
    VoiceStatus.PROCESSING: 95,
}  # %


UNUSED_PERCENT = {
    VoiceStatus.READY: 14,
    VoiceStatus.ARCHIVED: 20,
    VoiceStatus.FAILED: 100,
    VoiceStatus.PROCESSING: 100,
}  # %


PROVIDERS = _repeat_by_weight(
    {Provider.ELEVENLABS: 108, Provider.RESEMBLE: 44, Provider.INWORLD: 24, Provider.CARTESIA: 22, "playht": 2}
)


GENDERS = _repeat_by_weight({None: 38, "female": 29, "male": 27, "neutral": 4, "non-binary": 1, "child": 1})


SCORES = _repeat_by_weight(
    {(9_000, 10_000): 34, (8_000, 9_000): 36, (7_000, 8_000): 19, (2_500, 7_000): 11}
)  # ten-thousandths


EDGE_SCORES = (0.9, 0.8, 0.7, 0.897, 1.0, 0.0)


ENGLISH = {"en": 110, "en-US": 26, "en-GB": 13, "en-AU": 5, None: 4}


LANGUAGES = _repeat_by_weight(
    ENGLISH
    | {"es": 7, "es-MX": 4, "fr": 5, "fr-CA": 2, "de": 6, "pt-BR": 6, "it": 3, "pl": 2, "tr": 2, "vi": 1, "ja": 4}
    | {"zh-CN": 2, "ko": 2, "ar": 3, "he": 2, "hi": 3, "th": 2, "el": 2, "ru": 2, "uk": 2}
)


SECOND = 1_000_000  # in microseconds, as all time spans here: integers need no rounding


MINUTE = 60 * SECOND


DAY = 24 * 60 * MINUTE


OLDEST = 3 * 365 * DAY


DIGITS, LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"


def generate_sample(day: datetime) -> tuple[SampleOrganization, ...]:
    """Return the sample for a day: the same bytes on every machine and version of Python.

    Args:
        day: midnight in UTC. No generated time is later.

    Raises:
        OverflowError: if there is no date three years earlier.
    """
    rng = _SeededRandom(seed=20_240_115)
    drafts = [(plan, voice) for plan in ORGANIZATION_PLANS for voice in _draw_voices(rng, plan, day)]
    drafts.sort(key=lambda draft: draft[1].created_at)
    voices: dict[_OrganizationPlan, list[VoiceRow]] = {plan: [] for plan in ORGANIZATION_PLANS}
    for number, (plan, voice) in enumerate(drafts, FIRST_ID):
        voices[plan].append(voice._replace(id=number))
    _duplicate_two_voices(voices[ORGANIZATION_PLANS[0]])
    return (*(_build_organization(plan, voices[plan]) for plan in ORGANIZATION_PLANS), FIXED_ORGANIZATION)


class _SeededRandom:
    """Random draws from a seed. Uses only `random()`, whose sequence is the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._next = random.Random(seed).random  # noqa: S311  # nothing here is a secret

    def draw_below(self, end: int, skew: int = 1) -> int:
        """Return an integer from 0 to end - 1. A larger skew makes small numbers more likely."""
        drawn = self._next()
        share = drawn
        for _ in range(skew - 1):
            share *= drawn
        return int(share * end)

    def happens(self, percent: int) -> bool:
        """Return True with this probability."""
        return self.draw_below(100) < percent

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.draw_below(len(choices))]

    def draw_text(self, alphabet: str, length: int) -> str:
        return "".join(self.choose(alphabet) for _ in range(length))


def _build_organization(plan: _OrganizationPlan, voices: Sequence[VoiceRow]) -> SampleOrganization:
    assistants = []
    for assistant in plan.assistants:
        of_status = [voice for voice in voices if voice.status is assistant.voice_status]
        setting = STOCK_VOICE
        if of_status:
            voice = max(of_status, key=lambda voice: voice.synthesis_count)
            setting = voice.provider, voice.provider_voice_id
        assistants.append(SampleAssistant(assistant.id, assistant.name, assistant.active, *setting))
    return SampleOrganization(plan.name, tuple(assistants), tuple(voices))


def _duplicate_two_voices(voices: list[VoiceRow]) -> None:
    """Duplicate two ready voices, as if they had been created a second time a little later."""
    ready = [index for index, voice in enumerate(voices) if voice.status is VoiceStatus.READY]
    for first, second in (ready[150:152], ready[400:402]):
        copied = {name: getattr(voices[first], name) for name in ("name", "provider", "provider_voice_id", "language")}
        voices[second] = voices[second]._replace(**copied)


def _draw_voices(rng: _SeededRandom, plan: _OrganizationPlan, day: datetime) -> Iterator[VoiceRow]:
    """Yield the voices of an organization, without their ids."""
    odd = iter(ODD_NAMES if plan is ORGANIZATION_PLANS[0] else ())
    for _ in range(plan.voices):
        status = rng.choose(STATUSES)
        name, language = next(odd, None) or _draw_name(rng)
        provider = str(rng.choose(PROVIDERS))  # a plain string, not the enum member
        failed_early = status is VoiceStatus.FAILED and rng.happens(40)
        age = _truncate(rng, _draw_age(rng, status))
        count, idle = _draw_usage(rng, status, age)
        yield VoiceRow(
            id=0,
            name=name,
            provider=provider,
            provider_voice_id="" if failed_early else _draw_provider_voice_id(rng, provider, plan.name, name),
            language=language,
            gender=rng.choose(GENDERS),
            status=status,
            quality_score=None if rng.happens(UNSCORED_PERCENT[status]) else _draw_score(rng),
            created_at=day - timedelta(microseconds=age),
            last_used_at=None if idle is None else day - timedelta(microseconds=_truncate(rng, idle)),
            synthesis_count=count,
        )


def _draw_name(rng: _SeededRandom) -> tuple[str, str | None]:
    """Return a name and its language."""
    language = rng.choose(LANGUAGES)
    if language is None or language in ENGLISH:
        return f"{rng.choose(THEMES)} {rng.choose(DETAILS)}".rstrip(), language
    return f"{rng.choose(NAMES[language.partition('-')[0]])} {rng.choose(NUMBERS)}".rstrip(), language


def _draw_provider_voice_id(rng: _SeededRandom, provider: str, organization: str, name: str) -> str:
    """Return an id in the format of the provider."""
    match provider:
        case Provider.ELEVENLABS:
            return rng.draw_text(DIGITS + LETTERS + LETTERS.upper(), 20)
        case Provider.RESEMBLE:
            return rng.draw_text(DIGITS + "abcdef", 8)
        case Provider.INWORLD:
            workspace, voice = organization.split(maxsplit=1)[0], name.split(maxsplit=1)[0]
            voice = voice if voice.isascii() and voice.isalnum() else "voice"
            return f"{workspace}__{voice}-{rng.draw_text(DIGITS, 5)}".lower()
        case Provider.CARTESIA:
            return _draw_uuid(rng)
        case _:
            return f"s3://voices/{_draw_uuid(rng)}/manifest.json"


def _draw_uuid(rng: _SeededRandom) -> str:
    digits = rng.draw_text(DIGITS + "abcdef", 30)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{rng.choose('89ab')}{digits[15:18]}-{digits[18:]}"


def _draw_age(rng: _SeededRandom, status: VoiceStatus) -> int:
    """Return the age of a voice in microseconds."""
    if status is VoiceStatus.ARCHIVED:
        return 60 * DAY + rng.draw_below(OLDEST - 60 * DAY)
    if status is not VoiceStatus.PROCESSING:
        return 3 * MINUTE + rng.draw_below(OLDEST - 3 * MINUTE, skew=2)
    if rng.happens(60):
        return 2 * MINUTE + rng.draw_below(28 * MINUTE)
    return 180 * MINUTE + rng.draw_below(3 * DAY, skew=2)  # stuck


def _draw_usage(rng: _SeededRandom, status: VoiceStatus, age: int) -> tuple[int, int | None]:
    """Return how often a voice was used, at most once an hour, and how long ago; None if it was never used."""
    if rng.happens(UNUSED_PERCENT[status]):
        return 0, None
    count = min(1 + rng.draw_below(5_000, skew=5), 1 + age // (60 * MINUTE))
    if status is VoiceStatus.ARCHIVED:
        return count, 30 * DAY + rng.draw_below(age - 30 * DAY)
    if rng.happens(55):
        return count, rng.draw_below(min(age, 20 * DAY), skew=2)
    return count, rng.draw_below(age)


def _truncate(rng: _SeededRandom, span: int) -> int:
    """Round a span down, mostly to seconds. Rounding up could move a use before the creation."""
    return span - span % rng.choose((SECOND, SECOND, SECOND, 1_000, 1))


def _draw_score(rng: _SeededRandom) -> float:
    if rng.happens(4):
        return rng.choose(EDGE_SCORES)
    low, high = rng.choose(SCORES)
    score = low + rng.draw_below(high - low)
    return (score - score % rng.choose((100, 100, 10, 1))) / 10_000
