"""The JSON form of one voice: eleven fields, validated when parsed and written exactly as the platform's API does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import call, itemgetter
from typing import Any, NamedTuple

from voiceadmin.text import MAX_ID, format_iso8601, parse_integer
from voiceadmin.voices.types.provider import normalize_provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

FIELDS = VoiceRow._fields

# Fields that may be missing or null.
OPTIONAL = frozenset({"provider_voice_id", "language", "gender", "quality_score", "last_used_at"})

MAX_NAME = 10_000  # characters
MAX_VOICE_ID = 500  # characters; together with the provider it must fit into an index entry of PostgreSQL
MAX_WORD = 100  # characters, for every other text


class FieldError(NamedTuple):
    """Why the value of one field is invalid. value: as it was given, None if it was missing."""

    field: str
    value: Any
    problem: str
    remedy: str


class InvalidVoice(Exception):
    """A record is not a valid voice. errors: one for each invalid field, in the order of the fields."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        super().__init__()
        self.errors = tuple(errors)


class InvalidValue(Exception):
    """A value is invalid for its field. problem, remedy: the predicate of a sentence, and a sentence."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def parse_voice(raw: Mapping[str, Any]) -> VoiceRow:
    """Validate a record of the API and return it as a row. Unknown fields are ignored.

    Args:
        raw: values as the JSON decoder returns them. Numbers may also be strings, as in CSV.

    Raises:
        InvalidVoice: with every invalid field, not only the first.
    """
    try:  # the fast path for complete and valid records
        return VoiceRow._make(map(call, _PARSERS.values(), _values(raw)))
    except (KeyError, InvalidValue):
        return _parse_each_field(raw)


def _parse_each_field(raw: Mapping[str, Any]) -> VoiceRow:
    """Parse a record field by field, and collect the errors."""
    values: list[Any] = []
    errors: list[FieldError] = []
    for name, parse in _PARSERS.items():
        value = raw.get(name)
        try:
            if value is None and name not in OPTIONAL:
                raise InvalidValue("is missing.", "This field is required.")
            values.append(parse(value))
        except InvalidValue as invalid:
            errors.append(FieldError(name, value, invalid.problem, invalid.remedy))
    if errors:
        raise InvalidVoice(errors)
    return VoiceRow(*values)


def voice_to_json(row: VoiceRow) -> dict[str, Any]:
    """Return the API's object for a voice, with the fields in the API's order."""
    body = row._asdict()
    body["created_at"] = format_iso8601(row.created_at)
    body["last_used_at"] = None if row.last_used_at is None else format_iso8601(row.last_used_at)
    return body


def value_to_json(value: Any) -> Any:
    """Return the API's value for a field of a voice."""
    return format_iso8601(value) if isinstance(value, datetime) else value


# Texts


def parse_name(value: Any) -> str:
    """Return the name of a voice, an assistant or an organization: any text that a database can store.

    Raises:
        InvalidValue: if it is not a string, too long, or contains a NUL or an unpaired surrogate.
    """
    return _parse_text(value, MAX_NAME)


def _parse_text(value: Any, max_length: int) -> str:
    if not isinstance(value, str):
        raise InvalidValue("is not a string.", "Put it in quotation marks.")
    if len(value) > max_length:
        raise InvalidValue(f"has {len(value):,} characters.", f"Shorten it to {max_length:,}.")
    if "\0" in value or not value.isascii():
        _check_storable(value)
    return value


