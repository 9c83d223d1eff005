"""Read organizations and assistants that a scope covers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, true

from voiceadmin.database.base import db
from voiceadmin.database.dialect import compile_select, fetch_first_row
from voiceadmin.database.models import DatabaseIdentity
from voiceadmin.errors import AssistantNotFound, OrganizationNotFound
from voiceadmin.identity import OrganizationId, Scope
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.organizations.types import AssistantRow, OrganizationRow

_Colleague = Assistant.__table__.alias("colleague")


ORGANIZATION_COLUMNS = [
    Organization.id,
    Organization.name,
    select(func.count())
    .select_from(_Colleague)
    .where(_Colleague.c.organization_id == Organization.id)
    .scalar_subquery()
    .label("assistants"),
    Organization.revision,
    select(DatabaseIdentity.name).scalar_subquery().label("store"),
]


_ASSISTANT_COLUMNS = [
    Assistant.id,
    Assistant.name,
    Assistant.active,
    Assistant.tts_provider,
    Assistant.tts_voice_id,
]


def build_organization_row(values: tuple[Any, ...]) -> OrganizationRow:
    """The values of ORGANIZATION_COLUMNS."""
    id, name, assistants, number, store = values
    return OrganizationRow(OrganizationId(id), name, assistants, revision(id, store, number))


def revision(organization_id: int, store: str, number: int) -> str:
    """A word that no other state of any organization's voices has, in whichever store."""
    return f"{store}/{organization_id}/{number}"


def select_assistants() -> Any:
    """All assistants with their organizations, for `build_assistant_row`."""
    return select(*_ASSISTANT_COLUMNS, *ORGANIZATION_COLUMNS).join_from(Assistant, Organization)


def build_assistant_row(row: Any) -> AssistantRow:
    """A row of `select_assistants`."""
    split = len(_ASSISTANT_COLUMNS)
    return AssistantRow._make((*row[:split], build_organization_row(tuple(row[split:]))))


def restrict_to_scope(scope: Scope, column: Any) -> ColumnElement[bool]:
    """The condition that a column of organization ids stays inside a scope."""
    return true() if scope.organizations is None else column.in_(sorted(scope.organizations))


_ONE = compile_select(select_assistants().where(Assistant.id == bindparam("id")))


_OWNER = (
    "SELECT organization.id, database_identity.name, organization.revision FROM assistant"
    " JOIN organization ON organization.id = assistant.organization_id CROSS JOIN database_identity"
    " WHERE assistant.id = :id"
)


def get_assistant(scope: Scope, assistant_id: int) -> AssistantRow:
    """One assistant, in one statement. Raises AssistantNotFound."""
    row = db.session.execute(_ONE, {"id": assistant_id}).one_or_none()
    assistant = None if row is None else build_assistant_row(row)
    if assistant is None or not scope.covers(assistant.organization.id):
        raise AssistantNotFound(f"Assistant with ID {assistant_id} not found")
    return assistant


def get_assistant_organization(scope: Scope, assistant_id: int) -> tuple[OrganizationId, str] | None:
    """Our id of the organization whose voices an assistant can use, and its revision; None if it is not there.

    Programs ask for this every few seconds, so it reads nothing else.
    """
    row = fetch_first_row(_OWNER, {"id": assistant_id})
    return None if row is None or not scope.covers(row[0]) else (OrganizationId(row[0]), revision(*row))


def find_example_assistant(scope: Scope, preferred: int) -> int | None:
    """The id of an assistant to show as an example, if possible the preferred one; None if there is none."""
    found = select(Assistant.id).where(restrict_to_scope(scope, Assistant.organization_id))
    return db.session.scalar(found.order_by((Assistant.id == preferred).desc(), Assistant.id).limit(1))


def get_organization(scope: Scope, organization_id: int) -> OrganizationRow:
    """One organization by our id, in one statement. Raises OrganizationNotFound."""
    row = db.session.execute(select(*ORGANIZATION_COLUMNS).where(Organization.id == organization_id)).one_or_none()
    if row is None or not scope.covers(organization_id):
        raise OrganizationNotFound(f"There is no organization {organization_id}.")
    return build_organization_row(tuple(row))


def list_organizations(scope: Scope) -> dict[int, str]:
    """The names of all organizations by our id, ordered by name and id."""
    found = select(Organization.id, Organization.name).where(restrict_to_scope(scope, Organization.id))
    rows = db.session.execute(found.order_by(Organization.name, Organization.id))
    return {row.id: row.name for row in rows}


def scope_sql(scope: Scope, column: str) -> str:
    """Return the SQL condition that a column of organization ids is in a scope; it names :organizations."""
    return "TRUE" if scope.organizations is None else f"{column} IN :organizations"


def scope_parameters(scope: Scope) -> dict[str, list[int]]:
    """Return the parameters that `scope_sql` names."""
    return {} if scope.organizations is None else {"organizations": sorted(scope.organizations)}
