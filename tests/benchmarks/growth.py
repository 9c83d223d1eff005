"""Size and time of what a database consists of: voices, organizations, API keys and audit events."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import insert, text

from tests.benchmarks import loader
from tests.benchmarks.database import TODAY, Plan, create_organizations, generate_voices
from tests.benchmarks.writes import open_database
from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.audit.actions import record_events
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, ActorKind

SELECT_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}
BENCH = Actor(ActorKind.CLI, None, "bench")


class Cost(NamedTuple):
    """What a row costs, with its indexes: bytes, and microseconds to write it among many."""

    bytes: float
    microseconds: float


def measure_costs(settings: Settings, rows: int) -> dict[str, Cost]:
    """Fill an empty database, and return the cost of each kind of row. There are a hundred voices an organization."""
    organizations = rows // 100
    plan = Plan(rows, organizations, (rows // 2, rows // 10))
    with open_database(settings):
        return _fill(plan)


def _fill(plan: Plan) -> dict[str, Cost]:
    organizations, rows = plan.organizations, plan.voices
    return {
        "organization with an assistant": _measure(lambda: create_organizations(organizations), organizations),
        "voice": _measure(lambda: loader.load_voices(generate_voices(plan)), rows),
        "API key": _measure(lambda: add_keys(rows), rows),
        "audit event": _measure(lambda: add_events(rows), rows),
    }


def _measure(write: Callable[[], None], rows: int) -> Cost:
    before, start = _size(), time.perf_counter()
    write()
    return Cost((_size() - before) / rows, (time.perf_counter() - start) / rows * 1e6)


def _size() -> int:
    """Return the bytes of the database."""
    size = int(db.session.execute(text(SELECT_SIZE[db.engine.dialect.name])).scalar_one())
    db.session.rollback()
    return size


def add_keys(count: int, *, first: int = 1) -> None:
    """Add API keys, each for one of the first two organizations. first: the id of the first key."""
    ids = range(first, first + count)
    fixed = {"name": "Phone agent", "hint": "vak_abcd", "created_by": "admin@example.com", "created_at": TODAY}
    with write_transaction():
        db.session.execute(insert(ApiKey), [fixed | {"id": id, "token_hash": f"{id:064x}"} for id in ids])
        db.session.execute(insert(ApiKeyOrganization), [{"key_id": id, "organization_id": 1 + id % 2} for id in ids])


def add_events(count: int) -> None:
    """Record audit events such as those of an import that changes one field of each voice."""
    events = (
        (
            AuditTarget(ObjectKind.VOICE, id, f"Alder, warm {id}"),
            1 + id % 2,
            {"synthesis_count": id},
            {"synthesis_count": id + 1},
        )
        for id in range(count)
    )
    with write_transaction():
        record_events(AuditEventType.VOICE_CHANGED, events, by=BENCH, now=TODAY + timedelta(days=1), note="import")
