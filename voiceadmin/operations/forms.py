"""Forms that apply an action to voices, assistants and sources, and undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import DateField, Field, Form, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.audit.types import ObjectRef
from voiceadmin.clock import start_of_day
from voiceadmin.operations.types import MAX_NOTE_LENGTH, MAX_OBJECTS, ActionRequest
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.tokens import generate_token
from voiceadmin.triage.types import UNASSIGNED, TriageAction
from voiceadmin.web.fields import (
    SelectField,
    choice_field,
    date_field,
    integer_field,
    next_path_field,
    raw_value,
    text_field,
)

FormData = MultiDict[str, str]


class ObjectRefsField(Field):
    """Selected voices, assistants and sources: "voice-456", or "456" for a voice."""

    widget = TextInput()
    data: list[ObjectRef]
    malformed: str | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse all values; drop duplicates, and keep the first malformed value for the error message."""
        parsed = {text: ObjectRef.parse(text if "-" in text else f"voice-{text}") for text in valuelist}
        self.data = list(dict.fromkeys(ref for ref in parsed.values() if ref is not None))
        self.malformed = next((text for text, ref in parsed.items() if ref is None), None)

    def pre_validate(self, form: Any) -> None:
        """Refuse malformed values."""
        self.data = self.data or []
        if self.malformed is not None:
            raise ValidationError(
                f"{quote_value(self.malformed, 40)} is no voice, assistant or source. Load the page again."
            )


class ActionForm(Form):
    """An action and its arguments.

    Fields:
        key: of the form; the same when it is sent again.
        last_seen_operation_id: the newest operation when the page was made.
        next: the path to continue with.
    """

    action = choice_field(
        "Action", {action.value: action.label for action in TriageAction}, noun="an action", default=""
    )
    note = text_field("Note", required=False, max_length=MAX_NOTE_LENGTH)
    until = date_field("Snooze until")
    assignee = choice_field("Assignee", {}, noun="a person you can assign to", default=UNASSIGNED)
    key = text_field("Form key", required=False)
    last_seen_operation_id = integer_field("Last seen operation", minimum=0, maximum=MAX_ID)
    next = next_path_field()

    def __init__(self, data: FormData | None, assignees: Mapping[int, str], *, now: datetime) -> None:
        """Read a form.

        Args:
            data: the sent form, None for an empty one.
            assignees: e-mails of the people that objects can be assigned to, by account.
            now: the current time.
        """
        super().__init__(data)
        self.assignee.choices = {UNASSIGNED: "Unassigned"} | {str(id): email for id, email in assignees.items()}
        self.now = now

    def validate_action(self, field: SelectField) -> None:
        """Refuse an empty note."""
        if field.data == TriageAction.NOTE and not self.note.data:
            raise ValidationError("The note is empty. Enter a note.")

    def validate_until(self, field: DateField) -> None:
        """Refuse a snooze that has ended."""
        if self.action.data == TriageAction.SNOOZE and field.data is not None and start_of_day(field.data) <= self.now:
            raise ValidationError(f"{raw_value(field)} is not in the future. Choose a day from tomorrow on.")

    def build_request(self, refs: Sequence[ObjectRef]) -> ActionRequest:
        """Return the request for these objects. Call only after validate()."""
        action, until = TriageAction(self.action.data), self.until.data
        is_assigned = action is TriageAction.ASSIGN and self.assignee.data != UNASSIGNED
        return ActionRequest(
            action=action,
            refs=tuple(refs),
            key=self.key.data or generate_token(),
            last_seen_operation_id=self.last_seen_operation_id.data or 0,
            note=self.note.data,
            until=start_of_day(until) if until and action is TriageAction.SNOOZE else None,
            assignee_id=int(self.assignee.data) if is_assigned else None,
        )


class UndoForm(Form):
    """The undo of an operation, whose id is in the URL.

    Fields:
        key: of the form; the same when it is sent again.
        next: the path to continue with.
    """

    key = text_field("Form key", required=False)
    next = next_path_field()

    def __init__(self, data: FormData) -> None:
        super().__init__(data)


class SelectionForm(ActionForm):
    """An action for the selected objects of a page, or for the one row whose own button was pressed.

    Fields:
        ref: the selected objects.
        row_action: of a row's button, such as "archive:voice-456" or "assign:voice-456:7"; it replaces `action`, `ref`
            and `assignee`.
    """

    ref = ObjectRefsField("Selection")
    row_action = text_field("Action of a row", required=False)

    def __init__(self, data: FormData | None, assignees: Mapping[int, str], *, now: datetime) -> None:
        super().__init__(data, assignees, now=now)
        action, _, rest = (self.row_action.data or "").partition(":")
        if action:
            ref, _, assignee = rest.partition(":")
            self.action.process_formdata([action])
            self.ref.process_formdata([ref])
            self.assignee.process_formdata([assignee or UNASSIGNED])

    def validate_ref(self, field: ObjectRefsField) -> None:
        """Refuse an empty selection."""
        if not field.data and not field.errors:
            raise ValidationError("Nothing is selected. Go back and select at least one.")


class AllMatchingForm(ActionForm):
    """An action for all objects that match filters.

    Fields:
        count: how many matched when the page was made.
        selection_hash: of the objects that matched then.
    """

    count = integer_field("Count", minimum=0, maximum=MAX_OBJECTS)
    selection_hash = text_field("Selection", required=False)
