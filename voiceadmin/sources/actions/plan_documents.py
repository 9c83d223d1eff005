"""The difference that a sync would write, as a document: it is printed, saved, and compared before it is applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.platform_planning import OwnerPlan, PlatformPlan
from voiceadmin.sources.actions.provider_planning import ProviderPlan
from voiceadmin.sources.actions.provider_reading import ProviderSnapshot
from voiceadmin.sources.actions.provider_syncing import describe_outcomes
from voiceadmin.sources.actions.provider_voices import COLUMNS, describe_listing
from voiceadmin.sources.actions.reading import PlatformSnapshot
from voiceadmin.sources.clients.outcomes import Broken, Complete, Outcome
from voiceadmin.sources.clients.types import ProviderVoice, SlotReading
from voiceadmin.sources.models import SlotUse, Source, StoredProviderVoice
from voiceadmin.voices.importing.checking import Change
from voiceadmin.voices.importing.plain_records import parse_if_plain
from voiceadmin.voices.importing.reading import read_response
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.json_body import value_to_json, voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow

Entry = dict[str, Any]

Document = dict[str, Any]

HIDDEN = ("name_key",)  # fields that follow from another one


def dump_canonical(value: Any) -> str:
    """Return JSON text that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_to_json)


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def hash_records(records: Iterable[Any]) -> str:
    """Return a hash of records that does not depend on their order."""
    digests = sorted(hashlib.sha256(dump_canonical(record).encode()).digest() for record in records)
    return hashlib.sha256(b"".join(digests)).hexdigest()


def describe_source(source: Source) -> Entry:
    """Return what identifies a source and what it reads. It contains no key."""
    return {
        "id": source.id,
        "kind": source.kind,
        "name": source.name,
        "address": source.address,
        "organization_id": source.organization_id,
        "assistant_ids": source.assistant_ids,
        "created_at": source.created_at.isoformat(),
    }


# The platform


def describe_platform(snapshot: PlatformSnapshot, plan: PlatformPlan) -> Document:
    """Return what a sync of the platform would write."""
    report, differences = plan.report, plan.listed.differences
    changes = _sort(plan.staged)
    names = _find_names([*differences.missing, *differences.returned, *plan.listed.withheld])
    return {
        "upstream": {
            "organization": hash_records([snapshot.upstream_organization]),
            "assistants": _hash_outcome(snapshot.assistants),
            "voices": hash_records(_read_records(snapshot)),
        },
        "messages": plan.messages,
        "unchanged": report.unchanged,
        "differences": {
            "organization": _describe_organization(plan.owner),
            "assistants_added": [
                {"id": id} | _show(after) for id, before, after in plan.owner.assistants.changes if before is None
            ],
            "assistants_changed": [
                {"id": id, "changes": _pair(before, after)}
                for id, before, after in plan.owner.assistants.changes
                if before is not None
            ],
            "voices_added": [voice_to_json(after) for before, after in changes if before is None],
            "voices_changed": [_describe_change(before, after) for before, after in changes if before is not None],
            "records_refused": [_describe_fault(fault) for fault in plan.faults],
            "voices_missing": [{"id": id, "name": names.get(id, "")} for id in differences.missing],
            "voices_returned": [{"id": id, "name": names.get(id, "")} for id in differences.returned],
            "voices_withheld": [{"id": id, "name": names.get(id, "")} for id in plan.listed.withheld],
            "voices_listed_first": [{"id": id} for id in _exclude_added(differences.new, changes)],
        },
    }


def _describe_organization(owner: OwnerPlan) -> list[Entry]:
    """Return what would be written of the organization: one entry, or none."""
    id, name, upstream_id, is_assigned = owner.organization
    if upstream_id is None and not is_assigned:
        return []
    return [{"id": id, "name": name, "upstream_id": upstream_id, "is_new": id is None, "is_assigned": is_assigned}]


def _read_records(snapshot: PlatformSnapshot) -> Iterator[Any]:
    """Yield the records of the list of voices, with what is invalid, and then the notes about its end."""
    notes: list[str] = []
    snapshot.voices.seek(0)
    for record in map(parse_if_plain, read_response(snapshot.voices, notes.append)):
        yield [record.number, list(map(str, record.faults))] if record.row is None else record.row
    yield from notes


def _sort(staged: StagedChanges) -> list[Change]:
    """Return the changes by id, since the order of the list proves nothing."""
    return sorted((change for batch in staged.read_batches() for change in batch), key=lambda change: change.after.id)


def _exclude_added(ids: Sequence[int], changes: Sequence[Change]) -> list[int]:
    """Return the voices that are listed for the first time although they are stored already."""
    added = {change.after.id for change in changes if change.before is None}
    return [id for id in ids if id not in added]


def _describe_change(before: VoiceRow, after: VoiceRow) -> Entry:
    changes = {
        name: [value_to_json(old), value_to_json(new)]
        for name, old, new in zip(VoiceRow._fields, before, after, strict=True)
        if old != new
    }
    return {"id": after.id, "name": after.name, "changes": changes}


def _describe_fault(fault: Fault) -> Entry:
    return {
        "record": fault.record,
        "field": fault.field,
        "value": None if fault.value is None else str(fault.value)[:500],
        "problem": fault.problem,
        "remedy": fault.remedy,
    }


def _find_names(ids: Sequence[int]) -> dict[int, str]:
    """Return the names of stored voices."""
    names: dict[int, str] = {}
    for batch in split_into_batches(ids):
        rows = db.session.execute(select(ClonedVoice.id, ClonedVoice.name).where(ClonedVoice.id.in_(batch)))
        names |= {row.id: row.name for row in rows}
    db.session.rollback()
    return names


