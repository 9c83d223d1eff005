"""Messages for the next page, with an optional undo and a link to skipped objects or to API keys."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from flask import Flask, get_flashed_messages, session

_KEY = "notices"  # key in Flask's session


MAX_NAME = 200  # characters; messages travel in a cookie, and browsers keep at most 4,096 bytes of one


class Notice(TypedDict):
    """A message that the next page shows once.

    Attributes:
        text: one or more sentences.
        undo_operation_id: an operation that the page offers to undo.
        skipped_operation_id: an operation whose skipped objects the page links to.
        links_to_keys: whether the page links to the API keys.
    """

    text: str
    undo_operation_id: NotRequired[int]
    skipped_operation_id: NotRequired[int]
    links_to_keys: NotRequired[bool]


def init_app(app: Flask) -> None:
    """Make `pop_notices` available to templates."""
    app.jinja_env.globals.update(pop_notices=pop_notices)


def add_notice(notice: Notice) -> None:
    """Show a message on the next page."""
    session[_KEY] = [*session.get(_KEY, ()), notice]


def pop_notices() -> list[Notice]:
    """Return and remove the messages to show, plain flashed ones last."""
    notices: list[Notice] = session.pop(_KEY, [])
    return [*notices, *(Notice(text=str(text)) for text in get_flashed_messages())]
