"""Describe the changed values of audit events for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.cleanup.types.prices import format_amount
from voiceadmin.identity import Role
from voiceadmin.sources.types import SourceKind
from voiceadmin.tabular import ExportFormat
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.types import UNASSIGNED
from voiceadmin.voices.types.filters import VoiceUse
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.quality import NOT_SCORED, NOT_SCORED_LABEL, QualityTier
from voiceadmin.voices.types.status import VoiceStatus

# Labels of values whose stored name is not clear to people.
LABELS = {
    "archived": "Status",
    "chosen": "Selected",
    "created_at": "Created",
    "email": "E-mail",
    "expires_at": "Expires",
    "filters": "Exported",
    "last_used_at": "Last used",
    "link": "With",
    "mute": "Finding",
    "platform": "Platform admin",
    "provider_voice_id": "Provider voice ID",
    "purpose": "Link",
    "q": "Search",
    "since": "From",
    "synthesis_count": "Syntheses",
    "until": "To",
    "voice": "Voice ID",
    "works": "Key works",
}

LINK_LABELS = {"setup": "set-up link", "invitation": "invitation", "reset": "password reset link"}

# What an export without filters contains, by the name of the object of the event.
WHOLE_LISTS = {
    "activity": "all events",
    "assistants": "all assistants",
    "keys": "all API keys",
    "people": "all people",
    "providers": "all providers",
    "triage": "all findings",
}

# Filters that do not choose what an export contains, or that the organization of the event says.
HIDDEN_FILTERS = {"after", "older", "organization", "page", "size", "sort"}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)


class Change(NamedTuple):
    """A changed value as text. before, after: None if the event does not contain it."""

    label: str
    before: str | None
    after: str | None


def describe_changes(event: AuditEventRow) -> list[Change]:
    """Return the changed values of an event, in the order in which they were recorded."""
    before, after = _join_price(event.before or {}), _join_price(event.after or {})
    names = list(dict.fromkeys([*before, *after]))
    if "archived" in names and "status" in names:
        names.remove("archived")  # the status says the same
    changes = [Change(_label(name), _describe(before, name, event), _describe(after, name, event)) for name in names]
    return [change for change in changes if (change.before, change.after) != (None, None)]


def describe_role(slug: str) -> str:
    """Return the label of a role, such as "platform admin"."""
    try:
        return Role.from_slug(slug).label.lower()
    except ValueError:  # of another version
        return slug


def describe_link(purpose: str) -> str:
    """Return the label of the purpose of a one-time link."""
    return LINK_LABELS.get(purpose, purpose)


def _label(name: str) -> str:
    return LABELS.get(name) or _spell_out(name).capitalize()


def _spell_out(name: str) -> str:
    return name.replace("_", " ")


def _join_price(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with amount, currency and date of a price as one value."""
    if "cents" not in values:
        return dict(values)
    rest = {name: value for name, value in values.items() if name not in ("cents", "currency", "as_of")}
    price = format_amount(values["cents"], values.get("currency", ""))
    return {"price": f"{price} of {values['as_of']}" if "as_of" in values else price, **rest}


def _describe(values: Mapping[str, Any], name: str, event: AuditEventRow) -> str | None:
    if name not in values:
        return None
    value = values[name]
    if name == "filters":
        return _describe_filters(value, event)
    return _DESCRIBERS.get(name, _describe_value)(value)


def _describe_value(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return "; ".join(f"{_spell_out(name)} {_describe_value(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_describe_value, value))
    return _describe_time(str(value)) if _TIME.fullmatch(str(value)) else str(value)


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


def _describe_expiry(value: Any) -> str:
    return "never" if value is None else _describe_value(value)


def _describe_mute(value: dict[str, dict[str, Any]]) -> str | None:
    """Return the muted findings, such as "Failed, Unused until 2026-12-01"; None if there are none."""
    untils = {_describe_reason(slug): mute["until"] for slug, mute in value.items()}
    return ", ".join(f"{label} until {until[:10]}" if until else label for label, until in untils.items()) or None


def _describe_reason(slug: str) -> str:
    rule = RULES_BY_SLUG.get(slug)
    return slug.replace("-", " ") if rule is None else rule.label  # a rule of another version has no label


def _describe_filters(value: dict[str, Any], event: AuditEventRow) -> str:
    """Return the filters of an export, such as "status Ready, Failed; provider ElevenLabs"; "all voices" for none."""
    filters = {name: one for name, one in value.items() if one not in (None, "", []) and name not in HIDDEN_FILTERS}
    if not filters:
        is_list = event.object_kind is ObjectKind.DATABASE
        return WHOLE_LISTS.get(event.object_name, "all voices") if is_list else "all voices"
    return "; ".join(f"{_label(name)}: {_describe_filter(name, one)}" for name, one in filters.items())


def _describe_filter(name: str, value: Any) -> str:
    describe = _FILTER_DESCRIBERS.get(name, str)
    return ", ".join(describe(str(one)) for one in (value if isinstance(value, list) else [value]))


def _find_label(labels: Mapping[str, str]) -> Callable[[Any], str]:
    """Return a function that returns the label of a stored value, or an unknown value as it is."""
    return lambda value: labels.get(str(value)) or _describe_value(value)


def _describe_assignee_filter(value: str) -> str:
    return "unassigned" if value == UNASSIGNED else f"account {value}"


_describe_format = _find_label({format.value: format.label for format in ExportFormat})
_describe_source_kind = _find_label({kind.value: kind.label for kind in SourceKind})
_describe_status = _find_label({status.value: status.label for status in VoiceStatus})

_DESCRIBERS: dict[str, Callable[[Any], str | None]] = {
    "archived": _describe_archived,
    "assignee": _describe_assignee,
    "deleted_at_provider": _describe_deletion,
    "expires_at": _describe_expiry,
    "format": _describe_format,
    "kind": _describe_source_kind,
    "link": describe_link,
    "mute": _describe_mute,
    "provider": lambda value: provider_label(value) if isinstance(value, str) else _describe_value(value),
    "purpose": describe_link,
    "role": describe_role,
    "status": _describe_status,
    "works": lambda value: "not known" if value is None else _describe_value(value),
}

_FILTER_DESCRIBERS: dict[str, Callable[[str], str]] = {
    "assignee": _describe_assignee_filter,
    "kind": _find_label({event_type.value: event_type.label for event_type in AuditEventType}),
    "provider": provider_label,
    "quality": _find_label({NOT_SCORED: NOT_SCORED_LABEL} | {tier.value: tier.label for tier in QualityTier}),
    "reason": _describe_reason,
    "status": _describe_status,
    "use": _find_label({use.value: use.label for use in VoiceUse}),
}
