"""Fixtures of the tests of the triage views."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.conftest import Client
from tests.factories import DAY, make_organization, make_voice
from tests.triage.views.scenario import FAILED, PROCESSING
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.rows import VoiceRow


@pytest.fixture
def acme(app: Flask) -> Organization:
    app.test_client_class = Client
    return make_organization("Acme")


@pytest.fixture
def queue(acme: Organization, now: datetime) -> dict[str, VoiceRow]:
    """Return four voices that need attention, in two organizations."""
    other = make_organization("Bolt")
    return {
        "Anna": make_voice(acme, name="Anna", status=FAILED, created_at=now - 4 * DAY),
        "Bo": make_voice(acme, name="Bo", status=PROCESSING, created_at=now - 3 * DAY, provider="resemble"),
        "Cy": make_voice(other, name="Cy", status=FAILED, created_at=now - 2 * DAY, provider="resemble"),
        "Di": make_voice(other, name="Di", status=PROCESSING, created_at=now - DAY),
    }
