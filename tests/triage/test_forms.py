"""Filters of the triage queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import MAX_ID
from voiceadmin.triage.forms import QueueForm, queue_arguments
from voiceadmin.triage.types import QueueCursor, QueueFilters

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PEOPLE = {7: "ada@example.com", 8: "bob@example.com"}
ME = 7


def find_errors(form: Any) -> dict[str, list[str]]:
    """Return the error messages of a form by field."""
    form.validate()
    return {name: list(errors) for name, errors in form.errors.items()}


REASONS = {"failed": "Failed", "never-used": "Never used"}
ORGANIZATIONS = {1: "Acme", 2: "Other"}
NAMES = ("reason", "organization", "provider", "assignee", "muted", "size", "after")


def queue_form(*pairs: tuple[str, str], me: int | None = ME) -> QueueForm:
    return QueueForm(
        MultiDict(pairs),
        reasons=REASONS,
        organizations=OrganizationChoices(ORGANIZATIONS, lambda _: {}),
        providers=["elevenlabs", "playht"],
        people=PEOPLE,
        me=me,
    )


def test_no_argument_means_the_whole_queue() -> None:
    for form in (queue_form(), queue_form(*((name, "") for name in NAMES))):
        assert form.validate()
        assert form.filters() == QueueFilters()
        assert not form.filters().has_filters
    assert queue_arguments(QueueFilters()) == {}
    assert QueueFilters().size == DEFAULT_PAGE_SIZE


def test_all_filters_are_read_together() -> None:
    cursor = QueueCursor(20, NOW, 456)
    form = queue_form(
        ("reason", "never-used"),
        ("reason", "failed"),
        ("reason", "failed"),
        ("organization", "2"),
        ("provider", "playht"),
        ("assignee", "none"),
        ("muted", "yes"),
        ("size", "25"),
        ("after", str(cursor)),
    )

    assert form.validate(), form.errors
    assert form.filters() == QueueFilters(
        ("never-used", "failed"), 2, ("playht",), "none", muted=True, after=cursor, size=25
    )
    assert form.filters().has_filters


def test_the_assignee_choices_are_me_unassigned_and_the_others() -> None:
    assert queue_form().assignee.choices == {
        "": "Anyone",
        "me": "Me",
        "none": "Unassigned",
        "8": "bob@example.com",
    }
    assert list(queue_form(me=None).assignee.choices) == ["", "none", "7", "8"]


@pytest.mark.parametrize("word", ["me", "7"])
def test_the_own_account_is_selected_by_me_and_by_its_id(word: str) -> None:
    form = queue_form(("assignee", word))

    assert form.validate(), form.errors
    assert form.filters().assignee == "7"
    assert form.assignee.choices[form.assignee.data] == "Me"


def test_an_unknown_assignee_is_refused() -> None:
    assert list(find_errors(queue_form(("assignee", "me"), me=None))) == ["assignee"]
    assert list(find_errors(queue_form(("assignee", "None"), me=None))) == ["assignee"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reason", "Failed", '"Failed" is not a reason. Choose from the list.'),
        ("organization", "3", '"3" is not one of your organizations. Choose from the list.'),
        ("organization", "01", '"01" is not one of your organizations. Choose from the list.'),
        ("provider", "inworld", '"inworld" is not a provider of these voices. Choose from the list.'),
        ("assignee", "9", '"9" is not an assignee. Choose from the list.'),
        ("muted", "no", '"no" is not a state. Choose from the list.'),
        ("size", "51", '"51" is not a number of rows per page. Choose from the list.'),
        ("after", "x", '"x" is not a page of this list. Go to the first page.'),
        ("after", "20.1", '"20.1" is not a page of this list. Go to the first page.'),
        ("after", f"20.1.{MAX_ID + 1}", f'"20.1.{MAX_ID + 1}" is not a page of this list. Go to the first page.'),
        (
            "after",
            "20.999999999999999999.1",
            '"20.999999999999999999.1" is not a page of this list. Go to the first page.',
        ),
        ("after", "٢٠.1.1", '"٢٠.1.1" is not a page of this list. Go to the first page.'),
        ("after", "1" * 201, "This is 201 characters long. Enter at most 200."),
    ],
)
def test_an_invalid_filter_is_reported_at_its_field(name: str, value: str, message: str) -> None:
    assert find_errors(queue_form((name, value))) == {name: [message]}


TIMES = st.datetimes(timezones=st.just(UTC))
FILTERS = st.builds(
    QueueFilters,
    reasons=st.lists(st.sampled_from([*REASONS]), unique=True).map(tuple),
    organization=st.sampled_from([None, *ORGANIZATIONS]),
    providers=st.lists(st.sampled_from(["elevenlabs", "playht"]), unique=True).map(tuple),
    assignee=st.sampled_from(["", "none", "7", "8"]),
    muted=st.booleans(),
    after=st.none() | st.builds(QueueCursor, st.integers(0, 999_999), st.none() | TIMES, st.integers(0, MAX_ID)),
    size=st.sampled_from(PAGE_SIZES),
)


@given(FILTERS)
def test_filters_round_trip_through_a_url(filters: QueueFilters) -> None:
    address = urlencode(queue_arguments(filters), doseq=True)

    form = queue_form(*parse_qsl(address))

    assert form.validate(), form.errors
    assert form.filters() == filters


@given(FILTERS)
def test_changed_filters_start_at_the_first_page(filters: QueueFilters) -> None:
    assert filters.with_changes(muted=True).after is None
    assert filters.with_changes(after=filters.after) == filters


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12) | st.sampled_from(["0", "-1", "7", "0.0.0"])))
def test_no_query_argument_breaks_the_filters(arguments: dict[str, str]) -> None:
    form = queue_form(*arguments.items())

    if form.validate():
        form.filters()
    else:
        assert all(len(messages) == 1 for messages in form.errors.values()), form.errors
