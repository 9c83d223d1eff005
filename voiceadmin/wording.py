"""Numbers, scores and spans of time as words, wherever a sentence is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30.44)  # on average
YEAR = timedelta(days=365.25)
CENT = Decimal("0.01")


def plural(number: int, one: str, many: str | None = None) -> str:
    """The number with its noun: "1 voice", "1,204 voices"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def score(value: float) -> str:
    """A quality score with two decimals, cut off: 0.897 is "0.89", because 0.90 would be another tier. -0.0 is 0."""
    return str(Decimal(repr(abs(value))).quantize(CENT, rounding=ROUND_DOWN))


def ago(time: datetime, now: datetime) -> str:
    """How long ago, in the one unit that matters; what lies ahead, by a clock that is wrong, is said so too."""
    past = now - time
    if past < -MINUTE:
        return f"in {span(-past)}"
    if past < MINUTE:
        return "just now"
    return "yesterday" if DAY <= past < 2 * DAY else f"{span(past)} ago"


def span(time: timedelta) -> str:
    """How long, in the one unit that matters: "47 min", "3 days"."""
    if time < HOUR:
        return f"{time // MINUTE} min"
    if time < DAY:
        return f"{time // HOUR} h"
    if time < 3 * MONTH:
        return plural(time // DAY, "day")
    if time < 2 * YEAR:
        return plural(time // MONTH, "month")
    return plural(time // YEAR, "year")


def either(words: Sequence[str]) -> str:
    """Several words of which any will do: "ready", "ready or failed", "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
