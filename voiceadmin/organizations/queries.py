"""Read organizations and assistants within a scope."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, true

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all, fetch_first_row
from voiceadmin.database.models import DatabaseIdentity
from voiceadmin.errors import AssistantNotFound, ChangeRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, OrganizationId, Scope
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.organizations.types import AssistantRow, OrganizationChoices, OrganizationRow
from voiceadmin.text import MAX_ID, fold_case, parse_integer, quote_value, shorten

_CountedAssistant = Assistant.__table__.alias("counted_assistant")


ORGANIZATION_COLUMNS = [
    Organization.id,
    Organization.name,
    select(func.count())
    .select_from(_CountedAssistant)
    .where(_CountedAssistant.c.organization_id == Organization.id)
    .scalar_subquery()
    .label("assistant_count"),
    Organization.revision,
    select(DatabaseIdentity.name).scalar_subquery().label("database_identity"),
]


_ASSISTANT_COLUMNS = [
    Assistant.id,
    Assistant.name,
    Assistant.active,
    Assistant.tts_provider,
    Assistant.tts_voice_id,
    Assistant.is_voice_spoken,
]


def build_organization_row(values: tuple[Any, ...]) -> OrganizationRow:
    """Return the organization in the values of ORGANIZATION_COLUMNS."""
    id, name, assistant_count, revision, database_identity = values
    return OrganizationRow(OrganizationId(id), name, assistant_count, format_revision(id, database_identity, revision))


def format_revision(organization_id: int, database_identity: str, revision: int) -> str:
    """Return a text that identifies the state of an organization's voices across all databases."""
    return f"{database_identity}/{organization_id}/{revision}"


def select_assistants() -> Any:
    """Return a statement that selects assistants with their organizations, for `build_assistant_row`."""
    return select(*_ASSISTANT_COLUMNS, *ORGANIZATION_COLUMNS).join_from(Assistant, Organization)


def build_assistant_row(row: Any) -> AssistantRow:
    """Return the assistant in a row of `select_assistants`."""
    id, name, active, tts_provider, tts_voice_id, is_voice_spoken, *organization = row
    owner = build_organization_row(tuple(organization))
    return AssistantRow(id, name, bool(active), tts_provider, tts_voice_id, bool(is_voice_spoken), owner)


def restrict_to_scope(scope: Scope, column: Any) -> ColumnElement[bool]:
    """Return the condition that a column of organization ids is in a scope."""
    return true() if scope.organizations is None else column.in_(sorted(scope.organizations))


_ASSISTANT_BY_ID = str(select_assistants().where(Assistant.id == bindparam("id")))


_ORGANIZATION_OF_ASSISTANT = (
    "SELECT organization.id, database_identity.name, organization.revision FROM assistant"
    " JOIN organization ON organization.id = assistant.organization_id CROSS JOIN database_identity"
    " WHERE assistant.id = :id"
)


def get_assistant(scope: Scope, assistant_id: int) -> AssistantRow:
    """Return one assistant, with one statement.

    Raises:
        AssistantNotFound: If there is no such assistant in the scope.
    """
    row = fetch_first_row(_ASSISTANT_BY_ID, {"id": assistant_id})
    assistant = None if row is None else build_assistant_row(row)
    if assistant is None or not scope.covers(assistant.organization.id):
        raise AssistantNotFound(f"Assistant with ID {assistant_id} not found")
    return assistant


def get_assistant_organization(scope: Scope, assistant_id: int) -> tuple[OrganizationId, str] | None:
    """Return the id and revision of an assistant's organization, or None if the assistant is not in the scope.

    Programs poll the JSON route every few seconds, so this reads nothing else and bypasses SQLAlchemy.
    """
    row = fetch_first_row(_ORGANIZATION_OF_ASSISTANT, {"id": assistant_id})
    return None if row is None or not scope.covers(row[0]) else (OrganizationId(row[0]), format_revision(*row))


def find_example_assistant(scope: Scope, preferred: int) -> int | None:
    """Return the id of an assistant for an example, the preferred one if it exists, or None if there is none."""
    assistants = select(Assistant.id).where(restrict_to_scope(scope, Assistant.organization_id))
    return db.session.scalar(assistants.order_by((Assistant.id == preferred).desc(), Assistant.id).limit(1))


