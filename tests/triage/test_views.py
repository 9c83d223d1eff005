"""The queue: its lines, its filters, who may act on what, and the files of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

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
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

FAILED, PROCESSING, ARCHIVED = VoiceStatus.FAILED, VoiceStatus.PROCESSING, VoiceStatus.ARCHIVED


@pytest.fixture
def acme(store: Flask) -> Organization:
    store.test_client_class = Client
    return make_organization("Acme")


def ref(voice: VoiceRow) -> ObjectRef:
    return ObjectRef(ObjectKind.VOICE, voice.id)


def action(what: TriageAction, *voices: VoiceRow, now: datetime, **how: Any) -> None:
    apply_action(
        EVERYTHING,
        ActionRequest(what, tuple(map(ref, voices)), f"{what} {voices}", 0, **how),
        AttentionThresholds(),
        by=SHELL,
        now=now,
    )


def names(page: Page) -> list[str]:
    """The names of the lines."""
    return [row.one("th").all("a")[0].text for row in page.root.one("tbody").all("tr") if row.all("th")]


def test_a_line_says_why_since_when_and_whose(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    ada = make_account("ada@acme.example", roles={acme: Role.OPERATOR})
    voice = make_voice(acme, name="Anna", provider_voice_id="pv3", status=FAILED, created_at=now - 3 * DAY)
    action(TriageAction.ASSIGN, voice, now=now, assignee_id=ada.id)

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


def test_an_assistant_is_a_line_too_and_leads_to_its_voice(
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


def test_the_worst_comes_first_and_the_oldest_among_equals(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    make_voice(acme, name="Stuck", status=PROCESSING, created_at=now - 30 * DAY)
    make_voice(acme, name="Failed", status=FAILED, created_at=now - 2 * DAY)
    make_voice(acme, name="Failed long ago", status=FAILED, created_at=now - 9 * DAY)

    assert names(open_page("/triage")) == ["Failed long ago", "Failed", "Stuck"]


@pytest.fixture
def queue(acme: Organization, now: datetime) -> dict[str, VoiceRow]:
    """Four voices that need somebody, in two organizations."""
    other = make_organization("Bolt")
    return {
        "Anna": make_voice(acme, name="Anna", status=FAILED, created_at=now - 4 * DAY),
        "Bo": make_voice(acme, name="Bo", status=PROCESSING, created_at=now - 3 * DAY, provider="resemble"),
        "Cy": make_voice(other, name="Cy", status=FAILED, created_at=now - 2 * DAY, provider="resemble"),
        "Di": make_voice(other, name="Di", status=PROCESSING, created_at=now - DAY),
    }


@pytest.mark.parametrize(
    ("asked", "shown"),
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
def test_filters_choose_lines(open_page: OpenPage, asked: str, shown: list[str]) -> None:
    assert names(open_page(f"/triage?{asked}")) == shown


def test_the_filters_are_said_in_words(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage?reason=failed&organization=2&provider=resemble&assignee=none")

    assert page.sentence == "Showing 1 entry matching Failed; Bolt; Resemble; Unassigned. Clear filters"


def test_the_filter_bar_names_what_there_is_as_it_is_called(acme: Organization, open_page: OpenPage) -> None:
    make_organization("de Vries & ZOON")

    bar = open_page("/triage?size=25").root.one("form", id="filters")

    organizations = [option.text for option in bar.one("select", name="organization").all("option")]
    assert organizations == ["All", "Acme", "de Vries & ZOON"]
    assignees = [option.text for option in bar.one("select", name="assignee").all("option")]
    assert assignees == ["Anyone", "Me", "Unassigned"]
    assert bar.one("input", name="size").attributes["value"] == "25"


def test_tabs_count_each_reason_under_the_other_filters(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    tabs = open_page("/triage?provider=resemble&reason=failed").root.one("nav", **{"aria-label": "Reason"}).all("a")

    assert [tab.text for tab in tabs] == ["All", "Failed 1", "Stuck 1"]
    assert [tab.attributes.get("aria-current") for tab in tabs] == [None, "page", None]
    assert tabs[2].attributes["href"] == "/triage?reason=stuck&provider=resemble"


def test_what_is_mine_is_mine_alone(
    stranger: FlaskClient, acme: Organization, queue: dict[str, VoiceRow], now: datetime
) -> None:
    ada, ben = (make_account(roles={acme: Role.OPERATOR}) for _ in range(2))
    action(TriageAction.ASSIGN, queue["Anna"], now=now, assignee_id=ada.id)
    action(TriageAction.ASSIGN, queue["Bo"], now=now, assignee_id=ben.id)

    assert names(Page(sign_in(stranger, ada).get("/triage?assignee=me").text)) == ["Anna"]


def test_what_was_acknowledged_or_snoozed_stands_apart_and_says_by_whom(
    open_page: OpenPage, queue: dict[str, VoiceRow], now: datetime
) -> None:
    action(TriageAction.ACKNOWLEDGE, queue["Anna"], now=now)
    action(TriageAction.SNOOZE, queue["Bo"], now=now, until=now + 5 * DAY)

    assert names(open_page("/triage")) == ["Cy", "Di"]
    muted = open_page("/triage?muted=yes")
    assert names(muted) == ["Anna", "Bo"]
    tabs = muted.root.one("nav", **{"aria-label": "Reason"}).all("a")
    assert tabs[0].text == "All"
    assert sum(int(tab.text.split()[-1]) for tab in tabs[1:]) == 2, "of what is shown"
    assert "Acknowledged by tester just now, until the voice changes" in muted.rows()[0][1]
    assert "Snoozed by tester just now, until 2026-11-27" in muted.rows()[1][1]


def test_pages_follow_each_other(acme: Organization, open_page: OpenPage) -> None:
    put_voices(acme, [voice_row(name=f"Voice {number:02}", status=FAILED) for number in range(60)])

    page = open_page("/triage?size=25")
    seen = names(page)
    for _ in range(2):
        page = open_page(page.link("Next page"))
        seen += names(page)

    assert seen == [f"Voice {number:02}" for number in range(60)]
    assert not [node for node in page.root.all("a") if node.text == "Next page"]
    assert page.link("First page") == "/triage?size=25"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("", "Everything is in order."),
        ("reason=failed", "No entries match these filters. Clear filters"),
        ("muted=yes", "No acknowledged or snoozed entries match. Show what needs attention"),
        ("muted=yes&reason=failed", "No acknowledged or snoozed entries match. Show what needs attention"),
        ("after=90.0.1", "No more entries. Go to the first page"),
    ],
)
def test_an_empty_queue_says_why(open_page: OpenPage, acme: Organization, asked: str, says: str) -> None:
    assert open_page(f"/triage?{asked}").rows()[0][0].startswith(says)


def test_wrong_filters_are_named_and_nothing_is_listed(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage?reason=x&organization=99&provider=x&assignee=x&after=x", 422)

    assert not page.root.all("table")
    for word in ("reason", "organization", "provider", "assignee", "cursor"):
        assert word in page.root.one("div", role="alert").text


# Who may act


def ticks(page: Page) -> list[str]:
    """The names of what can be ticked."""
    return [node.attributes["aria-label"] for node in page.root.all("input", name="ref")]


def buttons(page: Page) -> list[str]:
    """The values of the lines' own buttons."""
    return [node.attributes["value"] for node in page.root.all("button", name="row_action")]


