"""Lock organizations in a fixed order, so that two transactions cannot deadlock."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization


def lock_organizations(organizations: Iterable[int]) -> None:
    """Let nobody else write voices of these organizations until the transaction ends. Call before touching any of them.

    Whoever writes a voice moves the revision of its organization, and keeps it
    from others. Whoever had some voices already would wait here, and be waited for there.
    """
    held = select(Organization.id).where(Organization.id.in_(set(organizations))).order_by(Organization.id)
    db.session.execute(held.with_for_update(key_share=True)).all()
