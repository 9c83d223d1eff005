"""How values read on a page: numbers, scores and times as text, and the addresses of static files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from pathlib import Path

from flask import Flask, current_app

from voiceadmin import vocabulary
from voiceadmin.config import COMMAND
from voiceadmin.shapes import VoiceFilters

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30.44)  # on average
YEAR = timedelta(days=365.25)


def init_app(app: Flask) -> None:
    """Give templates the filters below and the vocabulary."""
    for present in (count, plural, score, share, stamp, machine, day, ago, either, filter_parts):
        app.add_template_filter(present)
    app.add_template_filter(vocabulary.provider_label, "provider_label")
    app.jinja_env.globals.update(vocabulary=vocabulary, asset=asset, command=COMMAND)


def count(number: int) -> str:
    """1204 as "1,204"."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """The number with its noun: "1 voice", "1,204 voices"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def score(value: float) -> str:
    """A quality score with two decimals, cut off: 0.897 is "0.89", because 0.90 would be another tier."""
    return str(Decimal(repr(value)).quantize(Decimal("0.01"), rounding=ROUND_DOWN))


def share(part: int, whole: int, width: int) -> str:
    """How wide a bar of `part` is when `whole` is `width` wide; whatever is not nothing shows at least a little."""
    return f"{max(part / whole * width, 1.5 if part else 0):.4g}" if whole else "0"


def stamp(time: datetime) -> str:
    """A time in full, to the second: "2024-01-15 10:45:00 UTC"."""
    return time.replace(tzinfo=None).isoformat(" ", "seconds") + " UTC"


def machine(time: datetime) -> str:
    """A time for programs that read the page, to the second: "2024-01-15T10:45:00Z"."""
    return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def day(time: datetime) -> str:
    """The day of a time, in UTC: "2024-01-15"."""
    return time.date().isoformat()


def ago(time: datetime, now: datetime) -> str:
    """How long ago, in the one unit that matters; what lies ahead, by a clock that is wrong, is said so too."""
    span = now - time
    if span < timedelta(minutes=-1):
        return f"in {_span(-span)}"
    if span < timedelta(minutes=1):
        return "just now"
    return "yesterday" if DAY <= span < 2 * DAY else f"{_span(span)} ago"


def _span(span: timedelta) -> str:
    if span < HOUR:
        return f"{span // timedelta(minutes=1)} min"
    if span < DAY:
        return f"{span // HOUR} h"
    if span < 3 * MONTH:
        return plural(span // DAY, "day")
    if span < 2 * YEAR:
        return plural(span // MONTH, "month")
    return plural(span // YEAR, "year")


def either(words: Sequence[str]) -> str:
    """Several words of which any will do: "ready", "ready or failed", "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def filter_parts(filters: VoiceFilters) -> list[tuple[str, VoiceFilters]]:
    """Each filter in use, in words, with the filters that are left without it."""
    tiers = [vocabulary.NOT_SCORED_LABEL if tier is None else tier.label for tier in filters.tiers]
    parts = {
        "text": f"“{filters.text}”" if filters.text else "",
        "statuses": either([status.label for status in filters.statuses]),
        "providers": either([vocabulary.provider_label(provider) for provider in filters.providers]),
        "tiers": either(tiers),
        "uses": either([use.label for use in filters.uses]),
        "languages": either(filters.languages),
    }
    return [(words, filters.but(**{name: "" if name == "text" else ()})) for name, words in parts.items() if words]


def asset(name: str) -> str:
    """The address of a file under static/, with a hash of what is in it.

    Written by hand, because the page that refuses a foreign host has no router to ask.
    """
    return f"{current_app.static_url_path}/{name}?v={_hash(Path(current_app.static_folder or '') / name)}"


@cache
def _hash(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
