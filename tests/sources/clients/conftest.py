"""Fixtures for clients: retries without pauses, and stand-ins that are stopped after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import stamina

from tests.upstream.server import StandIn
from voiceadmin.sources.clients.outcomes import RequestRecord
from voiceadmin.sources.clients.transport import ATTEMPTS, Transport

Run = Callable[[StandIn], StandIn]
Connect = Callable[..., Transport]


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that starts a stand-in."""
    with ExitStack() as stack:
        yield lambda stand_in: stack.enter_context(stand_in.run())


@pytest.fixture
def records() -> list[RequestRecord]:
    """The records of all attempts of the test."""
    return []


@pytest.fixture
def connect(records: list[RequestRecord]) -> Iterator[Connect]:
    """Return a function that returns a transport to a stand-in or an address."""
    with ExitStack() as stack:

        def open_transport(target: StandIn | str, **headers: str) -> Transport:
            address = target if isinstance(target, str) else target.address
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return stack.enter_context(Transport(address, named, records.append))

        yield open_transport
