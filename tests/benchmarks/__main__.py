"""Measures how fast voiceadmin answers, beside other dashboards and beside what is possible at all.

Makes a store of 1,000,000 voices, starts every server over it on this machine's
loopback, lets them take turns, and prints medians, ratios of the same run and
whether each figure to be reached was met. Stops whatever it started.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from tests.benchmarks import desk
from tests.benchmarks.client import BadAnswer
from tests.benchmarks.measure import (
    POSTGRESQL,
    TENTH,
    Question,
    Results,
    Turns,
    measure_memory,
    measure_starts,
    questions,
)
from tests.benchmarks.postgresql import running as postgresql_running
from tests.benchmarks.report import Figure, as_json, figures, lines, write
from tests.benchmarks.servers import KINDS, OURS, PEERS, WITH_POSTGRESQL, Kind, installed, nginx_kind
from tests.benchmarks.signing_in import refusals_ms
from tests.benchmarks.store import DatabaseIdentity, Plan, make_store, plain_store
from tests.benchmarks.writes import change_ms, import_rate, prices

RESULTS = Path(__file__).resolve().parents[2] / "instance" / "benchmarks.json"


@dataclass(frozen=True)
class Effort:
    """How much is done. seconds, most: of one server's turn with one question."""

    plan: Plan
    rounds: int
    seconds: float
    most: int
    many_rounds: int
    many_seconds: float
    changes: int
    imported: int
    priced: int
    tries: int
    desk: int
    exported: int


FULL = Effort(Plan(1_000_000, 1_000), 7, 1.0, 60, 5, 3.0, 200, 200_000, 50_000, 50, 200, 500_000)
QUICK = Effort(Plan(300_000, 300), 3, 0.4, 30, 2, 1.5, 50, 40_000, 10_000, 25, 50, 20_000)


def say(line: str) -> None:
    """Tell the person how far it is."""
    click.echo(line, err=True)


def run(
    effort: Effort, folder: Path, kinds: Sequence[Kind], *, postgres: bool, shared: bool = False
) -> tuple[Results, list[Figure]]:
    """Make the stores that the folder does not have yet, check, measure, stop everything."""
    plan, load = effort.plan, os.getloadavg()[0]
    store = make_store(plan, folder, say)
    asked = questions(store)
    with ExitStack() as stack:
        turns = Turns(stack, say)
        turns.results.single["load"] = load
        peers = [kind for kind in kinds if kind.name in PEERS]
        turns.start([kind for kind in kinds if kind not in peers], store)
        turns.start(peers, store if shared else plain_store(store))
        if postgres:
            address, place = stack.enter_context(postgresql_running(folder / "postgresql"))
            chosen = [kind for kind in kinds if kind.name in WITH_POSTGRESQL]
            turns.start(chosen, make_store(plan, place, say, address), POSTGRESQL)
        tenth = _tenth(plan)
        turns.start([KINDS[OURS]], make_store(tenth, folder, say), TENTH, only=asked[0].name)
        say("Checking that all answers are the same ...")
        turns.check(asked)
        turns.rounds(asked, effort.rounds, effort.seconds, effort.most)
        by_name = {question.name: question for question in asked}
        crowded = [by_name[f"{kind} of {plan.big[2]:,}"] for kind in ("page", "JSON")]
        turns.rates(crowded, effort.many_rounds, effort.many_seconds, store)
    _alone(effort, store, by_name[f"JSON of {plan.big[0]:,}"], turns.results)
    return turns.results, figures(turns.results, plan)


def _tenth(plan: Plan) -> Plan:
    """A store with the same small lists and a tenth of everything else."""
    big = (0, 0, *plan.big[2:])
    return Plan(max(plan.voices // 10, sum(big)), max(plan.organizations // 10, len(big) + 1), big)


def _alone(effort: Effort, store: DatabaseIdentity, largest: Question, results: Results) -> None:
    """What is measured with no other server around."""
    say("Memory, starts and writes ...")
    measure_memory(largest, store, results)
    measure_starts(store, results, effort.rounds)
    results.single["change"] = change_ms(store, effort.plan.big.index(effort.plan.big[2]) + 1, effort.changes)
    say("The desk ...")
    results.desk = desk.pages(store, effort.desk)
    results.operation = desk.operation(store, effort.plan.owner_of(effort.plan.big[1]))
    with tempfile.TemporaryDirectory(prefix="voiceadmin-") as empty:
        alone = Plan(effort.exported + 60, 4, (effort.exported, 20, 20, 20))
        results.export = desk.export(make_store(alone, Path(empty) / "export", say), 1)
        results.single["import"] = import_rate(Path(empty), effort.imported)
        results.prices = prices(Path(empty) / "prices", effort.priced)
        unknown, known = refusals_ms(Path(empty) / "accounts", effort.tries)
        results.single |= {"refused, unknown": unknown, "refused, known": known}


def kinds_here() -> list[Kind]:
    """All that are installed, our own first."""
    nginx = nginx_kind()
    missing = [kind.name for kind in KINDS.values() if not installed(kind)] + ([] if nginx else ["nginx"])
    if missing:
        say(f"Not installed, so left out: {', '.join(missing)}.")
    return [kind for kind in KINDS.values() if installed(kind)] + ([nginx] if nginx else [])


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
    help="The peers over our own store and its indexes; over a table of their own, with one index for the filters,"
    " otherwise.",
)
@click.option("--postgres", is_flag=True, help="The same store on PostgreSQL too.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the stores are kept for the next run; a temporary folder otherwise.",
)
@click.option(
    "--results",
    "results_",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS,
    help="Where the figures go as JSON; instance/benchmarks.json otherwise.",
)
def main(quick: bool, postgres: bool, shared: bool, folder: Path | None, results_: Path) -> None:
    """Do what the command line says."""
    signal.signal(signal.SIGTERM, _interrupt)
    effort = QUICK if quick else FULL
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-bench-")))
        try:
            results, found = run(effort, folder.resolve(), kinds_here(), postgres=postgres, shared=shared)
        except BadAnswer as bad:
            raise click.ClickException(str(bad)) from bad
    write(results_, as_json(results, found, effort.plan) | {"shared": shared})
    for line in lines(results, found):
        click.echo(line)
    say(f"As JSON: {results_}")


if __name__ == "__main__":
    main(prog_name="./dev bench")
