"""Sync all sources again and again, in one process of a deployment at a time, which also keeps the history."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from threading import Event, Thread

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from voiceadmin import clock
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.unavailable import describe_unavailable, first_line
from voiceadmin.errors import Problem
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.history.actions.thinning import Limits, thin_history
from voiceadmin.identity import EVERYTHING, Actor
from voiceadmin.sources.actions.leasing import end_lease, renew_lease
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.models import Source, SyncRun
from voiceadmin.sources.types import DueSource, SourceKind, SyncReport

POLL_SECONDS = 2.0  # between two looks for sources that are due

RENEW_SECONDS = 30.0  # between two renewals of the lease


@dataclass(frozen=True, slots=True)
class SyncLoop:
    """Judges voices again after sources have changed, and syncs each source when it is due.

    Attributes:
        every: the time between the starts of two syncs of a source.
        enter_context: enters an application context, for the thread that renews the lease.
        on_report: called after each sync.
        on_problem: called for a source that cannot be synced at all.
        on_database_error: called with a sentence when the database fails; the loop goes on.
        do_other_work: called after the syncs with the event that asks to stop.
    """

    settings: Settings
    every: timedelta
    by: Actor
    enter_context: Callable[[], AbstractContextManager[object]]
    on_report: Callable[[DueSource, SyncReport], None]
    on_problem: Callable[[DueSource, Problem], None]
    on_database_error: Callable[[str], None]
    do_other_work: Callable[[Event], None] = lambda _: None

    def run(self, stopped: Event) -> None:
        """Run until `stopped` is set, and return between two syncs.

        Another process that does the same waits until this one ends or dies.
        """
        holder = name_process()
        with self._renew_regularly(holder):
            while not stopped.is_set():
                is_well = self._try_to_sync(holder, stopped)
                stopped.wait(POLL_SECONDS if is_well else RENEW_SECONDS)

    def _try_to_sync(self, holder: str, stopped: Event) -> bool:
        """Sync what is due. Return whether the database has answered all statements."""
        try:
            self._sync_due_sources(holder, stopped)
        except SQLAlchemyError as error:
            self.on_database_error(describe_unavailable(error) or first_line(error))
            db.session.remove()
            return False
        return True

    def _sync_due_sources(self, holder: str, stopped: Event) -> None:
        """Renew verdicts, and sync the sources that are due, as long as this process has the lease."""

        def may_continue() -> bool:
            return not stopped.is_set() and renew_lease(holder, self.every, now=clock.now())

        if not renew_lease(holder, self.every, now=clock.now()):
            return
        thresholds = self.settings.attention_thresholds
        if not renew_verdicts(thresholds, now=clock.now(), may_continue=may_continue):
            return
        for source in list_due_sources(self.every, now=clock.now()):
            if not may_continue():
                return
            try:
                report = sync_source(EVERYTHING, source.id, self.settings, by=self.by, now=clock.now())
            except Problem as problem:
                self.on_problem(source, problem)
            else:
                self.on_report(source, report)
        self._keep_history(stopped)
        self.do_other_work(stopped)

    def _keep_history(self, stopped: Event) -> None:
        """Renew the stored trends, and delete what has become too old in the history. Both are work of once a day."""
        limits = Limits.build(self.settings.history_days, self.settings.history_years, now=clock.now())
        for _ in chain(renew_trends(now=clock.now()), thin_history(limits)):
            if stopped.is_set():
                return

    @contextmanager
    def _renew_regularly(self, holder: str) -> Iterator[None]:
        """Renew the lease in a thread while a long sync runs, and give it up at the end."""
        ended = Event()

        def renew() -> None:
            with self.enter_context():
                while not ended.wait(RENEW_SECONDS):
                    with suppress(SQLAlchemyError):  # a long transaction writes, or the database is away for a moment
                        renew_lease(holder, self.every, now=clock.now())

        thread = Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with suppress(SQLAlchemyError):  # the lease expires
                end_lease(holder)


def name_process() -> str:
    """Return a name of this process that no other one has."""
    return f"{socket.gethostname()} {secrets.token_hex(8)}"


def list_due_sources(every: timedelta, *, now: datetime) -> Sequence[DueSource]:
    """Return the enabled sources that a person wants synced, or whose last sync is long enough ago."""
    started = select(func.max(SyncRun.started_at)).where(SyncRun.source_id == Source.id).scalar_subquery()
    is_due = or_(started.is_(None), started <= now - every, Source.sync_requested_at > started)
    is_platform = Source.kind.in_([kind.value for kind in SourceKind if kind.is_platform])
    statement = select(Source.id, Source.name).where(Source.disabled_at.is_(None), is_due)
    # The platform first, so that providers are compared with its newest voices.
    sources = [DueSource(*row) for row in db.session.execute(statement.order_by(is_platform.desc(), Source.id))]
    db.session.rollback()
    return sources
