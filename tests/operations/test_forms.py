"""Forms of actions and selections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.operations.forms import ActionForm, AllMatchingForm, SelectionForm, UndoForm
from voiceadmin.operations.types import MAX_NOTE_LENGTH, MAX_OBJECTS, ActionRequest
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.triage.types import TriageAction

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)

PEOPLE = {7: "ada@example.com", 8: "bob@example.com"}

VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT

VOICE_REF = ObjectRef(VOICE, 456)


def action_form(*pairs: tuple[str, str]) -> ActionForm:
    return ActionForm(MultiDict(pairs), PEOPLE, now=NOW)


def selection_form(*pairs: tuple[str, str]) -> SelectionForm:
    return SelectionForm(MultiDict(pairs), PEOPLE, now=NOW)


def find_errors(form: Any) -> dict[str, list[str]]:
    """Return the error messages of a form by field."""
    form.validate()
    return {name: list(errors) for name, errors in form.errors.items()}


# Actions


def test_all_fields_of_an_action_are_read() -> None:
    form = action_form(
        ("action", "snooze"),
        ("note", "  Holiday "),
        ("until", "2026-11-23"),
        ("key", "k"),
        ("last_seen_operation_id", "31"),
    )

    assert form.validate(), form.errors
    assert form.build_request([VOICE_REF]) == ActionRequest(
        TriageAction.SNOOZE, (VOICE_REF,), "k", 31, "Holiday", datetime(2026, 11, 23, tzinfo=UTC), assignee_id=None
    )


@pytest.mark.parametrize("action", TriageAction)
def test_only_a_snooze_has_an_end_and_only_an_assignment_has_an_assignee(action: TriageAction) -> None:
    form = action_form(
        ("action", action.value), ("note", "x"), ("until", "2026-12-01"), ("assignee", "8"), ("key", "k")
    )

    assert form.validate(), form.errors
    request = form.build_request([VOICE_REF])
    assert request.until == (datetime(2026, 12, 1, tzinfo=UTC) if action is TriageAction.SNOOZE else None)
    assert request.assignee_id == (8 if action is TriageAction.ASSIGN else None)


def test_a_form_without_a_key_gets_a_new_key_each_time() -> None:
    requests = []
    for _ in range(2):
        form = action_form(("action", "archive"))
        assert form.validate()
        requests.append(form.build_request([VOICE_REF]))

    assert requests[0].key
    assert requests[0].key != requests[1].key
    assert (requests[0].last_seen_operation_id, requests[0].note, requests[0].until, requests[0].assignee_id) == (
        0,
        "",
        None,
        None,
    )


@pytest.mark.parametrize("assignee", ["", "none"])
def test_an_empty_assignee_means_unassigned(assignee: str) -> None:
    form = action_form(("action", "assign"), ("assignee", assignee))

    assert form.validate()
    assert form.build_request([VOICE_REF]).assignee_id is None


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
            {"last_seen_operation_id": ['"-1" is not an ID. Enter a whole number, such as 456.']},
        ),
        (
            {"action": "archive", "last_seen_operation_id": str(MAX_ID + 1)},
            {"last_seen_operation_id": [f'"{MAX_ID + 1}" is not an ID. Enter a whole number, such as 456.']},
        ),
        ({"action": "archive", "key": "k" * 201}, {"key": ["This is 201 characters long. Enter at most 200."]}),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(sent: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert find_errors(action_form(*sent.items())) == expected


def test_only_a_snooze_rejects_a_past_day() -> None:
    assert action_form(("action", "archive"), ("until", "2020-01-01")).validate()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", "x", "/a b", "/" + "x" * 4000])
def test_a_redirect_to_another_site_is_ignored(target: str) -> None:
    for form in (action_form(("action", "archive"), ("next", target)), UndoForm(MultiDict({"next": target}))):
        assert form.validate()
        assert form.next.data == ""


def test_a_redirect_to_a_path_with_filters_is_kept() -> None:
    form = UndoForm(MultiDict({"next": "/triage?assignee=me&after=20.0.1", "key": "k"}))

    assert form.validate()
    assert (form.next.data, form.key.data) == ("/triage?assignee=me&after=20.0.1", "k")


# Selected objects


def test_selected_objects_are_read_once_each_in_the_order_sent() -> None:
    words = ("voice-456", "assistant-31", "457", "456", "voice-456", "assistant-456")
    form = selection_form(("action", "archive"), *(("ref", word) for word in words))

    assert form.validate(), form.errors
    assert form.ref.data == [VOICE_REF, ObjectRef(ASSISTANT, 31), ObjectRef(VOICE, 457), ObjectRef(ASSISTANT, 456)]


def test_an_empty_selection_is_an_error() -> None:
    assert find_errors(selection_form(("action", "archive"))) == {
        "ref": ["Nothing is selected. Go back and select at least one."]
    }


HOSTILE = [
    *("", " ", "0", "-1", "+1", "0456", "voice-", "voice-0", "voice-0456", "voice--1", "Voice-456", "voices-456"),
    *("voice-456\n", " voice-456", "voice-4 56", "key-1", "٤٥٦", "voice-４５６", "1e3", "voice-456-7", "voice:456"),
    *(str(MAX_ID + 1), f"voice-{MAX_ID + 1}", "9" * 5000, "voice-" + "9" * 5000, "'; DROP TABLE quiet; --", "\x00"),
]


@pytest.mark.parametrize("word", HOSTILE)
def test_an_invalid_object_reference_is_refused_and_named(word: str) -> None:
    form = selection_form(("action", "archive"), ("ref", "456"), ("ref", word))
    single = selection_form(("action", "archive"), ("ref", word))

    for found in (find_errors(form), find_errors(single)):
        (message,) = found.pop("ref")
        assert found == {}
        assert message == f"{quote_value(word, 40)} is no voice, assistant or source. Load the page again."
        assert len(message) < 100


def test_the_greatest_ids_are_valid_references() -> None:
    form = selection_form(("action", "archive"), ("ref", str(MAX_ID)), ("ref", f"assistant-{MAX_ID}"))

    assert form.validate()
    assert form.ref.data == [ObjectRef(VOICE, MAX_ID), ObjectRef(ASSISTANT, MAX_ID)]


def test_a_row_button_overrides_the_selection() -> None:
    form = selection_form(("action", "snooze"), ("ref", "457"), ("ref", "rubbish"), ("row_action", "archive:voice-456"))

    assert form.validate(), form.errors
    assert form.ref.data == [VOICE_REF]
    assert form.build_request(form.ref.data).action is TriageAction.ARCHIVE


def test_a_row_button_with_an_assignee_overrides_the_assignee_field() -> None:
    for button, assignee in (("assign:voice-456:7", 7), ("assign:voice-456", None), ("assign:voice-456:none", None)):
        form = selection_form(("action", "note"), ("assignee", "8"), ("row_action", button))
        assert form.validate(), form.errors
        assert form.build_request(form.ref.data).assignee_id == assignee


@pytest.mark.parametrize("button", ["", ":voice-457", "   "])
def test_a_row_button_without_an_action_is_ignored(button: str) -> None:
    form = selection_form(("action", "archive"), ("ref", "456"), ("row_action", button))

    assert form.validate(), form.errors
    assert (form.ref.data, form.action.data) == ([VOICE_REF], "archive")


@pytest.mark.parametrize(
    ("button", "field"),
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
def test_an_invalid_row_button_is_refused(button: str, field: str) -> None:
    assert field in find_errors(selection_form(("action", "archive"), ("ref", "456"), ("row_action", button)))


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
def test_no_input_breaks_the_form(pairs: list[tuple[str, str]]) -> None:
    form = selection_form(*pairs)

    if form.validate():
        request = form.build_request(form.ref.data)
        assert request.refs
        assert len(set(request.refs)) == len(request.refs)
        assert 0 <= request.last_seen_operation_id <= MAX_ID
    else:
        assert all(len(messages) == 1 for messages in form.errors.values()), form.errors


# All matching objects


def test_a_form_for_all_matching_objects_has_their_count_and_selection_hash() -> None:
    form = AllMatchingForm(MultiDict({"action": "archive", "count": "31", "selection_hash": "f00"}), PEOPLE, now=NOW)

    assert form.validate()
    assert (form.count.data, form.selection_hash.data) == (31, "f00")


@pytest.mark.parametrize("count", ["-1", "x", str(MAX_OBJECTS + 1), "9" * 5000, "１"])
def test_an_invalid_count_is_refused(count: str) -> None:
    form = AllMatchingForm(MultiDict({"action": "archive", "count": count, "selection_hash": "f00"}), PEOPLE, now=NOW)

    assert list(find_errors(form)) == ["count"]


def test_a_snooze_can_end_tomorrow() -> None:
    assert action_form(("action", "snooze"), ("until", (NOW + timedelta(days=1)).date().isoformat())).validate()
