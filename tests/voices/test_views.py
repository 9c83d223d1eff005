"""The voice list of an assistant and the page of one voice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

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
from voiceadmin.database.base import db
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.types.filters import VoiceOrder
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED = VoiceStatus.READY, VoiceStatus.FAILED


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    """Acme, whose assistant 31 is the night desk."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Night desk")
    return acme


@pytest.fixture
def statements(client: FlaskClient) -> Iterator[list[str]]:
    """The statements that reach the database, without BEGIN."""
    seen: list[str] = []

    def note(*args: object) -> None:
        if not str(args[2]).startswith("BEGIN"):
            seen.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_row_shows_the_fields_of_a_voice(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    voice = make_voice(
        acme,
        name="Harbour guide",
        provider="resemble",
        provider_voice_id="77ab01cd",
        language="en",
        gender="female",
        quality_score=0.897,
        created_at=datetime(2026, 3, 2, 9, 30, tzinfo=now.tzinfo),
        last_used_at=now - timedelta(minutes=12),
        synthesis_count=4712,
    )
    make_assistant(acme, tts_provider="resemble", tts_voice_id="77ab01cd")

    page = open_page("/assistants/31/voices")

    assert page.rows() == [
        [
            "Harbour guide77ab01cd",
            "Resemble",
            "en · female",
            "Ready",
            "0.89 Good",
            "4,712",
            "12 min ago",
            "2026-03-02",
            "1 assistant",
        ]
    ]
    titles = [node.attributes["title"] for node in page.root.one("tbody").walk() if "title" in node.attributes]
    assert titles == ["2026-11-22 13:48:00 UTC", "09:30:00 UTC"]
    links = {node.attributes["href"] for node in page.root.one("tbody").all("a")}
    assert links == {f"/voices/{voice.id}{place}" for place in ("", "#status", "#quality", "#use", "#assistants")}


def test_a_row_shows_unknown_values_as_text(acme: Organization, open_page: OpenPage) -> None:
    make_voice(
        acme, name=" ", provider="playht", provider_voice_id="", language=None, quality_score=None, synthesis_count=0
    )
    make_voice(acme, name="Undated", quality_score=0.0, synthesis_count=5, last_used_at=None)

    page = open_page("/assistants/31/voices?sort=syntheses")

    assert page.column("Voice")[0] == "(no name)no provider ID"
    assert page.column("Provider")[0] == "playht"
    assert page.column("Language")[0] == "–"
    assert page.column("Quality") == ["Not scored", "0.00 Poor"]
    assert page.column("Last used") == ["never", "no date"]


def test_the_sentence_describes_the_filters_and_the_order(acme: Organization, open_page: OpenPage) -> None:
    for _ in range(3):
        make_voice(acme, name="Desk", language="fr", quality_score=0.95)

    plain = open_page("/assistants/31/voices").sentence
    narrowed = open_page(
        "/assistants/31/voices?status=ready&status=failed&provider=elevenlabs&quality=excellent&quality=none"
        "&use=never&language=fr&q=desk&sort=-created"
    ).sentence

    assert plain == "Showing 1–3 of 3 voices, most used first."
    assert narrowed == (
        "Showing 1–3 of 3 ready or failed voices at ElevenLabs, excellent or not scored, never used, in fr, "
        "with “desk” in the name or provider ID, newest first. Clear filters"
    )


def test_the_sentence_says_that_a_short_text_matches_word_beginnings(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, name="Night desk")

    sentence = open_page("/assistants/31/voices?q=de").sentence

    assert "1–1 of 1 voice, with a word in the name or provider ID that begins with “de”" in sentence


def test_inexact_counts_have_a_plus_sign(
    acme: Organization, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 2)
    put_voices(acme, [voice_row() for _ in range(60)])

    page = open_page("/assistants/31/voices?use=idle-30&size=25")
    tabs = page.root.one("nav", **{"aria-label": "Status"}).all("a")

    assert [tab.text for tab in tabs] == ["All 2+", "Ready 2+", "Processing 0", "Failed 0", "Archived 0"]
    assert page.sentence.startswith("Showing 1–25 of 2+ voices")
    assert 'rel="next"' in page.html
    assert "The list ends before this page" in open_page("/assistants/31/voices?use=idle-30&size=25&page=9").text


def test_a_truncated_scan_is_reported(acme: Organization, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_LIMIT", 0)
    monkeypatch.setattr(index_scan, "SCAN_LIMIT", 4)
    put_voices(acme, [voice_row(language="fr", synthesis_count=number) for number in range(60)])

    address = "/assistants/31/voices?quality=good&language=fr"
    page = open_page(address)

    assert page.sentence.endswith(
        "Only the first 4 voices in this order were searched. To see others, reverse the order or change the filters."
    )
    assert len(page.rows()) == 4
    assert "No matching voices on this page: only the first 4 voices" in open_page(f"{address}&page=2&size=25").text


def test_a_tab_changes_only_the_status_filter(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, status=READY, provider="resemble")
    make_voice(acme, status=FAILED, provider="resemble")
    make_voice(acme, status=FAILED)

    page = open_page("/assistants/31/voices?provider=resemble&status=ready&sort=name&size=25&page=1")
    tabs = page.root.one("nav", **{"aria-label": "Status"}).all("a")

    assert [tab.text for tab in tabs] == ["All 2", "Ready 1", "Processing 0", "Failed 1", "Archived 0"]
    assert [tab.text for tab in tabs if "aria-current" in tab.attributes] == ["Ready 1"]
    assert tabs[3].attributes["href"] == "/assistants/31/voices?status=failed&provider=resemble&sort=name&size=25"
    assert open_page(tabs[3].attributes["href"]).sentence.startswith("Showing 1–1 of 1 failed voice at Resemble")
    assert "status" not in tabs[0].attributes["href"]


@pytest.mark.parametrize("heading", ["Voice", "Provider", "Status", "Quality", "Syntheses", "Last used", "Created"])
def test_a_heading_sorts_in_both_directions_and_has_aria_sort(
    acme: Organization, open_page: OpenPage, heading: str
) -> None:
    make_voice(acme)

    def head(page: Page) -> dict[str, str]:
        (found,) = [th for th in page.root.one("thead").all("th") if th.text.rstrip(" ↓↑") == heading]
        return {**found.attributes, "href": found.one("a").attributes["href"]}

    first = open_page(head(open_page("/assistants/31/voices"))["href"])
    second = open_page(head(first)["href"])

    assert {head(first)["aria-sort"], head(second)["aria-sort"]} == {"ascending", "descending"}
    assert head(second)["href"] == head(open_page("/assistants/31/voices"))["href"] or heading == "Syntheses"


def test_the_select_box_for_narrow_screens_has_every_order(acme: Organization, open_page: OpenPage) -> None:
    page = open_page("/assistants/31/voices?sort=created")

    options = page.root.one("select", name="sort").all("option")

    assert [option.text.lower() for option in options] == [order.label for order in VoiceOrder]
    assert [option.text for option in options if "selected" in option.attributes] == ["Oldest first"]


def test_the_pager_links_to_every_page_and_keeps_the_filters(acme: Organization, open_page: OpenPage) -> None:
    for _ in range(51):
        make_voice(acme)

    page = open_page("/assistants/31/voices?size=25&status=ready")
    last = open_page(page.link("Page 3"))

    assert page.sentence.startswith("Showing 1–25 of 51 ready voices")
    assert last.sentence.startswith("Showing 51–51 of 51 ready voices")
    assert open_page(last.link("Previous")).sentence.startswith("Showing 26–50 of 51")
    assert open_page(last.link("100")).sentence.startswith("Showing 1–51 of 51 ready voices")


def test_a_page_past_the_end_links_to_the_last_page(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme)

    page = open_page("/assistants/31/voices?page=7")

    assert "This list has only 1 page" in page.text
    assert open_page(page.link("Go to the last page")).rows()


def test_an_empty_list_has_a_link_to_remove_each_filter(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, name="Desk")

    page = open_page("/assistants/31/voices?q=desk&status=failed")

    assert page.sentence.startswith("Showing no failed voices, with “desk”")
    assert open_page(page.link("Remove Failed")).rows()
    assert "status=failed" in page.link("Remove “desk”")


def test_an_organization_without_voices_shows_the_import_command(acme: Organization, open_page: OpenPage) -> None:
    assert "./dev import FILE --assistant 31" in open_page("/assistants/31/voices").text


def test_an_invalid_filter_shows_errors_and_no_table(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, name="Secret")

    page = open_page("/assistants/31/voices?status=reddy&q=Sec%0Aret&page=0&provider=elevenlabs", 422)

    assert page.root.one("h1").text == "Night desk"
    assert not page.root.all("table")
    faults = page.root.one("div", role="alert").text
    assert 'Status: "reddy" is not a status.' in faults
    assert 'Page: "0" is not a number' in faults
    assert page.root.one("p", id="status-error").text.startswith('"reddy" is not a status.')
    assert page.root.one("input", id="q").attributes["aria-describedby"] == "q-error"
    (kept,) = [node for node in page.root.all("input", name="provider") if "checked" in node.attributes]
    assert kept.attributes["value"] == "elevenlabs"


def test_the_filter_bar_has_labelled_providers_and_those_of_the_voices(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, provider="playht", language="ja")

    page = open_page("/assistants/31/voices")

    offered = [node.attributes["value"] for node in page.root.all("input", name="provider")]
    assert offered == ["elevenlabs", "resemble", "inworld", "cartesia", "playht"]
    assert [node.attributes["value"] for node in page.root.all("input", name="language")] == ["ja"]


def test_the_page_links_to_the_assistants_that_share_the_voices(acme: Organization, open_page: OpenPage) -> None:
    assert "It is the only assistant of Acme." in open_page("/assistants/31/voices").text

    make_assistant(acme, name="Booking line")
    page = open_page("/assistants/31/voices")

    assert open_page(page.link("1 other assistant")).column("Assistant")[0].startswith("Booking line")


def test_code_samples_use_status_and_provider_and_name_the_ignored_filters(
    acme: Organization, open_page: OpenPage
) -> None:
    make_voice(acme, provider='it\'s; rm -rf "$HOME"', language="fr")
    address = "/assistants/31/voices?provider=it%27s%3B%20rm%20-rf%20%22%24HOME%22&status=ready&language=fr&use=never"

    page = open_page(open_page(address).link("API and code samples"))
    curl = page.root.one("pre", id="code-curl-text").raw_text

    assert curl == (
        'curl -H "Authorization: Bearer $KEY" \'http://localhost/api/v1/assistants/31/cloned-voices'
        "?status=ready&provider=it%27s%3B%20rm%20-rf%20%22%24HOME%22'\n"
    )
    assert "These filters of the list do not apply: use, language." in page.text


def test_the_list_names_the_filters_that_the_api_call_drops_and_the_export_keeps(
    acme: Organization, open_page: OpenPage
) -> None:
    make_voice(acme, language="fr")

    page = open_page("/assistants/31/voices?status=ready&language=fr&quality=good")

    note = "“View as JSON” calls the API, which does not have these filters: quality, language."
    assert note in page.text
    assert "language" not in page.link("View as JSON")
    assert "language=fr" in page.link("JSON")
    assert "View as JSON” calls" not in open_page("/assistants/31/voices?status=ready").text


def test_code_samples_name_several_statuses_as_ignored(acme: Organization, open_page: OpenPage) -> None:
    page = open_page("/assistants/31/voices/code?status=ready&status=failed")

    assert "cloned-voices'" in page.root.one("pre", id="code-curl-text").raw_text
    assert "status (several)" in page.text


@pytest.mark.parametrize("voices", [10, 1000])
def test_the_list_executes_seven_statements_regardless_of_the_number_of_voices(
    acme: Organization, client: FlaskClient, statements: list[str], voices: int
) -> None:
    put_voices(acme, [voice_row() for _ in range(voices)])
    client.get("/account")  # counts what waits, for the head of every page, which is kept for a while
    statements.clear()

    assert client.get("/assistants/31/voices?size=50").status_code == 200

    assert len(statements) == 7


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
        " Set the assistant to a ready voice upstream, or make this voice ready again."
    )
    assert "Failed since 2026-11-19" in section(page, "status")


def test_a_voice_without_findings_has_no_section_for_them(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    page = open_page(f"/voices/{make_voice(acme, last_used_at=now, synthesis_count=1).id}")

    assert not page.root.all("section", id="reasons")
    offered = [node.attributes["value"] for node in page.root.all("button", name="action")]
    assert offered == ["assign", "note", "archive"]


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


def test_the_timeline_lists_actions_with_links_to_undo_them(
    acme: Organization, client: FlaskClient, open_page: OpenPage, now: datetime
) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    address = f"/voices/{voice.id}"
    for how in (
        {"action": "assign", "assignee": "1"},
        {"action": "snooze", "until": "2026-12-01"},
        {"action": "note", "note": "Asked Acme."},
        {"action": "archive", "note": "Not wanted."},
    ):
        form = open_page(address).root.one("form", **{"class": "selection-form"})
        response = client.post("/operations", data=Page.hidden_fields(form) | how)
        assert response.headers["Location"] == address

    page = open_page(address)

    assert page.flashes[-1] == "Archived 1 voice. Undo"
    assert [node.text for node in page.root.one("section", id="timeline").all("li")] == [
        "just nowroot@example.com archived a voice: Not wanted. Undo …status not archived → archived",
        "just nowroot@example.com added a note: Asked Acme. Undo …",
        "just nowroot@example.com snoozed a finding Undo …finding failed until 2026-12-01",
        "just nowroot@example.com assigned a voice Undo …assignee unassigned → root@example.com",
        "3 days agoCreated at ElevenLabs",
    ]
    status = section(page, "status")
    assert "Archived here by root@example.com. Note: Not wanted. Upstream status: failed." in status
    assert "Assignee: root@example.com" in status
    assert [node.attributes["value"] for node in page.root.all("button", name="action")] == [
        "assign",
        "note",
        "restore",
    ]


def test_the_timeline_has_no_undo_for_undone_or_old_operations(
    acme: Organization, client: FlaskClient, open_page: OpenPage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    client.post("/operations", data={"ref": voice.id, "action": "archive"})
    client.post("/operations/1/undo", data={"key": "k"})

    timeline = open_page(f"/voices/{voice.id}").root.one("section", id="timeline").all("li")
    assert [line.text for line in timeline[:2]] == [
        "just nowroot@example.com restored a voice: undone Undo …status archived → not archived",
        "just nowroot@example.com archived a voice undonestatus not archived → archived",
    ]
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30, seconds=1))
    sign_in(client, make_account(platform=True))

    assert "Undo" not in section(open_page(f"/voices/{voice.id}"), "timeline")


def test_a_viewer_sees_the_timeline_and_no_forms(acme: Organization, client: FlaskClient, now: datetime) -> None:
    voice = make_voice(acme, name="Anna", status=FAILED, created_at=now - 3 * DAY)
    client.post("/operations", data={"ref": voice.id, "action": "note", "note": "Asked Acme."})
    assert client.get("/triage").status_code == 200  # with what is said of it
    sign_in(client, make_account(roles={acme: Role.VIEWER}))

    page = Page(client.get(f"/voices/{voice.id}").text)

    assert "added a note: Asked Acme." in section(page, "timeline")
    assert "Undo" not in page.text
    assert not page.root.one("main").all("form")
    assert section(page, "reasons")


def test_a_voice_without_assistants_still_has_a_page(client: FlaskClient, open_page: OpenPage) -> None:
    voice = make_voice(make_organization("Lonely"))

    assert "Lonely has no assistants." in open_page(f"/voices/{voice.id}").text


def test_an_unknown_assistant_or_voice_is_a_404(open_page: OpenPage) -> None:
    assert "Assistant with ID 999 not found." in open_page("/assistants/999/voices", 404).text
    assert "Cloned voice with ID 999 not found." in open_page("/voices/999", 404).text
