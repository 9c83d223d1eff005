"""The command group, and functions for all commands: application context, acting user, error messages."""

from __future__ import annotations

import errno
import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from voiceadmin.config import read_version
from voiceadmin.database.schema import prepare_database
from voiceadmin.database.unavailable import describe_unavailable
from voiceadmin.errors import Problem
from voiceadmin.identity import Actor, ActorKind

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


class ErrorReportingGroup(click.Group):
    """Prints expected errors of the domain, database and disk as one line on stderr, and exits with code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise click.ClickException(str(problem)) from problem
        except SQLAlchemyError as error:
            description = describe_unavailable(error)
            if description is None:
                raise
            raise click.ClickException(f"{description} Nothing was written.") from error
        except OSError as error:
            if error.errno not in DISK_ERRORS:
                raise
            raise click.ClickException(_describe_disk_error(error)) from error


def _describe_disk_error(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename} cannot be written: {error.strerror}."
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # else the end of the process fails
    return f"The output cannot be written: {error.strerror}."


def _print_version(ctx: click.Context, param: click.Parameter, is_asked: bool) -> None:
    """Print the version and exit. Other commands do not read it."""
    if is_asked and not ctx.resilient_parsing:
        click.echo(f"voiceadmin, version {read_version()}")
        ctx.exit()


@click.group(cls=ErrorReportingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Admin dashboard for the cloned voices of a platform."""


def current_cli_actor() -> Actor:
    """Return the actor of this process, named as the operating system names its user."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # the user has no entry in the user database, as in some containers
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
    return Actor(ActorKind.CLI, None, user)


@contextmanager
def application_context(ctx: click.Context) -> Iterator[Flask]:
    """Create the application, migrate its database, and yield it inside its context."""
    app: Flask = ctx.obj()
    with app.app_context():
        prepare_database()
        yield app


class WritingBar:
    """On a terminal, a progress bar of the changes written, which begins with the first ones."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def update(self, written: int, total: int) -> None:
        """Show how many changes have been written."""
        if self._bar is None:
            bar = click.progressbar(length=total, label="Writing  ", file=sys.stderr, hidden=not sys.stderr.isatty())
            self._bar = self._stack.enter_context(bar)
        self._bar.update(written - self._bar.pos)

    def __exit__(self, *error: object) -> None:
        """End the bar."""
        self._stack.__exit__(None, None, None)
