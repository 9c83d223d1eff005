"""Bulk operations on all voices that match the filters, after a confirmation page."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.factories import DAY, make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.operations.bulk.scenario import ALL, LIST, build_form, open_page, read_messages, read_statuses, submit_action
from tests.page import Page
from tests.two_tenants import dump, rows_of
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus


def test_the_confirmation_page_shows_the_selection_and_its_size(acme: Organization, operator: FlaskClient) -> None:
    put_voices(acme, [voice_row(provider="resemble") for _ in range(1204)])
    put_voices(acme, [voice_row() for _ in range(3)])

    found = open_page(
        operator, open_page(operator, LIST + "?provider=resemble").link("Select all 1,204 matching voices")
    )

    assert found.root.one("h1").text == "Selected: 1,204 voices"
    assert "The selection covers all voices of Acme that match Resemble." in found.text
    assert [node.text for node in found.root.all("button", name="action")][:2] == ["Archive (1,204)", "Restore (1,204)"]
    assert found.link("Cancel") == LIST + "?provider=resemble"


def test_the_confirmation_page_without_filters_says_that_it_covers_all_voices(
    acme: Organization, operator: FlaskClient
) -> None:
    make_voice(acme)

    assert "The selection covers all voices of Acme, without filters." in open_page(operator, ALL).text


@pytest.mark.parametrize(
    ("action", "more"),
    [("archive", {}), ("restore", {}), ("assign", {"assignee": "none"}), ("snooze", {}), ("note", {"note": "Old."})],
)
def test_each_action_changes_exactly_the_matching_voices(
    acme: Organization, operator: FlaskClient, action: str, more: dict[str, str]
) -> None:
    match = [voice_row(provider="resemble", status=VoiceStatus.FAILED) for _ in range(60)]
    others = [voice_row(status=VoiceStatus.FAILED) for _ in range(3)]
    put_voices(acme, match + others)
    put_voices(make_organization("Globex"), [voice_row(provider="resemble")])
    if action == "restore":
        submit_action(operator, "archive", match + others)
    if action == "assign":
        submit_action(operator, "assign", match + others, assignee=str(rows_of("account")[0]["id"]))
    address, before = ALL + "?provider=resemble", len(rows_of("audit_event"))

    messages = read_messages(
        operator, operator.post(address, data=build_form(open_page(operator, address), action=action, **more))
    )

    assert "60 voices" in messages[0]
    new = rows_of("audit_event")[before:]
    assert {line["object_id"] for line in new} == {voice.id for voice in match}
    assert len(new) == 60


def test_a_changed_matching_set_changes_nothing_and_shows_the_new_count(
    acme: Organization, operator: FlaskClient
) -> None:
    for _ in range(3):
        make_voice(acme)
    form = build_form(open_page(operator, ALL), action="archive")
    make_voice(acme)
    before = dump()

    response = operator.post(ALL, data=form)

    assert response.status_code == 409
    found = Page(response.text)
    found.check()
    assert "The list changed from 3 to 4 since you loaded the page. Nothing was changed." in found.text
    assert found.root.one("h1").text == "Selected: 4 voices"
    assert dump() == before
    assert read_messages(operator, operator.post(ALL, data=build_form(found, action="archive"))) == [
        "Archived 4 voices. Undo"
    ]


def test_a_matching_set_of_equal_size_with_other_voices_counts_as_changed(
    acme: Organization, operator: FlaskClient
) -> None:
    one, _ = make_voice(acme, provider="resemble"), make_voice(acme)
    address = ALL + "?provider=resemble"
    form = build_form(open_page(operator, address), action="archive")
    with write_transaction():
        db.session.execute(update(ClonedVoice).values(provider="elevenlabs").where(ClonedVoice.id == one.id))
        db.session.execute(update(ClonedVoice).values(provider="resemble").where(ClonedVoice.id != one.id))
    before = dump()

    assert operator.post(address, data=form).status_code == 409
    assert dump() == before


def test_a_form_sent_with_other_filters_changes_nothing(acme: Organization, operator: FlaskClient) -> None:
    globex = make_organization("Globex")
    make_assistant(globex, id=62)
    make_voice(acme, provider="resemble")
    make_voice(acme)
    foreign_voice = make_voice(globex, provider="resemble")
    form = build_form(open_page(operator, ALL + "?provider=resemble"), action="archive")
    before = dump()

    for address, status in ((ALL, 409), (ALL + "?status=failed", 409), (ALL + "?provider=nonsense", 422)):
        assert operator.post(address, data=form).status_code == status, address
    assert operator.post("/assistants/62/voices/all?provider=resemble", data=form).status_code == 404

    assert dump() == before
    tampered = form | {"ref": f"voice-{foreign_voice.id}", "organization": str(globex.id), "assistant_id": "62"}
    assert read_messages(operator, operator.post(ALL + "?provider=resemble", data=tampered)) == [
        "Archived 1 voice. Undo"
    ]
    assert read_statuses()[foreign_voice.id] == "ready"


def test_a_form_for_all_matching_voices_submitted_twice_is_applied_once(
    acme: Organization, operator: FlaskClient
) -> None:
    put_voices(acme, [voice_row() for _ in range(5)])
    address = ALL + "?status=ready"
    form = build_form(open_page(operator, address), action="archive")

    first = read_messages(operator, operator.post(address, data=form))
    before = dump()
    second = read_messages(operator, operator.post(address, data=form))  # although no voice is ready now

    assert first == second == ["Archived 5 voices. Undo"]
    assert dump() == before


def test_matching_voices_that_another_person_changed_are_skipped(
    acme: Organization, operator: FlaskClient, colleague: FlaskClient
) -> None:
    voices = [make_voice(acme) for _ in range(3)]
    form = build_form(open_page(operator, ALL), action="archive")
    submit_action(colleague, "archive", voices[:1])

    messages = read_messages(operator, operator.post(ALL, data=form))

    assert messages == [
        "Archived 2 voices. Undo",
        "1 skipped. Archived by bob@acme.example after you loaded the page. Show skipped",
    ]


def test_the_confirmation_page_without_matches_offers_no_action(acme: Organization, operator: FlaskClient) -> None:
    found = open_page(operator, ALL)

    assert found.root.one("h1").text == "No matches"
    assert not found.root.all("button", name="action")


def test_a_snooze_until_a_past_day_is_refused_and_changes_nothing(
    acme: Organization, operator: FlaskClient, now: datetime
) -> None:
    make_voice(acme)
    form = build_form(open_page(operator, ALL), action="snooze", until=(now - DAY).date().isoformat())
    before = dump()

    response = operator.post(ALL, data=form)

    assert response.status_code == 422
    Page(response.text).check()
    assert "is not in the future" in response.text
    assert dump() == before
