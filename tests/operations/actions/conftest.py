"""Fixtures of the tests of actions."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.factories import make_account, make_organization
from tests.operations.actions.scenario import Runner
from voiceadmin.accounts.models import Account
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def clara(acme: Organization) -> Account:
    return make_account("clara@example.com", roles={acme: Role.OPERATOR})


@pytest.fixture
def runner(now: datetime) -> Runner:
    return Runner(now)
