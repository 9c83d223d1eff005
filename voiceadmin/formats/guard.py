"""The guard that keeps a spreadsheet from running a text as a formula. It comes off again exactly."""

from __future__ import annotations

import re

# What a spreadsheet may take for the beginning of a formula, the full-width twins included. Apostrophes before it
# belong to the pattern, so that a text that already looks guarded gets one more, and loses only that one again.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\0＝＋－＠]")


def guarded(text: str) -> str:
    """The text as a cell: with a leading apostrophe if a spreadsheet could run it."""
    return "'" + text if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made this cell from."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
