"""The cost of a page of the voice list."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.factories import make_assistant, make_organization, put_voices, refill, voice_row
from tests.statements import record_statements
from tests.voices.listing.queries.scenario import FAILED, READY, make_rows
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.pagination import PAGE_SIZES
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("size", PAGE_SIZES)
def test_a_list_executes_two_statements_regardless_of_its_length(acme: Organization, now: datetime, size: int) -> None:
    make_assistant(acme)
    refill(acme, [voice_row() for _ in range(size + 1)])

    with record_statements() as statements:
        list_voices(acme.id, VoiceFilters(size=size), now=now)

    assert len(statements) == 2


def count_steps(work: Callable[[], Any]) -> int:
    """Return the number of virtual machine steps that SQLite executes for a call."""
    db.session.rollback()
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    steps = count()
    connection.set_progress_handler(lambda: next(steps) and 0, 1)
    work()
    connection.set_progress_handler(None, 0)
    return next(steps)


def optimize_search_index() -> None:
    """Merge the segments of the search index, as SQLite does by itself after a while."""
    with write_transaction():
        db.session.execute(text("INSERT INTO voice_search (voice_search) VALUES ('optimize')"))


PAGES: dict[str, dict[str, Any]] = {
    "all": {},
    "status-and-provider": {"statuses": (READY,), "providers": ("resemble",)},
    "tier": {"tiers": (QualityTier.POOR,)},
    "use": {"uses": (VoiceUse.NEVER,)},
    "idle": {"uses": (VoiceUse.IDLE_30,)},
    "language": {"languages": ("de",)},
    "text": {"text": "voice 12"},
    "by-name": {"order": VoiceOrder.NAME_ASCENDING},
    "last-page": {"page": 10, "size": 25},
}


def test_voices_of_other_organizations_do_not_slow_a_page(sqlite_app: Flask, now: datetime) -> None:
    acme = make_organization()
    put_voices(acme, make_rows(250))
    lists = {name: VoiceFilters(**filters) for name, filters in PAGES.items()}

    def costs() -> dict[str, int]:
        optimize_search_index()
        return {name: count_steps(lambda: list_voices(acme.id, filters, now=now)) for name, filters in lists.items()}  # noqa: B023

    put_voices(make_organization("Other"), make_rows(1000))
    before = costs()
    put_voices(make_organization("Larger"), make_rows(4500))
    for _ in range(9):
        put_voices(make_organization("One of many"), make_rows(500))
    after = costs()

    assert {name: (before[name], cost) for name, cost in after.items() if cost > 1.1 * before[name]} == {}


@pytest.mark.parametrize("order", VoiceOrder)
def test_the_first_and_the_last_page_cost_the_same_in_an_organization_ten_times_as_large(
    sqlite_app: Flask, now: datetime, order: VoiceOrder
) -> None:
    small, large = make_organization("Small"), make_organization("Large")
    put_voices(small, make_rows(300))
    put_voices(large, make_rows(3000))
    filter_arguments: list[dict[str, Any]] = [
        {},
        {"statuses": (READY,)},
        {"statuses": (READY, FAILED)},
        {"providers": ("resemble",)},
        {"statuses": (FAILED,), "providers": ("resemble",)},
    ]

    def costs(organization: Organization, filters: VoiceFilters) -> list[int]:
        last = list_voices(organization.id, filters, now=now).page.last_page
        ends = filters, filters.with_changes(page=last)
        return [count_steps(lambda: list_voices(organization.id, end, now=now)) for end in ends]  # noqa: B023

    for arguments in filter_arguments:
        filters = VoiceFilters(**arguments, order=order, size=25)
        for of_small, of_large in zip(costs(small, filters), costs(large, filters), strict=True):
            assert of_large < 1.5 * of_small, arguments
