"""Commands for organizations and assistants: list, rename, merge, move and remove."""

from __future__ import annotations

import click
from werkzeug.datastructures import MultiDict

from voiceadmin import clock
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.config import format_command
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import move_assistant, remove_assistant, remove_organization
from voiceadmin.management.actions.naming import rename_assistant, rename_organization
from voiceadmin.management.forms import NameForm
from voiceadmin.management.queries import list_organization_summaries, preview_merge
from voiceadmin.management.types import MergePreview
from voiceadmin.organizations.queries import find_organization_id
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.text import MAX_ID, pluralize

AssistantId = click.IntRange(1, MAX_ID)


@cli.group()
def organization() -> None:
    """Rename, merge and remove organizations. ORGANIZATION is a name or an id."""


@organization.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """List all organizations with their counts."""
    with application_context(ctx):
        for row in list_organization_summaries(EVERYTHING):
            counts = (
                pluralize(row.assistant_count, "assistant"),
                pluralize(row.voice_count, "voice"),
                pluralize(row.people_count, "person", "people"),
            )
            click.echo(f"{row.id}: {row.name} ({', '.join(counts)})")


@organization.command("rename")
@click.argument("organization")
@click.argument("name")
@click.pass_context
def rename_organization_command(ctx: click.Context, organization: str, name: str) -> None:
    """Give an organization another name."""
    name = _check_name(name)
    with application_context(ctx):
        id = find_organization_id(organization)
        rename_organization(EVERYTHING, id, name, by=current_cli_actor(), now=clock.now())
    click.echo(f"Organization {id} is now called “{name}”.")


@organization.command("merge")
@click.argument("source")
@click.argument("target")
@click.option("--dry-run", is_flag=True, help="Report what would change; write nothing.")
@click.pass_context
def merge_command(ctx: click.Context, source: str, target: str, dry_run: bool) -> None:
    """Move the assistants, voices, people and API keys of SOURCE into TARGET."""
    with application_context(ctx) as app:
        source_id, target_id = find_organization_id(source), find_organization_id(target)
        _print_preview(preview_merge(EVERYTHING, source_id, target_id))
        if dry_run:
            click.echo("Dry run, nothing was written.")
            return
        id = merge_organizations(EVERYTHING, source_id, target_id, by=current_cli_actor(), now=clock.now())
        renew_verdicts(app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
    click.echo(f"Merged. Undo it with: {format_command(f'organization undo-merge {id}')}")


def _print_preview(preview: MergePreview) -> None:
    source, target = preview.source, preview.target
    counts = f"{pluralize(source.assistant_count, 'assistant')} and {pluralize(source.voice_count, 'voice')}"
    click.echo(f"“{source.name}” ({source.id}) into “{target.name}” ({target.id}): {counts} move.")
    for role in preview.gaining:
        click.echo(f"  {role.email} becomes {role.role.slug} of “{target.name}”.")
    for role in preview.changing:
        click.echo(f"  {role.email}, {role.role.slug} of “{source.name}”, keeps the role in “{target.name}”.")
    for key in preview.new_keys:
        click.echo(f"  The API key “{key.name}” reads “{target.name}”, too.")


@organization.command("undo-merge")
@click.argument("merge_id", type=click.IntRange(1, MAX_ID))
@click.pass_context
def undo_merge_command(ctx: click.Context, merge_id: int) -> None:
    """Undo a merge."""
    with application_context(ctx) as app:
        name = undo_merge(EVERYTHING, merge_id, by=current_cli_actor(), now=clock.now())
        renew_verdicts(app.config["VOICEADMIN"].attention_thresholds, now=clock.now())
    click.echo(f"The merge was undone. “{name}” has its assistants, voices and people again.")


@organization.command("remove")
@click.argument("organization")
@click.pass_context
def remove_organization_command(ctx: click.Context, organization: str) -> None:
    """Remove an organization that has neither assistants nor voices."""
    with application_context(ctx):
        id = find_organization_id(organization)
        name = remove_organization(EVERYTHING, id, by=current_cli_actor(), now=clock.now())
    click.echo(f"The organization “{name}” was removed.")


@cli.group()
def assistant() -> None:
    """Rename, move and remove assistants."""


@assistant.command("rename")
@click.argument("assistant_id", type=AssistantId)
@click.argument("name")
@click.pass_context
def rename_assistant_command(ctx: click.Context, assistant_id: int, name: str) -> None:
    """Give an assistant another name."""
    name = _check_name(name)
    with application_context(ctx):
        rename_assistant(EVERYTHING, assistant_id, name, by=current_cli_actor(), now=clock.now())
    click.echo(f"Assistant {assistant_id} is now called “{name}”.")


@assistant.command("move")
@click.argument("assistant_id", type=AssistantId)
@click.argument("organization")
@click.pass_context
def move_command(ctx: click.Context, assistant_id: int, organization: str) -> None:
    """Move an assistant to ORGANIZATION, a name or an id."""
    with application_context(ctx):
        id = find_organization_id(organization)
        move_assistant(EVERYTHING, assistant_id, id, by=current_cli_actor(), now=clock.now())
    click.echo(f"Assistant {assistant_id} belongs to organization {id} now.")


@assistant.command("remove")
@click.argument("assistant_id", type=AssistantId)
@click.pass_context
def remove_assistant_command(ctx: click.Context, assistant_id: int) -> None:
    """Remove an assistant. Voices stay."""
    with application_context(ctx):
        name = remove_assistant(EVERYTHING, assistant_id, by=current_cli_actor(), now=clock.now())
    click.echo(f"The assistant “{name}” was removed.")


def _check_name(name: str) -> str:
    """Return a name as the form on the page would accept it."""
    form = NameForm(MultiDict({"name": name}))
    if not form.validate():
        raise click.BadParameter(str(form.name.errors[0]), param_hint="NAME")
    return str(form.name.data)
