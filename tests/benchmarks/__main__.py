"""Measure how fast voiceadmin answers, compared with other dashboards and with minimal programs.

Creates a database of 1,000,000 voices, starts every server on the loopback
interface, measures them in turn, and prints medians, ratios of the same run and
whether each target was met. Stops every server at the end.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import click

from tests.benchmarks import dashboard
from tests.benchmarks.agreement import check_agreement
from tests.benchmarks.beside_import import measure_beside_import
from tests.benchmarks.client import BadResponse
from tests.benchmarks.cold import measure_cold
from tests.benchmarks.database import BenchmarkDatabase, Plan, create_database, create_plain_database
from tests.benchmarks.growth import measure_costs
from tests.benchmarks.measure import (
    POSTGRESQL,
    TEN_TIMES,
    TENTH,
    Results,
    Runner,
    Scenario,
    build_growth_scenarios,
    build_scenarios,
    measure_memory,
    measure_starts,
)
from tests.benchmarks.polling import Polling, measure_polling
from tests.benchmarks.postgresql import run_postgresql
from tests.benchmarks.report import Target, as_json, evaluate_targets, lines, write
from tests.benchmarks.servers import KINDS, OURS, PEERS, WITH_POSTGRESQL, Kind, find_nginx, is_installed
from tests.benchmarks.sign_in_timing import measure_refusals
from tests.benchmarks.writes import measure_change, measure_import_rates, measure_prices
from voiceadmin.config import Settings

RESULTS = Path(__file__).resolve().parents[2] / "instance" / "benchmarks.json"


@dataclass(frozen=True)
class Effort:
    """How much is measured. seconds, max_requests: the limits for one server in one round of one scenario."""

    plan: Plan
    rounds: int
    seconds: float
    max_requests: int
    many_rounds: int
    many_seconds: float
    changes: int
    imported_voices: int
    priced_voices: int
    refused_sign_ins: int
    page_requests: int
    first_requests: int
    exported_voices: int
    changed_voices: int
    polling_keys: int
    polling_rounds: int


FULL = Effort(Plan(1_000_000, 1_000), 7, 1.0, 60, 5, 3.0, 200, 200_000, 50_000, 50, 200, 20, 500_000, 100_000, 2_000, 5)
QUICK = Effort(Plan(300_000, 300), 3, 0.4, 30, 2, 1.5, 50, 40_000, 10_000, 25, 50, 3, 20_000, 20_000, 200, 3)


def log_progress(line: str) -> None:
    """Print a progress message to standard error."""
    click.echo(line, err=True)


def run(
    effort: Effort, folder: Path, kinds: Sequence[Kind], *, postgres: bool, shared: bool = False
) -> tuple[Results, list[Target]]:
    """Create the databases that the folder lacks, check that all servers return the same rows, and measure them."""
    plan, load = effort.plan, os.getloadavg()[0]
    database = create_database(plan, folder, log_progress)
    scenarios = build_scenarios(database)
    with ExitStack() as stack:
        runner = Runner(stack, log_progress)
        runner.results.single["load"] = load
        peers = [kind for kind in kinds if kind.name in PEERS]
        runner.start([kind for kind in kinds if kind not in peers], database)
        runner.start(peers, database if shared else create_plain_database(database))
        if postgres:
            address, postgresql_folder = stack.enter_context(run_postgresql(folder / "postgresql"))
            chosen = [kind for kind in kinds if kind.name in WITH_POSTGRESQL]
            on_postgresql = create_database(plan, postgresql_folder, log_progress, address)
            runner.start(chosen, on_postgresql, POSTGRESQL)
        tenth = _tenth(plan)
        runner.start([KINDS[OURS]], create_database(tenth, folder, log_progress), TENTH, only=scenarios[0].name)
        log_progress("Checking that all responses are the same ...")
        runner.check(scenarios)
        runner.run_rounds(scenarios, effort.rounds, effort.seconds, effort.max_requests)
        by_name = {scenario.name: scenario for scenario in scenarios}
        concurrent = [by_name[f"{kind} of {plan.big[2]:,}"] for kind in ("page", "JSON")]
        runner.run_rates(concurrent, effort.many_rounds, effort.many_seconds, database)
        if postgres:
            runner.results.cold[OURS + POSTGRESQL] = measure_cold(on_postgresql, effort.first_requests)
            runner.results.polling[OURS + POSTGRESQL] = _measure_polling(effort, on_postgresql)
    _measure_separately(effort, database, by_name[f"JSON of {plan.big[0]:,}"], runner.results)
    return runner.results, evaluate_targets(runner.results, plan)


def run_ten_times(effort: Effort, folder: Path) -> tuple[Results, list[Target]]:
    """Measure voiceadmin on PostgreSQL with the voices of the plan, and with ten times as many voices."""
    plan, load = effort.plan, os.getloadavg()[0]
    with ExitStack() as stack:
        runner = Runner(stack, log_progress)
        runner.results.single["load"] = load
        databases = {}
        for suffix, copies in ((POSTGRESQL, 1), (TEN_TIMES, 10)):
            address, subfolder = stack.enter_context(run_postgresql(folder / f"postgresql-{copies}"))
            database = create_database(replace(plan, copies=copies), subfolder, log_progress, address)
            databases[OURS + suffix] = database
            runner.start([KINDS[OURS]], database, suffix)
        scenarios = build_growth_scenarios(plan)
        runner.run_rounds(scenarios, effort.rounds, effort.seconds, effort.max_requests)
        for server, database in databases.items():
            log_progress(f"First requests of {server} ...")
            runner.results.cold[server] = measure_cold(database, effort.first_requests)
    return runner.results, evaluate_targets(runner.results, plan)


def run_agreement(plan: Plan, folder: Path, *, postgres: bool) -> list[str]:
    """Return the contradictions between the pages of two servers, on SQLite or on PostgreSQL."""
    with ExitStack() as stack:
        address = None
        if postgres:
            address, folder = stack.enter_context(run_postgresql(folder / "postgresql"))
        return check_agreement(create_database(plan, folder, log_progress, address), log_progress)


def _measure_polling(effort: Effort, database: BenchmarkDatabase) -> Polling:
    log_progress("Polling ...")
    organization = effort.plan.owner_of(effort.plan.big[3])
    return measure_polling(database, organization, effort.polling_keys, effort.polling_rounds)


def _tenth(plan: Plan) -> Plan:
    """A database with the same small lists and a tenth of everything else."""
    big = (0, 0, *plan.big[2:])
    return Plan(max(plan.voices // 10, sum(big)), max(plan.organizations // 10, len(big) + 1), big)


def _measure_separately(effort: Effort, database: BenchmarkDatabase, largest: Scenario, results: Results) -> None:
    """Measure what must run without other servers."""
    log_progress("Memory, starts and writes ...")
    measure_memory(largest, database, results)
    measure_starts(database, results, effort.rounds)
    results.single["change"] = measure_change(database, effort.plan.big.index(effort.plan.big[2]) + 1, effort.changes)
    log_progress("Pages, a bulk operation and an export ...")
    results.cold[OURS] = measure_cold(database, effort.first_requests)
    results.pages = dashboard.measure_pages(database, effort.page_requests)
    results.among_slow_clients = dashboard.measure_among_slow_clients(
        database, effort.plan.owner_of(effort.plan.big[1]), effort.page_requests
    )
    results.polling[OURS] = _measure_polling(effort, database)
    results.operation = dashboard.measure_operation(database, effort.plan.owner_of(effort.plan.big[1]))
    with tempfile.TemporaryDirectory(prefix="voiceadmin-") as folder:
        export_plan = Plan(effort.exported_voices + 60, 4, (effort.exported_voices, 20, 20, 20))
        results.export = dashboard.measure_export(
            create_database(export_plan, Path(folder) / "export", log_progress), 1
        )
        rates = measure_import_rates(Path(folder), effort.imported_voices)
        results.single |= {"import": rates.new, "import of the same file again": rates.unchanged}
        results.beside_import = measure_beside_import(
            Path(folder) / "beside", effort.changed_voices, effort.refused_sign_ins
        )
        results.costs = measure_costs(Settings(instance=Path(folder) / "costs"), effort.priced_voices)
        results.prices = measure_prices(Path(folder) / "prices", effort.priced_voices)
        unknown, known = measure_refusals(Path(folder) / "accounts", effort.refused_sign_ins)
        results.single |= {"refused, unknown": unknown, "refused, known": known}


def find_installed_kinds() -> list[Kind]:
    """The installed programs, voiceadmin first."""
    nginx = find_nginx()
    missing = [kind.name for kind in KINDS.values() if not is_installed(kind)] + ([] if nginx else ["nginx"])
    if missing:
        log_progress(f"Not installed and skipped: {', '.join(missing)}.")
    return [kind for kind in KINDS.values() if is_installed(kind)] + ([nginx] if nginx else [])


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option(
    "--quick",
    is_flag=True,
    help="Under five minutes: 300,000 voices in 300 organizations, fewer and shorter rounds.",
)
@click.option(
    "--shared",
    is_flag=True,
    help="Start the other programs on the database of voiceadmin with its indexes. By default they have their own"
    " table with one index for the filters.",
)
@click.option("--postgres", is_flag=True, help="Measure a PostgreSQL database with the same rows as well.")
@click.option(
    "--ten-million",
    is_flag=True,
    help="Measure only voiceadmin, on PostgreSQL with 1,000,000 and with 10,000,000 voices. They take 30 GB and"
    " an hour.",
)
@click.option(
    "--agreement",
    is_flag=True,
    help="Measure nothing. Start two servers on one database, apply every kind of action with one of them, and report"
    " numbers that differ between the servers or between pages. With --postgres: on PostgreSQL only.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that keeps the databases for the next run. Default: a temporary folder.",
)
@click.option(
    "--results",
    "results_",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS,
    help="The file for the results as JSON. Default: instance/benchmarks.json.",
)
def main(
    quick: bool,
    postgres: bool,
    shared: bool,
    ten_million: bool,
    agreement: bool,
    folder: Path | None,
    results_: Path,
) -> None:
    """Run the benchmarks."""
    signal.signal(signal.SIGTERM, _interrupt)
    effort = QUICK if quick else FULL
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-bench-")))
        try:
            if agreement:
                _report_contradictions(run_agreement(effort.plan, folder.resolve(), postgres=postgres))
                return
            if ten_million:
                results, targets = run_ten_times(effort, folder.resolve())
            else:
                kinds = find_installed_kinds()
                results, targets = run(effort, folder.resolve(), kinds, postgres=postgres, shared=shared)
        except BadResponse as bad:
            raise click.ClickException(str(bad)) from bad
    write(results_, as_json(results, targets, effort.plan) | {"shared": shared})
    for line in lines(results, targets):
        click.echo(line)
    log_progress(f"As JSON: {results_}")


def _report_contradictions(contradictions: Sequence[str]) -> None:
    for contradiction in contradictions:
        click.echo(contradiction)
    if contradictions:
        raise click.ClickException(f"Contradictions: {len(contradictions)}.")
    click.echo("Both servers and all pages agree after every action.")


if __name__ == "__main__":
    main(prog_name="./dev bench")
