"""Fixtures of the tests of the voice pages."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.factories import make_assistant, make_organization
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Return an organization with the assistant 31, named Night desk."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Night desk")
    return acme
