"""The filters of the assistant list."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE
from voiceadmin.text import MAX_ID
from voiceadmin.voices.forms import build_size_field, omit_empty
from voiceadmin.web.fields import integer_field, search_field


class AssistantFilterForm(Form):
    """Search, organization and page of the assistant list."""

    q = search_field("Name or ID")
    organization = integer_field("Organization", minimum=1, maximum=MAX_ID)
    size = build_size_field()
    page = integer_field("Page", minimum=1, maximum=MAX_PAGE)

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        super().__init__(arguments)
        self.organization.flags.hidden = True  # links set it

    def filters(self) -> AssistantFilters:
        """Return the validated input as domain values. Call after validate()."""
        return AssistantFilters(
            text=self.q.data, organization=self.organization.data, size=int(self.size.data), page=self.page.data or 1
        )


def assistant_arguments(filters: AssistantFilters) -> dict[str, Any]:
    """Return the query parameters of filters. Default values are omitted."""
    return omit_empty(
        q=filters.text,
        organization=filters.organization,
        size=None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        page=None if filters.page == 1 else filters.page,
    )
