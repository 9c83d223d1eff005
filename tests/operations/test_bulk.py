"""Acting on many voices from their list: on what is ticked, and on all that match as a second step."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.datastructures import MultiDict

from tests.factories import DAY, make_account, make_assistant, make_organization, make_voice, put_voices, sign_in
from tests.factories import voice_row as made_row
from tests.page import Page
from tests.two_tenants import audit_words, dump, rows_of
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

LIST = "/assistants/31/voices"
ALL = LIST + "/all"


@pytest.fixture
def acme(store: object) -> Organization:
    organization = make_organization("Acme")
    make_assistant(organization, id=31)
    return organization


@pytest.fixture
def ada(acme: Organization) -> Account:
    return make_account("ada@acme.example", roles={acme: Role.OPERATOR})


@pytest.fixture
def operator(stranger: FlaskClient, ada: Account) -> FlaskClient:
    """A browser in which an operator of Acme has signed in."""
    return sign_in(stranger, ada)


@pytest.fixture
def colleague(store: Flask, operator: FlaskClient, acme: Organization) -> FlaskClient:
    """Another one's browser."""
    return sign_in(store.test_client(), make_account("bob@acme.example", roles={acme: Role.OPERATOR}))


def page(client: FlaskClient, address: str, status: int = 200) -> Page:
    response = client.get(address)
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def form_of(found: Page, **more: Any) -> MultiDict[str, Any]:
    """What the form of a page sends when nothing is filled in, and more."""
    (form,) = found.root.all("form", **{"class": "selection-form"})
    hidden = {node.attributes["name"]: node.attributes["value"] for node in form.all("input", type="hidden")}
    return MultiDict(hidden | more)


def press(client: FlaskClient, action: str, voices: list[VoiceRow], found: Page | None = None, **more: Any) -> Any:
    """Tick voices on a page of the list and press a button."""
    form = form_of(found or page(client, LIST), action=action, ref=[str(voice.id) for voice in voices], **more)
    return client.post("/operations", data=form)


def told(client: FlaskClient, response: Any) -> list[str]:
    """What the page says to which an answer leads."""
    assert response.status_code == 303, response.text[:2000]
    return [
        node.text
        for node in page(client, response.headers["Location"]).root.all("div")
        if node.attributes.get("class") == "flash"
    ]


def statuses() -> dict[int, str]:
    return {row["id"]: row["status"] for row in rows_of("cloned_voice")}


def lines(event_type: AuditEventType) -> list[dict[str, Any]]:
    """The lines of the audit trail with a word."""
    return [line for line in rows_of("audit_event") if line["event_type"] == event_type.value]


def without_trail() -> Any:
    """The whole store but what was noted of it."""
    found = dump()
    del found["audit_event"]
    return found


# Ticked rows


def test_ticked_voices_are_archived_with_a_line_for_each_and_no_other_voice_is(
    acme: Organization, operator: FlaskClient
) -> None:
    voices = [make_voice(acme) for _ in range(5)]

    assert told(operator, press(operator, "archive", voices[:3])) == ["Archived 3 voices. Undo"]

    assert list(statuses().values()) == ["archived"] * 3 + ["ready"] * 2
    archived = lines(AuditEventType.VOICE_ARCHIVED)
    assert {line["object_id"] for line in archived} == {voice.id for voice in voices[:3]}
    assert len(archived) == 3
    assert len({line["operation_id"] for line in archived}) == 1
    assert {(line["actor_name"], line["organization_id"]) for line in archived} == {("ada@acme.example", acme.id)}


def test_restoring_gives_each_voice_the_status_back_that_it_had(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme, status=status) for status in (VoiceStatus.FAILED, VoiceStatus.READY)]
    press(operator, "archive", voices)

    assert told(operator, press(operator, "restore", voices)) == ["Restored 2 voices. Undo"]

    assert list(statuses().values()) == ["failed", "ready"]
    assert len(lines(AuditEventType.VOICE_RESTORED)) == 2


