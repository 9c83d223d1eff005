"""The page of a source shows its findings, and what people did about them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW
from tests.factories import make_account, make_organization, sign_in
from tests.page import Page
from tests.source_rows import make_source
from tests.triage.queries.model import HOUR
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction

pytestmark = pytest.mark.usefixtures("now")

FAILING = {"failing_since": NOW - HOUR, "failure": "The key is not valid."}


@pytest.fixture
def acme(anonymous_client: FlaskClient) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """A browser of an admin of Acme."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def read(browser: FlaskClient, path: str) -> Page:
    response = browser.get(path)
    assert response.status_code == 200, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


def act(browser: FlaskClient, source_id: int, action: TriageAction, **fields: str) -> None:
    form = {"ref": f"source-{source_id}", "key": f"{action} {fields}", "last_seen_operation_id": "0"}
    response = browser.post("/operations", data=form | {"action": action.value, "next": "/"} | fields)
    assert response.status_code == 303


def test_a_source_shows_its_findings_its_assignee_and_its_notes(admin: FlaskClient, acme: Organization) -> None:
    source_id = make_source(acme, **FAILING, orphan_count=2, orphans_since=NOW - HOUR)
    path = f"/sources/{source_id}"
    before = read(admin, path)

    act(admin, source_id, TriageAction.ACKNOWLEDGE)
    act(admin, source_id, TriageAction.ASSIGN, assignee="1")
    act(admin, source_id, TriageAction.NOTE, note="Asked the provider.")
    after = read(admin, path).text

    assert "Source not read" in before.text
    assert "The key is not valid." in before.text
    assert "2 voices that no organization names take slots" in before.text
    assert "Assignee: unassigned" in before.text
    assert "Acknowledged by ada@example.com" in after
    assert "Assignee: ada@example.com" in after
    assert "Asked the provider." in after


def test_a_source_without_findings_offers_only_an_assignee_and_a_note(admin: FlaskClient, acme: Organization) -> None:
    text = read(admin, f"/sources/{make_source(acme)}").text

    assert "Needs attention" not in text
    assert "Acknowledge" not in text
    assert "Assignee: unassigned" in text
    assert "Add note" in text or "Note" in text


def test_all_activity_of_a_source_is_found_by_its_id(admin: FlaskClient, acme: Organization) -> None:
    one, other = make_source(acme, name="One"), make_source(acme, name="Another")
    act(admin, one, TriageAction.NOTE, note="First note.")
    act(admin, other, TriageAction.NOTE, note="Second note.")

    text = read(admin, f"/activity?source={one}").text

    assert "First note." in text
    assert "Second note." not in text
    assert f"about source {one}" in text
