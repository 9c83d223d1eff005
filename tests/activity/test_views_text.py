"""The text of audit events on the activity page: labels and sentences, never stored values."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.activity.scenario import CASES, World, make_world
from tests.factories import make_account, sign_in
from tests.page import Page
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.tabular import ExportFormat
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.status import VoiceStatus

STORED = {
    *(value for value in AuditEventType if "-" in value),
    *VoiceStatus,
    *ExportFormat,
    *Provider,
    *ObjectKind,
    *TriageAction,
    *(slug for slug in RULES_BY_SLUG if "-" in slug),
}
# Words of sentences that are also stored values.
WORDS = {*ObjectKind, "note", "archived", "failed"}


@pytest.fixture
def world(anonymous_client: FlaskClient) -> World:
    return make_world(anonymous_client)


def read_rows(client: FlaskClient) -> list[list[str]]:
    """Return action, object and details of each event on the activity page."""
    response = client.get("/activity")
    assert response.status_code == 200, response.text[:2000]
    page = Page(response.text)
    page.check()
    return [row[2:] for row in page.rows()]


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("trigger", [pytest.param(case[2], id=case[0]) for case in CASES])
def test_no_event_shows_a_stored_value(world: World, trigger: Callable[[World], object]) -> None:
    trigger(world)
    root = sign_in(world.client, make_account("boss@example.com", platform=True))

    rows = read_rows(root)

    assert rows
    for text in (re.sub(r"\bva_\S+", "", cell) for row in rows for cell in row):  # without the beginnings of API keys
        assert not re.search(r"[{}\[\]]|\b(None|True|False)\b|\b[a-z]+_[a-z_]+\b|\dT\d", text), text
        assert not set(re.findall(r"[a-z]+(?:-[a-z]+)*", text)) & (STORED - WORDS), text
