"""Times of a list that many API keys poll with the default rate limit, and the writes that the limits cause.

Each key asks every five seconds. The time of a response starts when its request is due, so that a server that falls
behind cannot hide it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select

from tests.benchmarks.client import BadResponse, Client
from tests.benchmarks.credentials import SETTINGS
from tests.benchmarks.database import BenchmarkDatabase
from tests.benchmarks.servers import TWO_WORKERS, start_server
from voiceadmin import create_app
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.tokens import KEY_PREFIX, hash_token

EVERY = 5.0  # seconds between two requests of a key
CONNECTIONS = 50
NAME = "polling"  # of the keys


class Polling(NamedTuple):
    """The result of polling.

    Attributes:
        keys: how many keys polled.
        refused: responses with another status than 200.
        median, percentile_99: milliseconds of a response.
        writes: rate limits written per second.
    """

    keys: int
    refused: int
    median: float
    percentile_99: float
    writes: float


class _Database(BenchmarkDatabase):
    """A database whose server has the default rate limit."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of a server for this database."""
        return {name: value for name, value in super().environ.items() if name not in SETTINGS}


def measure_polling(database: BenchmarkDatabase, organization: int, keys: int, rounds: int) -> Polling:
    """Let this many keys poll the list of an organization. The first of the rounds is not measured."""
    tokens = [f"{KEY_PREFIX}{number:043d}" for number in range(keys)]
    _create_keys(database, tokens)
    path = f"/api/v1/assistants/{organization}/cloned-voices"
    served = _Database(database.plan, database.folder, database.address)
    with start_server(TWO_WORKERS, served, "/healthz") as server, ThreadPoolExecutor(CONNECTIONS) as pool:
        begin = time.perf_counter() + 0.2
        parts = pool.map(
            lambda first: _poll(server.port, path, tokens, range(first, keys * rounds, CONNECTIONS), begin),
            range(CONNECTIONS),
        )
        results = [result for part in parts for result in part]
        writes = _count_written(database) / EVERY
    times = sorted(milliseconds for number, _, milliseconds in results if number >= keys)
    refused = sum(status != 200 for _, status, _ in results)
    return Polling(keys, refused, times[len(times) // 2], times[len(times) * 99 // 100], writes)


def _poll(port: int, path: str, tokens: Sequence[str], numbers: range, begin: float) -> list[tuple[int, int, float]]:
    """Send the requests of these numbers when they are due. Return number, status and milliseconds of each."""
    results, pause = [], threading.Event()
    with Client(port) as client:
        for number in numbers:
            due = begin + number * EVERY / len(tokens)
            pause.wait(max(0.0, due - time.perf_counter()))
            try:
                status = client.get(path, token=tokens[number % len(tokens)]).status
            except (BadResponse, OSError):
                status = 0
                client.close()
            results.append((number, status, (time.perf_counter() - due) * 1000))
    return results


def _create_keys(database: BenchmarkDatabase, tokens: Sequence[str]) -> None:
    """Replace the keys of an earlier run."""
    now = datetime.now(UTC)
    common = {"name": NAME, "hint": "", "all_organizations": True, "created_by": NAME, "created_at": now}
    with create_app(database.settings).app_context():
        with write_transaction():
            db.session.execute(delete(ApiKey).where(ApiKey.name == NAME))
            db.session.execute(delete(TokenBucket))
            db.session.execute(insert(ApiKey), [common | {"token_hash": hash_token(token)} for token in tokens])
        dispose_engine()


def _count_written(database: BenchmarkDatabase) -> int:
    """Return how many rate limits were written in the last EVERY seconds."""
    since = datetime.now(UTC).timestamp() - EVERY
    with create_app(database.settings).app_context():
        counted = db.session.scalar(select(func.count()).where(TokenBucket.counted_at > since))
        dispose_engine()
    return counted or 0
