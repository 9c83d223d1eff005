"""The page that compares the providers, and its export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Client
from tests.factories import DAY, make_account, make_many_organizations, make_organization, make_voice, sign_in
from tests.page import OpenPage, Page
from tests.two_tenants import TwoTenants, build_two_tenants, rows_of
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization
from voiceadmin.text import MAX_ID
from voiceadmin.voices.types.status import VoiceStatus


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    with build_two_tenants(app) as tenants:
        yield tenants


def page(client: FlaskClient, address: str, status: int = 200) -> Page:
    response = client.get(address)
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def put(organization: Organization, number: int, **fields: Any) -> None:
    for _ in range(number):
        make_voice(organization, **fields)


def card(found: Page, provider: str) -> str:
    """Return the text of a provider's card."""
    (text,) = [
        node.text for node in found.root.all("section") if node.all("h2") and node.one("h2").text.startswith(provider)
    ]
    return text


def test_an_empty_database_shows_how_to_add_voices(open_page: OpenPage) -> None:
    found = open_page("/providers")

    assert found.sentence == "Showing no providers."
    assert "There are no voices yet." in found.text


def test_a_card_shows_every_statistic_of_a_provider(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    put(acme, 18, quality_score=0.95, created_at=now - DAY, synthesis_count=3, last_used_at=now - DAY)
    put(acme, 4, status=VoiceStatus.FAILED, quality_score=None, created_at=now - DAY, provider_voice_id="")
    put(acme, 3, status=VoiceStatus.ARCHIVED, quality_score=0.1)

    text = card(open_page("/providers"), "ElevenLabs")

    for part in (
        "25 voices",
        "18 ready",
        "4 failed",
        "3 archived",
        "21 voices with a score",
        "Excellent18",
        "Poor3",
        "Not scored4",
        "54 syntheses",
        "Last used yesterday",
        "4 of 22 failed, 18.2 %",
        "21 used. No limit is configured.",
        "3 used by archived voices",
    ):
        assert part.replace(" ", "") in text.replace(" ", ""), (part, text)


def test_a_small_sample_has_no_percentage(acme: Organization, open_page: OpenPage, now: datetime) -> None:
    put(acme, 18, created_at=now)
    put(acme, 1, created_at=now, status=VoiceStatus.FAILED)

    text = card(open_page("/providers"), "ElevenLabs")

    assert "Too few scores to show the distribution." in text
    assert "1 of 19 failed Too few voices for a failure rate." in text
    assert "%" not in text
    put(acme, 1, created_at=now)
    assert "1 of 20 failed, 5 %" in card(open_page("/providers"), "ElevenLabs")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        (
            ((40, 0), (40, 20)),
            "20 of 40 failed at Resemble and 0 of 40 at ElevenLabs. This difference is statistically significant.",
        ),
        (((40, 1), (40, 3)), "The failure rates of the last 30 days do not differ significantly."),
        (((40, 0), (19, 19)), "Too few voices were created in the last 30 days to compare failure rates."),
    ],
)
def test_only_a_significant_difference_of_failure_rates_is_named(
    acme: Organization,
    open_page: OpenPage,
    now: datetime,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    sentence: str,
) -> None:
    for provider, (created, failed) in zip(("elevenlabs", "resemble"), sizes, strict=True):
        put(acme, created - failed, provider=provider, created_at=now)
        put(acme, failed, provider=provider, created_at=now, status=VoiceStatus.FAILED)

    assert sentence in open_page("/providers").sentence


def test_used_slots_are_compared_with_the_configured_limit(tenants: TwoTenants) -> None:
    app = tenants.app_with(slots=(("elevenlabs", 1), ("resemble", 9)))
    make_voice(tenants.acme, provider="resemble")

    found = page(tenants.browser("platform", app), "/providers")

    assert "2 of 1 used, 1 over the limit" in card(found, "ElevenLabs")
    assert "1 of 9 used" in card(found, "Resemble")
    of_acme = page(tenants.browser("viewer", app), "/providers")
    assert "1 used. The limit of 1 applies to all organizations together." in card(of_acme, "ElevenLabs")


