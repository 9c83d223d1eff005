"""Query parameters of the JSON routes."""

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
    """The form of the voice list for these query parameters, in this order."""
    return VoiceQueryForm(MultiDict(pairs), own)


def test_the_last_of_repeated_parameters_counts_and_empty_ones_are_ignored() -> None:
    filled = form(("status", "reddy"), ("status", "ready"), ("provider", "inworld"), ("provider", ""), ("skip", ""))

    assert filled.validate()
    assert filled.query() == VoiceQuery(status=VoiceStatus.READY)


def test_all_parameters_can_be_combined() -> None:
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
def test_an_error_has_the_format_of_fastapi(name: str, given: str, fault: str, message: str) -> None:
    filled = form((name, given))

    assert not filled.validate()
    assert filled.error_details() == [{"type": fault, "loc": ["query", name], "msg": message, "input": given}]


def test_every_error_is_listed() -> None:
    filled = form(("status", "x"), ("provider", "x"), ("skip", "x"), ("limit", "x"))
    filled.validate()

    assert [fault["loc"][1] for fault in filled.error_details()] == ["status", "provider", "skip", "limit"]


def test_providers_of_the_organization_are_read_only_for_an_unknown_provider() -> None:
    def fail() -> Sequence[str]:
        raise AssertionError

    assert form(("provider", "cartesia"), own=fail).validate()
    assert form(own=fail).validate()


def test_every_provider_is_accepted_without_an_organization() -> None:
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
def test_the_bounds_of_a_number_are_accepted(name: str, given: str, query: VoiceQuery) -> None:
    filled = form((name, given))

    assert filled.validate()
    assert filled.query() == query


def queue_form(
    *pairs: tuple[str, str], people: Callable[[], Mapping[int, str]] = lambda: {7: "Ada@acme.example"}
) -> AttentionQueryForm:
    """The form of the attention queue for these query parameters."""
    return AttentionQueryForm(
        MultiDict(pairs), reasons=("failed", "stuck"), own_providers=lambda: ["playht"], people=people
    )


def test_all_parameters_of_the_queue_can_be_combined() -> None:
    filled = queue_form(
        *(("reason", "stuck"), ("organization", "+3"), ("provider", "playht"), ("assignee", " ada@ACME.example")),
        *(("limit", "1000"), ("after", "30.1000000.5"), ("size", "x"), ("muted", "yes")),
    )

    assert filled.validate()
    assert filled.filters() == QueueFilters(
        ("stuck",), 3, ("playht",), "7", after=QueueCursor(30, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 5), size=1000
    )


def test_empty_parameters_of_the_queue_do_not_filter() -> None:
    filled = queue_form(*((name, "") for name in ("reason", "organization", "provider", "assignee", "limit", "after")))

    assert filled.validate()
    assert filled.filters() == QueueFilters(size=100)


def test_possible_assignees_are_read_only_for_a_named_assignee() -> None:
    def fail() -> Mapping[int, str]:
        raise AssertionError

    for pairs in ((), (("assignee", ""),), (("assignee", "none"),)):
        filled = queue_form(*pairs, people=fail)
        assert filled.validate()
    assert filled.filters().assignee == "none"


@pytest.mark.parametrize("given", ["7", "NONE", "ada", "ada@acme.example.org", "\0", "none "])
def test_an_unknown_assignee_is_refused(given: str) -> None:
    filled = queue_form(("assignee", given))

    assert not filled.validate()
    assert [(fault["type"], fault["input"]) for fault in filled.error_details()] == [("value_error", given)]
