"""The filters of the audit log and their query arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from voiceadmin.activity.forms import ActivityFilterForm, activity_arguments
from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.text import MAX_ID

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def form(*pairs: tuple[str, str]) -> ActivityFilterForm:
    return ActivityFilterForm(MultiDict(pairs))


def test_no_argument_means_all_events() -> None:
    for filled in (form(), form(*((name, "") for name in ("who", "kind", "voice", "since", "until", "older")))):
        assert filled.validate()
        assert filled.filters() == AuditFilters()
    assert activity_arguments(AuditFilters()) == {}


def test_all_arguments_are_read_together() -> None:
    filled = form(
        ("who", " Ada@example.com "),
        ("kind", "key-created"),
        ("kind", "signed-in"),
        ("kind", "key-created"),
        ("voice", "456"),
        ("since", "2026-11-20"),
        ("until", "2026-11-22"),
        ("older", "99"),
    )

    assert filled.validate()
    filters = AuditFilters(
        who="Ada@example.com",
        event_types=(AuditEventType.KEY_CREATED, AuditEventType.SIGNED_IN),
        voice=456,
        since=MIDNIGHT - 2 * DAY,
        until=MIDNIGHT + DAY,  # the last day is included
        older_than=99,
    )
    assert filled.filters() == filters
    assert activity_arguments(filters) == {
        "who": "Ada@example.com",
        "kind": ["key-created", "signed-in"],
        "voice": 456,
        "since": "2026-11-20",
        "until": "2026-11-22",
        "older": 99,
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("who", "x" * 255, "This is 255 characters long. Search for at most 254."),
        ("who", "a\nb", "This contains control characters. Remove them."),
        ("kind", "Signed in", '"Signed in" is not a kind of activity. Choose from the list.'),
        ("voice", "0", '"0" is not an ID. Enter a whole number, such as 456.'),
        ("voice", str(MAX_ID + 1), f'"{MAX_ID + 1}" is not an ID. Enter a whole number, such as 456.'),
        ("older", "0", '"0" is not an ID. Enter a whole number, such as 456.'),
        ("older", "x", '"x" is not an ID. Enter a whole number, such as 456.'),
        ("older", str(MAX_ID + 1), f'"{MAX_ID + 1}" is not an ID. Enter a whole number, such as 456.'),
        ("since", "2026-02-30", '"2026-02-30" is not a date. Write it as 2026-01-31.'),
        ("until", "9999-12-31", '"9999-12-31" is not a date. Write it as 2026-01-31.'),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(name: str, value: str, message: str) -> None:
    filled = form((name, value))

    assert not filled.validate()
    assert dict(filled.errors) == {name: [message]}


@pytest.mark.parametrize(("name", "value"), [("who", "x" * 254), ("voice", str(MAX_ID)), ("older", str(MAX_ID))])
def test_the_greatest_values_are_accepted(name: str, value: str) -> None:
    assert form((name, value)).validate()


def test_event_types_are_listed_with_labels() -> None:
    choices = form().kind.choices

    assert list(choices) == [event_type.value for event_type in AuditEventType]
    assert (choices["key-created"], choices["signed-in"]) == ("Created an API key", "Signed in")
    assert [form()[name].label.text for name in ("who", "kind", "voice", "since", "until", "older")] == [
        *("Who", "Action", "Voice ID", "From", "To", "Older than"),
    ]


DAYS = st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda time: time.replace(hour=0, minute=0, second=0, microsecond=0)
)


@given(
    st.builds(
        AuditFilters,
        who=st.sampled_from(["", "ada@example.com", "é%_&=+", "😀"]),
        event_types=st.lists(st.sampled_from(AuditEventType), unique=True).map(tuple),
        voice=st.sampled_from([None, 1, MAX_ID]),
        since=DAYS,
        until=DAYS,
        older_than=st.sampled_from([None, 1, MAX_ID]),
    )
)
def test_filters_round_trip_through_a_url(filters: AuditFilters) -> None:
    address = urlencode(activity_arguments(filters), doseq=True)

    filled = ActivityFilterForm(MultiDict(parse_qsl(address)))

    assert filled.validate(), filled.errors
    assert filled.filters() == filters


@given(st.dictionaries(st.sampled_from(["who", "kind", "voice", "since", "until", "older"]), st.text(max_size=12)))
def test_no_query_argument_breaks_the_form(arguments: dict[str, str]) -> None:
    filled = ActivityFilterForm(MultiDict(arguments))

    if filled.validate():
        filled.filters()
    else:
        assert all(len(messages) == 1 for messages in filled.errors.values())
