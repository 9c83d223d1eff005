"""Describe the changed values of audit events for people."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

from voiceadmin.audit.types import AuditEventRow
from voiceadmin.identity import Role
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.voices.types.provider import provider_label

# Labels of values whose stored name is not clear to people.
LABELS = {"mute": "finding", "key": "key", "platform": "platform admin", "link": "with", "archived": "status"}

LINK_LABELS = {"setup": "set-up link", "invitation": "invitation", "reset": "password reset link"}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)


class Change(NamedTuple):
    """A changed value as text. before, after: None if the event does not contain it."""

    label: str
    before: str | None
    after: str | None


def describe_changes(event: AuditEventRow) -> list[Change]:
    """Return the changed values of an event, in the order in which they were recorded."""
    before, after = event.before or {}, event.after or {}
    names = list(dict.fromkeys([*before, *after]))
    if "archived" in names and "status" in names:
        names.remove("archived")  # the status says the same
    changes = [
        Change(LABELS.get(name, name.replace("_", " ")), _describe(before, name), _describe(after, name))
        for name in names
    ]
    return [change for change in changes if (change.before, change.after) != (None, None)]


def _describe(values: dict[str, Any], name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    if name in _DESCRIBERS:
        return _DESCRIBERS[name](value)
    return _describe_value(value)


def _describe_value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return _describe_time(value) if _TIME.fullmatch(value) else value


def _describe_time(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat(" ", "seconds")[:19] + " UTC"
    except ValueError:  # such as February 30
        return text


def _describe_archived(value: Any) -> str:
    return "not archived" if value is None else "archived"


def _describe_deletion(value: Any) -> str:
    return "no" if value is None else f"{value['provider_voice_id']} at {provider_label(value['provider'])}"


def _describe_assignee(value: Any) -> str:
    return "unassigned" if value is None else str(value["email"])


def _describe_mute(value: dict[str, dict[str, Any]]) -> str | None:
    """Return the muted findings, such as "Failed, Unused until 2026-12-01"; None if there are none."""
    untils = {_reason_label(slug): mute["until"] for slug, mute in value.items()}
    return ", ".join(f"{label} until {until[:10]}" if until else label for label, until in untils.items()) or None


def _reason_label(slug: str) -> str:
    rule = RULES_BY_SLUG.get(slug)
    return slug if rule is None else rule.label  # a rule of another version has no label


def _describe_filters(value: dict[str, Any]) -> str | None:
    """Return the filters of an export, such as "kind: key-created; who: ada@acme.example"; None for none."""
    parts = [f"{name}: {_describe_filter(values)}" for name, values in value.items() if values not in (None, "", [])]
    return "; ".join(parts) or None


def _describe_filter(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _describe_role(value: Any) -> str:
    try:
        return Role.from_slug(value).label.lower()
    except ValueError:  # of another version
        return str(value)


def _describe_link(value: Any) -> str:
    return LINK_LABELS.get(value, str(value))


_DESCRIBERS = {
    "archived": _describe_archived,
    "assignee": _describe_assignee,
    "deleted_at_provider": _describe_deletion,
    "mute": _describe_mute,
    "filters": _describe_filters,
    "role": _describe_role,
    "link": _describe_link,
    "purpose": _describe_link,
}