def somebody(stranger: FlaskClient, **roles: Any) -> tuple[FlaskClient, Account]:
    account = make_account(**roles)
    return sign_in(stranger, account), account


def test_a_viewer_sees_no_ticks_and_no_buttons(
    stranger: FlaskClient, acme: Organization, queue: dict[str, VoiceRow]
) -> None:
    viewer, _ = somebody(stranger, roles={acme: Role.VIEWER})

    page = Page(viewer.get("/triage").text)

    assert names(page) == ["Anna", "Bo"]
    assert not ticks(page)
    assert not buttons(page)
    assert not page.root.all("button", name="action")
    assert not [node for node in page.root.all("script") if "triage" in node.attributes["src"]]
    assert viewer.get("/triage/all").status_code == 403


def test_an_operator_of_one_organization_acts_there_alone(
    stranger: FlaskClient, acme: Organization, queue: dict[str, VoiceRow]
) -> None:
    bolt = Organization(id=2)
    operator, account = somebody(stranger, roles={acme: Role.OPERATOR, bolt: Role.VIEWER})

    page = Page(operator.get("/triage").text)

    assert names(page) == ["Anna", "Cy", "Bo", "Di"]
    assert ticks(page) == ["Anna", "Bo"]
    mine = [f"voice-{queue[name].id}" for name in ("Anna", "Bo")]
    assert buttons(page) == [
        word for one in mine for word in (f"assign:{one}:{account.id}", f"acknowledge:{one}", f"archive:{one}")
    ]


def test_each_tick_box_names_its_voice_and_each_button_too(open_page: OpenPage, queue: dict[str, VoiceRow]) -> None:
    page = open_page("/triage")

    assert ticks(page) == names(page)
    said = [node.text for node in page.root.all("button", name="row_action")]
    assert len(said) == len(set(said)) == 12


