"""Read the prices that providers charge for a voice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from voiceadmin.cleanup.models import Price as PriceModel
from voiceadmin.cleanup.types.prices import Price
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.voices.models import VoiceStats
from voiceadmin.voices.types.provider import Provider


def list_prices() -> dict[str, Price]:
    """Return the known prices by provider."""
    return {row.provider: Price(*(getattr(row, name) for name in Price._fields)) for row in _select_prices()}


def list_priceable_providers(scope: Scope) -> list[str]:
    """Return the providers with a label, then every other one that has a voice in the scope or a price."""
    with_voices = select(VoiceStats.provider).distinct()
    if scope.organizations is not None:
        with_voices = with_voices.where(VoiceStats.organization_id.in_(sorted(scope.organizations)))
    stored = {*db.session.scalars(with_voices), *(row.provider for row in _select_prices())}
    labelled = [provider.value for provider in Provider]
    return labelled + sorted(stored - set(labelled))


def _select_prices() -> Sequence[PriceModel]:
    return db.session.scalars(select(PriceModel)).all()
