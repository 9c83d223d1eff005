"""Fixtures of the tests of the people pages."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.factories import make_account, make_organization, sign_in
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """Return a browser in which an admin of Acme is signed in."""
    return sign_in(anonymous_client, make_account("ada@example.com", name="Ada", roles={acme: Role.ADMIN}))
