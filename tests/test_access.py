"""Every view names a role, and a view that names none stays shut."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from voiceadmin.access import needs
from voiceadmin.vocabulary import Role

OPEN_TO_ANYONE = {"static", "api.openapi", "health.healthz", "health.readyz"}


def test_every_view_names_the_least_role_it_needs(sqlite_store: Flask) -> None:
    roles = {name: getattr(view, "needs", None) for name, view in sqlite_store.view_functions.items()}

    assert None not in roles.values(), roles
    assert {name for name, role in roles.items() if role is Role.ANYONE} == OPEN_TO_ANYONE


def test_a_view_without_a_role_is_shut(sqlite_store: Flask) -> None:
    sqlite_store.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    response = sqlite_store.test_client().get("/forgotten")

    assert response.status_code == 403
    assert "secret" not in response.text


def test_a_view_above_every_role_is_shut(sqlite_store: Flask) -> None:
    def above() -> str:
        return "secret"

    sqlite_store.add_url_rule("/above", "above", needs(Role.ADMIN)(above))
    above.needs = 99  # type: ignore[attr-defined]

    assert sqlite_store.test_client().get("/above").status_code == 403


def test_no_view_takes_a_method_that_writes(sqlite_store: Flask) -> None:
    methods = {method for rule in sqlite_store.url_map.iter_rules() for method in rule.methods or ()}

    assert methods == {"GET", "HEAD", "OPTIONS"}


def test_options_are_answered_without_a_database(client: FlaskClient) -> None:
    assert client.options("/assistants").status_code == 200
