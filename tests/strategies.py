"""Hypothesis strategies of voices: fields up to their bounds, and hostile texts."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.factories import voice_row
from voiceadmin.text import MAX_ID
from voiceadmin.voices.json_body import MAX_NAME, MAX_VOICE_ID, MAX_WORD
from voiceadmin.voices.types.provider import normalize_provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

HOSTILE = [
    "",
    " ",
    "=1+1",
    "'=1+1",
    "''=1+1",
    "'",
    "''",
    "'apostrophe",
    "+49 30",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "'＋1",
    "－1",
    "＠1",
    "\t=1",
    "\r=1",
    "\n=1",
    'a "quoted" name',
    '"',
    '",',
    "a,b;c",
    "two\nlines",
    "two\r\nlines",
    "old\rMac",
    "tab\tinside",
    "a\\b",
    "\\ud800",
    "{}[]:",
    '"cloned_voices": [',
    "null",
    "Recepción",
    "😀👩‍👩‍👧",
    "abc\u202ecba",
    "line\u2028separator\u2029",
    "\ufeffmark",
    "\ufffe\uffff",
    "\x1b[31m\x7f\x85",
    "'; DROP TABLE cloned_voice; --",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "%_\\%",
]
LONGEST_NAMES = ["x" * MAX_NAME, "😀" * MAX_NAME, '"' * MAX_NAME]
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")  # NUL and lone surrogates are refused
TEXTS = st.sampled_from(HOSTILE) | st.text(LETTERS, max_size=20) | st.text("'=+-@\t\r\n\",\\＝＋－＠a", max_size=8)
WORDS = TEXTS | st.sampled_from(["é" * MAX_WORD])
TIMES = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [datetime(2024, 1, 15, 10, 45, tzinfo=UTC), datetime(2024, 1, 15, 10, 45, 0, 123000, tzinfo=UTC)]
)
# Times that an import accepts, which refuses the future and takes times before 1971 as unknown.
PAST_TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2026, 11, 22), timezones=st.just(UTC))  # noqa: DTZ001  # st adds it
SCORES = st.floats(0, 1).map(abs) | st.sampled_from([0.0, 1e-300, 0.6999999999999999, 0.7, 0.8, 0.897, 0.9, 1.0])
COUNTS = st.integers(0, MAX_ID) | st.sampled_from([0, 2**31, MAX_ID])

VOICES = st.builds(
    VoiceRow,
    id=st.integers(1, MAX_ID) | st.sampled_from([1, 2**31, 2**53 + 1, MAX_ID]),
    name=TEXTS | st.sampled_from([*HOSTILE, *LONGEST_NAMES]),  # rarely the longest: one takes PostgreSQL a second
    provider=WORDS.filter(str.strip).filter(lambda word: normalize_provider(word) == word),
    provider_voice_id=TEXTS | st.sampled_from(["=" * MAX_VOICE_ID]),
    language=st.none() | WORDS.filter(bool),
    gender=st.none() | WORDS.filter(bool),
    status=st.sampled_from(VoiceStatus),
    quality_score=st.none() | SCORES,
    created_at=PAST_TIMES,
    last_used_at=st.none() | PAST_TIMES,
    synthesis_count=COUNTS,
)
LISTS = st.lists(VOICES, max_size=6, unique_by=lambda row: row.id)

# Voices as they may be stored since a former version, which imported every time.
STORED_VOICES = st.builds(
    lambda row, created_at, last_used_at: row._replace(created_at=created_at, last_used_at=last_used_at),
    VOICES,
    TIMES,
    st.none() | TIMES,
)
STORED_LISTS = st.lists(STORED_VOICES, max_size=6, unique_by=lambda row: row.id)

# Voices with few different values, so that filters match several and sort orders have ties

SHORT_TEXTS = st.text(LETTERS, max_size=6)
PLAIN_TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 22), timezones=st.just(UTC))  # noqa: DTZ001  # st adds it
PLAIN_VOICES = st.builds(
    voice_row,
    name=SHORT_TEXTS | st.sampled_from(["Ada", "ada", "Émile", "emile", "Zoë"]),
    provider=st.sampled_from(["elevenlabs", "resemble", "playht", "Zed"]),
    provider_voice_id=SHORT_TEXTS,
    language=st.sampled_from([None, "en", "fr", "en-US"]),
    status=st.sampled_from(list(VoiceStatus)),
    quality_score=st.none() | SCORES,
    created_at=PLAIN_TIMES,
    last_used_at=st.none() | PLAIN_TIMES,
    synthesis_count=st.sampled_from([0, 0, 1, 2, MAX_ID]),
)

# For properties that are tested repeatedly on one database.
IN_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
