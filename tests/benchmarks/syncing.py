"""Times of syncs of one large organization over loopback, compared with only downloading and decoding its list.

Run with: .venv/test/bin/python -P -m tests.benchmarks.syncing [VOICES]
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from tests.benchmarks.database import TODAY, generate_voice
from tests.benchmarks.writes import BENCH, open_database
from tests.upstream.burki import VOICES, BurkiWorld, make_assistant
from tests.upstream.server import Request, Response, StandIn
from voiceadmin.config import Settings
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.clients.burki import build_headers
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.types import NewSource, SourceKind, SyncReport, SyncResult
from voiceadmin.voices.json_body import voice_to_json

T = TypeVar("T")

PEAK = "VmHWM:"  # the line of /proc/self/status with the largest memory of the process, in KiB


class Measured(NamedTuple):
    """Seconds, and MiB by which the memory of the process grew at most."""

    seconds: float
    memory: float


class SyncTimes(NamedTuple):
    """What was measured. again: a sync without news. changed: one in which a hundredth of the voices has changed."""

    download: Measured
    first: Measured
    again: Measured
    changed: Measured


def measure_syncs(folder: Path, voices: int) -> SyncTimes:
    """Measure syncs of an organization with this many voices into an empty SQLite database."""
    generator = random.Random(5)
    records = [voice_to_json(generate_voice(id, generator)) for id in range(1, voices + 1)]
    world, body = BurkiWorld([make_assistant(31)]), [_encode(records)]

    def answer(request: Request) -> Response:
        return Response(body=body[0]) if request.path == VOICES else world.answer(request)

    with StandIn(answer).run() as upstream, open_database(Settings(instance=folder)):
        new = NewSource(None, SourceKind.BURKI, "Bench", upstream.address, "UPSTREAM_KEY_BENCH")
        id = create_source(EVERYTHING, new, Settings(instance=folder), by=BENCH, now=TODAY)

        def sync(added: int, changed: int) -> Measured:
            measured, report = _measure(lambda: _sync(id, folder))
            counts = (report.counts.added, report.counts.changed)
            assert (report.result, counts) == (SyncResult.COMPLETE, (added, changed)), report
            return measured

        download, _ = _measure(lambda: _download(upstream.address))
        first, again = sync(voices, 0), sync(0, 0)
        for record in records[::100]:
            record["synthesis_count"] += 1
        body[0] = _encode(records)
        return SyncTimes(download, first, again, sync(0, len(records[::100])))


def _encode(records: list[dict[str, object]]) -> bytes:
    return json.dumps({"success": True, "cloned_voices": records}).encode()


def _download(address: str) -> int:
    """Download the list into a file, and decode it at once."""
    with Transport(address, build_headers("key")) as transport, tempfile.TemporaryFile() as file:
        transport.download(VOICES, None, file)
        file.seek(0)
        return len(json.load(file)["cloned_voices"])


def _sync(source_id: int, folder: Path) -> SyncReport:
    environ, settings = {"UPSTREAM_KEY_BENCH": "key"}, Settings(instance=folder)
    return sync_source(EVERYTHING, source_id, settings, by=BENCH, now=TODAY + timedelta(hours=1), environ=environ)


def _measure(function: Callable[[], T]) -> tuple[Measured, T]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the former peak
    before, start = _read_peak(), time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    return Measured(seconds, (_read_peak() - before) / 1024), result


def _read_peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(PEAK)).split()[1])


def main() -> None:
    """Measure and print all times with their ratio to the download."""
    voices = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        times = measure_syncs(Path(folder), voices)
    for name, measured in times._asdict().items():
        ratio = measured.seconds / times.download.seconds
        click.echo(f"{name:>9}: {measured.seconds:7.2f} s, {ratio:5.1f} x, {measured.memory:6.0f} MiB")


if __name__ == "__main__":
    main()
