"""The assistant and the organization that imported voices belong to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.errors import ImportRefused
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.text import MAX_ID, build_name_key, find_invisible_character, parse_integer
from voiceadmin.voices.json_body import InvalidValue, parse_name


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The assistant whose organization gets the voices.

    Attributes:
        assistant_id: an unknown assistant is created.
        assistant_name: None leaves the name as it is; a new assistant is called "Assistant ID" then.
        organization: name or id of the organization of a new assistant. A name that does not exist creates an
            organization; None creates one with the name of the assistant.
    """

    assistant_id: int
    assistant_name: str | None = None
    organization: str | None = None


def find_target_organization_id(target: ImportTarget) -> int | None:
    """Return the id of the organization that will get the voices, None if it does not exist yet. Writes nothing.

    Raises:
        ImportRefused: if the id or a name is invalid, or the assistant belongs to another organization.
    """
    if not 1 <= target.assistant_id <= MAX_ID:
        raise ImportRefused(f"The id of an assistant is from 1 to {MAX_ID}, not {target.assistant_id}.")
    name = _parse_option(target.assistant_name, "--assistant-name")
    if name is not None:
        _refuse_invisible_characters(name, "--assistant-name")
    organization = _find_organization(target)
    assistant = db.session.get(Assistant, target.assistant_id)
    if assistant is None:
        return None if organization is None else organization.id
    _check_organization(assistant, organization)
    return assistant.organization_id


def resolve_target(target: ImportTarget) -> int:
    """Find or create the assistant, and return the id of its organization. Call inside a write transaction.

    Raises:
        ImportRefused: as find_target_organization_id.
    """
    find_target_organization_id(target)
    name = _parse_option(target.assistant_name, "--assistant-name")
    assistant = db.session.get(Assistant, target.assistant_id)
    if assistant is None:
        assistant = _create_assistant(target.assistant_id, name, _find_organization(target))
    elif name is not None:
        assistant.name, assistant.name_key = name, build_name_key(name)
    db.session.flush()
    return assistant.organization_id


def _create_assistant(id: int, name: str | None, organization: Organization | None) -> Assistant:
    name = name or f"Assistant {id}"
    organization = organization or Organization(name=name)
    db.session.add(organization)
    db.session.flush()
    assistant = Assistant(id=id, organization_id=organization.id, name=name, name_key=build_name_key(name))
    db.session.add(assistant)
    return assistant


def _check_organization(assistant: Assistant, named: Organization | None) -> None:
    """Refuse an existing assistant together with another organization than its own."""
    if named is not None and named.id != assistant.organization_id:
        owner = db.session.get_one(Organization, assistant.organization_id)
        raise ImportRefused(
            f"Assistant {assistant.id} belongs to the organization “{owner.name}” ({owner.id}), "
            f"not to “{named.name}”. Remove --organization."
        )


def _find_organization(target: ImportTarget) -> Organization | None:
    """Return the organization of the target, created if it does not exist; None if the target has none."""
    name = _parse_option(target.organization, "--organization")
    if name is None:
        return None
    id = parse_integer(name)
    if id is None:
        return _find_organization_by_name(name, target.assistant_id)
    organization = db.session.get(Organization, id) if 1 <= id <= MAX_ID else None
    if organization is None or organization.merged_into_id is not None:
        raise ImportRefused(f"There is no organization {name}. Give a name to create one.")
    return organization


def _find_organization_by_name(name: str, assistant_id: int) -> Organization:
    """Return the organization with this name, that of the assistant if there are several; a new one if none."""
    is_named = (Organization.name == name, Organization.merged_into_id.is_(None))
    found = db.session.scalars(select(Organization).where(*is_named).order_by(Organization.id).limit(10)).all()
    assistant = db.session.get(Assistant, assistant_id)
    for organization in found:
        if assistant is not None and organization.id == assistant.organization_id:
            return organization
    if len(found) > 1:
        ids = ", ".join(str(organization.id) for organization in found)
        raise ImportRefused(f"Several organizations are named “{name}”. Give the id of one of them: {ids}.")
    if found:
        return found[0]
    _refuse_invisible_characters(name, "--organization")
    return Organization(name=name)


def _refuse_invisible_characters(name: str, option: str) -> None:
    """Refuse a new name that could look like another one. Voices and the platform may have such names."""
    character = find_invisible_character(name)
    if character is not None:
        raise ImportRefused(f"{option} contains the invisible character {character}. Type the name again.")


def _parse_option(text: str | None, option: str) -> str | None:
    """Return the validated name of an option, None if the option is absent."""
    if text is None:
        return None
    try:
        name = parse_name(text)
        if not name.strip():
            raise InvalidValue("is blank.", "Give a name or remove the option.")
    except InvalidValue as invalid:
        raise ImportRefused(f"{option} {invalid.problem} {invalid.remedy}") from invalid
    return name
