"""What people send to clean up: which voices are meant, how many, what they typed to confirm, and prices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.cleanup.types import REASONS, CleanUpFilters, ItemState, Price
from voiceadmin.operations.types import MOST_AT_ONCE
from voiceadmin.pagination import MAX_PAGE
from voiceadmin.text import quote_value
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.web.fields import DayField, LineField, NumberField, TextField, WordField, WordsField

Sent = MultiDict[str, str]


REASON_LABELS = {word: word.replace("-", " ").capitalize() for word in REASONS}


_AMOUNT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?", re.ASCII)


_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class CandidatesForm(Form):
    """Which voices are meant. organizations: those to choose from, by id; providers: their words."""

    organization = WordField("Organization", {}, thing="an organization of yours", fallback="")
    provider = WordsField("Provider", {}, thing="a provider of these voices")
    reason = WordsField("Reason", REASON_LABELS, thing="a reason to clean up")

    def __init__(self, sent: Sent, organizations: Mapping[int, str], providers: Sequence[str]) -> None:
        super().__init__(sent)
        self.organization.words = {"": "All"} | {str(id): name for id, name in organizations.items()}
        self.provider.words = {provider: provider_label(provider) for provider in providers}

    def filters(self) -> CleanUpFilters:
        """The answers as domain values. Call only after validate()."""
        return CleanUpFilters(
            int(self.organization.data) if self.organization.data else None,
            tuple(self.provider.data),
            tuple(self.reason.data),
        )


class PlanForm(CandidatesForm):
    """Which voices to plan with, and how many at most. key: of the form, the same when it is sent again."""

    most = NumberField("At most", least=1, most=MOST_AT_ONCE)
    key = TextField("Key")

    def filters(self) -> CleanUpFilters:
        """The answers as domain values. Call only after validate()."""
        return super().filters().with_changes(most=self.most.data)


def clean_up_arguments(filters: CleanUpFilters) -> dict[str, Any]:
    """The query arguments that CandidatesForm reads these filters from; what is not used is left out."""
    given = {"organization": filters.organization, "provider": filters.providers, "reason": filters.reasons}
    return {name: value for name, value in given.items() if value}


class ItemsForm(Form):
    """Which voices of a plan to show."""

    state = WordField(
        "State", {"": "All"} | {state.value: state.label for state in ItemState}, thing="a state", fallback=""
    )
    page = NumberField("Page", least=1, most=MAX_PAGE)

    def states(self) -> tuple[ItemState, ...]:
        """The states that are meant, none for any. Call only after validate()."""
        return (ItemState(self.state.data),) if self.state.data else ()


class ConfirmPlanForm(Form):
    """The number of voices of a plan, typed by whoever lets it be carried out."""

    count = NumberField("Number of voices", least=1, most=MOST_AT_ONCE)

    def __init__(self, sent: Sent | None, number: int) -> None:
        super().__init__(sent)
        self.number = number

    def validate_count(self, field: NumberField) -> None:
        """It must be the number of the plan."""
        if field.data != self.number:
            given = quote_value(field.given, 40) if field.given else "Nothing"
            raise ValidationError(f"{given} was typed. The plan has {self.number} voices: type {self.number}.")


class PriceForm(Form):
    """What a provider takes for a voice in a month. An empty price: it is not known."""

    provider = WordField("Provider", {}, thing="a provider", fallback="")
    price = LineField("Price", least=0, most=20)
    currency = LineField("Currency", least=0, most=3)
    as_of = DayField("As of")

    def __init__(self, sent: Sent | None, providers: Sequence[str], *, now: datetime, **kept: Any) -> None:
        super().__init__(sent, **kept)
        self.provider.words = {provider: provider_label(provider) for provider in providers}
        self.now = now

    def validate_price(self, field: LineField) -> None:
        """It must be an amount."""
        if field.data and not _AMOUNT.fullmatch(field.data):
            raise ValidationError(f"{quote_value(field.data, 40)} is no amount. Write it as 2.00.")

    def validate_currency(self, field: LineField) -> None:
        """It must look like one where there is a price."""
        field.data = field.data.upper()
        if self.price.data and not _CURRENCY.fullmatch(field.data):
            raise ValidationError(f"{quote_value(field.data, 40)} is no currency. Write its three letters: USD, EUR.")

    def validate_as_of(self, field: DayField) -> None:
        """It must be there with a price, and not lie ahead."""
        if self.price.data and field.data is None:
            raise ValidationError("This is empty. Say of which day the price is.")
        if field.data is not None and field.data > self.now:
            raise ValidationError(f"{field.given} lies ahead. Say since when the price is known.")

    def cents(self) -> int | None:
        """The price in hundredths, None when it is not known. Call only after validate()."""
        found = _AMOUNT.fullmatch(self.price.data)
        return None if found is None else int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))

    def day(self) -> date:
        """The day of the price. Call only after validate()."""
        return (self.as_of.data or self.now).date()


def price_answers(provider: str, price: Price | None, now: datetime) -> MultiDict[str, str]:
    """What PriceForm begins with: what is known of a provider, to be kept anew as of today."""
    known = {"provider": provider, "as_of": f"{now:%Y-%m-%d}"}
    if price is not None:
        known |= {"price": f"{price.cents // 100}.{price.cents % 100:02}", "currency": price.currency}
    return MultiDict(known)
