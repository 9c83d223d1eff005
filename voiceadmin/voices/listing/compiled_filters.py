"""The filters of a voice list as SQL conditions and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voiceadmin.text import fold_case
from voiceadmin.voices.listing.single_voices import SingleVoiceFilter
from voiceadmin.voices.listing.text_search import build_candidates_select, build_like_condition
from voiceadmin.voices.listing.trend_filter import build_trend_filter
from voiceadmin.voices.listing.verdict_filter import build_verdict_filter
from voiceadmin.voices.types.filters import VoiceFilters, VoiceUse


@dataclass(frozen=True)
class CompiledFilters:
    """Filters as SQL, except status and provider, which choose partitions.

    Attributes:
        condition: On columns that every index of an order and `voice_stats` contain; "" for none.
        depends_on_time: Whether the condition compares with the current time, so that `voice_stats` cannot count it.
        includes_never_used: Whether never used voices of any age match.
        text: The search text, fold_case; "" for none.
        stored: The filters of trends and verdicts, the one with fewer candidates first.
        is_combined: Whether several filters are set; status and provider together count as one.
        parameters: By name, with the organization's id.
    """

    condition: str
    depends_on_time: bool
    includes_never_used: bool
    text: str
    stored: Sequence[SingleVoiceFilter]
    is_combined: bool
    parameters: dict[str, Any]

    @classmethod
    def compile(cls, organization_id: int, filters: VoiceFilters, now: datetime) -> CompiledFilters:
        """Compile filters. User input becomes parameters; only integers of ours are written into the SQL.

        A filter of verdicts executes a statement.
        """
        parameters: dict[str, Any] = {"organization": organization_id}
        conditions = []
        if filters.tiers:
            levels = (0 if tier is None else tier.signal_level for tier in filters.tiers)
            conditions.append(f"tier IN ({', '.join(map(str, levels))})")
        if filters.languages:
            placeholders, languages = build_in_list("language", filters.languages)
            conditions.append(f"language IN ({placeholders})")
            parameters |= languages
        idle_periods = [use.idle_period for use in filters.uses if use.idle_period is not None]
        includes_never_used = VoiceUse.NEVER in filters.uses
        if idle_periods:
            parameters["idle_since"] = now - min(idle_periods)
            is_idle = "last_activity_at <= :idle_since"
            conditions.append(f"(is_never_used = 1 OR {is_idle})" if includes_never_used else is_idle)
        elif includes_never_used:
            conditions.append("is_never_used = 1")
        text = fold_case(filters.text)
        stored = _build_stored_filters(organization_id, filters, now)
        for stored_filter in stored:
            parameters |= stored_filter.parameters
        return cls(
            condition=" AND ".join(conditions),
            depends_on_time=bool(idle_periods),
            includes_never_used=includes_never_used,
            text=text,
            stored=stored,
            is_combined=_count_filters(filters, text) > 1,
            parameters=parameters,
        )

    @property
    def matches_single_voices(self) -> bool:
        """Whether a filter concerns single voices and not groups: a text, a trend or a verdict."""
        return bool(self.text or self.stored)

    def build_candidates(self) -> tuple[str, dict[str, Any]]:
        """Return SQL that selects the ids of all voices that can match such a filter, and its parameters."""
        if self.stored and not (self.text and self.stored[0].reads_all):
            return self.stored[0].candidates, {}
        return build_candidates_select(self.parameters["organization"], self.text)

    def build_conditions(self, id: str, search_key: str) -> tuple[list[str], dict[str, Any]]:
        """Return the conditions of such filters on a voice, and their parameters.

        Args:
            id: SQL of the id of the voice.
            search_key: SQL of its search key.
        """
        like_condition, parameters = build_like_condition(self.text) if self.text else ("", {})
        conditions = [like_condition.format(search_key), *(stored.condition.format(id) for stored in self.stored)]
        return [condition for condition in conditions if condition], parameters


def _build_stored_filters(organization_id: int, filters: VoiceFilters, now: datetime) -> list[SingleVoiceFilter]:
    trends = [build_trend_filter(organization_id, filters.trends, now)] if filters.trends else []
    return trends + ([build_verdict_filter(organization_id, filters.verdicts, now)] if filters.verdicts else [])


def _count_filters(filters: VoiceFilters, text: str) -> int:
    partitions, stored = filters.statuses or filters.providers, (filters.trends, filters.verdicts)
    return sum(map(bool, (partitions, filters.tiers, filters.uses, filters.languages, *stored, text)))


def build_in_list(name: str, values: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the placeholders of an IN list, such as ":name0, :name1", and their parameters."""
    parameters = {f"{name}{index}": str(value) for index, value in enumerate(values)}
    return ", ".join(f":{parameter}" for parameter in parameters), parameters
