"""Single values are read in every form that upstreams use; a shape that is not documented is a fault."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.sources.clients.outcomes import FaultKind, UpstreamFailed
from voiceadmin.sources.clients.parsing import (
    join_words,
    read_id,
    read_number,
    read_text,
    read_time,
    require_list,
    require_object,
)

TIME = datetime(2026, 1, 10, 8, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TIMES = {
    "Z": "2026-01-10T08:00:00Z",
    "an offset": "2026-01-10T09:00:00+01:00",
    "no zone": "2026-01-10T08:00:00",
    "a blank": "2026-01-10 08:00:00",
    "a fraction": "2026-01-10T08:00:00.000000Z",
    "seconds": 1_768_032_000,
    "seconds as text": "1768032000",
    "seconds with a fraction": 1_768_032_000.0,
    "milliseconds": 1_768_032_000_000,
}
NO_TIMES = {
    "null": None,
    "nothing": "",
    "a word": "yesterday",
    "zero": 0,
    "the year 1": "0001-01-01T00:00:00+01:00",
    "the year 9999": "9999-12-31T23:59:59-01:00",
    "true": True,
    "a list": [1],
    "infinity": float("inf"),
    "not a number": float("nan"),
    "a huge number": 10**30,
    "many digits": "9" * 5000,
}


@pytest.mark.parametrize("value", TIMES.values(), ids=TIMES)
def test_a_time_is_read_in_every_form(value: Any) -> None:
    assert read_time(value) == TIME


@pytest.mark.parametrize("value", NO_TIMES.values(), ids=NO_TIMES)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert read_time(value) is None


@given(JSON)
def test_no_json_value_makes_a_reader_fail(value: Any) -> None:
    read_time(value)
    read_number(value)
    assert "\0" not in read_text(value) + read_id(value)
    (read_text(value) + read_id(value)).encode()


@pytest.mark.parametrize(
    ("value", "id"),
    [(801, "801"), ("801", "801"), ("Ab", "Ab"), (True, ""), (None, ""), (1.5, ""), ("a\0b", ""), ("x" * 300, "")],
    ids=repr,
)
def test_an_id_may_be_text_or_a_number(value: Any, id: str) -> None:
    assert read_id(value) == id


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), (3.0, 3), ("03", 3), (True, None), ("3.5", None), (3.5, None), ("9" * 5000, None), ("٣", None)],
    ids=lambda value: repr(value)[:20],
)
def test_a_number_may_be_text(value: Any, number: int | None) -> None:
    assert read_number(value) == number


def test_a_long_text_is_cut_and_what_a_database_cannot_store_is_replaced() -> None:
    assert read_text("a" * 5_000_000, 10) == "a" * 10
    assert read_text("a\0b\ud800c") == "ab?c"


@pytest.mark.parametrize("body", [None, [], "text", 3, {"success": False, "message": "No."}], ids=str)
def test_a_body_that_is_no_object_or_says_that_it_failed_is_a_fault(body: Any) -> None:
    with pytest.raises(UpstreamFailed) as raised:
        require_object(body, "example.com")

    assert raised.value.fault.kind is FaultKind.WRONG_SHAPE


@pytest.mark.parametrize("value", [None, {}, "text", 0, False], ids=str)
def test_a_listing_without_a_list_is_a_fault_and_an_empty_list_is_not(value: Any) -> None:
    with pytest.raises(UpstreamFailed, match="the list “voices” is missing"):
        require_list({"voices": value}, "voices", "example.com")

    assert require_list({"voices": []}, "voices", "example.com") == []


def test_raw_words_become_one_text_without_the_empty_ones() -> None:
    assert (
        join_words({"status": "ready", "voice_status": "failed", "other": None})
        == "status: ready, voice_status: failed"
    )
