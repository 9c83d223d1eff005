"""The handlers of all actions, by action and by audit event."""

from __future__ import annotations

from voiceadmin.audit.types import AuditEventType
from voiceadmin.operations.actions import archive, assign, deletion, mute, note
from voiceadmin.operations.actions.handler import ActionHandler
from voiceadmin.triage.types import TriageAction

HANDLERS: tuple[ActionHandler, ...] = (archive.HANDLER, assign.HANDLER, deletion.HANDLER, mute.HANDLER, note.HANDLER)


HANDLER_OF_ACTION: dict[TriageAction, ActionHandler] = {
    action: handler for handler in HANDLERS for action in handler.actions
}


HANDLER_OF_EVENT: dict[AuditEventType, ActionHandler] = {
    event_type: handler for handler in HANDLERS for event_type in handler.event_types
}
