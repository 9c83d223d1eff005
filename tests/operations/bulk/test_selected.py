"""Bulk operations on the selected rows of the voice list."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient

from tests.factories import make_account, make_assistant, make_organization, make_voice, put_voices, sign_in, voice_row
from tests.operations.bulk.scenario import (
    ALL,
    LIST,
    open_page,
    read_audit_events,
    read_messages,
    read_statuses,
    submit_action,
)
from tests.page import Page
from tests.two_tenants import audit_event_types, dump, rows_of
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import AuditEventType
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.status import VoiceStatus


def dump_without_audit_log() -> Any:
    """Return all rows of the database except the audit events."""
    found = dump()
    del found["audit_event"]
    return found


def test_only_selected_voices_are_archived_with_an_audit_event_each(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(5)]

    assert read_messages(operator, submit_action(operator, "archive", voices[:3])) == ["Archived 3 voices. Undo"]

    assert list(read_statuses().values()) == ["archived"] * 3 + ["ready"] * 2
    archived = read_audit_events(AuditEventType.VOICE_ARCHIVED)
    assert {line["object_id"] for line in archived} == {voice.id for voice in voices[:3]}
    assert len(archived) == 3
    assert len({line["operation_id"] for line in archived}) == 1
    assert {(line["actor_name"], line["organization_id"]) for line in archived} == {("ada@acme.example", acme.id)}


def test_restoring_sets_the_previous_status_of_each_voice(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme, status=status) for status in (VoiceStatus.FAILED, VoiceStatus.READY)]
    submit_action(operator, "archive", voices)

    assert read_messages(operator, submit_action(operator, "restore", voices)) == ["Restored 2 voices. Undo"]

    assert list(read_statuses().values()) == ["failed", "ready"]
    assert len(read_audit_events(AuditEventType.VOICE_RESTORED)) == 2


def test_selected_voices_are_assigned(acme: Organization, operator: FlaskClient, ada: Account) -> None:
    voices = [make_voice(acme) for _ in range(2)]

    assert read_messages(operator, submit_action(operator, "assign", voices, assignee=str(ada.id))) == [
        "Assigned 2 voices. Undo"
    ]

    assert {row["object_id"]: row["account_id"] for row in rows_of("assignment")} == {
        voice.id: ada.id for voice in voices
    }


def test_selected_voices_are_snoozed_until_a_day(acme: Organization, operator: FlaskClient, now: datetime) -> None:
    voices = [make_voice(acme, status=VoiceStatus.FAILED) for _ in range(2)]

    assert read_messages(operator, submit_action(operator, "snooze", voices, until="2026-12-24")) == [
        "Snoozed 2 voices. Undo"
    ]

    assert {row["object_id"] for row in rows_of("mute")} == {voice.id for voice in voices}
    assert {row["until"].date().isoformat() for row in rows_of("mute")} == {"2026-12-24"}


def test_selected_voices_get_a_note(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(2)]

    assert read_messages(operator, submit_action(operator, "note", voices, note="Ask Bo.")) == [
        "Added a note to 2 voices. Undo"
    ]

    assert [line["note"] for line in read_audit_events(AuditEventType.NOTE_ADDED)] == ["Ask Bo."] * 2


def test_a_selection_with_three_foreign_voices_changes_nothing_and_is_recorded(
    acme: Organization, operator: FlaskClient
) -> None:
    own_voices = [voice_row() for _ in range(97)]
    foreign_voices = [voice_row() for _ in range(3)]
    put_voices(acme, own_voices)
    put_voices(make_organization("Globex"), foreign_voices)
    found, before = open_page(operator, LIST), dump_without_audit_log()

    for action, more in (("archive", {}), ("restore", {}), ("note", {"note": "x"}), ("snooze", {}), ("assign", {})):
        response = submit_action(operator, action, own_voices[:50] + foreign_voices + own_voices[50:], found, **more)

        assert response.status_code == 404, action
        assert dump_without_audit_log() == before, action
    assert audit_event_types() == [AuditEventType.OPERATION_REFUSED.value] * 5
    refused = json.loads(rows_of("audit_event")[0]["after"])
    assert refused == {"chosen": 100}


def test_a_form_submitted_twice_is_applied_once(acme: Organization, operator: FlaskClient) -> None:
    voices, found = [make_voice(acme) for _ in range(3)], open_page(operator, LIST)

    first = read_messages(operator, submit_action(operator, "archive", voices, found))
    before = dump()
    second = read_messages(operator, submit_action(operator, "archive", voices, found))

    assert first == second == ["Archived 3 voices. Undo"]
    assert dump() == before


def test_voices_that_another_person_changed_are_reported_and_not_overwritten(
    acme: Organization, operator: FlaskClient, colleague: FlaskClient
) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    found = open_page(operator, LIST)
    submit_action(colleague, "archive", voices[:1])
    submit_action(colleague, "restore", voices[:1])

    messages = read_messages(operator, submit_action(operator, "archive", voices, found))

    assert messages == [
        "Archived 2 voices. Undo",
        "1 skipped. Restored by bob@acme.example after you loaded the page. Show skipped",
    ]
    assert list(read_statuses().values()) == ["ready", "archived", "archived"]


def test_the_undo_button_of_the_message_restores_all_voices(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    response = submit_action(operator, "archive", voices)
    found = open_page(operator, response.headers["Location"])
    (undo,) = [form for form in found.root.all("form") if form.attributes.get("action", "").endswith("/undo")]
    hidden = {node.attributes["name"]: node.attributes["value"] for node in undo.all("input", type="hidden")}

    messages = read_messages(operator, operator.post(undo.attributes["action"], data=hidden))

    assert messages == ["Undid the changes to 3 voices. Undo"]
    assert set(read_statuses().values()) == {"ready"}


def test_an_empty_selection_changes_nothing(acme: Organization, operator: FlaskClient) -> None:
    make_voice(acme)
    before = dump()

    response = submit_action(operator, "archive", [])

    assert response.status_code == 422
    Page(response.text).check()
    assert "Nothing is selected" in response.text
    assert dump() == before


def test_a_viewer_sees_no_checkboxes_and_no_action_bar(acme: Organization, anonymous_client: FlaskClient) -> None:
    make_voice(acme, name="Anna")
    found = open_page(sign_in(anonymous_client, make_account(roles={acme: Role.VIEWER})), LIST)

    assert not found.root.all("form", **{"class": "selection-form"})
    assert not found.root.one("tbody").all("input")
    assert found.column("Voice")[0].startswith("Anna")


def test_each_checkbox_is_labelled_with_the_name_of_its_voice(acme: Organization, operator: FlaskClient) -> None:
    make_voice(acme, name="Anna")

    (label,) = open_page(operator, LIST).root.one("tbody").all("label")

    assert label.text == "Anna"
    assert label.all("input", type="checkbox", name="ref")


def test_archiving_voices_that_assistants_use_shows_a_warning(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    for number in range(2):
        make_assistant(acme, tts_provider=voices[0].provider, tts_voice_id=voices[0].provider_voice_id)
        make_assistant(make_organization(), tts_provider="elevenlabs", tts_voice_id=voices[number].provider_voice_id)

    assert "Assistants use 1 of these voices." in open_page(operator, ALL).text
    messages = read_messages(operator, submit_action(operator, "archive", voices[:2]))

    assert messages == [
        "Archived 2 voices. Undo",
        "Assistants still use 1 of these voices. Choose other voices for these assistants in the platform.",
    ]
    assert "Assistants used 1 of the voices" in open_page(operator, "/operations/1").text


def test_archiving_voices_that_no_assistant_uses_shows_no_warning(acme: Organization, operator: FlaskClient) -> None:
    voice = make_voice(acme, provider_voice_id="")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="")

    assert "Assistants use" not in open_page(operator, ALL).text
    assert read_messages(operator, submit_action(operator, "archive", [voice])) == ["Archived 1 voice. Undo"]
