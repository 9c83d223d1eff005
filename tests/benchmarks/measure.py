"""Scenarios, and the rounds in which every server runs every scenario.

Servers are measured alternately, which spreads other load of the machine over all
of them. A ratio is computed within a round, before the median of the rounds.

In an uncached scenario, a voice of the list is written before each request,
outside the measured time, which invalidates cached responses. This is done for
every server, so that all lose the same pages of the page cache.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.benchmarks.beside_import import BesideImport
from tests.benchmarks.client import BadResponse, Rate, fetch, measure_rate, measure_times
from tests.benchmarks.cold import ColdTimes
from tests.benchmarks.dashboard import Export, Operation, PageTimes
from tests.benchmarks.database import SEARCH_TEXT, BenchmarkDatabase, Plan, Touch
from tests.benchmarks.growth import Cost
from tests.benchmarks.polling import Polling
from tests.benchmarks.servers import (
    ADDRESSES,
    ADMINS,
    FILTERS,
    FRAGMENTS,
    JSON_PEERS,
    KINDS,
    MEMORY,
    NGINX,
    OF_SAME_PROCESS,
    OURS,
    RAW,
    TABLE,
    TWO_WORKERS,
    Kind,
    Page,
    Server,
    start_server,
)
from tests.benchmarks.writes import Price

POSTGRESQL = ", PostgreSQL"  # suffix of the name of a server with that database
TEN_TIMES = ", PostgreSQL, ten times the voices"
TENTH = ", a tenth of the database"
MANY = 8  # parallel clients
SIZE = 50  # rows per page


@dataclass(frozen=True)
class Scenario:
    """The paths to request from each server.

    is_uncached: a voice is written before each request. is_conditional: the client sends the ETag that it has.
    """

    name: str
    organization: int
    paths: Mapping[str, str]
    is_uncached: bool = True
    is_conditional: bool = False


@dataclass
class Results:
    """All results.

    rounds: median milliseconds in each round, by scenario and server. fastest: of
    all responses, which other load affects least. rates: of each round, by scenario
    and number of clients. single: other values by name. prices: of the indexes and
    triggers that a write maintains. costs: of a row, by kind. pages: by name. cold: first requests, by server and
    by name of the page.
    """

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    fastest: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    rates: dict[str, list[Rate]] = field(default_factory=lambda: defaultdict(list))
    single: dict[str, float | None] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    costs: Mapping[str, Cost] = field(default_factory=dict)
    pages: Mapping[str, PageTimes] = field(default_factory=dict)
    cold: dict[str, Mapping[str, ColdTimes]] = field(default_factory=dict)
    among_slow_clients: PageTimes | None = None
    operation: Operation | None = None
    export: Export | None = None
    beside_import: BesideImport | None = None
    polling: dict[str, Polling] = field(default_factory=dict)

    def median(self, scenario: str, server: str = OURS) -> float | None:
        """The median of the rounds in milliseconds, or None if it was not measured."""
        found = self.rounds.get(scenario, {}).get(server)
        return median(found) if found else None

    def ratio(self, over: tuple[str, str], under: tuple[str, str]) -> float | None:
        """The median of the ratios of two times in each round. Times are named by scenario and server."""
        one, other = (self.rounds.get(scenario, {}).get(server) for scenario, server in (over, under))
        return median(a / b for a, b in zip(one, other, strict=True)) if one and other else None


def build_scenarios(database: BenchmarkDatabase) -> list[Scenario]:
    """All scenarios."""
    of_huge, _, of_thousand, of_hundred = range(1, len(database.plan.big) + 1)
    huge, _, thousand, hundred = (f"{size:,}" for size in database.plan.big)
    last = find_last_page(database, of_huge)
    scenarios = [
        _page(f"page of {thousand}", Page(of_thousand), (OURS, *ADMINS, TABLE, RAW)),
        _page(f"page of {thousand}, again", Page(of_thousand), (OURS,), is_uncached=False),
        _page(f"page 1 of {huge}", Page(of_huge), (OURS, *ADMINS, TABLE, RAW)),
        _page(f"last page of {huge}", Page(of_huge, last), (OURS, TABLE)),
        _page(f"middle page of {huge}", Page(of_huge, max(1, last // 2)), (OURS, TABLE)),
        _page(f"unfiltered page of {huge}", Page(of_huge, filtered=False), (OURS, TABLE)),
        _page(f"search in {huge}", Page(of_huge, filtered=False, text=SEARCH_TEXT), (OURS,)),
    ]
    for size, organization in ((hundred, of_hundred), (thousand, of_thousand), (huge, of_huge)):
        scenarios.append(_json(f"JSON of {size}", organization, (OURS, *JSON_PEERS, RAW, FRAGMENTS)))
        scenarios.append(_json(f"JSON of {size}, again", organization, (OURS, MEMORY, NGINX), is_uncached=False))
        scenarios.append(_json(f"304 of {size}", organization, (OURS,), is_uncached=False, is_conditional=True))
    return scenarios


def build_growth_scenarios(plan: Plan) -> list[Scenario]:
    """The lists and the JSON that should take the same time in a database ten times as large."""
    _, _, of_thousand, of_hundred = range(1, len(plan.big) + 1)
    huge, _, thousand, hundred = (f"{size:,}" for size in plan.big)
    return [
        _page(f"page of {thousand}", Page(of_thousand), (OURS,)),
        _page(f"page 1 of {huge}", Page(1), (OURS,)),
        _json(f"JSON of {hundred}", of_hundred, (OURS,)),
        _json(f"JSON of {thousand}", of_thousand, (OURS,)),
    ]


def _page(name: str, page: Page, servers: Sequence[str], *, is_uncached: bool = True) -> Scenario:
    makers = {server: ADDRESSES[server].page for server in servers}
    return Scenario(
        name, page.organization, {server: make(page) for server, make in makers.items() if make}, is_uncached
    )


def _json(
    name: str, organization: int, servers: Sequence[str], *, is_uncached: bool = True, is_conditional: bool = False
) -> Scenario:
    makers = {server: ADDRESSES[server].json for server in servers}
    paths = {server: make(organization) for server, make in makers.items() if make}
    return Scenario(name, organization, paths, is_uncached, is_conditional)


def find_last_page(database: BenchmarkDatabase, organization: int) -> int:
    """The number of the last page of an organization's filtered voices."""
    connection = sqlite3.connect(database.file)
    (count,) = connection.execute(
        "SELECT count(*) FROM cloned_voice WHERE organization_id = ? AND status = ? AND provider = ?",
        [organization, *FILTERS.values()],
    ).fetchone()
    connection.close()
    return max(1, -(-int(count) // SIZE))


@dataclass(frozen=True)
class Running:
    """A running server. addressed_as: the server whose paths it uses. only: its only scenario, or None for all."""

    server: Server
    touch: Touch
    addressed_as: str
    only: str | None


def _parse_voices(body: bytes) -> Any:
    """The voices of a JSON response, which some programs return without an enclosing object."""
    found = json.loads(body)
    return found if isinstance(found, list) else found["cloned_voices"]


def _find_shown_ids(body: bytes) -> Any:
    """The provider voice ids on a page."""
    return set(re.findall(rb"\bvoice_[0-9a-f]{8}\b", body))


class Runner:
    """Runs the scenarios on all servers. running: the servers by their names in the results."""

    def __init__(self, stack: ExitStack, log_progress: Callable[[str], None]) -> None:
        self.stack, self.log_progress = stack, log_progress
        self.running: dict[str, Running] = {}
        self.results = Results()

    def start(
        self, kinds: Sequence[Kind], database: BenchmarkDatabase, suffix: str = "", only: str | None = None
    ) -> None:
        """Start servers with a database. They run until the stack is closed."""
        touch = Touch(database)
        self.stack.callback(touch.close)
        for kind in kinds:
            self.log_progress(f"Starting {kind.name}{suffix} ...")
            server = self.stack.enter_context(start_server(kind, database))
            for name in [kind.name, *(name for name, other in OF_SAME_PROCESS.items() if other == kind.name)]:
                self.running[name + suffix] = Running(server, touch, name, only)

    def find_servers(self, scenario: Scenario) -> list[tuple[str, str]]:
        """The running servers of a scenario, each with its path."""
        return [
            (name, scenario.paths[running.addressed_as])
            for name, running in self.running.items()
            if running.addressed_as in scenario.paths and running.only in (None, scenario.name)
        ]

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Check that all servers return the same JSON objects, and show the same voices in the first scenario."""
        for scenario in scenarios:
            if scenario.is_uncached and scenario.name.startswith("JSON"):
                self._check_same(scenario, _parse_voices, scenarios)
        self._check_same(scenarios[0], _find_shown_ids, scenarios)

    def _check_same(self, scenario: Scenario, parse: Callable[[bytes], Any], scenarios: Sequence[Scenario]) -> None:
        repeated = [other for other in scenarios if other.name == f"{scenario.name}, again"]
        expected: Any = None
        for name, path in [pair for one in (scenario, *repeated) for pair in self.find_servers(one)]:
            if self.running[name].only:
                continue  # that database has other voices
            found = parse(fetch(self.running[name].server.port, path).body)
            expected = expected or found
            if not found or found != expected:
                raise BadResponse(f"{scenario.name}: {name} returns other voices than {OURS}.")

    def run_rounds(self, scenarios: Sequence[Scenario], count: int, seconds: float, max_requests: int) -> None:
        """Run every scenario on every server, in this number of rounds."""
        for number in range(count):
            self.log_progress(f"Round {number + 1} of {count} ...")
            for scenario in scenarios:
                servers = self.find_servers(scenario)
                start = number % len(servers)
                for name, path in servers[start:] + servers[:start]:
                    self._measure(scenario, name, path, seconds, max_requests)

    def _measure(self, scenario: Scenario, name: str, path: str, seconds: float, max_requests: int) -> None:
        server, touch = self.running[name].server, self.running[name].touch
        etag = fetch(server.port, path).headers["etag"] if scenario.is_conditional else None

        def before() -> None:
            if scenario.is_uncached:
                touch(scenario.organization)

        taken = measure_times(server.port, path, before=before, etag=etag, max_requests=max_requests, seconds=seconds)
        self.results.rounds[scenario.name][name].append(median(taken))
        fastest = self.results.fastest[scenario.name]
        fastest[name] = min([*taken, fastest.get(name, taken[0])])

    def run_rates(self, scenarios: Sequence[Scenario], count: int, seconds: float, database: BenchmarkDatabase) -> None:
        """Measure voiceadmin with one and with many clients, and with two workers. No voice is written meanwhile."""
        one = self.running[OURS].server
        with start_server(TWO_WORKERS, database, ADDRESSES[OURS].any_path()) as two:
            for number in range(count):
                self.log_progress(f"Parallel clients, {number + 1} of {count} ...")
                for scenario in scenarios:
                    path = scenario.paths[OURS]
                    for label, server, clients in (
                        ("1 client", one, 1),
                        (f"{MANY} clients", one, MANY),
                        (f"{MANY} clients, 2 workers", two, MANY),
                    ):
                        found = measure_rate(server.port, path, clients=clients, seconds=seconds)
                        self.results.rates[f"{scenario.name}, {label}"].append(found)


def measure_starts(database: BenchmarkDatabase, results: Results, count: int) -> None:
    """Measure the seconds from the start of voiceadmin to its first response, the JSON of 100 voices."""
    path = ADDRESSES[OURS].any_path()
    starts = []
    for _ in range(count):
        with start_server(KINDS[OURS], database, path) as server:
            starts.append(server.starting)
    results.single["start"] = median(starts)


def measure_memory(scenario: Scenario, database: BenchmarkDatabase, results: Results, count: int = 3) -> None:
    """Measure the peak memory of voiceadmin in MB after a few uncached responses."""
    touch = Touch(database)
    with start_server(KINDS[OURS], database) as server:
        for _ in range(count):
            touch(scenario.organization)
            fetch(server.port, scenario.paths[OURS])
        results.single["memory"] = server.peak_memory()
    touch.close()
