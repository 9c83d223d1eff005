"""Forms of the triage queue and of the attention API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.operations.forms import Sent
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, PAGE_SIZES
from voiceadmin.text import normalize_email, quote_value
from voiceadmin.triage.types import NOBODY, QueueCursor, QueueFilters
from voiceadmin.voices.types.provider import PROVIDER_LABELS, provider_label
from voiceadmin.web.fields import TextField, WordField, WordsField
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
    """The filter bar over the queue."""

    reason = WordsField("Reason", {}, thing="a reason")
    organization = WordField("Organization", {}, thing="an organization of yours", fallback="")
    provider = WordsField("Provider", {}, thing="a provider of these voices")
    assignee = WordField("Assignee", {}, thing="an assignee", fallback="")
    muted = WordField(
        "Show", {"": "What waits", "yes": "Acknowledged and snoozed"}, thing="something to show", fallback=""
    )
    size = WordField(
        "Rows a page",
        {str(size): str(size) for size in PAGE_SIZES},
        thing="a number of rows a page",
        fallback=str(DEFAULT_PAGE_SIZE),
    )
    after = TextField("After")

    def __init__(
        self,
        arguments: Sent,
        *,
        reasons: Mapping[str, str],
        organizations: Mapping[int, str],
        providers: Sequence[str],
        people: Mapping[int, str],
        me: int | None,
    ) -> None:
        """reasons: their labels by word. me: the account of whoever looks, None for nobody."""
        super().__init__(arguments)
        self.reason.words = dict(reasons)
        self.organization.words = {"": "All"} | {str(id): name for id, name in organizations.items()}
        self.provider.words = {provider: provider_label(provider) for provider in providers}
        mine = {} if me is None else {MINE: "Mine"}
        others = {str(id): email for id, email in people.items() if id != me}
        self.assignee.words = {"": "Anybody’s"} | mine | {NOBODY: "Nobody’s"} | others
        self.me = me
        if mine and self.assignee.data == str(me):
            self.assignee.data = MINE

    def validate_after(self, field: TextField) -> None:
        """It must be a place that a page gave."""
        if field.data and not field.errors and QueueCursor.read(field.data) is None:
            raise ValidationError(f"{quote_value(field.data, 40)} is no place in the queue. Begin with the first page.")

    def filters(self) -> QueueFilters:
        """The answers as domain values. Call only after validate()."""
        return QueueFilters(
            reasons=tuple(self.reason.data),
            organization=int(self.organization.data) if self.organization.data else None,
            providers=tuple(self.provider.data),
            assignee=str(self.me) if self.assignee.data == MINE else self.assignee.data,
            muted=bool(self.muted.data),
            after=QueueCursor.read(self.after.data) if self.after.data else None,
            size=int(self.size.data),
        )


def queue_arguments(filters: QueueFilters) -> dict[str, Any]:
    """The query arguments that QueueForm reads these filters from; what is not used is left out."""
    given = {
        "reason": list(filters.reasons),
        "organization": filters.organization,
        "provider": list(filters.providers),
        "assignee": filters.assignee,
        "muted": "yes" if filters.muted else "",
        "size": None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        "after": None if filters.after is None else str(filters.after),
    }
    return {name: value for name, value in given.items() if value}


class AttentionQueryForm(QueryForm):
    """What a program may ask the queue for."""

    reason = QueryChoice(
        description="Only voices and assistants with this reason; all reasons are counted all the same."
    )
    organization = QueryInteger(1, description="Only those of this organization, by its organization_id in the items.")
    provider = QueryChoice(description="Only those at this provider.")
    assignee = QueryChoice(description="Only those that this person looks after, by e-mail; “none” is nobody.")
    limit = QueryInteger(1, MAX_ITEMS, description=f"How many items to list at most; {DEFAULT_ITEMS} when absent.")
    after = QueryCursor(description="Where to go on: the “next” of the answer before.")

    def __init__(
        self,
        arguments: MultiDict[str, str],
        *,
        reasons: Sequence[str],
        own_providers: Callable[[], Sequence[str]],
        people: Callable[[], Mapping[int, str]],
    ) -> None:
        """own_providers: as above. people: gives the e-mails of possible assignees by account, if one is asked for."""
        super().__init__(arguments)
        self.reason.words = reasons
        if self.provider.data not in {None, *PROVIDER_LABELS}:
            self.provider.words = provider_values(own_providers)
        self.people = people

    def validate_assignee(self, field: QueryChoice) -> None:
        """Somebody who can look after things here; a list of them all would be too long to tell."""
        if field.data in (None, NOBODY):
            return
        accounts = {normalize_email(email): str(id) for id, email in self.people().items()}
        field.data = accounts.get(normalize_email(field.given))
        if field.data is None:
            field.refuse(
                "value_error", f"Value error, this is neither '{NOBODY}' nor the e-mail of a possible assignee"
            )

    def filters(self) -> QueueFilters:
        """The answers as domain values. Call only after validate()."""
        return QueueFilters(
            reasons=(self.reason.data,) if self.reason.data else (),
            organization=self.organization.data,
            providers=(self.provider.data,) if self.provider.data else (),
            assignee=self.assignee.data or "",
            after=self.after.data,
            size=self.limit.data or DEFAULT_ITEMS,
        )
