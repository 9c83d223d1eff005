"""Fixtures for sources: a running stand-in of ElevenLabs, and settings with which keys can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import stamina
from flask import Flask

from tests.sources.scenario import ENCRYPTION_KEY, KEY, Provider
from tests.upstream.elevenlabs import ALL_RIGHTS, ElevenLabsWorld, make_voice
from voiceadmin.config import Settings


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A workspace with two voices that knows KEY only."""
    world = ElevenLabsWorld([make_voice("voice1"), make_voice("voice2")])
    world.keys = {KEY: ALL_RIGHTS}
    with stamina.set_testing(True, attempts=1), world.start().run() as server:
        yield Provider(world, server)


@pytest.fixture
def settings(shared_app: Flask) -> Settings:
    """The settings of the application, with an encryption key."""
    settings: Settings = shared_app.config["VOICEADMIN"]
    return replace(settings, encryption_keys=(ENCRYPTION_KEY,))


@pytest.fixture
def storing_app(app: Flask, settings: Settings) -> Flask:
    """The application with these settings."""
    app.config["VOICEADMIN"] = settings
    return app
