"""Messages for the next page, with what the page offers beside them."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from flask import Flask, get_flashed_messages, session

_KEY = "notices"  # in the session


class Notice(TypedDict):
    """A message that the next page shows once.

    Attributes:
        text: one or more sentences.
        undo_operation_id: an operation that the page offers to undo.
        skipped_operation_id: an operation whose skipped objects the page links to.
    """

    text: str
    undo_operation_id: NotRequired[int]
    skipped_operation_id: NotRequired[int]


def init_app(app: Flask) -> None:
    """Let templates show notices."""
    app.jinja_env.globals.update(pop_notices=pop_notices)


def add_notice(notice: Notice) -> None:
    """Show a message on the next page."""
    session[_KEY] = [*session.get(_KEY, ()), notice]


def pop_notices() -> list[Notice]:
    """Return the messages to show, plain flashed ones last, and forget them."""
    notices: list[Notice] = session.pop(_KEY, [])
    return [*notices, *(Notice(text=str(text)) for text in get_flashed_messages())]
