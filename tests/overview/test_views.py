"""The overview page, and the count of findings in the header of every page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import SHELL, Client
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
from tests.source_rows import make_source
from voiceadmin import clock
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.voices.types.status import VoiceStatus

FAILED, PROCESSING, ARCHIVED = VoiceStatus.FAILED, VoiceStatus.PROCESSING, VoiceStatus.ARCHIVED


@pytest.fixture
def acme(client: FlaskClient) -> Organization:
    return make_organization("Acme")


def header_count(page: Page) -> str:
    """Return the count beside Triage in the header."""
    return "".join(node.text for node in page.root.one("header").all("span", **{"class": "pill"}))


def test_each_reason_has_a_count_its_oldest_finding_and_a_link_to_triage(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    put_voices(acme, [voice_row(status=FAILED, created_at=now - number * DAY) for number in (2, 9)])
    make_voice(acme, status=PROCESSING, created_at=now - timedelta(hours=3))

    page = open_page("/")

    assert [row[:3] for row in page.rows()] == [["Failed", "2", "9 days ago"], ["Stuck", "1", "3 h ago"]]
    assert page.link("Failed") == "/triage?reason=failed"
    assert page.root.one("h1").text == "3 voices, assistants and sources need attention"
    assert page.link("Go to Triage") == "/triage"


def test_a_reason_with_an_unknown_start_shows_unknown(acme: Organization, open_page: OpenPage) -> None:
    make_assistant(acme, tts_provider="resemble", tts_voice_id="r1")
    voice = make_voice(acme, provider="resemble", provider_voice_id="r1", last_used_at=clock.now())
    put_voices(acme, [voice._replace(provider_voice_id="r2")])

    (row,) = open_page("/").rows()

    assert row[:3] == ["Assistant without a ready voice", "1", "unknown"]


@pytest.mark.parametrize(
    ("number", "heading", "shown"),
    [
        (0, "Everything is in order", ""),
        (1, "1 voice, assistant or source needs attention", "1"),
        (2, "2 voices, assistants and sources need attention", "2"),
    ],
)
def test_the_heading_and_the_header_show_the_count(
    acme: Organization, open_page: OpenPage, number: int, heading: str, shown: str
) -> None:
    for _ in range(number):
        make_voice(acme, status=FAILED)

    page = open_page("/")

    assert page.root.one("h1").text == heading
    assert header_count(page) == shown


@pytest.mark.parametrize(("number", "shown"), [(99, "99"), (100, "99+"), (101, "99+")])
def test_the_count_is_capped_at_99(acme: Organization, open_page: OpenPage, number: int, shown: str) -> None:
    put_voices(acme, [voice_row(status=FAILED) for _ in range(number)])

    page = open_page("/")

    assert header_count(page) == shown
    assert page.root.one("h1").text == f"{shown} voices, assistants and sources need attention"


def test_voices_are_counted_by_provider_and_status(acme: Organization, open_page: OpenPage) -> None:
    put_voices(acme, [voice_row(provider="resemble", status=status) for status in (FAILED, ARCHIVED, ARCHIVED)])
    make_voice(acme, provider="playht")

    section = open_page("/").root.one("section", **{"aria-labelledby": "voices-by-status"})

    assert [node.text for node in section.all("div", **{"class": "provider-status"})] == [
        "playht 1 1 ready",
        "Resemble 3 1 failed 2 archived",
    ]


def test_the_most_used_and_the_recently_failed_voices_are_listed(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    for uses in range(7):
        make_voice(acme, name=f"Used {uses}", synthesis_count=uses, last_used_at=now)
    for days in (6, 8):
        make_voice(acme, name=f"Failed {days}", status=FAILED, created_at=now - days * DAY)

    page = open_page("/")

    used, failed = (page.root.one("section", **{"aria-labelledby": name}) for name in ("most-used", "recently-failed"))
    assert [node.text for node in used.all("a")] == ["Used 6", "Used 5", "Used 4", "Used 3", "Used 2"]
    assert used.all("li")[0].text.endswith("6 syntheses")
    assert [node.text for node in failed.all("li")] == ["Failed 6 ElevenLabs · Acme 6 days ago"]


def test_an_empty_database_shows_how_to_add_voices(open_page: OpenPage) -> None:
    page = open_page("/")

    assert "There are no voices yet. Import voices with" in page.text
    assert "No voices were imported yet." in page.text
    assert not [node for node in page.root.all("a") if node.text == "Go to Triage"]


def test_a_database_without_findings_says_so(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    make_voice(acme, last_used_at=now, synthesis_count=1)

    assert [row[0] for row in open_page("/").rows()] == ["No voice, assistant or source needs attention."]


def test_the_time_of_the_last_import_is_shown(client: FlaskClient, open_page: OpenPage, now: datetime) -> None:
    add_sample(now, by=SHELL, now=now - 3 * DAY)

    assert "Last import 3 days ago." in open_page("/").text


def test_voices_of_other_organizations_are_not_counted(app: Flask, now: datetime) -> None:
    app.test_client_class = Client
    ours, theirs = make_organization("Acme"), make_organization("Globex")
    make_voice(ours, status=FAILED)
    put_voices(theirs, [voice_row(status=FAILED, provider="globex") for _ in range(3)])
    viewer = sign_in(app.test_client(), make_account(roles={ours: Role.VIEWER}))

    page = Page(viewer.get("/").text)

    assert [row[:2] for row in page.rows()] == [["Failed", "1"]]
    assert header_count(page) == "1"
    assert "globex" not in page.text.lower()


def test_statistics_are_not_shown_to_another_organization(app: Flask, now: datetime) -> None:
    app.test_client_class = Client

    for number, provider in enumerate(("acme", "globex")):
        organization = make_organization(f"Organization {number}")
        make_voice(organization, provider=provider)
        account = make_account(f"viewer{number}@example.com", roles={organization: Role.VIEWER})
        text = sign_in(app.test_client(), account).get("/").text.lower()
        assert [name for name in ("acme", "globex") if name in text] == [provider]


def test_the_header_counts_what_another_process_wrote(acme: Organization, client: FlaskClient) -> None:
    for count in ("1", "2"):
        make_voice(acme, status=FAILED)

        assert header_count(Page(client.get("/assistants").text)) == count
        assert Page(client.get("/").text).rows()[0][:2] == ["Failed", count]


def test_the_header_stops_counting_at_one_hundred(app: Flask, acme: Organization, client: FlaskClient) -> None:
    app.test_client_class = Client
    viewer = sign_in(app.test_client(), make_account(roles={acme: Role.VIEWER}))

    for number, shown in ((99, "99"), (1, "99+")):
        put_voices(acme, [voice_row(status=FAILED) for _ in range(number)])

        assert [header_count(Page(one.get("/assistants").text)) for one in (client, viewer)] == [shown, shown]


def test_the_header_shows_no_count_before_signing_in(acme: Organization, app: Flask) -> None:
    make_voice(acme, status=FAILED)

    assert header_count(Page(app.test_client().get("/sign-in").text)) == ""


def list_sources(page: Page) -> list[list[str]]:
    """Return the cells of the sources."""
    section = page.root.one("section", **{"aria-labelledby": "sources-title"})
    return [[cell.text for cell in row.all("th") + row.all("td")] for row in section.all("tr")[1:]]


def test_sources_say_what_is_known_since_when_and_what_is_not(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    failing = {"failing_since": now, "failure": "The key is not valid.\nMore", "read_at": now - 3 * DAY}
    make_source(acme, name="Revoked", **failing)
    make_source(None, kind="burki", name="Revoked platform", **failing | {"read_at": now - 2 * DAY})
    make_source(acme, kind="resemble", name="Other account", read_at=now - DAY, account_changed_at=now)
    make_source(acme, kind="inworld", name="New", read_at=None)
    make_source(acme, kind="cartesia", name="Good", read_at=now)
    make_source(acme, name="Off", read_at=now - DAY, disabled_at=now)

    page = open_page("/")

    message, day = "The key is not valid.", "2026-11-"
    another_account = " Its key belongs to another account since just now. Nothing is concluded from its lists."
    assert list_sources(page) == [
        [
            "Revoked",
            "ElevenLabsAcme",
            "Not current",
            f"3 days ago, on {day}19 14:00:00 UTC Verdicts of its voices are not current.{message}",
        ],
        [
            "Revoked platform",
            "BurkiThe platform",
            "Not current",
            f"2 days ago, on {day}20 14:00:00 UTC Its voices may have changed since.{message}",
        ],
        [
            "Other account",
            "ResembleAcme",
            "Account changed",
            f"yesterday, on {day}21 14:00:00 UTC{another_account}",
        ],
        ["New", "InworldAcme", "Not read yet", "Never as a whole There are no verdicts of its voices."],
        ["Good", "CartesiaAcme", "Current", "just now"],
        [
            "Off",
            "ElevenLabsAcme",
            "Disabled",
            f"yesterday, on {day}21 14:00:00 UTC Disabled just now. Its voices are not verified.",
        ],
    ]
    assert page.link("All sources") == "/sources"


def test_only_admins_are_led_to_sources(app: Flask, acme: Organization, now: datetime) -> None:
    app.test_client_class = Client
    pages = {}
    for role in (Role.VIEWER, Role.ADMIN):
        client = sign_in(app.test_client(), make_account(roles={acme: role}))
        pages[role] = [Page(client.get("/").text)]
        source_id = make_source(acme, name="Eleven")
        pages[role].append(Page(client.get("/").text))
        remove_source(EVERYTHING, source_id, by=SHELL, now=now)

    none, one = pages[Role.VIEWER]
    assert not none.root.all("section", **{"aria-labelledby": "sources-title"})
    assert list_sources(one)[0][0] == "Eleven"
    for page in (none, one):
        assert not [node for node in page.root.all("a") if node.attributes.get("href", "").startswith("/sources")]
    none, one = pages[Role.ADMIN]
    assert none.link("Connect your first source") == "/sources/new"
    assert one.link("Eleven").startswith("/sources/")
