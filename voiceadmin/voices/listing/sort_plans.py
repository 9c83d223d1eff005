"""How a voice list in each order is read: which index, by which column, and in which sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voiceadmin.voices.types.filters import VoiceColumn, VoiceFilters


@dataclass(frozen=True)
class SortPlan:
    """How a list in one order is read.

    Attributes:
        index: The key in `models.ORDER_INDEXES`.
        key: The column of that index by which the voices of a section are ordered.
        order: ORDER BY of the whole list, for voices that were looked up. {0} is the direction.
        section_field: The field of VoiceGroup that divides the list into sections, which follow each other; "" for
            one section. In the sections of a status or a provider, voices are ordered by name in both directions.
    """

    index: str
    key: str
    order: str
    section_field: str = ""

    @property
    def sorts_sections_by_name(self) -> bool:
        """Return whether the direction applies to the sections only, and not to the voices inside them."""
        return self.section_field in ("status", "provider")


SORT_PLANS = {
    VoiceColumn.NAME: SortPlan(
        index="name",
        key="name_key",
        order="name_key {0}, voice.id {0}",
    ),
    VoiceColumn.PROVIDER: SortPlan(
        index="name",
        key="name_key",
        order="provider {0}, name_key, voice.id",
        section_field="provider",
    ),
    VoiceColumn.STATUS: SortPlan(
        index="name",
        key="name_key",
        order="status {0}, name_key, voice.id",
        section_field="status",
    ),
    VoiceColumn.QUALITY: SortPlan(
        index="quality",
        key="quality_score",
        order="CASE WHEN quality_score IS NULL THEN 1 ELSE 0 END, quality_score {0}, voice.id {0}",
        section_field="is_scored",
    ),
    VoiceColumn.SYNTHESES: SortPlan(
        index="syntheses",
        key="synthesis_count",
        order="synthesis_count {0}, voice.id {0}",
    ),
    VoiceColumn.LAST_USED: SortPlan(
        index="last_used",
        key="last_activity_at",
        order="has_last_used_at DESC, last_activity_at {0}, voice.id {0}",
        section_field="has_last_used_at",
    ),
    VoiceColumn.CREATED: SortPlan(
        index="created",
        key="created_at",
        order="created_at {0}, voice.id {0}",
    ),
}


# The condition of a section, by its field and value; none is needed for a status or a provider, which are partitions.
SECTION_CONDITIONS: dict[tuple[str, Any], str] = {
    ("is_scored", 1): "quality_score IS NOT NULL",
    ("is_scored", 0): "quality_score IS NULL",
    ("has_last_used_at", 1): "has_last_used_at = 1",
    ("has_last_used_at", 0): "has_last_used_at = 0",
}


def format_direction(*, descending: bool) -> str:
    """Return the SQL keyword of a direction."""
    return "DESC" if descending else "ASC"


def build_order_by(filters: VoiceFilters) -> str:
    """Return the ORDER BY expressions of a whole list, for voices that were looked up."""
    direction = format_direction(descending=filters.order.descending)
    return SORT_PLANS[filters.order.column].order.format(direction)
