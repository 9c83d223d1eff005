"""People and API keys."""

from __future__ import annotations

from datetime import timedelta

import click
from flask import Flask
from werkzeug.datastructures import MultiDict

from voiceadmin import clock
from voiceadmin.accounts.actions.accounts import (
    Grant,
    change_role,
    create_reset_link,
    disable_account,
    enable_account,
    find_account_id,
    invite,
    set_platform_admin,
)
from voiceadmin.accounts.forms import NO_ROLE, InviteForm
from voiceadmin.accounts.queries.accounts import list_accounts
from voiceadmin.accounts.types import LINK_TTL, LinkPurpose
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.forms import KeyForm
from voiceadmin.api_keys.queries import list_api_keys
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import Settings
from voiceadmin.errors import ChangeRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, GRANTABLE_ROLES, Role
from voiceadmin.organizations.queries import list_organizations
from voiceadmin.server.checks import invitation_url
from voiceadmin.text import MAX_ID, format_age, format_duration, parse_integer, quote_value


@cli.group()
def account() -> None:
    """People: who may sign in, and what they may do."""


Organizations = click.option(
    "--organization", "organizations", multiple=True, help="Name or our id of an organization; several are possible."
)


def _organization_id(named: str) -> int:
    """Our id of the organization that a name or an id names. Raises OrganizationNotFound, ChangeRefused."""
    there = list_organizations(EVERYTHING)
    number = parse_integer(named)
    if number is not None and number in there:
        return number
    ids = [id for id, name in there.items() if name == named]
    if not ids:
        raise OrganizationNotFound(f"There is no organization {quote_value(named)}.")
    if len(ids) > 1:
        raise ChangeRefused(f"Several organizations are called {quote_value(named)}. Give the id of one: {ids}.")
    return ids[0]


def _email(text: str) -> str:
    form = InviteForm(MultiDict({"email": text}), {})
    form.validate()
    if form.email.errors:
        raise click.BadParameter(str(form.email.errors[0]), param_hint="EMAIL")
    return form.email.data


def _show_link(app: Flask, token: str, email: str, purpose: LinkPurpose) -> None:
    click.echo(f"Pass this link on to {email}; it works once, for {format_duration(LINK_TTL[purpose])}:")
    click.echo(invitation_url(app.config["VOICEADMIN"], token))
    if app.config["VOICEADMIN"].hosts == Settings().hosts:
        click.echo("Put the address of your server before this path, as in http://127.0.0.1:8000.", err=True)


@account.command("list")
@click.pass_context
def account_list(ctx: click.Context) -> None:
    """Everybody, with their roles."""
    with application_context(ctx):
        for row in list_accounts(EVERYTHING):
            roles = [f"{held.role.slug} at {held.organization_name}" for held in row.roles]
            state = ["disabled"] if row.disabled_at else []
            click.echo(f"{row.email}: {', '.join(state + ['platform admin'] * row.platform + roles) or 'no role'}")


@account.command("add")
@click.argument("email")
@Organizations
@click.option(
    "--role", type=click.Choice([role.slug for role in GRANTABLE_ROLES]), default=Role.VIEWER.slug, show_default=True
)
@click.option("--platform", is_flag=True, help="An admin of everything.")
@click.pass_context
def account_add(ctx: click.Context, email: str, organizations: tuple[str, ...], role: str, platform: bool) -> None:
    """Invite somebody: print a link by which they choose a password."""
    email = _email(email)
    with application_context(ctx) as app:
        if platform == bool(organizations) or len(organizations) > 1:
            raise click.UsageError("Give either one --organization or --platform.")
        grant = (
            Grant(None, Role.PLATFORM) if platform else Grant(_organization_id(organizations[0]), Role.from_slug(role))
        )
        token = invite(EVERYTHING, email, grant, by=current_cli_actor(), now=clock.now())
        _show_link(app, token, email, LinkPurpose.INVITATION)


