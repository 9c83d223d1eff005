"""The command that checks the totals."""

from __future__ import annotations

import click

from voiceadmin import clock
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import format_command
from voiceadmin.text import pluralize
from voiceadmin.totals.actions import rebuild_totals
from voiceadmin.totals.queries import find_wrong_totals


@cli.command("check-totals")
@click.option("--repair", is_flag=True, help="Compute wrong totals anew. Other writers wait meanwhile.")
@click.pass_context
def check_totals(ctx: click.Context, repair: bool) -> None:
    """Compare the totals that pages show with the voices and assistants that they count.

    Exits with 1 if a total is wrong, unless --repair computes it anew.
    """
    with application_context(ctx):
        differences = rebuild_totals(by=current_cli_actor(), now=clock.now()) if repair else find_wrong_totals()
    for table, rows in differences:
        click.echo(f"{table}: {pluralize(rows, 'wrong row')}")
    if differences and not repair:
        raise click.ClickException(f"Totals are wrong. Run “{format_command('check-totals --repair')}”.")
    click.echo("All totals were computed anew." if differences else "All totals are right.")
