"""The page of a provider's source shows its lists, slots and orphans, and what can be decided."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import NOW
from tests.factories import make_organization
from tests.history.scenario import FIRST, add_slot_days
from tests.page import OpenPage
from tests.sources.actions.providers import MINUTE, Provider, add_elevenlabs, name_voices
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream.elevenlabs import make_voice
from tests.upstream.server import status
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.provider_queries import MAX_ORPHANS, ProviderReport, read_provider_report
from voiceadmin.sources.queries import get_source
from voiceadmin.sources.types import ListingResult, SourceKind

__all__ = ["_no_pauses", "run"]

IDS = [f"v{number}" for number in range(10)]
LATER = NOW + 5 * MINUTE


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with ten voices, which was not read yet."""
    return add_elevenlabs(IDS, run, app.config["VOICEADMIN"])


def report_of(provider: Provider) -> ProviderReport:
    report = read_provider_report(get_source(EVERYTHING, provider.source_id))
    assert report is not None
    return report


def address_of(provider: Provider, action: str = "") -> str:
    return f"/sources/{provider.source_id}{action}"


def test_a_source_that_was_never_read_has_no_lists_and_no_orphans(provider: Provider) -> None:
    assert report_of(provider) == ([], [], [], None, None)


def test_orphans_are_voices_of_ours_that_no_organization_names(provider: Provider) -> None:
    name_voices(make_organization(), IDS[:4])
    name_voices(make_organization("Globex"), IDS[4:7])
    provider.world.voices.append(make_voice("stock", category="premade"))
    provider.world.voices[9]["safety_control"] = "BAN"
    provider.sync()
    provider.world.voices.pop(8)
    provider.sync(LATER)

    report = report_of(provider)

    assert [(row.voice_id, row.name) for row in report.orphans] == [("v7", "Voice v7"), ("v9", "Voice v9")]
    assert report.orphans[1].state == "category: cloned, safety_control: BAN"
    assert report.orphan_count == 2


def test_at_most_a_hundred_orphans_are_shown_with_their_total(provider: Provider) -> None:
    provider.world.voices = [make_voice(f"v{number}") for number in range(MAX_ORPHANS + 20)]
    provider.sync()

    report = report_of(provider)

    assert (len(report.orphans), report.orphan_count) == (MAX_ORPHANS, MAX_ORPHANS + 20)


def test_voices_of_lists_that_are_not_believed_are_no_orphans(provider: Provider) -> None:
    name_voices(make_organization(), IDS)
    provider.sync()
    provider.world.voices = [make_voice("of others")]
    provider.sync(LATER)

    report = report_of(provider)

    assert (report.orphans, report.orphan_count) == ([], 0)
    assert report.withheld is not None
    assert (report.withheld.voice_count, report.withheld.examples) == (10, IDS)


def test_a_list_that_was_not_read_says_why(provider: Provider, open_page: OpenPage) -> None:
    provider.sync()
    provider.upstream.show(status(500), "/v2/voices")
    provider.sync(LATER)

    (listing,) = report_of(provider).listings
    assert (listing.result, listing.attempted_at, listing.complete_at) == (ListingResult.BROKEN, LATER, NOW)
    assert listing.message in open_page(address_of(provider)).text


def test_the_page_shows_lists_slots_and_orphans(provider: Provider, open_page: OpenPage) -> None:
    assert "have not been read yet" in open_page(address_of(provider)).text

    provider.sync()

    page = open_page(address_of(provider))
    assert "10 of 30" in page.text
    assert "told by ElevenLabs" in page.text
    assert "10 voices of yours at ElevenLabs that no voice of the platform names" in page.text
    assert "Believe this list" not in page.text
    assert "Accept this account" not in page.text


def test_a_withheld_list_is_believed_on_the_page(provider: Provider, open_page: OpenPage, client: FlaskClient) -> None:
    name_voices(make_organization(), IDS)
    provider.sync()
    provider.world.voices = [make_voice(id) for id in IDS[5:]]
    provider.sync(LATER)
    page = open_page(address_of(provider))
    assert "lacks 5 voices that it should have" in page.text
    form = next(form for form in page.root.all("form") if "believe" in form.attributes["action"])
    (shown,) = [field.attributes["value"] for field in form.all("input") if field.attributes["name"] == "list_hash"]

    assert client.post(address_of(provider, "/believe"), data={"list_hash": "0"}).status_code == 409
    assert client.post(address_of(provider, "/believe"), data={"list_hash": shown}).status_code == 303

    assert provider.absent == set(IDS[:5])
    assert "Believe this list" not in open_page(address_of(provider)).text


def test_another_account_is_accepted_on_the_page(provider: Provider, open_page: OpenPage, client: FlaskClient) -> None:
    provider.sync()
    provider.world.workspace_id = "workspace-2"
    provider.sync(LATER)
    page = open_page(address_of(provider))
    assert "another account than before" in page.text
    assert "Orphans" not in page.text

    assert client.post(address_of(provider, "/accept-account")).status_code == 303

    assert provider.voices == {}
    assert client.post(address_of(provider, "/accept-account")).status_code == 409
    assert "Accept this account" not in open_page(address_of(provider)).text


def test_a_source_of_the_platform_has_no_report(provider: Provider) -> None:
    platform = replace(get_source(EVERYTHING, provider.source_id), kind=SourceKind.BURKI)

    assert read_provider_report(platform) is None


def test_the_page_shows_slots_over_time_and_when_they_will_be_full(provider: Provider, open_page: OpenPage) -> None:
    provider.sync(LATER)
    page = open_page(address_of(provider))
    assert "No forecast yet: recorded for 0 days. A forecast needs 14. Recorded since 2026-11-22." in page.text

    today = (LATER.date() - FIRST).days
    add_slot_days(provider.source_id, "instant", [(today - days, 10 - days) for days in range(10, 0, -1)], limit=30)
    add_slot_days(provider.source_id, "instant", [(today - 30, 0)], limit=30)
    slots = open_page(address_of(provider)).root.one("section", id="slots")

    label = "Instant voices slots in use from 2026-08-25 to 2026-11-22: 10 at the end, at most 10."
    assert slots.one("svg").attributes["aria-label"] == label
    assert re.search(r"Full in about \d+ days \(\d\.\d more slots a week, by the last 28 days\)\.", slots.text)
