"""Rename organizations and assistants."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, Scope
from voiceadmin.management.actions.guards import assistant_target, get_assistant, get_organization, organization_target
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.text import build_name_key


def rename_organization(scope: Scope, organization_id: int, name: str, *, by: Actor, now: datetime) -> None:
    """Give an organization another name.

    Raises:
        OrganizationNotFound: if there is no such organization in the scope.
    """
    with write_transaction():
        lock_organizations([organization_id])  # so that a form that is sent twice is recorded once
        organization = get_organization(scope, organization_id)
        before, organization.name = organization.name, name
        if before != name:
            record_event(
                AuditEventType.ORGANIZATION_RENAMED,
                organization_target(organization),
                by=by,
                now=now,
                organizations=[organization.id],
                before={"name": before},
                after={"name": name},
            )


def rename_assistant(scope: Scope, assistant_id: int, name: str, *, by: Actor, now: datetime) -> None:
    """Give an assistant another name. An import with another name for it changes it again.

    Raises:
        AssistantNotFound: if there is no such assistant in the scope.
    """
    with write_transaction():
        assistant = get_assistant(scope, assistant_id)
        db.session.refresh(assistant, with_for_update={"key_share": True})
        before, assistant.name, assistant.name_key = assistant.name, name, build_name_key(name)
        if before != name:
            record_event(
                AuditEventType.ASSISTANT_RENAMED,
                assistant_target(assistant),
                by=by,
                now=now,
                organizations=[assistant.organization_id],
                before={"name": before},
                after={"name": name},
            )
