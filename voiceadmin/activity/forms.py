"""The filters over the audit trail, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.text import MAX_ID
from voiceadmin.web.fields import MAX_EMAIL, DayField, NumberField, TextField, WordsField

DAY = timedelta(days=1)


class ActivityFilterForm(Form):
    """Who did what to which voice, and when."""

    who = TextField("Who", most=MAX_EMAIL)
    kind = WordsField(
        "What",
        {word.value: word.label[0].upper() + word.label[1:] for word in AuditEventType},
        thing="a kind of activity",
    )
    voice = NumberField("Voice id", least=1, most=MAX_ID)
    since = DayField("From day")
    until = DayField("To day")
    older = NumberField("Older than", least=1, most=MAX_ID)

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        super().__init__(arguments)

    def filters(self) -> AuditFilters:
        """The answers as domain values; the last day is in. Call only after validate()."""
        return AuditFilters(
            who=self.who.data,
            event_types=tuple(AuditEventType(word) for word in self.kind.data),
            voice=self.voice.data,
            since=self.since.data,
            until=None if self.until.data is None else self.until.data + DAY,
            older_than=self.older.data,
        )


def activity_arguments(filters: AuditFilters) -> dict[str, Any]:
    """The query arguments that ActivityFilterForm reads these filters from; what is not used is left out."""
    arguments = {
        "who": filters.who,
        "kind": [event_type.value for event_type in filters.event_types],
        "voice": filters.voice,
        "since": filters.since and filters.since.date().isoformat(),
        "until": filters.until and (filters.until - DAY).date().isoformat(),
        "older": filters.older_than,
    }
    return {name: value for name, value in arguments.items() if value}
