"""Acting on what was ticked, what is said about it, and the way back."""

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
def acme(store: Flask) -> Organization:
    store.test_client_class = Client
    return make_organization("Acme")


@pytest.fixture
def anna(acme: Organization) -> VoiceRow:
    """A voice that failed."""
    return make_voice(acme, name="Anna", status=FAILED)


def page_of(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Send a form, with these of several values, and follow where it leads."""

    def post(address: str, status: int = 200, **fields: Any) -> Page:
        pairs = [
            (name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])
        ]
        return page_of(client.post(address, data=MultiDict(pairs), follow_redirects=True), status)

    return post


def tick(*voices: VoiceRow) -> list[str]:
    return [f"voice-{voice.id}" for voice in voices]


def undo_form(page: Page) -> tuple[str, dict[str, str]]:
    """Where the message's button undoes, and what it sends."""
    (form,) = [one for one in page.root.one("main").all("form") if one.attributes.get("action", "").endswith("/undo")]
    return form.attributes["action"], page.hidden_fields(form)


def status_of(voice: VoiceRow) -> VoiceStatus:
    db.session.rollback()
    found = db.session.get(ClonedVoice, voice.id)
    assert found is not None
    return found.status


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"action": "archive"}, "Archived 2 voices. Undo"),
        ({"action": "acknowledge"}, "Acknowledged 2 voices. Undo"),
        ({"action": "snooze", "until": "2026-12-01"}, "Snoozed 2 voices. Undo"),
        ({"action": "snooze"}, "Snoozed 2 voices. Undo"),
        ({"action": "note", "note": "Asked Acme."}, "Added a note to 2 voices. Undo"),
        ({"action": "assign", "assignee": "1"}, "Assigned 2 voices. Undo"),
    ],
)
def test_what_was_ticked_is_done_and_said_with_its_undo(
    acme: Organization, anna: VoiceRow, send: Send, how: dict[str, str], says: str
) -> None:
    bo = make_voice(acme, name="Bo", status=FAILED)

    page = send("/operations", ref=tick(anna, bo), next="/triage?reason=failed", **how)

    assert page.flashes == [says]
    assert page.sentence.startswith("Showing")


def test_the_message_undoes_what_it_tells_of_and_leads_back(
    acme: Organization, anna: VoiceRow, send: Send, client: FlaskClient
) -> None:
    said = send("/operations", ref=tick(anna), action="archive", next="/triage?reason=failed")
    assert status_of(anna) is ARCHIVED
    action, fields = undo_form(said)
    assert fields["next"] == "/triage?reason=failed"

    undone = send(action, **fields)

    assert status_of(anna) is FAILED
    assert undone.flashes == ["Undone for 1 voice. Undo"]
    redone = send(*[undo_form(undone)[0]], **undo_form(undone)[1])
    assert status_of(anna) is ARCHIVED
    assert redone.flashes == ["Undone for 1 voice. Undo"]


