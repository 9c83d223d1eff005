"""Operations on selected objects: the messages, the operation page, and undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from tests.conftest import NOW, SHELL, Client
from tests.factories import (
    DAY,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    put_voices,
    sign_in,
    voice_row,
)
from tests.page import OpenPage, Page
from voiceadmin import clock
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

FAILED, ARCHIVED = VoiceStatus.FAILED, VoiceStatus.ARCHIVED

Send = Callable[..., Page]


@pytest.fixture
def acme(app: Flask) -> Organization:
    app.test_client_class = Client
    return make_organization("Acme")


@pytest.fixture
def anna(acme: Organization) -> VoiceRow:
    """Return a failed voice."""
    return make_voice(acme, name="Anna", status=FAILED)


def page_of(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Return a function that submits a form and follows the redirect. A list is sent as several values."""

    def post(address: str, status: int = 200, **fields: Any) -> Page:
        pairs = [
            (name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])
        ]
        return page_of(client.post(address, data=MultiDict(pairs), follow_redirects=True), status)

    return post


def refs_of(*voices: VoiceRow) -> list[str]:
    return [f"voice-{voice.id}" for voice in voices]


def undo_form(page: Page) -> tuple[str, dict[str, str]]:
    """Return the address and the hidden fields of the undo form in the message."""
    (form,) = [one for one in page.root.one("main").all("form") if one.attributes.get("action", "").endswith("/undo")]
    return form.attributes["action"], page.hidden_fields(form)


def status_of(voice: VoiceRow) -> VoiceStatus:
    db.session.rollback()
    found = db.session.get(ClonedVoice, voice.id)
    assert found is not None
    return found.status


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "archive"}, "Archived 2 voices. Undo"),
        ({"action": "acknowledge"}, "Acknowledged 2 voices. Undo"),
        ({"action": "snooze", "until": "2026-12-01"}, "Snoozed 2 voices. Undo"),
        ({"action": "snooze"}, "Snoozed 2 voices. Undo"),
        ({"action": "note", "note": "Asked Acme."}, "Added a note to 2 voices. Undo"),
        ({"action": "assign", "assignee": "1"}, "Assigned 2 voices. Undo"),
    ],
)
def test_an_action_on_selected_voices_shows_a_message_with_undo(
    acme: Organization, anna: VoiceRow, send: Send, fields: dict[str, str], message: str
) -> None:
    bo = make_voice(acme, name="Bo", status=FAILED)

    page = send("/operations", ref=refs_of(anna, bo), next="/triage?reason=failed", **fields)

    assert page.flashes == [message]
    assert page.sentence.startswith("Showing")


def test_the_undo_button_of_a_message_undoes_the_operation_and_returns_to_the_list(
    acme: Organization, anna: VoiceRow, send: Send, client: FlaskClient
) -> None:
    result = send("/operations", ref=refs_of(anna), action="archive", next="/triage?reason=failed")
    assert status_of(anna) is ARCHIVED
    action, fields = undo_form(result)
    assert fields["next"] == "/triage?reason=failed"

    undone = send(action, **fields)

    assert status_of(anna) is FAILED
    assert undone.flashes == ["Undid the changes to 1 voice. Undo"]
    redone = send(*[undo_form(undone)[0]], **undo_form(undone)[1])
    assert status_of(anna) is ARCHIVED
    assert redone.flashes == ["Undid the changes to 1 voice. Undo"]


