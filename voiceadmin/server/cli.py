"""Serve it, look at it, and say what is unsafe about it."""

from __future__ import annotations

import click
from flask import Flask

from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_setup_link
from voiceadmin.accounts.queries.accounts import list_accounts
from voiceadmin.accounts.queries.credentials import has_any_account
from voiceadmin.api_keys.queries import list_api_keys
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import Settings, format_command
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.queries import find_example_assistant
from voiceadmin.sample.actions import add_sample
from voiceadmin.sample.data import FRONT_DESK
from voiceadmin.sample.queries import database_is_empty
from voiceadmin.server.checks import find_account_risks, find_deployment_risks, invitation_url, refuse_critical_risks
from voiceadmin.server.gunicorn import check_address
from voiceadmin.server.gunicorn import serve as serve_app
from voiceadmin.server.logs import configure_logs
from voiceadmin.text import pluralize
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT, SETUP_LINK_PRINTED

LOOPBACK = "127.0.0.1"


Port = click.IntRange(1, 65535)


@cli.command()
@click.option("--port", type=Port, default=8000, show_default=True, help="Where to listen.")
@click.pass_context
def run(ctx: click.Context, port: int) -> None:
    """Look at it: serve on this machine, with sample data if the store is empty."""
    check_address(LOOPBACK, port, open_to_all=True)
    with application_context(ctx) as app:
        app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
        accounts_there, shows = has_any_account(), "your store"
        if database_is_empty():
            report = add_sample(clock.now(), by=current_cli_actor(), now=clock.now())
            click.echo(
                f"The database was empty. {report} Remove the sample data with: {format_command('sample --remove')}"
            )
            shows = "sample data"
        example = find_example_assistant(EVERYTHING, FRONT_DESK)
        dispose_engine()
    address = f"http://{LOOPBACK}:{port}"

    def announce() -> None:
        click.echo(f"voiceadmin shows {shows} at {address} (stop with Ctrl-C)")
        if accounts_there:
            click.echo("The store has accounts: sign in there. Programs need an API key.")
        elif example is not None:
            click.echo(f"As JSON:  curl '{address}/api/v1/assistants/{example}/cloned-voices?status=ready'")

    serve_app(app, host=LOOPBACK, port=port, workers=2, threads=4, when_ready=announce)


@cli.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Where to listen; 0.0.0.0 is everywhere.")
@click.option("--port", type=Port, default=8000, show_default=True, help="Where to listen.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at once a process.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the store as it is, after bringing it to this version's schema.

    Where there are no accounts yet, it prints a link that makes the first one.
    """
    app: Flask = ctx.obj()
    settings: Settings = app.config["VOICEADMIN"]
    check_address(host, port, open_to_all=settings.anonymous_role is not Role.ANYONE)
    refuse_critical_risks(find_deployment_risks(settings, debug=app.debug))
    configure_logs()
    with app.app_context():
        prepare_database()
        link = None if has_any_account() else create_setup_link(by=current_cli_actor(), now=clock.now())
        dispose_engine()

    app.config[SETUP_LINK_PRINTED] = link is not None

    def announce() -> None:
        if link is not None:
            click.echo(
                f"Make the first account within 30 minutes: {invitation_url(settings, link, host=host, port=port)}"
            )
        click.echo(f"voiceadmin listens on {host}, port {port}")

    serve_app(app, host=host, port=port, workers=workers, threads=threads, when_ready=announce)


@cli.command("check-deploy")
@click.pass_context
def check_deploy(ctx: click.Context) -> None:
    """Say what is unsafe about this deployment, each with its remedy; exit code 1 if there is anything."""
    with application_context(ctx) as app:
        admins = [row for row in list_accounts(EVERYTHING) if row.platform and row.disabled_at is None]
        found = [
            *find_deployment_risks(app.config["VOICEADMIN"], debug=app.debug),
            *find_account_risks(len(admins), list_api_keys(EVERYTHING)),
        ]
    for danger in found:
        click.echo(f"{'!!' if danger.grave else ' !'} {danger}")
    if found:
        raise click.ClickException(f"{pluralize(len(found), 'thing')} to mend.")
    click.echo("Nothing unsafe was found.")
