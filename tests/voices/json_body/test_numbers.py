"""Ids, counts and scores of a record."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.voices.json_body.scenario import errors, read, shown
from voiceadmin.text import MAX_ID


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), ("1", 1), ("+1", 1), ("0001", 1), (MAX_ID, MAX_ID), (str(MAX_ID), MAX_ID), ("0" * 90 + "7", 7)],
    ids=shown,
)
def test_64_bit_integers_are_accepted(field: str, value: Any, number: int) -> None:
    assert getattr(read(**{field: value}), field) == number


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    "value",
    ["", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "1,000", "٣", "７", "one", 1.0, 0.5, True, False, [1], {}],
    ids=shown,
)
def test_values_that_are_not_integers_are_refused(field: str, value: Any) -> None:
    ((error_field, given_value, problem, _),) = errors(**{field: value})

    assert (error_field, given_value, problem) == (field, value, "is not an integer.")


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    "value",
    [-1, "-1", MAX_ID + 1, str(MAX_ID + 1), 10**38, "9" * 5000, "-" + "9" * 5000, Decimal("9" * 5000)],
    ids=shown,
)
def test_integers_outside_64_bits_are_out_of_range(field: str, value: Any) -> None:
    ((_, _, problem, remedy),) = errors(**{field: value})

    assert problem == "is out of range."
    assert str(MAX_ID) in remedy


def test_the_smallest_id_is_one_and_the_smallest_count_is_zero() -> None:
    assert read(synthesis_count=0).synthesis_count == 0
    assert errors(id=0)[0][3] == f"Give an integer from 1 to {MAX_ID}."


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (0, 0.0),
        (1, 1.0),
        (0.897, 0.897),
        ("0.897", 0.897),
        ("1", 1.0),
        ("1.0", 1.0),
        ("+0.5", 0.5),
        ("8.97e-1", 0.897),
        ("1E-2", 0.01),
        ("1e-9999", 0.0),
        ("0." + "3" * 300, 1 / 3),
        ("", None),
    ],
    ids=shown,
)
def test_scores_from_zero_to_one_are_accepted(value: Any, score: float | None) -> None:
    assert read(quality_score=value).quality_score == score


@pytest.mark.parametrize("value", [-0.0, "-0.0", "-0", "-1e-400"], ids=shown)
def test_a_negative_zero_becomes_zero(value: Any) -> None:
    assert str(read(quality_score=value).quality_score) == "0.0"


@pytest.mark.parametrize(
    "value",
    [95, "95", -0.1, 1.0000000000000002, float("nan"), float("inf"), "1e9999", 10**400, Decimal("9" * 5000)],
    ids=shown,
)
def test_scores_out_of_range_are_refused(value: Any) -> None:
    ((_, _, problem, remedy),) = errors(quality_score=value)

    assert problem == "is out of range."
    assert "percentage" in remedy


@pytest.mark.parametrize(
    "value",
    ["good", "nan", "inf", "Infinity", "95%", "0,95", ".5", "5.", "0x1", "1e", "٠", " 1", True, False, [], {}],
    ids=shown,
)
def test_values_that_are_not_numbers_are_refused_as_scores(value: Any) -> None:
    ((_, _, problem, _),) = errors(quality_score=value)

    assert problem == "is not a number."
