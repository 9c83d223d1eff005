"""The list of assistants."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import event

from tests.factories import make_assistant, make_organization, make_voice
from tests.page import OpenPage
from voiceadmin.database.base import db
from voiceadmin.voices.types.status import VoiceStatus


def test_a_row_says_all_about_an_assistant(open_page: OpenPage) -> None:
    acme = make_organization("Acme")
    make_voice(acme, name="Lobby", provider_voice_id="x1", status=VoiceStatus.ARCHIVED)
    make_voice(acme)
    make_assistant(acme, id=31, name="Night desk", tts_provider="elevenlabs", tts_voice_id="x1", active=False)

    page = open_page("/assistants")

    assert page.rows() == [["Night desk31 · inactive", "Acme", "LobbyArchived", "1 ready 1 archived", "2"]]
    assert page.link("Night desk") == "/assistants/31/voices"


def test_an_assistant_on_a_stock_voice_or_on_none_says_so(open_page: OpenPage) -> None:
    make_assistant(name="A", tts_provider="elevenlabs", tts_voice_id="rachel")
    make_assistant(name="B")

    page = open_page("/assistants")

    assert page.column("Set to") == ["rachel at ElevenLabs, no clone", "not known"]
    assert page.column("By status") == ["no voices yet", "no voices yet"]


def test_a_search_says_what_it_shows_and_how_to_undo_it(open_page: OpenPage) -> None:
    acme = make_organization("Acme")
    make_assistant(acme, name="Night desk")
    make_assistant(name="Booking")

    page = open_page(f"/assistants?q=DESK&organization={acme.id}")

    assert page.sentence == "Showing 1–1 of 1 assistant of Acme with “DESK” in the name or as id, by name. Show all"
    assert len(open_page(page.link("Show all")).rows()) == 2


def test_a_store_without_assistants_says_how_to_fill_it(open_page: OpenPage) -> None:
    assert "There are no assistants yet." in open_page("/assistants").text


def test_a_search_without_a_match_offers_all(open_page: OpenPage) -> None:
    make_assistant()

    assert "No assistant matches. Show all." in open_page("/assistants?q=zzz").text


def test_a_wrong_argument_is_named_and_lists_nothing(open_page: OpenPage) -> None:
    page = open_page("/assistants?page=x&organization=0", 422)

    assert not page.root.all("table")
    assert 'Organization: "0" is not a number' in page.root.one("div", role="alert").text


def test_an_organization_that_is_not_there_is_not_found(open_page: OpenPage) -> None:
    assert "There is no organization 999." in open_page("/assistants?organization=999", 404).text


def test_the_list_takes_four_statements_beside_the_visitors(client: FlaskClient) -> None:
    for number in range(30):
        organization = make_organization(f"Organization {number}")
        make_voice(organization, provider_voice_id="x")
        make_assistant(organization, tts_provider="elevenlabs", tts_voice_id="x")
    client.get("/account")  # counts what waits, for the head of every page, which is kept for a while
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    client.get("/assistants")

    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) == 4
