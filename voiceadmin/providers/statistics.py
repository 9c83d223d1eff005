"""Comparison of failure rates between providers, and percentages."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from voiceadmin.providers.types import ProviderStats

MIN_SAMPLE_SIZE = 20  # for fewer voices a percentage would mislead

Z_95 = 1.96  # standard deviations around the mean that contain 95 % of a normal distribution

MIN_PERCENT_SHOWN = 0.1


class FailureContrast(NamedTuple):
    """Two providers whose failure rates differ significantly."""

    highest: ProviderStats
    lowest: ProviderStats


def compare_failure_rates(providers: Sequence[ProviderStats]) -> FailureContrast | None:
    """Return the providers with the highest and the lowest failure rate, or None if the difference may be chance.

    The difference is significant if the 95 % confidence intervals do not overlap. Providers with fewer than
    MIN_SAMPLE_SIZE recent voices are not compared.
    """
    compared = sorted((stats for stats in providers if stats.created_recently >= MIN_SAMPLE_SIZE), key=_failure_rate)
    if len(compared) < 2:
        return None
    lowest, highest = compared[0], compared[-1]
    _, upper_bound_of_lowest = wilson_interval(lowest.failed_recently, lowest.created_recently)
    lower_bound_of_highest, _ = wilson_interval(highest.failed_recently, highest.created_recently)
    return FailureContrast(highest, lowest) if lower_bound_of_highest > upper_bound_of_lowest else None


def _failure_rate(stats: ProviderStats) -> float:
    return stats.failed_recently / stats.created_recently


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a proportion: its lower and upper bound, 0.0 to 1.0.

    Unlike the normal approximation it is also valid for small samples and for proportions near 0 and 1.
    """
    proportion = successes / trials
    center = proportion + Z_95**2 / (2 * trials)
    margin = Z_95 * sqrt(proportion * (1 - proportion) / trials + Z_95**2 / (4 * trials**2))
    scale = 1 + Z_95**2 / trials
    return (center - margin) / scale, (center + margin) / scale


def format_percent(part: int, total: int) -> str:
    """Return a percentage with at most one decimal. It is "0 %" or "100 %" only if it is exactly that."""
    percent = 100 * part / total
    if 0 < percent < MIN_PERCENT_SHOWN:
        return f"under {MIN_PERCENT_SHOWN} %"
    if 100 - MIN_PERCENT_SHOWN < percent < 100:
        return f"over {100 - MIN_PERCENT_SHOWN} %"
    return f"{percent:.1f}".removesuffix(".0") + " %"
