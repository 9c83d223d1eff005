"""Forms of organizations and assistants."""

from __future__ import annotations

from collections.abc import Collection

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.web.fields import name_field
from voiceadmin.web.organization_field import organization_choice_field


class NameForm(Form):
    """A new name."""

    name = name_field("Name")


class OrganizationChoiceForm(Form):
    """One organization of those that the requester may select."""

    organization = organization_choice_field()

    def __init__(
        self, data: MultiDict[str, str] | None, organizations: OrganizationChoices, *, without: Collection[int] = ()
    ) -> None:
        """Create the form. without: ids of organizations that it does not list."""
        super().__init__(data)
        self.organization.offer(organizations, without=without)
