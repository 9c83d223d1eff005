"""Fixtures of the tests of the voice list."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import make_organization
from tests.voices.listing.queries.scenario import PLAN_LIMITS
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.listing import lookup


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Return an organization for the voices of a test."""
    return make_organization()


@pytest.fixture(params=PLAN_LIMITS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Force one of the plans."""
    for name, value in PLAN_LIMITS[request.param].items():
        monkeypatch.setattr(lookup, name, value)
