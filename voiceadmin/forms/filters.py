"""The filter forms over lists, and the way back: the arguments that a form reads given filters from."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.forms.fields import NumberField, TextField, WordField, WordsField
from voiceadmin.shapes import AssistantFilters, VoiceChoices, VoiceFilters
from voiceadmin.vocabulary import (
    DEFAULT_ORDER,
    DEFAULT_PAGE_SIZE,
    MAX_ID,
    MAX_PAGE,
    NOT_SCORED,
    NOT_SCORED_LABEL,
    PAGE_SIZES,
    PROVIDER_LABELS,
    QualityTier,
    VoiceOrder,
    VoiceStatus,
    VoiceUse,
    provider_label,
)


def _labels(words: Any) -> dict[str, str]:
    return {word.value: word.label for word in words}


def _size_field() -> WordField:
    sizes = {str(size): str(size) for size in PAGE_SIZES}
    return WordField("Rows a page", sizes, thing="a number of rows a page", fallback=str(DEFAULT_PAGE_SIZE))


class VoiceFilterForm(Form):
    """The filter bar over a list of voices, its order and its page."""

    q = TextField("Name or provider id")
    status = WordsField("Status", _labels(VoiceStatus), thing="a status")
    provider = WordsField("Provider", {}, thing="a provider of these voices")
    quality = WordsField("Quality", _labels(QualityTier) | {NOT_SCORED: NOT_SCORED_LABEL}, thing="a quality tier")
    use = WordsField("Use", _labels(VoiceUse), thing="a kind of use")
    language = WordsField("Language", {}, thing="a language of these voices")
    sort = WordField("Order", _labels(VoiceOrder), thing="an order", fallback=DEFAULT_ORDER.value)
    size = _size_field()
    page = NumberField("Page", least=1, most=MAX_PAGE)

    def __init__(self, arguments: MultiDict[str, str], choices: VoiceChoices) -> None:
        """choices: what the organization's voices have; the providers with a name here can always be chosen."""
        super().__init__(arguments)
        self.provider.words = PROVIDER_LABELS | {word: provider_label(word) for word in choices.providers}
        self.language.words = {language: language for language in choices.languages}

    def filters(self) -> VoiceFilters:
        """The answers as domain values. Call only after validate()."""
        return VoiceFilters(
            text=self.q.data,
            statuses=tuple(VoiceStatus(word) for word in self.status.data),
            providers=tuple(self.provider.data),
            tiers=tuple(None if word == NOT_SCORED else QualityTier(word) for word in self.quality.data),
            uses=tuple(VoiceUse(word) for word in self.use.data),
            languages=tuple(self.language.data),
            order=VoiceOrder(self.sort.data),
            size=int(self.size.data),
            page=self.page.data or 1,
        )


def voice_arguments(filters: VoiceFilters) -> dict[str, Any]:
    """The query arguments that VoiceFilterForm reads these filters from; defaults are left out."""
    return _given(
        q=filters.text,
        status=[status.value for status in filters.statuses],
        provider=list(filters.providers),
        quality=[NOT_SCORED if tier is None else tier.value for tier in filters.tiers],
        use=[use.value for use in filters.uses],
        language=list(filters.languages),
        sort=None if filters.order is DEFAULT_ORDER else filters.order.value,
        size=None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        page=None if filters.page == 1 else filters.page,
    )


@lru_cache(maxsize=1000)
def voice_query(filters: VoiceFilters) -> str:
    """What follows the address of a list to show it by these filters: "" or "?status=ready&page=2"."""
    arguments = urlencode(voice_arguments(filters), doseq=True)
    return "?" + arguments if arguments else ""


class AssistantFilterForm(Form):
    """The search over the list of assistants, and its page."""

    q = TextField("Name or id")
    organization = NumberField("Organization", least=1, most=MAX_ID)
    size = _size_field()
    page = NumberField("Page", least=1, most=MAX_PAGE)

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        super().__init__(arguments)

    def filters(self) -> AssistantFilters:
        """The answers as domain values. Call only after validate()."""
        return AssistantFilters(
            text=self.q.data, organization=self.organization.data, size=int(self.size.data), page=self.page.data or 1
        )


def assistant_arguments(filters: AssistantFilters) -> dict[str, Any]:
    """The query arguments that AssistantFilterForm reads these filters from; defaults are left out."""
    return _given(
        q=filters.text,
        organization=filters.organization,
        size=None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        page=None if filters.page == 1 else filters.page,
    )


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value}
