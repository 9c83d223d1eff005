"""A lease: at most one process of a deployment holds it, and one that has died loses it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.sources.models import SyncLease

LEASE_PERIOD = timedelta(minutes=3)  # longer than the longest pause between two renewals: the retries of a request


def renew_lease(holder: str, every: timedelta, *, now: datetime) -> bool:
    """Take or renew the lease of syncs, and return whether the holder has it now.

    Args:
        holder: identifies the process.
        every: how often it syncs, which pages show.
    """
    with write_transaction():
        acquire_advisory_lock("sync lease")
        lease = db.session.get(SyncLease, 1)
        if lease is None:
            lease = SyncLease(id=1)
            db.session.add(lease)
        elif lease.holder != holder and lease.expires_at > now:
            return False
        lease.holder, lease.expires_at, lease.every_seconds = holder, now + LEASE_PERIOD, int(every.total_seconds())
    return True


def end_lease(holder: str) -> None:
    """Give the lease up, so that another process can take it at once."""
    with write_transaction():
        db.session.execute(delete(SyncLease).where(SyncLease.holder == holder))
