"""Carry out deletions at providers, one voice at a time: look up, write the intent, send once, look up again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from voiceadmin import clock
from voiceadmin.cleanup.actions.deletion_steps import (
    Task,
    release_request,
    settle_now,
    stop_request,
    take_next,
    write_intent,
    write_result,
)
from voiceadmin.cleanup.queries.deletions import list_open_requests
from voiceadmin.cleanup.types.deletions import DeletionAction, DeletionState
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.errors import SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import find_source
from voiceadmin.sources.clients.deletion import find_obstacle
from voiceadmin.sources.clients.outcomes import Accepted, Deletion, Fault, FaultKind, Refused, UpstreamFailed
from voiceadmin.sources.clients.types import Absent, Found, LookUp, ProviderClient, ProviderVoice, Unclear
from voiceadmin.sources.connecting import PROVIDERS, build_connection, hash_account, open_transport

PAUSE_SECONDS = 1.0  # between two voices

LOOK_UP_PAUSES = (0.0, 2.0, 5.0)  # seconds before each look-up after a deletion that the provider has accepted

MAX_UNCONFIRMED = 3  # in a row, after which a request is stopped

STOPPING = {
    *(FaultKind.KEY_REFUSED, FaultKind.RIGHT_MISSING, FaultKind.QUOTA_USED_UP, FaultKind.RATE_LIMITED),
    *(FaultKind.UNREACHABLE, FaultKind.INSECURE, FaultKind.ADDRESS_REFUSED),
}

VOICES_AT_ONCE = 20  # of a request, before the sources are synced again

Wait = Callable[[float], object]


def carry_out_some(
    settings: Settings,
    holder: str,
    *,
    wait: Wait,
    is_stopped: Callable[[], bool],
    on_result: Callable[[str, str], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Process the next voices of each open request that no other process carries out.

    Args:
        holder: the name of this process.
        wait: waits for some seconds.
        is_stopped: whether to end before the next voice.
        on_result: called with the name of each voice and what happened.
    """
    requests = list_open_requests(now=clock.now())
    db.session.rollback()
    for request in requests:
        if not request.is_running and not is_stopped():
            run = DeletionRun(request.id, settings, holder, wait, environ, is_stopped, on_result)
            run.run(limit=VOICES_AT_ONCE)


