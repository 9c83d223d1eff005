"""Fixtures of the tests of the queue."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import make_organization
from tests.triage.queries.model import QueueModel
from voiceadmin.organizations.models import Organization


@pytest.fixture
def model(app: Flask) -> QueueModel:
    return QueueModel()


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")
