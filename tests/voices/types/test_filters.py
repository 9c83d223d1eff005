"""Voice filters, and the columns and orders of the voice list."""

from __future__ import annotations

import pytest

from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.voices.types.filters import DEFAULT_ORDER, VoiceColumn, VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.status import VoiceStatus


def test_changed_filters_start_at_the_first_page() -> None:
    filters = VoiceFilters(text="ada", page=3)

    assert filters.with_changes(statuses=(VoiceStatus.READY,)) == VoiceFilters(
        text="ada", statuses=(VoiceStatus.READY,)
    )
    assert filters.with_changes(page=4) == VoiceFilters(text="ada", page=4)
    assert AssistantFilters(text="desk", page=3).with_changes(text="") == AssistantFilters()


def test_filters_without_filters_keep_order_and_page_size() -> None:
    filters = VoiceFilters(text="ada", uses=(VoiceUse.NEVER,), order=VoiceOrder.NAME_ASCENDING, size=25, page=3)

    assert filters.without_filters == VoiceFilters(order=VoiceOrder.NAME_ASCENDING, size=25)


@pytest.mark.parametrize(
    "filters",
    [
        VoiceFilters(text="a"),
        VoiceFilters(statuses=(VoiceStatus.READY,)),
        VoiceFilters(providers=("elevenlabs",)),
        VoiceFilters(tiers=(None,)),
        VoiceFilters(uses=(VoiceUse.NEVER,)),
        VoiceFilters(languages=("en",)),
    ],
)
def test_each_filter_counts_as_a_filter(filters: VoiceFilters) -> None:
    assert filters.has_filters
    assert not filters.without_filters.has_filters


def test_order_size_and_page_are_not_filters() -> None:
    assert not VoiceFilters(order=VoiceOrder.OLDEST, size=25, page=9).has_filters


@pytest.mark.parametrize(("text", "expected"), [("", False), ("ab", True), ("é", True), ("abc", False), ("ﬃ", False)])
def test_a_short_text_matches_the_start_of_a_word(text: str, expected: bool) -> None:
    assert VoiceFilters(text=text).matches_word_start is expected


@pytest.mark.parametrize("column", list(VoiceColumn))
def test_every_column_has_two_orders(column: VoiceColumn) -> None:
    orders = [order for order in VoiceOrder if order.column is column]

    assert sorted(order.value for order in orders) == sorted([column.value, f"-{column.value}"])
    assert [order.descending for order in orders].count(True) == 1


@pytest.mark.parametrize("column", list(VoiceColumn))
def test_a_second_click_on_a_column_reverses_the_order(column: VoiceColumn) -> None:
    other = next(order for order in VoiceOrder if order.column is not column)

    first = VoiceOrder.after_click(column, other)
    second = VoiceOrder.after_click(column, first)

    assert {first, second} == {order for order in VoiceOrder if order.column is column}
    assert VoiceOrder.after_click(column, second) is first


@pytest.mark.parametrize(
    ("column", "first"),
    [
        (VoiceColumn.NAME, VoiceOrder.NAME_ASCENDING),
        (VoiceColumn.QUALITY, VoiceOrder.BEST),
        (VoiceColumn.SYNTHESES, VoiceOrder.MOST_USED),
        (VoiceColumn.CREATED, VoiceOrder.NEWEST),
    ],
)
def test_the_first_click_on_a_column_selects_its_first_order(column: VoiceColumn, first: VoiceOrder) -> None:
    assert VoiceOrder.after_click(column, VoiceOrder.PROVIDER_ASCENDING) is first


def test_the_default_order_is_most_used_first() -> None:
    assert DEFAULT_ORDER is VoiceOrder.MOST_USED
    assert DEFAULT_PAGE_SIZE in PAGE_SIZES


def test_only_never_used_has_no_idle_period() -> None:
    assert [use for use in VoiceUse if use.idle_period is None] == [VoiceUse.NEVER]