def _show(fields: Mapping[str, Any]) -> Entry:
    return {name: value for name, value in fields.items() if name not in HIDDEN}


def _pair(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the old and the new value of each field."""
    return {name: [value, after[name]] for name, value in before.items() if name not in HIDDEN}


# Providers


def describe_provider(source_id: int, snapshot: ProviderSnapshot, plan: ProviderPlan) -> Document:
    """Return what a sync of a provider's source would write."""
    written, source = _sort_written(source_id, plan), require_source(source_id)
    return {
        "upstream": {
            "account": snapshot.account_hash,
            "slots": None if snapshot.slots is None else hash_records(snapshot.slots),
            **{f"list “{name}”": _hash_outcome(outcome) for name, outcome in snapshot.listings.items()},
        },
        "messages": describe_outcomes(snapshot, plan.doubt),
        "unchanged": plan.counts.unchanged,
        "differences": {
            "account": _describe_account(source, snapshot),
            "lists": [_describe_listing(name, outcome, plan.doubt) for name, outcome in snapshot.listings.items()],
            **written,
            "voices_absent": [{"id": id} for id in plan.changes.absent if not plan.is_account_doubted],
            "voices_withheld": _describe_withheld(snapshot, plan),
            "look_ups": [{"id": id} for id in plan.look_ups],
            "answers_removed": [{"id": id} for id in plan.refuted],
            "slots": [] if plan.is_account_doubted else _describe_slots(source_id, snapshot, plan),
        },
    }


def _describe_account(source: Source, snapshot: ProviderSnapshot) -> list[Entry]:
    """Return what would be written of the account: one entry, or none."""
    if not snapshot.account_hash or snapshot.account_hash == source.account_hash:
        return []
    return [{"name": "another account than before" if source.account_hash else "seen for the first time"}]


def _sort_written(source_id: int, plan: ProviderPlan) -> dict[str, list[Entry]]:
    """Return the voices to write by what is new about them."""
    sections: dict[str, list[Entry]] = {"voices_listed_first": [], "voices_changed": [], "voices_returned": []}
    if plan.is_account_doubted:
        return sections
    stored = _read_stored(source_id)
    for row in plan.changes.written:
        after = dict(zip(COLUMNS[1:-2], row[1:-2], strict=True))
        before = stored.get(row[1])
        entry = {"id": row[1], "name": after["name"]}
        if before is None:
            sections["voices_listed_first"].append({"id": row[1]} | _show_voice(after))
            continue
        changes = {
            name: [_convert(before[name]), _convert(after[name])] for name in after if before[name] != after[name]
        }
        name = "voices_changed" if before["absent_since"] is None else "voices_returned"
        sections[name].append(entry | {"changes": changes})
    return sections


def _read_stored(source_id: int) -> dict[str, Mapping[str, Any]]:
    columns = [getattr(StoredProviderVoice, name) for name in COLUMNS[1:]]
    rows = db.session.execute(select(*columns).filter_by(source_id=source_id)).mappings().all()
    db.session.rollback()
    return {row["voice_id"]: dict(row) for row in rows}


def _show_voice(fields: Mapping[str, Any]) -> Entry:
    """Return the fields that a provider has filled."""
    return {name: _convert(value) for name, value in fields.items() if name != "voice_id" and value not in ("", None)}


def _convert(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _hash_outcome(outcome: Outcome[Any]) -> str:
    """Return a hash of a listing: its items, and why it is not complete."""
    end = "" if isinstance(outcome, Complete) else outcome.fault.message
    return hash_records([[type(outcome).__name__, end], *(() if isinstance(outcome, Broken) else outcome.items)])


def _describe_listing(name: str, outcome: Outcome[ProviderVoice], doubt: str) -> Entry:
    result, message = describe_listing(outcome, doubt)
    count = 0 if isinstance(outcome, Broken) else len(outcome.items)
    return {"name": name, "result": result, "voices": count, "message": message}


def _describe_withheld(snapshot: ProviderSnapshot, plan: ProviderPlan) -> list[Entry]:
    """Return the voices that the lists lack, and about which nothing is concluded."""
    if snapshot.is_complete and not plan.doubt:
        return []
    labels = {"absent": "listed before", "lacking": "named by the platform"}
    return [{"id": id, "why": labels[name]} for name, ids in plan.withheld.items() for id in ids]


def _describe_slots(source_id: int, snapshot: ProviderSnapshot, plan: ProviderPlan) -> list[Entry]:
    """Return the slots whose numbers would change, old and new."""
    stored = {row.kind: row for row in db.session.scalars(select(SlotUse).filter_by(source_id=source_id))}
    entries = []
    for reading in snapshot.slots or ():
        row = stored.get(reading.kind.value)
        old = (row.used, row.slot_limit) if row else (None, None)
        used = _count_used(reading, snapshot, plan, old[0])
        if row is None or old != (used, reading.limit):
            entries.append({"kind": reading.kind.value, "used": [old[0], used], "limit": [old[1], reading.limit]})
    db.session.rollback()
    return entries


def _count_used(reading: SlotReading, snapshot: ProviderSnapshot, plan: ProviderPlan, before: int | None) -> int | None:
    if reading.used is not None:
        return reading.used
    if not snapshot.is_complete or plan.doubt:
        return before
    return sum(voice.slot is reading.kind for voice in plan.listed.values())
