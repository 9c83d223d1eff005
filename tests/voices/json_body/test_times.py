"""Times of a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import PAST_TIMES
from tests.voices.json_body.scenario import NOON, errors, read, shown
from voiceadmin.text import format_iso8601
from voiceadmin.voices.json_body import FIRST_KNOWN_TIME


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15T12:00:00Z",
        "2024-01-15T12:00:00z",
        "2024-01-15t12:00:00Z",
        "2024-01-15 12:00:00Z",
        "2024-01-15 12:00:00 Z",
        "2024-01-15T12:00:00",
        "2024-01-15T12:00",
        "2024-01-15T12:00Z",
        "2024-01-15T12:00:00+00:00",
        "2024-01-15T12:00:00-00:00",
        "2024-01-15T12:00:00.000Z",
        "2024-01-15T12:00:00,000Z",
        "2024-01-15T17:30:00+05:30",
        "2024-01-15T17:30:00+0530",
        "2024-01-15T07:00:00-05",
        "2024-01-15T00:15:00-11:45",
        "2024-01-16T01:00:00+13",
        "2024-01-15T12:00:00.0000004Z",
    ],
)
def test_every_iso_8601_form_of_noon_is_accepted(text: str) -> None:
    found = read(created_at=text).created_at

    assert found == NOON
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("fraction", "microsecond"),
    [(".1", 100_000), (",25", 250_000), (".000001", 1), (".123456789", 123_456), (".9999999", 999_999), (".000", 0)],
)
def test_a_fraction_is_cut_to_microseconds(fraction: str, microsecond: int) -> None:
    assert read(created_at=f"2024-01-15T12:00:00{fraction}Z").created_at == NOON.replace(microsecond=microsecond)


@given(PAST_TIMES, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_an_offset_does_not_change_the_instant(time: datetime, minutes: int) -> None:
    try:
        elsewhere = time.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return

    assert read(last_used_at=elsewhere.isoformat()).last_used_at == time


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2024-01-15",
        "12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2023-02-29T12:00:00Z",
        "2024-13-01T12:00:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T12:60:00Z",
        "2024-01-15T12:00:60Z",
        "2024-01-15T12:00.5Z",
        "2024-01-15T12:00:00.Z",
        "2024-01-15T12:00:00+24:00",
        "2024-01-15T12:00:00+05:60",
        "2024-01-15T12:00:00 UTC",
        "2024-01-15T12:00:00ZZ",
        "2024-1-15T12:00:00Z",
        "24-01-15T12:00:00Z",
        "0000-01-15T12:00:00Z",
        "10000-01-15T12:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٤-01-15T12:00:00Z",
        "2024-01-15T12:00:00Z\n",
        "2024-01-15T12:00:00\n",
        "2024-W03-1T12:00:00Z",
        "20240115T120000Z",
        "Mon, 15 Jan 2024 12:00:00 GMT",
        "2024-01-15T12:00:00." + "0" * 5000 + "Z",
        1705320000,
        1705320000.5,
        True,
        [],
        {},
    ],
    ids=shown,
)
def test_values_that_are_not_times_are_refused_with_an_example(value: Any) -> None:
    assert errors(created_at=value) == (("created_at", value, "is not a time.", "Write it as 2024-01-15T10:45:00Z."),)
    assert errors(last_used_at=value)[0][0] == "last_used_at"


def test_an_empty_last_used_at_is_null_and_an_empty_created_at_is_refused() -> None:
    assert read(last_used_at="").last_used_at is None
    assert errors(created_at="")[0][2] == "is not a time."


TIME_ZEROS = pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00",
        "0001-01-01 00:00:00.000+00:00",
        "0001-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00-05:00",
        "1601-01-01T00:00:00Z",
        "1900-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T01:00:00+01:00",
        "1970-01-01T00:00:00-05:00",
        "1969-12-31T19:00:00-05:00",
    ],
)


@TIME_ZEROS
def test_a_last_use_at_the_time_zero_of_a_clock_is_unknown(text: str) -> None:
    assert read(last_used_at=text).last_used_at is None


@TIME_ZEROS
def test_a_creation_at_the_time_zero_of_a_clock_is_refused(text: str) -> None:
    problem, remedy = "is before 1971, which means that it is unknown.", "Give the time when the voice was created."

    assert errors(created_at=text) == (("created_at", text, problem, remedy),)


def test_the_first_known_time_is_the_beginning_of_1971() -> None:
    first = "1971-01-01T00:00:00Z"
    row = read(created_at=first, last_used_at=first)

    assert row.created_at == row.last_used_at == FIRST_KNOWN_TIME
    assert read(last_used_at="1970-12-31T23:59:59.999999Z").last_used_at is None


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (NOON, "2024-01-15T12:00:00Z"),
        (NOON.replace(microsecond=1), "2024-01-15T12:00:00.000001Z"),
        (NOON.replace(microsecond=500_000), "2024-01-15T12:00:00.500000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_with_z_and_only_a_nonzero_fraction(time: datetime, text: str) -> None:
    assert format_iso8601(time) == text
