"""Read the prices that providers charge for a voice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from voiceadmin.cleanup.models import Price as PriceModel
from voiceadmin.cleanup.types.prices import Price
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.totals.queries import list_providers
from voiceadmin.voices.types.provider import Provider


def list_prices() -> dict[str, Price]:
    """Return the known prices by provider."""
    return {row.provider: Price(*(getattr(row, name) for name in Price._fields)) for row in _select_prices()}


def list_priceable_providers(scope: Scope) -> list[str]:
    """Return the providers with a label, then every other one that has a voice in the scope or a price."""
    stored = {*list_providers(scope), *(row.provider for row in _select_prices())}
    labelled = [provider.value for provider in Provider]
    return labelled + sorted(stored - set(labelled))


def _select_prices() -> Sequence[PriceModel]:
    return db.session.scalars(select(PriceModel)).all()