def _check_storable(value: str) -> None:
    """Refuse NUL characters and unpaired surrogates: PostgreSQL stores neither, and UTF-8 cannot encode the latter."""
    if "\0" in value:
        raise InvalidValue("contains a NUL character.", "Remove it.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue("contains an unpaired surrogate.", "Write the complete character, or remove it.") from error


def _parse_provider(value: Any) -> str:
    provider = _parse_text(value, MAX_WORD)
    if not provider.strip():
        raise InvalidValue("is blank.", "Give the name of the provider, such as “elevenlabs”.")
    return normalize_provider(provider)


def _parse_provider_voice_id(value: Any) -> str:
    return "" if value is None else _parse_text(value, MAX_VOICE_ID)


def _parse_optional_word(value: Any) -> str | None:
    return None if value is None or value == "" else _parse_text(value, MAX_WORD)


# Numbers


def parse_voice_id(value: Any) -> int:
    """Return the id of a voice.

    Raises:
        InvalidValue: if it is not an integer, or out of range.
    """
    return _parse_bounded_integer(value, 1)


def _parse_count(value: Any) -> int:
    return _parse_bounded_integer(value, 0)


def _parse_bounded_integer(value: Any, minimum: int) -> int:
    number = value if type(value) is int else _parse_integer(value, minimum)
    if not minimum <= number <= MAX_ID:
        raise InvalidValue("is out of range.", f"Give an integer from {minimum} to {MAX_ID}.")
    return number


def _parse_integer(value: Any, minimum: int) -> int:
    number = parse_integer(value) if isinstance(value, str) else value
    if isinstance(number, Decimal):  # the JSON reader returns one for an integer of too many digits
        number = MAX_ID + 1
    if isinstance(number, bool) or not isinstance(number, int):
        raise InvalidValue("is not an integer.", f"Give one from {minimum} to {MAX_ID}, in digits.")
    return number


_STATUSES: Mapping[Any, VoiceStatus] = {status.value: status for status in VoiceStatus}


def _parse_status(value: Any) -> VoiceStatus:
    try:
        return _STATUSES[value]
    except (KeyError, TypeError) as error:  # TypeError: a list or an object cannot be a key
        raise InvalidValue("is not a status.", f"Use one of {', '.join(_STATUSES)}.") from error


def _parse_score(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = value if type(value) is float else _parse_number(value)
    if not 0 <= number <= 1:
        raise InvalidValue("is out of range.", "Give a score from 0.0 to 1.0; divide a percentage by 100.")
    return float(number) + 0.0  # turns -0.0 into 0.0


_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def _parse_number(value: Any) -> int | float | Decimal:
    if isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValue("is not a number.", "Give one from 0.0 to 1.0, or null if the voice has no score.")
    return value


# Times


# Programs that have no time write the time zero of their clock: the year 1 (Go, .NET), 1601, 1900 or 1970 (Unix), in
# any time zone. No voice was cloned before this time.
FIRST_KNOWN_TIME = datetime(1971, 1, 1, tzinfo=UTC)

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-9]{2}"

# The format of the API, which datetime.fromisoformat reads alike in every supported version of Python.
_API_TIME = re.compile(rf"{_DAY}T{_MINUTE}:[0-9]{{2}}Z", re.ASCII)

_ISO_TIME = re.compile(
    rf"({_DAY})[Tt ]({_MINUTE}(?::[0-9]{{2}})?)"  # date and time of day
    r"(?:(?<=:..:..)[.,]([0-9]+))?"  # fraction, only after seconds: after minutes it would be a fraction of a minute
    r"(?: ?(Z|z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?",  # time zone
    re.ASCII,
)


def _parse_time(value: Any) -> datetime:
    """Return an ISO 8601 time in UTC. Without a time zone it is UTC; it is cut to microseconds."""
    try:
        if isinstance(value, str) and _API_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
        return _parse_iso_time(value)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("is not a time.", "Write it as 2024-01-15T10:45:00Z.") from error


def _parse_iso_time(value: Any) -> datetime:
    match = _ISO_TIME.fullmatch(value) if isinstance(value, str) and len(value) < 80 else None
    if match is None:
        raise ValueError
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    time = datetime.fromisoformat(f"{day}T{clock}{zone}")
    if fraction:
        time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    # With an offset, a time zero of the year 1 can be before the first time that a datetime can have.
    return time.replace(tzinfo=UTC) if time.year == 1 else time.astimezone(UTC)


def _parse_created_at(value: Any) -> datetime:
    time = _parse_time(value)
    if time < FIRST_KNOWN_TIME:
        problem = f"is before {FIRST_KNOWN_TIME:%Y}, which means that it is unknown."
        raise InvalidValue(problem, "Give the time when the voice was created.")
    return time


def _parse_last_used_at(value: Any) -> datetime | None:
    """Return the time of the last use, None if it is unknown."""
    if value is None or value == "":
        return None
    time = _parse_time(value)
    return None if time < FIRST_KNOWN_TIME else time


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "id": parse_voice_id,
    "name": parse_name,
    "provider": _parse_provider,
    "provider_voice_id": _parse_provider_voice_id,
    "language": _parse_optional_word,
    "gender": _parse_optional_word,
    "status": _parse_status,
    "quality_score": _parse_score,
    "created_at": _parse_created_at,
    "last_used_at": _parse_last_used_at,
    "synthesis_count": _parse_count,
}

_values = itemgetter(*_PARSERS)
