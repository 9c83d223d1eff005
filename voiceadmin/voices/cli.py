"""Commands that import and export voices, add and remove the sample data, and migrate the database."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click
from flask import Flask

from voiceadmin import clock
from voiceadmin.audit.actions import record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.cli import WritingBar, application_context, cli, current_cli_actor
from voiceadmin.database.schema import prepare_database
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.sample.actions import add_sample, remove_sample
from voiceadmin.sources.actions.judging import judge_changed_voices
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID, pluralize
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.queries import voices_file

AssistantId = click.IntRange(1, MAX_ID)


class Time(click.ParamType[datetime]):
    """An ISO 8601 time. Without a time zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time in UTC, or fail with an example."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time. Write it as 2026-01-31T12:00:00Z.", param, ctx)


@cli.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--assistant",
    "assistant_id",
    type=AssistantId,
    required=True,
    help="Assistant whose organization gets the voices; created if it does not exist.",
)
@click.option("--assistant-name", help="Name of the assistant. The default for a new one is “Assistant ID”.")
@click.option(
    "--organization",
    help="Name or id of the organization of a new assistant. The default is a new organization of its own.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen to each record; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Write the valid records even if others are invalid.")
@click.pass_context
def import_(
    ctx: click.Context,
    file: BinaryIO,
    assistant_id: int,
    assistant_name: str | None,
    organization: str | None,
    dry_run: bool,
    skip_bad: bool,
) -> None:
    """Import voices from FILE, or from standard input if FILE is "-".

    Reads the response of the API, a JSON array of voices, NDJSON, or the CSV that export writes.
    """
    with application_context(ctx) as app, _show_progress(file) as stream, WritingBar() as writing:
        report = import_voices(
            stream,
            ImportTarget(assistant_id, assistant_name, organization),
            by=current_cli_actor(),
            now=clock.now(),
            dry_run=dry_run,
            skip_bad=skip_bad,
            on_fault=lambda fault: click.echo(fault, err=True),
            notify=lambda notice: click.echo(f"Note: {notice}", err=True),
            on_written=writing.update,
        )
        if report.written:
            organization_id = get_assistant(EVERYTHING, assistant_id).organization.id
            judge_changed_voices(organization_id, app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
    _print_report(report, skip_bad=skip_bad)


def _print_report(report: ImportReport, *, skip_bad: bool) -> None:
    """Print the counts of an import, or fail with them if invalid records prevented it."""
    outcomes = {name: getattr(report, name) for name in ("added", "changed", "unchanged", "refused")}
    counts = ", ".join(f"{count:,} {name}" for name, count in outcomes.items()) + "."
    if report.ignored:
        counts += f" Ignored {pluralize(report.ignored, 'field')} that the API does not have."
    if report.written:
        click.echo(counts)
    elif report.refused and not skip_bad:
        them = "it" if report.refused == 1 else "them"
        remedy = f"Fix {pluralize(report.refused, 'record')}, or skip {them} with --skip-bad"
        raise click.ClickException(f"Nothing was written. {remedy}: {counts}")
    else:
        click.echo(f"Dry run, nothing was written. The import would be: {counts}")


@contextmanager
def _show_progress(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield the same stream; on a terminal, show a progress bar of the bytes read."""
    try:
        size = os.fstat(file.fileno()).st_size
    except OSError:
        size = 0
    hidden = not (size and sys.stderr.isatty())
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=hidden) as bar:
        yield io.BufferedReader(_ReportingStream(file, bar.update), buffer_size=1 << 16)


class _ReportingStream(io.RawIOBase):
    """A stream that reports how many bytes each read returns."""

    def __init__(self, stream: BinaryIO, report: Callable[[int], None]) -> None:
        self._stream, self._report = stream, report

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._report(len(data))
        return len(data)


@cli.command()
@click.option("--assistant", "assistant_id", type=AssistantId, required=True, help="Assistant to export.")
@click.option(
    "--format",
    "format_",
    type=click.Choice([format.value for format in ExportFormat if format is not ExportFormat.EXCEL]),
    show_default=ExportFormat.JSON.value,
    help="json is the response of the API, ndjson one voice per line, csv is safe to open in a spreadsheet.",
)
@click.option(
    "--excel",
    is_flag=True,
    help="Write CSV that Excel opens as UTF-8, safe also if it separates cells by semicolons.",
)
@click.pass_context
def export(ctx: click.Context, assistant_id: int, format_: str | None, excel: bool) -> None:
    """Write all voices of an assistant's organization to standard output. Import reads every format."""
    if excel and format_ not in (None, ExportFormat.CSV):
        raise click.UsageError(f"--excel writes CSV. Remove --format {format_}.")
    export_format = ExportFormat.EXCEL if excel else ExportFormat(format_ or ExportFormat.JSON)
    with application_context(ctx):
        assistant = get_assistant(EVERYTHING, assistant_id)
        organization_id = assistant.organization.id
        record_event_now(
            AuditEventType.VOICES_EXPORTED,
            AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name),
            by=current_cli_actor(),
            now=clock.now(),
            organizations=[organization_id],
            after={"format": export_format.value},
        )
        for piece in voices_file(organization_id, export_format):
            sys.stdout.buffer.write(piece.encode())
        sys.stdout.buffer.flush()


@cli.command()
@click.option("--now", "as_of", type=Time(), help="Time in ISO 8601 for which to compute the sample. Default: now.")
@click.option("--remove", is_flag=True, help="Remove the sample data, and nothing else.")
@click.pass_context
def sample(ctx: click.Context, as_of: datetime | None, remove: bool) -> None:
    """Add sample data to the database, or remove it."""
    with application_context(ctx):
        now, actor = clock.now(), current_cli_actor()
        click.echo(remove_sample(by=actor, now=now) if remove else add_sample(as_of or now, by=actor, now=now))


@cli.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Create the database, or migrate it to the schema of this version."""
    app: Flask = ctx.obj()
    with app.app_context():
        click.echo("The database was migrated." if prepare_database() else "The database is up to date.")
