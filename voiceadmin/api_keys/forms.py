"""The form of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from wtforms import Form, ValidationError

from voiceadmin.accounts.forms import FormData
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.web.fields import choice_field, name_field
from voiceadmin.web.organization_field import NO_ORGANIZATION, OrganizationListField, organization_list_field

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "never": "Never"}  # by days


class ApiKeyForm(Form):
    """A new API key."""

    name = name_field("Name", max_length=100)
    organizations = organization_list_field()
    expires = choice_field("Expires after", LIFETIMES, noun="a lifetime", default="365")

    def __init__(self, data: FormData | None, organizations: OrganizationChoices, *, offer_all: bool) -> None:
        """Create the form.

        Args:
            data: what the browser sent, None for an empty form.
            organizations: those to choose from.
            offer_all: whether all organizations, present and future, are a choice.
        """
        super().__init__(data)
        self.organizations.offer(organizations, offer_all=offer_all)

    def validate_organizations(self, field: OrganizationListField) -> None:
        """Refuse a key without organizations."""
        if not (field.errors or field.selects_all or field.organization_ids):
            raise ValidationError(NO_ORGANIZATION[field.is_text])

    def organization_ids(self) -> frozenset[int] | None:
        """Return the ids of the selected organizations, None for all. Call after validate()."""
        field: OrganizationListField = self.organizations
        return None if field.selects_all else field.organization_ids

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the key expires, None for never. Call after validate()."""
        days: Any = self.expires.data
        return None if days == "never" else now + timedelta(days=int(days))
