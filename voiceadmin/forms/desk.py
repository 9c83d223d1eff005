"""What people send from the desk: what to do, to which voices and assistants, and which lines of the queue to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.desk import NOBODY, Order, Place, QueueFilters, Subject
from voiceadmin.forms.fields import DayField, LineField, NumberField, PathField, TextField, WordField, WordsField
from voiceadmin.shapes import quoted
from voiceadmin.tokens import new_token
from voiceadmin.vocabulary import (
    DEFAULT_PAGE_SIZE,
    MAX_ID,
    MAX_NOTE,
    MOST_AT_ONCE,
    PAGE_SIZES,
    Act,
    provider_label,
)

Sent = MultiDict[str, str]

DAY = timedelta(days=1)
MINE = "me"


class SubjectsField(Field):
    """Voices and assistants that were ticked: "voice-456", or "456" for a voice."""

    widget = TextInput()
    data: list[Subject]
    wrong: str | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take each once; what is no subject is kept to be told."""
        words = list(dict.fromkeys(valuelist))
        found = {word: Subject.read(word if "-" in word else f"voice-{word}") for word in words}
        self.data = list(dict.fromkeys(subject for subject in found.values() if subject is not None))
        self.wrong = next((word for word, subject in found.items() if subject is None), None)

    def pre_validate(self, form: Any) -> None:
        """Each must be one."""
        self.data = self.data or []
        if self.wrong is not None:
            raise ValidationError(f"{quoted(self.wrong, 40)} is no voice and no assistant. Load the page again.")


class ActForm(Form):
    """What to do, and how.

    key: of the form, the same when it is sent again. seen: the newest deed when
    its page was made. next: where to go on to.
    """

    act = WordField("What to do", {act.value: act.label for act in Act}, thing="something to do", fallback="")
    why = LineField("Note", least=0, most=MAX_NOTE)
    until = DayField("Until day")
    owner = WordField("Who", {}, thing="somebody to assign to", fallback=NOBODY)
    key = TextField("Key")
    seen = NumberField("Seen", least=0, most=MAX_ID)
    next = PathField()

    def __init__(self, sent: Sent | None, people: Mapping[int, str], *, now: datetime) -> None:
        """people: those who can be assigned, by the ids of their accounts."""
        super().__init__(sent)
        self.owner.words = {NOBODY: "Nobody"} | {str(id): email for id, email in people.items()}
        self.now = now

    def validate_act(self, field: WordField) -> None:
        """A note must say something."""
        if field.data == Act.NOTE and not self.why.data:
            raise ValidationError("The note is empty. Write it.")

    def validate_until(self, field: DayField) -> None:
        """A snooze ends some day from tomorrow on."""
        if self.act.data == Act.SNOOZE and field.data is not None and field.data <= self.now:
            raise ValidationError(f"{field.given} is not ahead. Choose a day from tomorrow on.")

    def order(self, subjects: Sequence[Subject]) -> Order:
        """What is wanted, for these subjects. Call only after validate()."""
        act = Act(self.act.data)
        return Order(
            act,
            tuple(subjects),
            self.key.data or new_token(),
            self.seen.data or 0,
            self.why.data,
            self.until.data if act is Act.SNOOZE else None,
            int(self.owner.data) if act is Act.ASSIGN and self.owner.data != NOBODY else None,
        )


class UndoForm(Form):
    """Which deed to take back is in the address. key: of the form, the same when it is sent again."""

    key = TextField("Key")
    next = PathField()

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent)


class TickedForm(ActForm):
    """The same for what was ticked on a page, or for the one line whose own button was pressed.

    one: of such a button, "archive:voice-456", or "assign:voice-456:7" with an owner; what is ticked counts no more.
    """

    subject = SubjectsField("Chosen")
    one = TextField("One")

    def __init__(self, sent: Sent | None, people: Mapping[int, str], *, now: datetime) -> None:
        super().__init__(sent, people, now=now)
        act, _, rest = (self.one.data or "").partition(":")
        if act:
            subject, _, owner = rest.partition(":")
            self.act.process_formdata([act])
            self.subject.process_formdata([subject])
            self.owner.process_formdata([owner])

    def validate_subject(self, field: SubjectsField) -> None:
        """Something must be ticked."""
        if not field.data and not field.errors:
            raise ValidationError("Nothing was ticked. Go back and tick at least one.")


class AllForm(ActForm):
    """The same for all that filters match. count, mark: how many those were when the page was made, and which."""

    count = NumberField("Number", least=0, most=MOST_AT_ONCE)
    mark = TextField("Mark")


class QueueForm(Form):
    """The filter bar over the queue."""

    reason = WordsField("Reason", {}, thing="a reason")
    organization = WordField("Organization", {}, thing="an organization of yours", fallback="")
    provider = WordsField("Provider", {}, thing="a provider of these voices")
    owner = WordField("Owner", {}, thing="an owner", fallback="")
    hushed = WordField(
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
        self.owner.words = {"": "Anybody’s"} | mine | {NOBODY: "Nobody’s"} | others
        self.me = me
        if mine and self.owner.data == str(me):
            self.owner.data = MINE

    def validate_after(self, field: TextField) -> None:
        """It must be a place that a page gave."""
        if field.data and not field.errors and Place.read(field.data) is None:
            raise ValidationError(f"{quoted(field.data, 40)} is no place in the queue. Begin with the first page.")

    def filters(self) -> QueueFilters:
        """The answers as domain values. Call only after validate()."""
        return QueueFilters(
            reasons=tuple(self.reason.data),
            organization=int(self.organization.data) if self.organization.data else None,
            providers=tuple(self.provider.data),
            owner=str(self.me) if self.owner.data == MINE else self.owner.data,
            hushed=bool(self.hushed.data),
            after=Place.read(self.after.data) if self.after.data else None,
            size=int(self.size.data),
        )


def queue_arguments(filters: QueueFilters) -> dict[str, Any]:
    """The query arguments that QueueForm reads these filters from; what is not used is left out."""
    given = {
        "reason": list(filters.reasons),
        "organization": filters.organization,
        "provider": list(filters.providers),
        "owner": filters.owner,
        "hushed": "yes" if filters.hushed else "",
        "size": None if filters.size == DEFAULT_PAGE_SIZE else filters.size,
        "after": None if filters.after is None else str(filters.after),
    }
    return {name: value for name, value in given.items() if value}
