"""Template filters that format values, and the URLs of static files."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path

from flask import Flask, request
from jinja2.runtime import Macro
from markupsafe import Markup

from voiceadmin.config import format_command
from voiceadmin.history.forecasts import describe_forecast
from voiceadmin.history.trends import DAYS_NEEDED, PERIOD
from voiceadmin.history.types import RecentUse
from voiceadmin.identity import GRANTABLE_ROLES, ActorKind, Role
from voiceadmin.operations.types import MAX_NOTE_LENGTH, MAX_OBJECTS, UNDO_PERIOD
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import (
    format_age,
    format_duration,
    format_score,
    has_several_alphabets,
    join_alternatives,
    pluralize,
    shorten,
)
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.filters import VoiceColumn, VoiceFilters, VoiceOrder
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.quality import NOT_SCORED_ADVICE, NOT_SCORED_LABEL, QualityTier
from voiceadmin.voices.types.rows import VoiceList, VoiceRow
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER
from voiceadmin.voices.types.verdicts import NO_VERDICT_LABEL
from voiceadmin.web.fields import choice_arguments, raw_value
from voiceadmin.web.navigation import SECTIONS

MAX_SHOWN_LENGTH = 500  # characters of a name

BAR_WIDTH = 56  # pixels, of the longest bar next to the syntheses of a voice


def init_app(app: Flask) -> None:
    """Register the template filters below and the values that templates use."""
    for filter_function in TEMPLATE_FILTERS:
        app.add_template_filter(filter_function)
    app.add_template_filter(TriageAction, "triage_action")
    app.jinja_env.globals.update(
        **{value.__name__: value for value in (ActorKind, QualityTier, Role)},
        DEFAULT_PAGE_SIZE=DEFAULT_PAGE_SIZE,
        GRANTABLE_ROLES=GRANTABLE_ROLES,
        MAX_NOTE_LENGTH=MAX_NOTE_LENGTH,
        MAX_OBJECTS=MAX_OBJECTS,
        NOT_SCORED_ADVICE=NOT_SCORED_ADVICE,
        NOT_SCORED_LABEL=NOT_SCORED_LABEL,
        PAGE_SIZES=PAGE_SIZES,
        SECTIONS=SECTIONS,
        STATUS_DISPLAY_ORDER=STATUS_DISPLAY_ORDER,
        UNDO_PERIOD=UNDO_PERIOD,
        asset_url=lambda name: request.script_root + asset_url(app.static_folder, app.static_url_path, name),
        COMMAND=format_command(),
    )


def display_name(name: str) -> str:
    """Return the name of an object, or a placeholder: upstream allows blank names. Shortens names that fill the page.

    Browsers need time that is quadratic in the length of a word to wrap it in a font with kerning such as Inter 4.1.
    """
    return shorten(name, MAX_SHOWN_LENGTH) if name.strip() else "(no name)"


def join_known(values: Sequence[str | None]) -> str:
    """Return the known values with dots between them, "en · female", or a dash."""
    return " · ".join(filter(None, values)) or "–"


def format_count(number: int) -> str:
    """Return a number with thousands separators: "1,204"."""
    return f"{number:,}"


def bar_width(part: int, whole: int, width: int) -> str:
    """Return the width of a bar for `part` if `whole` is `width` wide; a part above zero has a visible minimum."""
    return f"{max(part / whole * width, 1.5 if part else 0):.4g}" if whole else "0"


def format_timestamp(time: datetime) -> str:
    """Return a time to the second: "2024-01-15 10:45:00 UTC"."""
    return time.isoformat(" ", "seconds")[:19] + " UTC"


def iso_timestamp(time: datetime) -> str:
    """Return a time for the datetime attribute, to the second: "2024-01-15T10:45:00Z"."""
    return time.isoformat("T", "seconds")[:19] + "Z"


def format_date(time: datetime) -> str:
    """Return the date of a time in UTC: "2024-01-15"."""
    return time.date().isoformat()


def describe_user_agent(user_agent: str) -> str:
    """Return a user agent for people: "Firefox on Linux". An unknown one is cut to 40 characters."""
    browser = next((name for token, name in _BROWSERS.items() if token in user_agent), None)
    system = next((name for token, name in _SYSTEMS.items() if token in user_agent), None)
    if browser is None:
        return user_agent[:40] or "unknown"
    return f"{browser} on {system}" if system else browser


# The first match applies: most browsers also contain the names of others.
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def format_last_use(voice: VoiceRow, now: datetime) -> str:
    """Return how long ago a voice was last used; "no date" if upstream reports uses but not when."""
    if voice.last_used_at is None:
        return "no date" if voice.synthesis_count else "never"
    return format_age(voice.last_used_at, now)


NO_HISTORY_LABEL = "Not recorded"


def render_voice_rows(voices: VoiceList, row: Macro, base: str, is_selectable: bool, now: datetime) -> Markup:
    """Return the rows of a page of voices. A loop in Python takes half the time of one in a template.

    Args:
        voices: the page.
        row: the macro of a row; see `voices/_row.html` for this and for `base` and `is_selectable`.
        base: the path of all voices.
        is_selectable: whether the rows have a checkbox.
        now: the current time.
    """
    max_count = max((voice.synthesis_count for voice in voices.page.rows), default=0)
    rows = [
        cached_macro(
            row,
            voice,
            base,
            bar_width(voice.synthesis_count, max_count, BAR_WIDTH),
            format_last_use(voice, now),
            voices.assistant_counts.get(voice.id, 0),
            is_selectable,
            None if voices.verdicts is None else voices.verdicts.get(voice.id, NO_VERDICT_LABEL),
            None if voices.recent_use is None else voices.recent_use.get(voice.id, NO_HISTORY_LABEL),
        )
        for voice in voices.page.rows
    ]
    return Markup("\n".join(rows))  # noqa: S704  # macros escape their arguments


def describe_recent_use(use: RecentUse) -> str:
    """Return a sentence such as "8 syntheses in the 30 days until 2026-11-21, 1 in the 30 days before"."""
    if use.trend is None:
        return f"A trend needs {DAYS_NEEDED} recorded days."
    recent, previous = pluralize(use.trend.recent, "synthesis", "syntheses"), format_count(use.trend.previous)
    return f"{recent} in the {PERIOD} days until {use.until}, {previous} in the {PERIOD} days before"


def describe_filters(filters: VoiceFilters) -> list[tuple[str, VoiceFilters]]:
    """Return a description of each active filter, with the filters that remain without it."""
    verdicts = [NO_VERDICT_LABEL if verdict is None else verdict.label for verdict in filters.verdicts]
    tiers = [NOT_SCORED_LABEL if tier is None else tier.label for tier in filters.tiers]
    parts = {
        "text": f"“{filters.text}”" if filters.text else "",
        "statuses": join_alternatives([status.label for status in filters.statuses]),
        "providers": join_alternatives([provider_label(provider) for provider in filters.providers]),
        "tiers": join_alternatives(tiers),
        "uses": join_alternatives([use.label for use in filters.uses]),
        "languages": join_alternatives(filters.languages),
        "verdicts": join_alternatives(verdicts),
        "trends": join_alternatives([trend.label for trend in filters.trends]),
    }
    return [
        (label, filters.with_changes(**{name: "" if name == "text" else ()})) for name, label in parts.items() if label
    ]


def sort_by_column(filters: VoiceFilters, column: str) -> VoiceFilters:
    """Return the filters after a click on a column heading."""
    return filters.with_changes(order=_after_click(column, filters.order))


@cache
def _after_click(column: str, current: VoiceOrder) -> VoiceOrder:
    return VoiceOrder.after_click(VoiceColumn(column), current)


@lru_cache(maxsize=20)
def asset_url(folder: str, path: str, name: str) -> str:
    """Return the URL of a static file, with a hash of its content.

    Does not use url_for, which is not available on the error page for an unknown host.
    """
    return f"{path}/{name}?v={hashlib.blake2b((Path(folder) / name).read_bytes(), digest_size=6).hexdigest()}"


@lru_cache(maxsize=2000)
def cached_macro(macro: Macro, *arguments: Hashable) -> str:
    """Return the output of a macro, cached by its arguments.

    Only for macros that depend on nothing else. 2,000 rows of voices need 4 MB.
    """
    return macro(*arguments)


TEMPLATE_FILTERS = (
    bar_width,
    cached_macro,
    choice_arguments,
    describe_filters,
    describe_forecast,
    describe_recent_use,
    describe_user_agent,
    display_name,
    format_age,
    format_count,
    format_date,
    format_duration,
    format_last_use,
    format_score,
    format_timestamp,
    has_several_alphabets,
    iso_timestamp,
    join_alternatives,
    join_known,
    pluralize,
    provider_label,
    raw_value,
    render_voice_rows,
    sort_by_column,
)
