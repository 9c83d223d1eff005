"""Commands for sources: add, list, test, disable, enable, allow or forbid deletion, remove, and encrypt keys anew."""

from __future__ import annotations

import os
import sys

import click
from werkzeug.datastructures import MultiDict

from voiceadmin import clock
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import Settings
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.queries import find_organization_id, list_organization_choices
from voiceadmin.sources.actions.managing import (
    check_source,
    create_source,
    disable_source,
    enable_source,
    reencrypt_keys,
)
from voiceadmin.sources.actions.permissions import allow_deletion, forbid_deletion
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.forms import KINDS, SourceForm
from voiceadmin.sources.queries import list_sources
from voiceadmin.sources.types import KeyTest, SourceRow
from voiceadmin.text import MAX_ID, format_age, pluralize

ID = click.argument("id", type=click.IntRange(1, MAX_ID))


@cli.group()
def source() -> None:
    """Manage the sources: the platform and the providers from which voices are read."""


@source.command("add")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--organization", default="", help="Name or id of the owner. Without it, the platform.")
@click.option("--address", default="", help="Base address, if it is not the usual one.")
@click.option("--key-variable", default="", help="Variable of the environment that contains the key.")
@click.option("--key-from-input", is_flag=True, help="Read the key from the standard input, and store it encrypted.")
@click.option("--assistants", default="", help="Ids of the assistants whose voices to read, separated by commas.")
@click.pass_context
def add(
    ctx: click.Context,
    kind: str,
    name: str,
    organization: str,
    address: str,
    key_variable: str,
    key_from_input: bool,
    assistants: str,
) -> None:
    """Add a source, and test its key."""
    key = sys.stdin.read().strip() if key_from_input else ""
    given = {"kind": kind, "name": name, "address": address, "key": key}
    given |= {"key_variable": key_variable, "assistants": assistants}
    with application_context(ctx) as app:
        given["organization"] = str(find_organization_id(organization)) if organization else ""
        settings: Settings = app.config["VOICEADMIN"]
        form = SourceForm(MultiDict(given), list_organization_choices(EVERYTHING), offer_platform=True)
        if not form.validate():
            errors = [f"{field.label.text}: {error}" for field in form for error in field.errors]
            raise click.UsageError("\n".join(errors))
        id = create_source(EVERYTHING, form.build_source(), settings, by=current_cli_actor(), now=clock.now())
        click.echo(f"Source {id}, “{name}”, was added.")
        _test(id, settings)


@source.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """List all sources: id, kind, name, owner, state and the newest test."""
    with application_context(ctx):
        for row in list_sources(EVERYTHING):
            click.echo(_describe(row))


def _describe(row: SourceRow) -> str:
    owner = row.organization_name or "the platform"
    tested = f", tested {format_age(row.test.at, clock.now())}" if row.test else ""
    return f"{row.id}  {row.kind.value}  {row.name}  ({owner}, {row.address}): {row.state.label}{tested}"


@source.command("test")
@ID
@click.pass_context
def test(ctx: click.Context, id: int) -> None:
    """Test the key of a source, and print its rights. Exits with 1 if it may not list voices."""
    with application_context(ctx) as app:
        if not _test(id, app.config["VOICEADMIN"]):
            ctx.exit(1)


def _test(id: int, settings: Settings) -> bool:
    result = check_source(EVERYTHING, id, settings, by=current_cli_actor(), now=clock.now(), environ=os.environ)
    renew_verdicts(settings.attention_thresholds, now=clock.now())
    for line in _describe_rights(result):
        click.echo(line)
    return result.works is True


def _describe_rights(result: KeyTest) -> list[str]:
    words = {True: "yes", False: "no", None: "unknown"}
    return [f"{right.label}: {words[right.is_granted]}  {right.message}".rstrip() for right in result.rights]


@source.command("disable")
@ID
@click.pass_context
def disable(ctx: click.Context, id: int) -> None:
    """Stop using a source. Its voices stay."""
    with application_context(ctx) as app:
        name = disable_source(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        renew_verdicts(app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
        click.echo(f"The source “{name}” was disabled. Its voices stay.")


@source.command("enable")
@ID
@click.pass_context
def enable(ctx: click.Context, id: int) -> None:
    """Use a source again."""
    with application_context(ctx) as app:
        name = enable_source(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        renew_verdicts(app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
        click.echo(f"The source “{name}” was enabled.")


@source.command("allow-deletion")
@ID
@click.pass_context
def allow_command(ctx: click.Context, id: int) -> None:
    """Let clean-up plans delete voices at the provider of a source. Nothing is deleted by this."""
    with application_context(ctx):
        name = allow_deletion(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        click.echo(f"Voices may be deleted at the provider of “{name}” now. Each deletion is confirmed separately.")


@source.command("forbid-deletion")
@ID
@click.pass_context
def forbid_command(ctx: click.Context, id: int) -> None:
    """Let no more voices be deleted at the provider of a source."""
    with application_context(ctx):
        name = forbid_deletion(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        click.echo(f"No voice may be deleted at the provider of “{name}” any more.")


@source.command("remove")
@ID
@click.pass_context
def remove(ctx: click.Context, id: int) -> None:
    """Remove a source with its key. Its voices stay."""
    with application_context(ctx) as app:
        name = remove_source(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
        renew_verdicts(app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
        click.echo(f"The source “{name}” and its key were removed. Its voices stay.")


@source.command("reencrypt-keys")
@click.pass_context
def reencrypt_command(ctx: click.Context) -> None:
    """Encrypt all stored keys with the first key of VOICEADMIN_ENCRYPTION_KEYS."""
    with application_context(ctx) as app:
        count = reencrypt_keys(app.config["VOICEADMIN"], by=current_cli_actor(), now=clock.now())
        click.echo(f"{pluralize(count, 'key was', 'keys were')} encrypted with the first encryption key.")
