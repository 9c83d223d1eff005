"""A field for an organization: a select box of a few, or a text field for the name or id of one of many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import wtforms
from wtforms import Form, ValidationError
from wtforms.validators import StopValidation

from voiceadmin.organizations.queries import format_organization
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.text import pluralize, quote_value
from voiceadmin.web.fields import (
    MAX_TEXT,
    QUOTED,
    REQUIRED,
    KnownChoice,
    MaxLength,
    NoControlCharacters,
    normalize_text,
)

MAX_MATCHES = 5  # organizations that an error message lists


class OrganizationField(wtforms.StringField):
    """A field for one organization of those that `offer` sets.

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

    def offer(self, offered: OrganizationChoices, *, without: Collection[int] = ()) -> None:
        """Set the organizations to choose from. Pages hide the field if there is no choice.

        Args:
            offered: the organizations.
            without: ids that the select box leaves out.
        """
        self.offered, self.choices = offered, {}
        if offered.listed is not None:
            names = {str(id): name for id, name in offered.listed.items() if id not in without}
            self.choices = names if self.flags.required else {"": "All"} | names
            self.flags.hidden = not names or (len(names) == 1 and not self.flags.required)

    def select(self, organization_id: int, name: str) -> None:
        """Set the selected organization."""
        self.organization_id, self.organization_name = organization_id, name
        if self.offered.listed is None:
            self.data = format_organization(organization_id, name)


def organization_filter_field() -> Any:
    """Return a field for one organization or all. The constructor of its form calls `offer`."""
    return _organization_field(is_required=False)


def organization_choice_field() -> Any:
    """Return a field for the organization of an action, for which a part of its name is not enough; see above."""
    return _organization_field(is_required=True)


def _organization_field(*, is_required: bool) -> Any:
    checks = [MaxLength(MAX_TEXT), NoControlCharacters(), _SelectOrganization(is_required=is_required)]
    return OrganizationField("Organization", checks, filters=[normalize_text])


class _SelectOrganization:
    """Select the organization of a field, and refuse a text that names none or several."""

    def __init__(self, *, is_required: bool) -> None:
        """Set whether an organization must be given, with its name or its id."""
        self.field_flags = {"required": is_required}

    def __call__(self, form: Form, field: OrganizationField) -> None:
        """Look the organization up. Raises ValidationError with the value, and with the matches if there are any."""
        listed, text = field.offered.listed, field.data
        if listed is not None:
            KnownChoice("one of your organizations")(form, field)
        elif field.flags.required and not text:
            raise StopValidation(REQUIRED)
        if not text:
            return
        matches = field.offered.find(text) if listed is None else {int(text): listed[int(text)]}
        if len(matches) != 1 or (field.flags.required and not _is_exact(text, *next(iter(matches.items())))):
            raise ValidationError(_describe_matches(text, matches))
        field.select(*next(iter(matches.items())))


def _is_exact(text: str, organization_id: int, name: str) -> bool:
    return text in (str(organization_id), name, format_organization(organization_id, name))


def _describe_matches(text: str, matches: Mapping[int, str]) -> str:
    value = quote_value(text, QUOTED)
    if not matches:
        return f"{value} is not one of your organizations. Enter a name or an ID."
    shown = [format_organization(id, name) for id, name in list(matches.items())[:MAX_MATCHES]]
    more = f" and {len(matches) - len(shown):,} more" if len(matches) > len(shown) else ""
    count = pluralize(len(matches), "organization")
    return f"{value} matches {count}: {', '.join(shown)}{more}. Enter an ID, or more of the name."
