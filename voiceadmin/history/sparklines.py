"""Small charts of numbers per day, as coordinates of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

STEP = 4  # units of width of a day

GAP = 1  # unit between two bars

HEIGHT = 40  # units

LEAST_HEIGHT = 1.5  # units of the bar of a small number, so that it can be seen


class Sparkline(NamedTuple):
    """A chart in a box of `width` times HEIGHT units.

    Attributes:
        path: of the bars or the line; "" if no number is known, or all are zero.
        unknown_width: of the days at the beginning without a number; 0 if there are none.
        top: the number at the upper edge.
        limit_y: of a line at the limit; None without one.
    """

    path: str
    width: int
    unknown_width: int
    top: int
    limit_y: float | None = None
    height: int = HEIGHT


def draw_bars(numbers: Sequence[int | None]) -> Sparkline:
    """Draw a bar for each number above zero."""
    top = max((number for number in numbers if number), default=0)
    bars = [_draw_bar(index, number, top) for index, number in enumerate(numbers) if number]
    return Sparkline("".join(bars), len(numbers) * STEP, _count_unknown(numbers) * STEP, top)


def _draw_bar(index: int, number: int, top: int) -> str:
    height = max(number / top * HEIGHT, LEAST_HEIGHT)
    return f"M{index * STEP} {HEIGHT}v{-height:.4g}h{STEP - GAP}V{HEIGHT}z"


def draw_steps(numbers: Sequence[int | None], limit: int | None) -> Sparkline:
    """Draw a line with a step for each change, and one at the limit."""
    known = [number for number in numbers if number is not None]
    top, unknown = max([*known, limit or 0, 1]), _count_unknown(numbers)
    points = [f"{(unknown + index) * STEP} {_scale(number, top):.4g}" for index, number in enumerate(known)]
    path = f"M{points[0]}" + "".join(f"H{x}V{y}" for x, y in map(str.split, points[1:])) if points else ""
    width = len(numbers) * STEP
    return Sparkline(
        f"{path}H{width}" if path else "", width, unknown * STEP, top, None if limit is None else _scale(limit, top)
    )


def _scale(number: int, top: int) -> float:
    """Return the distance of a number from the upper edge, with room for the width of a line."""
    return 1 + (1 - number / top) * (HEIGHT - 2)


def _count_unknown(numbers: Sequence[int | None]) -> int:
    """Return how many numbers at the beginning are not known."""
    return next((index for index, number in enumerate(numbers) if number is not None), len(numbers))
