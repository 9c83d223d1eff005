"""The pages of clean-up: candidates, plans, access and prices."""

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
from tests.two_tenants import TwoTenants, audit_event_types, build_two_tenants, rows_of
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
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Return two organizations with one candidate each and an account of every role."""
    with build_two_tenants(app) as tenants:
        yield tenants


def check_page(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def open_page_as(client: FlaskClient, address: str, status: int = 200) -> Page:
    return check_page(client.get(address), status)


def submit(client: FlaskClient, address: str, status: int = 200, **fields: Any) -> Page:
    """Submit a form, and return the page after the redirect."""
    return check_page(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def make_plan(client: FlaskClient, **fields: Any) -> str:
    """Create a plan, and return its address."""
    response = client.post("/clean-up/plans", data=fields)
    assert response.status_code == 303, response.text[:2000]
    return str(response.headers["Location"])


def read_buttons(found: Page) -> set[str]:
    """Return the labels of all buttons in the content, and of the links that look like buttons."""
    main = found.root.one("main")
    return {
        node.text
        for node in main.walk()
        if node.tag == "button" or "button" in node.attributes.get("class", "").split()
    }


def read_archived_ids() -> set[int]:
    return {row["id"] for row in rows_of("cloned_voice") if row["archived_at"] is not None}


def test_an_empty_database_has_no_candidates(open_page: OpenPage) -> None:
    found = open_page("/clean-up")

    assert found.sentence.startswith("No voice can be archived.")
    assert "No voice can be archived, and none is archived." in found.text
    assert "Create plan" not in read_buttons(found)


def test_candidates_and_excluded_voices_are_shown_with_reasons(tenants: TwoTenants) -> None:
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

    found = open_page_as(tenants.browser("viewer"), "/clean-up")

    assert found.sentence == (
        "2 voices can be archived: 1 not used for 60 days and 1 never used. Deleting them at their providers frees"
        " 2 slots"
        " and 2.50 EUR a month at the price of 2026-05-06 (more than half a year old: update it); no price is known"
        " for ElevenLabs."
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
    assert "Globex" not in found.text
    assert "An operator creates a plan" in found.text


def test_candidates_without_an_id_at_the_provider_free_no_slots(tenants: TwoTenants) -> None:
    put_voices(tenants.acme, [voice_row(id=id, provider="resemble", provider_voice_id="") for id in (11, 12)])
    admin = tenants.browser("admin")

    found = open_page_as(admin, "/clean-up?provider=resemble")
    assert found.sentence == ("2 voices can be archived: 0 not used for 60 days and 2 never used. Clear filters")
    assert found.root.one("td", **{"data-label": "Freed by deletion"}).text == "–"
    address = make_plan(admin, provider="resemble")
    assert "No voice of this plan is archived or pending and still uses a slot." in open_page_as(admin, address).text
    assert "frees" not in open_page_as(admin, f"{address}/run").text.replace("frees no slots", "")


@pytest.mark.parametrize("who", ["viewer", "operator", "admin"])
def test_each_role_is_offered_only_its_actions(tenants: TwoTenants, who: str) -> None:
    address = make_plan(tenants.browser("operator"))
    browser = tenants.browser(who)

    assert ("Create plan" in read_buttons(open_page_as(browser, "/clean-up"))) is (who != "viewer")
    found = open_page_as(browser, address)
    assert ("Confirm and archive" in read_buttons(found)) is (who == "admin")
    assert ("Send the address of this page to such an admin." in found.text) is (who != "admin")
    assert "View dry run" in read_buttons(found)


def test_actions_without_permission_are_refused(tenants: TwoTenants) -> None:
    address = make_plan(tenants.browser("operator"))

    assert tenants.browser("viewer").post("/clean-up/plans").status_code == 403
    for path in ("/run", "/retry", "/undo"):
        assert tenants.browser("operator").post(address + path).status_code == 403
        assert tenants.browser("globex").post(address + path).status_code == 404
    for path in ("", "/check", "/sheet.csv"):
        assert tenants.browser("globex").get(address + path).status_code == 404
    assert tenants.browser("admin").post("/clean-up/prices").status_code == 403
    assert read_archived_ids() == set()


def test_without_accounts_the_page_explains_how_to_confirm(app: Flask, now: datetime) -> None:
    app.test_client_class = Client
    app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    app.config["VOICEADMIN"] = replace(app.config["VOICEADMIN"], anonymous_role=Role.OPERATOR)
    make_voice(make_organization())
    browser = app.test_client()

    assert "There is no admin yet, because there are no accounts." in open_page_as(browser, "/clean-up").text
    address = make_plan(browser)
    found = open_page_as(browser, address)

    assert "An admin must confirm this plan, and there are no accounts yet." in found.text
    assert "account add YOU@EXAMPLE.COM --platform" in found.text
    assert "Created by a visitor who was not signed in" in found.text
    assert "Confirm and archive" not in read_buttons(found)
    assert browser.post(f"{address}/run", data={"count": "1"}).status_code == 303
    assert read_archived_ids() == set()


def test_a_plan_is_created_checked_confirmed_run_and_undone(tenants: TwoTenants) -> None:
    put_voices(tenants.acme, [voice_row(id=number) for number in range(100, 130)])
    operator, admin = tenants.browser("operator"), tenants.browser("admin")

    address = make_plan(operator, limit="10", organization=tenants.acme.id)
    found = open_page_as(operator, address)
    assert found.root.one("h1").text.endswith(": 10 voices")
    assert found.sentence.startswith("Nothing is archived yet.")
    dry = open_page_as(operator, f"{address}/check")
    assert dry.sentence == "All 10 voices would be archived now."
    assert "Nothing was changed." in dry.text
    assert read_archived_ids() == set()

    refused = submit(admin, f"{address}/run", 422, count="9")
    assert '"9" was typed. The plan has 10 voices: type 10.' in refused.text
    assert read_archived_ids() == set()
    done = submit(admin, f"{address}/run", count="10")
    assert done.sentence == "Done: 10 archived."
    assert len(read_archived_ids()) == 10
    assert "confirmed by admin@acme.example" in done.text

    assert "Restore 10 voices?" in open_page_as(admin, f"{address}/undo").text
    back = submit(admin, f"{address}/undo")
    assert back.sentence == "Done: 10 restored."
    assert read_archived_ids() == set()
    assert "Nothing to undo" in open_page_as(admin, f"{address}/undo").text
    event_types = audit_event_types()
    assert [event_types.count(f"clean-up-{step}") for step in ("planned", "confirmed", "undone")] == [1, 1, 1]


def test_a_form_submitted_twice_is_applied_once(tenants: TwoTenants) -> None:
    operator, admin = tenants.browser("operator"), tenants.browser("admin")

    addresses = {make_plan(operator, key="the same") for _ in range(2)}
    (address,) = addresses
    for _ in range(2):
        assert submit(admin, f"{address}/run", count="1").sentence == "Done: 1 archived."
    for _ in range(2):
        assert submit(admin, f"{address}/undo").sentence == "Done: 1 restored."

    event_types = audit_event_types()
    assert [
        event_types.count(event_type) for event_type in ("clean-up-planned", "clean-up-confirmed", "voice-archived")
    ] == [1, 1, 1]
    assert event_types.count("voice-restored") == 1


def test_a_voice_that_changed_since_is_skipped_with_a_reason(tenants: TwoTenants) -> None:
    address = make_plan(tenants.browser("operator"))
    make_assistant(tenants.acme, tts_provider="elevenlabs", tts_voice_id="pv3")
    admin = tenants.browser("admin")

    assert "An assistant uses it.1" in open_page_as(admin, f"{address}/check").text
    done = submit(admin, f"{address}/run", count="1")

    assert done.sentence == "Done: 1 skipped."
    assert "An assistant uses it." in done.text
    assert read_archived_ids() == set()


def test_failed_voices_can_be_retried(tenants: TwoTenants) -> None:
    make_voice(tenants.acme, id=4)
    address, admin = make_plan(tenants.browser("operator")), tenants.browser("admin")
    submit(admin, f"{address}/run", count="2")
    submit(admin, f"{address}/undo")
    with write_transaction():
        failed = {"state": "failed", "skip_reason": "archive-failed", "operation_id": None}
        db.session.execute(update(CleanUpItem).where(CleanUpItem.voice_id == 4).values(failed))

    found = open_page_as(admin, f"{address}?state=failed")
    assert "Retry 1 failed voice" in read_buttons(found)
    assert len(found.root.all("td", **{"data-label": "State"})) == 1
    assert "1 failed" in open_page_as(admin, "/clean-up").text
    submit(admin, f"{address}/retry")

    assert not {row["state"] for row in rows_of("clean_up_item")} & {"failed", "pending"}


def test_a_retry_does_not_run_an_unconfirmed_plan(tenants: TwoTenants) -> None:
    address = make_plan(tenants.browser("operator"))

    response = tenants.browser("admin").post(f"{address}/retry")

    assert response.status_code == 409
    assert read_archived_ids() == set()


def test_running_a_plan_requires_a_recent_password_confirmation(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, admin = make_plan(tenants.browser("operator")), tenants.browser("admin")
    later = clock.now() + timedelta(minutes=20)
    monkeypatch.setattr(clock, "now", lambda: later)

    response = admin.get(f"{address}/run")

    assert response.status_code == 303
    assert response.headers["Location"].startswith("/confirm?next=")


def test_a_plan_without_voices_is_refused(tenants: TwoTenants) -> None:
    response = tenants.browser("operator").post("/clean-up/plans", data={"provider": "elevenlabs", "reason": "unused"})

    assert response.status_code == 409
    assert "No voice matches these filters." in response.text


@pytest.mark.parametrize("query", ["organization=x", "provider=nope", "reason=nope", "organization=99"])
def test_invalid_filters_are_reported(tenants: TwoTenants, query: str) -> None:
    browser = tenants.browser("viewer")

    assert "Choose from the list." in open_page_as(browser, f"/clean-up?{query}", 422).text
    assert browser.get(f"/clean-up.csv?{query}").status_code == 422


@pytest.mark.parametrize("limit", ["0", "x", "20001"])
def test_an_invalid_limit_creates_no_plan(tenants: TwoTenants, limit: str) -> None:
    assert (
        "is not a number from 1 to 20000."
        in submit(tenants.browser("operator"), "/clean-up/plans", 422, limit=limit).text
    )
    assert rows_of("clean_up_plan") == []


def test_an_unknown_plan_is_not_found_and_a_page_past_the_end_is_empty(tenants: TwoTenants) -> None:
    browser = tenants.browser("operator")
    address = make_plan(browser)

    for path in ("", "/check", "/sheet.csv", "/sheet.xml"):
        assert browser.get(f"/clean-up/plans/99{path}").status_code == 404
    assert "There is no page 9." in open_page_as(browser, f"{address}?page=9").text
    assert "No voice of this plan is in this state." in open_page_as(browser, f"{address}?state=gone").text
    open_page_as(browser, f"{address}?state=nope", 422)


def test_candidates_are_exported_in_each_format(tenants: TwoTenants) -> None:
    make_voice(tenants.acme, id=8, name="=evil", provider="resemble")
    browser = tenants.browser("viewer")
    found = open_page_as(browser, "/clean-up?provider=resemble")

    files = {format: browser.get(found.link(format.upper())) for format in ("csv", "json", "ndjson")}

    (line,) = csv.DictReader(io.StringIO(files["csv"].text, newline=""))
    assert (line["id"], line["name"]) == ("8", "'=evil")
    assert [one["id"] for one in json.loads(files["json"].text)] == [8]
    assert json.loads(files["ndjson"].text)["reason"] == "never-used"
    assert [one["id"] for one in json.loads(browser.get("/clean-up.json").text)] == [3, 8]
    assert audit_event_types().count("voices-exported") == 4


def test_the_download_of_a_restore_sheet_is_recorded(tenants: TwoTenants) -> None:
    address = make_plan(tenants.browser("operator"))
    found = open_page_as(tenants.browser("viewer"), address)

    response = tenants.browser("viewer").get(found.link("CSV"))

    (line,) = csv.DictReader(io.StringIO(response.text, newline=""))
    assert (line["id"], line["state"], line["provider_voice_id"]) == ("3", "pending", "pv3")
    assert "attachment" in response.headers["Content-Disposition"]
    assert audit_event_types()[-1] == "voices-exported"


def test_hostile_names_and_huge_numbers_are_shown_as_text(tenants: TwoTenants) -> None:
    for name in ("<script>alert(1)</script>", " ", "x" * 9000, "\u202eevil"):
        make_voice(
            tenants.acme, name=name, provider=name[:90], last_used_at=clock.now() - 80 * DAY, synthesis_count=MAX_ID
        )
    set_price("x" * 90, 999_999_999, "USD", clock.now().date(), by=SHELL, now=clock.now())
    browser = tenants.browser("platform")

    address = make_plan(browser)

    for path in ("/clean-up", "/clean-up/prices", address, f"{address}/check", f"{address}/run"):
        open_page_as(browser, path)
    assert "9,999,999.99 USD" in open_page_as(browser, "/clean-up").text


# Prices


def test_a_price_is_added_changed_and_removed(tenants: TwoTenants) -> None:
    root = tenants.browser("platform")

    found = submit(root, "/clean-up/prices", provider="resemble", price="2", currency="usd", as_of="2026-11-01")
    assert "2.00 USD a month" in found.text
    assert "as of 2026-11-01" in found.text
    assert "look it up again" not in found.text
    form = open_page_as(root, "/clean-up/prices?provider=resemble").root.one("form", id="edit")
    assert [form.one("input", id=id).attributes["value"] for id in ("price", "currency", "as_of")] == [
        "2.00",
        "USD",
        "2026-11-22",
    ]
    submit(root, "/clean-up/prices", provider="resemble", price="3", currency="EUR", as_of="2026-01-01")
    found = open_page_as(tenants.browser("viewer"), "/clean-up/prices")
    assert "3.00 EUR a month" in found.text
    assert "more than half a year old: update it" in found.text
    assert not found.root.all("form", id="edit")
    assert "USD a month" not in submit(root, "/clean-up/prices", provider="resemble", price="").text
    assert audit_event_types().count("price-changed") == 3


def test_an_invalid_price_is_reported_at_its_field(tenants: TwoTenants) -> None:
    found = submit(
        tenants.browser("platform"), "/clean-up/prices", 422, provider="resemble", price="2,5", currency="$", as_of="x"
    )

    assert "Write it as 2.00." in found.text
    assert {node.attributes["id"] for node in found.root.all("input", **{"aria-invalid": "true"})} == {
        "price",
        "currency",
        "as_of",
    }
    assert rows_of("price") == []


def test_the_price_page_hides_providers_of_other_organizations(tenants: TwoTenants) -> None:
    make_voice(tenants.globex, provider="globex-host")

    assert "globex-host" not in open_page_as(tenants.browser("viewer"), "/clean-up/prices").text
    assert "globex-host" in open_page_as(tenants.browser("platform"), "/clean-up/prices").text
