"""What a sync would write, as lines of text: the first differences of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from voiceadmin.sources.types import SourceKind
from voiceadmin.text import pluralize, quote_value
from voiceadmin.voices.importing.types import Fault

MAX_PRINTED = 20  # differences of a kind

ARROW = "→"

UNWRITTEN = {"lists", "records_refused", "voices_withheld"}  # kinds that change nothing

PLATFORM_HEADINGS = {
    "organization": "Organization",
    "assistants_added": "Assistants to add",
    "assistants_changed": "Assistants to change",
    "voices_added": "Voices to add",
    "voices_changed": "Voices to change",
    "records_refused": "Records that cannot be used",
    "voices_missing": "Voices missing from now on",
    "voices_returned": "Voices listed again",
    "voices_withheld": "Voices that the list lacks, but that do not count as missing",
    "voices_listed_first": "Voices that the source lists for the first time",
}

PROVIDER_HEADINGS = {
    "account": "Account",
    "lists": "Lists",
    "voices_listed_first": "Voices listed for the first time",
    "voices_changed": "Voices to change",
    "voices_returned": "Voices listed again",
    "voices_absent": "Voices that the lists no longer have",
    "voices_withheld": "Voices that the lists lack, but that do not count as absent",
    "look_ups": "Voices to look up",
    "answers_removed": "Answers of look-ups to remove, because a list has the voice",
    "slots": "Slots to change",
}


def format_plan(document: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that describe a document of `plan_sync`."""
    source, differences = document["source"], document["differences"]
    has_changes = any(entries for name, entries in differences.items() if name not in UNWRITTEN)
    result = "write this:" if has_changes else "change nothing."
    yield f"{source['name']}: dry run, nothing was written. A sync would {result}"
    for message in document["messages"]:
        yield f"  {message}"
    headings = PLATFORM_HEADINGS if SourceKind(source["kind"]).is_platform else PROVIDER_HEADINGS
    for name, heading in headings.items():
        yield from _format_section(heading, differences[name], FORMATS.get(name, _format_voice))
    yield f"Unchanged: {pluralize(document['unchanged'], 'voice')}"


def _format_section(
    heading: str, entries: list[dict[str, Any]], format_entry: Callable[[dict[str, Any]], str]
) -> Iterator[str]:
    """Yield the lines of the first entries of a section, none if there are none."""
    if not entries:
        return
    yield f"{heading}: {len(entries):,}"
    yield from (f"  {format_entry(entry)}" for entry in entries[:MAX_PRINTED])
    if len(entries) > MAX_PRINTED:
        yield f"  … and {len(entries) - MAX_PRINTED:,} more"


def _format_voice(entry: dict[str, Any]) -> str:
    """Return the id, and what else is known: name, provider, state, why it is listed here, changed fields."""
    fields = [entry[name] for name in ("provider", "status", "state", "tts_provider", "why") if entry.get(name)]
    name = f"  {quote_value(entry['name'])}" if entry.get("name") else ""
    known = ", ".join([*map(str, fields), *_format_changes(entry.get("changes", {}))])
    return f"{_format_id(entry['id'])}{name}{': ' if known else ''}{known}"


def _format_id(id: int | str) -> str:
    """Return an id of the platform as it is, and one of a provider in quotation marks."""
    return str(id) if isinstance(id, int) else quote_value(id)


def _format_changes(changes: dict[str, list[Any]]) -> list[str]:
    """Return each field with its old and its new value."""
    return [f"{name} {_format(old)} {ARROW} {_format(new)}" for name, (old, new) in changes.items()]


def _format(value: Any) -> str:
    return "none" if value in (None, "") else quote_value(value)


def _format_organization(entry: dict[str, Any]) -> str:
    upstream = "" if entry["upstream_id"] is None else f", with the ID {entry['upstream_id']} on the platform"
    if entry["is_new"]:
        return f"{quote_value(entry['name'])} would be added{upstream}"
    assigned = " would become the organization of the source" if entry["is_assigned"] else " would be changed"
    return f"{quote_value(entry['name'])}{assigned}{upstream}"


def _format_list(entry: dict[str, Any]) -> str:
    return f"{entry['name']}: {entry['result']}, {pluralize(entry['voices'], 'voice')}"


def _format_slots(entry: dict[str, Any]) -> str:
    changes = {name: entry[name] for name in ("used", "limit") if entry[name][0] != entry[name][1]}
    return f"{entry['kind']}: {', '.join(_format_changes(changes)) or 'read for the first time'}"


FORMATS: dict[str, Callable[[dict[str, Any]], str]] = {
    "organization": _format_organization,
    "records_refused": lambda entry: str(Fault(**entry)),
    "account": lambda entry: str(entry["name"]),
    "lists": _format_list,
    "slots": _format_slots,
}
