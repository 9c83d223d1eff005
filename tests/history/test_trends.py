"""A trend compares thirty days with the thirty days before, and needs sixty."""

from __future__ import annotations

import pytest

from tests.history.scenario import day, voice_days
from voiceadmin.history.trends import compare_use, find_trend
from voiceadmin.history.types import Trend

TRENDS = [  # recent, previous
    (0, 0, Trend.NO_USE),
    (1, 0, Trend.NEW_USE),
    (0, 1, Trend.STOPPED),
    (100, 100, Trend.STEADY),
    (4, 1, Trend.STEADY),  # 3 more: less than two standard deviations of 2.2
    (8, 1, Trend.RISING),
    (1, 8, Trend.FALLING),
    (130, 100, Trend.STEADY),  # 30 more: less than two standard deviations of 15.2
    (131, 100, Trend.RISING),
    (70, 100, Trend.FALLING),
    (119_999, 100_000, Trend.STEADY),  # more than two standard deviations, but less than a fifth
    (120_000, 100_000, Trend.RISING),
    (80_000, 100_000, Trend.FALLING),
    (80_001, 100_000, Trend.STEADY),
]


@pytest.mark.parametrize(("recent", "previous", "trend"), TRENDS, ids=[f"{new}-{old}" for new, old, _ in TRENDS])
def test_a_trend_is_a_change_that_is_neither_small_nor_likely_by_chance(
    recent: int, previous: int, trend: Trend
) -> None:
    assert compare_use(recent, previous) is trend


def test_the_last_thirty_days_that_are_over_are_compared_with_the_thirty_before() -> None:
    # Days 1 to 30, and 31 to 60; today is day 61.
    rows = voice_days((0, 5), (1, 7), (30, 17), (31, 117), (60, 217), (61, 1000))

    assert find_trend(rows, day(61)) == (Trend.RISING, 200, 12)


@pytest.mark.parametrize(("first", "is_known"), [(0, True), (1, False)])
def test_a_trend_needs_sixty_known_days(first: int, *, is_known: bool) -> None:
    assert (find_trend(voice_days((first, 5)), day(61)) is not None) is is_known


def test_without_rows_there_is_no_trend() -> None:
    assert find_trend([], day(61)) is None
