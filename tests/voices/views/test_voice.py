"""The page of one voice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.factories import DAY, make_account, make_assistant, make_organization, make_voice, name_voice, sign_in
from tests.page import OpenPage, Page
from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED = VoiceStatus.READY, VoiceStatus.FAILED


def test_the_page_of_a_voice_shows_every_field(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    voice = make_voice(
        acme,
        name="Harbour guide",
        provider="inworld",
        provider_voice_id="acme__harbour",
        gender="female",
        quality_score=0.72,
        last_used_at=now - 9 * DAY,
        synthesis_count=1204,
    )
    make_assistant(acme, id=7, name="Booking", tts_provider="inworld", tts_voice_id="acme__harbour")

    page = open_page(f"/voices/{voice.id}")

    details = {
        row.one("dt").text: row.one("dd").text for row in page.root.one("dl", **{"class": "field-list"}).all("div")
    }
    assert details == {
        "ID": str(voice.id),
        "Name": "Harbour guide",
        "Provider": "Inworld",
        "Provider ID": "acme__harbour",
        "Language": "en",
        "Gender": "female",
        "Status": "Ready",
        "Quality score": "0.72",
        "Created": "2026-01-10 08:00:00 UTC",
        "Last used": "2026-11-13 14:00:00 UTC",
        "Syntheses": "1,204",
    }
    assert "May need improvement." in page.root.one("section", id="quality").text
    assert "1 assistant uses this voice." in page.root.one("section", id="assistants").text
    assert "Booking 7 uses this voice" in page.text
    assert "9 days ago" in page.root.one("section", id="use").text
    assert '"provider_voice_id": "acme__harbour"' in page.root.one("pre", id="json-text").raw_text


def test_assistants_that_name_a_voice_without_using_it_are_said_to(acme: Organization, open_page: OpenPage) -> None:
    voice = make_voice(acme, provider_voice_id="a")
    make_assistant(acme, id=7, name="Live", tts_provider="elevenlabs", tts_voice_id="a", is_voice_spoken=False)
    name_voice(make_assistant(acme, id=8, name="Other"), "a")

    text = section(open_page(f"/voices/{voice.id}"), "assistants")

    assert "No assistant uses this voice, but settings name it. Clean-up excludes it." in text
    assert "Live 7 set to this voice, but its mode does not use it" in text
    assert "Other 8 names this voice in another setting, without using it" in text


def section(page: Page, id: str) -> str:
    return page.root.one("section", id=id).text


def test_the_page_of_a_voice_shows_its_findings_and_those_of_its_assistants(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY, provider_voice_id="a")
    make_assistant(acme, id=7, name="Booking", tts_provider="elevenlabs", tts_voice_id="a")

    page = open_page(f"/voices/{voice.id}")

    assert section(page, "reasons") == (
        "Needs attention"
        " Failed Cloning failed at ElevenLabs 3 days ago. Clone the voice again with better samples, or archive it."
        " Started 3 days ago."
        " Assistant without a ready voice Booking: Set to “Anna” at ElevenLabs, which is failed."
        " Set the assistant to a ready voice in the platform, or make this voice ready again."
    )
    assert "Failed since 2026-11-19" in section(page, "status")


def test_the_page_of_a_voice_shows_no_findings_of_assistants_that_use_another_voice(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    voice = make_voice(acme, last_used_at=now, synthesis_count=1)
    make_voice(acme, status=FAILED, provider_voice_id="b")
    make_assistant(acme, id=8, tts_provider="elevenlabs", tts_voice_id="b")

    assert not open_page(f"/voices/{voice.id}").root.all("section", id="reasons")


def test_a_voice_without_findings_has_no_section_for_them(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    page = open_page(f"/voices/{make_voice(acme, last_used_at=now, synthesis_count=1).id}")

    assert not page.root.all("section", id="reasons")
    values = [node.attributes["value"] for node in page.root.all("button", name="action")]
    assert values == ["assign", "note", "archive"]


def test_a_voice_that_assistants_use_is_archived_only_after_a_confirmation(
    acme: Organization, client: FlaskClient, open_page: OpenPage
) -> None:
    voice = make_voice(acme, provider_voice_id="a")
    for _ in range(2):
        make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="a")

    page = open_page(f"/voices/{voice.id}")
    confirmation = page.root.one("div", role="dialog")

    assert "2 assistants use this voice and will not be changed." in confirmation.text
    archive = [node for node in page.root.all("button", name="action") if node.attributes["value"] == "archive"]
    assert archive == confirmation.all("button", name="action")
    form = page.root.one("form", **{"class": "selection-form"})
    client.post("/operations", data=Page.hidden_fields(form) | {"action": "archive"})
    assert "Archived here by" in section(open_page(f"/voices/{voice.id}"), "status")


def test_an_archived_voice_that_assistants_use_can_be_restored(
    acme: Organization, client: FlaskClient, open_page: OpenPage
) -> None:
    voice = make_voice(acme, provider_voice_id="a")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="a")
    client.post("/operations", data={"ref": voice.id, "action": "archive"})

    page = open_page(f"/voices/{voice.id}")

    values = [node.attributes["value"] for node in page.root.all("button", name="action")]
    assert values == ["assign", "note", "restore", "mark-deleted"]


def test_the_timeline_lists_actions_with_links_to_undo_them(
    acme: Organization, client: FlaskClient, open_page: OpenPage, now: datetime
) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    address = f"/voices/{voice.id}"
    for fields in (
        {"action": "assign", "assignee": "1"},
        {"action": "snooze", "until": "2026-12-01"},
        {"action": "note", "note": "Asked Acme."},
        {"action": "archive", "note": "Not wanted."},
    ):
        form = open_page(address).root.one("form", **{"class": "selection-form"})
        response = client.post("/operations", data=Page.hidden_fields(form) | fields)
        assert response.headers["Location"] == address

    page = open_page(address)

    assert page.flashes[-1] == "Archived 1 voice. Undo"
    assert [node.text for node in page.root.one("section", id="timeline").all("li")] == [
        "just nowroot@example.com archived a voice: Not wanted. Undo …Status: not archived → archived",
        "just nowroot@example.com added a note: Asked Acme. Undo …",
        "just nowroot@example.com snoozed a finding Undo …Finding: Failed until 2026-12-01",
        "just nowroot@example.com assigned a voice to root@example.com Undo …Assignee: unassigned → root@example.com",
        "3 days agoCreated at ElevenLabs",
    ]
    status = section(page, "status")
    assert "Archived here by root@example.com. Note: Not wanted. Status in the platform: failed." in status
    assert "Assignee: root@example.com" in status
    assert [node.attributes["value"] for node in page.root.all("button", name="action")] == [
        "assign",
        "note",
        "restore",
        "mark-deleted",
    ]


def test_the_timeline_has_no_undo_for_undone_or_old_operations(
    acme: Organization, client: FlaskClient, open_page: OpenPage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    client.post("/operations", data={"ref": voice.id, "action": "archive"})
    client.post("/operations/1/undo", data={"key": "k"})

    timeline = open_page(f"/voices/{voice.id}").root.one("section", id="timeline").all("li")
    assert [line.text for line in timeline[:2]] == [
        "just nowroot@example.com restored a voice: by undo Undo …Status: archived → not archived",
        "just nowroot@example.com archived a voice undoneStatus: not archived → archived",
    ]
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30, seconds=1))
    sign_in(client, make_account(platform=True))

    assert "Undo" not in section(open_page(f"/voices/{voice.id}"), "timeline")


def test_a_viewer_sees_the_timeline_and_no_forms(acme: Organization, client: FlaskClient, now: datetime) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    client.post("/operations", data={"ref": voice.id, "action": "note", "note": "Asked Acme."})
    assert client.get("/triage").status_code == 200  # to read the pending messages
    sign_in(client, make_account(roles={acme: Role.VIEWER}))

    page = Page(client.get(f"/voices/{voice.id}").text)

    assert "added a note: Asked Acme." in section(page, "timeline")
    assert "Undo" not in page.text
    assert not page.root.one("main").all("form")
    assert section(page, "reasons")


def test_a_voice_without_assistants_still_has_a_page(client: FlaskClient, open_page: OpenPage) -> None:
    voice = make_voice(make_organization("Initech"))

    assert "Initech has no assistants." in open_page(f"/voices/{voice.id}").text


def test_an_unknown_assistant_or_voice_is_a_404(open_page: OpenPage) -> None:
    assert "Assistant with ID 999 not found." in open_page("/assistants/999/voices", 404).text
    assert "Cloned voice with ID 999 not found." in open_page("/voices/999", 404).text
