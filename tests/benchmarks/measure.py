"""What is asked of whom, and the rounds: every server has its turn with every question, again and again.

Taking turns spreads whatever else the machine does over all of them, and a
ratio is taken within a round before the median of the rounds.

A question counts as fresh when a voice of the list is written just before, out
of the measured time: then no answer that a server kept is still good. The same
is done to every peer, so that all pay for the page cache that it costs them.
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

from tests.benchmarks.client import BadAnswer, Rate, fetch, rate, times
from tests.benchmarks.desk import Asked, Export, Operation
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
    started,
)
from tests.benchmarks.store import SOUGHT, DatabaseIdentity, Touch
from tests.benchmarks.writes import Price

POSTGRESQL = ", PostgreSQL"  # behind the name of a server over that store
TENTH = ", a tenth of the store"
MANY = 8  # clients at once
SIZE = 50  # rows a page


@dataclass(frozen=True)
class Question:
    """One address for each server that is asked. fresh, known: see the module, and a client that has the list."""

    name: str
    organization: int
    paths: Mapping[str, str]
    fresh: bool = True
    known: bool = False


@dataclass
class Results:
    """All that was measured.

    rounds: median milliseconds in each round, by question and server. fastest:
    of all single answers; what else the machine does touches it least. rates:
    by what was asked and how, in each round. single: other figures by name.
    prices: of what a write has to keep up. desk: its pages by name.
    """

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    fastest: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    rates: dict[str, list[Rate]] = field(default_factory=lambda: defaultdict(list))
    single: dict[str, float | None] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    desk: Mapping[str, Asked] = field(default_factory=dict)
    operation: Operation | None = None
    export: Export | None = None

    def median(self, question: str, server: str = OURS) -> float | None:
        """The median of the rounds in milliseconds, or None where it was not measured."""
        found = self.rounds.get(question, {}).get(server)
        return median(found) if found else None

    def ratio(self, over: tuple[str, str], under: tuple[str, str]) -> float | None:
        """The median of each round's ratio of two times, each named by question and server."""
        one, other = (self.rounds.get(question, {}).get(server) for question, server in (over, under))
        return median(a / b for a, b in zip(one, other, strict=True)) if one and other else None


