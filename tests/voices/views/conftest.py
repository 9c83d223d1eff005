"""Fixtures of the tests of the voice pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.factories import make_assistant, make_organization
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Return an organization with the assistant 31, named Night desk."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Night desk")
    return acme


@pytest.fixture
def statements(client: FlaskClient) -> Iterator[list[str]]:
    """Return a list to which the executed statements are added, without BEGIN."""
    seen: list[str] = []

    def record(*args: object) -> None:
        if not str(args[2]).startswith("BEGIN"):
            seen.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", record)
    yield seen
    event.remove(db.engine, "before_cursor_execute", record)
