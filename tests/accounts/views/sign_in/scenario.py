"""Steps that the tests of signing in share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW
from tests.factories import PASSWORD
from voiceadmin import clock


def move_clock(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    """Set the clock to this time span after the start of the test."""
    monkeypatch.setattr(clock, "now", lambda: NOW + later)


def sign_in_by_form(client: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> Any:
    """Submit the sign-in form."""
    return client.post("/sign-in", data={"email": email, "password": password} | more)
