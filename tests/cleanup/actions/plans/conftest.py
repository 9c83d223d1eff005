"""Fixtures of the tests of plans."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import make_organization
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")
