"""What writing costs through our own actions: one voice at a time, and many from a file.

Both go through `import_voices`, which reads, checks, compares, writes and
commits. The file is one voice a line, and its store is new and empty but
migrated; the one voice is of the organization of 1,000 in the measured store.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NoReturn

from tests.benchmarks.store import Store, some_voice
from voiceadmin import create_app
from voiceadmin.actions.importing import ImportTarget, import_voices
from voiceadmin.actions.store import let_go, prepare_store
from voiceadmin.config import Settings
from voiceadmin.db import db
from voiceadmin.formats.record import write_record
from voiceadmin.queries.voices import voices_answer
from voiceadmin.shapes import Fault, VoiceQuery


def change_ms(store: Store, organization: int, times: int = 100) -> float:
    """The median of so many changes of one voice, each a transaction; the last one leaves it as it was."""
    taken = []
    with _opened(store.settings):
        (record,) = json.loads(voices_answer(organization, VoiceQuery(limit=1)))["cloned_voices"]
        db.session.rollback()
        for number in range(2 * times):
            changed = record | {"synthesis_count": record["synthesis_count"] + (number + 1) % 2}
            file = io.BytesIO(json.dumps(changed).encode())
            start = time.perf_counter()
            report = import_voices(file, ImportTarget(organization), on_fault=_never)
            taken.append((time.perf_counter() - start) * 1000)
            assert report.changed == 1, report
    return median(taken)


def import_rate(folder: Path, voices: int) -> float:
    """Voices a second that come in from a file."""
    chance = random.Random(2)
    file = io.BytesIO(
        b"\n".join(json.dumps(write_record(some_voice(id, chance))).encode() for id in range(1, voices + 1))
    )
    with _opened(Settings(instance=folder)):
        start = time.perf_counter()
        report = import_voices(file, ImportTarget(1), on_fault=_never)
        taken = time.perf_counter() - start
        assert report.added == voices, report
    return voices / taken


@contextmanager
def _opened(settings: Settings) -> Iterator[None]:
    app = create_app(settings)
    with app.app_context():
        prepare_store()
        yield
        let_go()


def _never(fault: Fault) -> NoReturn:
    raise AssertionError(str(fault))
