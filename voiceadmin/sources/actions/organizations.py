"""Write the organization and the assistants of a source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.errors import SourceRefused
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sources.clients.types import PlatformAssistant, VoiceReference
from voiceadmin.sources.models import Source
from voiceadmin.text import MAX_ID, build_name_key, parse_integer, pluralize
from voiceadmin.voices.types.provider import normalize_provider

SPOKEN_FIELD_OF_INWORLD = "tts_settings.provider_config.custom_voice_id"  # replaces voice_id if it is set


def resolve_organization(source: Source, upstream_id: str, name: str) -> int:
    """Return the id of the organization of a source, created if the source has none. Call inside a write transaction.

    Args:
        upstream_id: the platform's id of the organization to which the key belongs; "" if it does not tell it.
        name: its name on the platform.

    Raises:
        SourceRefused: if the key belongs to another organization than the source.
    """
    if not upstream_id:
        return _require_owner(source)
    number = _parse_upstream_id(upstream_id)
    known = _find_by_upstream_id(number)
    if source.organization_id is None:
        source.organization_id = known.id if known else _create_organization(number, name)
    own = db.session.get_one(Organization, source.organization_id)
    if known is not None and known.id != own.id:
        raise SourceRefused(f"The key belongs to the organization “{known.name}” ({known.id}), not to “{own.name}”.")
    if known is None and own.upstream_id not in (None, number):
        raise SourceRefused(f"The key belongs to another organization ({upstream_id}) than “{own.name}”.")
    if known is None:
        own.upstream_id = number
    db.session.flush()
    return own.id


def _require_owner(source: Source) -> int:
    """Return the organization that was selected when the source was added."""
    if source.organization_id is None:
        raise SourceRefused(f"The source “{source.name}” has no organization. Add it again with one.")
    return source.organization_id


def _parse_upstream_id(text: str) -> int | None:
    """Return the platform's id of an organization, None if it is not a number that the database can store."""
    number = parse_integer(text)
    return number if number is not None and 0 < number <= MAX_ID else None


def _find_by_upstream_id(number: int | None) -> Organization | None:
    """Return the organization with this id on the platform; the one into which it was merged, if it was."""
    if number is None:
        return None
    found = db.session.scalar(select(Organization).where(Organization.upstream_id == number))
    while found is not None and found.merged_into_id is not None:
        found = db.session.get(Organization, found.merged_into_id)
    return found


def _create_organization(number: int | None, name: str) -> int:
    organization = Organization(name=name or f"Organization {number}", upstream_id=number)
    db.session.add(organization)
    db.session.flush()
    return organization.id


def write_assistants(
    assistants: Iterable[PlatformAssistant], organization_id: int, upstream_id: str
) -> tuple[int, Sequence[str]]:
    """Create or change assistants as the platform lists them. Call inside a write transaction.

    Args:
        assistants: as they are listed.
        organization_id: their organization here.
        upstream_id: the platform's id of that organization. Assistants that name another one are skipped.

    Returns:
        How many were created or changed, and why others were skipped.
    """
    lock_organizations([organization_id])
    listed = {assistant.id: assistant for assistant in assistants}
    existing = {row.id: row for row in db.session.scalars(select(Assistant).where(Assistant.id.in_(listed)))}
    owners = {id: row.organization_id for id, row in existing.items()}
    own = {
        id: assistant
        for id, assistant in listed.items()
        if owners.get(id, organization_id) == organization_id and assistant.organization_id in ("", upstream_id)
    }
    changed = sum(_write_assistant(existing.get(id), assistant, organization_id) for id, assistant in own.items())
    db.session.flush()
    count = len(listed) - len(own)
    problem = f"Skipped because of another organization: {pluralize(count, 'assistant')}."
    return changed, [problem] if count else []


def add_assistants(ids: Sequence[int], organization_id: int) -> int:
    """Create assistants of which only the id is known, unless they exist. Return their number."""
    existing = set(db.session.scalars(select(Assistant.id).where(Assistant.id.in_(ids))))
    names = {id: f"Assistant {id}" for id in ids if id not in existing}
    for id, name in names.items():
        db.session.add(Assistant(id=id, organization_id=organization_id, name=name, name_key=build_name_key(name)))
    db.session.flush()
    return len(names)


def _write_assistant(row: Assistant | None, assistant: PlatformAssistant, organization_id: int) -> bool:
    """Write one assistant. Return whether it was created or changed."""
    reference = choose_reference(assistant.references)
    name = assistant.name.strip() or f"Assistant {assistant.id}"
    values = {
        "name": name,
        "name_key": build_name_key(name),
        "active": assistant.is_active,
        "tts_provider": normalize_provider(reference.provider) if reference else None,
        "tts_voice_id": reference.provider_voice_id if reference else None,
    }
    if row is None:
        db.session.add(Assistant(id=assistant.id, organization_id=organization_id, **values))
        return True
    changes = {field: value for field, value in values.items() if getattr(row, field) != value}
    for field, value in changes.items():
        setattr(row, field, value)
    return bool(changes)


def choose_reference(references: Sequence[VoiceReference]) -> VoiceReference | None:
    """Return the voice that callers hear, as far as the settings tell; None if they name none."""
    for reference in references:
        if reference.field == SPOKEN_FIELD_OF_INWORLD and reference.provider == "inworld":
            return reference
    return references[0] if references else None
