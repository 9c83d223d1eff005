"""Fields for organizations: a list of a few to choose from, or a text field for the names or ids of some of many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import wtforms
from werkzeug.datastructures import MultiDict
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
    SelectMultipleField,
    normalize_text,
    unique_values,
)

MAX_MATCHES = 5  # organizations that an error message lists
MAX_LINES = 100  # organizations in a text field; each is looked up
# By whether the field is a text.
NO_ORGANIZATION = {
    False: "No organization is selected. Select at least one.",
    True: "No organization is given. Enter at least one.",
}
ALL_ORGANIZATIONS = "all"  # a value besides ids


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


class OrganizationListField(SelectMultipleField):
    """A field for several organizations of those that `offer` sets: checkboxes, or a text field with one per line.

    Attributes:
        data: the values that were sent: ids, ALL_ORGANIZATIONS, or the text.
        choices: labels of the checkboxes by value.
        organization_ids: of the selected organizations. Set by the validation.
    """

    offered: OrganizationChoices
    organization_ids: frozenset[int] = frozenset()

    def offer(self, offered: OrganizationChoices, *, offer_all: bool = False) -> None:
        """Set the organizations to choose from. offer_all: whether all of them, present and future, are a choice."""
        everything = {ALL_ORGANIZATIONS: "All organizations, including future ones"} if offer_all else {}
        self.offered, self.choices = offered, everything
        self.choices |= {str(id): name for id, name in (offered.listed or {}).items()}

    @property
    def is_text(self) -> bool:
        """Whether the organizations are too many for checkboxes."""
        return self.offered.listed is None

    @property
    def text(self) -> str:
        """The text of the text field."""
        return "\n".join(value for value in self.data if value not in self.choices)

    @property
    def selects_all(self) -> bool:
        """Whether all organizations, present and future, are selected."""
        return ALL_ORGANIZATIONS in self.choices and ALL_ORGANIZATIONS in self.data


def organization_list_field() -> Any:
    """Return a field for several organizations. The constructor of its form calls `offer`."""
    # validate_choice is off, as in `multiple_choice_field`
    checks = [_SelectOrganizations()]
    return OrganizationListField("Organizations", checks, choices={}, validate_choice=False, filters=[unique_values])


class _SelectOrganizations:
    """Select the organizations of a field, and refuse values that name none or several."""

    def __call__(self, form: Form, field: OrganizationListField) -> None:
        """Look the organizations up. Raises ValidationError, or adds an error for each line that is wrong."""
        if not field.is_text:
            KnownChoice("one of your organizations")(form, field)
            field.organization_ids = frozenset(int(value) for value in field.data if value != ALL_ORGANIZATIONS)
            return
        lines = [(number, line) for number, line in enumerate(field.text.splitlines(), 1) if line.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(f"These are {len(lines):,} organizations. Enter at most {MAX_LINES}.")
        forms = {number: _LineForm(line, field.offered) for number, line in lines}
        faults = [f"Line {number}: {one.organization.errors[0]}" for number, one in forms.items() if not one.validate()]
        field.errors = [*field.errors, *faults]
        field.organization_ids = frozenset(one.organization.organization_id for one in forms.values()) - {None}


class _LineForm(Form):
    """One organization of a text field."""

    organization = organization_choice_field()

    def __init__(self, line: str, offered: OrganizationChoices) -> None:
        super().__init__(MultiDict({"organization": line}))
        self.organization.offer(offered)
