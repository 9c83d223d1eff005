"""Fixtures of the tests of importing."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.voices.importing.actions.scenario import ASSISTANT_ID
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Create an organization with an assistant and two voices, and another one with one voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=ASSISTANT_ID, name="Night desk")
    put_voices(acme, [voice_row(id=1, name="Ada"), voice_row(id=2, name="Bo")])
    make_voice(make_organization("Other"), id=9, name="Foreign")
    return acme
