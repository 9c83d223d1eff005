"""Template filters: values as text for pages."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import voice_row
from tests.strategies import TIMES
from voiceadmin import create_app
from voiceadmin.config import ASSETS, Settings
from voiceadmin.text import format_iso8601
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.template_filters import (
    asset_url,
    bar_width,
    cached_macro,
    describe_filters,
    describe_user_agent,
    display_name,
    format_count,
    format_date,
    format_last_use,
    format_timestamp,
    iso_timestamp,
    join_known,
    sort_by_column,
)

NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)
SPANS = st.timedeltas(timedelta(0), timedelta(days=3650))


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application that does not open its database."""
    return create_app(Settings(instance=tmp_path))


def test_counts_have_thousands_separators() -> None:
    assert format_count(1204) == "1,204"


@pytest.mark.parametrize(
    ("part", "whole", "width"),
    [(0, 0, "0"), (0, 10, "0"), (5, 10, "50"), (10, 10, "100"), (1, 1_000_000, "1.5"), (1, 3, "33.33")],
)
def test_the_width_of_a_bar_is_its_share(part: int, whole: int, width: str) -> None:
    assert bar_width(part, whole, 100) == width


@given(TIMES)
def test_a_timestamp_is_shown_in_seconds_with_its_time_zone(time: datetime) -> None:
    to_the_second = time.replace(microsecond=0)

    assert datetime.fromisoformat(iso_timestamp(time)) == to_the_second
    assert format_timestamp(time) == iso_timestamp(time).replace("T", " ").replace("Z", " UTC")
    assert format_iso8601(to_the_second) == iso_timestamp(time)
    assert format_timestamp(time).startswith(format_date(time))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"last_used_at": NOON - timedelta(hours=5), "synthesis_count": 3}, "5 h ago"),
        ({"last_used_at": None, "synthesis_count": 3}, "no date"),
        ({"last_used_at": None, "synthesis_count": 0}, "never"),
    ],
)
def test_the_last_use_is_shown_if_it_is_known(fields: dict[str, Any], text: str) -> None:
    assert format_last_use(voice_row(**fields), NOON) == text


def test_a_blank_name_is_replaced() -> None:
    assert [display_name("Ada"), display_name(" Ada "), display_name(""), display_name(" \u3000")] == [
        "Ada",
        " Ada ",
        "(no name)",
        "(no name)",
    ]


def test_a_long_name_is_shortened() -> None:
    assert display_name("W" * 500) == "W" * 500
    assert display_name("W" * 501) == display_name("W" * 10_000) == "W" * 499 + "…"


def test_known_values_are_joined() -> None:
    assert [
        join_known(["en", "female"]),
        join_known(["en", None]),
        join_known([None, "female"]),
        join_known([None, ""]),
    ] == [
        "en · female",
        "en",
        "female",
        "–",
    ]


def test_each_active_filter_is_described_with_the_filters_without_it() -> None:
    filters = VoiceFilters(
        text="ada",
        statuses=(VoiceStatus.READY, VoiceStatus.FAILED),
        providers=("elevenlabs", "playht"),
        tiers=(QualityTier.POOR, None),
        uses=(VoiceUse.IDLE_30,),
        languages=("en",),
        order=VoiceOrder.NAME_ASCENDING,
        page=4,
    )

    parts = describe_filters(filters)

    assert [text for text, _ in parts] == [
        "“ada”",
        "Ready or Failed",
        "ElevenLabs or playht",
        "Poor or Not scored",
        "Not used for 30 days",
        "en",
    ]
    assert [without for _, without in parts] == [
        filters.with_changes(text=""),
        filters.with_changes(statuses=()),
        filters.with_changes(providers=()),
        filters.with_changes(tiers=()),
        filters.with_changes(uses=()),
        filters.with_changes(languages=()),
    ]


def test_filters_without_values_have_no_description() -> None:
    assert describe_filters(VoiceFilters(order=VoiceOrder.NAME_ASCENDING, page=4)) == []


def test_sorting_by_a_column_twice_reverses_the_order() -> None:
    filters = VoiceFilters(text="ada", page=4)

    once = sort_by_column(filters, "name")

    assert once == filters.with_changes(order=VoiceOrder.NAME_ASCENDING)
    assert sort_by_column(once, "name") == filters.with_changes(order=VoiceOrder.NAME_DESCENDING)


def test_a_cached_macro_returns_what_the_macro_renders(app: Flask) -> None:
    macro = app.jinja_env.get_template("voices/_row.html").module.row  # type: ignore[attr-defined]
    voice = voice_row(name="<b>Ada</b>", last_used_at=NOON)
    given = (voice, "/voices/", "1.5", "5 h ago", 1, False)
    others = [
        (voice._replace(name="<b>Eve</b>"), *given[1:]),
        (voice, "/prefix/voices/", *given[2:]),
        (*given[:2], "2", *given[3:]),
        (*given[:3], "6 h ago", 1, False),
        (*given[:4], 0, False),
        (*given[:5], True),
    ]

    rendered = [cached_macro(macro, *one) for one in (given, *others, given)]

    assert rendered == [macro(*one) for one in (given, *others, given)]
    assert len(set(rendered)) == 7
    assert "&lt;b&gt;Ada&lt;/b&gt;" in rendered[0]


def test_the_address_of_a_static_file_contains_the_hash_of_its_content(app: Flask) -> None:
    content = (ASSETS / "static" / "base.css").read_bytes()

    address = asset_url(str(ASSETS / "static"), "/static", "base.css")
    with app.test_client().get(address) as response:
        served = response.data

    assert address == f"/static/base.css?v={hashlib.blake2b(content, digest_size=6).hexdigest()}"
    assert served == content


def test_templates_can_use_the_filters(app: Flask) -> None:
    template = app.jinja_env.from_string(
        "{{ 0.897 | format_score }}, {{ 1204 | format_count }}, {{ 'inworld' | provider_label }}"
    )

    assert template.render() == "0.89, 1,204, Inworld"


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 OPR/120.0", "Opera on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/19.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Firefox/1.0", "Firefox"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 50, "x" * 40),
        ("", "unknown"),
    ],
)
def test_a_user_agent_is_described_by_browser_and_system(user_agent: str, shown: str) -> None:
    assert describe_user_agent(user_agent) == shown
