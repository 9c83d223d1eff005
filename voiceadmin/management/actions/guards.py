"""What the changes of organizations and assistants have in common: look-ups, targets of events, no import meanwhile."""

from __future__ import annotations

from sqlalchemy import exists, select

from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.errors import AssistantNotFound, OrganizationNotFound
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.voices.models import ClonedVoice


def get_organization(scope: Scope, organization_id: int) -> Organization:
    """Return an organization.

    Raises:
        OrganizationNotFound: if there is no such organization in the scope, or it was merged into another one.
    """
    organization = db.session.get(Organization, organization_id) if scope.covers(organization_id) else None
    if organization is None or organization.merged_into_id is not None:
        raise OrganizationNotFound(f"There is no organization {organization_id}.")
    return organization


def get_assistant(scope: Scope, assistant_id: int) -> Assistant:
    """Return an assistant.

    Raises:
        AssistantNotFound: if there is no such assistant in the scope.
    """
    assistant = db.session.get(Assistant, assistant_id)
    if assistant is None or not scope.covers(assistant.organization_id):
        raise AssistantNotFound(f"There is no assistant {assistant_id}.")
    return assistant


def has_other_assistants(assistant: Assistant) -> bool:
    """Return whether the organization of an assistant has others."""
    others = exists().where(Assistant.organization_id == assistant.organization_id, Assistant.id != assistant.id)
    return bool(db.session.scalar(select(others)))


def has_voices(organization_id: int) -> bool:
    """Return whether an organization has voices."""
    return bool(db.session.scalar(select(exists().where(ClonedVoice.organization_id == organization_id))))


def organization_target(organization: Organization) -> AuditTarget:
    """Return an organization as the target of an audit event."""
    return AuditTarget(ObjectKind.ORGANIZATION, organization.id, organization.name)


def assistant_target(assistant: Assistant) -> AuditTarget:
    """Return an assistant as the target of an audit event."""
    return AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name)