def test_a_message_that_was_shown_is_gone_with_its_page(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    send("/operations", ref=tick(anna), action="acknowledge")

    assert open_page("/triage").flashes == []


def test_a_form_that_is_sent_again_does_nothing_more(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    fields = {"ref": tick(anna), "action": "note", "note": "Asked.", "key": "once"}
    first, second = send("/operations", **fields), send("/operations", **fields)

    assert first.flashes == second.flashes == ["Added a note to 1 voice. Undo"]
    assert undo_form(first)[0] == undo_form(second)[0]
    assert len(open_page("/activity?kind=note-added").rows()) == 1


def test_the_button_of_a_line_acts_on_it_alone_whatever_is_ticked(
    acme: Organization, anna: VoiceRow, send: Send
) -> None:
    bo = make_voice(acme, name="Bo", status=FAILED)

    page = send("/operations", ref=tick(bo), row_action=f"archive:voice-{anna.id}")

    assert page.flashes == ["Archived 1 voice. Undo"]
    assert (status_of(anna), status_of(bo)) == (ARCHIVED, FAILED)


def test_taking_a_line_makes_it_ones_own(anna: VoiceRow, send: Send) -> None:
    page = send("/operations", row_action=f"assign:voice-{anna.id}:1", next="/triage?assignee=me")

    assert [row[3] for row in page.rows()] == ["root@example.com"]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"action": "archive"}, "Nothing is selected. Go back and select at least one."),
        ({"ref": "voice-x", "action": "archive"}, '"voice-x" is no voice and no assistant. Load the page again.'),
        ({"ref": "voice-1", "action": "note"}, "The note is empty."),
        ({"ref": "voice-1", "action": "x"}, '"x" is not an action. Choose from the list.'),
        ({"ref": "voice-1", "action": "assign", "assignee": "99"}, '"99" is not a person you can assign to.'),
        ({"ref": "voice-1", "action": "snooze", "until": "2026-11-22"}, "2026-11-22 is not in the future."),
    ],
)
def test_what_cannot_be_done_is_told_with_a_way_back(
    acme: Organization, send: Send, sent: dict[str, str], says: str
) -> None:
    page = send("/operations", 422, next="/triage?reason=failed", **sent)

    assert page.root.one("h1").text == "Nothing was changed"
    assert says in page.root.one("div", role="alert").text
    assert page.link("Back to the list") == "/triage?reason=failed"


def test_archiving_an_assistant_is_refused_with_a_way_back(acme: Organization, anna: VoiceRow, send: Send) -> None:
    make_assistant(acme, id=31)

    page = send("/operations", 409, ref=[*tick(anna), "assistant-31"], action="archive", next="//evil.example/")

    assert "Only voices can be archived and restored." in page.text
    assert page.link("Back to the list") == "/triage"
    assert status_of(anna) is FAILED


def test_undoing_twice_is_refused_with_a_way_back(anna: VoiceRow, send: Send) -> None:
    action, fields = undo_form(send("/operations", ref=tick(anna), action="archive", next="/triage"))
    send(action, **fields)

    page = send(action, 409, **fields | {"key": "another"})

    assert "This operation is undone already." in page.text
    assert page.link("Back to the list") == "/triage"


def test_what_was_left_alone_is_counted_and_listed_with_its_reasons(
    acme: Organization, anna: VoiceRow, send: Send, open_page: OpenPage
) -> None:
    gone = [make_voice(acme, name=f"Gone {number}", status=ARCHIVED) for number in range(2)]

    page = send("/operations", ref=tick(anna, *gone), action="restore")

    assert page.flashes == ["Nothing was changed.", "3 skipped. Show skipped"]
    shown = open_page(page.link("Show skipped"))
    assert "3 skipped." in shown.text
    assert {row[1] for row in shown.rows()} == {"Not archived.", "Archived upstream, not in voiceadmin."}


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (1, "1 skipped. Not archived. Show skipped"),
        (2, "2 skipped. Not archived. Show skipped"),
        (101, "101 skipped. Show skipped"),
    ],
)
def test_a_reason_that_all_have_in_common_is_told_at_once(
    acme: Organization, send: Send, number: int, says: str
) -> None:
    voices = [voice_row() for _ in range(number)]
    put_voices(acme, voices)

    page = send("/operations", ref=tick(*voices), action="restore")

    assert page.flashes == ["Nothing was changed.", says]


# The page of a operation


def operation(action: TriageAction, *voices: VoiceRow, now: datetime = NOW, key: str = "k", **how: Any) -> int:
    refs = tuple(ObjectRef(ObjectKind.VOICE, voice.id) for voice in voices)
    return apply_action(
        EVERYTHING, ActionRequest(action, refs, key, 0, **how), AttentionThresholds(), by=SHELL, now=now
    ).id


