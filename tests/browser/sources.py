"""Sources whose keys were tested by stand-ins of ElevenLabs."""

from __future__ import annotations

from datetime import datetime, timedelta

import stamina

from tests.conftest import SHELL
from tests.factories import DAY
from tests.sources.scenario import ENCRYPTION_KEY, KEY, describe_source, make_source
from tests.upstream.elevenlabs import ElevenLabsWorld
from voiceadmin.config import Settings
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import check_source, disable_source

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


def fill_with_oversized_source(now: datetime, organization_id: int) -> None:
    """Add a source with long texts, whose key was changed to that of another account."""
    world = ElevenLabsWorld()
    with stamina.set_testing(True, attempts=1), world.start().run() as server:
        new = describe_source(organization_id, server.address, name="W" * 100, key_variable=LONG_VARIABLE)
        id = make_source(SETTINGS, new)
        for world.workspace_id in ("one", "two"):
            check_source(EVERYTHING, id, SETTINGS, by=SHELL, now=now, environ={LONG_VARIABLE: "key"})
    check_source(EVERYTHING, id, SETTINGS, by=SHELL, now=now, environ={})
