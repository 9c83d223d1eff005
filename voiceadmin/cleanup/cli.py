"""Commands for clean-up plans: delete their voices, and orphans, at the providers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import click
from flask import Flask

from voiceadmin import clock
from voiceadmin.cleanup.actions.deleting import DeletionRun
from voiceadmin.cleanup.actions.deletion_requests import request_deletion
from voiceadmin.cleanup.actions.orphan_requests import request_orphan_deletion
from voiceadmin.cleanup.queries.deletions import check_voices, list_open_requests
from voiceadmin.cleanup.queries.orphans import list_orphans
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.cleanup.types.deletions import ProviderDeletions, summarize
from voiceadmin.cleanup.types.orphans import OrphanFilters, Orphans
from voiceadmin.cli import application_context, cli, current_cli_actor
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.types import MAX_OBJECTS
from voiceadmin.sources.actions.scheduling import name_process
from voiceadmin.sources.queries import get_source
from voiceadmin.text import MAX_ID, pluralize
from voiceadmin.voices.types.provider import provider_label

PLAN = click.argument("plan", type=click.IntRange(1, MAX_ID))

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@cli.group("clean-up")
def clean_up() -> None:
    """Work on clean-up plans."""


@clean_up.command("delete")
@PLAN
@click.option("--provider", help="Provider at which to delete, such as elevenlabs.")
@click.option("--count", type=click.IntRange(1, MAX_OBJECTS), help="Exact number of voices to delete there.")
@click.pass_context
def delete_command(ctx: click.Context, plan: int, provider: str | None, count: int | None) -> None:
    """Delete the archived voices of a plan at their provider, for ever.

    Without options, carries out what an admin has confirmed on the page of the plan, or prints what could be deleted.
    """
    if (provider is None) != (count is None):
        raise click.UsageError("Give both --provider and --count.")
    with application_context(ctx) as app:
        get_plan(EVERYTHING, plan, now=clock.now())
        if provider is not None and count is not None:
            request_deletion(EVERYTHING, plan, provider, count, by=current_cli_actor(), now=clock.now())
        requests = list_open_requests(now=clock.now(), plan_id=plan)
        if not requests:
            _print_possible(plan)
        for request in requests:
            _carry_out(app, request.id)


@clean_up.command("delete-orphans")
@click.argument("source", type=click.IntRange(1, MAX_ID))
@click.option("--count", type=click.IntRange(1, MAX_OBJECTS), help="Exact number of orphans that can be deleted.")
@click.pass_context
def delete_orphans_command(ctx: click.Context, source: int, count: int | None) -> None:
    """Delete the orphans of a source at their provider, for ever.

    Without --count, carries out what an admin has confirmed on the page of the orphans, or prints what could be
    deleted.
    """
    with application_context(ctx) as app:
        name = get_source(EVERYTHING, source).name
        if count is not None:
            ids = {voice.provider_voice_id for voice in _list_orphans(source).deletable}
            request_orphan_deletion(EVERYTHING, source, ids, count, by=current_cli_actor(), now=clock.now())
        requests = list_open_requests(now=clock.now(), source_id=source)
        if not requests:
            _print_orphans(name, _list_orphans(source))
        for request in requests:
            _carry_out(app, request.id)


def _list_orphans(source: int) -> Orphans:
    return list_orphans(source, OrphanFilters(), now=clock.now())


def _print_orphans(name: str, orphans: Orphans) -> None:
    deletable = pluralize(len(orphans.deletable), "orphan")
    click.echo(f"{name}: {deletable} can be deleted, of {len(orphans.rows):,}.")
    for voice in orphans.deletable:
        click.echo(f"  {voice.provider_voice_id}: {voice.name}")
    for obstacle, count in orphans.obstacles.items():
        click.echo(f"  {count:,}: {obstacle.label}")
    click.echo("Nothing was deleted. Give --count to delete them.")


def _print_possible(plan: int) -> None:
    for one in summarize(check_voices(plan, now=clock.now())):
        click.echo(f"{provider_label(one.provider)}: {pluralize(one.deletable, 'voice')} can be deleted.")
        for line in _describe_rest(one):
            click.echo(f"  {line}")
    click.echo("Nothing was deleted. Give --provider and --count to delete voices.")


def _describe_rest(one: ProviderDeletions) -> list[str]:
    states = [f"{count:,}: {state.label}." for state, count in one.states.items()]
    return states + [f"{count:,}: {obstacle.label}" for obstacle, count in one.obstacles.items()]


def _carry_out(app: Flask, request_id: int) -> None:
    """Carry out a request until it ends or a stop signal comes. What is left then stays confirmed."""
    with _stop_on_signals() as stopped:
        run = DeletionRun(
            request_id,
            app.config["VOICEADMIN"],
            name_process(),
            stopped.wait,
            is_stopped=stopped.is_set,
            on_result=lambda name, text: click.echo(f"{name}: {text}" if name else text),
        )
        run.run()


@contextmanager
def _stop_on_signals() -> Iterator[Event]:
    """Yield an event that a stop signal sets."""
    stopped = Event()
    former = {number: signal.signal(number, lambda *_: stopped.set()) for number in STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
