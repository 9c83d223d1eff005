"""What all commands share: the group, an app with its store ready, and who runs the command."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask

from voiceadmin.database.schema import prepare_database
from voiceadmin.errors import Problem
from voiceadmin.identity import Actor, ActorKind


class ErrorReportingGroup(click.Group):
    """Turns what the domain and the store expect to go wrong into one line on stderr and exit code 1."""

    unavailable: tuple[type[Exception], ...] = ()

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise click.ClickException(str(problem)) from problem
        except self.unavailable as error:
            what = str(getattr(error, "orig", error)).partition("\n")[0]
            raise click.ClickException(f"The store cannot be reached: {what}. Nothing was written.") from error


@click.group(cls=ErrorReportingGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The admin dashboard over a platform's cloned voices."""


def current_cli_actor() -> Actor:
    """Whoever runs the command, as the system calls them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a process without an entry among the users, as in a container
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"
    return Actor(ActorKind.CLI, None, user)


@contextmanager
def application_context(ctx: click.Context) -> Iterator[Flask]:
    """The app, with its store ready, for as long as a command works with it."""
    app: Flask = ctx.obj()
    with app.app_context():
        prepare_database()
        yield app
