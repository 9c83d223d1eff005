"""Filters of the assistant list."""

from __future__ import annotations

import pytest

from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.text import MAX_ID


@pytest.mark.parametrize(
    ("text", "number"),
    [("31", 31), ("031", 31), (str(MAX_ID), MAX_ID), ("0", None), (str(MAX_ID + 1), None), ("-3", None), ("a", None)],
)
def test_a_search_text_for_assistants_is_an_id_only_if_it_is_valid(text: str, number: int | None) -> None:
    assert AssistantFilters(text=text).id == number
