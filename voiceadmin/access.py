"""Who may enter: every view names the least role it needs, and a view that names none stays shut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, request

from voiceadmin.vocabulary import Role

View = TypeVar("View", bound=Callable[..., Any])


def needs(role: Role) -> Callable[[View], View]:
    """Mark a view with the least role it needs. The guard below enforces it."""

    def mark(view: View) -> View:
        view.needs = role  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: Flask) -> None:
    """Set the guard before every request. Files under static/ are for anyone."""
    app.view_functions["static"] = needs(Role.ANYONE)(app.view_functions["static"])
    app.before_request(_guard)


def _guard() -> None:
    if request.endpoint is None:  # no such address, or not by this method: the answer gives nothing away
        return
    needed: Role | None = getattr(current_app.view_functions[request.endpoint], "needs", None)
    g.role = Role.ADMIN  # until there are accounts, and `serve` keeps to this machine until then
    if needed is None or g.role < needed:
        abort(403)
