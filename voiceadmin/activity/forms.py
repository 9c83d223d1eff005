"""The filters over the audit trail, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.clock import start_of_day
from voiceadmin.text import MAX_ID
from voiceadmin.web.fields import MAX_EMAIL, date_field, integer_field, multiple_choice_field, search_field

DAY = timedelta(days=1)


class ActivityFilterForm(Form):
    """Who did what to which voice, and when."""

    who = search_field("Who", max_length=MAX_EMAIL)
    kind = multiple_choice_field(
        "What",
        {word.value: word.label[0].upper() + word.label[1:] for word in AuditEventType},
        noun="a kind of activity",
    )
    voice = integer_field("Voice id", minimum=1, maximum=MAX_ID)
    since = date_field("From day")
    until = date_field("To day")
    older = integer_field("Older than", minimum=1, maximum=MAX_ID)

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        super().__init__(arguments)

    def filters(self) -> AuditFilters:
        """The answers as domain values; the last day is in. Call only after validate()."""
        return AuditFilters(
            who=self.who.data,
            event_types=tuple(AuditEventType(word) for word in self.kind.data),
            voice=self.voice.data,
            since=None if self.since.data is None else start_of_day(self.since.data),
            until=None if self.until.data is None else start_of_day(self.until.data) + DAY,
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
