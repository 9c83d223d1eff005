"""Move an assistant to another organization, and remove assistants and empty organizations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, select, update

from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.management.actions.guards import (
    assistant_target,
    get_assistant,
    get_organization,
    has_other_assistants,
    has_voices,
    organization_target,
)
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, Organization, OrganizationMerge
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.voices.importing.actions import write_transaction_without_import


def move_assistant(scope: Scope, assistant_id: int, organization_id: int, *, by: Actor, now: datetime) -> None:
    """Move an assistant to another organization, whose voices it can use from now on.

    Raises:
        AssistantNotFound, OrganizationNotFound: if one of them does not exist in the scope.
        ChangeRefused: if it is the last assistant of an organization with voices, or an import is running.
    """
    with write_transaction_without_import():
        assistant, target = get_assistant(scope, assistant_id), get_organization(scope, organization_id)
        source = get_organization(scope, assistant.organization_id)
        if source.id == target.id:
            return
        lock_organizations([source.id, target.id])
        _refuse_last_assistant(assistant, source, "Merge the organization instead.")
        assistant.organization_id = target.id
        for table in (Assignment, Mute):
            db.session.execute(
                update(table)
                .where(table.object_kind == ObjectKind.ASSISTANT.value, table.object_id == assistant.id)
                .values(organization_id=target.id)
            )
        record_event(
            AuditEventType.ASSISTANT_MOVED,
            assistant_target(assistant),
            by=by,
            now=now,
            organizations=[source.id, target.id],
            before={"organization": source.name},
            after={"organization": target.name},
        )


def remove_assistant(scope: Scope, assistant_id: int, *, by: Actor, now: datetime) -> str:
    """Remove an assistant and return its name. An import for it adds it again.

    Raises:
        AssistantNotFound: if there is no such assistant in the scope.
        ChangeRefused: if it is the last assistant of an organization with voices, or an import is running.
    """
    with write_transaction_without_import():
        assistant = get_assistant(scope, assistant_id)
        organization = get_organization(scope, assistant.organization_id)
        lock_organizations([organization.id])
        _refuse_last_assistant(assistant, organization, "Keep it, or merge the organization into another one first.")
        for table in (Assignment, Mute):
            is_about = (table.object_kind == ObjectKind.ASSISTANT.value, table.object_id == assistant.id)
            db.session.execute(delete(table).where(*is_about))
        db.session.delete(assistant)
        target = assistant_target(assistant)
        facts = {"organization": organization.name}
        record_event(
            AuditEventType.ASSISTANT_REMOVED, target, by=by, now=now, organizations=[organization.id], before=facts
        )
        return target.name


def _refuse_last_assistant(assistant: Assistant, organization: Organization, remedy: str) -> None:
    if has_voices(organization.id) and not has_other_assistants(assistant):
        raise ChangeRefused(
            f"“{assistant.name}” is the only assistant of “{organization.name}”, whose voices would belong to none. "
            f"{remedy}"
        )


def remove_organization(scope: Scope, organization_id: int, *, by: Actor, now: datetime) -> str:
    """Remove an organization that has neither assistants nor voices, with the roles in it, and return its name.

    Raises:
        OrganizationNotFound: if there is no such organization in the scope.
        ChangeRefused: if it is not empty, another organization was merged into it, or an import is running.
    """
    with write_transaction_without_import():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        organization = get_organization(scope, organization_id)
        lock_organizations([organization.id])
        has_assistants = exists().where(Assistant.organization_id == organization.id)
        if has_voices(organization.id) or db.session.scalar(select(has_assistants)):
            raise ChangeRefused(
                f"“{organization.name}” still has assistants or voices. "
                "Remove its assistants, or merge it into another organization."
            )
        if db.session.scalar(select(exists().where(OrganizationMerge.target_id == organization.id))):
            raise ChangeRefused(f"Other organizations were merged into “{organization.name}”. It keeps their history.")
        target = organization_target(organization)
        db.session.execute(delete(OrganizationMerge).where(OrganizationMerge.source_id == organization.id))
        db.session.delete(organization)
        record_event(AuditEventType.ORGANIZATION_REMOVED, target, by=by, now=now)
        return target.name
