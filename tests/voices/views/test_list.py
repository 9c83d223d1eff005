"""The voice list of an assistant."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.factories import connect_provider, make_assistant, make_voice, put_verdicts, put_voices, voice_row
from tests.history.scenario import FIRST, add_days
from tests.page import OpenPage, Page
from tests.statements import record_statements
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.rules import RULES
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.types.filters import VoiceOrder
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED = VoiceStatus.READY, VoiceStatus.FAILED


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
    assert links == {f"/voices/{voice.id}{anchor}" for anchor in ("", "#status", "#quality", "#use", "#assistants")}


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
    filtered = open_page(
        "/assistants/31/voices?status=ready&status=failed&provider=elevenlabs&quality=excellent&quality=none"
        "&use=never&language=fr&q=desk&sort=-created"
    ).sentence

    assert plain == "Showing 1–3 of 3 voices, most used first."
    assert filtered == (
        "Showing 1–3 of 3 ready or failed voices at ElevenLabs, excellent or not scored, never used, in fr, "
        "with “desk” in the name or provider ID, newest first. Clear filters"
    )


def test_a_filter_of_verdicts_adds_a_column_and_holds_for_exports(
    acme: Organization, open_page: OpenPage, client: FlaskClient, now: datetime
) -> None:
    gone, other, _ = (make_voice(acme, id=id, name=f"Voice {id}").id for id in (1, 2, 3))
    assert "verdict" not in open_page("/assistants/31/voices").html
    connect_provider(read_at=now)
    put_verdicts({gone: "missing", other: "in-step"}, since=now, certainty="confirmed")
    query = "?verdict=missing&verdict=none&sort=name"

    page = open_page(f"/assistants/31/voices{query}")

    assert page.column("At provider") == ["Missing at the provider", "No verdict"]
    assert (
        page.sentence == "Showing 1–2 of 2 voices, missing at the provider or without a verdict, by name. Clear filters"
    )
    exported = client.get(f"/assistants/31/voices.csv{query}").text.splitlines()[1:]
    assert [line.partition(",")[0] for line in exported] == ["1", "3"]
    api = client.get("/api/v1/assistants/31/cloned-voices?verdict=missing").get_json()
    assert [voice["id"] for voice in api["cloned_voices"]] == [1, 2, 3]
    assert 'name="verdict"' in open_page("/assistants/31/voices").html


def test_a_filter_of_trends_adds_a_column_and_holds_for_exports_and_actions(
    acme: Organization, open_page: OpenPage, client: FlaskClient, now: datetime
) -> None:
    used, unused, other = (make_voice(acme, id=id, name=f"Voice {id}").id for id in (1, 2, 3))
    assert "trend" not in open_page("/assistants/31/voices").html
    today = (now.date() - FIRST).days
    add_days(used, [(today - 90, 0), (today - 40, 1), (today - 5, 50)])
    add_days(unused, [(today - 90, 7)])
    assert sum(renew_trends(now=now)) == 2
    query = "?trend=rising&trend=no-use&sort=name"

    page = open_page(f"/assistants/31/voices{query}")

    assert page.column("Use, 30 days") == ["Rising", "No use"]
    assert page.sentence == (
        "Showing 1–2 of 2 voices, with the trend rising or no use, by name. Clear filters"
        " Trends as of 2026-11-22. Voices whose trend has changed since are not listed."
    )
    assert "49 syntheses in the 30 days until 2026-11-21, 1 in the 30 days before" in page.html
    exported = client.get(f"/assistants/31/voices.csv{query}").text.splitlines()[1:]
    assert [line.partition(",")[0] for line in exported] == ["1", "2"]
    assert "2 voices" in client.get(f"/assistants/31/voices/all{query}&action=archive").text
    assert "trend" in page.html.partition("View as JSON” calls the API")[2]
    assert other not in (used, unused)


def test_the_column_of_the_use_is_shown_on_request_and_kept_by_other_filters(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    voice, today = make_voice(acme, id=1, name="Voice 1"), (now.date() - FIRST).days
    make_voice(acme, id=2, name="Voice 2")
    add_days(voice.id, [(today - 50, 0), (today - 5, 4)])
    add_days(make_voice(acme, id=3, name="Voice 3").id, [(today - 90, 0)])
    sum(renew_trends(now=now))

    plain = open_page("/assistants/31/voices?sort=name")
    page = open_page("/assistants/31/voices?sort=name&column=use")

    assert "Use, 30 days" not in plain.html
    assert "/assistants/31/voices?column=use&amp;sort=name" in plain.html
    assert page.column("Use, 30 days") == ["No trend yet", "Not recorded", "No use"]
    assert '<input type="hidden" name="column" value="use">' in page.html
    assert "A trend needs 60 recorded days." in page.html
    assert page.sentence.endswith("by name. Hide use, 30 days")


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
    (checked,) = [node for node in page.root.all("input", name="provider") if "checked" in node.attributes]
    assert checked.attributes["value"] == "elevenlabs"


def test_the_filter_bar_has_labelled_providers_and_those_of_the_voices(acme: Organization, open_page: OpenPage) -> None:
    make_voice(acme, provider="playht", language="ja")

    page = open_page("/assistants/31/voices")

    values = [node.attributes["value"] for node in page.root.all("input", name="provider")]
    assert values == ["elevenlabs", "resemble", "inworld", "cartesia", "playht"]
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
    assert "These filters of the list do not apply: usage, language." in page.text


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


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("voices", [10, 1000])
def test_the_list_executes_seven_statements_and_those_of_the_header_regardless_of_the_number_of_voices(
    acme: Organization, client: FlaskClient, voices: int
) -> None:
    put_voices(acme, [voice_row() for _ in range(voices)])

    with record_statements() as statements:
        assert client.get("/assistants/31/voices?size=50").status_code == 200

    assert len(statements) == 7 + len(RULES)
