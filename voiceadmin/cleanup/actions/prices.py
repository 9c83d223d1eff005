"""Change the price that a provider charges for a voice."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.cleanup.models import Price
from voiceadmin.cleanup.queries.prices import list_prices
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import Actor
from voiceadmin.voices.types.provider import provider_label


def set_price(provider: str, cents: int | None, currency: str, as_of: date, *, by: Actor, now: datetime) -> None:
    """Replace the price of a provider.

    Args:
        cents: Hundredths of the currency for one voice and month; None removes the price, which is then unknown.
    """
    with write_transaction():
        acquire_advisory_lock("price")
        old = list_prices().get(provider)
        before = old and {"cents": old.cents, "currency": old.currency, "as_of": old.as_of.isoformat()}
        after = None if cents is None else {"cents": cents, "currency": currency, "as_of": as_of.isoformat()}
        if before == after:
            return
        if after is None:
            db.session.execute(delete(Price).where(Price.provider == provider))
        else:
            row = {"provider": provider, "cents": cents, "currency": currency, "as_of": as_of}
            db.session.execute(
                upsert_statement(Price), [row | {"changed_at": now, "changed_by": by.name or by.kind.label}]
            )
        target = AuditTarget(ObjectKind.DATABASE, None, f"{provider_label(provider)}, price of a voice and month")
        record_event(AuditEventType.PRICE_CHANGED, target, by=by, now=now, before=before, after=after)
