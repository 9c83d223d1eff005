"""Actions on all entries that match the filters of the queue."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from tests.factories import make_assistant, make_voice
from tests.page import OpenPage, Page
from tests.triage.views.scenario import FAILED, read_names
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.rows import VoiceRow


def open_confirmation(client: FlaskClient, address: str, status: int = 200, **sent: str) -> Page:
    """Return the confirmation page for all matching entries, or the page after submitting it."""
    response = client.post(address, data=MultiDict(sent)) if sent else client.get(address)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


def read_hidden_fields(page: Page) -> dict[str, str]:
    """Return the hidden fields of the action form."""
    return page.hidden_fields(page.root.one("form", **{"class": "selection-form"}))


def test_the_confirmation_page_shows_the_count_and_changes_nothing(
    open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    page = open_page("/triage/all?reason=failed")

    assert page.root.one("h1").text == "Selected: 2 voices"
    assert "all entries of the triage queue that match Failed." in page.text
    assert page.link("Cancel") == "/triage?reason=failed"
    assert read_names(open_page("/triage")) == ["Anna", "Cy", "Bo", "Di"]


def test_an_action_on_all_matching_entries_changes_no_other_entry(
    client: FlaskClient, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = read_hidden_fields(open_page("/triage/all?reason=failed"))

    response = client.post("/triage/all?reason=failed", data=sent | {"action": "acknowledge"})

    assert response.status_code == 303
    page = open_page(response.headers["Location"])
    assert page.flashes == ["Acknowledged 2 voices. Undo"]
    assert read_names(open_page("/triage")) == ["Bo", "Di"]


def test_a_changed_selection_is_shown_again_and_nothing_is_changed(
    client: FlaskClient, acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = read_hidden_fields(open_page("/triage/all?reason=failed"))
    make_voice(acme, name="Eve", status=FAILED)

    page = open_confirmation(client, "/triage/all?reason=failed", 409, **sent, action="acknowledge")

    assert "from 2 to 3" in page.root.one("div", role="alert").text
    assert page.root.one("h1").text == "Selected: 3 voices"
    assert len(read_names(open_page("/triage"))) == 5


def test_an_empty_note_is_reported_on_the_confirmation_page(
    client: FlaskClient, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = read_hidden_fields(open_page("/triage/all"))

    page = open_confirmation(client, "/triage/all", 422, **sent, action="note")

    assert "The note is empty." in page.root.one("div", role="alert").text
    assert read_hidden_fields(page)["selection_hash"] == sent["selection_hash"]


def test_archiving_is_not_offered_for_all_when_assistants_are_among_them(
    acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    def offered(address: str) -> list[str]:
        return [node.attributes["value"] for node in open_page(address).root.all("button", name="action")]

    actions = ["acknowledge", "assign", "snooze", "note"]
    assert offered("/triage/all") == [*actions, "archive"]
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id=queue["Anna"].provider_voice_id)

    assert offered("/triage/all") == actions
    assert "the selection contains 1 assistant." in open_page("/triage/all").text


def test_the_confirmation_page_without_matches_offers_no_action(acme: Organization, open_page: OpenPage) -> None:
    page = open_page("/triage/all")

    assert page.root.one("h1").text == "No matches"
    assert not page.root.all("button", name="action")


def test_a_selection_over_the_maximum_offers_no_action(
    open_page: OpenPage, queue: dict[str, VoiceRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceadmin.operations.bulk.MAX_OBJECTS", 3)

    page = open_page("/triage/all")

    assert "A bulk operation can change up to 3 at a time." in page.text
    assert not page.root.all("button", name="action")


@pytest.mark.parametrize("address", ["/triage/all?reason=x", "/triage.csv?reason=x"])
def test_invalid_filters_are_reported_on_the_confirmation_page_and_by_the_export(
    open_page: OpenPage, acme: Organization, address: str
) -> None:
    assert "reason" in open_page(address, 422).root.one("div", role="alert").text
