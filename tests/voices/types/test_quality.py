"""Quality tiers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.text import format_score
from voiceadmin.voices.types.quality import QualityTier


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
        pytest.param(0.0, QualityTier.POOR, id="zero-is-poor"),
        pytest.param(-0.0, QualityTier.POOR, id="negative-zero-is-poor"),
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
    matching = [tier for tier in QualityTier if tier.low <= quality_score < (tier.high or math.inf)]

    assert matching == [QualityTier.from_score(quality_score)]


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