@account.command("role")
@click.argument("email")
@click.option("--organization", help="Name or our id of the organization.")
@click.option("--role", type=click.Choice([role.slug for role in GRANTABLE_ROLES] + [NO_ROLE]), help="The role there.")
@click.option("--platform/--no-platform", default=None, help="Whether an admin of everything.")
@click.pass_context
def account_role(
    ctx: click.Context, email: str, organization: str | None, role: str | None, platform: bool | None
) -> None:
    """Give somebody another role. It ends their sessions."""
    if (organization is None) != (role is None) or (organization is None) == (platform is None):
        raise click.UsageError("Give either --organization and --role, or --platform or --no-platform.")
    with application_context(ctx):
        id = find_account_id(email)
        if platform is not None:
            set_platform_admin(EVERYTHING, id, on=platform, by=current_cli_actor(), now=clock.now())
        elif organization is not None and role is not None:
            wanted = None if role == NO_ROLE else Role.from_slug(role)
            change_role(EVERYTHING, id, _organization_id(organization), wanted, by=current_cli_actor(), now=clock.now())
        click.echo(f"{email} has to sign in again.")


@account.command("disable")
@click.argument("email")
@click.pass_context
def account_disable(ctx: click.Context, email: str) -> None:
    """Let somebody in no more, from now on."""
    with application_context(ctx):
        disable_account(EVERYTHING, find_account_id(email), by=current_cli_actor(), now=clock.now())
        click.echo(f"{email} is disabled, and signed out everywhere.")


@account.command("enable")
@click.argument("email")
@click.pass_context
def account_enable(ctx: click.Context, email: str) -> None:
    """Let somebody in again."""
    with application_context(ctx):
        enable_account(EVERYTHING, find_account_id(email), by=current_cli_actor(), now=clock.now())
        click.echo(f"{email} can sign in again.")


@account.command("reset")
@click.argument("email")
@click.pass_context
def account_reset(ctx: click.Context, email: str) -> None:
    """Print a link by which somebody chooses a new password."""
    with application_context(ctx) as app:
        token = create_reset_link(EVERYTHING, find_account_id(email), by=current_cli_actor(), now=clock.now())
        _show_link(app, token, email, LinkPurpose.RESET)


@cli.group()
def key() -> None:
    """API keys: what programs show to read JSON."""


@key.command("add")
@click.argument("name")
@Organizations
@click.option("--everywhere", is_flag=True, help="Reads all organizations, those to come too.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is good for.")
@click.pass_context
def key_add(ctx: click.Context, name: str, organizations: tuple[str, ...], everywhere: bool, days: int) -> None:
    """Make a key and print it, this once."""
    if everywhere == bool(organizations):
        raise click.UsageError("Give either --organization or --everywhere.")
    form = KeyForm(MultiDict({"name": name}), {}, everywhere=False)
    form.validate()
    if form.name.errors:
        raise click.BadParameter(str(form.name.errors[0]), param_hint="NAME")
    with application_context(ctx):
        now = clock.now()
        read = None if everywhere else frozenset(map(_organization_id, organizations))
        made = create_api_key(
            EVERYTHING, form.name.data, read, expires_at=now + timedelta(days=days), by=current_cli_actor(), now=now
        )
        click.echo("This key is not shown again:", err=True)
        click.echo(made)


@key.command("list")
@click.pass_context
def key_list(ctx: click.Context) -> None:
    """All keys, the newest first: id, beginning, name, what they read, and when they were used last."""
    with application_context(ctx):
        now = clock.now()
        for row in list_api_keys(EVERYTHING):
            reads = "everything" if row.organizations is None else ", ".join(row.organizations.values()) or "nothing"
            state = "" if row.works(now) else " (revoked)" if row.revoked_at else " (expired)"
            used = "never used" if row.last_used_at is None else f"used {format_age(row.last_used_at, now)}"
            click.echo(f"{row.id}  {row.hint}…  {row.name}{state}: reads {reads}; {used}")


@key.command("revoke")
@click.argument("id", type=click.IntRange(1, MAX_ID))
@click.pass_context
def key_revoke(ctx: click.Context, id: int) -> None:
    """Let a key open nothing any more."""
    with application_context(ctx):
        name = revoke_api_key(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        click.echo(f"The key “{name}” opens nothing any more.")