@dataclass(slots=True)
class DeletionRun:
    """Carries out one request.

    Attributes:
        holder: the name of this process.
        wait: waits for some seconds.
        is_stopped: whether to end before the next voice.
        on_result: called with the name of each voice and what happened.
        unconfirmed: number of voices in a row whose deletion is not confirmed.
    """

    request_id: int
    settings: Settings
    holder: str
    wait: Wait
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    is_stopped: Callable[[], bool] = lambda: False
    on_result: Callable[[str, str], None] = lambda *_: None
    unconfirmed: int = 0
    _clients: dict[int, ProviderClient] = field(default_factory=dict)

    def run(self, limit: int | None = None) -> int:
        """Process up to this many voices, all by default, and return how many were processed.

        Raises:
            ChangeRefused: if another process carries the request out.
        """
        try:
            with ExitStack() as stack:
                return self._process_voices(limit, stack)
        finally:
            with suppress(SQLAlchemyError):  # the hold expires
                release_request(self.request_id, self.holder)

    def _process_voices(self, limit: int | None, stack: ExitStack) -> int:
        count = 0
        while (limit is None or count < limit) and not self.is_stopped():
            task = take_next(self.request_id, self.holder, now=clock.now())
            if task is None:
                break
            self._process(task, stack)
            count += 1
            self.wait(PAUSE_SECONDS)
        self._clients.clear()
        return count

    def _process(self, task: Task, stack: ExitStack) -> None:
        try:
            client = self._clients.get(task.source_id) or self._open(task, stack)
        except (SourceNotFound, SourceRefused, UpstreamFailed) as failed:
            self._stop(str(failed))
            return
        if task.action is DeletionAction.CHECK:
            self._check(task, client)
        else:
            self._delete(task, client)

    def _open(self, task: Task, stack: ExitStack) -> ProviderClient:
        """Return the client of a source, after checking that its key belongs to the account of its lists."""
        source = find_source(EVERYTHING, task.source_id)
        if source.disabled_at is not None:
            raise SourceRefused(f"The source “{source.name}” is disabled. Enable it first.")
        connection, account_hash = build_connection(source, self.settings, self.environ), source.account_hash
        db.session.rollback()
        client = PROVIDERS[connection.kind](stack.enter_context(open_transport(connection)))
        if account_hash and hash_account(connection.kind, client.read_account()) != account_hash:
            raise SourceRefused("The key belongs to another account than before, or does not tell it. Sync the source.")
        self._clients[task.source_id] = client
        return client

    def _check(self, task: Task, client: ProviderClient) -> None:
        """Look up a voice whose deletion is not confirmed. Nothing is sent that could change it."""
        found = client.look_up(task.voice.provider_voice_id)
        state = DeletionState.DELETED if isinstance(found, Absent) else DeletionState.UNCONFIRMED
        self._write(task, state, f"Checked again: {_describe_look_up(found, task.created_at)}")

    def _delete(self, task: Task, client: ProviderClient) -> None:
        before = client.look_up(task.voice.provider_voice_id)
        if isinstance(before, Absent) and task.was_sent:
            self._write(task, DeletionState.DELETED, f"Absent before a second deletion was sent. {before.message}")
            return
        message = _find_reason(before, task)
        if not isinstance(before, Found) or message:
            self._settle(task, message)
            if isinstance(before, Unclear):
                self._stop_after(before.fault)
            return
        if write_intent(task, self.holder, now=clock.now()):
            outcome = client.delete_voice(before.voice)
            self._decide(task, outcome, self._look_up_after(client, before.voice, outcome))

    def _look_up_after(self, client: ProviderClient, voice: ProviderVoice, outcome: Deletion) -> LookUp:
        """Look a voice up after its deletion was sent: several times if the provider has accepted it."""
        found: LookUp = client.look_up_deleted(voice)
        for pause in LOOK_UP_PAUSES[1:] if isinstance(outcome, Accepted) else ():
            if not isinstance(found, Found):
                break
            self.wait(pause)
            found = client.look_up_deleted(voice)
        return found

    def _decide(self, task: Task, outcome: Deletion, after: LookUp) -> None:
        """Write the result. Only a look-up that says that the voice is absent confirms a deletion."""
        answer = f"Answered {outcome.status}." if isinstance(outcome, Accepted) else outcome.fault.message
        found = _describe_look_up(after, task.created_at)
        if isinstance(after, Absent):
            state = DeletionState.DELETED
        else:
            state = DeletionState.REFUSED if isinstance(outcome, Refused) else DeletionState.UNCONFIRMED
        self._write(task, state, f"{answer} {found}")
        if not isinstance(outcome, Accepted):
            self._stop_after(outcome.fault)
        self.unconfirmed = self.unconfirmed + 1 if state is DeletionState.UNCONFIRMED else 0
        if self.unconfirmed >= MAX_UNCONFIRMED:
            self._stop(f"{MAX_UNCONFIRMED} deletions in a row are not confirmed. Check them before you go on.")

    def _write(self, task: Task, state: DeletionState, message: str) -> None:
        write_result(task, state, message, self.settings.attention_thresholds, now=clock.now())
        self.on_result(task.voice.name, f"{state.label}. {message}")

    def _settle(self, task: Task, message: str) -> None:
        settle_now(task, message, now=clock.now())
        self.on_result(task.voice.name, f"{DeletionState.REFUSED.label}. {message}")

    def _stop_after(self, fault: Fault) -> None:
        """End the request if the next voices would meet the same fault."""
        if fault.kind in STOPPING:
            self._stop(fault.message)

    def _stop(self, message: str) -> None:
        stop_request(self.request_id, f"Stopped: {message}", now=clock.now())
        self.on_result("", f"Stopped: {message}")


def _find_reason(found: LookUp, task: Task) -> str:
    """Return why a voice must not be deleted as the provider describes it now, "" if nothing prevents it."""
    if isinstance(found, Absent):
        return f"Nothing was sent: the provider does not have it. {found.message}"
    if isinstance(found, Unclear):
        return f"Nothing was sent: the look-up proves nothing. {found.fault.message}"
    obstacle = find_obstacle(found.voice)
    if obstacle:
        return f"Nothing was sent. {obstacle}"
    if found.voice.created_at != task.created_at:
        return f"Nothing was sent. {_describe_other_date(found.voice, task.created_at)}"
    return ""


def _describe_look_up(found: LookUp, created_at: datetime | None) -> str:
    if isinstance(found, Absent):
        return f"A look-up no longer finds it. {found.message}"
    if isinstance(found, Unclear):
        return f"A look-up proves nothing: {found.fault.message}"
    if found.voice.created_at != created_at:
        return _describe_other_date(found.voice, created_at)
    return "A look-up still finds it."


def _describe_other_date(voice: ProviderVoice, created_at: datetime | None) -> str:
    now, then = (
        date.strftime("%Y-%m-%d %H:%M:%S UTC") if date else "unknown" for date in (voice.created_at, created_at)
    )
    return f"The provider has another voice with this ID: created {now}, not {then}."
