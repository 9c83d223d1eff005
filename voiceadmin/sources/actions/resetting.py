"""Note that stored verdicts do not hold any more, in the transaction that changes the sources."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.sources.facts import PROVIDER_KINDS
from voiceadmin.sources.models import Source
from voiceadmin.sources.reset_queries import has_older_verdicts
from voiceadmin.voices.models import VerdictReset

# After this time, no transaction is left that began before a reset and could still store a verdict by former sources.
KEPT_FOR = timedelta(minutes=10)


def reset_verdicts(kind: str, organization_id: int | None, *, now: datetime) -> None:
    """Let the verdicts that depend on sources of a kind and owner not hold until the voices are judged again.

    Call at the end of the write transaction that changes the sources: the lock, under which resets are committed in the
    order of their ids, must be the last one that it takes.

    Args:
        kind: of the sources. Nothing is done for the platform, which no verdict rests on.
        organization_id: the owner; None for the platform, whose sources list the voices of all organizations.
    """
    if kind not in PROVIDER_KINDS:
        return
    db.session.flush()
    acquire_advisory_lock("verdict reset")
    _remove_replaced(kind, organization_id)
    db.session.add(VerdictReset(provider=kind, organization_id=organization_id, at=now))
    db.session.flush()


def _remove_replaced(kind: str, organization_id: int | None) -> None:
    """Remove the resets that a new one includes."""
    statement = delete(VerdictReset).where(VerdictReset.provider == kind)
    if organization_id is not None:
        statement = statement.where(VerdictReset.organization_id == organization_id)
    db.session.execute(statement)


def reset_organizations(organization_ids: Collection[int], *, now: datetime) -> None:
    """Let no verdict of organizations hold whose voices or sources have changed. See `reset_verdicts`."""
    kinds = db.session.scalars(select(Source.kind).where(Source.kind.in_(PROVIDER_KINDS)).distinct()).all()
    for kind in sorted(kinds):
        for organization_id in sorted(organization_ids):
            reset_verdicts(kind, organization_id, now=now)


def remove_old_resets(kind: str, *, now: datetime) -> None:
    """Remove the resets of a provider that were judged long ago, unless there are verdicts from before."""
    is_old = (VerdictReset.provider == kind, VerdictReset.judged_at <= now - KEPT_FOR)
    ids = db.session.scalars(select(VerdictReset.id).where(*is_old)).all()
    unused = [id for id in ids if not has_older_verdicts(id)]
    if unused:
        with write_transaction():
            db.session.execute(delete(VerdictReset).where(VerdictReset.id.in_(unused)))