def test_nobody_is_offered_to_take_what_is_theirs_already(
    stranger: FlaskClient, acme: Organization, queue: dict[str, VoiceRow], now: datetime
) -> None:
    operator, account = somebody(stranger, roles={acme: Role.OPERATOR})
    action(TriageAction.ASSIGN, queue["Anna"], now=now, assignee_id=account.id)

    page = Page(operator.get("/triage").text)

    assert [word for word in buttons(page) if word.startswith("assign")] == [
        f"assign:voice-{queue['Bo'].id}:{account.id}"
    ]


# All that match


def all_page(client: FlaskClient, address: str, status: int = 200, **sent: str) -> Page:
    """The page that comes before something is done to all, or after it was sent."""
    response = client.post(address, data=MultiDict(sent)) if sent else client.get(address)
    assert response.status_code == status, response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


def fields(page: Page) -> dict[str, str]:
    """What its form sends whatever is pressed."""
    return page.hidden_fields(page.root.one("form", **{"class": "selection-form"}))


def test_all_that_match_are_counted_and_said_before_anything_is_done(
    open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    page = open_page("/triage/all?reason=failed")

    assert page.root.one("h1").text == "Selected: 2 voices"
    assert "all entries of the triage queue that match Failed." in page.text
    assert page.link("Cancel") == "/triage?reason=failed"
    assert names(open_page("/triage")) == ["Anna", "Cy", "Bo", "Di"]


def test_what_is_done_to_all_is_done_to_them_and_to_nothing_else(
    client: FlaskClient, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = fields(open_page("/triage/all?reason=failed"))

    response = client.post("/triage/all?reason=failed", data=sent | {"action": "acknowledge"})

    assert response.status_code == 303
    page = open_page(response.headers["Location"])
    assert page.flashes == ["Acknowledged 2 voices. Undo"]
    assert names(open_page("/triage")) == ["Bo", "Di"]


def test_a_list_that_changed_meanwhile_is_shown_again_and_nothing_is_done(
    client: FlaskClient, acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = fields(open_page("/triage/all?reason=failed"))
    make_voice(acme, name="Eve", status=FAILED)

    page = all_page(client, "/triage/all?reason=failed", 409, **sent, action="acknowledge")

    assert "from 2 to 3" in page.root.one("div", role="alert").text
    assert page.root.one("h1").text == "Selected: 3 voices"
    assert len(names(open_page("/triage"))) == 5


def test_an_empty_note_is_named_on_the_page_of_all(
    client: FlaskClient, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    sent = fields(open_page("/triage/all"))

    page = all_page(client, "/triage/all", 422, **sent, action="note")

    assert "The note is empty." in page.root.one("div", role="alert").text
    assert fields(page)["selection_hash"] == sent["selection_hash"]


def test_archiving_is_not_offered_for_all_when_assistants_are_among_them(
    acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow]
) -> None:
    def offered(address: str) -> list[str]:
        return [node.attributes["value"] for node in open_page(address).root.all("button", name="action")]

    acts = ["acknowledge", "assign", "snooze", "note"]
    assert offered("/triage/all") == [*acts, "archive"]
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id=queue["Anna"].provider_voice_id)

    assert offered("/triage/all") == acts
    assert "the selection contains 1 assistant." in open_page("/triage/all").text


def test_nothing_that_matches_offers_nothing(acme: Organization, open_page: OpenPage) -> None:
    page = open_page("/triage/all")

    assert page.root.one("h1").text == "No matches"
    assert not page.root.all("button", name="action")


def test_too_many_are_not_begun(
    open_page: OpenPage, queue: dict[str, VoiceRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceadmin.operations.bulk.MAX_OBJECTS", 3)

    page = open_page("/triage/all")

    assert "A bulk operation can change up to 3 at a time." in page.text
    assert not page.root.all("button", name="action")


@pytest.mark.parametrize("address", ["/triage/all?reason=x", "/triage.csv?reason=x"])
def test_wrong_filters_are_named_there_too(open_page: OpenPage, acme: Organization, address: str) -> None:
    assert "reason" in open_page(address, 422).root.one("div", role="alert").text


def test_the_queue_is_a_file_too(client: FlaskClient, queue: dict[str, VoiceRow]) -> None:
    response = client.get("/triage.ndjson?reason=failed")

    assert response.status_code == 200
    assert [line["name"] for line in map(json.loads, response.text.splitlines())] == ["Anna", "Cy"]


def test_a_reason_that_comes_back_brings_its_line_back(
    acme: Organization, open_page: OpenPage, queue: dict[str, VoiceRow], now: datetime
) -> None:
    action(TriageAction.SNOOZE, queue["Anna"], now=now - 2 * DAY, until=now - timedelta(seconds=1))

    assert names(open_page("/triage"))[0] == "Anna"
