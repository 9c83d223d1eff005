"""Commands for API keys: create, list and revoke."""

from __future__ import annotations

from datetime import datetime, timedelta

import click
from werkzeug.datastructures import MultiDict

from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.forms import ApiKeyForm
from voiceadmin.api_keys.queries import list_api_keys
from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import find_organization_id
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.text import MAX_ID, format_age


@cli.group()
def key() -> None:
    """Manage the API keys of programs."""


@key.command("add")
@click.argument("name")
@click.option(
    "--organization",
    "organizations",
    multiple=True,
    help="Name or id of an organization that the key reads. Can be repeated.",
)
@click.option("--all-organizations", is_flag=True, help="Read all organizations, including future ones.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="Days until it expires.")
@click.pass_context
def add(ctx: click.Context, name: str, organizations: tuple[str, ...], all_organizations: bool, days: int) -> None:
    """Create an API key and print it. It cannot be shown again."""
    if all_organizations == bool(organizations):
        raise click.UsageError("Give either --organization or --all-organizations.")
    name = _check_name(name)
    with application_context(ctx):
        now = clock.now()
        ids = None if all_organizations else frozenset(map(find_organization_id, organizations))
        expires_at = now + timedelta(days=days)
        secret = create_api_key(EVERYTHING, name, ids, expires_at=expires_at, by=current_cli_actor(), now=now)
        click.echo("Store this key now. It is not shown again:", err=True)
        click.echo(secret)


@key.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """List all API keys, newest first: id, first characters, name, organizations and last use."""
    with application_context(ctx):
        now = clock.now()
        for row in list_api_keys(EVERYTHING):
            click.echo(_describe(row, now))


def _describe(row: ApiKeyRow, now: datetime) -> str:
    if row.organizations is None:
        reads = "all organizations"
    else:
        reads = ", ".join(row.organizations.values()) or "no organization"
    state = "" if row.is_active(now) else " (revoked)" if row.revoked_at else " (expired)"
    used = "never used" if row.last_used_at is None else f"last used {format_age(row.last_used_at, now)}"
    creator = f"; {row.creator_issue.label.lower()}" if row.creator_issue and row.is_active(now) else ""
    return f"{row.id}  {row.hint}…  {row.name}{state}: reads {reads}; {used}{creator}"


@key.command("revoke")
@click.argument("id", type=click.IntRange(1, MAX_ID))
@click.pass_context
def revoke(ctx: click.Context, id: int) -> None:
    """Revoke an API key. Programs that use it are refused at once."""
    with application_context(ctx):
        name = revoke_api_key(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        click.echo(f"The API key “{name}” was revoked.")


def _check_name(text: str) -> str:
    form = ApiKeyForm(MultiDict({"name": text}), OrganizationChoices({}, lambda _: {}), offer_all=False)
    form.validate()
    if form.name.errors:
        raise click.BadParameter(str(form.name.errors[0]), param_hint="NAME")
    return form.name.data
