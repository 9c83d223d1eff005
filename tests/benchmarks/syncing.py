"""Costs of syncs of one large organization, and of a provider, over loopback, compared with only reading their lists.

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
from sqlalchemy import text

from tests.benchmarks.database import TODAY, generate_voice
from tests.benchmarks.writes import BENCH, open_database
from tests.factories import make_organization, put_voices, voice_row
from tests.upstream import elevenlabs
from tests.upstream.burki import VOICES, BurkiWorld, make_assistant
from tests.upstream.server import Request, Response, StandIn
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import Base, db
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import create_source, require_source
from voiceadmin.sources.actions.orphans import read_orphan_slots
from voiceadmin.sources.actions.provider_reading import read_provider
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.clients.burki import build_headers
from voiceadmin.sources.clients.outcomes import Complete
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.connecting import build_connection
from voiceadmin.sources.types import NewSource, SourceKind, SyncReport, SyncResult
from voiceadmin.voices.json_body import voice_to_json

T = TypeVar("T")

# What a sync without news may write: about itself, and when it has read what.
OF_SYNCS = ("source", "sync_run", "provider_listing", "slot_use")

PEAK = "VmHWM:"  # the line of /proc/self/status with the largest memory of the process, in KiB


class Measured(NamedTuple):
    """What one step costs.

    Attributes:
        seconds: of the wall clock.
        processor: seconds of this process, which includes the stand-in. Other programs do not change it much.
        memory: MiB by which the memory of the process grew at most.
    """

    seconds: float
    processor: float
    memory: float


class SyncTimes(NamedTuple):
    """What was measured.

    Attributes:
        download: only reading the lists, and decoding them.
        again: a sync without news.
        changed: one in which a hundredth of the voices has changed.
    """

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
            _check(report, added, changed)
            return measured

        download, _ = _measure(lambda: _download(upstream.address))
        first = sync(voices, 0)
        again = _without_writes(lambda: sync(0, 0))
        for record in records[::100]:
            record["synthesis_count"] += 1
        body[0] = _encode(records)
        return SyncTimes(download, first, again, sync(0, len(records[::100])))


def measure_provider_syncs(folder: Path, voices: int) -> tuple[SyncTimes, Measured]:
    """Measure syncs of ElevenLabs with this many voices, all of which an organization names.

    Returns:
        The times of the syncs, with verdicts, and that of counting the orphans.
    """
    listed = [elevenlabs.make_voice(f"voice-{number:07}") for number in range(voices)]
    world = elevenlabs.ElevenLabsWorld(listed)
    with world.start().run() as upstream, open_database(Settings(instance=folder)):
        new = NewSource(None, SourceKind.ELEVENLABS, "Bench", upstream.address, "UPSTREAM_KEY_BENCH")
        id = create_source(EVERYTHING, new, Settings(instance=folder), by=BENCH, now=TODAY)
        put_voices(make_organization(), [voice_row(provider_voice_id=voice["voice_id"]) for voice in listed])
        renew_verdicts(AttentionThresholds(), now=TODAY)

        def sync(minutes: int, added: int, changed: int) -> Measured:
            measured, report = _measure(lambda: _sync(id, folder, minutes))
            _check(report, added, changed)
            return measured

        download, _ = _measure(lambda: _read_provider(id, folder))
        first = sync(0, voices, 0)
        renew_verdicts(AttentionThresholds(), now=TODAY)
        again = _without_writes(lambda: sync(5, 0, 0))
        for voice in listed[::100]:
            voice["safety_control"] = "BAN"
        changed = sync(10, 0, len(listed[::100]))
        orphans, _ = _measure(lambda: read_orphan_slots(id))
        return SyncTimes(download, first, again, changed), orphans


def _read_provider(source_id: int, folder: Path) -> int:
    """Read all lists of a provider, and return how many voices they have."""
    connection = build_connection(require_source(source_id), Settings(instance=folder), {"UPSTREAM_KEY_BENCH": "key"})
    db.session.rollback()
    with read_provider(connection, lambda _: None) as snapshot:
        return sum(len(outcome.items) for outcome in snapshot.listings.values() if isinstance(outcome, Complete))


def _check(report: SyncReport, added: int, changed: int) -> None:
    counts = (report.counts.added, report.counts.changed)
    assert (report.result, counts) == (SyncResult.COMPLETE, (added, changed)), report


def _without_writes(measure: Callable[[], T]) -> T:
    """Return what a step returns. It may write about itself, but no voice, verdict or audit event."""
    before = _dump()
    result = measure()
    assert _dump() == before, "A sync without news has written."
    return result


def _dump() -> dict[str, int]:
    """Return a hash of each table but those of the syncs themselves."""
    names = [name for name in Base.metadata.tables if name not in OF_SYNCS]
    hashes = {name: hash(tuple(db.session.execute(text(f"SELECT * FROM {name}")))) for name in names}
    db.session.rollback()
    return hashes


def _encode(records: list[dict[str, object]]) -> bytes:
    return json.dumps({"success": True, "cloned_voices": records}).encode()


def _download(address: str) -> int:
    """Download the list into a file, and decode it at once."""
    with Transport(address, build_headers("key")) as transport, tempfile.TemporaryFile() as file:
        transport.download(VOICES, None, file)
        file.seek(0)
        return len(json.load(file)["cloned_voices"])


def _sync(source_id: int, folder: Path, minutes: int = 0) -> SyncReport:
    environ, settings, now = {"UPSTREAM_KEY_BENCH": "key"}, Settings(instance=folder), TODAY + timedelta(hours=1)
    return sync_source(EVERYTHING, source_id, settings, by=BENCH, now=now + timedelta(minutes=minutes), environ=environ)


def _measure(function: Callable[[], T]) -> tuple[Measured, T]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the former peak
    before, start, processor = _read_peak(), time.perf_counter(), time.process_time()
    result = function()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    return Measured(seconds, processor, (_read_peak() - before) / 1024), result


def _read_peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(PEAK)).split()[1])


def main() -> None:
    """Measure and print all costs, with the ratio of the processor times to reading the lists alone."""
    voices = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        _report("Platform", measure_syncs(Path(folder), voices))
    with tempfile.TemporaryDirectory() as folder:
        times, orphans = measure_provider_syncs(Path(folder), voices)
    _report("Provider", times)
    click.echo(f"  orphans: {orphans.seconds:7.2f} s, {orphans.processor:7.2f} s of processor time")


def _report(title: str, times: SyncTimes) -> None:
    click.echo(title)
    for name, measured in times._asdict().items():
        ratios = [measured.processor / base.processor for base in (times.download, times.first)]
        texts = (f"{measured.seconds:7.2f} s", f"{measured.processor:7.2f} s of processor time")
        click.echo(f"{name:>9}: {', '.join(texts)}, {ratios[0]:5.1f} x, {ratios[1]:6.1%}, {measured.memory:5.0f} MiB")


if __name__ == "__main__":
    main()
