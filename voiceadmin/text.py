"""Format numbers, scores and times; fold case; quote values; parse integers."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

MINUTE = timedelta(minutes=1)


HOUR = timedelta(hours=1)


DAY = timedelta(days=1)


MONTH = timedelta(days=30.44)  # on average


YEAR = timedelta(days=365.25)


CENT = Decimal("0.01")


def pluralize(number: int, one: str, many: str | None = None) -> str:
    """Return the number with its noun: "1 voice", "1,204 voices"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_score(value: float) -> str:
    """Return a score truncated to two decimals: 0.897 is "0.89", because 0.90 would be another tier."""
    return str(Decimal(repr(abs(value))).quantize(CENT, rounding=ROUND_DOWN))


def format_age(time: datetime, now: datetime) -> str:
    """Return the age in one unit, such as "3 days ago"; for a time in the future "in 3 days"."""
    past = now - time
    if past < -MINUTE:
        return f"in {format_duration(-past)}"
    if past < MINUTE:
        return "just now"
    return "yesterday" if DAY <= past < 2 * DAY else f"{format_duration(past)} ago"


def format_duration(time: timedelta) -> str:
    """Return the duration in one unit: "47 min", "3 days"."""
    if time < HOUR:
        return f"{time // MINUTE} min"
    if time < DAY:
        return f"{time // HOUR} h"
    if time < 3 * MONTH:
        return pluralize(time // DAY, "day")
    if time < 2 * YEAR:
        return pluralize(time // MONTH, "month")
    return pluralize(time // YEAR, "year")


def join_alternatives(values: Sequence[str]) -> str:
    """Return a list of alternatives: "ready", "ready or failed", "a, b or c"."""
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1]))) if values else ""


LONGEST_KEY = 200  # characters of a sort key; longer ones would not fit into an index of PostgreSQL


_ACCENTS = re.compile("[\u0300-\u036f]")


def fold_case(text: str) -> str:
    """Return the text without case, accents and compatibility forms: "Recepción" and "RECEPCION" become equal.

    Removes only accents of Latin, Greek and Cyrillic letters; vowel signs of other scripts stay.
    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def build_name_key(name: str) -> str:
    """Return the sort key of a name."""
    return fold_case(name)[:LONGEST_KEY]


def normalize_email(email: str) -> str:
    """Return the key of an e-mail address. Accents stay, because they distinguish addresses."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def build_search_key(name: str, provider_voice_id: str) -> str:
    """Return the text that searches match. A search text has no newline, so it never matches across both parts.

    It also begins and ends with a newline, so that every word follows a newline or a space.
    """
    return f"\n{fold_case(name)}\n{fold_case(provider_voice_id)}\n"


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, the last one an ellipsis if it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quote_value(value: object, limit: int = 80) -> str:
    """Return a value for a message: on one line, at most `limit` characters, unprintable ones escaped."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None | bool() | str() | int():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    text = shorten(text, limit)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


# Characters without a glyph of their own outside of the categories below: fillers, variation selectors and tags.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def find_invisible_character(text: str) -> str | None:
    """Return code point and name of the first invisible character, such as "U+202E (RIGHT-TO-LEFT OVERRIDE)".

    Such characters include direction marks. Two texts that differ in them only look the same.
    """
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") or _BLANK.match(char):
            name = unicodedata.name(char, "")
            return f"U+{ord(char):04X} ({name})" if name else f"U+{ord(char):04X}"
    return None


def has_several_alphabets(text: str) -> bool:
    """Return whether the letters are of several scripts, such as a Cyrillic "а" in a Latin e-mail address."""
    return len({unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha()}) > 1


MAX_ID = 2**63 - 1  # the largest upstream id: a signed 64-bit integer


_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def parse_integer(text: str) -> int | None:
    """Return the integer in a text of ASCII digits with an optional sign, or None.

    A number beyond 64 bits is returned as one just outside of that range. Callers check the range anyway, and
    converting thousands of digits is slow.
    """
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    size = int(digits) if len(digits) <= 19 else MAX_ID + 1
    return -size if text.startswith("-") else size


def format_iso8601(time: datetime) -> str:
    """Return a UTC time in ISO 8601 with Z, with six decimals if it has a fraction and none otherwise."""
    return time.replace(tzinfo=None).isoformat() + "Z"