def test_a_deed_says_who_did_what_when_and_offers_the_way_back(anna: VoiceRow, open_page: OpenPage, send: Send) -> None:
    number = operation(TriageAction.ARCHIVE, anna, now=NOW - 3 * DAY)

    page = open_page(f"/operations/{number}")

    assert page.root.one("h1").text == "Archived 1 voice."
    assert "By tester 3 days ago." in page.text
    assert "None were skipped." in page.text
    action, fields = undo_form(page)
    undone = send(action, **fields)
    assert undone.root.one("h1").text == "Archived 1 voice."
    assert "Undone since." in undone.text
    assert status_of(anna) is FAILED
    back = open_page(undone.link("Undone"))
    assert back.root.one("h1").text == "Undone for 1 voice."
    assert back.link("an earlier operation") == f"/operations/{number}"


def test_after_thirty_days_a_deed_stays(
    anna: VoiceRow, open_page: OpenPage, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    number = operation(TriageAction.ARCHIVE, anna, now=now - 30 * DAY)
    assert undo_form(open_page(f"/operations/{number}"))

    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=1))

    assert not open_page(f"/operations/{number}").root.one("main").all("form")
    page = page_of(client.post(f"/operations/{number}/undo"), 409)
    assert "This operation is older than 30 days and can no longer be undone." in page.text


def test_a_deed_that_is_not_there_is_named(open_page: OpenPage) -> None:
    assert "There is no operation 99." in open_page("/operations/99", 404).text


# Who may


@pytest.fixture
def people(acme: Organization, store: Flask) -> Callable[..., FlaskClient]:
    """A browser of somebody with these roles."""
    return lambda **roles: sign_in(store.test_client(), make_account(**roles))


def test_a_viewer_may_look_at_a_deed_and_do_nothing(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    number = operation(TriageAction.ACKNOWLEDGE, anna)
    viewer = people(roles={acme: Role.VIEWER})

    assert not page_of(viewer.get(f"/operations/{number}")).root.one("main").all("form")
    assert viewer.post(f"/operations/{number}/undo").status_code == 403
    assert viewer.post("/operations", data={"ref": f"voice-{anna.id}", "action": "archive"}).status_code == 403
    assert status_of(anna) is FAILED


def test_somebody_elses_voice_among_them_leaves_all_as_they_are(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    zebra = make_organization("Zebra")
    theirs = make_voice(zebra, name="Zebra voice", status=FAILED)
    operator = people(roles={acme: Role.OPERATOR, zebra: Role.VIEWER})

    response = operator.post("/operations", data={"ref": tick(anna, theirs), "action": "archive"})

    page_of(response, 404)
    assert (status_of(anna), status_of(theirs)) == (FAILED, FAILED)


def test_a_deed_that_reaches_into_another_organization_is_not_shown_nor_undone(
    acme: Organization, anna: VoiceRow, people: Callable[..., FlaskClient]
) -> None:
    number = operation(TriageAction.ARCHIVE, anna, make_voice(make_organization("Zebra"), status=FAILED))
    operator = people(roles={acme: Role.OPERATOR})

    assert operator.get(f"/operations/{number}").status_code == 404
    assert operator.post(f"/operations/{number}/undo").status_code == 404
    assert status_of(anna) is ARCHIVED


def test_what_was_done_is_counted_at_once_in_the_head(anna: VoiceRow, send: Send, open_page: OpenPage) -> None:
    def pills(page: Page) -> list[str]:
        return [node.text for node in page.root.one("header").all("span", **{"class": "pill"})]

    assert pills(open_page("/assistants")) == ["1"]

    assert pills(send("/operations", ref=tick(anna), action="acknowledge", next="/assistants")) == []


def test_every_message_that_waited_has_its_own_undo(anna: VoiceRow, client: FlaskClient, open_page: OpenPage) -> None:
    for action in ("acknowledge", "archive"):
        client.post("/operations", data={"ref": tick(anna), "action": action})

    page = open_page("/triage")

    assert page.flashes == ["Acknowledged 1 voice. Undo", "Archived 1 voice. Undo"]
    assert len(page.root.all("div", role="status")) == 1
    addresses = [form.attributes["action"] for form in page.root.one("div", role="status").all("form")]
    assert addresses == ["/operations/1/undo", "/operations/2/undo"]