def test_a_message_is_shown_once(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    send("/operations", ref=refs_of(anna), action="acknowledge")

    assert open_page("/triage").flashes == []


def test_a_form_submitted_twice_is_applied_once(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    fields = {"ref": refs_of(anna), "action": "note", "note": "Asked.", "key": "once"}
    first, second = send("/operations", **fields), send("/operations", **fields)

    assert first.flashes == second.flashes == ["Added a note to 1 voice. Undo"]
    assert undo_form(first)[0] == undo_form(second)[0]
    assert len(open_page("/activity?kind=note-added").rows()) == 1


def test_a_row_button_applies_to_its_row_only(acme: Organization, anna: VoiceRow, send: Send) -> None:
    bo = make_voice(acme, name="Bo", status=FAILED)

    page = send("/operations", ref=refs_of(bo), row_action=f"archive:voice-{anna.id}")

    assert page.flashes == ["Archived 1 voice. Undo"]
    assert (status_of(anna), status_of(bo)) == (ARCHIVED, FAILED)


def test_assign_to_me_assigns_the_row_to_the_requester(anna: VoiceRow, send: Send) -> None:
    page = send("/operations", row_action=f"assign:voice-{anna.id}:1", next="/triage?assignee=me")

    assert [row[3] for row in page.rows()] == ["root@example.com"]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"action": "archive"}, "Nothing is selected. Go back and select at least one."),
        ({"ref": "voice-x", "action": "archive"}, '"voice-x" is no voice, assistant or source. Load the page again.'),
        ({"ref": "voice-1", "action": "note"}, "The note is empty."),
        ({"ref": "voice-1", "action": "x"}, '"x" is not an action. Choose from the list.'),
        ({"ref": "voice-1", "action": "assign", "assignee": "99"}, '"99" is not a person you can assign to.'),
        ({"ref": "voice-1", "action": "snooze", "until": "2026-11-22"}, "2026-11-22 is not in the future."),
    ],
)
def test_an_invalid_form_shows_an_error_and_a_link_back(
    acme: Organization, send: Send, sent: dict[str, str], message: str
) -> None:
    page = send("/operations", 422, next="/triage?reason=failed", **sent)

    assert page.root.one("h1").text == "Nothing was changed"
    assert message in page.root.one("div", role="alert").text
    assert page.link("Back to the list") == "/triage?reason=failed"


def test_archiving_an_assistant_is_refused_with_a_link_back(acme: Organization, anna: VoiceRow, send: Send) -> None:
    make_assistant(acme, id=31)

    page = send("/operations", 409, ref=[*refs_of(anna), "assistant-31"], action="archive", next="//evil.example/")

    assert "Only voices can be archived and restored." in page.text
    assert page.link("Back to the list") == "/triage"
    assert status_of(anna) is FAILED


def test_a_second_undo_is_refused_with_a_link_back(anna: VoiceRow, send: Send) -> None:
    action, fields = undo_form(send("/operations", ref=refs_of(anna), action="archive", next="/triage"))
    send(action, **fields)

    page = send(action, 409, **fields | {"key": "another"})

    assert "This operation is undone already." in page.text
    assert page.link("Back to the list") == "/triage"


def test_skipped_voices_are_counted_and_listed_with_reasons(
    acme: Organization, anna: VoiceRow, send: Send, open_page: OpenPage
) -> None:
    archived = [make_voice(acme, name=f"Archived {number}", status=ARCHIVED) for number in range(2)]

    page = send("/operations", ref=refs_of(anna, *archived), action="restore")

    assert page.flashes == ["Nothing was changed.", "3 skipped. Show skipped"]
    shown = open_page(page.link("Show skipped"))
    assert "3 skipped." in shown.text
    assert {row[1] for row in shown.rows()} == {"Not archived.", "Archived in the platform, not in voiceadmin."}


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "1 skipped. Not archived. Show skipped"),
        (2, "2 skipped. Not archived. Show skipped"),
        (101, "101 skipped. Show skipped"),
    ],
)
def test_a_common_skip_reason_is_shown_in_the_message(acme: Organization, send: Send, count: int, message: str) -> None:
    voices = [voice_row() for _ in range(count)]
    put_voices(acme, voices)

    page = send("/operations", ref=refs_of(*voices), action="restore")

    assert page.flashes == ["Nothing was changed.", message]


# The page of an operation


def operation(action: TriageAction, *voices: VoiceRow, now: datetime = NOW, key: str = "k", **options: Any) -> int:
    refs = tuple(ObjectRef(ObjectKind.VOICE, voice.id) for voice in voices)
    return apply_action(
        EVERYTHING, ActionRequest(action, refs, key, 0, **options), AttentionThresholds(), by=SHELL, now=now
    ).id