def questions(store: DatabaseIdentity) -> list[Question]:
    """Everything that is asked."""
    of_huge, _, of_thousand, of_hundred = range(1, len(store.plan.big) + 1)
    huge, _, thousand, hundred = (f"{size:,}" for size in store.plan.big)
    last = last_page(store, of_huge)
    asked = [
        _page(f"page of {thousand}", Page(of_thousand), (OURS, *ADMINS, TABLE, RAW)),
        _page(f"page of {thousand}, again", Page(of_thousand), (OURS,), fresh=False),
        _page(f"page 1 of {huge}", Page(of_huge), (OURS, *ADMINS, TABLE, RAW)),
        _page(f"last page of {huge}", Page(of_huge, last), (OURS, TABLE)),
        _page(f"middle page of {huge}", Page(of_huge, max(1, last // 2)), (OURS, TABLE)),
        _page(f"unfiltered page of {huge}", Page(of_huge, filtered=False), (OURS, TABLE)),
        _page(f"search in {huge}", Page(of_huge, filtered=False, text=SOUGHT), (OURS,)),
    ]
    for size, organization in ((hundred, of_hundred), (thousand, of_thousand), (huge, of_huge)):
        asked.append(_answer(f"JSON of {size}", organization, (OURS, *JSON_PEERS, RAW, FRAGMENTS)))
        asked.append(_answer(f"JSON of {size}, again", organization, (OURS, MEMORY, NGINX), fresh=False))
        asked.append(_answer(f"304 of {size}", organization, (OURS,), fresh=False, known=True))
    return asked


def _page(name: str, page: Page, servers: Sequence[str], *, fresh: bool = True) -> Question:
    makers = {server: ADDRESSES[server].page for server in servers}
    return Question(name, page.organization, {server: make(page) for server, make in makers.items() if make}, fresh)


def _answer(
    name: str, organization: int, servers: Sequence[str], *, fresh: bool = True, known: bool = False
) -> Question:
    makers = {server: ADDRESSES[server].answer for server in servers}
    paths = {server: make(organization) for server, make in makers.items() if make}
    return Question(name, organization, paths, fresh, known)


def last_page(store: DatabaseIdentity, organization: int) -> int:
    """The number of the last page of an organization's filtered voices."""
    connection = sqlite3.connect(store.file)
    (count,) = connection.execute(
        "SELECT count(*) FROM cloned_voice WHERE organization_id = ? AND status = ? AND provider = ?",
        [organization, *FILTERS.values()],
    ).fetchone()
    connection.close()
    return max(1, -(-int(count) // SIZE))


@dataclass(frozen=True)
class Running:
    """A server that has its turns. asked_as: whose addresses it takes; only: the one question for it, None for all."""

    server: Server
    touch: Touch
    asked_as: str
    only: str | None


def _records(body: bytes) -> Any:
    """The objects of a JSON answer; of a peer that puts nothing around them, they are all of it."""
    found = json.loads(body)
    return found if isinstance(found, list) else found["cloned_voices"]


def _shown(body: bytes) -> Any:
    """The voices on a page, by the ids that their providers gave them."""
    return set(re.findall(rb"\bvoice_[0-9a-f]{8}\b", body))


class Turns:
    """The servers that run, by the names that the results give them, and the rounds over them."""

    def __init__(self, stack: ExitStack, say: Callable[[str], None]) -> None:
        self.stack, self.say = stack, say
        self.running: dict[str, Running] = {}
        self.results = Results()

    def start(self, kinds: Sequence[Kind], store: DatabaseIdentity, suffix: str = "", only: str | None = None) -> None:
        """Start these over a store, and let them run until the end."""
        touch = Touch(store)
        self.stack.callback(touch.close)
        for kind in kinds:
            self.say(f"Starting {kind.name}{suffix} ...")
            server = self.stack.enter_context(started(kind, store))
            for name in [kind.name, *(name for name, other in OF_SAME_PROCESS.items() if other == kind.name)]:
                self.running[name + suffix] = Running(server, touch, name, only)

    def asked(self, question: Question) -> list[tuple[str, str]]:
        """The servers that run and are asked this, with the address of each."""
        return [
            (name, question.paths[running.asked_as])
            for name, running in self.running.items()
            if running.asked_as in question.paths and running.only in (None, question.name)
        ]

    def check(self, asked: Sequence[Question]) -> None:
        """All JSON answers are the same objects, and the first page that is asked shows the same voices everywhere."""
        for question in asked:
            if question.fresh and question.name.startswith("JSON"):
                self._same(question, _records, asked)
        self._same(asked[0], _shown, asked)

    def _same(self, question: Question, read: Callable[[bytes], Any], asked: Sequence[Question]) -> None:
        again = [other for other in asked if other.name == f"{question.name}, again"]
        wanted: Any = None
        for name, path in [pair for one in (question, *again) for pair in self.asked(one)]:
            if self.running[name].only:
                continue  # that store has other voices
            found = read(fetch(self.running[name].server.port, path).body)
            wanted = wanted or found
            if not found or found != wanted:
                raise BadAnswer(f"{question.name}: {name} answers with other voices than {OURS}.")

    def rounds(self, asked: Sequence[Question], count: int, seconds: float, most: int) -> None:
        """So many rounds, in each of which every server is asked everything."""
        for number in range(count):
            self.say(f"Round {number + 1} of {count} ...")
            for question in asked:
                turns = self.asked(question)
                start = number % len(turns)
                for name, path in turns[start:] + turns[:start]:
                    self._turn(question, name, path, seconds, most)

    def _turn(self, question: Question, name: str, path: str, seconds: float, most: int) -> None:
        server, touch = self.running[name].server, self.running[name].touch
        etag = fetch(server.port, path).headers["etag"] if question.known else None

        def before() -> None:
            if question.fresh:
                touch(question.organization)

        taken = times(server.port, path, before=before, etag=etag, most=most, seconds=seconds)
        self.results.rounds[question.name][name].append(median(taken))
        fastest = self.results.fastest[question.name]
        fastest[name] = min([*taken, fastest.get(name, taken[0])])

    def rates(self, asked: Sequence[Question], count: int, seconds: float, store: DatabaseIdentity) -> None:
        """Our own server with one client and many, and with two workers. The lists stay as they are meanwhile."""
        one = self.running[OURS].server
        with started(TWO_WORKERS, store, ADDRESSES[OURS].any_path()) as two:
            for number in range(count):
                self.say(f"Many at once, {number + 1} of {count} ...")
                for question in asked:
                    path = question.paths[OURS]
                    for how, server, clients in (
                        ("1 client", one, 1),
                        (f"{MANY} clients", one, MANY),
                        (f"{MANY} clients, 2 workers", two, MANY),
                    ):
                        found = rate(server.port, path, clients=clients, seconds=seconds)
                        self.results.rates[f"{question.name}, {how}"].append(found)


def measure_starts(store: DatabaseIdentity, results: Results, count: int) -> None:
    """From nothing to the first answer, which is the JSON of 100, in seconds."""
    path = ADDRESSES[OURS].any_path()
    starts = []
    for _ in range(count):
        with started(KINDS[OURS], store, path) as server:
            starts.append(server.starting)
    results.single["start"] = median(starts)


def measure_memory(question: Question, store: DatabaseIdentity, results: Results, count: int = 3) -> None:
    """The most memory that our server had after it answered a list a few times, fresh each time, in MB."""
    touch = Touch(store)
    with started(KINDS[OURS], store) as server:
        for _ in range(count):
            touch(question.organization)
            fetch(server.port, question.paths[OURS])
        results.single["memory"] = server.peak_memory()
    touch.close()
