"""How the work of pages grows with the database, as docs/scaling.md states it. Counts work, and no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from tests.benchmarks.database import Plan, create_organizations, fill_database, generate_voices, optimize_database
from tests.benchmarks.growth import add_events, add_keys
from tests.conftest import NOW, SHELL, app_on_empty_database, reset_sqlite
from tests.counted_work import SQLITE_UNIT, count_work
from tests.factories import connect_provider, make_account, put_verdicts, put_voices, sign_in, voice_row
from tests.history.scenario import add_days, day, noon
from tests.source_rows import add_source
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.history.actions import renewing_trends
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.history.actions.thinning import Limits, thin_history
from voiceadmin.history.models import HistoryProgress, VoiceDay
from voiceadmin.history.queries import DAYS_SHOWN, read_use_history
from voiceadmin.identity import EVERYTHING, OrganizationId
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sources.models import StoredProviderVoice
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

TOTALS = {
    "Overview": "/",
    "Triage": "/triage",
    "Triage, unused": "/triage?reason=unused",
    "Findings": "/api/v1/attention",
    "Providers": "/providers",
    "Providers, one organization": "/providers?organization=1",
    "Clean-up": "/clean-up",
    "Assistants": "/assistants",
    "Organizations": "/organizations",
}
LISTS = {
    "List": "/assistants/1/voices",
    "List, filtered": "/assistants/1/voices?status=ready&provider=elevenlabs",
}
OF_ONE_ORGANIZATION = {
    "Triage": "/triage?organization=1",
    "Providers": "/providers?organization=1",
    "Clean-up": "/clean-up?organization=1",
    "Search": "/assistants/1/voices?q=Alder",
}
OF_ALL_VOICES = {
    "JSON": "/api/v1/assistants/1/cloned-voices",
    "CSV": "/assistants/1/voices.csv",
}

SMALL = Plan(600, 6, (250, 100, 100, 50))
ADDED = 9 * SMALL.voices  # by the database that is ten times as large


@pytest.fixture(autouse=True)
def fixed_time(now: datetime) -> None:
    """Fix the clock, so that the same voices have findings in every run."""


def repeat_voices(copies: int) -> Iterator[tuple[int, VoiceRow]]:
    """Yield the voices of SMALL so many times, with other ids in the same organizations."""
    voices = list(generate_voices(SMALL))
    for copy in range(copies):
        for organization, row in voices:
            id = row.id + copy * SMALL.voices
            yield organization, row._replace(id=id, provider_voice_id=f"voice_{id}")


class Measure(Protocol):
    """Return the work of the first request for each page, in a database so many times as large as SMALL."""

    def __call__(self, paths: Mapping[str, str], *, voices: int = 1, organizations: int = 1) -> dict[str, int]: ...


@pytest.fixture
def measure(shared_app: Flask, sqlite_template: Path) -> Measure:
    def measure(paths: Mapping[str, str], *, voices: int = 1, organizations: int = 1) -> dict[str, int]:
        if shared_app.extensions[SQLITE_PATH] is not None:
            reset_sqlite(shared_app, sqlite_template)
        with app_on_empty_database(shared_app):
            fill_database(replace(SMALL, copies=organizations), repeat_voices(voices))
            optimize_database()
            client = sign_in(shared_app.test_client(), make_account("root@example.com", platform=True))
            return {name: count_page(client, path) for name, path in paths.items()}

    return measure


def count_page(client: FlaskClient, path: str, **headers: str) -> int:
    with count_work() as work:
        assert client.get(path, headers=headers).status_code == 200, path
    return work.amount


def test_more_voices_add_no_work_to_totals_and_lists(measure: Measure) -> None:
    pages = TOTALS | LISTS
    small, large = measure(pages), measure(pages, voices=10)

    added = {name: (large[name] - small[name]) / ADDED for name in pages}
    assert {name: work for name, work in added.items() if work > 0.3} == {}


def test_more_voices_add_work_to_what_contains_all_of_them(measure: Measure, shared_app: Flask) -> None:
    pages = dict(OF_ALL_VOICES)
    if shared_app.extensions[SQLITE_PATH] is None:
        del pages["JSON"]  # PostgreSQL counts by transaction, and this route reads without one
    small, large = measure(pages), measure(pages, voices=10)

    added = {name: (large[name] - small[name]) / ADDED for name in pages}
    assert {name: work for name, work in added.items() if not 1 < work < ADDED / 2} == {}


def test_other_organizations_add_no_work_to_the_pages_of_one(measure: Measure) -> None:
    pages = LISTS | OF_ONE_ORGANIZATION | OF_ALL_VOICES
    small, large = measure(pages), measure(pages, organizations=10)

    added = {name: (large[name] - small[name]) / ADDED for name in pages}
    assert {name: work for name, work in added.items() if work > 1} == {}


UNREADY = 200  # more than the header counts
UNREADY_PAGES = {
    "Header": "/activity",
    "Overview": "/",
    "Triage": "/triage",
    "Triage, unready": "/triage?reason=assistant-unready",
    "Findings": "/api/v1/attention",
}
# For each unready assistant: counting its entry of an index, and its provider for a filter. Reading its voice is more.
COUNTED = {"sqlite": 25, "postgresql": 2.5}


def add_unready_assistants(count: int, *, first: int) -> None:
    """Add assistants to the organization 1, each set to another archived voice."""
    refs = [(first + index, f"archived_{first + index}") for index in range(count)]
    rows = [voice_row(id=id, provider_voice_id=ref, status=VoiceStatus.ARCHIVED) for id, ref in refs]
    settings = {"organization_id": 1, "name": "Desk", "name_key": "desk", "tts_provider": "elevenlabs"}
    with write_transaction():
        upsert = upsert_statement(ClonedVoice)
        db.session.execute(upsert, [build_voice_columns(row, OrganizationId(1)) for row in rows])
        db.session.execute(insert(Assistant), [{"id": id, "tts_voice_id": ref} | settings for id, ref in refs])


def test_more_unready_assistants_add_the_work_of_counting_them_only(app: Flask) -> None:
    client = sign_in(app.test_client(), make_account("root@example.com", platform=True))
    create_organizations(1)
    works = []
    for first, count in ((1000, UNREADY), (1000 + UNREADY, 9 * UNREADY)):
        add_unready_assistants(count, first=first)
        optimize_database()
        works.append({name: count_page(client, path) for name, path in UNREADY_PAGES.items()})

    small, large = works
    added = {name: (large[name] - small[name]) / (9 * UNREADY) for name in UNREADY_PAGES}
    assert added.pop("Header") < 0.3
    assert {name: work for name, work in added.items() if work > COUNTED[db.engine.dialect.name]} == {}


OF_VERDICTS = {name: TOTALS[name] for name in ("Overview", "Triage", "Triage, unused", "Findings")}
OF_VERDICTS |= {"List, missing": "/assistants/1/voices?verdict=missing"}


def test_verdicts_that_are_no_findings_add_no_work_to_totals_and_to_the_list_of_findings(
    shared_app: Flask, sqlite_template: Path
) -> None:
    works = []
    for copies in (1, 10):
        if shared_app.extensions[SQLITE_PATH] is not None:
            reset_sqlite(shared_app, sqlite_template)
        with app_on_empty_database(shared_app):
            fill_database(SMALL, repeat_voices(copies))
            connect_provider(read_at=NOW)
            verdicts = dict.fromkeys(db.session.scalars(select(ClonedVoice.id)), "in-step")
            put_verdicts(verdicts | dict.fromkeys(list(verdicts)[:20], "missing"), since=NOW)
            optimize_database()
            client = sign_in(shared_app.test_client(), make_account("root@example.com", platform=True))
            works.append({name: count_page(client, path) for name, path in OF_VERDICTS.items()})

    small, large = works
    added = {name: (large[name] - small[name]) / ADDED for name in OF_VERDICTS}
    assert {name: work for name, work in added.items() if work > 0.3} == {}


OF_TRENDS = {"List, new use": "/assistants/1/voices?trend=new-use", "Use, 30 days": "/assistants/1/voices?column=use"}


def renew_all_trends(number: int) -> None:
    """Renew the trends of all voices."""
    with write_transaction():
        db.session.execute(update(HistoryProgress).values(trends_on=None))
    sum(renew_trends(now=noon(number)))


def test_voices_add_no_work_to_lists_with_trends_and_renewing_costs_by_the_voices_that_changed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing_trends, "PAUSE_SECONDS", 0)
    create_organizations(1)
    acme = db.session.get_one(Organization, 1)
    client = sign_in(app.test_client(), make_account("root@example.com", platform=True))
    today, works = (NOW.date() - day(0)).days, []
    for voices in (range(1, 101), range(101, 1001), range(1001, 4001)):
        put_voices(acme, [voice_row(id=id) for id in voices])
        first = {"day": day(today - 90), "synthesis_count": 0, "status": "ready"}
        with write_transaction():
            db.session.execute(insert(VoiceDay), [{"voice_id": id} | first for id in voices])
        if 1 in voices:
            add_days(1, [(today - 2, 100)])
        renew_all_trends(today - 2)
        optimize_database()
        with count_work() as work:
            assert sum(renew_trends(now=noon(today - 1))) == 1
        works.append({"Renewal": work.amount} | {name: count_page(client, path) for name, path in OF_TRENDS.items()})

    _, small, large = works  # the first round has fewer voices than a page and the header count
    added = {name: (large[name] - small[name]) / 3000 for name in small}
    assert {name: work for name, work in added.items() if work > 0.3} == {}


SOURCES = 100
LISTED = 20_000  # many more than rows that earlier tests deleted, whose index entries PostgreSQL counts
SOURCE_PAGES = {"Header": "/activity", "Overview": "/", "Triage": "/triage", "Findings": "/api/v1/attention"}
COUNTED_SOURCE = {"sqlite": 250, "postgresql": 25}  # each rule reads it


def add_sources(count: int, *, voices: int) -> None:
    """Add sources of the platform without findings, the first of them with voices."""
    with write_transaction():
        ids = [add_source(None, orphan_count=0) for _ in range(count)]
        voice = {"source_id": ids[0], "name": "", "state": "ready", "raw_state": "", "reason": "", "category": ""}
        more = {"is_ours": True, "slot": "instant", "language": "", "gender": "", "first_listed_at": NOW}
        rows = [{"voice_id": f"{ids[0]} {number}"} | voice | more for number in range(voices)]
        db.session.execute(insert(StoredProviderVoice), rows)


def test_voices_of_a_provider_add_no_work_to_a_page_and_sources_a_bounded_one(app: Flask) -> None:
    client = sign_in(app.test_client(), make_account("root@example.com", platform=True))
    works = []
    for sources, voices in ((1, 10), (1, LISTED), (SOURCES, 1)):
        add_sources(sources, voices=voices)
        optimize_database()
        works.append({name: count_page(client, path) for name, path in SOURCE_PAGES.items()})

    few, many, large = works
    assert {name: work - few[name] for name, work in many.items() if work - few[name] > 0.3 * LISTED} == {}
    added = {name: (large[name] - many[name]) / SOURCES for name in SOURCE_PAGES}
    assert {name: work for name, work in added.items() if work > COUNTED_SOURCE[db.engine.dialect.name]} == {}


ROWS = 200
CONSTANT_IN_ROWS = {
    "Activity": "/activity",
    "Activity of a day": "/activity?from=2026-11-01",
    "JSON": "/api/v1/assistants/1/cloned-voices",  # with an API key
}
LINEAR_IN_ROWS = {"Assistants": "/assistants", "Organizations": "/organizations", "API keys": "/api-keys"}


def test_events_and_keys_add_no_work_to_a_page_and_organizations_and_keys_some_to_their_lists(app: Flask) -> None:
    client = sign_in(app.test_client(), make_account("root@example.com", platform=True))
    pages, works = CONSTANT_IN_ROWS | LINEAR_IN_ROWS, []
    if db.engine.dialect.name == "postgresql":
        del pages["JSON"]  # as above
    key = create_api_key(EVERYTHING, "", None, expires_at=None, by=SHELL, now=NOW)
    for first, count in ((1, ROWS), (ROWS + 1, 9 * ROWS)):
        create_organizations(count, first=first)
        add_keys(count, first=first + 1)
        add_events(count)
        optimize_database()
        programs = {"JSON": {"Authorization": f"Bearer {key}"}}
        works.append({name: count_page(client, path, **programs.get(name, {})) for name, path in pages.items()})

    small, large = works
    added = {name: (large[name] - small[name]) / (9 * ROWS) for name in pages}
    assert {name: work for name, work in added.items() if work > (0.9 if name in CONSTANT_IN_ROWS else 100)} == {}
    assert {name for name, work in added.items() if work > 1} == set(LINEAR_IN_ROWS)


DAYS = 20
OTHER_VOICES = 100


def add_history(voices: range, days: range) -> None:
    """Write a row of each of these days for each voice."""
    for voice_id in voices:
        add_days(voice_id, [(number, number) for number in days])


def count_history(voice_id: int) -> int:
    with count_work() as work:
        assert read_use_history(voice_id, read_at=noon(400)) is not None
    return work.amount


def count_thinning(until: int) -> int:
    with count_work() as work:
        sum(thin_history(Limits(day(until), day(-1))))
    return work.amount


def test_the_history_of_a_voice_costs_by_its_own_newest_days_and_thinning_by_the_days_that_became_old(
    app: Flask,
) -> None:
    create_organizations(1)
    acme = db.session.get_one(Organization, 1)
    put_voices(acme, [voice_row(id=id) for id in range(1, OTHER_VOICES + 1)])
    works: dict[str, int] = {}
    add_history(range(1, 2), range(DAYS))
    works["alone"] = count_history(1)
    add_history(range(2, OTHER_VOICES + 1), range(DAYS))
    optimize_database()
    count_thinning(0)
    works["among others"], works["thinning"] = count_history(1), count_thinning(1)
    add_history(range(1, 2), range(DAYS, 400))
    add_history(range(2, OTHER_VOICES + 1), range(DAYS, 3 * DAYS))
    optimize_database()
    works["long"], works["thinning of a long one"] = count_history(1), count_thinning(2)

    shown = DAYS_SHOWN + 1
    assert works["among others"] <= works["alone"] + (SQLITE_UNIT if db.engine.dialect.name == "sqlite" else 5)
    assert works["long"] <= works["alone"] * 2 * shown / DAYS
    assert works["thinning of a long one"] <= 2 * works["thinning"]
