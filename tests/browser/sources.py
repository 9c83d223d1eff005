"""Sources whose keys were tested by stand-ins of ElevenLabs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta

import stamina

from tests.conftest import SHELL
from tests.factories import DAY
from tests.history.scenario import add_slot_days
from tests.sources.scenario import ENCRYPTION_KEY, KEY, describe_source, make_source
from tests.upstream.elevenlabs import ElevenLabsWorld
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import check_source, disable_source
from voiceadmin.sources.models import SlotUse, SyncRun
from voiceadmin.sources.types import RequestRow, SyncCounts

SETTINGS = Settings(encryption_keys=(ENCRYPTION_KEY,))
LONG_VARIABLE = "UPSTREAM_KEY_" + "W" * 100


def fill_with_sources(now: datetime, organization_id: int) -> None:
    """Add sources: 1 with a key that may only list voices, 2 never tested, 3 disabled, 4 with a wrong key."""
    world = ElevenLabsWorld()
    world.keys = {KEY: frozenset({"voices_read"})}
    with stamina.set_testing(True, attempts=1), world.start().run() as server:
        address = server.address
        make_source(SETTINGS, describe_source(organization_id, address, name="ElevenLabs, production"))
        make_source(SETTINGS, describe_source(None, name="Resemble", key_variable="UPSTREAM_KEY_RESEMBLE"))
        make_source(SETTINGS, describe_source(organization_id, name="Former account"))
        make_source(SETTINGS, describe_source(None, address, name="Wrong key", key="wrong"))
        for id in (1, 4):
            check_source(EVERYTHING, id, SETTINGS, by=SHELL, now=now - timedelta(hours=3))
    disable_source(EVERYTHING, 3, by=SHELL, now=now - DAY)
    _add_runs(now)
    add_slot_days(1, "instant", [(200, 3), (240, 9), (262, 12)], limit=30)
    with write_transaction():
        db.session.add(SlotUse(source_id=1, kind="instant", used=12, slot_limit=30, is_counted=False, read_at=now))


def _add_runs(now: datetime) -> None:
    """Add syncs of source 1: 1 with everything that a page can show, 2 whose process has died, 3 that runs."""
    target, fault = "/v2/voices?page_size=100&next_page_token=" + "w" * 60, "127.0.0.1 answered 503: Try again."
    requests = [("GET", target, 1, 503, 1204, 80, "r" * 60, fault), ("GET", target, 2, 200, 950, 65536, "", None)]
    counts = SyncCounts(assistants=2, added=1204, changed=3, unchanged=17, refused=1, missing=2, returned=1, reset=2)
    ended = {
        "ended_at": now - timedelta(hours=2, seconds=-75),
        "result": "incomplete",
        "message": "1 record could not be used, so that no voice counts as missing.",
        "counts": json.dumps(asdict(counts)),
        "requests": json.dumps([RequestRow(*request)._asdict() for request in requests]),
        "faults": json.dumps(
            ['Record 11, quality_score: "' + "7" * 60 + '" is out of range. Give a score from 0.0 to 1.0.']
        ),
    }
    running = {"progress": json.dumps(["reading", "voices", 12, 1204, None]), "progress_at": now}
    runs: tuple[tuple[datetime, dict[str, object]], ...] = (
        (now - timedelta(hours=2), ended),
        (now - timedelta(hours=1), {}),
        (now, running),
    )
    with write_transaction():
        for started_at, fields in runs:
            db.session.add(SyncRun(source_id=1, started_at=started_at, started_by="tester", **fields))
            db.session.flush()


def fill_with_oversized_source(now: datetime, organization_id: int) -> None:
    """Add a source with long texts, whose key was changed to that of another account."""
    world = ElevenLabsWorld()
    with stamina.set_testing(True, attempts=1), world.start().run() as server:
        new = describe_source(organization_id, server.address, name="W" * 100, key_variable=LONG_VARIABLE)
        id = make_source(SETTINGS, new)
        for world.workspace_id in ("one", "two"):
            check_source(EVERYTHING, id, SETTINGS, by=SHELL, now=now, environ={LONG_VARIABLE: "key"})
    check_source(EVERYTHING, id, SETTINGS, by=SHELL, now=now, environ={})
