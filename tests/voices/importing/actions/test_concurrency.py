"""Concurrent imports and readers."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import voice_row
from tests.voices.importing.actions.scenario import (
    TARGET,
    lines,
    list_stored_voices,
    organization_names,
    outcomes,
    run_import,
)
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.models import ClonedVoice


def import_concurrently(app: Flask, imports: Iterable[tuple[bytes, ImportTarget]]) -> list[Any]:
    """Import several files concurrently, each in its own context. Return the reports or errors."""
    jobs = list(imports)
    results: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(index: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                results[index], _ = run_import(*jobs[index])
            except Exception as error:  # noqa: BLE001  # the test checks it
                results[index] = error
            db.session.remove()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_concurrent_imports_into_one_organization_write_all_voices(app: Flask) -> None:
    low = [voice_row(id=number) for number in range(1, 2001)]
    both = [voice_row(id=number, name="Shared") for number in range(2001, 2501)]
    high = [voice_row(id=number) for number in range(2501, 4501)]

    results = import_concurrently(app, [(lines(chain(low, both)), TARGET), (lines(chain(both, high)), TARGET)])

    assert sorted(outcomes(end) for end in results) == [(2000, 0, 500, 0), (2500, 0, 0, 0)]
    assert [row.name for row in list_stored_voices()] == [row.name for row in chain(low, both, high)]
    assert organization_names() == ["Assistant 31"]


def test_concurrent_imports_create_an_organization_once(app: Flask) -> None:
    imports: Iterator[tuple[bytes, ImportTarget]] = (
        (lines([voice_row(id=number)]), ImportTarget(number, organization="Acme")) for number in range(1, 9)
    )

    results = import_concurrently(app, imports)

    assert [outcomes(end) for end in results] == [(1, 0, 0, 0)] * 8
    assert organization_names() == ["Acme"]
    assert len(list_stored_voices()) == 8


def test_a_concurrent_reader_sees_no_change_before_the_commit(
    acme: Organization, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 100)
    seen: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            thread = threading.Thread(target=count_voices)
            thread.start()
            thread.join()
            return super().read(-1 if size is None else size)

    def count_voices() -> None:
        with app.app_context():
            seen.append(len(list(db.session.scalars(select(ClonedVoice.id)))))
            db.session.remove()

    rows = [voice_row(id=number) for number in range(10, 1210)]
    import_voices(Watched(lines(rows)), TARGET, by=SHELL, now=NOW, on_fault=print)

    assert len(seen) > 2
    assert set(seen) == {3}
    assert len(list_stored_voices()) == 1203
