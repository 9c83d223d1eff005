"""The report: medians, ratios of the same run, and whether each target was met."""

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

from tests.benchmarks.cold import JSON, LIST, PAGES
from tests.benchmarks.database import Plan
from tests.benchmarks.measure import MANY, POSTGRESQL, TEN_TIMES, TENTH, Results, build_growth_scenarios
from tests.benchmarks.servers import ADMINS, FRAGMENTS, JSON_PEERS, MEMORY, OURS, TABLE

BUSY = 0.5  # load average before any server is start_server


@dataclass(frozen=True)
class Target:
    """A target. measured: None if it was not measured. is_minimum: whether the bound is a lower one."""

    description: str
    measured: float | None
    bound: float
    unit: str = "×"
    is_minimum: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target was met, or None if it was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.is_minimum else self.measured <= self.bound

    def __str__(self) -> str:
        """A line of the report."""
        measured = "–" if self.measured is None else f"{self.measured:,.{0 if self.measured >= 1000 else 2}f}"
        status = {True: "met", False: "NOT MET", None: "not measured"}[self.met]
        sign = "≥" if self.is_minimum else "≤"
        return f"{self.description:<62} {measured:>9} {sign} {self.bound:>7,g} {self.unit:<9} {status}"


def evaluate_targets(results: Results, plan: Plan) -> list[Target]:
    """All targets with their measured values."""
    return [
        *_evaluate_pages(results, plan),
        *_evaluate_json(results, plan),
        *_evaluate_rates(results),
        *_evaluate_postgresql(results, plan),
        *_evaluate_dashboard(results),
        *_evaluate_cold(results),
        *_evaluate_ten_times(results, plan),
        *_evaluate_beside_import(results),
        *_evaluate_polling(results),
        *_evaluate_others(results),
    ]


def _ratio_of_fastest(results: Results, scenario: str, peers: tuple[str, ...]) -> float | None:
    """The time of the fastest of these programs, as a multiple of the time of voiceadmin."""
    ratios = [results.ratio((scenario, peer), (scenario, OURS)) for peer in peers]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def _evaluate_pages(results: Results, plan: Plan) -> Iterator[Target]:
    small, huge = f"{plan.big[2]:,}", f"{plan.big[0]:,}"
    page, first = f"page of {small}", f"page 1 of {huge}"

    def ours(over: str, under: str) -> float | None:
        return results.ratio((over, OURS), (under, OURS))

    yield Target(
        f"{page}: the fastest admin peer against us", _ratio_of_fastest(results, page, ADMINS), 5, is_minimum=True
    )
    yield Target(f"{page}: we against the bare table", results.ratio((page, OURS), (page, TABLE)), 1)
    for peer in ADMINS:
        yield Target(f"{first}: {peer} against us", _ratio_of_fastest(results, first, (peer,)), 15, is_minimum=True)
    yield Target(f"{first} against our {page}", ours(first, page), 1.3)
    yield Target(f"last page of {huge} against page 1", ours(f"last page of {huge}", first), 1.5)
    yield Target(f"middle page of {huge} against page 1", ours(f"middle page of {huge}", first), 2.5)
    yield Target(
        f"search in {huge} against the unfiltered page", ours(f"search in {huge}", f"unfiltered page of {huge}"), 3
    )
    yield Target(f"{page}, this database against a tenth of it", results.ratio((page, OURS), (page, OURS + TENTH)), 1.5)


def _evaluate_json(results: Results, plan: Plan) -> Iterator[Target]:
    huge, _, thousand, hundred = (f"{size:,}" for size in plan.big)
    for size, least, most in ((hundred, 4, 2.5), (thousand, 8, 2), (huge, 10, 1.5)):
        scenario = f"JSON of {size}"
        for peer in JSON_PEERS:
            yield Target(
                f"{scenario}: {peer} against us", _ratio_of_fastest(results, scenario, (peer,)), least, is_minimum=True
            )
        fragments = results.ratio((scenario, OURS), (scenario, FRAGMENTS))
        yield Target(f"{scenario}: we against bare WSGI over fragments", fragments, most)
    yield Target(f"memory while it answers JSON of {huge}", results.single.get("memory"), 250, "MB")
    memory = (f"JSON of {thousand}, again", MEMORY)
    for scenario in (f"304 of {hundred}", f"304 of {thousand}", f"304 of {huge}", f"JSON of {thousand}, again"):
        ratio = results.ratio((scenario, OURS), memory)
        yield Target(f"{scenario}: we against {thousand} in memory", ratio, 2.5)


