"""The command that syncs sources, once or continuously."""

from __future__ import annotations

import re
import signal
from datetime import timedelta
from pathlib import Path
from threading import Event

import click
from flask import Flask

from voiceadmin import clock
from voiceadmin.cleanup.actions.deleting import carry_out_some
from voiceadmin.cli import WritingBar, application_context, cli, current_cli_actor
from voiceadmin.config import Settings
from voiceadmin.errors import ChangeRefused, Problem
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.joining import join_organizations
from voiceadmin.sources.actions.plan_files import read_plan, write_plan
from voiceadmin.sources.actions.planning import apply_plan, plan_sync
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.actions.scheduling import SyncLoop, name_process
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.plan_text import format_plan
from voiceadmin.sources.queries import list_sources
from voiceadmin.sources.types import DueSource, SourceRow, SyncReport, SyncResult
from voiceadmin.text import DAY, HOUR, MAX_ID, MINUTE, pluralize

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

FILE: click.Path[Path] = click.Path(dir_okay=False, path_type=Path)

UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}


class Interval(click.ParamType[timedelta]):
    """A time such as 5m, 2h or 1d."""

    name = "interval"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time. Fails with the value and an example."""
        match = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", str(value), re.ASCII)
        if match is None:
            self.fail(f"{value!r} is not an interval. Give minutes, hours or days, such as 5m, 2h or 1d.", param, ctx)
        return int(match[1]) * UNITS[match[2]]


@cli.command("sync")
@click.option("--source", "source_id", type=click.IntRange(1, MAX_ID), help="Only the source with this id.")
@click.option(
    "--every",
    type=Interval(),
    help="Sync all sources again and again, such as every 5m. Of several such processes, one syncs.",
)
@click.option("--dry-run", is_flag=True, help="Print what a sync of --source would write; write nothing.")
@click.option("--output", type=FILE, help="With --dry-run: save all differences in this file.")
@click.option("--apply", "plan", type=FILE, help="Write what a file of --output says, if nothing has changed since.")
@click.pass_context
def sync(
    ctx: click.Context,
    source_id: int | None,
    every: timedelta | None,
    dry_run: bool,
    output: Path | None,
    plan: Path | None,
) -> None:
    """Read voices and assistants from the platform, and write what has changed. Nothing is ever deleted by that.

    With --every, also carries out the deletions at providers that admins have confirmed.

    Exits with 1 if a source could not be read as a whole.
    """
    _check_options(source_id, every, dry_run=dry_run, output=output, plan=plan)
    with application_context(ctx) as app:
        settings: Settings = app.config["VOICEADMIN"]
        if every is not None:
            _sync_continuously(app, every)
            return
        if dry_run and source_id is not None:
            is_complete = _plan(source_id, settings, output)
        elif plan is not None:
            is_complete = _apply(plan, settings)
        else:
            renew_verdicts(settings.attention_thresholds, now=clock.now())
            reports = [_sync(row, settings) for row in _choose(source_id)]
            is_complete = all(report.result is SyncResult.COMPLETE for report in reports)
    if not is_complete:
        ctx.exit(1)


def _check_options(
    source_id: int | None, every: timedelta | None, *, dry_run: bool, output: Path | None, plan: Path | None
) -> None:
    """Refuse options that contradict each other."""
    if every is not None and source_id is not None:
        raise click.UsageError("Give either --source or --every.")
    if plan is not None and (source_id is not None or every is not None or dry_run or output is not None):
        raise click.UsageError("Give --apply alone. The file names the source.")
    if dry_run and source_id is None:
        raise click.UsageError("Give --source with --dry-run, as in “sync --source 1 --dry-run”.")
    if output is not None and not dry_run:
        raise click.UsageError("Give --dry-run with --output.")


def _plan(source_id: int, settings: Settings, output: Path | None) -> bool:
    """Print and save what a sync would write. Return whether the lists could be read as a whole."""
    document = plan_sync(EVERYTHING, source_id, settings, now=clock.now())
    for line in format_plan(document):
        click.echo(line)
    if output is not None:
        write_plan(output, document)
        click.echo(f"Saved in {output}. Write exactly this with “sync --apply {output}”.")
    return not document["messages"]


def _apply(plan: Path, settings: Settings) -> bool:
    """Write what a file says. Return whether the result is complete."""
    with WritingBar() as bar:
        document = read_plan(plan)
        report = apply_plan(
            EVERYTHING, document, settings, by=current_cli_actor(), now=clock.now(), on_written=bar.update
        )
    _print_report(document["source"]["name"], report)
    return report.result is SyncResult.COMPLETE


def _choose(source_id: int | None) -> list[SourceRow]:
    """Return the source with this id, or all that can be synced, those of the platform first."""
    rows = sorted(list_sources(EVERYTHING), key=lambda row: not row.kind.is_platform)
    chosen = [row for row in rows if row.id == source_id or (source_id is None and row.can_sync)]
    if not chosen:
        raise click.UsageError("There is no such source. Add one with “source add burki NAME”.")
    return chosen


def _sync(row: SourceRow, settings: Settings) -> SyncReport:
    """Sync a source, and again if that has shown where assistants belong."""
    report = _sync_once(row, settings)
    return _sync_once(row, settings) if _join(row.id, row.name, report) else report


def _sync_once(row: SourceRow, settings: Settings) -> SyncReport:
    with WritingBar() as bar:
        report = sync_source(
            EVERYTHING, row.id, settings, by=current_cli_actor(), now=clock.now(), on_written=bar.update
        )
    _print_report(row.name, report)
    return report


def _join(source_id: int, name: str, report: SyncReport) -> bool:
    """Merge the organizations that imports created for assistants which the sync has skipped. Return whether any was.

    The loop then syncs the source again.
    """
    try:
        merged = join_organizations(source_id, report.owned_elsewhere, by=current_cli_actor(), now=clock.now())
    except ChangeRefused as refused:  # an import is running
        click.echo(f"  {refused}", err=True)
        return False
    if merged:
        what = pluralize(merged, "organization that an import created was", "organizations that imports created were")
        click.echo(f"{name}: {what} merged into that of the source. Merges can be undone on the page Organizations.")
    return merged > 0


def _print_report(name: str, report: SyncReport) -> None:
    click.echo(f"{name}: {report.result.label.lower()}. {_describe_counts(report)}")
    for line in (*report.messages, *report.faults):
        click.echo(f"  {line}", err=True)


def _describe_counts(report: SyncReport) -> str:
    counts = report.counts
    voices = f"{counts.added:,} added, {counts.changed:,} changed, {counts.unchanged:,} unchanged"
    missing = f", {counts.missing:,} missing now" if counts.missing else ""
    returned = f", {counts.returned:,} listed again" if counts.returned else ""
    assistants = f" Assistants: {counts.assistants:,} added or changed." if counts.assistants else ""
    reset = "".join(f" {phrase}." for phrase in counts.describe_reset())
    return f"Voices: {voices}{missing}{returned}.{reset}{assistants}"


def _sync_continuously(app: Flask, every: timedelta) -> None:
    """Sync until a stop signal."""
    stopped = Event()
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, lambda *_: stopped.set())
    loop = SyncLoop(
        app.config["VOICEADMIN"],
        every,
        current_cli_actor(),
        app.app_context,
        on_report=_handle_report,
        on_problem=_print_problem,
        on_database_error=lambda text: click.echo(text, err=True),
        do_other_work=lambda stopped: _carry_out_deletions(app.config["VOICEADMIN"], stopped),
    )
    click.echo("Syncing all sources. Stop with Ctrl-C.")
    loop.run(stopped)


def _handle_report(source: DueSource, report: SyncReport) -> None:
    _print_report(source.name, report)
    _join(source.id, source.name, report)


def _carry_out_deletions(settings: Settings, stopped: Event) -> None:
    """Carry out some of the deletions that people have confirmed. The rest follows after the next syncs."""
    try:
        carry_out_some(
            settings,
            name_process(),
            wait=stopped.wait,
            is_stopped=stopped.is_set,
            on_result=lambda name, text: click.echo(f"{name}: {text}" if name else text),
        )
    except Problem as problem:
        click.echo(str(problem), err=True)


def _print_problem(source: DueSource, problem: Problem) -> None:
    click.echo(f"{source.name}: {problem}", err=True)
