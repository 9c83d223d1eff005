"""Commands that run the server and check a deployment."""

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
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.sqlite_files import check_sqlite_files
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.queries import find_example_assistant
from voiceadmin.sample.actions import add_sample
from voiceadmin.sample.data import FRONT_DESK
from voiceadmin.sample.queries import database_is_empty
from voiceadmin.server.address import (
    check_address,
    format_address,
    one_time_url,
    parse_listen_host,
    remember_address,
)
from voiceadmin.server.checks import find_account_risks, find_deployment_risks, refuse_critical_risks
from voiceadmin.server.gunicorn import serve as serve_app
from voiceadmin.server.logs import configure_logs
from voiceadmin.text import pluralize
from voiceadmin.voices.importing.actions import finish_interrupted_import
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT, SETUP_LINK_PRINTED
from voiceadmin.web.hosts import accept_host

LOOPBACK = "127.0.0.1"
Port = click.IntRange(1, 65535)


@cli.command()
@click.option("--port", type=Port, default=8000, show_default=True, help="TCP port to listen on.")
@click.pass_context
def run(ctx: click.Context, port: int) -> None:
    """Serve on this machine only, with sample data if the database is empty."""
    check_address(LOOPBACK, port, open_to_all=True)
    with application_context(ctx) as app:
        app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
        _complete_import()
        content = "sample data" if _add_sample_if_empty() else "your database"
        has_accounts, assistant_id = has_any_account(), find_example_assistant(EVERYTHING, FRONT_DESK)
        dispose_engine()
    address = f"http://{LOOPBACK}:{port}"

    def announce() -> None:
        remember_address(app.config["VOICEADMIN"], LOOPBACK, port)
        click.echo(f"voiceadmin shows {content} at {address} (stop with Ctrl-C)")
        if has_accounts:
            click.echo("The database has accounts: sign in. Programs need an API key.")
        elif assistant_id is not None:
            click.echo(f"As JSON:  curl '{address}/api/v1/assistants/{assistant_id}/cloned-voices?status=ready'")

    serve_app(app, host=LOOPBACK, port=port, workers=2, threads=4, log_as_json=False, when_ready=announce)


def _complete_import() -> None:
    if finish_interrupted_import():
        click.echo("An import that had been interrupted was completed.")


def _add_sample_if_empty() -> bool:
    """Add the sample data to an empty database and report it. Returns whether the database was empty."""
    if not database_is_empty():
        return False
    report = add_sample(clock.now(), by=current_cli_actor(), now=clock.now())
    click.echo(f"The database was empty. {report} Remove the sample data with: {format_command('sample --remove')}")
    return True


@cli.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=Port, default=8000, show_default=True, help="TCP port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Threads per worker.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, threads: int) -> None:
    """Migrate the database to the schema of this version, and serve it.

    If there are no accounts yet, print a one-time link that creates the first one.
    """
    app: Flask = ctx.obj()
    settings: Settings = app.config["VOICEADMIN"]
    host = parse_listen_host(host)
    check_address(host, port, open_to_all=settings.anonymous_role is not Role.ANYONE)
    refuse_critical_risks(find_deployment_risks(settings, debug=app.debug))
    if app.extensions[SQLITE_PATH] is not None:
        check_sqlite_files(app.extensions[SQLITE_PATH])
    configure_logs()
    with app.app_context():
        prepare_database()
        _complete_import()
        link = None if has_any_account() else create_setup_link(by=current_cli_actor(), now=clock.now())
        dispose_engine()

    app.config[SETUP_LINK_PRINTED] = link is not None
    address = format_address(host, port)
    accept_host(app, address)

    def announce() -> None:
        if link is not None:
            click.echo(f"Create the first account within 30 minutes: {one_time_url(settings, link, address)}")
        remember_address(settings, host, port)
        click.echo(f"voiceadmin listens on {host}, port {port}")

    serve_app(app, host=host, port=port, workers=workers, threads=threads, log_as_json=True, when_ready=announce)


@cli.command("check-deploy")
@click.pass_context
def check_deploy(ctx: click.Context) -> None:
    """List what is unsafe about this deployment, with remedies. Exits with 1 if anything is found."""
    with application_context(ctx) as app:
        admins = [row for row in list_accounts(EVERYTHING) if row.platform and row.disabled_at is None]
        risks = [
            *find_deployment_risks(app.config["VOICEADMIN"], debug=app.debug),
            *find_account_risks(len(admins), list_api_keys(EVERYTHING)),
        ]
    for risk in risks:
        click.echo(f"{'!!' if risk.is_critical else ' !'} {risk}")
    if risks:
        raise click.ClickException(f"Found {pluralize(len(risks), 'risk')}.")
    click.echo("Found no risks.")
