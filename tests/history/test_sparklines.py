"""Charts are paths in a box that is as wide as their days."""

from __future__ import annotations

from voiceadmin.history.sparklines import Sparkline, draw_bars, draw_steps


def test_a_bar_is_as_high_as_its_share_of_the_largest_number() -> None:
    assert draw_bars([None, 0, 50, 100]) == Sparkline("M8 40v-20h3V40zM12 40v-40h3V40z", 16, 4, 100)


def test_a_small_number_has_a_bar_that_can_be_seen() -> None:
    assert draw_bars([1, 10_000]).path.startswith("M0 40v-1.5h3V40z")


def test_without_use_or_without_known_days_there_are_no_bars() -> None:
    assert draw_bars([0, 0]) == Sparkline("", 8, 0, 0)
    assert draw_bars([None, None]) == Sparkline("", 8, 8, 0)


def test_a_line_of_used_slots_has_a_step_for_each_change_below_the_limit() -> None:
    assert draw_steps([None, 5, 5, 10], 10) == Sparkline("M4 20H8V20H12V1H16", 16, 4, 10, 1)


def test_without_a_limit_the_largest_number_is_at_the_top() -> None:
    assert draw_steps([2, 4], None) == Sparkline("M0 20H4V1H8", 8, 0, 4)
    assert draw_steps([None], None) == Sparkline("", 4, 4, 1)
