"""Voices in and out, the sample, the schema."""

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
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.database.schema import prepare_database
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.sample.actions import add_sample, remove_sample
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID, pluralize
from voiceadmin.voices.importing.actions import ImportTarget, import_voices
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.queries import voices_file

AssistantId = click.IntRange(1, MAX_ID)


class Time(click.ParamType[datetime]):
    """An ISO 8601 time; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or fail with what to write."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time. Write it as 2026-01-31T12:00:00Z.", param, ctx)


@cli.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--assistant", "assistant_id", type=AssistantId, required=True, help="Whose voices they are.")
@click.option("--assistant-name", help="What to call it; a new one is “Assistant ID” otherwise.")
@click.option("--organization", help="Name or our id of a new assistant's organization; one of its own otherwise.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each record; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Write the good records even if others are bad.")
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
    """Bring voices in from FILE, or from standard input when FILE is "-".

    Reads the API's own answer, a bare array of voices, one voice a line, or the CSV that export writes.
    """
    target = ImportTarget(assistant_id, assistant_name, organization)
    with application_context(ctx), _progress(file) as stream:
        report = import_voices(
            stream,
            target,
            by=current_cli_actor(),
            now=clock.now(),
            dry_run=dry_run,
            skip_bad=skip_bad,
            on_fault=lambda fault: click.echo(fault, err=True),
        )
    _tell(report, skip_bad=skip_bad)


def _tell(report: ImportReport, *, skip_bad: bool) -> None:
    outcomes = {name: getattr(report, name) for name in ("added", "changed", "unchanged", "refused")}
    counts = ", ".join(f"{number:,} {name}" for name, number in outcomes.items()) + "."
    if report.ignored:
        counts += f" Passed over {pluralize(report.ignored, 'field')} that the API does not have."
    if report.written:
        click.echo(counts)
    elif report.refused and not skip_bad:
        them = "it" if report.refused == 1 else "them"
        mend = f"Mend {pluralize(report.refused, 'record')}, or pass {them} over with --skip-bad"
        raise click.ClickException(f"Nothing was written. {mend}: {counts}")
    else:
        click.echo(f"Nothing was written; it would be: {counts}")


@contextmanager
def _progress(file: BinaryIO) -> Iterator[BinaryIO]:
    """The same stream, with a bar on a terminal that grows as it is read."""
    try:
        size = os.fstat(file.fileno()).st_size
    except OSError:
        size = 0
    hidden = not (size and sys.stderr.isatty())
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=hidden) as bar:
        yield io.BufferedReader(_Watched(file, bar.update), buffer_size=1 << 16)


class _Watched(io.RawIOBase):
    """Reads on behalf of somebody and tells how many bytes each time."""

    def __init__(self, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self.stream, self.told = stream, told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        self.told(len(data))
        return len(data)


@cli.command()
@click.option("--assistant", "assistant_id", type=AssistantId, required=True, help="Whose voices.")
@click.option(
    "--format",
    "format_",
    type=click.Choice([format.value for format in ExportFormat]),
    default=ExportFormat.JSON.value,
    show_default=True,
    help="The API's answer, one voice a line, or CSV that a spreadsheet opens safely.",
)
@click.pass_context
def export(ctx: click.Context, assistant_id: int, format_: str) -> None:
    """Write all voices of an assistant to standard output; import reads every format back."""
    with application_context(ctx):
        assistant = get_assistant(EVERYTHING, assistant_id)
        thing = AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name)
        organization = assistant.organization.id
        record_event_now(
            AuditEventType.VOICES_EXPORTED,
            thing,
            by=current_cli_actor(),
            now=clock.now(),
            organization_id=organization,
            after={"format": format_},
        )
        out = sys.stdout.buffer
        for piece in voices_file(organization, ExportFormat(format_)):
            out.write(piece.encode())
        out.flush()


@cli.command()
@click.option("--now", "now_", type=Time(), help="Make it for this time, as ISO 8601; the present otherwise.")
@click.option("--remove", is_flag=True, help="Take out what the sample put in, and nothing else.")
@click.pass_context
def sample(ctx: click.Context, now_: datetime | None, remove: bool) -> None:
    """Fill the store with believable data, or take it out again."""
    with application_context(ctx):
        now = clock.now()
        click.echo(
            remove_sample(by=current_cli_actor(), now=now)
            if remove
            else add_sample(now_ or now, by=current_cli_actor(), now=now)
        )


@cli.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Make the store, or bring it to this version's schema."""
    app: Flask = ctx.obj()
    with app.app_context():
        click.echo("The store is migrated." if prepare_database() else "The store was up to date.")
