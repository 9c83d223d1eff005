"""Write down what a provider takes for a voice in a month."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.cleanup.models import Price
from voiceadmin.cleanup.queries.candidates import list_prices
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import Actor
from voiceadmin.voices.types.provider import provider_label


def set_price(provider: str, cents: int | None, currency: str, as_of: date, *, by: Actor, now: datetime) -> None:
    """Keep a price in place of the one before; None forgets it, and then it is not known. What is so already stays."""
    with write_transaction():
        former = list_prices().get(provider)
        before = former and {"cents": former.cents, "currency": former.currency, "as_of": former.as_of.isoformat()}
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
        thing = AuditTarget(ObjectKind.DATABASE, None, f"{provider_label(provider)}, a voice a month")
        record_event(AuditEventType.PRICE_CHANGED, thing, by=by, now=now, before=before, after=after)
