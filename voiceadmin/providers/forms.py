"""The filter of the provider page."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.web.fields import choice_field


class ProviderFilterForm(Form):
    """The organization whose voices are counted. organizations: names of the allowed ones, by id."""

    organization = choice_field("Organization", {}, noun="one of your organizations", default="")

    def __init__(self, arguments: MultiDict[str, str], organizations: Mapping[int, str]) -> None:
        super().__init__(arguments)
        self.organization.choices = {"": "All"} | {str(id): name for id, name in organizations.items()}

    def organization_id(self) -> int | None:
        """Return the id of the organization, or None for all. Call after validate()."""
        return int(self.organization.data) if self.organization.data else None