def get_organization(scope: Scope, organization_id: int) -> OrganizationRow:
    """Return one organization by its id in this database, with one statement.

    Raises:
        OrganizationNotFound: If there is no such organization in the scope.
    """
    row = db.session.execute(select(*ORGANIZATION_COLUMNS).where(Organization.id == organization_id)).one_or_none()
    if row is None or not scope.covers(organization_id):
        raise OrganizationNotFound(f"There is no organization {organization_id}.")
    return build_organization_row(tuple(row))


def list_organizations(scope: Scope) -> dict[int, str]:
    """Return the names of the organizations in a scope by id, in the order of their names, without merged ones."""
    is_listed = (Organization.merged_into_id.is_(None), restrict_to_scope(scope, Organization.id))
    organizations = select(Organization.id, Organization.name).where(*is_listed)
    rows = db.session.execute(organizations.order_by(Organization.name, Organization.id))
    return {row.id: row.name for row in rows}


MAX_LISTED = 50  # organizations in a select box; more would be most of the page
MAX_SHOWN = 100  # characters of a name in a text field


def list_organization_choices(scope: Scope) -> OrganizationChoices:
    """Return the organizations of a scope for the field of a form, without merged ones.

    Reads at most one more than can be listed: there may be thousands.
    """
    few = f"SELECT id, name FROM organization WHERE {_is_listed(scope)} LIMIT {MAX_LISTED + 1}"
    rows = fetch_all(f"SELECT id, name FROM ({few}) AS few ORDER BY name, id", scope_parameters(scope))
    listed = None if len(rows) > MAX_LISTED else {row.id: row.name for row in rows}
    return OrganizationChoices(listed, partial(find_organizations, scope))


def find_organizations(scope: Scope, text: str) -> Mapping[int, str]:
    """Return the organizations of a scope that a text names, by id in the order of their names.

    That is the one with this id, or written as `format_organization` does; otherwise those with this name, or with this
    name in another case; otherwise those that have the text in their name.
    """
    written = _ENDS_WITH_ID.search(text)
    number = parse_integer(text if written is None else written[1])
    if number is not None and 0 < number <= MAX_ID:
        name = get_organization_name(scope, number)
        if name is not None and (written is None or text == format_organization(number, name)):
            return {number: name}
    return _find_by_name(list_organizations(scope), text)


_ENDS_WITH_ID = re.compile(r"\(([0-9]+)\)$", re.ASCII)


def format_organization(organization_id: int, name: str) -> str:
    """Return an organization as a text field shows it: "Acme (12)". Names may be long or not printable."""
    printable = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", name))
    return f"{shorten(' '.join(printable.split()), MAX_SHOWN) or '(no name)'} ({organization_id})"


def get_organization_name(scope: Scope, organization_id: int) -> str | None:
    row = fetch_all(
        f"SELECT name FROM organization WHERE id = :id AND {_is_listed(scope)}",
        {"id": organization_id, **scope_parameters(scope)},
    )
    return row[0].name if row else None


def _find_by_name(names: Mapping[int, str], text: str) -> Mapping[int, str]:
    same = {id: name for id, name in names.items() if name == text}
    if same:
        return same
    key, keys = fold_case(text), {id: fold_case(name) for id, name in names.items()}
    equal = {id: names[id] for id, folded in keys.items() if folded == key}
    return equal or {id: names[id] for id, folded in keys.items() if key in folded}


def _is_listed(scope: Scope) -> str:
    return f"merged_into_id IS NULL AND {scope_sql(scope, 'id')}"


def scope_sql(scope: Scope, column: str) -> str:
    """Return the SQL condition that a column of organization ids is in a scope; its parameter is :organizations."""
    return "TRUE" if scope.organizations is None else f"{column} IN :organizations"


def scope_parameters(scope: Scope) -> dict[str, list[int]]:
    """Return the parameters that `scope_sql` names."""
    return {} if scope.organizations is None else {"organizations": sorted(scope.organizations)}


def find_organization_id(text: str) -> int:
    """Return the id of the organization with this name, or with this id.

    Raises:
        OrganizationNotFound: if there is none.
        ChangeRefused: if several organizations have the name.
    """
    names = list_organizations(EVERYTHING)
    number = parse_integer(text)
    if number is not None and number in names:
        return number
    ids = [id for id, name in names.items() if name == text]
    if not ids:
        raise OrganizationNotFound(f"There is no organization {quote_value(text)}.")
    if len(ids) > 1:
        raise ChangeRefused(f"Several organizations have the name {quote_value(text)}. Give the id of one: {ids}.")
    return ids[0]
