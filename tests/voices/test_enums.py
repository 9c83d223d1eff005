"""The words and what they mean: tiers without gaps, orders that turn, integers of any length."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.identity import Role
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import MAX_ID, format_score, parse_integer
from voiceadmin.voices.types.filters import DEFAULT_ORDER, VoiceColumn, VoiceOrder, VoiceUse
from voiceadmin.voices.types.provider import Provider, provider_label
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus


@pytest.mark.parametrize(
    ("quality_score", "tier"),
    [
        pytest.param(1.0, QualityTier.EXCELLENT, id="the-best-score-is-excellent"),
        pytest.param(1, QualityTier.EXCELLENT, id="the-best-score-as-an-integer"),
        pytest.param(0.9, QualityTier.EXCELLENT, id="excellent-begins-at-0.9"),
        pytest.param(math.nextafter(0.9, 0), QualityTier.GOOD, id="just-below-0.9-is-good"),
        pytest.param(0.897, QualityTier.GOOD, id="0.897-is-good"),
        pytest.param(0.8, QualityTier.GOOD, id="good-begins-at-0.8"),
        pytest.param(math.nextafter(0.8, 0), QualityTier.FAIR, id="just-below-0.8-is-fair"),
        pytest.param(0.7, QualityTier.FAIR, id="fair-begins-at-0.7"),
        pytest.param(math.nextafter(0.7, 0), QualityTier.POOR, id="just-below-0.7-is-poor"),
        pytest.param(0.0, QualityTier.POOR, id="nothing-is-poor"),
        pytest.param(-0.0, QualityTier.POOR, id="a-negative-zero-is-a-zero"),
        pytest.param(None, None, id="no-score-is-no-tier"),
    ],
)
def test_a_score_has_one_tier(quality_score: float | None, tier: QualityTier | None) -> None:
    assert QualityTier.from_score(quality_score) is tier


@pytest.mark.parametrize("quality_score", [85, 1.0000000000000002, -0.1, math.nan, math.inf, -math.inf])
def test_a_score_outside_its_range_is_rejected(quality_score: float) -> None:
    with pytest.raises(ValueError, match=r"between 0\.0 and 1\.0"):
        QualityTier.from_score(quality_score)


@given(st.floats(0, 1))
def test_the_bounds_of_a_tier_agree_with_from_score(quality_score: float) -> None:
    within = [tier for tier in QualityTier if tier.low <= quality_score < (tier.high or math.inf)]

    assert within == [QualityTier.from_score(quality_score)]


@given(st.floats(0, 1))
def test_a_shown_score_stays_in_its_tier(quality_score: float) -> None:
    assert QualityTier.from_score(float(format_score(quality_score))) is QualityTier.from_score(quality_score)


def test_a_better_tier_has_a_higher_signal_level() -> None:
    best_first = list(QualityTier)

    assert best_first == sorted(QualityTier, key=lambda tier: tier.low, reverse=True)
    assert [tier.signal_level for tier in best_first] == [4, 3, 2, 1]


def test_range_labels_match_the_rounding_of_scores() -> None:
    assert [tier.range_label for tier in QualityTier] == [
        "0.90 to 1.00",
        "0.80 to 0.89",
        "0.70 to 0.79",
        "0.00 to 0.69",
    ]


def test_statuses_have_the_values_of_the_platform() -> None:
    assert [status.value for status in VoiceStatus] == ["processing", "ready", "failed", "archived"]


def test_every_status_is_displayed_once_and_explained() -> None:
    assert sorted(STATUS_DISPLAY_ORDER) == sorted(VoiceStatus)
    assert all(status.label and status.tone and status.meaning.endswith(".") for status in VoiceStatus)


def test_every_provider_has_a_label_and_an_unknown_one_is_its_own() -> None:
    assert provider_label("elevenlabs") == "ElevenLabs"
    assert provider_label("playht") == "playht"
    assert [provider_label(provider.value) for provider in Provider] == [provider.label for provider in Provider]


@pytest.mark.parametrize("column", list(VoiceColumn))
def test_every_column_has_two_orders(column: VoiceColumn) -> None:
    both = [order for order in VoiceOrder if order.column is column]

    assert sorted(order.value for order in both) == sorted([column.value, f"-{column.value}"])
    assert [order.descending for order in both].count(True) == 1


@pytest.mark.parametrize("column", list(VoiceColumn))
def test_a_second_click_on_a_column_reverses_the_order(column: VoiceColumn) -> None:
    elsewhere = next(order for order in VoiceOrder if order.column is not column)

    first = VoiceOrder.after_click(column, elsewhere)
    second = VoiceOrder.after_click(column, first)

    assert {first, second} == {order for order in VoiceOrder if order.column is column}
    assert VoiceOrder.after_click(column, second) is first


@pytest.mark.parametrize(
    ("column", "first"),
    [
        (VoiceColumn.NAME, VoiceOrder.NAME_ASCENDING),
        (VoiceColumn.QUALITY, VoiceOrder.BEST),
        (VoiceColumn.SYNTHESES, VoiceOrder.MOST_USED),
        (VoiceColumn.CREATED, VoiceOrder.NEWEST),
    ],
)
def test_the_first_click_on_a_column_selects_its_first_order(column: VoiceColumn, first: VoiceOrder) -> None:
    assert VoiceOrder.after_click(column, VoiceOrder.PROVIDER_ASCENDING) is first


def test_the_default_order_is_most_used_first() -> None:
    assert DEFAULT_ORDER is VoiceOrder.MOST_USED
    assert DEFAULT_PAGE_SIZE in PAGE_SIZES


def test_only_never_used_has_no_idle_period() -> None:
    assert [use for use in VoiceUse if use.idle_period is None] == [VoiceUse.NEVER]


def test_a_role_may_do_all_that_a_smaller_one_may() -> None:
    assert Role.ADMIN > Role.OPERATOR > Role.VIEWER > Role.ANYONE


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("007", 7),
        ("-0", 0),
        ("000", 0),
        (str(MAX_ID), MAX_ID),
        ("0" * 5000 + "7", 7),
    ],
)
def test_digits_with_a_sign_are_an_integer(text: str, number: int) -> None:
    assert parse_integer(text) == number


@pytest.mark.parametrize(
    "text", ["", "+", "-", "--7", "7 ", " 7", "7\n", "7.0", "1e3", "0x7", "1_000", "٣", "７", "²", "nan", "seven"]
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_integer(text) is None


@pytest.mark.parametrize("text", [str(MAX_ID + 1), "9" * 19, "9" * 20, "9" * 100_000])
def test_what_is_too_long_for_64_bits_stays_outside(text: str) -> None:
    assert (parse_integer(text) or 0) > MAX_ID
    assert (parse_integer(f"-{text}") or 0) < -MAX_ID


@given(st.integers(-MAX_ID, MAX_ID))
def test_every_integer_of_64_bits_reads_as_python_has_it(number: int) -> None:
    assert parse_integer(str(number)) == number
