"""The list of assistants."""

from __future__ import annotations

import json

from flask.testing import FlaskClient
from sqlalchemy import event

from tests.factories import make_assistant, make_organization, make_voice
from tests.page import OpenPage
from tests.two_tenants import rows_of
from voiceadmin.database.base import db
from voiceadmin.triage.rules import RULES
from voiceadmin.voices.types.status import VoiceStatus


def test_a_row_shows_an_assistant_its_voice_and_the_counts(open_page: OpenPage) -> None:
    acme = make_organization("Acme")
    make_voice(acme, name="Lobby", provider_voice_id="x1", status=VoiceStatus.ARCHIVED)
    make_voice(acme)
    make_assistant(acme, id=31, name="Night desk", tts_provider="elevenlabs", tts_voice_id="x1", active=False)

    page = open_page("/assistants")

    assert page.rows() == [["Night desk31 · inactive", "Acme", "LobbyArchived", "1 ready 1 archived", "2"]]
    assert page.link("Night desk") == "/assistants/31/voices"


def test_an_assistant_that_uses_no_cloned_voice_shows_that(open_page: OpenPage) -> None:
    make_assistant(name="A", tts_provider="elevenlabs", tts_voice_id="rachel")
    make_assistant(name="B")

    page = open_page("/assistants")

    assert page.column("Voice in use") == ["rachel at ElevenLabs, not a cloned voice", "Unknown"]
    assert page.column("Voices by status") == ["no voices yet", "no voices yet"]


def test_an_assistant_whose_mode_does_not_use_its_voice_shows_that(open_page: OpenPage) -> None:
    acme = make_organization("Acme")
    make_voice(acme, name="Lobby", provider_voice_id="x1", status=VoiceStatus.ARCHIVED)
    make_assistant(acme, id=31, tts_provider="elevenlabs", tts_voice_id="x1", is_voice_spoken=False)

    assert open_page("/assistants").column("Voice in use") == ["LobbyArchived set, but its mode does not use it"]
    head = open_page("/assistants/31/voices").text
    assert "It is the only assistant of Acme. Its mode does not use the voice that it is set to." in head


def test_a_search_describes_its_filters_and_links_to_the_whole_list(open_page: OpenPage) -> None:
    acme = make_organization("Acme")
    make_assistant(acme, name="Night desk")
    make_assistant(name="Booking")

    page = open_page(f"/assistants?q=DESK&organization={acme.id}")

    assert (
        page.sentence == "Showing 1–1 of 1 assistant of Acme with “DESK” in the name or as ID, by name. Clear filters"
    )
    assert len(open_page(page.link("Clear filters")).rows()) == 2


def test_a_database_without_assistants_shows_how_to_add_them(open_page: OpenPage) -> None:
    assert "There are no assistants yet." in open_page("/assistants").text


def test_a_search_without_a_match_links_to_the_whole_list(open_page: OpenPage) -> None:
    make_assistant()

    assert "No assistant matches. Clear filters." in open_page("/assistants?q=zzz").text


def test_an_invalid_parameter_is_named_and_no_list_is_shown(open_page: OpenPage) -> None:
    page = open_page("/assistants?page=x&organization=0", 422)

    assert not page.root.all("table")
    assert 'Organization: "0" is not an ID' in page.root.one("div", role="alert").text


def test_an_unknown_organization_is_not_found(open_page: OpenPage) -> None:
    assert "There is no organization 999." in open_page("/assistants?organization=999", 404).text


def test_an_export_of_an_unknown_organization_is_not_found_and_not_recorded(client: FlaskClient) -> None:
    make_assistant()

    assert client.get("/assistants.csv?organization=999").status_code == 404
    assert not rows_of("audit_event")


def test_an_export_records_its_filters_without_the_page(client: FlaskClient) -> None:
    acme = make_organization("Acme")
    make_assistant(acme, name="Night desk")

    assert client.get(f"/assistants.csv?q=desk&organization={acme.id}&size=100&page=2").status_code == 200

    (line,) = rows_of("audit_event")
    assert json.loads(line["after"]) == {"format": "csv", "filters": {"q": "desk", "organization": acme.id}}


def test_the_list_takes_four_statements_and_those_of_the_header_for_any_number_of_rows(client: FlaskClient) -> None:
    for number in range(30):
        organization = make_organization(f"Organization {number}")
        make_voice(organization, provider_voice_id="x")
        make_assistant(organization, tts_provider="elevenlabs", tts_voice_id="x")
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    client.get("/assistants")

    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) == 4 + len(RULES)
