"""The benchmarks as a whole, with a tiny database."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import cold, polling, servers
from tests.benchmarks.client import BadResponse, fetch
from tests.benchmarks.database import (
    BenchmarkDatabase,
    Plan,
    Touch,
    create_database,
    create_plain_database,
    generate_voices,
)
from tests.benchmarks.measure import Results
from tests.benchmarks.peers.fields import FIELDS
from tests.benchmarks.report import Target, as_json, evaluate_targets, lines, write
from tests.benchmarks.servers import KINDS, OURS, RAW, TABLE, Page, is_installed, start_server

TINY = Plan(400, 12, (200, 60, 80, 20))
EFFORT = benchmarks.Effort(TINY, 1, 0.01, 2, 1, 0.05, 1, 30, 400, 1, 3, 1, 50, 1500, 4, 2)
CHOSEN = (OURS, RAW)
ALL_CHOSEN = (OURS, TABLE, "Django admin", RAW)  # with --long: each server takes seconds to start


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkDatabase:
    """A tiny database in a folder with a space in its name."""
    return create_database(TINY, tmp_path_factory.mktemp("bench") / "a folder", lambda line: None)


@pytest.mark.timeout(600)  # it starts a dozen servers
def test_all_scenarios_are_measured_and_reported(
    database: BenchmarkDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    pages = dict(cold.PAGES)
    if not long:  # each first request needs a server
        monkeypatch.setattr(cold, "PAGES", {"Overview": "/"})
    kinds = [KINDS[name] for name in (ALL_CHOSEN if long else CHOSEN) if is_installed(KINDS[name])]

    results, targets = benchmarks.run(EFFORT, database.folder.parent, kinds, postgres=False)
    write(tmp_path / "results.json", as_json(results, targets, TINY))

    text = "\n".join(lines(results, targets))
    document = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert all(name in text for name in results.rounds)
    assert set(document["medians_ms"]["JSON of 80"]) >= {OURS, RAW}
    assert all(document["costs"][name]["bytes"] > 0 for name in ("voice", "audit event"))
    assert document["cold_ms"][OURS]["Overview"]["from_disk"] > 0
    assert document["polling"][OURS]["refused"] == 0
    assert not any(rate.errors for rates in results.rates.values() for rate in rates)
    missing = {"PostgreSQL", "page 1 of", "peer", *(KINDS.keys() - {kind.name for kind in kinds})}
    missing |= {"bare table", "Flask ORM + jsonify"} if TABLE in missing else set()
    missing |= pages.keys() - cold.PAGES.keys()
    assert all(target.met is not None or any(name in target.description for name in missing) for target in targets), (
        targets
    )


def test_ten_times_the_voices_are_measured_and_reported(tmp_path: Path, long: bool) -> None:
    if not long:
        pytest.skip("starts two PostgreSQL servers; run with --long")
    results, targets = benchmarks.run_ten_times(EFFORT, tmp_path)

    measured = [target for target in targets if "ten times" in target.description]
    assert len(measured) == len(cold.PAGES) + 6
    assert all(target.met is not None for target in measured)
    assert any("ten times" in line for line in lines(results, targets))


@pytest.mark.slow
def test_two_servers_on_the_database_of_a_plan_agree(tmp_path: Path) -> None:
    assert benchmarks.run_agreement(Plan(2_000, 8, (200,)), tmp_path, postgres=False) == []
    assert not list(tmp_path.rglob("finished")), "the actions changed the database"


@pytest.mark.parametrize(("contradictions", "exit_code"), [([], 0), (["After merge: /triage: '1' but '2'"], 1)])
def test_contradictions_are_reported(
    monkeypatch: pytest.MonkeyPatch, contradictions: list[str], exit_code: int
) -> None:
    monkeypatch.setattr(benchmarks, "run_agreement", lambda plan, folder, postgres: contradictions)

    result = CliRunner().invoke(benchmarks.main, ["--agreement", "--quick"])

    assert result.exit_code == exit_code
    assert all(line in result.output for line in contradictions)


@pytest.fixture(autouse=True)
def fast_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each key ask every tenth of a second."""
    monkeypatch.setattr(polling, "EVERY", 0.1)


@pytest.fixture(autouse=True)
def few_first_requests(monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    """Measure the first request for one of the pages only: each needs a server of its own."""
    for name in () if long else [name for name in cold.PAGES if name != "Overview"]:
        monkeypatch.delitem(cold.PAGES, name)


def test_the_generated_rows_are_the_same_in_every_run() -> None:
    assert list(generate_voices(TINY)) == list(generate_voices(TINY))
    assert [sum(owner == id for owner in TINY.owners()) for id in (1, 2, 3, 4)] == list(TINY.big)


def test_a_complete_database_is_reused(database: BenchmarkDatabase) -> None:
    messages: list[str] = []

    again = create_database(TINY, database.folder.parent, messages.append)

    assert (again.file, messages) == (database.file, [])


def test_the_plain_database_has_the_same_rows(database: BenchmarkDatabase) -> None:
    plain = create_plain_database(database)

    rows = []
    for file in (database.file, plain.file):
        connection = sqlite3.connect(file)
        rows.append(connection.execute(f"SELECT {', '.join(FIELDS)}, organization_id FROM cloned_voice").fetchall())
        connection.close()

    assert sorted(rows[0], key=repr) == sorted(rows[1], key=repr) != []


def test_a_touch_changes_the_etag_and_a_second_one_restores_the_list(database: BenchmarkDatabase) -> None:
    touch = Touch(database)
    with start_server(KINDS[OURS], database) as server:
        path = servers.ADDRESSES[OURS].json
        assert path is not None
        responses = []
        for _ in range(3):
            responses.append(fetch(server.port, path(4)))
            touch(4)
        touch.close()
        responses.append(fetch(server.port, path(4)))

    assert len({response.headers["etag"] for response in responses}) == 4
    assert responses[0].body == responses[2].body == responses[3].body != responses[1].body


def test_servers_are_stopped_with_their_workers(database: BenchmarkDatabase) -> None:
    with start_server(KINDS[OURS], database) as server:
        children = server.children()

    assert server.process.returncode is not None
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    with pytest.raises(ConnectionError):
        fetch(server.port, "/healthz")


def test_the_output_of_a_server_that_cannot_start_is_reported(database: BenchmarkDatabase) -> None:
    broken = dataclasses.replace(KINDS[RAW], command=lambda database, port: [*servers.PYTHON, "no_such_module"])

    with pytest.raises(BadResponse, match="No module named no_such_module"), start_server(broken, database):
        pass


PAGES = {name: made.page for name, made in servers.ADDRESSES.items() if made.page is not None}


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_the_address_of_every_server_has_the_filters(make: Callable[[Page], str]) -> None:

    address = make(Page(7))

    assert all(word in address for word in ("7", "ready", "elevenlabs"))


@pytest.mark.parametrize(("measured", "is_minimum", "met"), [(5, True, True), (4.9, True, False), (5.1, False, False)])
def test_a_target_is_met_up_to_its_bound(measured: float, is_minimum: bool, met: bool) -> None:
    assert Target("a target", measured, 5, is_minimum=is_minimum).met is met


def test_a_target_without_a_measurement_has_no_status() -> None:
    assert {target.met for target in evaluate_targets(Results(), TINY)} == {None}
