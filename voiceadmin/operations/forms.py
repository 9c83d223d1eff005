"""What people send from the desk: what to do, to which voices and assistants, and which lines of the queue to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.audit.types import ObjectRef
from voiceadmin.operations.types import MAX_NOTE, MOST_AT_ONCE, Order
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.tokens import generate_token
from voiceadmin.triage.types import NOBODY, TriageAction
from voiceadmin.web.fields import DayField, LineField, NumberField, PathField, TextField, WordField

Sent = MultiDict[str, str]


DAY = timedelta(days=1)


class ObjectRefsField(Field):
    """Voices and assistants that were ticked: "voice-456", or "456" for a voice."""

    widget = TextInput()
    data: list[ObjectRef]
    wrong: str | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take each once; what is no ref is kept to be told."""
        words = list(dict.fromkeys(valuelist))
        found = {word: ObjectRef.parse(word if "-" in word else f"voice-{word}") for word in words}
        self.data = list(dict.fromkeys(ref for ref in found.values() if ref is not None))
        self.wrong = next((word for word, ref in found.items() if ref is None), None)

    def pre_validate(self, form: Any) -> None:
        """Each must be one."""
        self.data = self.data or []
        if self.wrong is not None:
            raise ValidationError(f"{quote_value(self.wrong, 40)} is no voice and no assistant. Load the page again.")


class ActForm(Form):
    """What to do, and how.

    key: of the form, the same when it is sent again. seen: the newest operation when
    its page was made. next: where to go on to.
    """

    action = WordField(
        "What to do", {action.value: action.label for action in TriageAction}, thing="something to do", fallback=""
    )
    note = LineField("Note", least=0, most=MAX_NOTE)
    until = DayField("Until day")
    assignee = WordField("Who", {}, thing="somebody to assign to", fallback=NOBODY)
    key = TextField("Key")
    seen = NumberField("Seen", least=0, most=MAX_ID)
    next = PathField()

    def __init__(self, sent: Sent | None, people: Mapping[int, str], *, now: datetime) -> None:
        """people: those who can be assigned, by the ids of their accounts."""
        super().__init__(sent)
        self.assignee.words = {NOBODY: "Nobody"} | {str(id): email for id, email in people.items()}
        self.now = now

    def validate_act(self, field: WordField) -> None:
        """A note must say something."""
        if field.data == TriageAction.NOTE and not self.note.data:
            raise ValidationError("The note is empty. Write it.")

    def validate_until(self, field: DayField) -> None:
        """A snooze ends some day from tomorrow on."""
        if self.action.data == TriageAction.SNOOZE and field.data is not None and field.data <= self.now:
            raise ValidationError(f"{field.given} is not ahead. Choose a day from tomorrow on.")

    def order(self, refs: Sequence[ObjectRef]) -> Order:
        """What is wanted, for these refs. Call only after validate()."""
        action = TriageAction(self.action.data)
        return Order(
            action,
            tuple(refs),
            self.key.data or generate_token(),
            self.seen.data or 0,
            self.note.data,
            self.until.data if action is TriageAction.SNOOZE else None,
            int(self.assignee.data) if action is TriageAction.ASSIGN and self.assignee.data != NOBODY else None,
        )


class UndoForm(Form):
    """Which operation to take back is in the address. key: of the form, the same when it is sent again."""

    key = TextField("Key")
    next = PathField()

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent)


class TickedForm(ActForm):
    """The same for what was ticked on a page, or for the one line whose own button was pressed.

    one: of such a button, "archive:voice-456", or "assign:voice-456:7" with an assignee; what is ticked counts no more.
    """

    ref = ObjectRefsField("Chosen")
    one = TextField("One")

    def __init__(self, sent: Sent | None, people: Mapping[int, str], *, now: datetime) -> None:
        super().__init__(sent, people, now=now)
        action, _, rest = (self.one.data or "").partition(":")
        if action:
            ref, _, assignee = rest.partition(":")
            self.action.process_formdata([action])
            self.ref.process_formdata([ref])
            self.assignee.process_formdata([assignee])

    def validate_ref(self, field: ObjectRefsField) -> None:
        """Something must be ticked."""
        if not field.data and not field.errors:
            raise ValidationError("Nothing was ticked. Go back and tick at least one.")


class AllForm(ActForm):
    """The same for all that filters match. count, mark: how many those were when the page was made, and which."""

    count = NumberField("Number", least=0, most=MOST_AT_ONCE)
    mark = TextField("Mark")
