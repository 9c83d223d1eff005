"""Commands for accounts: list, invite, change roles, disable, enable and reset passwords."""

from __future__ import annotations

import click
from flask import Flask
from werkzeug.datastructures import MultiDict

from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_invitation, create_reset_link
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account, enable_account
from voiceadmin.accounts.forms import NO_ROLE, InviteForm
from voiceadmin.accounts.queries.accounts import find_account_id, get_account, list_accounts
from voiceadmin.accounts.types import LINK_TTL, AccountRow, Grant, LinkPurpose
from voiceadmin.api_keys.queries import count_keys_without_creator
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import Settings, format_command
from voiceadmin.identity import EVERYTHING, GRANTABLE_ROLES, Role
from voiceadmin.organizations.queries import find_organization_id
from voiceadmin.server.address import find_running_server, one_time_url
from voiceadmin.text import format_duration

ROLE_SLUGS = [role.slug for role in GRANTABLE_ROLES]


@cli.group()
def account() -> None:
    """Manage the accounts of people and their roles."""


@account.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """List all accounts with their roles."""
    with application_context(ctx):
        for row in list_accounts(EVERYTHING):
            click.echo(f"{row.email}: {_describe_roles(row)}")


def _describe_roles(row: AccountRow) -> str:
    parts = ["disabled"] if row.disabled_at else []
    if row.platform:
        parts.append("platform admin")
    parts += [f"{role.role.slug} at {role.organization_name}" for role in row.roles]
    return ", ".join(parts) or "no role"


@account.command("add")
@click.argument("email")
@click.option("--organization", "organizations", multiple=True, help="Name or id of the organization.")
@click.option("--role", type=click.Choice(ROLE_SLUGS), default=Role.VIEWER.slug, show_default=True)
@click.option("--platform", is_flag=True, help="Invite as platform admin, for all organizations.")
@click.pass_context
def add(ctx: click.Context, email: str, organizations: tuple[str, ...], role: str, platform: bool) -> None:
    """Invite a person: print a link to choose a password with."""
    email = _check_email(email)
    if platform == bool(organizations) or len(organizations) > 1:
        raise click.UsageError("Give either one --organization or --platform.")
    with application_context(ctx) as app:
        if platform:
            grant = Grant(None, Role.PLATFORM)
        else:
            grant = Grant(find_organization_id(organizations[0]), Role.from_slug(role))
        token = create_invitation(EVERYTHING, email, grant, by=current_cli_actor(), now=clock.now())
        _print_link(app, token, email, LinkPurpose.INVITATION)


@account.command("role")
@click.argument("email")
@click.option("--organization", help="Name or id of the organization.")
@click.option("--role", type=click.Choice([*ROLE_SLUGS, NO_ROLE]), help="The role in that organization.")
@click.option("--platform/--no-platform", default=None, help="Whether the account is a platform admin.")
@click.pass_context
def role_command(
    ctx: click.Context, email: str, organization: str | None, role: str | None, platform: bool | None
) -> None:
    """Change a role of an account, which ends its sessions in that organization."""
    if (organization is None) != (role is None) or (organization is None) == (platform is None):
        raise click.UsageError("Give either --organization and --role, or --platform or --no-platform.")
    with application_context(ctx):
        id, by, now = find_account_id(email), current_cli_actor(), clock.now()
        if platform is not None:
            set_platform_admin(EVERYTHING, id, on=platform, by=by, now=now)
            click.echo(f"{email} has to sign in again.")
        elif organization is not None and role is not None:
            new_role = None if role == NO_ROLE else Role.from_slug(role)
            change_role(EVERYTHING, id, find_organization_id(organization), new_role, by=by, now=now)
            click.echo(f"The role of {email} is now {role}. Its sessions in that organization have ended.")
        _print_key_count(id)


@account.command("disable")
@click.argument("email")
@click.pass_context
def disable(ctx: click.Context, email: str) -> None:
    """Disable an account and end its sessions. Its roles are kept."""
    with application_context(ctx):
        id = find_account_id(email)
        disable_account(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        click.echo(f"The account {email} is disabled, and its sessions have ended.")
        _print_key_count(id)


@account.command("enable")
@click.argument("email")
@click.pass_context
def enable(ctx: click.Context, email: str) -> None:
    """Enable a disabled account."""
    with application_context(ctx):
        enable_account(EVERYTHING, find_account_id(email), by=current_cli_actor(), now=clock.now())
        click.echo(f"The account {email} is enabled, and can sign in again.")


@account.command("reset")
@click.argument("email")
@click.pass_context
def reset(ctx: click.Context, email: str) -> None:
    """Print a link to choose a new password with."""
    with application_context(ctx) as app:
        token = create_reset_link(EVERYTHING, find_account_id(email), by=current_cli_actor(), now=clock.now())
        _print_link(app, token, email, LinkPurpose.RESET)


def _print_key_count(account_id: int) -> None:
    """Print the number of active keys that an account cannot manage any more, if there are any."""
    count = count_keys_without_creator(EVERYTHING, get_account(EVERYTHING, account_id).email, clock.now())
    if count:
        click.echo(f"Active API keys that this account created: {count}. List them with: {format_command()} key list")


def _check_email(text: str) -> str:
    form = InviteForm(MultiDict({"email": text}), {})
    form.validate()
    if form.email.errors:
        raise click.BadParameter(str(form.email.errors[0]), param_hint="EMAIL")
    return form.email.data


def _print_link(app: Flask, token: str, email: str, purpose: LinkPurpose) -> None:
    settings: Settings = app.config["VOICEADMIN"]
    click.echo(f"Share this link with {email}. It works once, for {format_duration(LINK_TTL[purpose])}:")
    is_public = settings.public_host is not None
    address = None if is_public else find_running_server(settings)
    click.echo(one_time_url(settings, token, address))
    if not is_public and address is None:
        click.echo("Put the address of your server before this path, as in http://127.0.0.1:8000.", err=True)
