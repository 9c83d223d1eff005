"""A provider, its key, and a source for it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.conftest import NOW, SHELL
from tests.upstream.elevenlabs import ElevenLabsWorld
from tests.upstream.server import StandIn
from voiceadmin.config import Settings
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.types import NewSource, SourceKind

KEY = "sk-planted-0123456789"

ENCRYPTION_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

NEWER_ENCRYPTION_KEY = "YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="

NOWHERE = "http://127.0.0.1:9"  # nothing listens there


class Provider(NamedTuple):
    """A running stand-in of ElevenLabs."""

    world: ElevenLabsWorld
    server: StandIn


def describe_source(organization_id: int | None = None, address: str = NOWHERE, **fields: Any) -> NewSource:
    """A source with a stored key, unless a variable is named."""
    key = "" if "key_variable" in fields else KEY
    values: dict[str, Any] = {"kind": SourceKind.ELEVENLABS, "name": "Voices", "address": address, "key": key}
    return NewSource(organization_id, **(values | fields))


def make_source(settings: Settings, new: NewSource, scope: Scope = EVERYTHING) -> int:
    """Create a source and return its id."""
    return create_source(scope, new, settings, by=SHELL, now=NOW)
