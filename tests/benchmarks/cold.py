"""Times of first requests: the server has just started, and its process has read nothing from the database yet.

Each sample is a new server that gets one request. The database is in the page cache of the operating system, unless
`from_disk`, where SQLite's file has left it. PostgreSQL keeps pages in its own memory as well, so that it has no such
figure.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from tests.benchmarks import dashboard
from tests.benchmarks.client import Client
from tests.benchmarks.dashboard import measure_response
from tests.benchmarks.database import BenchmarkDatabase
from tests.benchmarks.servers import ADDRESSES, KINDS, OURS, Page, start_server

PAGES = {name: path for name, path in dashboard.PAGES.items() if not name.startswith("JSON")} | {
    "Providers, one organization": "/providers?organization=1",
    "Clean-up, one organization": "/clean-up?organization=1",
}
LIST, JSON = "Voice list", "JSON of the smallest list"
WITHOUT_DATABASE = "/healthz"


class ColdTimes(NamedTuple):
    """Milliseconds of first requests. from_disk: one with nothing in memory, or None if it was not measured."""

    median: float
    percentile_95: float
    from_disk: float | None


def build_pages(database: BenchmarkDatabase) -> dict[str, str]:
    """The measured addresses by name. One organization is the largest."""
    voice_list, json = ADDRESSES[OURS].page, ADDRESSES[OURS].json
    assert voice_list is not None
    assert json is not None
    big = database.plan.big
    return PAGES | {LIST: voice_list(Page(big.index(big[2]) + 1)), JSON: json(len(big))}


def measure_cold(database: BenchmarkDatabase, samples: int) -> dict[str, ColdTimes]:
    """Measure this many first requests for each page, in turn."""
    pages = build_pages(database)
    from_disk = {name: _measure_from_disk(database, path) for name, path in pages.items()}
    taken = defaultdict(list)
    for _ in range(samples):
        for name, path in pages.items():
            taken[name].append(_measure_first_request(database, path))
    return {name: ColdTimes(median(times), percentile_95(times), from_disk[name]) for name, times in taken.items()}


def percentile_95(times: Sequence[float]) -> float:
    """The 95th percentile, or the largest of a few times."""
    return max(times) if len(times) < 20 else quantiles(times, n=20)[-1]


def _measure_first_request(database: BenchmarkDatabase, path: str) -> float:
    """Start a server and return the milliseconds of its first request that reads the database."""
    with start_server(KINDS[OURS], database, WITHOUT_DATABASE) as server, Client(server.port) as client:
        return measure_response(client, path)


def _measure_from_disk(database: BenchmarkDatabase, path: str) -> float | None:
    if database.address is not None or not hasattr(os, "posix_fadvise"):
        return None
    for file in (database.file, database.file.with_name(f"{database.file.name}-wal")):
        _drop_from_page_cache(file)
    return _measure_first_request(database, path)


def _drop_from_page_cache(file: Path) -> None:
    """Ask the operating system to forget the contents of a file."""
    if file.exists():
        with file.open("rb") as opened:
            os.fsync(opened)
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
