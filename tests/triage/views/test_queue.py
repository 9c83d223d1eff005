"""The page of the triage queue: rows, filters, access and export."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import (
    DAY,
    make_account,
    make_assistant,
    make_many_organizations,
    make_organization,
    make_voice,
    put_voices,
    sign_in,
    voice_row,
)
from tests.page import OpenPage, Page
from tests.triage.views.scenario import ARCHIVED, FAILED, PROCESSING, apply, read_names
from voiceadmin import clock
from voiceadmin.accounts.models import Account
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.text import MINUTE
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.rows import VoiceRow


def test_a_row_shows_the_reason_its_start_and_the_assignee(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    ada = make_account("ada@acme.example", roles={acme: Role.OPERATOR})
    voice = make_voice(acme, name="Anna", provider_voice_id="pv3", status=FAILED, created_at=now - 3 * DAY)
    apply(TriageAction.ASSIGN, voice, now=now, assignee_id=ada.id)

    page = open_page("/triage")

    assert page.rows() == [
        [
            "Annapv3",
            "Failed Cloning failed at ElevenLabs 3 days ago.Acme",
            "3 days ago",
            "ada@acme.example",
            "Assign to me: Anna Acknowledge Anna Archive Anna",
        ]
    ]
    assert page.link("Anna") == f"/voices/{voice.id}"
    assert page.link("Acme") == f"/triage?organization={acme.id}"


def test_an_assistant_has_a_row_with_a_link_to_its_voice(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    voice = make_voice(acme, name="Anna", status=ARCHIVED, created_at=now - 3 * DAY, provider_voice_id="a")
    make_assistant(acme, id=31, name="Front desk", tts_provider="elevenlabs", tts_voice_id="a")

    page = open_page("/triage")

    assert page.rows() == [
        [
            "Front deskassistant 31",
            "Assistant without a ready voice Set to “Anna” at ElevenLabs, which is archived.Set to Anna · Acme",
            "3 days ago",
            "Unassigned",
            "Assign to me: Front desk Acknowledge Front desk",
        ]
    ]
    assert page.link("Front desk") == "/assistants/31/voices"
    assert page.link("Anna") == f"/voices/{voice.id}"


def test_rows_are_ordered_by_severity_and_then_by_age(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    make_voice(acme, name="Stuck", status=PROCESSING, created_at=now - 30 * DAY)
    make_voice(acme, name="Failed", status=FAILED, created_at=now - 2 * DAY)
    make_voice(acme, name="Failed long ago", status=FAILED, created_at=now - 9 * DAY)

    assert read_names(open_page("/triage")) == ["Failed long ago", "Failed", "Stuck"]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["Anna", "Cy", "Bo", "Di"]),
        ("reason=failed", ["Anna", "Cy"]),
        ("reason=failed&reason=stuck", ["Anna", "Cy", "Bo", "Di"]),
        ("organization=1", ["Anna", "Bo"]),
        ("provider=resemble", ["Cy", "Bo"]),
        ("reason=stuck&organization=2", ["Di"]),
        ("assignee=none", ["Anna", "Cy", "Bo", "Di"]),
        ("assignee=me", []),
    ],
)
@pytest.mark.usefixtures("queue")
def test_filters_select_rows(open_page: OpenPage, query: str, shown: list[str]) -> None:
    assert read_names(open_page(f"/triage?{query}")) == shown


def test_the_sentence_describes_the_filters(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage?reason=failed&organization=2&provider=resemble&assignee=none")

    assert page.sentence == "Showing 1 entry matching Failed; Bolt; Resemble; Unassigned. Clear filters"


def test_the_filter_bar_offers_organizations_and_assignees_by_name(acme: Organization, open_page: OpenPage) -> None:
    make_organization("de Vries & ZOON")

    bar = open_page("/triage?size=25").root.one("form", id="filters")

    organizations = [option.text for option in bar.one("select", name="organization").all("option")]
    assert organizations == ["All", "Acme", "de Vries & ZOON"]
    assignees = [option.text for option in bar.one("select", name="assignee").all("option")]
    assert assignees == ["Anyone", "Me", "Unassigned"]
    assert bar.one("input", name="size").attributes["value"] == "25"


def test_one_of_many_organizations_is_named_in_a_text_field(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    make_many_organizations()

    page = open_page("/triage?organization=bol&reason=failed")
    bar = page.root.one("form", id="filters")

    assert read_names(page) == ["Cy"]
    assert page.sentence == "Showing 1 entry matching Failed; Bolt. Clear filters"
    assert not bar.all("select", name="organization")
    assert bar.one("input", id="organization").attributes["value"] == "Bolt (2)"
    assert page.link("Bolt") == "/triage?reason=failed&organization=2"
    assert read_names(open_page("/triage?organization=Bolt+%282%29&reason=failed")) == ["Cy"]
    assert open_page("/triage").root.one("input", id="organization").attributes["value"] == ""


def test_an_unknown_or_ambiguous_organization_is_reported_at_its_field(
    open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    make_many_organizations()

    for text, message in (
        ("zzz", '"zzz" is not one'),
        ("cust", '"cust" matches 1,000 organizations: Customer 0 (3), '),
    ):
        page = open_page(f"/triage?organization={text}", 422)
        field = page.root.one("input", id="organization")
        assert (field.attributes["value"], field.attributes["aria-invalid"]) == (text, "true")
        assert page.root.one("p", id=field.attributes["aria-describedby"]).text.startswith(message)
        assert page.link("Organization") == "#organization"


@pytest.mark.databases("sqlite", "postgresql")
def test_a_page_among_a_thousand_organizations_is_small(acme: Organization, client: FlaskClient) -> None:
    make_many_organizations()
    rows = [voice_row(id=8_000_000 + number, name=f"Voice {number:02}", status=FAILED) for number in range(60)]
    put_voices(acme, rows)

    page = client.get("/triage").text

    assert page.count("<tr") == 51
    assert len(page.encode()) < 70_000, len(page.encode())


def test_rows_show_what_has_changed_since_they_were_shown(
    acme: Organization, open_page: OpenPage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_voice(acme, name="Anna", status=FAILED, created_at=now - 30 * MINUTE)
    muted = make_voice(acme, name="Bo", status=FAILED, created_at=now - 40 * MINUTE)
    apply(TriageAction.SNOOZE, muted, now=now, until=now + 9 * DAY)
    assert [open_page(f"/triage?{query}").rows()[0][2] for query in ("", "muted=yes")] == ["30 min ago", "40 min ago"]

    monkeypatch.setattr(clock, "now", lambda: now + 5 * MINUTE)

    assert open_page("/triage").rows()[0][1:3] == ["Failed Cloning failed at ElevenLabs 35 min ago.Acme", "35 min ago"]
    row = open_page("/triage?muted=yes").rows()[0]
    assert "Snoozed by tester 5 min ago, until 2026-12-01" in row[1]
    assert row[2] == "45 min ago"


def test_tabs_count_each_reason_under_the_other_filters(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    tabs = open_page("/triage?provider=resemble&reason=failed").root.one("nav", **{"aria-label": "Reason"}).all("a")

    assert [tab.text for tab in tabs] == ["All", "Failed 1", "Stuck 1"]
    assert [tab.attributes.get("aria-current") for tab in tabs] == [None, "page", None]
    assert tabs[2].attributes["href"] == "/triage?reason=stuck&provider=resemble"


def test_the_filter_me_shows_only_the_entries_of_the_requester(
    anonymous_client: FlaskClient, acme: Organization, queue: dict[str, VoiceRow], now: datetime
) -> None:
    ada, ben = (make_account(roles={acme: Role.OPERATOR}) for _ in range(2))
    apply(TriageAction.ASSIGN, queue["Anna"], now=now, assignee_id=ada.id)
    apply(TriageAction.ASSIGN, queue["Bo"], now=now, assignee_id=ben.id)

    assert read_names(Page(sign_in(anonymous_client, ada).get("/triage?assignee=me").text)) == ["Anna"]


def test_muted_entries_are_listed_separately_with_the_actor(
    open_page: OpenPage, queue: dict[str, VoiceRow], now: datetime
) -> None:
    apply(TriageAction.ACKNOWLEDGE, queue["Anna"], now=now)
    apply(TriageAction.SNOOZE, queue["Bo"], now=now, until=now + 5 * DAY)

    assert read_names(open_page("/triage")) == ["Cy", "Di"]
    muted = open_page("/triage?muted=yes")
    assert read_names(muted) == ["Anna", "Bo"]
    tabs = muted.root.one("nav", **{"aria-label": "Reason"}).all("a")
    assert tabs[0].text == "All"
    assert sum(int(tab.text.split()[-1]) for tab in tabs[1:]) == 2, "of what is shown"
    assert "Acknowledged by tester just now, until the voice changes" in muted.rows()[0][1]
    assert "Snoozed by tester just now, until 2026-11-27" in muted.rows()[1][1]


def test_all_pages_are_linked_in_order(acme: Organization, open_page: OpenPage) -> None:
    put_voices(acme, [voice_row(name=f"Voice {number:02}", status=FAILED) for number in range(60)])

    page = open_page("/triage?size=25")
    seen = read_names(page)
    for _ in range(2):
        page = open_page(page.link("Next page"))
        seen += read_names(page)

    assert seen == [f"Voice {number:02}" for number in range(60)]
    assert not [node for node in page.root.all("a") if node.text == "Next page"]
    assert page.link("First page") == "/triage?size=25"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Everything is in order."),
        ("reason=failed", "No entries match these filters. Clear filters."),
        ("muted=yes", "No acknowledged or snoozed entries match. Show what needs attention."),
        ("muted=yes&reason=failed", "No acknowledged or snoozed entries match. Show what needs attention."),
        ("after=90.0.1", "No more entries. Go to the first page."),
    ],
)
def test_an_empty_queue_shows_the_reason(open_page: OpenPage, acme: Organization, query: str, message: str) -> None:
    assert open_page(f"/triage?{query}").rows()[0][0].startswith(message)


def test_invalid_filters_are_reported_without_a_table(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage?reason=x&organization=99&provider=x&assignee=x&after=x", 422)

    assert not page.root.all("table")
    for word in ("reason", "organization", "provider", "assignee", "not a page of this list"):
        assert word in page.root.one("div", role="alert").text


def read_checkboxes(page: Page) -> list[str]:
    """Return the labels of the checkboxes."""
    return [node.attributes["aria-label"] for node in page.root.all("input", name="ref")]


def read_row_buttons(page: Page) -> list[str]:
    """Return the values of the row buttons."""
    return [node.attributes["value"] for node in page.root.all("button", name="row_action")]


def sign_in_as(anonymous_client: FlaskClient, **roles: Any) -> tuple[FlaskClient, Account]:
    account = make_account(**roles)
    return sign_in(anonymous_client, account), account


def test_a_viewer_sees_no_checkboxes_and_no_buttons(
    anonymous_client: FlaskClient, acme: Organization, queue: dict[str, VoiceRow]
) -> None:
    viewer, _ = sign_in_as(anonymous_client, roles={acme: Role.VIEWER})

    page = Page(viewer.get("/triage").text)

    assert read_names(page) == ["Anna", "Bo"]
    assert not read_checkboxes(page)
    assert not read_row_buttons(page)
    assert not page.root.all("button", name="action")
    assert not [node for node in page.root.all("script") if "triage" in node.attributes["src"]]
    assert viewer.get("/triage/all").status_code == 403


def test_an_operator_can_act_only_in_the_own_organization(
    anonymous_client: FlaskClient, acme: Organization, queue: dict[str, VoiceRow]
) -> None:
    bolt = Organization(id=2)
    operator, account = sign_in_as(anonymous_client, roles={acme: Role.OPERATOR, bolt: Role.VIEWER})

    page = Page(operator.get("/triage").text)

    assert read_names(page) == ["Anna", "Cy", "Bo", "Di"]
    assert read_checkboxes(page) == ["Anna", "Bo"]
    own_refs = [f"voice-{queue[name].id}" for name in ("Anna", "Bo")]
    assert read_row_buttons(page) == [
        value for ref in own_refs for value in (f"assign:{ref}:{account.id}", f"acknowledge:{ref}", f"archive:{ref}")
    ]


def test_each_checkbox_and_each_button_names_its_voice(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage")

    assert read_checkboxes(page) == read_names(page)
    labels = [node.text for node in page.root.all("button", name="row_action")]
    assert len(labels) == len(set(labels)) == 12


def test_assign_to_me_is_not_offered_for_own_entries(
    anonymous_client: FlaskClient, acme: Organization, queue: dict[str, VoiceRow], now: datetime
) -> None:
    operator, account = sign_in_as(anonymous_client, roles={acme: Role.OPERATOR})
    apply(TriageAction.ASSIGN, queue["Anna"], now=now, assignee_id=account.id)

    page = Page(operator.get("/triage").text)

    assert [word for word in read_row_buttons(page) if word.startswith("assign")] == [
        f"assign:voice-{queue['Bo'].id}:{account.id}"
    ]


def test_the_queue_is_exported(client: FlaskClient, queue: dict[str, VoiceRow]) -> None:
    response = client.get("/triage.ndjson?reason=failed")

    assert response.status_code == 200
    assert [line["name"] for line in map(json.loads, response.text.splitlines())] == ["Anna", "Cy"]


def test_an_entry_returns_to_the_queue_when_its_snooze_ends(
    acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow], now: datetime
) -> None:
    apply(TriageAction.SNOOZE, queue["Anna"], now=now - 2 * DAY, until=now - timedelta(seconds=1))

    assert read_names(open_page("/triage"))[0] == "Anna"
