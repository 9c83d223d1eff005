"""What people send from the desk, and the filters of the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.operations.forms import ActionForm, AllMatchingForm, SelectionForm, UndoForm
from voiceadmin.operations.types import MAX_NOTE_LENGTH, MAX_OBJECTS, ActionRequest
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.triage.forms import QueueForm, queue_arguments
from voiceadmin.triage.types import QueueCursor, QueueFilters, TriageAction

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PEOPLE = {7: "ada@example.com", 8: "bob@example.com"}
ME = 7
VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT
IT = ObjectRef(VOICE, 456)


def act_form(*pairs: tuple[str, str]) -> ActionForm:
    return ActionForm(MultiDict(pairs), PEOPLE, now=NOW)


def ticked(*pairs: tuple[str, str]) -> SelectionForm:
    return SelectionForm(MultiDict(pairs), PEOPLE, now=NOW)


def faults(form: Any) -> dict[str, list[str]]:
    """What a form finds wrong."""
    form.validate()
    return {name: list(errors) for name, errors in form.errors.items()}


# What to do


def test_all_that_can_be_said_of_a_deed() -> None:
    form = act_form(
        ("action", "snooze"),
        ("note", "  Holiday "),
        ("until", "2026-11-23"),
        ("key", "k"),
        ("last_seen_operation_id", "31"),
    )

    assert form.validate(), form.errors
    assert form.build_request([IT]) == ActionRequest(
        TriageAction.SNOOZE, (IT,), "k", 31, "Holiday", datetime(2026, 11, 23, tzinfo=UTC), assignee_id=None
    )


@pytest.mark.parametrize("action", TriageAction)
def test_only_a_snooze_ends_and_only_an_assignment_has_an_owner(action: TriageAction) -> None:
    form = act_form(("action", action.value), ("note", "x"), ("until", "2026-12-01"), ("assignee", "8"), ("key", "k"))

    assert form.validate(), form.errors
    order = form.build_request([IT])
    assert order.until == (datetime(2026, 12, 1, tzinfo=UTC) if action is TriageAction.SNOOZE else None)
    assert order.assignee_id == (8 if action is TriageAction.ASSIGN else None)


def test_a_form_without_a_key_gets_one_of_its_own_each_time() -> None:
    orders = []
    for _ in range(2):
        form = act_form(("action", "archive"))
        assert form.validate()
        orders.append(form.build_request([IT]))

    assert orders[0].key
    assert orders[0].key != orders[1].key
    assert (orders[0].last_seen_operation_id, orders[0].note, orders[0].until, orders[0].assignee_id) == (
        0,
        "",
        None,
        None,
    )


@pytest.mark.parametrize("assignee", ["", "none"])
def test_no_owner_is_nobody(assignee: str) -> None:
    form = act_form(("action", "assign"), ("assignee", assignee))

    assert form.validate()
    assert form.build_request([IT]).assignee_id is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, {"action": ['"" is not an action. Choose from the list.']}),
        ({"action": "Archive"}, {"action": ['"Archive" is not an action. Choose from the list.']}),
        ({"action": "delete"}, {"action": ['"delete" is not an action. Choose from the list.']}),
        ({"action": "note"}, {"action": ["The note is empty. Enter a note."]}),
        ({"action": "note", "note": "  \t"}, {"action": ["The note is empty. Enter a note."]}),
        (
            {"action": "note", "note": "x" * (MAX_NOTE_LENGTH + 1)},
            {"note": [f"This is {MAX_NOTE_LENGTH + 1:,} characters long. Enter at most {MAX_NOTE_LENGTH:,}."]},
        ),
        ({"action": "archive", "note": "a\x00b"}, {"note": ["This contains control characters. Remove them."]}),
        ({"action": "snooze", "until": "tomorrow"}, {"until": ['"tomorrow" is not a date. Write it as 2026-01-31.']}),
        (
            {"action": "snooze", "until": "9999-12-31"},
            {"until": ['"9999-12-31" is not a date. Write it as 2026-01-31.']},
        ),
        (
            {"action": "snooze", "until": "2026-11-22"},
            {"until": ["2026-11-22 is not in the future. Choose a day from tomorrow on."]},
        ),
        (
            {"action": "assign", "assignee": "9"},
            {"assignee": ['"9" is not a person you can assign to. Choose from the list.']},
        ),
        (
            {"action": "assign", "assignee": "7 "},
            {"assignee": ['"7 " is not a person you can assign to. Choose from the list.']},
        ),
        (
            {"action": "archive", "last_seen_operation_id": "-1"},
            {"last_seen_operation_id": [f'"-1" is not a number from 0 to {MAX_ID}.']},
        ),
        (
            {"action": "archive", "last_seen_operation_id": str(MAX_ID + 1)},
            {"last_seen_operation_id": [f'"{MAX_ID + 1}" is not a number from 0 to {MAX_ID}.']},
        ),
        ({"action": "archive", "key": "k" * 201}, {"key": ["This is 201 characters long. Enter at most 200."]}),
    ],
)
def test_a_wrong_value_is_named_at_its_field(sent: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert faults(act_form(*sent.items())) == expected


def test_only_a_snooze_minds_a_day_that_is_past() -> None:
    assert act_form(("action", "archive"), ("until", "2020-01-01")).validate()


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil", "x", "/a b", "/" + "x" * 4000])
def test_one_goes_on_to_this_site_alone(where: str) -> None:
    for form in (act_form(("action", "archive"), ("next", where)), UndoForm(MultiDict({"next": where}))):
        assert form.validate()
        assert form.next.data == ""


def test_one_goes_on_to_a_path_with_filters() -> None:
    form = UndoForm(MultiDict({"next": "/triage?assignee=me&after=20.0.1", "key": "k"}))

    assert form.validate()
    assert (form.next.data, form.key.data) == ("/triage?assignee=me&after=20.0.1", "k")


# To what


def test_what_is_ticked_is_taken_once_each_in_its_order() -> None:
    words = ("voice-456", "assistant-31", "457", "456", "voice-456", "assistant-456")
    form = ticked(("action", "archive"), *(("ref", word) for word in words))

    assert form.validate(), form.errors
    assert form.ref.data == [IT, ObjectRef(ASSISTANT, 31), ObjectRef(VOICE, 457), ObjectRef(ASSISTANT, 456)]


def test_something_must_be_ticked() -> None:
    assert faults(ticked(("action", "archive"))) == {"ref": ["Nothing is selected. Go back and select at least one."]}


HOSTILE = [
    *("", " ", "0", "-1", "+1", "0456", "voice-", "voice-0", "voice-0456", "voice--1", "Voice-456", "voices-456"),
    *("voice-456\n", " voice-456", "voice-4 56", "key-1", "٤٥٦", "voice-４５６", "1e3", "voice-456-7", "voice:456"),
    *(str(MAX_ID + 1), f"voice-{MAX_ID + 1}", "9" * 5000, "voice-" + "9" * 5000, "'; DROP TABLE quiet; --", "\x00"),
]


@pytest.mark.parametrize("word", HOSTILE)
def test_what_is_no_subject_is_refused_and_named(word: str) -> None:
    form = ticked(("action", "archive"), ("ref", "456"), ("ref", word))
    alone = ticked(("action", "archive"), ("ref", word))

    for found in (faults(form), faults(alone)):
        (message,) = found.pop("ref")
        assert found == {}
        assert message == f"{quote_value(word, 40)} is no voice and no assistant. Load the page again."
        assert len(message) < 100


def test_the_greatest_ids_are_subjects() -> None:
    form = ticked(("action", "archive"), ("ref", str(MAX_ID)), ("ref", f"assistant-{MAX_ID}"))

    assert form.validate()
    assert form.ref.data == [ObjectRef(VOICE, MAX_ID), ObjectRef(ASSISTANT, MAX_ID)]


def test_the_button_of_a_line_counts_and_what_is_ticked_does_not() -> None:
    form = ticked(("action", "snooze"), ("ref", "457"), ("ref", "rubbish"), ("row_action", "archive:voice-456"))

    assert form.validate(), form.errors
    assert form.ref.data == [IT]
    assert form.build_request(form.ref.data).action is TriageAction.ARCHIVE


def test_the_button_of_a_line_can_name_an_owner_and_what_is_chosen_below_does_not_count() -> None:
    for one, assignee in (("assign:voice-456:7", 7), ("assign:voice-456", None), ("assign:voice-456:none", None)):
        form = ticked(("action", "note"), ("assignee", "8"), ("row_action", one))
        assert form.validate(), form.errors
        assert form.build_request(form.ref.data).assignee_id == assignee


@pytest.mark.parametrize("one", ["", ":voice-457", "   "])
def test_a_button_without_an_act_is_none(one: str) -> None:
    form = ticked(("action", "archive"), ("ref", "456"), ("row_action", one))

    assert form.validate(), form.errors
    assert (form.ref.data, form.action.data) == ([IT], "archive")


@pytest.mark.parametrize(
    ("one", "field"),
    [
        ("archive", "ref"),
        ("archive:", "ref"),
        ("archive:voice-456 ; x", "ref"),
        ("archive:voice-0", "ref"),
        ("delete:voice-456", "action"),
        ("assign:voice-456:9", "assignee"),
        ("assign:voice-456:7:8", "assignee"),
        ("note:voice-456", "action"),
        ("x" * 201, "row_action"),
    ],
)
def test_a_hostile_button_does_nothing(one: str, field: str) -> None:
    assert field in faults(ticked(("action", "archive"), ("ref", "456"), ("row_action", one)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["action", "note", "until", "assignee", "key", "last_seen_operation_id", "next", "ref", "row_action"]
            ),
            st.text(max_size=12) | st.sampled_from([*TriageAction, "archive:voice-1", "7", "voice-456", *HOSTILE]),
        ),
        max_size=8,
    )
)
def test_nothing_that_is_sent_breaks_a_form(pairs: list[tuple[str, str]]) -> None:
    form = ticked(*pairs)

    if form.validate():
        order = form.build_request(form.ref.data)
        assert order.refs
        assert len(set(order.refs)) == len(order.refs)
        assert 0 <= order.last_seen_operation_id <= MAX_ID
    else:
        assert all(len(messages) == 1 for messages in form.errors.values()), form.errors


# To all that match


def test_a_deed_for_all_says_how_many_they_were_and_which() -> None:
    form = AllMatchingForm(MultiDict({"action": "archive", "count": "31", "selection_hash": "f00"}), PEOPLE, now=NOW)

    assert form.validate()
    assert (form.count.data, form.selection_hash.data) == (31, "f00")


@pytest.mark.parametrize("count", ["-1", "x", str(MAX_OBJECTS + 1), "9" * 5000, "１"])
def test_a_number_that_cannot_be_is_refused(count: str) -> None:
    form = AllMatchingForm(MultiDict({"action": "archive", "count": count, "selection_hash": "f00"}), PEOPLE, now=NOW)

    assert list(faults(form)) == ["count"]


# The queue

REASONS = {"failed": "Failed", "never-used": "Never used"}
ORGANIZATIONS = {1: "Acme", 2: "Other"}
NAMES = ("reason", "organization", "provider", "assignee", "muted", "size", "after")


def queue_form(*pairs: tuple[str, str], me: int | None = ME) -> QueueForm:
    return QueueForm(
        MultiDict(pairs),
        reasons=REASONS,
        organizations=ORGANIZATIONS,
        providers=["elevenlabs", "playht"],
        people=PEOPLE,
        me=me,
    )


def test_no_argument_is_the_whole_queue() -> None:
    for form in (queue_form(), queue_form(*((name, "") for name in NAMES))):
        assert form.validate()
        assert form.filters() == QueueFilters()
        assert not form.filters().has_filters
    assert queue_arguments(QueueFilters()) == {}
    assert QueueFilters().size == DEFAULT_PAGE_SIZE


def test_all_filters_together() -> None:
    place = QueueCursor(20, NOW, 456)
    form = queue_form(
        ("reason", "never-used"),
        ("reason", "failed"),
        ("reason", "failed"),
        ("organization", "2"),
        ("provider", "playht"),
        ("assignee", "none"),
        ("muted", "yes"),
        ("size", "25"),
        ("after", str(place)),
    )

    assert form.validate(), form.errors
    assert form.filters() == QueueFilters(
        ("never-used", "failed"), 2, ("playht",), "none", muted=True, after=place, size=25
    )
    assert form.filters().has_filters


def test_the_owners_are_me_nobody_and_the_others() -> None:
    assert queue_form().assignee.choices == {
        "": "Anyone",
        "me": "Me",
        "none": "Unassigned",
        "8": "bob@example.com",
    }
    assert list(queue_form(me=None).assignee.choices) == ["", "none", "7", "8"]


@pytest.mark.parametrize("word", ["me", "7"])
def test_what_is_mine_is_so_by_either_word(word: str) -> None:
    form = queue_form(("assignee", word))

    assert form.validate(), form.errors
    assert form.filters().assignee == "7"
    assert form.assignee.choices[form.assignee.data] == "Me"


def test_nobody_who_is_not_there_has_anything() -> None:
    assert list(faults(queue_form(("assignee", "me"), me=None))) == ["assignee"]
    assert list(faults(queue_form(("assignee", "None"), me=None))) == ["assignee"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reason", "Failed", '"Failed" is not a reason. Choose from the list.'),
        ("organization", "3", '"3" is not one of your organizations. Choose from the list.'),
        ("organization", "01", '"01" is not one of your organizations. Choose from the list.'),
        ("provider", "inworld", '"inworld" is not a provider of these voices. Choose from the list.'),
        ("assignee", "9", '"9" is not an assignee. Choose from the list.'),
        ("muted", "no", '"no" is not a state of findings. Choose from the list.'),
        ("size", "51", '"51" is not a number of rows per page. Choose from the list.'),
        ("after", "x", '"x" is not a cursor of this queue. Go to the first page.'),
        ("after", "20.1", '"20.1" is not a cursor of this queue. Go to the first page.'),
        ("after", f"20.1.{MAX_ID + 1}", f'"20.1.{MAX_ID + 1}" is not a cursor of this queue. Go to the first page.'),
        (
            "after",
            "20.999999999999999999.1",
            '"20.999999999999999999.1" is not a cursor of this queue. Go to the first page.',
        ),
        ("after", "٢٠.1.1", '"٢٠.1.1" is not a cursor of this queue. Go to the first page.'),
        ("after", "1" * 201, "This is 201 characters long. Enter at most 200."),
    ],
)
def test_a_wrong_filter_is_named_at_its_field(name: str, value: str, message: str) -> None:
    assert faults(queue_form((name, value))) == {name: [message]}


TIMES = st.datetimes(timezones=st.just(UTC))
FILTERS = st.builds(
    QueueFilters,
    reasons=st.lists(st.sampled_from([*REASONS]), unique=True).map(tuple),
    organization=st.sampled_from([None, *ORGANIZATIONS]),
    providers=st.lists(st.sampled_from(["elevenlabs", "playht"]), unique=True).map(tuple),
    assignee=st.sampled_from(["", "none", "7", "8"]),
    muted=st.booleans(),
    after=st.none() | st.builds(QueueCursor, st.integers(0, 999_999), TIMES, st.integers(0, MAX_ID)),
    size=st.sampled_from(PAGE_SIZES),
)


@given(FILTERS)
def test_filters_survive_the_way_through_an_address(filters: QueueFilters) -> None:
    address = urlencode(queue_arguments(filters), doseq=True)

    form = queue_form(*parse_qsl(address))

    assert form.validate(), form.errors
    assert form.filters() == filters


@given(FILTERS)
def test_other_filters_begin_with_the_first_page(filters: QueueFilters) -> None:
    assert filters.with_changes(muted=True).after is None
    assert filters.with_changes(after=filters.after) == filters


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=12) | st.sampled_from(["0", "-1", "7", "0.0.0"])))
def test_no_argument_breaks_the_filters(arguments: dict[str, str]) -> None:
    form = queue_form(*arguments.items())

    if form.validate():
        form.filters()
    else:
        assert all(len(messages) == 1 for messages in form.errors.values()), form.errors


def test_a_snooze_may_end_from_tomorrow_on() -> None:
    assert act_form(("action", "snooze"), ("until", (NOW + timedelta(days=1)).date().isoformat())).validate()
