"""Forms of organizations and assistants."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.web.fields import choice_field, name_field


class NameForm(Form):
    """A new name."""

    name = name_field("Name")


class OrganizationChoiceForm(Form):
    """One organization of those that the requester may select."""

    organization = choice_field("Organization", {}, noun="one of your organizations", default="")

    def __init__(self, data: MultiDict[str, str] | None, organizations: Mapping[int, str]) -> None:
        super().__init__(data)
        self.organization.choices = {str(id): name for id, name in organizations.items()}