def test_ticked_voices_are_assigned(acme: Organization, operator: FlaskClient, ada: Account) -> None:
    voices = [make_voice(acme) for _ in range(2)]

    assert told(operator, press(operator, "assign", voices, assignee=str(ada.id))) == ["Assigned 2 voices. Undo"]

    assert {row["object_id"]: row["account_id"] for row in rows_of("assignment")} == {
        voice.id: ada.id for voice in voices
    }


def test_ticked_voices_are_snoozed_until_a_day(acme: Organization, operator: FlaskClient, now: datetime) -> None:
    voices = [make_voice(acme, status=VoiceStatus.FAILED) for _ in range(2)]

    assert told(operator, press(operator, "snooze", voices, until="2026-12-24")) == ["Snoozed 2 voices. Undo"]

    assert {row["object_id"] for row in rows_of("mute")} == {voice.id for voice in voices}
    assert {row["until"].date().isoformat() for row in rows_of("mute")} == {"2026-12-24"}


def test_ticked_voices_get_a_note(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(2)]

    assert told(operator, press(operator, "note", voices, note="Ask Bo.")) == ["Added a note to 2 voices. Undo"]

    assert [line["note"] for line in lines(AuditEventType.NOTE_ADDED)] == ["Ask Bo."] * 2


def test_a_hundred_voices_of_which_three_are_foreign_stay_as_they_are_and_that_is_noted(
    acme: Organization, operator: FlaskClient
) -> None:
    ours = [made_row() for _ in range(97)]
    theirs = [made_row() for _ in range(3)]
    put_voices(acme, ours)
    put_voices(make_organization("Zebra"), theirs)
    found, before = page(operator, LIST), without_trail()

    for action, more in (("archive", {}), ("restore", {}), ("note", {"note": "x"}), ("snooze", {}), ("assign", {})):
        response = press(operator, action, ours[:50] + theirs + ours[50:], found, **more)

        assert response.status_code == 404, action
        assert without_trail() == before, action
    assert audit_words() == [AuditEventType.OPERATION_REFUSED.value] * 5
    refused = json.loads(rows_of("audit_event")[0]["after"])
    assert refused == {"chosen": 100}


def test_a_form_that_is_sent_twice_acts_once(acme: Organization, operator: FlaskClient) -> None:
    voices, found = [make_voice(acme) for _ in range(3)], page(operator, LIST)

    first = told(operator, press(operator, "archive", voices, found))
    before = dump()
    second = told(operator, press(operator, "archive", voices, found))

    assert first == second == ["Archived 3 voices. Undo"]
    assert dump() == before


def test_what_somebody_else_changed_meanwhile_is_told_and_not_overwritten(
    acme: Organization, operator: FlaskClient, colleague: FlaskClient
) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    found = page(operator, LIST)
    press(colleague, "archive", voices[:1])
    press(colleague, "restore", voices[:1])

    said = told(operator, press(operator, "archive", voices, found))

    assert said == [
        "Archived 2 voices. Undo",
        "1 skipped. Changed by bob@acme.example after you loaded the page. Show skipped",
    ]
    assert list(statuses().values()) == ["ready", "archived", "archived"]


