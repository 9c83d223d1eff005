"""The filter of the provider page."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.web.organization_field import organization_filter_field


class ProviderFilterForm(Form):
    """The organization whose voices are counted."""

    organization = organization_filter_field()

    def __init__(self, arguments: MultiDict[str, str], organizations: OrganizationChoices) -> None:
        super().__init__(arguments)
        self.organization.offer(organizations)
