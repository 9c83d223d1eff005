"""Lock organizations in a fixed order, so that two transactions cannot deadlock."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization


def lock_organizations(organization_ids: Iterable[int | None]) -> None:
    """Lock organizations in id order until the transaction ends. Call before writing any of their voices.

    The triggers of voices update the revision of the organization, which takes the same row lock. Without this call,
    two transactions that write voices of the same organizations in different orders could deadlock. `key_share` does
    not block rows that refer to the organization. SQLite has no row locks and ignores this.

    Args:
        organization_ids: of the objects to change; None, for a source of the platform, locks nothing.
    """
    ids = {id for id in organization_ids if id is not None}
    organizations = select(Organization.id).where(Organization.id.in_(ids)).order_by(Organization.id)
    db.session.execute(organizations.with_for_update(key_share=True)).all()