def test_undo_from_the_message_brings_it_all_back(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    response = press(operator, "archive", voices)
    found = page(operator, response.headers["Location"])
    (undo,) = [form for form in found.root.all("form") if form.attributes.get("action", "").endswith("/undo")]
    hidden = {node.attributes["name"]: node.attributes["value"] for node in undo.all("input", type="hidden")}

    said = told(operator, operator.post(undo.attributes["action"], data=hidden))

    assert said == ["Undone for 3 voices. Undo"]
    assert set(statuses().values()) == {"ready"}


def test_where_nothing_is_ticked_nothing_is_done(acme: Organization, operator: FlaskClient) -> None:
    make_voice(acme)
    before = dump()

    response = press(operator, "archive", [])

    assert response.status_code == 422
    Page(response.text).check()
    assert "Nothing is selected" in response.text
    assert dump() == before


def test_a_viewer_has_no_ticks_and_no_bar(acme: Organization, stranger: FlaskClient) -> None:
    make_voice(acme, name="Anna")
    found = page(sign_in(stranger, make_account(roles={acme: Role.VIEWER})), LIST)

    assert not found.root.all("form", **{"class": "selection-form"})
    assert not found.root.one("tbody").all("input")
    assert found.column("Voice")[0].startswith("Anna")


def test_each_tick_is_named_after_its_voice(acme: Organization, operator: FlaskClient) -> None:
    make_voice(acme, name="Anna")

    (tick,) = page(operator, LIST).root.one("tbody").all("label")

    assert tick.text == "Anna"
    assert tick.all("input", type="checkbox", name="ref")


# Voices that assistants are set to


def test_archiving_what_assistants_are_set_to_says_so(acme: Organization, operator: FlaskClient) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    for number in range(2):
        make_assistant(acme, tts_provider=voices[0].provider, tts_voice_id=voices[0].provider_voice_id)
        make_assistant(make_organization(), tts_provider="elevenlabs", tts_voice_id=voices[number].provider_voice_id)

    assert "Assistants use 1 of these voices." in page(operator, ALL).text
    said = told(operator, press(operator, "archive", voices[:2]))

    assert said == [
        "Archived 2 voices. Undo",
        "Assistants still use 1 of these voices. Choose other voices for them upstream.",
    ]
    assert "assistants used 1 of the voices" in page(operator, "/operations/1").text


def test_archiving_what_no_assistant_is_set_to_says_nothing_of_them(acme: Organization, operator: FlaskClient) -> None:
    voice = make_voice(acme, provider_voice_id="")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="")

    assert "Assistants use" not in page(operator, ALL).text
    assert told(operator, press(operator, "archive", [voice])) == ["Archived 1 voice. Undo"]


# All that match


def test_the_second_step_says_what_is_done_to_how_many(acme: Organization, operator: FlaskClient) -> None:
    put_voices(acme, [made_row(provider="resemble") for _ in range(1204)])
    put_voices(acme, [made_row() for _ in range(3)])

    found = page(operator, page(operator, LIST + "?provider=resemble").link("Select all 1,204 matching voices"))

    assert found.root.one("h1").text == "Selected: 1,204 voices"
    assert "The selection covers all voices of Acme that match Resemble." in found.text
    assert [node.text for node in found.root.all("button", name="action")][:2] == ["Archive (1,204)", "Restore (1,204)"]
    assert found.link("Cancel") == LIST + "?provider=resemble"


def test_without_a_filter_the_second_step_says_that_it_is_the_whole_list(
    acme: Organization, operator: FlaskClient
) -> None:
    make_voice(acme)

    assert "The selection covers all voices of Acme, without filters." in page(operator, ALL).text


@pytest.mark.parametrize(
    ("action", "more"),
    [("archive", {}), ("restore", {}), ("assign", {"assignee": "none"}), ("snooze", {}), ("note", {"note": "Old."})],
)
def test_each_act_is_done_to_all_that_match_and_to_no_other(
    acme: Organization, operator: FlaskClient, action: str, more: dict[str, str]
) -> None:
    match = [made_row(provider="resemble", status=VoiceStatus.FAILED) for _ in range(60)]
    others = [made_row(status=VoiceStatus.FAILED) for _ in range(3)]
    put_voices(acme, match + others)
    put_voices(make_organization("Zebra"), [made_row(provider="resemble")])
    if action == "restore":
        press(operator, "archive", match + others)
    if action == "assign":
        press(operator, "assign", match + others, assignee=str(rows_of("account")[0]["id"]))
    address, before = ALL + "?provider=resemble", len(rows_of("audit_event"))

    said = told(operator, operator.post(address, data=form_of(page(operator, address), action=action, **more)))

    assert "60 voices" in said[0]
    new = rows_of("audit_event")[before:]
    assert {line["object_id"] for line in new} == {voice.id for voice in match}
    assert len(new) == 60