def _evaluate_rates(results: Results) -> Iterator[Target]:
    names = [name.removesuffix(", 1 client") for name in results.rates if name.endswith(", 1 client")]
    for name in names:
        one, many, two = (
            results.rates[f"{name}, {clients}"]
            for clients in ("1 client", f"{MANY} clients", f"{MANY} clients, 2 workers")
        )
        many_to_one = median(m.responses_per_second / o.responses_per_second for m, o in zip(many, one, strict=True))
        yield Target(f"{name}: {MANY} clients against 1 client", many_to_one, 0.8, is_minimum=True)
        two_to_one = median(t.responses_per_second / m.responses_per_second for t, m in zip(two, many, strict=True))
        yield Target(f"{name}: 2 workers against 1, {MANY} clients", two_to_one, 1.2, is_minimum=True)
    errors = sum(rate.errors for rates in results.rates.values() for rate in rates)
    yield Target("failed responses with many clients", errors if results.rates else None, 0, "")


def _evaluate_postgresql(results: Results, plan: Plan) -> Iterator[Target]:
    huge, _, thousand, hundred = (f"{size:,}" for size in plan.big)
    lists = [f"page of {thousand}", f"page 1 of {huge}", f"last page of {huge}", f"middle page of {huge}"]
    for scenario in [*lists, f"304 of {hundred}", f"304 of {thousand}", f"304 of {huge}"]:
        ratio = results.ratio((scenario, OURS + POSTGRESQL), (scenario, OURS))
        yield Target(f"{scenario}: PostgreSQL against SQLite", ratio, 2)
    scenario = f"JSON of {thousand}"
    ratio = results.ratio((scenario, "FastAPI" + POSTGRESQL), (scenario, OURS + POSTGRESQL))
    yield Target(f"{scenario}: FastAPI against us, both on PostgreSQL", ratio, 6, is_minimum=True)


def _evaluate_dashboard(results: Results) -> Iterator[Target]:
    for name in ("Overview", "Triage", "Triage, unused", "Triage, one organization", "Providers", "Clean-up"):
        times = results.pages.get(name)
        yield Target(f"{name}: 95th percentile", times and times.percentile_95, 100, "ms")
    triage = results.pages.get("Triage, unused")
    yield Target("Triage, unused: median", triage and triage.median, 12, "ms")
    slow = results.among_slow_clients
    yield Target("a page among 400 slow clients: 95th percentile", slow and slow.percentile_95, 100, "ms")
    yield Target("a page among 400 slow clients, against one without them", slow and slow.median / slow.uncached, 3)
    operation, export = results.operation, results.export
    many = f"{operation.voices:,} voices" if operation else "many voices"
    yield Target(f"{many} archived by one operation", operation and operation.apply_seconds, 1.5, "s")
    yield Target(f"{many} restored by its undo", operation and operation.undo_seconds, 1.5, "s")
    long = f"CSV of {export.voices:,} voices" if export else "a long CSV"
    rate = export and export.voices / export.total_seconds
    yield Target(long, rate, 120_000, "voices/s", is_minimum=True)
    yield Target(f"{long}: first byte", export and export.first_byte_seconds, 1, "s")
    yield Target(f"{long}: additional memory", export and export.memory, 20, "MB")


def _evaluate_cold(results: Results) -> Iterator[Target]:
    for suffix, most in (("", 100), (POSTGRESQL, 100), (TEN_TIMES, 150)):
        cold = results.cold.get(OURS + suffix, {})
        for name in (*PAGES, LIST, JSON):
            times = cold.get(name)
            yield Target(f"{name}{suffix}: first request", times and times.percentile_95, most, "ms")


def _evaluate_ten_times(results: Results, plan: Plan) -> Iterator[Target]:
    for scenario in build_growth_scenarios(plan):
        ratio = results.ratio((scenario.name, OURS + TEN_TIMES), (scenario.name, OURS + POSTGRESQL))
        yield Target(f"{scenario.name}{TEN_TIMES}", ratio, 1.5)


def _evaluate_beside_import(results: Results) -> Iterator[Target]:
    found = results.beside_import
    yield Target("refused requests beside an import into SQLite", found and found.refused, 0, "")
    for name in ("sign-in", "page", "JSON"):
        yield Target(f"{name} beside an import: 95th percentile", found and found.beside[name], 300, "ms")


def _evaluate_polling(results: Results) -> Iterator[Target]:
    for server, polling in results.polling.items():
        name = f"{polling.keys:,} keys that poll, {server}"
        yield Target(f"{name}: 99th percentile", polling.percentile_99, 50, "ms")
        yield Target(f"{name}: refused", polling.refused, 0, "")
        yield Target(f"{name}: writes for a key", polling.writes / polling.keys, 1, "a second")


