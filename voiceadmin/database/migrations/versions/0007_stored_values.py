"""Rename stored values to the terms of docs/glossary.md, and store reason codes instead of English sentences.

Where only names of JSON fields change, they are replaced in the text. That is
exact: `json.dumps` wrote it and escapes every quote inside a string, so a quoted
name after a space or a brace is always the name of a field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.migrations.triggers import (
    NAMES_0006,
    build_postgresql_audit_triggers,
    build_sqlite_audit_triggers,
)

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EVENT_TYPES = {
    "link-made": "link-created",
    "account-made": "account-created",
    "key-made": "key-created",
    "confirmed": "password-confirmed",
    "confirm-failed": "password-confirmation-failed",
    "throttled": "rate-limited",
    "shown-again": "unmuted",
    "noted": "note-added",
    "note-taken-back": "note-removed",
    "desk-refused": "operation-refused",
    "clean-up-taken-back": "clean-up-undone",
    "sample-filled": "sample-added",
}
ACTOR_KINDS = {"shell": "cli", "nobody": "anonymous"}
OBJECT_KINDS = {"store": "database"}

# Names of fields in the JSON of audit events, each with the character before it.
ARCHIVED_FIELDS = {' "why": ': ' "note": '}
ASSIGNED_FIELDS = {'{"owner": ': '{"assignee": '}
MUTED_FIELDS = {
    '{"hush": ': '{"mute": ',
    '{"mark": ': '{"fingerprint": ',
    ' "act": ': ' "kind": ',
    ' "at": ': ' "muted_at": ',
    ' "by": ': ' "muted_by": ',
}
Fields = tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]
FIELDS_OF_EVENTS: Fields = (
    (("voice-archived", "voice-restored"), ARCHIVED_FIELDS),
    (("assigned",), ASSIGNED_FIELDS),
    (("acknowledged", "snoozed", "shown-again"), MUTED_FIELDS),
)
FILTER_FIELDS = {' "most": ': ' "limit": '}

ITEM_STATES = {"waiting": "pending"}
SKIP_REASONS = {  # of items of clean-up plans
    "It is gone.": "gone",
    "It is archived already.": "already-archived",
    "An assistant is set to it.": "in-use",
    "Another voice has the same id at the provider.": "shared-reference",
    "Somebody acknowledged or snoozed that it is unused.": "muted",
    "It is not ready any more.": "not-ready",
    "It was used or cloned anew since.": "used-or-recloned",
    "The store refused to archive it.": "archive-failed",
}
# The name in this sentence stands in the outcome of the operation too.
CHANGED_MEANWHILE = "% meanwhile, so it was not archived."

OUTCOME_FIELDS = {
    "voices": "voice_count",
    "left": "skipped",
    "left_out": "skipped_unlisted",
    "organizations": "organizations",
    "set_to": "in_use_count",
}
OPERATION_REASONS = {
    "it is archived already": "already-archived",
    "it is archived upstream, not here": "archived-upstream",
    "it is not archived": "not-archived",
    "nobody has it": "already-unassigned",
    "it is theirs already": "already-assigned",
    "nothing is wrong with it any more": "nothing-to-mute",
    "it is gone": "gone",
    "it is not what it was then": "state-differs",
}
# What another person did, by the code of the reason.
_CHANGES = {
    "archived-meanwhile": "archived it",
    "restored-meanwhile": "restored it",
    "assignee-changed-meanwhile": "took it from its owner",
    "acknowledged-meanwhile": "acknowledged it",
    "snoozed-meanwhile": "snoozed it",
    "unmuted-meanwhile": "brought it back into the queue",
    "changed-meanwhile": "changed it",
}
_CHANGE_PATTERNS = _CHANGES | {
    "assignee-changed-meanwhile": "(?:took it from its owner|gave it to .+?)",
    "snoozed-meanwhile": "snoozed it(?: until [0-9-]+)?",
}
# Sentences with a name in them, which becomes the detail; "Somebody" stands for a person without a name.
NAMED_REASONS = (
    *(
        (re.compile(rf"(.*?) {change} meanwhile, so it was .+", re.DOTALL), code)
        for code, change in _CHANGE_PATTERNS.items()
    ),
    (re.compile(r"(.*) changed it since", re.DOTALL), "changed-since"),
    (re.compile(r"(.*) cannot act on it any more", re.DOTALL), "assignee-lost-access"),
)
SENTENCES = {code: sentence for sentence, code in OPERATION_REASONS.items()}
NAMED_SENTENCES = {
    **{code: f"{{}} {change} meanwhile, so it was left alone" for code, change in _CHANGES.items()},
    "changed-since": "{} changed it since",
    "assignee-lost-access": "{} cannot act on it any more",
}
BATCH = 1000  # operations

audit_event = sa.table("audit_event", *map(sa.column, ("event_type", "actor_kind", "object_kind", "before", "after")))
operation = sa.table("operation", *map(sa.column, ("id", "actor_kind", "outcome")))
plan = sa.table("clean_up_plan", sa.column("filters"))
item = sa.table("clean_up_item", *map(sa.column, ("state", "skip_reason")))


def upgrade() -> None:
    """Rename the values."""
    _update_audit_events(EVENT_TYPES, OBJECT_KINDS, ACTOR_KINDS, FIELDS_OF_EVENTS)
    _update(operation, "actor_kind", ACTOR_KINDS)
    _rewrite_outcomes(_replace_sentences)
    op.execute(plan.update().values(filters=_replace_fields(plan.c.filters, FILTER_FIELDS)))
    _update(item, "state", ITEM_STATES)
    named = sa.case((item.c.skip_reason.like(CHANGED_MEANWHILE), "changed-meanwhile"), else_="other")
    codes = sa.case(SKIP_REASONS, value=item.c.skip_reason, else_=named)
    op.execute(item.update().where(item.c.skip_reason != "").values(skip_reason=codes))


def downgrade() -> None:
    """Give values their old names back. A sentence made of a code says less than the original one."""
    fields = tuple(
        (tuple(EVENT_TYPES.get(name, name) for name in event_types), _invert(names))
        for event_types, names in FIELDS_OF_EVENTS
    )
    _update_audit_events(_invert(EVENT_TYPES), _invert(OBJECT_KINDS), _invert(ACTOR_KINDS), fields)
    _update(operation, "actor_kind", _invert(ACTOR_KINDS))
    _rewrite_outcomes(_replace_codes)
    op.execute(plan.update().values(filters=_replace_fields(plan.c.filters, _invert(FILTER_FIELDS))))
    _update(item, "state", _invert(ITEM_STATES))
    sentences = sa.case(
        _invert(SKIP_REASONS), value=item.c.skip_reason, else_="It was changed meanwhile, so it was not archived."
    )
    op.execute(item.update().where(item.c.skip_reason != "").values(skip_reason=sentences))


def _invert(names: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _update(table: sa.TableClause, column: str, names: Mapping[str, str]) -> None:
    """Replace values of a column."""
    changed = table.update().where(table.c[column].in_(list(names)))
    op.execute(changed.values({column: sa.case(dict(names), value=table.c[column])}))


def _update_audit_events(
    event_types: Mapping[str, str],
    object_kinds: Mapping[str, str],
    actor_kinds: Mapping[str, str],
    fields_of_events: Fields,
) -> None:
    """Replace values in one pass. The triggers that reject changes are dropped and created again."""
    columns, of_column = audit_event.c, {}
    for name, names in (("event_type", event_types), ("object_kind", object_kinds), ("actor_kind", actor_kinds)):
        of_column[name] = sa.case(dict(names), value=columns[name], else_=columns[name])
    for name in ("before", "after"):
        value = columns[name]
        replaced = ((columns.event_type.in_(types), _replace_fields(value, names)) for types, names in fields_of_events)
        of_column[name] = sa.case(*replaced, else_=value)
    with_fields = [name for types, _ in fields_of_events for name in types]
    changed = sa.or_(
        columns.event_type.in_([*event_types, *with_fields]),
        columns.object_kind.in_(list(object_kinds)),
        columns.actor_kind.in_(list(actor_kinds)),
    )
    _drop_audit_triggers()
    op.execute(audit_event.update().where(changed).values(of_column))
    _create_audit_triggers()


def _replace_fields(column: sa.ColumnElement[str], names: Mapping[str, str]) -> sa.ColumnElement[str]:
    return reduce(lambda text, name: sa.func.replace(text, name, names[name]), names, column)


def _rewrite_outcomes(rename: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrite the outcome of every operation."""
    connection, last = op.get_bind(), 0
    update = sa.text("UPDATE operation SET outcome = :outcome WHERE id = :id")
    while True:
        found = sa.select(operation.c.id, operation.c.outcome).where(operation.c.id > last).order_by(operation.c.id)
        rows = connection.execute(found.limit(BATCH)).all()
        if not rows:
            return
        outcomes = [
            {"id": id, "outcome": json.dumps(rename(json.loads(outcome)), ensure_ascii=False)} for id, outcome in rows
        ]
        connection.execute(update, outcomes)
        last = rows[-1].id


