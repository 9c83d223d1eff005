"""Significance of failure rates, and percentages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.providers.statistics import MIN_SAMPLE_SIZE, compare_failure_rates, format_percent, wilson_interval
from voiceadmin.providers.types import ProviderStats


def stats(provider: str, failed: int, created: int) -> ProviderStats:
    """Return statistics in which only the failures matter."""
    return ProviderStats(
        provider,
        {},
        {None: 0},
        syntheses=0,
        last_used_at=None,
        created_recently=created,
        failed_recently=failed,
        used_slots=0,
        archived_slots=0,
    )


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [
        (0, 20, (0.0, 0.161125)),
        (10, 20, (0.299298, 0.700702)),
        (20, 20, (0.838875, 1.0)),
        (1, 1000, (0.000177, 0.005644)),
    ],
)
def test_the_wilson_interval_has_the_published_values(
    successes: int, trials: int, interval: tuple[float, float]
) -> None:
    assert wilson_interval(successes, trials) == pytest.approx(interval, abs=1e-5)


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_the_wilson_interval_contains_the_proportion(sample: tuple[int, int]) -> None:
    successes, trials = sample
    low, high = wilson_interval(successes, trials)

    assert -1e-12 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1 + 1e-12


def test_the_highest_and_the_lowest_failure_rate_are_contrasted() -> None:
    best, middle, worst = stats("a", 0, 40), stats("b", 10, 40), stats("c", 30, 40)

    contrast = compare_failure_rates([middle, worst, best])

    assert contrast == (worst, best)


def test_samples_of_the_minimum_size_are_contrasted() -> None:
    best, worst = stats("a", 0, MIN_SAMPLE_SIZE), stats("b", MIN_SAMPLE_SIZE, MIN_SAMPLE_SIZE)

    assert compare_failure_rates([best, worst]) == (worst, best)


@pytest.mark.parametrize(
    "providers",
    [
        pytest.param([], id="no provider"),
        pytest.param([stats("a", 0, 40)], id="one provider"),
        pytest.param([stats("a", 1, 40), stats("b", 3, 40)], id="a difference by chance"),
        pytest.param([stats("a", 5, 40), stats("b", 5, 40)], id="no difference"),
        pytest.param([stats("a", 0, 40), stats("b", 19, MIN_SAMPLE_SIZE - 1)], id="a small sample"),
        pytest.param([stats("a", 0, 40), stats("b", 0, 0)], id="no recent voices"),
    ],
)
def test_failure_rates_without_a_significant_difference_are_not_contrasted(providers: list[ProviderStats]) -> None:
    assert compare_failure_rates(providers) is None


@pytest.mark.parametrize(
    ("part", "total", "text"),
    [
        (0, 20, "0 %"),
        (1, 20, "5 %"),
        (4, 22, "18.2 %"),
        (1, 1000, "0.1 %"),
        (1, 1001, "under 0.1 %"),
        (999, 1000, "99.9 %"),
        (1000, 1001, "over 99.9 %"),
        (20, 20, "100 %"),
    ],
)
def test_a_percentage_has_one_decimal_and_is_never_rounded_to_none_or_all(part: int, total: int, text: str) -> None:
    assert format_percent(part, total) == text
