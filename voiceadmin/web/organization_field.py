"""The filter by organization: a select box of a few, or a text field for the name or id of one of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from wtforms import Form, ValidationError

from voiceadmin.organizations.queries import format_organization
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.text import quote_value
from voiceadmin.web.fields import MAX_TEXT, QUOTED, KnownChoice, MaxLength, NoControlCharacters, normalize_text

MAX_MATCHES = 5  # organizations that an error message lists


class OrganizationField(wtforms.StringField):
    """An optional field for one organization of those that `offer` sets.

    Attributes:
        data: the text that was sent; after the validation of a text field, the organization with its id.
        choices: labels of the select box by value; empty for a text field.
        organization_id: of the selected organization, None for all. Set by the validation.
        organization_name: of the selected organization, "" for all. Set by the validation.
    """

    data: str
    offered: OrganizationChoices
    choices: Mapping[str, str]
    organization_id: int | None = None
    organization_name: str = ""

    def offer(self, offered: OrganizationChoices) -> None:
        """Set the organizations to choose from. Pages hide the field if there is only one."""
        listed, self.offered = offered.listed, offered
        self.choices = {} if listed is None else {"": "All"} | {str(id): name for id, name in listed.items()}
        self.flags.hidden = listed is not None and len(listed) < 2

    def select(self, organization_id: int, name: str) -> None:
        """Set the selected organization."""
        self.organization_id, self.organization_name = organization_id, name
        if not self.choices:
            self.data = format_organization(organization_id, name)


def organization_field() -> Any:
    """Return the field. The constructor of its form calls `offer`."""
    checks = [MaxLength(MAX_TEXT), NoControlCharacters(), KnownOrganization()]
    return OrganizationField("Organization", checks, filters=[normalize_text])


class KnownOrganization:
    """Look up the organization of an OrganizationField, and refuse a text that names none or several."""

    def __call__(self, form: Form, field: OrganizationField) -> None:
        """Select the organization. Raises ValidationError with the value, and with the matches if there are several."""
        if field.choices:
            KnownChoice("one of your organizations")(form, field)
        if not field.data:
            return
        listed = field.offered.listed
        matches = field.offered.find(field.data) if listed is None else {int(field.data): listed[int(field.data)]}
        if len(matches) != 1:
            raise ValidationError(_describe_matches(field.data, matches))
        field.select(*next(iter(matches.items())))


def _describe_matches(text: str, matches: Mapping[int, str]) -> str:
    value = quote_value(text, QUOTED)
    if not matches:
        return f"{value} is not one of your organizations. Enter a name, a part of a name, or an ID."
    shown = [format_organization(id, name) for id, name in list(matches.items())[:MAX_MATCHES]]
    more = f" and {len(matches) - len(shown):,} more" if len(matches) > len(shown) else ""
    return (
        f"{value} matches {len(matches):,} organizations: {', '.join(shown)}{more}. Enter an ID, or more of the name."
    )
