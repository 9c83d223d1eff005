"""The forms of clean-up plans, their filters and prices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tests.conftest import NOW
from voiceadmin.cleanup.forms import (
    CandidateFilterForm,
    ConfirmPlanForm,
    CreatePlanForm,
    PlanItemsForm,
    PriceForm,
    clean_up_arguments,
    price_form_data,
)
from voiceadmin.cleanup.types.candidates import CLEAN_UP_REASONS, CleanUpFilters
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.cleanup.types.prices import Price
from voiceadmin.organizations.types import OrganizationChoices

ORGANIZATIONS = {3: "Acme", 12: "Bravo"}
CHOICES = OrganizationChoices(ORGANIZATIONS, lambda _: {})
PROVIDERS = ["elevenlabs", "resemble", "playht"]
Pairs = list[tuple[str, str]]


def test_no_argument_means_all_candidates() -> None:
    for pairs in ([], [("organization", ""), ("provider", ""), ("reason", "")]):
        form = CandidateFilterForm(MultiDict(pairs), CHOICES, PROVIDERS)

        assert form.validate()
        assert form.filters() == CleanUpFilters()


@given(
    st.builds(
        CleanUpFilters,
        st.none() | st.sampled_from(sorted(ORGANIZATIONS)),
        st.lists(st.sampled_from(PROVIDERS), unique=True).map(tuple),
        st.lists(st.sampled_from(CLEAN_UP_REASONS), unique=True).map(tuple),
    )
)
def test_filters_round_trip_through_query_arguments(filters: CleanUpFilters) -> None:
    pairs = [
        (name, str(one))
        for name, value in clean_up_arguments(filters).items()
        for one in (value if isinstance(value, tuple) else [value])
    ]
    form = CandidateFilterForm(MultiDict(pairs), CHOICES, PROVIDERS)

    assert form.validate(), form.errors
    found = form.filters()
    assert found.organization == filters.organization
    assert set(found.providers) == set(filters.providers)
    assert found.selected_reasons == filters.selected_reasons


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("organization", "4"), "organization"),
        (("organization", "٣"), "organization"),
        (("provider", "unknown"), "provider"),
        (("reason", "failed"), "reason"),
    ],
)
def test_a_value_outside_the_list_is_refused(pair: tuple[str, str], field: str) -> None:
    form = CandidateFilterForm(MultiDict([pair]), CHOICES, PROVIDERS)

    assert not form.validate()
    assert list(form.errors) == [field]


@pytest.mark.parametrize(("given", "limit"), [("", None), ("1", 1), ("100", 100), ("20000", 20_000)])
def test_the_limit_of_a_plan_is_a_number_or_empty(given: str, limit: int | None) -> None:
    form = CreatePlanForm(MultiDict({"limit": given, "provider": "playht"}), CHOICES, PROVIDERS)

    assert form.validate()
    assert form.filters() == CleanUpFilters(None, ("playht",), (), limit)


@pytest.mark.parametrize("given", ["0", "20001", "-1", "1,000", "x", "1e3", "٣"])
def test_an_invalid_limit_is_refused(given: str) -> None:
    form = CreatePlanForm(MultiDict({"limit": given}), CHOICES, PROVIDERS)

    assert not form.validate()
    assert "is not a number from 1 to 20000." in form.limit.errors[0]


@pytest.mark.parametrize("typed", ["100", " 100"])
def test_the_right_count_confirms_the_plan(typed: str) -> None:
    assert ConfirmPlanForm(MultiDict({"count": typed.strip()}), 100).validate()


@pytest.mark.parametrize("typed", ["", "99", "1000", "0", "yes", "1oo", "100.0"])
def test_another_count_is_refused(typed: str) -> None:
    form = ConfirmPlanForm(MultiDict({"count": typed}), 100)

    assert not form.validate()
    assert form.count.errors


@pytest.mark.parametrize(
    ("typed", "given"),
    [("99", '"99"'), ("1" * 5, '"11111"'), ("0" * 60 + "99", f'"{"0" * 38}…'), ("", "Nothing")],
    ids=["too few", "too many", "leading zeros", "nothing"],
)
def test_a_wrong_count_is_reported_with_the_right_one(typed: str, given: str) -> None:
    form = ConfirmPlanForm(MultiDict({"count": typed}), 100)
    form.validate()

    assert form.count.errors == [f"{given} was typed. The plan has 100 voices: type 100."]


@pytest.mark.parametrize("state", ItemState)
def test_each_state_is_a_valid_filter(state: ItemState) -> None:
    form = PlanItemsForm(MultiDict({"state": state.value}))

    assert form.validate()
    assert form.states() == (state,)


def test_an_unknown_state_is_refused() -> None:
    assert PlanItemsForm(MultiDict({})).validate()
    assert not PlanItemsForm(MultiDict({"state": "done"})).validate()
    assert not PlanItemsForm(MultiDict({"page": "0"})).validate()


def price(**sent: str) -> PriceForm:
    given: dict[str, Any] = {"provider": "resemble", "price": "2", "currency": "USD", "as_of": "2026-05-01"}
    return PriceForm(MultiDict(given | sent), PROVIDERS, now=NOW)


@pytest.mark.parametrize(
    ("amount", "cents"), [("2", 200), ("2.5", 250), ("2.05", 205), ("0", 0), ("0.01", 1), ("9999999.99", 999_999_999)]
)
def test_a_price_is_read_in_cents(amount: str, cents: int) -> None:
    form = price(price=amount, currency="usd")

    assert form.validate(), form.errors
    assert (form.cents(), form.currency.data, form.date()) == (cents, "USD", date(2026, 5, 1))


@pytest.mark.parametrize("amount", ["2,50", "-1", "1.234", "1e3", "12345678", "$2", "nan", "٢", "."])
def test_an_invalid_amount_is_refused(amount: str) -> None:
    form = price(price=amount)

    assert not form.validate()
    assert list(form.errors) == ["price"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", ""),
        ("currency", "US"),
        ("currency", "U$D"),
        ("as_of", ""),
        ("as_of", "2026-11-23"),
        ("as_of", "2026-02-30"),
        ("provider", "unknown"),
    ],
)
def test_a_price_requires_currency_date_and_provider(field: str, value: str) -> None:
    form = price(**{field: value})

    assert not form.validate()
    assert list(form.errors) == [field]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("price", "2,50", '"2,50" is not an amount. Write it as 2.00.'),
        ("currency", "us", '"US" is not a currency code. Write three letters: USD, EUR.'),
        ("currency", "", '"" is not a currency code. Write three letters: USD, EUR.'),
        ("as_of", "", "The date is missing. Enter the date of the price."),
        ("as_of", "2026-11-23", "2026-11-23 is in the future. Enter the date of the price."),
    ],
)
def test_an_invalid_price_is_reported_with_a_remedy(field: str, value: str, message: str) -> None:
    form = price(**{field: value})
    form.validate()

    assert form.errors == {field: [message]}


def test_a_price_can_have_the_date_of_today() -> None:
    assert price(as_of="2026-11-22").validate()


def test_a_price_can_have_the_date_of_today_from_midnight_on() -> None:
    midnight = NOW.replace(hour=0)
    data = MultiDict({"provider": "resemble", "price": "2", "currency": "USD", "as_of": "2026-11-22"})

    assert PriceForm(data, PROVIDERS, now=midnight).validate()
    assert not PriceForm(data, PROVIDERS, now=midnight - timedelta(microseconds=1)).validate()


def test_an_empty_amount_removes_the_price() -> None:
    form = price(price="", currency="", as_of="")

    assert form.validate()
    assert form.cents() is None


@given(st.integers(0, 999_999_999), st.sampled_from(["USD", "EUR", "JPY"]))
def test_a_known_price_round_trips_through_the_form(cents: int, currency: str) -> None:
    known = Price("resemble", cents, currency, NOW.date() - timedelta(days=400), NOW, "tester")

    form = PriceForm(price_form_data("resemble", known, NOW), PROVIDERS, now=NOW)

    assert form.validate()
    assert (form.cents(), form.currency.data, form.date()) == (cents, currency, NOW.date())


def test_a_form_for_an_unknown_price_has_the_date_of_today() -> None:
    assert dict(price_form_data("playht", None, NOW)) == {"provider": "playht", "as_of": "2026-11-22"}
