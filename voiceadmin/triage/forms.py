"""Forms of the triage queue and of the attention API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.operations.forms import FormData
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import normalize_email, quote_value
from voiceadmin.triage.types import UNASSIGNED, QueueCursor, QueueFilters
from voiceadmin.voices.types.provider import PROVIDER_LABELS, provider_label
from voiceadmin.web.fields import StringField, choice_field, multiple_choice_field, text_field
from voiceadmin.web.organization_field import organization_filter_field
from voiceadmin.web.query_fields import (
    DEFAULT_ITEMS,
    MAX_ITEMS,
    QueryChoice,
    QueryCursor,
    QueryForm,
    QueryInteger,
    provider_values,
)

MINE = "me"


class QueueForm(Form):
    """The filters of the queue."""

    reason = multiple_choice_field("Reason", {}, noun="a reason")
    organization = organization_filter_field()
    provider = multiple_choice_field("Provider", {}, noun="a provider of these voices")
    assignee = choice_field("Assignee", {}, noun="an assignee", default="")
    muted = choice_field(
        "State",
        {"": "Needs attention", "yes": "Acknowledged or snoozed"},
        noun="a state",
        default="",
    )
    size = choice_field(
        "Rows per page",
        {str(size): str(size) for size in PAGE_SIZES},
        noun="a number of rows per page",
        default=str(DEFAULT_PAGE_SIZE),
    )
    after = text_field("Page", required=False)

    def __init__(
        self,
        arguments: FormData,
        *,
        reasons: Mapping[str, str],
        organizations: OrganizationChoices,
        providers: Sequence[str],
        people: Mapping[int, str],
        me: int | None,
    ) -> None:
        """Read the filters.

        Args:
            arguments: of the URL.
            reasons: labels by slug.
            organizations: those of the scope.
            providers: those of the visible voices, assistants and sources.
            people: e-mails of possible assignees by account.
            me: the account of the requester, None without one.
        """
        super().__init__(arguments)
        self.reason.choices = dict(reasons)
        self.organization.offer(organizations)
        self.provider.choices = {provider: provider_label(provider) for provider in providers}
        mine = {} if me is None else {MINE: "Me"}
        others = {str(id): email for id, email in people.items() if id != me}
        self.assignee.choices = {"": "Anyone"} | mine | {UNASSIGNED: "Unassigned"} | others
        self.me = me
        if mine and self.assignee.data == str(me):
            self.assignee.data = MINE

    def validate_after(self, field: StringField) -> None:
        """Refuse a malformed cursor."""
        if field.data and not field.errors and QueueCursor.parse(field.data) is None:
            raise ValidationError(f"{quote_value(field.data, 40)} is not a page of this list. Go to the first page.")

    def filters(self) -> QueueFilters:
        """Return the validated filters. Call only after validate()."""
        return QueueFilters(
            reasons=tuple(self.reason.data),
            organization=self.organization.organization_id,
            providers=tuple(self.provider.data),
            assignee=str(self.me) if self.assignee.data == MINE else self.assignee.data,
            muted=bool(self.muted.data),
            after=QueueCursor.parse(self.after.data) if self.after.data else None,
            size=int(self.size.data),
        )


def queue_arguments(filters: QueueFilters) -> dict[str, Any]:
    """Return the query arguments that QueueForm reads these filters from. Inactive filters are left out."""
    arguments = {
        "reason": list(filters.reasons),
        "organization": filters.organization,
        "provider": list(filters.providers),
        "assignee": filters.assignee,
        "muted": "yes" if filters.muted else "",
        "size": None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        "after": None if filters.after is None else str(filters.after),
    }
    return {name: value for name, value in arguments.items() if value}


class AttentionQueryForm(QueryForm):
    """The query parameters of the attention API."""

    reason = QueryChoice(description="Only objects with this reason. The counts cover all reasons.")
    organization = QueryInteger(1, description="Only objects of this organization; see organization_id of the items.")
    provider = QueryChoice(description="Only objects at this provider.")
    assignee = QueryChoice(description="Only those assigned to this person, by e-mail; “none” for unassigned ones.")
    limit = QueryInteger(1, MAX_ITEMS, description=f"Maximum number of items; {DEFAULT_ITEMS} by default.")
    after = QueryCursor(description="The “next” of the previous response, for the next page.")

    def __init__(
        self,
        arguments: MultiDict[str, str],
        *,
        reasons: Sequence[str],
        own_providers: Callable[[], Sequence[str]],
        people: Callable[[], Mapping[int, str]],
    ) -> None:
        """Read the parameters.

        Args:
            arguments: of the URL.
            reasons: slugs of all rules.
            own_providers: returns the providers of the visible voices, assistants and sources.
            people: returns the e-mails of possible assignees by account.
        """
        super().__init__(arguments)
        self.reason.choices = reasons
        if self.provider.data not in {None, *PROVIDER_LABELS}:
            self.provider.choices = provider_values(own_providers)
        self.people = people

    def validate_assignee(self, field: QueryChoice) -> None:
        """Look the e-mail up. The message names no others: the list would be too long."""
        if field.data in (None, UNASSIGNED):
            return
        accounts = {normalize_email(email): str(id) for id, email in self.people().items()}
        field.data = accounts.get(normalize_email(field.raw_value))
        if field.data is None:
            field.fail(
                "value_error", f"Value error, this is neither '{UNASSIGNED}' nor the e-mail of a possible assignee"
            )

    def filters(self) -> QueueFilters:
        """Return the validated filters. Call only after validate()."""
        return QueueFilters(
            reasons=(self.reason.data,) if self.reason.data else (),
            organization=self.organization.data,
            providers=(self.provider.data,) if self.provider.data else (),
            assignee=self.assignee.data or "",
            after=self.after.data,
            size=self.limit.data or DEFAULT_ITEMS,
        )
