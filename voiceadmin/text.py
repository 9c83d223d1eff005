"""Text: numbers, scores and times as words, case folding, quoting, and reading integers."""

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
    """The number with its noun: "1 voice", "1,204 voices"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_score(value: float) -> str:
    """A quality score with two decimals, cut off: 0.897 is "0.89", because 0.90 would be another tier. -0.0 is 0."""
    return str(Decimal(repr(abs(value))).quantize(CENT, rounding=ROUND_DOWN))


def format_age(time: datetime, now: datetime) -> str:
    """How long ago, in the one unit that matters; what lies ahead, by a clock that is wrong, is said so too."""
    past = now - time
    if past < -MINUTE:
        return f"in {format_duration(-past)}"
    if past < MINUTE:
        return "just now"
    return "yesterday" if DAY <= past < 2 * DAY else f"{format_duration(past)} ago"


def format_duration(time: timedelta) -> str:
    """How long, in the one unit that matters: "47 min", "3 days"."""
    if time < HOUR:
        return f"{time // MINUTE} min"
    if time < DAY:
        return f"{time // HOUR} h"
    if time < 3 * MONTH:
        return pluralize(time // DAY, "day")
    if time < 2 * YEAR:
        return pluralize(time // MONTH, "month")
    return pluralize(time // YEAR, "year")


def join_alternatives(words: Sequence[str]) -> str:
    """Several words of which any will do: "ready", "ready or failed", "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


LONGEST_KEY = 200  # letters of a name that order it; more would not fit into an index of PostgreSQL


_ACCENTS = re.compile("[\u0300-\u036f]")


def fold_case(text: str) -> str:
    """The text without case, accents and compatibility forms: "Recepción" and "RECEPCION" are the same.

    Only accents of the Latin, Greek and Cyrillic kind go; vowel signs of other scripts stay.
    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def build_name_key(name: str) -> str:
    """What a name is ordered by."""
    return fold_case(name)[:LONGEST_KEY]


def normalize_email(email: str) -> str:
    """What an e-mail is known by. Accents stay: who has one with an accent is somebody else."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def build_search_key(name: str, provider_voice_id: str) -> str:
    """What a voice is found by. A search text holds no newline, so it never matches across the two.

    At either end stands a newline too: what begins a word stands behind a newline or a blank everywhere.
    """
    return f"\n{fold_case(name)}\n{fold_case(provider_voice_id)}\n"


def quote_value(value: object, limit: int = 80) -> str:
    """A value as a message quotes it: on one line, at most `limit` of its characters, what is not printable escaped."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None | bool() | str() | int():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


MAX_ID = 2**63 - 1  # what an upstream id can be at most: a signed 64-bit integer


_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def parse_integer(text: str) -> int | None:
    """The integer that a text of ASCII digits with an optional sign is, or None.

    What no 64-bit integer can hold comes back as one just outside: callers
    test the range anyway, and thousands of digits are not worth the work.
    """
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    size = int(digits) if len(digits) <= 19 else MAX_ID + 1
    return -size if text.startswith("-") else size


def format_iso8601(time: datetime) -> str:
    """A UTC time as ISO 8601 with Z, with six decimals when it has a fraction and none when not."""
    return time.replace(tzinfo=None).isoformat() + "Z"
