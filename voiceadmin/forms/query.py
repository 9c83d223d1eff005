"""The queries of the JSON routes. Their faults have the shape and the words that a FastAPI server answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.desk import NOBODY, Place, QueueFilters
from voiceadmin.folding import email_key
from voiceadmin.shapes import VoiceQuery
from voiceadmin.vocabulary import MAX_ID, PROVIDER_LABELS, VoiceStatus, read_integer

Detail = dict[str, Any]  # one entry of FastAPI's "detail": type, loc, msg, input


class QueryField(Field):
    """One parameter: the last of its values counts, and an empty one is as if absent."""

    widget = TextInput()
    given = ""
    fault = ""  # FastAPI's word for what is wrong

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the last value."""
        self.given = valuelist[-1] if valuelist else ""
        self.data: Any = self.given or None

    def refuse(self, fault: str, message: str) -> NoReturn:
        """End the validation of this field."""
        self.fault = fault
        raise ValidationError(message)


class QueryWord(QueryField):
    """One word of a list. words: the list; None lets every word through."""

    words: Sequence[str] | None = None

    def pre_validate(self, form: Any) -> None:
        """It must be in the list, case included."""
        if self.data is not None and self.words is not None and self.data not in self.words:
            *others, last = (f"'{word}'" for word in self.words)
            self.refuse("enum", f"Input should be {', '.join(others)} or {last}")


class QueryNumber(QueryField):
    """A whole number, from `least` to `most`, else to what 64 bits hold."""

    def __init__(self, least: int, most: int = MAX_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def pre_validate(self, form: Any) -> None:
        """It must be a number, and within its bounds."""
        if self.data is None:
            return
        self.data = read_integer(self.given)
        if self.data is None:
            self.refuse("int_parsing", NOT_AN_INTEGER)
        if self.data < self.least:
            self.refuse("greater_than_equal", f"Input should be greater than or equal to {self.least}")
        if self.data > self.most:
            self.refuse("less_than_equal", f"Input should be less than or equal to {self.most}")


class QueryPlace(QueryField):
    """Where to go on, as an answer named it."""

    def pre_validate(self, form: Any) -> None:
        """It must be a place of the queue."""
        if self.data is None:
            return
        self.data = Place.read(self.given)
        if self.data is None:
            self.refuse("value_error", "Value error, this is not the `next` of an answer")


NOT_AN_INTEGER = "Input should be a valid integer, unable to parse string as an integer"


class QueryForm(Form):
    """What a program may ask for; other parameters are passed over."""

    def faults(self) -> list[Detail]:
        """Every fault, after validate()."""
        fields: list[Any] = list(self)
        return [
            {"type": field.fault, "loc": ["query", field.name], "msg": message, "input": field.given}
            for field in fields
            for message in field.errors
        ]


def provider_words(own: Callable[[], Sequence[str]]) -> list[str]:
    """Those with a name here, then the others of somebody's own."""
    return list(dict.fromkeys([*PROVIDER_LABELS, *own()]))


class VoiceQueryForm(QueryForm):
    """What a program may ask a list of voices for."""

    status = QueryWord(description="Only voices of this status.")
    provider = QueryWord(description="Only voices of this provider.")
    skip = QueryNumber(0, description="How many voices to pass over.")
    limit = QueryNumber(1, description="How many voices to list at most; all when absent.")

    def __init__(self, arguments: MultiDict[str, str], own_providers: Callable[[], Sequence[str]] | None) -> None:
        """own_providers: gives the providers of the organization's voices, asked for when a word has no name here.

        None when there is no organization: then every provider will do.
        """
        super().__init__(arguments)
        self.status.words = [status.value for status in VoiceStatus]
        if own_providers is not None and self.provider.data not in {None, *PROVIDER_LABELS}:
            self.provider.words = provider_words(own_providers)

    def query(self) -> VoiceQuery:
        """The answers as domain values. Call only after validate()."""
        status = self.status.data
        return VoiceQuery(
            status=None if status is None else VoiceStatus(status),
            provider=self.provider.data,
            skip=self.skip.data or 0,
            limit=self.limit.data,
        )


ITEMS, MOST_ITEMS = 100, 1000  # in an answer, unless it is asked otherwise, and at most


class AttentionQueryForm(QueryForm):
    """What a program may ask the queue for."""

    reason = QueryWord(description="Only voices and assistants with this reason; all reasons are counted all the same.")
    organization = QueryNumber(1, description="Only those of this organization, by its organization_id in the items.")
    provider = QueryWord(description="Only those at this provider.")
    owner = QueryWord(description="Only those that this person looks after, by e-mail; “none” is nobody.")
    limit = QueryNumber(1, MOST_ITEMS, description=f"How many items to list at most; {ITEMS} when absent.")
    after = QueryPlace(description="Where to go on: the “next” of the answer before.")

    def __init__(
        self,
        arguments: MultiDict[str, str],
        *,
        reasons: Sequence[str],
        own_providers: Callable[[], Sequence[str]],
        people: Callable[[], Mapping[int, str]],
    ) -> None:
        """own_providers: as above. people: gives the e-mails of possible owners by account, if one is asked for."""
        super().__init__(arguments)
        self.reason.words = reasons
        if self.provider.data not in {None, *PROVIDER_LABELS}:
            self.provider.words = provider_words(own_providers)
        self.people = people

    def validate_owner(self, field: QueryWord) -> None:
        """Somebody who can look after things here; a list of them all would be too long to tell."""
        if field.data in (None, NOBODY):
            return
        accounts = {email_key(email): str(id) for id, email in self.people().items()}
        field.data = accounts.get(email_key(field.given))
        if field.data is None:
            field.refuse("value_error", f"Value error, this is neither '{NOBODY}' nor the e-mail of a possible owner")

    def filters(self) -> QueueFilters:
        """The answers as domain values. Call only after validate()."""
        return QueueFilters(
            reasons=(self.reason.data,) if self.reason.data else (),
            organization=self.organization.data,
            providers=(self.provider.data,) if self.provider.data else (),
            owner=self.owner.data or "",
            after=self.after.data,
            size=self.limit.data or ITEMS,
        )