def test_when_the_matching_set_has_changed_nothing_is_done_and_the_new_number_is_shown(
    acme: Organization, operator: FlaskClient
) -> None:
    for _ in range(3):
        make_voice(acme)
    form = form_of(page(operator, ALL), action="archive")
    make_voice(acme)
    before = dump()

    response = operator.post(ALL, data=form)

    assert response.status_code == 409
    found = Page(response.text)
    found.check()
    assert "The list changed from 3 to 4 since you loaded the page. Nothing was changed." in found.text
    assert found.root.one("h1").text == "Selected: 4 voices"
    assert dump() == before
    assert told(operator, operator.post(ALL, data=form_of(found, action="archive"))) == ["Archived 4 voices. Undo"]


def test_other_voices_of_the_same_number_are_a_change_too(acme: Organization, operator: FlaskClient) -> None:
    one, _ = make_voice(acme, provider="resemble"), make_voice(acme)
    address = ALL + "?provider=resemble"
    form = form_of(page(operator, address), action="archive")
    with write_transaction():
        db.session.execute(update(ClonedVoice).values(provider="elevenlabs").where(ClonedVoice.id == one.id))
        db.session.execute(update(ClonedVoice).values(provider="resemble").where(ClonedVoice.id != one.id))
    before = dump()

    assert operator.post(address, data=form).status_code == 409
    assert dump() == before


def test_a_filter_that_was_tampered_with_does_nothing(acme: Organization, operator: FlaskClient) -> None:
    zebra = make_organization("Zebra")
    make_assistant(zebra, id=62)
    make_voice(acme, provider="resemble")
    make_voice(acme)
    theirs = make_voice(zebra, provider="resemble")
    form = form_of(page(operator, ALL + "?provider=resemble"), action="archive")
    before = dump()

    for address, status in ((ALL, 409), (ALL + "?status=failed", 409), (ALL + "?provider=nonsense", 422)):
        assert operator.post(address, data=form).status_code == status, address
    assert operator.post("/assistants/62/voices/all?provider=resemble", data=form).status_code == 404

    assert dump() == before
    smuggled = form | {"ref": f"voice-{theirs.id}", "organization": str(zebra.id), "assistant_id": "62"}
    assert told(operator, operator.post(ALL + "?provider=resemble", data=smuggled)) == ["Archived 1 voice. Undo"]
    assert statuses()[theirs.id] == "ready"


def test_all_that_match_is_done_once_however_often_it_is_sent(acme: Organization, operator: FlaskClient) -> None:
    put_voices(acme, [made_row() for _ in range(5)])
    address = ALL + "?status=ready"
    form = form_of(page(operator, address), action="archive")

    first = told(operator, operator.post(address, data=form))
    before = dump()
    second = told(operator, operator.post(address, data=form))  # although nothing is ready any more

    assert first == second == ["Archived 5 voices. Undo"]
    assert dump() == before


def test_of_all_that_match_what_somebody_else_changed_meanwhile_is_left_alone(
    acme: Organization, operator: FlaskClient, colleague: FlaskClient
) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    form = form_of(page(operator, ALL), action="archive")
    press(colleague, "archive", voices[:1])

    said = told(operator, operator.post(ALL, data=form))

    assert said == [
        "Archived 2 voices. Undo",
        "1 skipped. Changed by bob@acme.example after you loaded the page. Show skipped",
    ]


def test_where_nothing_matches_there_is_nothing_to_press(acme: Organization, operator: FlaskClient) -> None:
    found = page(operator, ALL)

    assert found.root.one("h1").text == "No matches"
    assert not found.root.all("button", name="action")


def test_a_day_that_is_over_is_refused_and_nothing_is_done(
    acme: Organization, operator: FlaskClient, now: datetime
) -> None:
    make_voice(acme)
    form = form_of(page(operator, ALL), action="snooze", until=(now - DAY).date().isoformat())
    before = dump()

    response = operator.post(ALL, data=form)

    assert response.status_code == 422
    Page(response.text).check()
    assert "is not in the future" in response.text
    assert dump() == before
