"""Old days are thinned out to one row a week, and then to one in all."""

from __future__ import annotations

import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import make_assistant, make_organization, make_voice, voice_row
from tests.history.scenario import add_days, add_slot_days, day, import_on, list_days, list_slot_days, noon
from tests.sources.scenario import describe_source, make_source
from voiceadmin.database.base import db
from voiceadmin.history.actions import thinning
from voiceadmin.history.actions.thinning import Limits, thin_history
from voiceadmin.history.models import HistoryProgress
from voiceadmin.voices.importing import actions as importing

WEEKLY, DELETED = 32, 16  # the last days that are thinned out to weeks, and deleted
LIMITS = Limits(day(WEEKLY), day(DELETED))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thin two voices out in a transaction, without pauses."""
    monkeypatch.setattr(thinning, "BATCH_SIZE", 2)
    monkeypatch.setattr(thinning, "PAUSE_SECONDS", 0)


@pytest.fixture
def voices(app: Flask) -> dict[int, list[int]]:
    """Five voices, each with the numbers of its days. Day 0 is a Monday. The count of a day is its number."""
    organization, generator = make_organization(), random.Random(7)
    numbers = {
        make_voice(organization).id: list(range(45)),
        make_voice(organization).id: [3],
        make_voice(organization).id: [15, 16, 17, 22, 23, 32, 33, 34],
        **{make_voice(organization).id: sorted(generator.sample(range(45), 15)) for _ in range(2)},
    }
    for id, days in numbers.items():
        add_days(id, [(number, number) for number in days])
    return numbers


def find_week(number: int) -> int:
    """The first of the days of which the last one is kept, in plain Python."""
    return number if number > WEEKLY else number // 7 * 7


def keep(numbers: Iterable[int]) -> list[int]:
    """The days that are kept, in plain Python."""
    weekly = {find_week(number): number for number in sorted(numbers)}.values()
    last = [number for number in weekly if number <= DELETED][-1:]
    return last + [number for number in weekly if number > DELETED]


def list_numbers(voices: Iterable[int]) -> dict[int, list[int]]:
    return {id: [count for _, count, *_ in list_days(id)] for id in voices}


def test_the_last_day_of_each_period_is_kept(voices: dict[int, list[int]]) -> None:
    before = sum(map(len, voices.values()))
    deleted = sum(thin_history(LIMITS))

    kept = {id: keep(numbers) for id, numbers in voices.items()}
    assert list_numbers(voices) == kept
    assert list(kept.values())[:3] == [[13, 20, 27, *range(32, 45)], [3], [17, 23, 32, 33, 34]]
    assert deleted == before - sum(map(len, kept.values()))


def test_thinning_again_writes_nothing(voices: dict[int, list[int]]) -> None:
    list(thin_history(LIMITS))

    assert list(thin_history(LIMITS)) == []


def test_thinning_day_by_day_gives_the_same(voices: dict[int, list[int]]) -> None:
    for number in range(DELETED + 1):
        list(thin_history(Limits(day(number + WEEKLY - DELETED), day(number))))

    assert list_numbers(voices) == {id: keep(numbers) for id, numbers in voices.items()}


def test_a_history_is_right_after_every_transaction_and_is_thinned_out_to_the_end_by_the_next_call(
    voices: dict[int, list[int]],
) -> None:
    transactions = 0
    while list(islice(thin_history(LIMITS), 9)):  # stopped after nine transactions
        transactions += 9
        for id, numbers in list_numbers(voices).items():
            assert set(keep(voices[id])) <= set(numbers) <= set(voices[id])
        assert transactions < 2000

    assert list_numbers(voices) == {id: keep(numbers) for id, numbers in voices.items()}
    assert transactions > 50


def test_a_day_that_was_not_finished_is_thinned_out_again(voices: dict[int, list[int]]) -> None:
    next(thin_history(LIMITS))

    assert db.session.scalar(select(HistoryProgress)) is None


def test_later_limits_leave_what_is_thinned_out(voices: dict[int, list[int]]) -> None:
    list(thin_history(LIMITS))
    before = list_numbers(voices)
    list(thin_history(Limits(day(10), day(5))))
    list(thin_history(LIMITS))

    assert list_numbers(voices) == before


def test_an_import_goes_on_while_the_history_is_thinned_out(
    app: Flask, voices: dict[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 2)
    make_assistant(make_organization(), id=31)
    rows = [voice_row(synthesis_count=1) for _ in range(5)]
    import_on(40, *rows)
    thinned: list[int] = []

    def thin(written: int, total: int) -> None:
        def run() -> None:
            with app.app_context():
                thinned.extend(thin_history(LIMITS))

        with ThreadPoolExecutor(1) as threads:
            threads.submit(run).result(timeout=60)

    import_on(41, *(row._replace(synthesis_count=2) for row in rows), on_written=thin)

    assert sum(thinned) > 30
    assert list_numbers(voices) == {id: keep(numbers) for id, numbers in voices.items()}
    assert list_numbers(row.id for row in rows) == {row.id: [1, 2] for row in rows}


def test_slots_are_thinned_out_by_source_and_kind(app: Flask) -> None:
    first, second = (
        make_source(app.config["VOICEADMIN"], describe_source(key_variable="UPSTREAM_KEY_TEST")) for _ in range(2)
    )
    for source, kind in ((first, "instant"), (first, "professional"), (second, "instant")):
        add_slot_days(source, kind, [(number, number) for number in range(45)], limit=None)
    add_slot_days(second, "professional", [(3, 3)], limit=None)
    assert sum(thin_history(LIMITS)) == 3 * (45 - len(keep(range(45))))

    for source in (first, second):
        kept = [used for kind, _, used, _ in list_slot_days(source) if kind == "instant"]
        assert kept == keep(range(45))
    assert [used for kind, _, used, _ in list_slot_days(second) if kind == "professional"] == [3]


def test_limits_are_days_and_years_before_today() -> None:
    assert Limits.build(400, 2, now=noon(1000)) == (day(600), day(1000 - 730))
