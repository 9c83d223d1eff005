"""Fixtures for actions: retries without pauses, stand-ins, and a platform with a source."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.sources.actions.scenario import Platform, add_platform
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream.burki import BurkiWorld, make_assistant, make_voice

__all__ = ["_no_pauses", "run"]


@pytest.fixture
def world() -> BurkiWorld:
    """Two assistants, and ten voices of which the first was never used."""
    return BurkiWorld([make_assistant(31), make_assistant(32)], [make_voice(number) for number in range(801, 811)])


@pytest.fixture
def platform(app: Flask, world: BurkiWorld, run: Run) -> Platform:
    """A running Burki and a source with its key."""
    return add_platform(world, run(world.start()), app.config["VOICEADMIN"])
