"""Plan and write the organization and the assistants of a source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.errors import SourceRefused
from voiceadmin.organizations.models import Assistant, AssistantVoice, Organization
from voiceadmin.sources.clients.types import PlatformAssistant, VoiceReference
from voiceadmin.sources.models import Source
from voiceadmin.text import MAX_ID, build_name_key, parse_integer
from voiceadmin.voices.types.provider import normalize_provider

OTHER_VOICES = "other_voices"  # of an AssistantChange: what is stored in AssistantVoice

SPOKEN_FIELD_OF_INWORLD = "tts_settings.provider_config.custom_voice_id"  # replaces voice_id if it is set


class OrganizationPlan(NamedTuple):
    """The organization of a source.

    Attributes:
        id: None if it does not exist yet.
        name: of the organization.
        upstream_id: the platform's id of it, to be stored; None if nothing is to be stored.
        is_assigned: whether the source gets it only now.
    """

    id: int | None
    name: str
    upstream_id: int | None
    is_assigned: bool


def plan_organization(source: Source, upstream_id: str, name: str) -> OrganizationPlan:
    """Return which organization a source gets. Writes nothing.

    Args:
        source: the source.
        upstream_id: the platform's id of the organization to which the key belongs; "" if it does not tell it.
        name: its name on the platform.

    Raises:
        SourceRefused: if the key belongs to another organization than the source.
    """
    if not upstream_id:
        own = db.session.get_one(Organization, _require_owner(source))
        return OrganizationPlan(own.id, own.name, None, is_assigned=False)
    number = _parse_upstream_id(upstream_id)
    known = _find_by_upstream_id(number)
    if source.organization_id is None:
        if known is None:
            return OrganizationPlan(None, name or f"Organization {number}", number, is_assigned=True)
        return OrganizationPlan(known.id, known.name, None, is_assigned=True)
    own = db.session.get_one(Organization, source.organization_id)
    if known is not None and known.id != own.id:
        raise SourceRefused(f"The key belongs to the organization “{known.name}” ({known.id}), not to “{own.name}”.")
    if known is None and own.upstream_id not in (None, number):
        raise SourceRefused(f"The key belongs to another organization ({upstream_id}) than “{own.name}”.")
    return OrganizationPlan(own.id, own.name, None if known else number, is_assigned=False)


def write_organization(source: Source, plan: OrganizationPlan) -> int:
    """Write the organization of a source, and return its id. Call inside a write transaction."""
    if plan.id is None:
        organization = Organization(name=plan.name, upstream_id=plan.upstream_id)
        db.session.add(organization)
        db.session.flush()
    else:
        organization = db.session.get_one(Organization, plan.id)
        organization.upstream_id = plan.upstream_id or organization.upstream_id
    source.organization_id = organization.id
    db.session.flush()
    return organization.id


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


class AssistantChange(NamedTuple):
    """An assistant to write.

    Attributes:
        before: the fields that differ; None for a new one.
        after: the fields that it gets.
    """

    id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class AssistantPlan(NamedTuple):
    """The assistants to write.

    Attributes:
        skipped: how many belong to another organization, here or on the platform.
        owned_elsewhere: those of them that the platform lists in this organization.
    """

    changes: Sequence[AssistantChange]
    skipped: int = 0
    owned_elsewhere: Sequence[int] = ()


def plan_assistants(
    assistants: Sequence[PlatformAssistant], organization_id: int | None, upstream_id: str
) -> AssistantPlan:
    """Return how assistants differ from those that the platform lists. Writes nothing.

    Args:
        assistants: as they are listed.
        organization_id: their organization here; None if it does not exist yet.
        upstream_id: the platform's id of that organization. Assistants that name another one are skipped.
    """
    changes: list[AssistantChange] = []
    skipped, owned_elsewhere = 0, list[int]()
    for batch in split_into_batches(assistants):
        listed = {assistant.id: assistant for assistant in batch}
        existing = {row.id: row for row in db.session.scalars(select(Assistant).where(Assistant.id.in_(listed)))}
        others = _read_other_voices(listed)
        for id, assistant in listed.items():
            row = existing.get(id)
            is_foreign = row is not None and row.organization_id != organization_id
            is_listed_elsewhere = assistant.organization_id not in ("", upstream_id)
            if is_foreign or is_listed_elsewhere:
                skipped += 1
                owned_elsewhere += [] if is_listed_elsewhere or not upstream_id else [id]
            else:
                changes += _compare_assistant(row, others.get(id, []), assistant)
    return AssistantPlan(changes, skipped, owned_elsewhere)


def plan_unnamed_assistants(ids: Sequence[int]) -> AssistantPlan:
    """Return the assistants to create of which only the id is known. Writes nothing."""
    existing = set(db.session.scalars(select(Assistant.id).where(Assistant.id.in_(ids))))
    return AssistantPlan([AssistantChange(id, None, _name(f"Assistant {id}")) for id in ids if id not in existing])


def write_assistants(changes: Iterable[AssistantChange], organization_id: int) -> None:
    """Create or change assistants. Call inside a write transaction, after `lock_organizations`."""
    for change in changes:
        values = dict(change.after)
        others = values.pop(OTHER_VOICES, None)
        if change.before is None:
            db.session.add(Assistant(id=change.id, organization_id=organization_id, **values))
        else:
            row = db.session.get_one(Assistant, change.id)
            for field, value in values.items():
                setattr(row, field, value)
        db.session.flush()
        if others is not None:
            _write_other_voices(change.id, others)


def _read_other_voices(assistant_ids: Collection[int]) -> dict[int, list[list[str]]]:
    """Return the provider and ID of the voices that assistants name besides the one that callers hear, sorted."""
    table, found = AssistantVoice, dict[int, list[list[str]]]()
    rows = select(table.assistant_id, table.provider, table.provider_voice_id)
    for id, *voice in db.session.execute(rows.where(table.assistant_id.in_(assistant_ids))):
        found.setdefault(id, []).append(voice)
    return {id: sorted(voices) for id, voices in found.items()}


def _write_other_voices(assistant_id: int, voices: Sequence[Sequence[str]]) -> None:
    db.session.execute(delete(AssistantVoice).where(AssistantVoice.assistant_id == assistant_id))
    for provider, voice_id in voices:
        db.session.add(AssistantVoice(assistant_id=assistant_id, provider=provider, provider_voice_id=voice_id))
    db.session.flush()


def _compare_assistant(
    row: Assistant | None, other_voices: Sequence[Sequence[str]], assistant: PlatformAssistant
) -> Iterator[AssistantChange]:
    """Yield the change of one assistant, if there is one. other_voices: what is stored of it in AssistantVoice."""
    values = _build_values(assistant)
    if row is None:
        after = {field: value for field, value in values.items() if value or field != OTHER_VOICES}
        yield AssistantChange(assistant.id, None, after)
        return
    current = {field: getattr(row, field) for field in values if field != OTHER_VOICES} | {OTHER_VOICES: other_voices}
    before = {field: current[field] for field, value in values.items() if current[field] != value}
    if before:
        yield AssistantChange(assistant.id, before, {field: values[field] for field in before})


def _build_values(assistant: PlatformAssistant) -> dict[str, Any]:
    """Return what is stored of an assistant that the platform lists."""
    reference = choose_reference(assistant.references)
    return _name(assistant.name.strip() or f"Assistant {assistant.id}") | {
        "active": assistant.is_active,
        "tts_provider": normalize_provider(reference.provider) if reference else None,
        "tts_voice_id": reference.provider_voice_id if reference else None,
        "is_voice_spoken": assistant.is_spoken,
        OTHER_VOICES: _list_other_voices(assistant.references, reference),
    }


def _list_other_voices(references: Sequence[VoiceReference], chosen: VoiceReference | None) -> list[list[str]]:
    """Return the provider and ID of the voices that are named besides the chosen one, sorted."""
    named = {(normalize_provider(reference.provider), reference.provider_voice_id) for reference in references}
    if chosen is not None:
        named.discard((normalize_provider(chosen.provider), chosen.provider_voice_id))
    return [list(voice) for voice in sorted(named)]


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "name_key": build_name_key(name)}


def choose_reference(references: Sequence[VoiceReference]) -> VoiceReference | None:
    """Return the voice that callers hear, as far as the settings tell; None if they name none."""
    for reference in references:
        if reference.field == SPOKEN_FIELD_OF_INWORLD and reference.provider == "inworld":
            return reference
    return references[0] if references else None
