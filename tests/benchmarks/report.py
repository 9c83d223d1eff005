"""What is said at the end: medians, ratios of the same run, and beside each figure to be reached whether it was met."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measure import MANY, POSTGRESQL, TENTH, Results
from tests.benchmarks.servers import ADMINS, FRAGMENTS, JSON_PEERS, MEMORY, OURS, TABLE
from tests.benchmarks.store import Plan

BUSY = 0.5  # processes that want a core before anything of ours is started


@dataclass(frozen=True)
class Figure:
    """One figure to be reached. measured: None where it was not. least: whether the bound is a lower one."""

    what: str
    measured: float | None
    bound: float
    unit: str = "×"
    least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it was reached; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.least else self.measured <= self.bound

    def __str__(self) -> str:
        """One line."""
        measured = "–" if self.measured is None else f"{self.measured:,.{0 if self.measured >= 1000 else 2}f}"
        said = {True: "met", False: "NOT MET", None: "not measured"}[self.met]
        sign = "≥" if self.least else "≤"
        return f"{self.what:<62} {measured:>9} {sign} {self.bound:>7,g} {self.unit:<9} {said}"


def figures(results: Results, plan: Plan) -> list[Figure]:
    """All of them."""
    return [
        *_pages(results, plan),
        *_answers(results, plan),
        *_many(results),
        *_postgresql(results, plan),
        *_desk(results),
        *_rest(results),
    ]


def _slowness(results: Results, question: str, peers: tuple[str, ...]) -> float | None:
    """How many times slower the fastest of the peers is than we are."""
    ratios = [results.ratio((question, peer), (question, OURS)) for peer in peers]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def _pages(results: Results, plan: Plan) -> Iterator[Figure]:
    small, huge = f"{plan.big[2]:,}", f"{plan.big[0]:,}"
    page, first = f"page of {small}", f"page 1 of {huge}"

    def ours(over: str, under: str) -> float | None:
        return results.ratio((over, OURS), (under, OURS))

    yield Figure(f"{page}: the fastest admin peer against us", _slowness(results, page, ADMINS), 5, least=True)
    yield Figure(f"{page}: we against the bare table", results.ratio((page, OURS), (page, TABLE)), 1)
    for peer in ADMINS:
        yield Figure(f"{first}: {peer} against us", _slowness(results, first, (peer,)), 15, least=True)
    yield Figure(f"{first} against our {page}", ours(first, page), 1.3)
    yield Figure(f"last page of {huge} against page 1", ours(f"last page of {huge}", first), 1.5)
    yield Figure(f"middle page of {huge} against page 1", ours(f"middle page of {huge}", first), 2.5)
    yield Figure(
        f"search in {huge} against the unfiltered page", ours(f"search in {huge}", f"unfiltered page of {huge}"), 3
    )
    yield Figure(f"{page}, this store against a tenth of it", results.ratio((page, OURS), (page, OURS + TENTH)), 1.5)


def _answers(results: Results, plan: Plan) -> Iterator[Figure]:
    huge, _, thousand, hundred = (f"{size:,}" for size in plan.big)
    for size, least, most in ((hundred, 4, 2.5), (thousand, 8, 2), (huge, 10, 1.5)):
        question = f"JSON of {size}"
        for peer in JSON_PEERS:
            yield Figure(f"{question}: {peer} against us", _slowness(results, question, (peer,)), least, least=True)
        fragments = results.ratio((question, OURS), (question, FRAGMENTS))
        yield Figure(f"{question}: we against bare WSGI over fragments", fragments, most)
    yield Figure(f"memory while it answers JSON of {huge}", results.single.get("memory"), 250, "MB")
    memory = (f"JSON of {thousand}, again", MEMORY)
    for question in (f"304 of {hundred}", f"304 of {thousand}", f"304 of {huge}", f"JSON of {thousand}, again"):
        ratio = results.ratio((question, OURS), memory)
        yield Figure(f"{question}: we against {thousand} in memory", ratio, 2.5)


def _many(results: Results) -> Iterator[Figure]:
    ways = [name.removesuffix(", 1 client") for name in results.rates if name.endswith(", 1 client")]
    for name in ways:
        one, many, two = (
            results.rates[f"{name}, {how}"] for how in ("1 client", f"{MANY} clients", f"{MANY} clients, 2 workers")
        )
        kept = median(m.second / o.second for m, o in zip(many, one, strict=True))
        yield Figure(f"{name}: {MANY} clients against 1 client", kept, 0.8, least=True)
        gained = median(t.second / m.second for t, m in zip(two, many, strict=True))
        yield Figure(f"{name}: 2 workers against 1, {MANY} clients", gained, 1.2, least=True)
    errors = sum(rate.errors for rates in results.rates.values() for rate in rates)
    yield Figure("answers that failed under many clients", errors if results.rates else None, 0, "")


def _postgresql(results: Results, plan: Plan) -> Iterator[Figure]:
    huge, _, thousand, hundred = (f"{size:,}" for size in plan.big)
    lists = [f"page of {thousand}", f"page 1 of {huge}", f"last page of {huge}", f"middle page of {huge}"]
    for question in [*lists, f"304 of {hundred}", f"304 of {thousand}", f"304 of {huge}"]:
        ratio = results.ratio((question, OURS + POSTGRESQL), (question, OURS))
        yield Figure(f"{question}: PostgreSQL against SQLite", ratio, 2)
    question = f"JSON of {thousand}"
    ratio = results.ratio((question, "FastAPI" + POSTGRESQL), (question, OURS + POSTGRESQL))
    yield Figure(f"{question}: FastAPI against us, both on PostgreSQL", ratio, 6, least=True)


def _desk(results: Results) -> Iterator[Figure]:
    for name in ("Overview", "Triage", "Triage, unused", "Triage, one organization", "Providers", "Clean-up"):
        asked = results.desk.get(name)
        yield Figure(f"{name}: 95 of 100 answers within", asked and asked.high, 100, "ms")
    operation, export = results.operation, results.export
    many = f"{operation.voices:,} voices" if operation else "many voices"
    yield Figure(f"{many} archived at once", operation and operation.doing, 5, "s")
    yield Figure(f"{many} restored by undoing that", operation and operation.undoing, 5, "s")
    long = f"CSV of {export.voices:,} voices" if export else "a long CSV"
    yield Figure(f"{long}: first byte", export and export.first, 1, "s")
    yield Figure(f"{long}: memory more than before", export and export.memory, 20, "MB")


def _rest(results: Results) -> Iterator[Figure]:
    yield Figure("a change of one voice", results.single.get("change"), 5, "ms")
    yield Figure("import", results.single.get("import"), 20_000, "voices/s", least=True)
    unknown, known = (results.single.get(f"refused, {account}") for account in ("unknown", "known"))
    apart = abs(unknown / known - 1) * 100 if unknown and known else None
    yield Figure("a refused sign-in: unknown against known account", apart, 10, "% apart")
    yield Figure("start to first answer", results.single.get("start"), 2, "s")


def lines(results: Results, found: list[Figure]) -> Iterator[str]:
    """The report, for people."""
    if (load := results.single.get("load")) is not None and load > BUSY:
        yield f"BUSY: at the start {load:.1f} processes wanted this machine's {os.cpu_count()} cores. Measure again.\n"
    yield "Milliseconds, one client, one worker: median, how many times our own time it is, and the fastest answer."
    for question, servers in results.rounds.items():
        yield f"\n{question}"
        for name in sorted(servers, key=lambda name: results.median(question, name) or 0):
            ratio = results.ratio((question, name), (question, OURS))
            beside = "" if ratio is None or name == OURS else f"{ratio:.2f} ×"
            fastest = results.fastest[question][name]
            yield f"    {name:<36} {results.median(question, name):10.2f} {beside:>10} {fastest:10.2f}"
    if results.rates:
        yield "\nAnswers a second"
        for name, rates in results.rates.items():
            yield f"    {name:<46} {median(rate.second for rate in rates):10.1f}"
    if results.prices:
        yield "\nMicroseconds that writes cost: a voice that is added, a use of a voice"
        for part, price in results.prices.items():
            yield f"    {part:<36} {price.adding:10.1f} {price.changing:10.1f}"
    if results.desk:
        yield "\nThe desk over the whole store, in milliseconds: counted anew; median and 95th percentile of the others"
        for name, asked in results.desk.items():
            yield f"    {name:<36} {asked.anew:10.1f} {asked.middle:10.1f} {asked.high:10.1f}"
    yield "\nFigures to be reached"
    yield from map(str, found)


def as_json(results: Results, found: list[Figure], plan: Plan) -> dict[str, Any]:
    """The same for programs, with every round."""
    return {
        "store": asdict(plan),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "medians_ms": {
            question: {name: results.median(question, name) for name in servers}
            for question, servers in results.rounds.items()
        },
        "fastest_ms": results.fastest,
        "rounds_ms": results.rounds,
        "answers_a_second": {name: [rate._asdict() for rate in rates] for name, rates in results.rates.items()},
        "single": results.single,
        "prices_us": {part: price._asdict() for part, price in results.prices.items()},
        "desk_ms": {name: asked._asdict() for name, asked in results.desk.items()},
        "operation": results.operation and results.operation._asdict(),
        "export": results.export and results.export._asdict(),
        "figures": [asdict(figure) | {"met": figure.met} for figure in found],
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Keep it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
