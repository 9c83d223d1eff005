"""The benchmarks, in full over a tiny store: everything is made, started, checked, asked, told and stopped."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import servers
from tests.benchmarks.client import BadAnswer, fetch
from tests.benchmarks.measure import Results
from tests.benchmarks.peers.words import FIELDS
from tests.benchmarks.report import Figure, as_json, figures, lines, write
from tests.benchmarks.servers import KINDS, OURS, RAW, TABLE, Page, installed, started
from tests.benchmarks.store import DatabaseIdentity, Plan, Touch, make_store, plain_store, voices

TINY = Plan(400, 12, (200, 60, 80, 20))
EFFORT = benchmarks.Effort(TINY, 1, 0.01, 2, 1, 0.05, 1, 30, 30, 1, 3, 50)
CHOSEN = (OURS, RAW)
ALL_CHOSEN = (OURS, TABLE, "Django admin", RAW)  # with --long: each server takes seconds to start


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DatabaseIdentity:
    """A tiny store, in a folder with a blank."""
    return make_store(TINY, tmp_path_factory.mktemp("bench") / "a folder", lambda line: None)


def test_everything_is_measured_and_told(store: DatabaseIdentity, tmp_path: Path, long: bool) -> None:
    kinds = [KINDS[name] for name in (ALL_CHOSEN if long else CHOSEN) if installed(KINDS[name])]

    results, found = benchmarks.run(EFFORT, store.folder.parent, kinds, postgres=False)
    write(tmp_path / "results.json", as_json(results, found, TINY))

    text = "\n".join(lines(results, found))
    document = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert all(name in text for name in results.rounds)
    assert set(document["medians_ms"]["JSON of 80"]) >= {OURS, RAW}
    assert not any(rate.errors for rates in results.rates.values() for rate in rates)
    asked = [figure for figure in found if not any(word in figure.what for word in ("PostgreSQL", "page 1 of", "peer"))]
    assert {figure.what for figure in asked if figure.met is None} <= {
        f"JSON of {size}: {peer} against us" for size in (20, 80, 200) for peer in ("FastAPI", "Datasette")
    }


def test_the_rows_are_the_same_every_time() -> None:
    assert list(voices(TINY)) == list(voices(TINY))
    assert [sum(owner == id for owner in TINY.owners()) for id in (1, 2, 3, 4)] == list(TINY.big)


def test_a_finished_store_is_used_again(store: DatabaseIdentity) -> None:
    said: list[str] = []

    again = make_store(TINY, store.folder.parent, said.append)

    assert (again.file, said) == (store.file, [])


def test_peers_may_have_a_table_of_their_own_with_the_same_rows(store: DatabaseIdentity) -> None:
    plain = plain_store(store)

    rows = []
    for file in (store.file, plain.file):
        connection = sqlite3.connect(file)
        rows.append(connection.execute(f"SELECT {', '.join(FIELDS)}, organization_id FROM cloned_voice").fetchall())
        connection.close()

    assert sorted(rows[0], key=repr) == sorted(rows[1], key=repr) != []


def test_a_touch_moves_the_tag_and_two_leave_the_list_as_it_was(store: DatabaseIdentity) -> None:
    touch = Touch(store)
    with started(KINDS[OURS], store) as server:
        path = servers.ADDRESSES[OURS].answer
        assert path is not None
        answers = []
        for _ in range(3):
            answers.append(fetch(server.port, path(4)))
            touch(4)
        touch.close()
        answers.append(fetch(server.port, path(4)))

    assert len({answer.headers["etag"] for answer in answers}) == 4
    assert answers[0].body == answers[2].body == answers[3].body != answers[1].body


def test_servers_are_gone_afterwards(store: DatabaseIdentity) -> None:
    with started(KINDS[OURS], store) as server:
        children = server.children()

    assert server.process.returncode is not None
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    with pytest.raises(ConnectionError):
        fetch(server.port, "/healthz")


def test_a_server_that_cannot_start_says_why(store: DatabaseIdentity) -> None:
    broken = dataclasses.replace(KINDS[RAW], command=lambda store, port: [*servers.PYTHON, "no_such_module"])

    with pytest.raises(BadAnswer, match="No module named no_such_module"), started(broken, store):
        pass


PAGES = {name: made.page for name, made in servers.ADDRESSES.items() if made.page is not None}


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_every_server_is_asked_for_the_same_rows(make: Callable[[Page], str]) -> None:

    address = make(Page(7))

    assert all(word in address for word in ("7", "ready", "elevenlabs"))


@pytest.mark.parametrize(("measured", "least", "met"), [(5, True, True), (4.9, True, False), (5.1, False, False)])
def test_a_figure_is_met_or_not(measured: float, least: bool, met: bool) -> None:
    assert Figure("a figure", measured, 5, least=least).met is met


def test_what_was_not_measured_is_neither() -> None:
    assert {figure.met for figure in figures(Results(), TINY)} == {None}
