"""The filter over the providers."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.web.fields import WordField


class ProvidersForm(Form):
    """Whose voices to count. organizations: names of those to choose from, by id."""

    organization = WordField("Organization", {}, thing="an organization of yours", fallback="")

    def __init__(self, arguments: MultiDict[str, str], organizations: Mapping[int, str]) -> None:
        super().__init__(arguments)
        self.organization.words = {"": "All"} | {str(id): name for id, name in organizations.items()}

    def chosen(self) -> int | None:
        """The organization, or None for all. Call only after validate()."""
        return int(self.organization.data) if self.organization.data else None