def test_the_operation_page_shows_action_actor_and_time_and_offers_undo(
    anna: VoiceRow, open_page: OpenPage, send: Send
) -> None:
    operation_id = operation(TriageAction.ARCHIVE, anna, now=NOW - 3 * DAY)

    page = open_page(f"/operations/{operation_id}")

    assert page.root.one("h1").text == "Archived 1 voice"
    assert "By tester 3 days ago." in page.text
    assert "None were skipped." in page.text
    action, fields = undo_form(page)
    undone = send(action, **fields)
    assert undone.root.one("h1").text == "Archived 1 voice"
    assert "This operation was undone later." in undone.text
    assert status_of(anna) is FAILED
    back = open_page(undone.link("undone later"))
    assert back.root.one("h1").text == "Undid the changes to 1 voice"
    assert back.link("an earlier operation") == f"/operations/{operation_id}"


def test_an_operation_older_than_thirty_days_cannot_be_undone(
    anna: VoiceRow, open_page: OpenPage, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    operation_id = operation(TriageAction.ARCHIVE, anna, now=now - 30 * DAY)
    assert undo_form(open_page(f"/operations/{operation_id}"))

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=1))

    assert not open_page(f"/operations/{operation_id}").root.one("main").all("form")
    page = page_of(client.post(f"/operations/{operation_id}/undo"), 409)
    assert "This operation is older than 30 days and can no longer be undone." in page.text


def test_an_unknown_operation_is_not_found(open_page: OpenPage) -> None:
    assert "There is no operation 99." in open_page("/operations/99", 404).text


# Access


@pytest.fixture
def people(acme: Organization, app: Flask) -> Callable[..., FlaskClient]:
    """Return a function that signs in a new account with these roles and returns its browser."""
    return lambda **roles: sign_in(app.test_client(), make_account(**roles))


def test_a_viewer_can_open_an_operation_and_change_nothing(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    operation_id = operation(TriageAction.ACKNOWLEDGE, anna)
    viewer = people(roles={acme: Role.VIEWER})

    assert not page_of(viewer.get(f"/operations/{operation_id}")).root.one("main").all("form")
    assert viewer.post(f"/operations/{operation_id}/undo").status_code == 403
    assert viewer.post("/operations", data={"ref": f"voice-{anna.id}", "action": "archive"}).status_code == 403
    assert status_of(anna) is FAILED


def test_a_selection_with_a_foreign_voice_changes_nothing(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    globex = make_organization("Globex")
    foreign_voice = make_voice(globex, name="Globex voice", status=FAILED)
    operator = people(roles={acme: Role.OPERATOR, globex: Role.VIEWER})

    response = operator.post("/operations", data={"ref": refs_of(anna, foreign_voice), "action": "archive"})

    page_of(response, 404)
    assert (status_of(anna), status_of(foreign_voice)) == (FAILED, FAILED)


def test_an_operation_on_another_organization_is_neither_shown_nor_undone(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    operation_id = operation(TriageAction.ARCHIVE, anna, make_voice(make_organization("Globex"), status=FAILED))
    operator = people(roles={acme: Role.OPERATOR})

    assert operator.get(f"/operations/{operation_id}").status_code == 404
    assert operator.post(f"/operations/{operation_id}/undo").status_code == 404
    assert status_of(anna) is ARCHIVED


def test_the_header_count_changes_with_the_operation(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    def pills(page: Page) -> list[str]:
        return [node.text for node in page.root.one("header").all("span", **{"class": "pill"})]

    assert pills(open_page("/assistants")) == ["1"]

    assert pills(send("/operations", ref=refs_of(anna), action="acknowledge", next="/assistants")) == []


def test_every_pending_message_has_its_own_undo(anna: VoiceRow, client: FlaskClient, open_page: OpenPage) -> None:
    for action in ("acknowledge", "archive"):
        client.post("/operations", data={"ref": refs_of(anna), "action": action})

    page = open_page("/triage")

    assert page.flashes == ["Acknowledged 1 voice. Undo", "Archived 1 voice. Undo"]
    assert len(page.root.all("div", role="status")) == 1
    addresses = [form.attributes["action"] for form in page.root.one("div", role="status").all("form")]
    assert addresses == ["/operations/1/undo", "/operations/2/undo"]