def test_the_page_shows_only_providers_of_own_organizations(tenants: TwoTenants) -> None:
    make_voice(tenants.globex, provider="globex-host")

    assert "globex-host" not in page(tenants.browser("viewer"), "/providers").text
    assert "globex-host" in page(tenants.browser("globex"), "/providers").text
    refused = page(tenants.browser("viewer"), f"/providers?organization={tenants.globex.id}", 422)
    assert "is not one of your organizations" in refused.text
    assert tenants.browser("viewer").get(f"/providers.csv?organization={tenants.globex.id}").status_code == 422
    assert tenants.browser("anonymous").get("/providers").status_code == 303


def test_the_organization_filter_limits_page_and_export(tenants: TwoTenants) -> None:
    found = page(tenants.browser("both"), f"/providers?organization={tenants.globex.id}")

    assert found.sentence.startswith("Showing 1 provider with 1 voice of Globex Holdings.")
    assert found.link("CSV") == f"/providers.csv?organization={tenants.globex.id}"


def test_an_export_contains_the_statistics_and_is_recorded(tenants: TwoTenants) -> None:
    browser = tenants.browser("viewer")

    files = {format: browser.get(f"/providers.{format}") for format in ("csv", "json", "ndjson")}

    assert [one["provider"] for one in json.loads(files["json"].text)] == ["elevenlabs"]
    assert json.loads(files["ndjson"].text)["voices"] == 1
    assert files["csv"].text.splitlines()[0].startswith("provider,voices,ready")
    assert [event["event_type"] for event in rows_of("audit_event")].count("voices-exported") == 3
    assert browser.get("/providers.xml").status_code == 404


def test_one_of_many_organizations_is_named_in_a_text_field(acme: Organization, open_page: OpenPage) -> None:
    make_many_organizations()
    put(acme, 2)

    found = open_page("/providers?organization=acm")

    assert found.sentence.startswith("Showing 1 provider with 2 voices of Acme.")
    assert found.root.one("input", id="organization").attributes["value"] == f"Acme ({acme.id})"
    assert found.link("CSV") == f"/providers.csv?organization={acme.id}"
    assert len(open_page("/providers").html) < 20_000
    refused = open_page("/providers?organization=cust", 422)
    assert refused.link("Organization") == "#organization"
    assert '"cust" matches 1,000 organizations: Customer 0 (2), Customer 1 (3), ' in refused.text


def test_an_export_of_one_organization_is_recorded_for_it_alone(tenants: TwoTenants) -> None:
    tenants.browser("both").get(f"/providers.csv?organization={tenants.globex.id}")

    (exported,) = [event for event in rows_of("audit_event") if event["event_type"] == "voices-exported"]
    assert exported["organization_id"] == tenants.globex.id
    assert json.loads(exported["after"])["filters"] == {"organization": tenants.globex.id}


def test_hostile_provider_names_and_large_numbers_are_shown_as_text(
    acme: Organization, open_page: OpenPage, now: datetime
) -> None:
    for provider in ("<script>alert(1)</script>", " ", "x" * 100, "\u202eevil"):
        make_voice(acme, provider=provider, synthesis_count=MAX_ID, last_used_at=now)

    found = open_page("/providers")

    assert len(found.root.all("section")) == 4
    assert "9,223,372,036,854,775,807" in found.text


def test_a_viewer_of_an_empty_organization_sees_no_providers(app: Flask, now: datetime) -> None:
    app.test_client_class = Client
    empty = make_organization("Empty")
    make_voice(make_organization("Full"))

    browser = sign_in(app.test_client(), make_account(roles={empty: Role.VIEWER}))

    assert page(browser, "/providers").sentence == "Showing no providers."
