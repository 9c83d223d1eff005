"""The filter form of the audit log, and the query arguments of filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from wtforms import Form

from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.clock import start_of_day
from voiceadmin.text import MAX_ID
from voiceadmin.web.fields import MAX_EMAIL, date_field, integer_field, multiple_choice_field, search_field

DAY = timedelta(days=1)


class ActivityFilterForm(Form):
    """Filters by actor, event type, voice, source and day."""

    who = search_field("Who", max_length=MAX_EMAIL)
    kind = multiple_choice_field(
        "Action",
        {event_type.value: event_type.label[0].upper() + event_type.label[1:] for event_type in AuditEventType},
        noun="a kind of activity",
    )
    voice = integer_field("Voice ID", minimum=1, maximum=MAX_ID)
    source = integer_field("Source ID", minimum=1, maximum=MAX_ID)
    since = date_field("From")
    until = date_field("To")
    older = integer_field("Older than", minimum=1, maximum=MAX_ID)

    def filters(self) -> AuditFilters:
        """Return the validated input as domain values; the last day is included. Call after validate()."""
        return AuditFilters(
            who=self.who.data,
            event_types=tuple(AuditEventType(value) for value in self.kind.data),
            voice=self.voice.data,
            source=self.source.data,
            since=None if self.since.data is None else start_of_day(self.since.data),
            until=None if self.until.data is None else start_of_day(self.until.data) + DAY,
            older_than=self.older.data,
        )


def activity_arguments(filters: AuditFilters) -> dict[str, Any]:
    """Return the query arguments that ActivityFilterForm reads these filters from, without unused ones."""
    arguments = {
        "who": filters.who,
        "kind": [event_type.value for event_type in filters.event_types],
        "voice": filters.voice,
        "source": filters.source,
        "since": filters.since and filters.since.date().isoformat(),
        "until": filters.until and (filters.until - DAY).date().isoformat(),
        "older": filters.older_than,
    }
    return {name: value for name, value in arguments.items() if value}
