"""What programs write into the addresses of the JSON routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from werkzeug.datastructures import MultiDict

from voiceadmin.text import MAX_ID
from voiceadmin.triage.forms import AttentionQueryForm
from voiceadmin.triage.types import QueueCursor, QueueFilters
from voiceadmin.voices.forms import VoiceQueryForm
from voiceadmin.voices.types.filters import VoiceQuery
from voiceadmin.voices.types.status import VoiceStatus

STATUSES = "Input should be 'processing', 'ready', 'failed' or 'archived'"
PROVIDERS = "Input should be 'elevenlabs', 'resemble', 'inworld', 'cartesia' or 'playht'"
NO_INTEGER = "Input should be a valid integer, unable to parse string as an integer"


def form(
    *pairs: tuple[str, str], own: Callable[[], Sequence[str]] | None = lambda: ["elevenlabs", "playht"]
) -> VoiceQueryForm:
    """The form over an address with these arguments, in this order."""
    return VoiceQueryForm(MultiDict(pairs), own)


def test_the_last_of_a_repeated_parameter_counts_and_an_empty_one_is_as_if_absent() -> None:
    filled = form(("status", "reddy"), ("status", "ready"), ("provider", "inworld"), ("provider", ""), ("skip", ""))

    assert filled.validate()
    assert filled.query() == VoiceQuery(status=VoiceStatus.READY)


def test_all_parameters_together() -> None:
    filled = form(("status", "failed"), ("provider", "playht"), ("skip", "+2"), ("limit", "007"), ("other", "x"))

    assert filled.validate()
    assert filled.query() == VoiceQuery(VoiceStatus.FAILED, "playht", 2, 7)


@pytest.mark.parametrize(
    ("name", "given", "fault", "message"),
    [
        ("status", "reddy", "enum", STATUSES),
        ("status", "Ready", "enum", STATUSES),
        ("provider", "lmnt", "enum", PROVIDERS),
        ("provider", "ElevenLabs", "enum", PROVIDERS),
        ("skip", "-1", "greater_than_equal", "Input should be greater than or equal to 0"),
        ("skip", "one", "int_parsing", NO_INTEGER),
        ("skip", "1.0", "int_parsing", NO_INTEGER),
        ("skip", str(MAX_ID + 1), "less_than_equal", f"Input should be less than or equal to {MAX_ID}"),
        ("limit", "0", "greater_than_equal", "Input should be greater than or equal to 1"),
        ("limit", "٣", "int_parsing", NO_INTEGER),
        ("limit", "1_0", "int_parsing", NO_INTEGER),
        ("limit", "9" * 5000, "less_than_equal", f"Input should be less than or equal to {MAX_ID}"),
    ],
)
def test_a_fault_has_the_shape_of_fastapi(name: str, given: str, fault: str, message: str) -> None:
    filled = form((name, given))

    assert not filled.validate()
    assert filled.error_details() == [{"type": fault, "loc": ["query", name], "msg": message, "input": given}]


def test_every_fault_is_listed() -> None:
    filled = form(("status", "x"), ("provider", "x"), ("skip", "x"), ("limit", "x"))
    filled.validate()

    assert [fault["loc"][1] for fault in filled.error_details()] == ["status", "provider", "skip", "limit"]


def test_the_organizations_providers_are_asked_for_only_when_the_word_has_no_name_here() -> None:
    def asked() -> Sequence[str]:
        raise AssertionError

    assert form(("provider", "cartesia"), own=asked).validate()
    assert form(own=asked).validate()


def test_without_an_organization_every_provider_will_do() -> None:
    assert form(("provider", "anything"), own=None).validate()


@pytest.mark.parametrize(
    ("name", "given", "query"),
    [
        ("skip", "0", VoiceQuery()),
        ("skip", str(MAX_ID), VoiceQuery(skip=MAX_ID)),
        ("limit", "1", VoiceQuery(limit=1)),
        ("limit", str(MAX_ID), VoiceQuery(limit=MAX_ID)),
    ],
)
def test_the_bounds_of_a_number_are_in(name: str, given: str, query: VoiceQuery) -> None:
    filled = form((name, given))

    assert filled.validate()
    assert filled.query() == query


def queue_form(
    *pairs: tuple[str, str], people: Callable[[], Mapping[int, str]] = lambda: {7: "Ada@acme.example"}
) -> AttentionQueryForm:
    """The form over an address that asks for the queue."""
    return AttentionQueryForm(
        MultiDict(pairs), reasons=("failed", "stuck"), own_providers=lambda: ["playht"], people=people
    )


def test_all_that_can_be_asked_of_the_queue_together() -> None:
    filled = queue_form(
        *(("reason", "stuck"), ("organization", "+3"), ("provider", "playht"), ("assignee", " ada@ACME.example")),
        *(("limit", "1000"), ("after", "30.1000000.5"), ("size", "x"), ("muted", "yes")),
    )

    assert filled.validate()
    assert filled.filters() == QueueFilters(
        ("stuck",), 3, ("playht",), "7", after=QueueCursor(30, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 5), size=1000
    )


def test_what_is_not_asked_of_the_queue_is_left_open() -> None:
    filled = queue_form(*((name, "") for name in ("reason", "organization", "provider", "assignee", "limit", "after")))

    assert filled.validate()
    assert filled.filters() == QueueFilters(size=100)


def test_who_may_own_something_is_asked_for_only_when_somebody_is_named() -> None:
    def asked() -> Mapping[int, str]:
        raise AssertionError

    for pairs in ((), (("assignee", ""),), (("assignee", "none"),)):
        filled = queue_form(*pairs, people=asked)
        assert filled.validate()
    assert filled.filters().assignee == "none"


@pytest.mark.parametrize("given", ["7", "NONE", "ada", "ada@acme.example.org", "\0", "none "])
def test_an_owner_that_nobody_is_is_refused(given: str) -> None:
    filled = queue_form(("assignee", given))

    assert not filled.validate()
    assert [(fault["type"], fault["input"]) for fault in filled.error_details()] == [("value_error", given)]
