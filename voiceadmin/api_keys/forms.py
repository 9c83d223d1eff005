"""The form of API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wtforms import Form, ValidationError

from voiceadmin.accounts.forms import ALL_ORGANIZATIONS, FormData
from voiceadmin.web.fields import SelectMultipleField, choice_field, multiple_choice_field, name_field

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "never": "Never"}  # by days


class ApiKeyForm(Form):
    """A new API key."""

    name = name_field("Name", max_length=100)
    organizations = multiple_choice_field("Organizations", {}, noun="one of your organizations")
    expires = choice_field("Expires after", LIFETIMES, noun="a lifetime", default="365")

    def __init__(self, data: FormData | None, organizations: Mapping[int, str], *, offer_all: bool) -> None:
        """Create the form.

        Args:
            data: what the browser sent, None for an empty form.
            organizations: names of the organizations to choose from, by id.
            offer_all: whether all organizations, present and future, are a choice.
        """
        super().__init__(data)
        self.organizations.choices = {str(id): name for id, name in organizations.items()}
        if offer_all:
            everything = {ALL_ORGANIZATIONS: "All organizations, including future ones"}
            self.organizations.choices = everything | self.organizations.choices

    def validate_organizations(self, field: SelectMultipleField) -> None:
        """Refuse a key without organizations."""
        if not field.data:
            raise ValidationError("No organization is selected. Select at least one.")

    def organization_ids(self) -> frozenset[int] | None:
        """Return the ids of the selected organizations, None for all. Call after validate()."""
        values = self.organizations.data
        return None if ALL_ORGANIZATIONS in values else frozenset(map(int, values))

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the key expires, None for never. Call after validate()."""
        days: Any = self.expires.data
        return None if days == "never" else now + timedelta(days=int(days))
