"""Forms of the voice list and of the JSON route."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.history.types import STORED_TRENDS, Trend
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE, PAGE_SIZES
from voiceadmin.voices.types.filters import DEFAULT_ORDER, VoiceChoices, VoiceFilters, VoiceOrder, VoiceQuery, VoiceUse
from voiceadmin.voices.types.provider import PROVIDER_LABELS, provider_label
from voiceadmin.voices.types.quality import NOT_SCORED, NOT_SCORED_LABEL, QualityTier
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import NO_VERDICT, NO_VERDICT_LABEL, Verdict
from voiceadmin.web.fields import SelectField, choice_field, integer_field, multiple_choice_field, search_field
from voiceadmin.web.query_fields import QueryChoice, QueryForm, QueryInteger, provider_values


def _labels(vocabulary: Any) -> dict[str, str]:
    return {member.value: member.label for member in vocabulary}


def build_size_field() -> SelectField:
    """Return the field for the page size of a list."""
    sizes = {str(size): str(size) for size in PAGE_SIZES}
    return choice_field("Rows per page", sizes, noun="a number of rows per page", default=str(DEFAULT_PAGE_SIZE))


# An orphan is no voice of the platform.
VERDICT_LABELS = {value: label for value, label in _labels(Verdict).items() if value != Verdict.ORPHAN}
VERDICT_LABELS |= {NO_VERDICT: NO_VERDICT_LABEL}

TREND_LABELS = {trend.value: trend.label for trend in STORED_TRENDS}

USE_COLUMN = "use"  # the value of the parameter that shows the column


class VoiceFilterForm(Form):
    """The filter bar of a voice list, with its order and page."""

    q = search_field("Name or provider ID")
    status = multiple_choice_field("Status", _labels(VoiceStatus), noun="a status")
    provider = multiple_choice_field("Provider", {}, noun="a provider of these voices")
    quality = multiple_choice_field(
        "Quality", _labels(QualityTier) | {NOT_SCORED: NOT_SCORED_LABEL}, noun="a quality tier"
    )
    use = multiple_choice_field("Usage", _labels(VoiceUse), noun="a usage filter")
    language = multiple_choice_field("Language", {}, noun="a language of these voices")
    verdict = multiple_choice_field("At provider", VERDICT_LABELS, noun="a verdict")
    trend = multiple_choice_field("Trend", TREND_LABELS, noun="a trend")
    column = multiple_choice_field("More columns", {USE_COLUMN: "Use, 30 days"}, noun="an optional column")
    sort = choice_field("Sort order", _labels(VoiceOrder), noun="a sort order", default=DEFAULT_ORDER.value)
    size = build_size_field()
    page = integer_field("Page", minimum=1, maximum=MAX_PAGE)

    def __init__(self, arguments: MultiDict[str, str], choices: VoiceChoices) -> None:
        """Create the form.

        Args:
            arguments: The query parameters.
            choices: The providers and languages of the organization's voices. Providers with a label are
                always offered.
        """
        super().__init__(arguments)
        self.provider.choices = PROVIDER_LABELS | {value: provider_label(value) for value in choices.providers}
        self.language.choices = {language: language for language in choices.languages}
        self.offers_trends = choices.has_trends or bool(self.trend.data)
        self.offers_verdicts = choices.has_verdicts or bool(self.verdict.data)

    def filters(self) -> VoiceFilters:
        """Return the input as filters. Call only after validate()."""
        return VoiceFilters(
            text=self.q.data,
            statuses=tuple(VoiceStatus(value) for value in self.status.data),
            providers=tuple(self.provider.data),
            tiers=tuple(None if value == NOT_SCORED else QualityTier(value) for value in self.quality.data),
            uses=tuple(VoiceUse(value) for value in self.use.data),
            languages=tuple(self.language.data),
            verdicts=tuple(None if value == NO_VERDICT else Verdict(value) for value in self.verdict.data),
            trends=tuple(Trend(value) for value in self.trend.data),
            shows_use=USE_COLUMN in self.column.data,
            order=VoiceOrder(self.sort.data),
            size=int(self.size.data),
            page=self.page.data or 1,
        )


@lru_cache(maxsize=200)
def validate_voice_filters(arguments: tuple[tuple[str, str], ...], choices: VoiceChoices) -> VoiceFilterForm:
    """Return a validated form, which must not be changed. The same lists are opened often, and a form takes long.

    Args:
        arguments: The query parameters as pairs of name and value.
        choices: See VoiceFilterForm.
    """
    form = VoiceFilterForm(MultiDict(arguments), choices)
    form.validate()
    return form


def voice_arguments(filters: VoiceFilters) -> dict[str, Any]:
    """Return the query parameters from which VoiceFilterForm reads these filters, without defaults."""
    return omit_empty(
        q=filters.text,
        status=[status.value for status in filters.statuses],
        provider=list(filters.providers),
        quality=[NOT_SCORED if tier is None else tier.value for tier in filters.tiers],
        use=[use.value for use in filters.uses],
        language=list(filters.languages),
        verdict=[NO_VERDICT if verdict is None else verdict.value for verdict in filters.verdicts],
        trend=[trend.value for trend in filters.trends],
        column=USE_COLUMN if filters.shows_use else None,
        sort=None if filters.order is DEFAULT_ORDER else filters.order.value,
        size=None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        page=None if filters.page == 1 else filters.page,
    )


@lru_cache(maxsize=1000)
def voice_query(filters: VoiceFilters) -> str:
    """Return the query string of a list with these filters, "" or such as "?status=ready&page=2"."""
    arguments = urlencode(voice_arguments(filters), doseq=True)
    return "?" + arguments if arguments else ""


def omit_empty(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that have a value."""
    return {name: value for name, value in arguments.items() if value}


class VoiceQueryForm(QueryForm):
    """The query parameters of the JSON route."""

    status = QueryChoice(description="Only voices with this status.")
    provider = QueryChoice(description="Only voices of this provider.")
    skip = QueryInteger(0, description="Number of voices to skip.")
    limit = QueryInteger(1, description="Maximum number of voices; all by default.")

    def __init__(self, arguments: MultiDict[str, str], own_providers: Callable[[], Sequence[str]] | None) -> None:
        """Create the form.

        Args:
            arguments: The query parameters.
            own_providers: Returns the providers of the organization's voices; called only for a provider that has no
                label. None if there is no organization: every provider is valid then, and the response is a 404.
        """
        super().__init__(arguments)
        self.status.choices = [status.value for status in VoiceStatus]
        if own_providers is not None and self.provider.data not in {None, *PROVIDER_LABELS}:
            self.provider.choices = provider_values(own_providers)

    def query(self) -> VoiceQuery:
        """Return the parameters as a query. Call only after validate()."""
        status = self.status.data
        return VoiceQuery(
            status=None if status is None else VoiceStatus(status),
            provider=self.provider.data,
            skip=self.skip.data or 0,
            limit=self.limit.data,
        )