def _evaluate_others(results: Results) -> Iterator[Target]:
    yield Target("a change of one voice", results.single.get("change"), 5, "ms")
    for name, rate in (("import", 40_000), ("import of the same file again", 100_000)):
        yield Target(name, results.single.get(name), rate, "voices/s", is_minimum=True)
    unknown, known = (results.single.get(f"refused, {account}") for account in ("unknown", "known"))
    difference = abs(unknown / known - 1) * 100 if unknown and known else None
    yield Target("a refused sign-in: unknown against known account", difference, 10, "%")
    yield Target("start to first response", results.single.get("start"), 2, "s")


def lines(results: Results, targets: list[Target]) -> Iterator[str]:
    """The lines of the report as text."""
    if (load := results.single.get("load")) is not None and load > BUSY:
        yield f"BUSY: at the start {load:.1f} processes competed for {os.cpu_count()} cores. Measure again.\n"
    yield "Milliseconds, one client, one worker: median, multiple of the time of voiceadmin, and fastest response."
    for scenario, servers in results.rounds.items():
        yield f"\n{scenario}"
        for name in sorted(servers, key=lambda name: results.median(scenario, name) or 0):
            ratio = results.ratio((scenario, name), (scenario, OURS))
            multiple = "" if ratio is None or name == OURS else f"{ratio:.2f} ×"
            fastest = results.fastest[scenario][name]
            yield f"    {name:<36} {results.median(scenario, name):10.2f} {multiple:>10} {fastest:10.2f}"
    if results.rates:
        yield "\nResponses per second"
        for name, rates in results.rates.items():
            yield f"    {name:<46} {median(rate.responses_per_second for rate in rates):10.1f}"
    yield from _format_writes(results)
    if results.pages:
        yield "\nPages over the whole database, in milliseconds: uncached; median and 95th percentile of the others"
        for name, times in results.pages.items():
            yield f"    {name:<36} {times.uncached:10.1f} {times.median:10.1f} {times.percentile_95:10.1f}"
    yield from _format_cold(results)
    yield from _format_beside_import(results)
    yield "\nTargets"
    yield from map(str, targets)


def _format_writes(results: Results) -> Iterator[str]:
    if results.prices:
        yield "\nMicroseconds of writes: a voice added, a voice used"
        for part, price in results.prices.items():
            yield f"    {part:<36} {price.adding:10.1f} {price.changing:10.1f}"
    if results.costs:
        yield "\nBytes of a row with its indexes, and microseconds to write it among many"
        for kind, cost in results.costs.items():
            yield f"    {kind:<36} {cost.bytes:10.0f} {cost.microseconds:10.1f}"


def _format_cold(results: Results) -> Iterator[str]:
    for server, pages in results.cold.items():
        yield f"\nFirst requests of {server}, in milliseconds: median, 95th percentile, and with the database on disk"
        for name, times in pages.items():
            from_disk = "" if times.from_disk is None else f"{times.from_disk:10.1f}"
            yield f"    {name:<36} {times.median:10.1f} {times.percentile_95:10.1f} {from_disk}"


def _format_beside_import(results: Results) -> Iterator[str]:
    if (found := results.beside_import) is not None:
        yield f"\nImport of {found.seconds:.0f} s, {found.requests} requests: 95th percentile before and during it"
        for name, milliseconds in found.beside.items():
            yield f"    {name:<36} {found.alone[name]:10.1f} {milliseconds:10.1f}"


def as_json(results: Results, targets: list[Target], plan: Plan) -> dict[str, Any]:
    """The report as JSON, with every round."""
    return {
        "database": asdict(plan),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "medians_ms": {
            scenario: {name: results.median(scenario, name) for name in servers}
            for scenario, servers in results.rounds.items()
        },
        "fastest_ms": results.fastest,
        "rounds_ms": results.rounds,
        "responses_per_second": {name: [rate._asdict() for rate in rates] for name, rates in results.rates.items()},
        "single": results.single,
        "prices_us": {part: price._asdict() for part, price in results.prices.items()},
        "costs": {kind: cost._asdict() for kind, cost in results.costs.items()},
        "pages_ms": {name: times._asdict() for name, times in results.pages.items()},
        "cold_ms": {
            server: {name: times._asdict() for name, times in pages.items()} for server, pages in results.cold.items()
        },
        "among_slow_clients": results.among_slow_clients and results.among_slow_clients._asdict(),
        "operation": results.operation and results.operation._asdict(),
        "export": results.export and results.export._asdict(),
        "beside_import": results.beside_import and results.beside_import._asdict(),
        "polling": {server: polling._asdict() for server, polling in results.polling.items()},
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Write the report as JSON to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
