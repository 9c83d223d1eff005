"""Fixtures of the tests of bulk operations."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_account, make_assistant, make_organization, sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: object) -> Organization:
    organization = make_organization("Acme")
    make_assistant(organization, id=31)
    return organization


@pytest.fixture
def ada(acme: Organization) -> Account:
    return make_account("ada@acme.example", roles={acme: Role.OPERATOR})


@pytest.fixture
def operator(anonymous_client: FlaskClient, ada: Account) -> FlaskClient:
    """Return a browser in which an operator of Acme is signed in."""
    return sign_in(anonymous_client, ada)


@pytest.fixture
def colleague(app: Flask, operator: FlaskClient, acme: Organization) -> FlaskClient:
    """Return a browser in which another operator of Acme is signed in."""
    return sign_in(app.test_client(), make_account("bob@acme.example", roles={acme: Role.OPERATOR}))
