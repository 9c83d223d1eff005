"""The bulk load of a benchmark database, compared with voices that were written one by one, with all triggers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from tests.benchmarks.database import Plan, fill_database
from tests.benchmarks.loader import load_voices
from tests.factories import make_organization, make_voice, voice_row
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.totals.queries import find_wrong_totals
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters

TABLES = ("cloned_voice", "voice_stats", "provider_totals", "provider_day_totals", "shared_provider_voice_ref")
INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'cloned_voice'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'cloned_voice'",
}


def read_database(acme: Organization, now: datetime) -> dict[str, Any]:
    """Return all rows of voices and of what triggers derive from them, the result of a search, and the indexes."""
    found: dict[str, Any] = {}
    for name in TABLES:
        columns = [column for column in Base.metadata.tables[name].columns if column.name != "shard"]
        found[name] = set(db.session.execute(select(*columns)).all())
    found["search"] = [row.name for row in list_voices(acme.id, VoiceFilters(text="twin"), now=now).page.rows]
    found["indexes"] = set(db.session.execute(text(INDEXES[db.engine.dialect.name])).all())
    return found


def test_a_loaded_database_is_the_same_as_one_whose_triggers_ran(app: Flask, now: datetime) -> None:
    acme = make_organization()
    rows = [
        *(voice_row(provider_voice_id=f"p{number % 9}", synthesis_count=number) for number in range(12)),
        voice_row(name="A twin", last_used_at=now, synthesis_count=2**40),
        voice_row(name="Another twin", provider_voice_id=""),
    ]
    load_voices([(acme.id, row) for row in rows])
    loaded = read_database(acme, now)
    with write_transaction():
        for name in TABLES:
            db.session.execute(Base.metadata.tables[name].delete())

    for row in rows:
        make_voice(acme, **row._asdict())

    assert loaded == read_database(acme, now)
    assert loaded["search"] == ["A twin", "Another twin"]


def test_triggers_run_after_a_load(app: Flask, now: datetime) -> None:
    acme = make_organization()
    load_voices([(acme.id, voice_row())])

    make_voice(acme, name="A twin")

    assert find_wrong_totals() == []
    assert [row.name for row in list_voices(acme.id, VoiceFilters(text="twin"), now=now).page.rows] == ["A twin"]


def test_copies_have_the_same_voices_in_other_organizations(app: Flask) -> None:
    fill_database(Plan(60, 5, (20, 10, 8, 4), copies=3))

    names = text("SELECT name FROM cloned_voice WHERE organization_id = :organization ORDER BY id")
    lists = [db.session.scalars(names, {"organization": organization}).all() for organization in range(1, 16)]
    assert lists[:5] == lists[5:10] == lists[10:]
    assert [len(voices) for voices in lists[:5]] == [20, 10, 8, 4, 18]
    assert find_wrong_totals() == []
