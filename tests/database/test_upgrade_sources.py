"""What is known of sources, after an upgrade from schema 0016."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.database.schema import migrate_to
from voiceadmin.database.base import db
from voiceadmin.database.migrations import migrate
from voiceadmin.database.transactions import write_transaction
from voiceadmin.sources.models import SlotUse, Source

DAYS = [f"2026-02-0{day}T04:05:06.000000Z" for day in range(1, 8)]
BELIEVED, FAILING, NEW, PLATFORM, FAILING_PLATFORM = range(801, 806)
# Result and day of each sync, and by name the day on which each list was last complete.
SOURCES: Mapping[int, tuple[str, list[tuple[str, int]], Mapping[str, int | None]]] = {
    BELIEVED: ("elevenlabs", [("complete", 1), ("incomplete", 3)], {"voices": 3}),
    FAILING: ("inworld", [("complete", 1), ("failed", 2), ("", 3), ("incomplete", 4)], {"voices": 1, "clones": 1}),
    NEW: ("inworld", [("failed", 2)], {"voices": 1, "clones": None}),
    PLATFORM: ("burki", [("failed", 1), ("complete", 2), ("complete", 4), ("", 5)], {}),
    FAILING_PLATFORM: ("burki", [("complete", 1), ("incomplete", 3), ("failed", 5)], {}),
}


@pytest.fixture
def app_0016(old_app: Flask) -> Flask:
    """An application with a database of schema 0016, with sources and their syncs."""
    migrate_to("0016")
    with write_transaction():
        for id, (kind, runs, listings) in SOURCES.items():
            facts = {"id": id, "kind": kind, "name": "Voices", "address": "x", "created_by": "ada", "account_hash": ""}
            insert("source", facts | {"created_at": DAYS[0], "assistant_ids": "", "etags": ""})
            for result, day in runs:
                values = {"message": f"{result} {day}", "counts": "{}", "requests": "[]", "faults": "[]"}
                run = {"started_at": DAYS[day], "started_by": "ada", "result": result}
                insert("sync_run", {"source_id": id} | run | values)
            for name, complete in listings.items():
                row = {"name": name, "attempted_at": DAYS[6], "result": "", "message": "", "voices": 1, "withheld": ""}
                insert("provider_listing", {"source_id": id, "complete_at": complete and DAYS[complete]} | row)
        for kind, used, limit in (("instant", 27, 30), ("professional", 26, 30)):
            slots = {"kind": kind, "used": used, "slot_limit": limit, "is_counted": False, "read_at": DAYS[2]}
            insert("slot_use", {"source_id": FAILING} | slots)
    return old_app


def insert(table: str, values: Mapping[str, Any]) -> None:
    parameters = ", ".join(f":{name}" for name in values)
    db.session.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({parameters})"), dict(values))


def days_of(source_id: int) -> tuple[int | None, int | None, str]:
    """When the source was read, since when it is failing, and why."""
    source = db.session.get_one(Source, source_id)
    read, failing = (None if time is None else time.day - 1 for time in (source.read_at, source.failing_since))
    return read, failing, source.failure


def test_what_the_syncs_have_found_is_filled_in(app_0016: Flask) -> None:
    migrate()

    assert days_of(BELIEVED) == (3, None, "")
    assert days_of(FAILING) == (1, 2, "incomplete 4")
    assert days_of(NEW) == (None, 2, "failed 2")
    assert days_of(PLATFORM) == (4, None, "")
    assert days_of(FAILING_PLATFORM) == (1, 3, "failed 5")
    since = dict(db.session.execute(select(SlotUse.kind, SlotUse.nearly_full_since)).all())
    assert {kind: time and time.day - 1 for kind, time in since.items()} == {"instant": 2, "professional": None}


def test_a_downgrade_deletes_the_mutes_of_sources(app_0016: Flask) -> None:
    migrate()
    with write_transaction():
        mute = {"object_kind": "source", "object_id": PLATFORM, "reason": "source-failing", "fingerprint": "x"}
        insert("mute", mute | {"kind": "acknowledge", "muted_at": DAYS[1], "muted_by": "ada"})
    counts = "SELECT count(*) FROM mute WHERE object_kind = 'source'"
    assert db.session.scalar(text(counts)) == 1
    db.session.rollback()

    migrate_to("0016", down=True)

    assert db.session.scalar(text(counts)) == 0
