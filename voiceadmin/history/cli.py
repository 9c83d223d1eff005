"""Commands for the history, which “sync --every” makes unnecessary."""

from __future__ import annotations

import click

from voiceadmin import clock
from voiceadmin.cli import application_context, cli
from voiceadmin.config import Settings
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.history.actions.thinning import Limits, thin_history
from voiceadmin.text import pluralize


@cli.group()
def history() -> None:
    """Manage the history of voices and slots by day."""


@history.command("renew-trends")
@click.pass_context
def renew(ctx: click.Context) -> None:
    """Store the trends of today, for the filter of voice lists.

    “sync --every” does this once a day.
    """
    with application_context(ctx):
        written = sum(renew_trends(now=clock.now()))
    click.echo(f"{pluralize(written, 'trend')} written.")


@history.command("thin")
@click.pass_context
def thin(ctx: click.Context) -> None:
    """Delete days that are older than the settings keep them: all but the last of a week, then all.

    “sync --every” does this once a day.
    """
    with application_context(ctx) as app:
        settings: Settings = app.config["VOICEADMIN"]
        limits = Limits.build(settings.history_days, settings.history_years, now=clock.now())
        deleted = sum(thin_history(limits))
    click.echo(
        f"{pluralize(deleted, 'row')} deleted. Each day is kept after {limits.weekly_until}, "
        f"and the last day of each week after {limits.deleted_until}."
    )
