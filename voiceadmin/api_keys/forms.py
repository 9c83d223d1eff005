"""Forms of API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wtforms import Form, ValidationError

from voiceadmin.accounts.forms import EVERYWHERE, Sent
from voiceadmin.web.fields import SelectMultipleField, choice_field, multiple_choice_field, text_field

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "one year", "never": "never"}


class KeyForm(Form):
    """A new API key."""

    name = text_field("Name", max_length=100)
    organizations = multiple_choice_field("Organizations", {}, noun="an organization of yours")
    expires = choice_field("Expires after", LIFETIMES, noun="a lifetime", default="365")

    def __init__(self, sent: Sent | None, organizations: Mapping[int, str], *, everywhere: bool) -> None:
        super().__init__(sent)
        words = {str(id): name for id, name in organizations.items()}
        self.organizations.choices = ({EVERYWHERE: "All, those to come too"} if everywhere else {}) | words

    def validate_organizations(self, field: SelectMultipleField) -> None:
        """The key must read something."""
        if not field.data:
            raise ValidationError("None is chosen. Choose what the key may read.")

    def chosen(self) -> frozenset[int] | None:
        """The ids of the organizations, None for all. Call only after validate()."""
        words = self.organizations.data
        return None if EVERYWHERE in words else frozenset(map(int, words))

    def expires_at(self, now: datetime) -> datetime | None:
        """When it expires, None for never. Call only after validate()."""
        days: Any = self.expires.data
        return None if days == "never" else now + timedelta(days=int(days))
