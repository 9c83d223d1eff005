"""One voice as the API writes it: eleven fields, checked on the way in, exact on the way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import call, itemgetter
from typing import Any

from voiceadmin.text import MAX_ID, format_iso8601, parse_integer
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

FIELDS = VoiceRow._fields


OPTIONAL = frozenset(
    {"provider_voice_id", "language", "gender", "quality_score", "last_used_at"}
)  # may lack or be null


MAX_NAME = 10_000  # letters


MAX_VOICE_ID = 500  # letters; with the provider's word it must fit into an index of PostgreSQL


MAX_WORD = 100  # letters, for every other text


FieldError = tuple[str, Any, str, str]  # field, value, problem, remedy


class InvalidVoice(Exception):
    """A record that cannot be a voice. errors: every (field, value, problem, remedy), in the order of the fields."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        super().__init__()
        self.errors = tuple(errors)


def parse_voice(raw: Mapping[str, Any]) -> VoiceRow:
    """Check a record of the API and make it a row. Unknown fields are passed over.

    raw: values as JSON has them; integers and numbers may also be the text
        that a CSV has.
    Raises InvalidVoice that names every fault, not only the first.
    """
    try:  # as most are: complete and faultless
        return VoiceRow._make(map(call, _READERS.values(), _values(raw)))
    except (KeyError, InvalidValue):
        return _read_with_care(raw)


def _read_with_care(raw: Mapping[str, Any]) -> VoiceRow:
    values: list[Any] = []
    errors: list[FieldError] = []
    for name, read in _READERS.items():
        value = raw.get(name)
        try:
            if value is None and name not in OPTIONAL:
                raise InvalidValue("is missing.", "Every record needs it.")
            values.append(read(value))
        except InvalidValue as bad:
            errors.append((name, value, bad.problem, bad.remedy))
    if errors:
        raise InvalidVoice(errors)
    return VoiceRow(*values)


def voice_to_json(row: VoiceRow) -> dict[str, Any]:
    """The API's object for a voice, fields in the API's order."""
    record = row._asdict()
    record["created_at"] = format_iso8601(row.created_at)
    record["last_used_at"] = None if row.last_used_at is None else format_iso8601(row.last_used_at)
    return record


class InvalidValue(Exception):
    """A value that its field cannot have: what is wrong with it and what to do, each a piece of a sentence."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise InvalidValue("is not a text.", "Put it in quotation marks.")
    if len(value) > most:
        raise InvalidValue(f"has {len(value):,} letters.", f"Shorten it to {most:,}.")
    if "\0" in value or not value.isascii():
        _refuse_unstorable(value)
    return value


def _refuse_unstorable(value: str) -> None:
    """No database that we support keeps a NUL or half of a surrogate pair in a text."""
    if "\0" in value:
        raise InvalidValue("holds a NUL character.", "Take it out.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue("holds half of a surrogate pair.", "Write the whole character, or take it out.") from error


def parse_name(value: Any) -> str:
    """A name of a voice, an assistant or an organization: any text that a database can keep. Raises InvalidValue."""
    return _text(value, MAX_NAME)


def _word(value: Any) -> str:
    word = _text(value, MAX_WORD)
    if not word.strip():
        raise InvalidValue("is blank.", "Give the provider's word, such as “elevenlabs”.")
    return word


def _voice_id(value: Any) -> str:
    return "" if value is None else _text(value, MAX_VOICE_ID)


def _word_or_none(value: Any) -> str | None:
    return None if value is None or value == "" else _text(value, MAX_WORD)


def _integer(value: Any, least: int) -> int:
    number = value if type(value) is int else _whole(value, least)
    if not least <= number <= MAX_ID:
        raise InvalidValue("is out of range.", f"Give a whole number from {least} to {MAX_ID}.")
    return number


def _whole(value: Any, least: int) -> int:
    number = parse_integer(value) if isinstance(value, str) else value
    if isinstance(number, Decimal):  # what a reader of JSON makes of far too many digits
        number = MAX_ID + 1
    if isinstance(number, bool) or not isinstance(number, int):
        raise InvalidValue("is not a whole number.", f"Give one from {least} to {MAX_ID}, in digits.")
    return number


def _id(value: Any) -> int:
    return _integer(value, 1)


def _count(value: Any) -> int:
    return _integer(value, 0)


_STATUSES: Mapping[Any, VoiceStatus] = {status.value: status for status in VoiceStatus}


def _status(value: Any) -> VoiceStatus:
    try:
        return _STATUSES[value]
    except (KeyError, TypeError) as error:  # TypeError: a list or an object, which is no key
        raise InvalidValue("is not a status.", f"Use one of {', '.join(_STATUSES)}.") from error


_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def _score(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = value if type(value) is float else _number(value)
    if not 0 <= number <= 1:
        raise InvalidValue("is out of range.", "Give a score from 0.0 to 1.0; divide a percentage by 100.")
    return float(number) + 0.0  # makes a negative zero plain


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValue("is not a number.", "Give one from 0.0 to 1.0, or null when the voice has no score.")
    return value


_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-9]{2}"


_PLAIN_TIME = re.compile(rf"{_DAY}T{_MINUTE}:[0-9]{{2}}Z", re.ASCII)  # as the API writes it; Python reads this alike


_TIME = re.compile(
    rf"({_DAY})[Tt ]({_MINUTE}(?::[0-9]{{2}})?)"  # day and clock
    r"(?:(?<=:..:..)[.,]([0-9]+))?"  # fraction of a second; of a minute it would be something else
    r"(?: ?(Z|z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?",  # zone
    re.ASCII,
)


def _time(value: Any) -> datetime:
    """Read ISO 8601. No zone is UTC; what is finer than a microsecond is cut off."""
    try:
        if isinstance(value, str) and _PLAIN_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
        return _other_time(value)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("is not a time.", "Write it as 2024-01-15T10:45:00Z.") from error


def _other_time(value: Any) -> datetime:
    match = _TIME.fullmatch(value) if isinstance(value, str) and len(value) < 80 else None
    if match is None:
        raise ValueError
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    time = datetime.fromisoformat(f"{day}T{clock}{zone}")
    if fraction:
        time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    return time.astimezone(UTC)


def _time_or_none(value: Any) -> datetime | None:
    return None if value is None or value == "" else _time(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "name": parse_name,
    "provider": _word,
    "provider_voice_id": _voice_id,
    "language": _word_or_none,
    "gender": _word_or_none,
    "status": _status,
    "quality_score": _score,
    "created_at": _time,
    "last_used_at": _time_or_none,
    "synthesis_count": _count,
}


_values = itemgetter(*_READERS)
