"""Syntheses per day follow from the counts at the ends of days."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.history.scenario import day, voice_days
from voiceadmin.history.daily_use import count_syntheses, find_idle_since, list_counts
from voiceadmin.history.types import VoiceDayRow


def test_a_day_counts_what_was_added_since_the_row_before() -> None:
    rows = voice_days((0, 10), (1, 12), (5, 20))

    assert count_syntheses(rows) == {day(1): 2, day(5): 8}


def test_after_a_reset_the_new_count_counts() -> None:
    rows = voice_days((0, 10), (1, 3), (2, 5), (3, 0), (4, 4))

    assert list(count_syntheses(rows).values()) == [3, 2, 0, 4]


def test_days_without_a_row_have_none_and_days_until_the_first_row_are_unknown() -> None:
    rows = voice_days((2, 10), (4, 12), (6, 12))

    assert list_counts(rows, day(0), day(7)) == [None, None, None, 0, 2, 0, 0, 0]


def test_without_rows_no_day_is_known() -> None:
    assert list_counts([], day(0), day(2)) == [None] * 3


IDLE = {
    "used today": ([(0, 1), (9, 2)], 9, None),
    "used yesterday": ([(0, 1), (8, 2)], 9, None),
    "used before yesterday": ([(0, 1), (7, 2)], 9, 8),
    "another change does not count": ([(0, 1), (3, 2), (8, 2)], 9, 4),
    "a reset to zero does not count": ([(0, 1), (3, 2), (8, 0)], 9, 4),
    "never used since the first row": ([(2, 1)], 9, 3),
    "recorded since today": ([(9, 1)], 9, None),
}


@pytest.mark.parametrize(("counts", "today", "since"), IDLE.values(), ids=IDLE.keys())
def test_idle_since_is_the_day_after_the_last_use(counts: list[tuple[int, int]], today: int, since: int | None) -> None:
    assert find_idle_since(voice_days(*counts), day(today)) == (None if since is None else day(since))


GAPS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=1, max_size=20)


def build_days(gaps: list[tuple[int, int]], *, sums: bool) -> list[VoiceDayRow]:
    """Return rows with these gaps of days, and counts that are given or, with `sums`, grow by what is given."""
    number, count, counts = 0, 0, []
    for gap, value in gaps:
        number, count = number + gap, count + value if sums else value
        counts.append((number, count))
    return voice_days(*counts)


@given(GAPS)
def test_the_counts_of_all_days_are_what_was_added_between_the_first_and_the_last_row(
    gaps: list[tuple[int, int]],
) -> None:
    rows = build_days(gaps, sums=True)
    counts = list_counts(rows, rows[0].day, rows[-1].day)

    assert counts[0] is None
    assert sum(count for count in counts if count) == rows[-1].synthesis_count - rows[0].synthesis_count


@given(GAPS)
def test_no_day_counts_less_than_none_or_more_than_its_row(gaps: list[tuple[int, int]]) -> None:
    rows = build_days(gaps, sums=False)

    assert all(0 <= count_syntheses(rows)[row.day] <= row.synthesis_count for row in rows[1:])