def _replace_sentences(outcome: dict[str, Any]) -> dict[str, Any]:
    renamed = {OUTCOME_FIELDS.get(name, name): value for name, value in outcome.items()}
    renamed["skipped"] = [[*thing, *_find_code(sentence)] for *thing, sentence in renamed["skipped"]]
    return renamed


def _replace_codes(outcome: dict[str, Any]) -> dict[str, Any]:
    names = _invert(OUTCOME_FIELDS)
    renamed = {names.get(name, name): value for name, value in outcome.items()}
    renamed["left"] = [[*thing, _build_sentence(code, detail)] for *thing, code, detail in renamed["left"]]
    return renamed


def _find_code(sentence: str) -> tuple[str, str]:
    """Return the code of a sentence and its detail. An unknown sentence becomes the detail of the code "other"."""
    if sentence in OPERATION_REASONS:
        return OPERATION_REASONS[sentence], ""
    for pattern, code in NAMED_REASONS:
        found = pattern.fullmatch(sentence)
        if found is not None:
            return code, "" if found[1] == "Somebody" else found[1]
    return "other", sentence


def _build_sentence(code: str, detail: str) -> str:
    if code in NAMED_SENTENCES:
        return NAMED_SENTENCES[code].format(detail or "Somebody")
    return SENTENCES.get(code, detail or code)


def _drop_audit_triggers() -> None:
    for name in _list_audit_triggers():
        on_table = "" if op.get_bind().dialect.name == "sqlite" else " ON audit_event"
        op.execute(f"DROP TRIGGER {name}{on_table}")


def _create_audit_triggers() -> None:
    for statement in _list_audit_triggers().values():
        op.execute(statement)


def _list_audit_triggers() -> dict[str, str]:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return (build_sqlite_audit_triggers if is_sqlite else build_postgresql_audit_triggers)(NAMES_0006)
