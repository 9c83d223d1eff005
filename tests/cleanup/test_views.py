"""The pages of clean-up: what could go, plans, what somebody of each role may do with them, and prices."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.datastructures import MultiDict

from tests.conftest import SHELL, Client
from tests.factories import DAY, make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.page import OpenPage, Page
from tests.two_tenants import TwoTenants, audit_words, build_two_tenants, rows_of
from voiceadmin import clock
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Role
from voiceadmin.text import MAX_ID
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT


@pytest.fixture
def tenants(store: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations with a voice each that could go, and somebody of every role."""
    with build_two_tenants(store) as tenants:
        yield tenants


def checked(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def page(client: FlaskClient, address: str, status: int = 200) -> Page:
    return checked(client.get(address), status)


def send(client: FlaskClient, address: str, status: int = 200, **fields: Any) -> Page:
    """Send a form and follow where it leads."""
    return checked(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def planned(client: FlaskClient, **fields: Any) -> str:
    """The address of a new plan."""
    response = client.post("/clean-up/plans", data=fields)
    assert response.status_code == 303, response.text[:2000]
    return str(response.headers["Location"])


def buttons(found: Page) -> set[str]:
    """The names of all buttons and links that look like one, in the content."""
    main = found.root.one("main")
    return {
        node.text
        for node in main.walk()
        if node.tag == "button" or "button" in node.attributes.get("class", "").split()
    }


def archived() -> set[int]:
    return {row["id"] for row in rows_of("cloned_voice") if row["archived_at"] is not None}


def test_an_empty_store_has_nothing_to_clean_up(open_page: OpenPage) -> None:
    found = open_page("/clean-up")

    assert found.sentence.startswith("No voice can be archived.")
    assert "No voice can be archived, and none is archived." in found.text
    assert "Create plan" not in buttons(found)


def test_candidates_come_with_reasons_and_what_stays_with_why(tenants: TwoTenants) -> None:
    acme, now = tenants.acme, clock.now()
    put_voices(
        acme,
        [
            voice_row(id=11, name="Old", last_used_at=now - 61 * DAY, synthesis_count=1, provider="resemble"),
            voice_row(id=12, provider_voice_id="set"),
            voice_row(id=13, created_at=now - DAY),
            voice_row(id=14, status=VoiceStatus.PROCESSING),
            voice_row(id=15, last_used_at=now, synthesis_count=1),
            voice_row(id=16, status=VoiceStatus.ARCHIVED, provider="resemble"),
        ],
    )
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="set", active=False)
    set_price("resemble", 250, "EUR", (now - 200 * DAY).date(), by=SHELL, now=now)

    found = page(tenants.browser("viewer"), "/clean-up")

    assert found.sentence == (
        "2 voices can be archived: 1 not used for 60 days and 1 never used. Deleting them at their providers frees"
        " 2 slots"
        " and 2.50 EUR a month at the price of 2026-05-06 (more than half a year old: update it); no price is known"
        " for ElevenLabs. Counted just now."
    )
    for part in (
        "Used by an assistant, active or not1",
        "Created less than 14 days ago1",
        "Used in the last 60 days1",
        "Still processing1",
        "Not used for 61 days.",
        "2.50 EUR a month, price of 2026-05-06 (outdated)",
        "price unknown",
    ):
        assert part in found.text, part
    assert "Zebra" not in found.text
    assert "An operator creates a plan" in found.text


@pytest.mark.parametrize("who", ["viewer", "operator", "admin"])
def test_each_role_is_offered_what_it_may_do(tenants: TwoTenants, who: str) -> None:
    address = planned(tenants.browser("operator"))
    browser = tenants.browser(who)

    assert ("Create plan" in buttons(page(browser, "/clean-up"))) is (who != "viewer")
    found = page(browser, address)
    assert ("Confirm and archive" in buttons(found)) is (who == "admin")
    assert ("Send them the address of this page." in found.text) is (who != "admin")
    assert "Dry run" in buttons(found)


def test_who_may_not_is_refused(tenants: TwoTenants) -> None:
    address = planned(tenants.browser("operator"))

    assert tenants.browser("viewer").post("/clean-up/plans").status_code == 403
    for path in ("/run", "/retry", "/undo"):
        assert tenants.browser("operator").post(address + path).status_code == 403
        assert tenants.browser("zebra").post(address + path).status_code == 404
    for path in ("", "/check", "/sheet.csv"):
        assert tenants.browser("zebra").get(address + path).status_code == 404
    assert tenants.browser("admin").post("/clean-up/prices").status_code == 403
    assert archived() == set()


def test_before_there_are_accounts_the_page_says_how_to_confirm(store: Flask, now: datetime) -> None:
    store.test_client_class = Client
    store.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    store.config["VOICEADMIN"] = replace(store.config["VOICEADMIN"], anonymous_role=Role.OPERATOR)
    make_voice(make_organization())
    browser = store.test_client()

    assert "There is no admin yet, because there are no accounts." in page(browser, "/clean-up").text
    address = planned(browser)
    found = page(browser, address)

    assert "An admin must confirm this plan, and there are no accounts yet." in found.text
    assert "account add YOU@EXAMPLE.COM --platform" in found.text
    assert "Created by a visitor who was not signed in" in found.text
    assert "Confirm and archive" not in buttons(found)
    assert browser.post(f"{address}/run", data={"count": "1"}).status_code == 303
    assert archived() == set()


def test_the_whole_way_of_a_plan(tenants: TwoTenants) -> None:
    put_voices(tenants.acme, [voice_row(id=number) for number in range(100, 130)])
    operator, admin = tenants.browser("operator"), tenants.browser("admin")

    address = planned(operator, limit="10", organization=tenants.acme.id)
    found = page(operator, address)
    assert found.root.one("h1").text.endswith(": 10 voices")
    assert found.sentence.startswith("Nothing is archived yet.")
    dry = page(operator, f"{address}/check")
    assert dry.sentence == "All 10 voices would be archived now."
    assert "Nothing was changed." in dry.text
    assert archived() == set()

    refused = send(admin, f"{address}/run", 422, count="9")
    assert '"9" was typed. The plan has 10 voices: type 10.' in refused.text
    assert archived() == set()
    done = send(admin, f"{address}/run", count="10")
    assert done.sentence == "Done: 10 archived."
    assert len(archived()) == 10
    assert "confirmed by admin@acme.example" in done.text

    assert "Restore 10 voices?" in page(admin, f"{address}/undo").text
    back = send(admin, f"{address}/undo")
    assert back.sentence == "Done: 10 restored."
    assert archived() == set()
    assert "Nothing to undo" in page(admin, f"{address}/undo").text
    words = audit_words()
    assert [words.count(f"clean-up-{word}") for word in ("planned", "confirmed", "undone")] == [1, 1, 1]


def test_a_form_that_is_sent_twice_does_it_once(tenants: TwoTenants) -> None:
    operator, admin = tenants.browser("operator"), tenants.browser("admin")

    addresses = {planned(operator, key="the same") for _ in range(2)}
    (address,) = addresses
    for _ in range(2):
        assert send(admin, f"{address}/run", count="1").sentence == "Done: 1 archived."
    for _ in range(2):
        assert send(admin, f"{address}/undo").sentence == "Done: 1 restored."

    words = audit_words()
    assert [words.count(word) for word in ("clean-up-planned", "clean-up-confirmed", "voice-archived")] == [1, 1, 1]
    assert words.count("voice-restored") == 1


def test_what_changed_since_is_left_alone_and_says_why(tenants: TwoTenants) -> None:
    address = planned(tenants.browser("operator"))
    make_assistant(tenants.acme, tts_provider="elevenlabs", tts_voice_id="pv3")
    admin = tenants.browser("admin")

    assert "An assistant uses it.1" in page(admin, f"{address}/check").text
    done = send(admin, f"{address}/run", count="1")

    assert done.sentence == "Done: 1 skipped."
    assert "An assistant uses it." in done.text
    assert archived() == set()


def test_what_failed_stays_as_work(tenants: TwoTenants) -> None:
    make_voice(tenants.acme, id=4)
    address, admin = planned(tenants.browser("operator")), tenants.browser("admin")
    send(admin, f"{address}/run", count="2")
    send(admin, f"{address}/undo")
    with write_transaction():
        failed = {"state": "failed", "skip_reason": "archive-failed", "operation_id": None}
        db.session.execute(update(CleanUpItem).where(CleanUpItem.voice_id == 4).values(failed))

    found = page(admin, f"{address}?state=failed")
    assert "Retry 1 failed voice" in buttons(found)
    assert len(found.root.all("td", **{"data-label": "State"})) == 1
    assert "1 failed" in page(admin, "/clean-up").text
    send(admin, f"{address}/retry")

    assert not {row["state"] for row in rows_of("clean_up_item")} & {"failed", "pending"}


def test_an_unconfirmed_plan_is_not_carried_out_by_trying_again(tenants: TwoTenants) -> None:
    address = planned(tenants.browser("operator"))

    response = tenants.browser("admin").post(f"{address}/retry")

    assert response.status_code == 409
    assert archived() == set()


def test_the_password_is_asked_for_again_and_the_plan_is_found_after_it(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, admin = planned(tenants.browser("operator")), tenants.browser("admin")
    later = clock.now() + timedelta(minutes=20)
    monkeypatch.setattr(clock, "now", lambda: later)

    response = admin.get(f"{address}/run")

    assert response.status_code == 303
    assert response.headers["Location"].startswith("/confirm?next=")


def test_a_plan_of_nothing_is_refused(tenants: TwoTenants) -> None:
    response = tenants.browser("operator").post("/clean-up/plans", data={"provider": "elevenlabs", "reason": "unused"})

    assert response.status_code == 409
    assert "No voice matches these filters." in response.text


@pytest.mark.parametrize("query", ["organization=x", "provider=nope", "reason=nope", "organization=99"])
def test_faulty_filters_are_told(tenants: TwoTenants, query: str) -> None:
    browser = tenants.browser("viewer")

    assert "Choose from the list." in page(browser, f"/clean-up?{query}", 422).text
    assert browser.get(f"/clean-up.csv?{query}").status_code == 422


@pytest.mark.parametrize("most", ["0", "x", "20001"])
def test_a_faulty_number_makes_no_plan(tenants: TwoTenants, most: str) -> None:
    assert (
        "is not a number from 1 to 20000." in send(tenants.browser("operator"), "/clean-up/plans", 422, limit=most).text
    )
    assert rows_of("clean_up_plan") == []


def test_a_plan_that_is_not_there_and_a_page_past_its_last(tenants: TwoTenants) -> None:
    browser = tenants.browser("operator")
    address = planned(browser)

    for path in ("", "/check", "/sheet.csv", "/sheet.xml"):
        assert browser.get(f"/clean-up/plans/99{path}").status_code == 404
    assert "There is no page 9." in page(browser, f"{address}?page=9").text
    assert "No voice of this plan is in this state." in page(browser, f"{address}?state=gone").text
    page(browser, f"{address}?state=nope", 422)


def test_candidates_are_a_file_of_each_format(tenants: TwoTenants) -> None:
    make_voice(tenants.acme, id=8, name="=evil", provider="resemble")
    browser = tenants.browser("viewer")
    found = page(browser, "/clean-up?provider=resemble")

    files = {format: browser.get(found.link(format.upper())) for format in ("csv", "json", "ndjson")}

    (line,) = csv.DictReader(io.StringIO(files["csv"].text, newline=""))
    assert (line["id"], line["name"]) == ("8", "'=evil")
    assert [one["id"] for one in json.loads(files["json"].text)] == [8]
    assert json.loads(files["ndjson"].text)["reason"] == "never-used"
    assert [one["id"] for one in json.loads(browser.get("/clean-up.json").text)] == [3, 8]
    assert audit_words().count("voices-exported") == 4


def test_a_restore_sheet_is_downloaded_and_that_is_noted(tenants: TwoTenants) -> None:
    address = planned(tenants.browser("operator"))
    found = page(tenants.browser("viewer"), address)

    response = tenants.browser("viewer").get(found.link("CSV"))

    (line,) = csv.DictReader(io.StringIO(response.text, newline=""))
    assert (line["id"], line["state"], line["provider_voice_id"]) == ("3", "pending", "pv3")
    assert "attachment" in response.headers["Content-Disposition"]
    assert audit_words()[-1] == "voices-exported"


def test_hostile_names_and_huge_numbers_are_only_text(tenants: TwoTenants) -> None:
    for name in ("<script>alert(1)</script>", " ", "x" * 9000, "\u202eevil"):
        make_voice(
            tenants.acme, name=name, provider=name[:90], last_used_at=clock.now() - 80 * DAY, synthesis_count=MAX_ID
        )
    set_price("x" * 90, 999_999_999, "USD", clock.now().date(), by=SHELL, now=clock.now())
    browser = tenants.browser("platform")

    address = planned(browser)

    for path in ("/clean-up", "/clean-up/prices", address, f"{address}/check", f"{address}/run"):
        page(browser, path)
    assert "9,999,999.99 USD" in page(browser, "/clean-up").text


# Prices


def test_a_price_is_written_down_changed_and_forgotten(tenants: TwoTenants) -> None:
    root = tenants.browser("platform")

    found = send(root, "/clean-up/prices", provider="resemble", price="2", currency="usd", as_of="2026-11-01")
    assert "2.00 USD a month" in found.text
    assert "as of 2026-11-01" in found.text
    assert "look it up again" not in found.text
    form = page(root, "/clean-up/prices?provider=resemble").root.one("form", id="edit")
    assert [form.one("input", id=id).attributes["value"] for id in ("price", "currency", "as_of")] == [
        "2.00",
        "USD",
        "2026-11-22",
    ]
    send(root, "/clean-up/prices", provider="resemble", price="3", currency="EUR", as_of="2026-01-01")
    found = page(tenants.browser("viewer"), "/clean-up/prices")
    assert "3.00 EUR a month" in found.text
    assert "more than half a year old: update it" in found.text
    assert not found.root.all("form", id="edit")
    assert "USD a month" not in send(root, "/clean-up/prices", provider="resemble", price="").text
    assert audit_words().count("price-changed") == 3


def test_a_faulty_price_is_told_at_its_field(tenants: TwoTenants) -> None:
    found = send(
        tenants.browser("platform"), "/clean-up/prices", 422, provider="resemble", price="2,5", currency="$", as_of="x"
    )

    assert "Write it as 2.00." in found.text
    assert {node.attributes["id"] for node in found.root.all("input", **{"aria-invalid": "true"})} == {
        "price",
        "currency",
        "as_of",
    }
    assert rows_of("price") == []


def test_another_organizations_provider_is_not_told_with_the_prices(tenants: TwoTenants) -> None:
    make_voice(tenants.zebra, provider="zebra-host")

    assert "zebra-host" not in page(tenants.browser("viewer"), "/clean-up/prices").text
    assert "zebra-host" in page(tenants.browser("platform"), "/clean-up/prices").text
