"""The sample data: eight invented organizations with ten assistants and 2,500 voices, computed from a day."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class SampleAssistant:
    """An assistant and what it is set to speak with."""

    id: int
    name: str
    active: bool
    tts_provider: str
    tts_voice_id: str


@dataclass(frozen=True, slots=True)
class SampleOrganization:
    """An organization with all that is in it. Its name is unlike that of every other one of the sample."""

    name: str
    assistants: tuple[SampleAssistant, ...]
    voices: tuple[VoiceRow, ...]


def _spread(weights: Mapping[Choice, int]) -> tuple[Choice, ...]:
    """Repeat every key as often as its weight says."""
    return tuple(word for word, weight in weights.items() for _ in range(weight))


def _words(table: str) -> tuple[str, ...]:
    """Read a table of words with bars between them."""
    return tuple(table.split("|"))


class _Desk(NamedTuple):
    """An assistant to be. speaks: the status of the voice it is set to, the most used such; None is a stock voice."""

    id: int
    name: str
    speaks: VoiceStatus | None = VoiceStatus.READY
    active: bool = True


class _Plan(NamedTuple):
    name: str
    voices: int
    assistants: tuple[_Desk, ...]


PLANS = (
    _Plan(
        "Acme Telecom",
        1204,
        (_Desk(31, "Night desk"), _Desk(32, "Billing questions"), _Desk(33, "Outage hotline", VoiceStatus.ARCHIVED)),
    ),
    _Plan("Grand Meridian Hotels", 640, (_Desk(201, "Booking line"),)),
    _Plan("Riverside Health", 310, (_Desk(202, "Appointments"),)),
    _Plan("Kestrel Parcel", 180, (_Desk(205, "Where is my parcel?"),)),
    _Plan("Museo de las Américas", 118, (_Desk(210, "Guía telefónica", active=False),)),
    _Plan("Trattoria Niccolò", 45, (_Desk(214, "Table reservations"),)),
    _Plan("Bluebird Books", 0, (_Desk(230, "Shop line", speaks=None),)),
)


STOCK_VOICE = (Provider.ELEVENLABS.value, "rachel")  # what upstream sets a new assistant to


FRONT_DESK = 123  # the assistant whose three voices are the same on every day


FIXED = SampleOrganization(
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


FIRST_ID = 20_001  # the generated voices are numbered from here, the oldest first


COUNT = sum(plan.voices for plan in PLANS)


VOICE_IDS = (*(voice.id for voice in FIXED.voices), *range(FIRST_ID, FIRST_ID + COUNT))


ASSISTANT_IDS = (*(assistant.id for plan in PLANS for assistant in plan.assistants), FRONT_DESK)


STATUSES = _spread(
    {VoiceStatus.READY: 900, VoiceStatus.ARCHIVED: 71, VoiceStatus.FAILED: 18, VoiceStatus.PROCESSING: 11}
)


UNSCORED = {VoiceStatus.READY: 25, VoiceStatus.ARCHIVED: 30, VoiceStatus.FAILED: 90, VoiceStatus.PROCESSING: 95}  # %


UNUSED = {VoiceStatus.READY: 14, VoiceStatus.ARCHIVED: 20, VoiceStatus.FAILED: 100, VoiceStatus.PROCESSING: 100}  # %


PROVIDERS = _spread(
    {Provider.ELEVENLABS: 108, Provider.RESEMBLE: 44, Provider.INWORLD: 24, Provider.CARTESIA: 22, "playht": 2}
)


GENDERS = _spread({None: 38, "female": 29, "male": 27, "neutral": 4, "non-binary": 1, "child": 1})


SCORES = _spread({(9_000, 10_000): 34, (8_000, 9_000): 36, (7_000, 8_000): 19, (2_500, 7_000): 11})  # ten-thousandths


EDGE_SCORES = (0.9, 0.8, 0.7, 0.897, 1.0, 0.0)


ENGLISH = {"en": 110, "en-US": 26, "en-GB": 13, "en-AU": 5, None: 4}


LANGUAGES = _spread(
    ENGLISH
    | {"es": 7, "es-MX": 4, "fr": 5, "fr-CA": 2, "de": 6, "pt-BR": 6, "it": 3, "pl": 2, "tr": 2, "vi": 1, "ja": 4}
    | {"zh-CN": 2, "ko": 2, "ar": 3, "he": 2, "hi": 3, "th": 2, "el": 2, "ru": 2, "uk": 2}
)


THEMES = _words(
    "Lobby guide|Holiday greeting|IVR prompt|Main menu|Voicemail greeting|Queue announcement|Appointment reminder|"
    "Billing reminder|Payment line|Outage notice|Opening hours|Night desk|Check-in|Room service|Concierge|Museum tour|"
    "Gallery audio guide|Elevator announcements|Delivery update|Parcel tracking|Customer survey|Support, first line|"
    "Support, second line|Onboarding tour|Product video|Training course|Radio spot|Brand voice|Narrator|Story hour|"
    "Pharmacy line|Test results|Emergency notice|Reservations|Menu of the day|Loyalty club"
)


DETAILS = _words(  # what may follow a theme
    "||||2022|2023|2023|2024|2024|2025|v2|v3|B|(draft)|(evening)|(calm)|(bright)|(slow)|(formal)|(short version)|"
    "(long version)|(second take)|(new studio)|North|South|Airport|Downtown|Harbour|"
    "– Amelia|– Noah|– Zoë|– Priya|– Tomás|– Ingrid|– Kwame|– Mei|– Søren|– Aoife"
)


NAMES = {
    "es": _words("Recepción|Guía del museo|Felicitación de Navidad|Menú principal|Aviso de avería|Voz de Begoña"),
    "fr": _words("Accueil de nuit|Message d’absence|Visite guidée|Rappel de rendez-vous|Vœux de Noël|Voix de Chloé"),
    "de": _words("Begrüßung|Störungsansage|Museumsführung|Warteschleife|Weihnachtsgruß|Stimme von Jörg"),
    "pt": _words("Saudação de Natal|Recepção|Lembrete de consulta|Aviso de manutenção|Voz da Conceição"),
    "it": _words("Guida del museo|Benvenuto in hotel|Auguri di Natale|Segreteria telefonica|Novità in città"),
    "pl": _words("Powitanie w recepcji|Życzenia świąteczne|Przypomnienie o wizycie|Głos Małgorzaty"),
    "tr": _words("Karşılama mesajı|Randevu hatırlatma|Müşteri hizmetleri|Çağrı merkezi"),
    "vi": _words("Lời chào|Nhắc lịch hẹn|Chúc mừng năm mới"),
    "ja": _words("受付案内|年末のご挨拶|予約確認|館内ガイド|留守番電話|さくらの声"),
    "zh": _words("前台接待|节日问候|预约提醒|语音导航"),
    "ko": _words("안내 데스크|연말 인사|예약 확인|고객 센터"),
    "ar": _words("رسالة ترحيب|دليل المتحف|تذكير بالموعد|تهنئة العيد|صوت ليلى"),
    "he": _words("הודעת פתיחה|מדריך המוזיאון|תזכורת לתור|ברכת חג"),
    "hi": _words("स्वागत संदेश|संग्रहालय गाइड|ग्राहक सेवा|दिवाली की शुभकामनाएँ|प्रिया की आवाज़"),
    "th": _words("ข้อความต้อนรับ|แจ้งเตือนนัดหมาย|สวัสดีปีใหม่"),
    "el": _words("Μήνυμα υποδοχής|Ξενάγηση στο μουσείο|Χριστουγεννιάτικες ευχές|Η φωνή της Ελένης"),
    "ru": _words("Приветствие|Экскурсия по музею|Новогоднее поздравление|Голос Алёны"),
    "uk": _words("Привітання|Нагадування про запис|Голос Соломії"),
}


NUMBERS = _words("|||1|2|3|2023|2024|2025|A|B|v2")  # what may follow a name in any script


LONG_NAME = (
    "Main switchboard greeting, spring campaign, recorded in the small studio with the old ribbon microphone, second "
    "session, take fourteen, approved by marketing and by legal, to replace the greeting of 2022 on every regional line"
)


ODD_NAMES = (  # names that a page, a search or a file must cope with; the first voices of the first organization
    (LONG_NAME, "en"),
    ("Haupteingangsbegrüßungsansagenwiederholungsaufnahme", "de"),
    ("  Lobby guide ", "en"),
    ("Terms & conditions <read slowly>", "en"),
    ("Coffee bar, 100% arabica", "en"),
    ("ivr_prompt_07", "en"),
    ("O’Brien’s 🎙 podcast", "en-GB"),
)


SECOND = 1_000_000  # spans of time are whole microseconds, so that no rounding comes in


MINUTE = 60 * SECOND


DAY = 24 * 60 * MINUTE


OLDEST = 3 * 365 * DAY


DIGITS, LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"


def generate_sample(day: datetime) -> tuple[SampleOrganization, ...]:
    """Compute the sample as it looks on a day, byte for byte alike on every machine and version of Python.

    day: midnight, aware and UTC. Nothing lies after it except what is FIXED.
    Raises OverflowError when three years before it there is no date.
    """
    chance = _Chance(seed=20_240_115)
    drafts = [(plan, voice) for plan in PLANS for voice in _voices(chance, plan, day)]
    drafts.sort(key=lambda draft: draft[1].created_at)
    voices: dict[_Plan, list[VoiceRow]] = {plan: [] for plan in PLANS}
    for number, (plan, voice) in enumerate(drafts, FIRST_ID):
        voices[plan].append(voice._replace(id=number))
    _double(voices[PLANS[0]])
    return (*(_organization(plan, voices[plan]) for plan in PLANS), FIXED)


class _Chance:
    """Draws from a seed. Of the random module only `random()` is used: only it is promised never to change."""

    def __init__(self, seed: int) -> None:
        self._next = random.Random(seed).random  # noqa: S311  # nothing here is a secret

    def below(self, end: int, skew: int = 1) -> int:
        """Draw a whole number from 0 to end - 1; the larger the skew, the likelier the small ones."""
        drawn = self._next()
        share = drawn
        for _ in range(skew - 1):
            share *= drawn
        return int(share * end)

    def percent(self, likelihood: int) -> bool:
        return self.below(100) < likelihood

    def of(self, choices: Sequence[Choice]) -> Choice:
        return choices[self.below(len(choices))]

    def word(self, alphabet: str, length: int) -> str:
        return "".join(self.of(alphabet) for _ in range(length))


def _organization(plan: _Plan, voices: Sequence[VoiceRow]) -> SampleOrganization:
    assistants = []
    for assistant in plan.assistants:
        of_status = [voice for voice in voices if voice.status is assistant.speaks]
        setting = STOCK_VOICE
        if of_status:
            voice = max(of_status, key=lambda voice: voice.synthesis_count)
            setting = voice.provider, voice.provider_voice_id
        assistants.append(SampleAssistant(assistant.id, assistant.name, assistant.active, *setting))
    return SampleOrganization(plan.name, tuple(assistants), tuple(voices))


def _double(voices: list[VoiceRow]) -> None:
    """Let two ready voices be there twice, as if somebody had entered them again a little later."""
    ready = [place for place, voice in enumerate(voices) if voice.status is VoiceStatus.READY]
    for first, second in (ready[150:152], ready[400:402]):
        same = {name: getattr(voices[first], name) for name in ("name", "provider", "provider_voice_id", "language")}
        voices[second] = voices[second]._replace(**same)


def _voices(chance: _Chance, plan: _Plan, day: datetime) -> Iterator[VoiceRow]:
    """Draw the voices of an organization, without their ids."""
    odd = iter(ODD_NAMES if plan is PLANS[0] else ())
    for _ in range(plan.voices):
        status = chance.of(STATUSES)
        name, language = next(odd, None) or _name(chance)
        provider = str(chance.of(PROVIDERS))  # the plain text, not the member
        failed_early = status is VoiceStatus.FAILED and chance.percent(40)
        age = _shortened(chance, _age(chance, status))
        count, idle = _use(chance, status, age)
        yield VoiceRow(
            id=0,
            name=name,
            provider=provider,
            provider_voice_id="" if failed_early else _provider_voice_id(chance, provider, plan.name, name),
            language=language,
            gender=chance.of(GENDERS),
            status=status,
            quality_score=None if chance.percent(UNSCORED[status]) else _score(chance),
            created_at=day - timedelta(microseconds=age),
            last_used_at=None if idle is None else day - timedelta(microseconds=_shortened(chance, idle)),
            synthesis_count=count,
        )


def _name(chance: _Chance) -> tuple[str, str | None]:
    """Draw a name, and the language that it is in."""
    language = chance.of(LANGUAGES)
    if language is None or language in ENGLISH:
        return f"{chance.of(THEMES)} {chance.of(DETAILS)}".rstrip(), language
    return f"{chance.of(NAMES[language.partition('-')[0]])} {chance.of(NUMBERS)}".rstrip(), language


def _provider_voice_id(chance: _Chance, provider: str, organization: str, name: str) -> str:
    """Draw an id shaped as this provider shapes its own."""
    match provider:
        case Provider.ELEVENLABS:
            return chance.word(DIGITS + LETTERS + LETTERS.upper(), 20)
        case Provider.RESEMBLE:
            return chance.word(DIGITS + "abcdef", 8)
        case Provider.INWORLD:
            workspace, voice = organization.split(maxsplit=1)[0], name.split(maxsplit=1)[0]
            voice = voice if voice.isascii() and voice.isalnum() else "voice"
            return f"{workspace}__{voice}-{chance.word(DIGITS, 5)}".lower()
        case Provider.CARTESIA:
            return _uuid(chance)
        case _:
            return f"s3://voices/{_uuid(chance)}/manifest.json"


def _uuid(chance: _Chance) -> str:
    digits = chance.word(DIGITS + "abcdef", 30)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{chance.of('89ab')}{digits[15:18]}-{digits[18:]}"


def _age(chance: _Chance, status: VoiceStatus) -> int:
    """Draw how long ago a voice was made, in microseconds."""
    if status is VoiceStatus.ARCHIVED:
        return 60 * DAY + chance.below(OLDEST - 60 * DAY)
    if status is not VoiceStatus.PROCESSING:
        return 3 * MINUTE + chance.below(OLDEST - 3 * MINUTE, skew=2)
    if chance.percent(60):
        return 2 * MINUTE + chance.below(28 * MINUTE)
    return 180 * MINUTE + chance.below(3 * DAY, skew=2)  # stuck


def _use(chance: _Chance, status: VoiceStatus, age: int) -> tuple[int, int | None]:
    """Draw how often a voice was used, at most once an hour, and for how long not since; None when it never was."""
    if chance.percent(UNUSED[status]):
        return 0, None
    count = min(1 + chance.below(5_000, skew=5), 1 + age // (60 * MINUTE))
    if status is VoiceStatus.ARCHIVED:
        return count, 30 * DAY + chance.below(age - 30 * DAY)
    if chance.percent(55):
        return count, chance.below(min(age, 20 * DAY), skew=2)
    return count, chance.below(age)


def _shortened(chance: _Chance, span: int) -> int:
    """Cut a span to whole seconds mostly, sometimes to finer ones. Never up: a use must stay after its creation."""
    return span - span % chance.of((SECOND, SECOND, SECOND, 1_000, 1))


def _score(chance: _Chance) -> float:
    if chance.percent(4):
        return chance.of(EDGE_SCORES)
    low, high = chance.of(SCORES)
    score = low + chance.below(high - low)
    return (score - score % chance.of((100, 100, 10, 1))) / 10_000
