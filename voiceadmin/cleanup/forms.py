"""Forms of clean-up: candidate filters, creating and confirming a plan, its items, and prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import DateField, Form, IntegerField, ValidationError

from voiceadmin.cleanup.types.candidates import CLEAN_UP_REASONS, CleanUpFilters
from voiceadmin.cleanup.types.deletions import DeletionState
from voiceadmin.cleanup.types.orphans import DeletableFilter, OrphanFilters, SlotFilter
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.cleanup.types.prices import Price
from voiceadmin.clock import start_of_day
from voiceadmin.operations.types import MAX_OBJECTS
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.pagination import MAX_PAGE
from voiceadmin.text import quote_value
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.web.fields import (
    StringField,
    choice_field,
    date_field,
    integer_field,
    multiple_choice_field,
    raw_value,
    search_field,
    text_field,
)
from voiceadmin.web.organization_field import organization_filter_field

FormData = MultiDict[str, str]

REASON_LABELS = {slug: RULES_BY_SLUG[slug].label for slug in CLEAN_UP_REASONS}
_AMOUNT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class CandidateFilterForm(Form):
    """The filter bar over the candidates."""

    organization = organization_filter_field()
    provider = multiple_choice_field("Provider", {}, noun="a provider of these voices")
    reason = multiple_choice_field("Reason", REASON_LABELS, noun="a reason to clean up")

    def __init__(self, data: FormData, organizations: OrganizationChoices, providers: Sequence[str]) -> None:
        """Fill the form. organizations: those of the scope; providers: slugs; both are the choices."""
        super().__init__(data)
        self.organization.offer(organizations)
        self.provider.choices = {provider: provider_label(provider) for provider in providers}

    def filters(self) -> CleanUpFilters:
        """Return the validated input as domain values. Call after validate()."""
        return CleanUpFilters(
            self.organization.organization_id,
            tuple(self.provider.data),
            tuple(self.reason.data),
        )


class CreatePlanForm(CandidateFilterForm):
    """The candidates to include in a plan. key: identifies the form, so that sending it again creates no other plan."""

    limit = integer_field("Number of voices", minimum=1, maximum=MAX_OBJECTS)
    key = text_field("Key", required=False)

    def filters(self) -> CleanUpFilters:
        """Return the validated input as domain values. Call after validate()."""
        return super().filters().with_changes(limit=self.limit.data)


def clean_up_arguments(filters: CleanUpFilters) -> dict[str, Any]:
    """Return the query arguments that CandidateFilterForm reads these filters from, without empty ones."""
    arguments = {"organization": filters.organization, "provider": filters.providers, "reason": filters.reasons}
    return {name: value for name, value in arguments.items() if value}


class PlanItemsForm(Form):
    """Which items of a plan to show."""

    state = choice_field(
        "State", {"": "All"} | {state.value: state.label for state in ItemState}, noun="a state", default=""
    )
    page = integer_field("Page", minimum=1, maximum=MAX_PAGE)

    def states(self) -> tuple[ItemState, ...]:
        """Return the selected state; empty for all. Call after validate()."""
        return (ItemState(self.state.data),) if self.state.data else ()


class ConfirmCountForm(Form):
    """A number of voices, typed by the admin who confirms that they are changed.

    Attributes:
        sentence: Says what the number is of; {} is the number.
    """

    sentence = ""
    count = integer_field("Number of voices", minimum=1, maximum=MAX_OBJECTS)

    def __init__(self, data: FormData | None, voice_count: int) -> None:
        super().__init__(data)
        self.voice_count = voice_count

    def validate_count(self, field: IntegerField) -> None:
        """Require this number."""
        if field.data != self.voice_count:
            given = quote_value(raw_value(field), 40) if raw_value(field) else "Nothing"
            expected = self.sentence.format(self.voice_count)
            raise ValidationError(f"{given} was typed. {expected}: type {self.voice_count}.")


class ConfirmPlanForm(ConfirmCountForm):
    """The number of voices of a plan."""

    sentence = "The plan has {} voices"


class ConfirmDeletionForm(ConfirmCountForm):
    """The number of voices to delete at a provider."""

    sentence = "{} voices can be deleted"


class DeletionItemsForm(Form):
    """Which results of deletions to show."""

    state = choice_field(
        "Result", {"": "All"} | {state.value: state.label for state in DeletionState}, noun="a result", default=""
    )
    page = integer_field("Page", minimum=1, maximum=MAX_PAGE)

    def state_value(self) -> DeletionState | None:
        """Return the selected result; None for all. Call after validate()."""
        return DeletionState(self.state.data) if self.state.data else None


class OrphanFilterForm(Form):
    """Which orphans of a source to show."""

    q = search_field("Name or ID")
    slot = choice_field(
        "Slot", {"": "All"} | {one.value: one.label for one in SlotFilter}, noun="a slot filter", default=""
    )
    deletable = choice_field(
        "Deletion", {"": "All"} | {one.value: one.label for one in DeletableFilter}, noun="a filter", default=""
    )
    page = integer_field("Page", minimum=1, maximum=MAX_PAGE)

    def filters(self) -> OrphanFilters:
        """Return the validated input as domain values. Call after validate()."""
        return OrphanFilters(
            self.q.data,
            SlotFilter(self.slot.data) if self.slot.data else None,
            DeletableFilter(self.deletable.data) if self.deletable.data else None,
            self.page.data or 1,
        )


def orphan_arguments(filters: OrphanFilters) -> dict[str, Any]:
    """Return the query arguments that OrphanFilterForm reads these filters from, without unused ones."""
    arguments = {
        "q": filters.text,
        "slot": filters.slot and filters.slot.value,
        "deletable": filters.deletable and filters.deletable.value,
        "page": filters.page if filters.page > 1 else None,
    }
    return {name: value for name, value in arguments.items() if value}


class ConfirmOrphansForm(ConfirmCountForm):
    """The number of orphans to delete at a provider."""

    sentence = "{} orphans can be deleted"


class PriceForm(Form):
    """The price of one voice and month at a provider. An empty price means that it is unknown."""

    provider = choice_field("Provider", {}, noun="a provider", default="")
    price = text_field("Price", required=False, max_length=20)
    currency = text_field("Currency", required=False, max_length=3)
    as_of = date_field("Date of the price")

    def __init__(self, data: FormData, providers: Sequence[str], *, now: datetime) -> None:
        super().__init__(data)
        self.provider.choices = {provider: provider_label(provider) for provider in providers}
        self.now = now

    def validate_price(self, field: StringField) -> None:
        """Require an amount or nothing."""
        if field.data and not _AMOUNT.fullmatch(field.data):
            raise ValidationError(f"{quote_value(field.data, 40)} is not an amount. Write it as 2.00.")

    def validate_currency(self, field: StringField) -> None:
        """Require a currency code if there is a price."""
        field.data = field.data.upper()
        if self.price.data and not _CURRENCY.fullmatch(field.data):
            raise ValidationError(
                f"{quote_value(field.data, 40)} is not a currency code. Write three letters: USD, EUR."
            )

    def validate_as_of(self, field: DateField) -> None:
        """Require a date, not in the future, if there is a price."""
        if self.price.data and field.data is None:
            raise ValidationError("The date is missing. Enter the date of the price.")
        if field.data is not None and start_of_day(field.data) > self.now:
            raise ValidationError(f"{raw_value(field)} is in the future. Enter the date of the price.")

    def cents(self) -> int | None:
        """Return the price in hundredths of the currency, or None if it is unknown. Call after validate()."""
        amount = _AMOUNT.fullmatch(self.price.data)
        return None if amount is None else int(amount[1]) * 100 + int((amount[2] or "0").ljust(2, "0"))

    def date(self) -> date:
        """Return the date of the price. Call after validate()."""
        return self.as_of.data or self.now.date()


def price_form_data(provider: str, price: Price | None, now: datetime) -> MultiDict[str, str]:
    """Return the initial values of PriceForm: the known price of a provider, dated today."""
    data = {"provider": provider, "as_of": f"{now:%Y-%m-%d}"}
    if price is not None:
        data |= {"price": f"{price.cents // 100}.{price.cents % 100:02}", "currency": price.currency}
    return MultiDict(data)
