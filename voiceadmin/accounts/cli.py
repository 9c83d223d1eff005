"""Commands for accounts: list, invite, change roles, disable, enable and reset passwords."""

from __future__ import annotations

from collections.abc import Mapping

import click
from flask import Flask

from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_invitations, create_reset_link
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account, enable_account
from voiceadmin.accounts.forms import NO_ROLE, parse_emails
from voiceadmin.accounts.queries.accounts import find_account_id, get_account, list_accounts
from voiceadmin.accounts.types import LINK_TTL, MAX_GRANTS, AccountRow, Grant, LinkPurpose
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
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--organization", "organizations", multiple=True, help="Name or id of an organization. Repeatable.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLE_SLUGS),
    multiple=True,
    default=[Role.VIEWER.slug],
    show_default=True,
    help="The role in all organizations, or one for each --organization in the same order.",
)
@click.option("--platform", is_flag=True, help="Invite as platform admin, for all organizations.")
@click.pass_context
def add(
    ctx: click.Context, emails: tuple[str, ...], organizations: tuple[str, ...], roles: tuple[str, ...], platform: bool
) -> None:
    """Invite people: print a link for each to choose a password with."""
    addresses, errors = parse_emails(emails, "Argument")
    if errors:
        raise click.BadParameter("\n".join(errors), param_hint="EMAIL")
    if platform == bool(organizations):
        raise click.UsageError("Give either --organization or --platform.")
    if len(roles) not in (1, len(organizations)):
        raise click.UsageError("Give one --role, or one for each --organization in the same order.")
    with application_context(ctx) as app:
        grants = [Grant(None, Role.PLATFORM)] if platform else _list_grants(organizations, roles)
        tokens = create_invitations(EVERYTHING, addresses, grants, by=current_cli_actor(), now=clock.now())
        _print_links(app, tokens, LinkPurpose.INVITATION)


def _list_grants(organizations: tuple[str, ...], roles: tuple[str, ...]) -> list[Grant]:
    """Return the role in each organization. roles: one for all organizations, or one for each."""
    slugs = roles if len(roles) > 1 else roles * len(organizations)
    grants = {find_organization_id(name): Role.from_slug(slug) for name, slug in zip(organizations, slugs, strict=True)}
    if len(grants) < len(organizations):
        raise click.UsageError("An organization is given twice. Give each --organization once.")
    if len(grants) > MAX_GRANTS:
        raise click.UsageError(f"These are {len(grants)} organizations. Give at most {MAX_GRANTS}.")
    return [Grant(id, role) for id, role in grants.items()]


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
        _print_links(app, {email: token}, LinkPurpose.RESET)


def _print_key_count(account_id: int) -> None:
    """Print the number of active keys that an account cannot manage any more, if there are any."""
    count = count_keys_without_creator(EVERYTHING, get_account(EVERYTHING, account_id).email, clock.now())
    if count:
        click.echo(f"Active API keys that this account created: {count}. List them with: {format_command()} key list")


def _print_links(app: Flask, tokens: Mapping[str, str], purpose: LinkPurpose) -> None:
    """Print one link, or several as lines of an e-mail address, a tab and a link. tokens: by e-mail."""
    settings: Settings = app.config["VOICEADMIN"]
    is_public, ttl = settings.public_host is not None, format_duration(LINK_TTL[purpose])
    address = None if is_public else find_running_server(settings)
    links = {email: one_time_url(settings, token, address) for email, token in tokens.items()}
    if len(links) == 1:
        for email, link in links.items():
            click.echo(f"Share this link with {email}. It works once, for {ttl}:\n{link}")
    else:
        click.echo(f"Share each link with its person only. Each works once, for {ttl}:")
        for email, link in links.items():
            click.echo(f"{email}\t{link}")
    if not is_public and address is None:
        click.echo("Put the address of your server before the path, as in http://127.0.0.1:8000.", err=True)
