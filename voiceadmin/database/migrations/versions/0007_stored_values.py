"""Rename stored values to the terms of docs/glossary.md, and store reason codes instead of English sentences.

JSON is changed as text where only names of fields change: `json.dumps` wrote
it, which escapes every quote inside a string, so that a quoted name after a
space or a brace is always the name of a field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import reduce

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.migrations.triggers import NAMES_0006, postgresql_audit_triggers, sqlite_audit_triggers

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
CHANGED_MEANWHILE = "% meanwhile, so it was not archived."  # whose name stands in the operation that skipped it too

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
_DONE = (
    r"archived it|restored it|took it from its owner|gave it to .+?|brought it back into the queue"
    r"|snoozed it(?: until [0-9-]+)?|acknowledged it|changed it"
)
# Sentences with a name in them, which becomes the detail; "Somebody" stands for a person without a name.
NAMED_REASONS = (
    (re.compile(rf"(.*?) (?:{_DONE}) meanwhile, so it was .+", re.DOTALL), "changed-meanwhile"),
    (re.compile(r"(.*) changed it since", re.DOTALL), "changed-since"),
    (re.compile(r"(.*) cannot act on it any more", re.DOTALL), "assignee-lost-access"),
)
SENTENCES = {code: sentence for sentence, code in OPERATION_REASONS.items()}
NAMED_SENTENCES = {
    "changed-meanwhile": "{} changed it meanwhile, so it was left alone",
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
    _rewrite_outcomes(_with_codes)
    op.execute(plan.update().values(filters=_replaced(plan.c.filters, FILTER_FIELDS)))
    _update(item, "state", ITEM_STATES)
    named = sa.case((item.c.skip_reason.like(CHANGED_MEANWHILE), "changed-meanwhile"), else_="other")
    codes = sa.case(SKIP_REASONS, value=item.c.skip_reason, else_=named)
    op.execute(item.update().where(item.c.skip_reason != "").values(skip_reason=codes))


def downgrade() -> None:
    """Give values their former names. A sentence that came from a code says less than the one that was there."""
    fields = tuple(
        (tuple(EVENT_TYPES.get(name, name) for name in event_types), _inverse(names))
        for event_types, names in FIELDS_OF_EVENTS
    )
    _update_audit_events(_inverse(EVENT_TYPES), _inverse(OBJECT_KINDS), _inverse(ACTOR_KINDS), fields)
    _update(operation, "actor_kind", _inverse(ACTOR_KINDS))
    _rewrite_outcomes(_with_sentences)
    op.execute(plan.update().values(filters=_replaced(plan.c.filters, _inverse(FILTER_FIELDS))))
    _update(item, "state", _inverse(ITEM_STATES))
    sentences = sa.case(
        _inverse(SKIP_REASONS), value=item.c.skip_reason, else_="It was changed meanwhile, so it was not archived."
    )
    op.execute(item.update().where(item.c.skip_reason != "").values(skip_reason=sentences))


def _inverse(names: Mapping[str, str]) -> dict[str, str]:
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
    """Replace everything in one pass, with the triggers that keep audit events from being changed out of the way."""
    columns, of_column = audit_event.c, {}
    for name, names in (("event_type", event_types), ("object_kind", object_kinds), ("actor_kind", actor_kinds)):
        of_column[name] = sa.case(dict(names), value=columns[name], else_=columns[name])
    for name in ("before", "after"):
        value = columns[name]
        replaced = ((columns.event_type.in_(types), _replaced(value, names)) for types, names in fields_of_events)
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


def _replaced(column: sa.ColumnElement[str], names: Mapping[str, str]) -> sa.ColumnElement[str]:
    return reduce(lambda text, name: sa.func.replace(text, name, names[name]), names, column)


def _rewrite_outcomes(rename: Callable[[dict[str, object]], dict[str, object]]) -> None:
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


def _with_codes(outcome: dict[str, object]) -> dict[str, object]:
    renamed = {OUTCOME_FIELDS.get(name, name): value for name, value in outcome.items()}
    return renamed | {"skipped": [[*thing, *_code(sentence)] for *thing, sentence in _list(renamed["skipped"])]}


def _with_sentences(outcome: dict[str, object]) -> dict[str, object]:
    names = _inverse(OUTCOME_FIELDS)
    renamed = {names.get(name, name): value for name, value in outcome.items()}
    return renamed | {"left": [[*thing, _sentence(code, detail)] for *thing, code, detail in _list(renamed["left"])]}


def _list(value: object) -> list[list[str]]:
    assert isinstance(value, list)  # noqa: S101  # tells the type checker
    return value


def _code(sentence: str) -> tuple[str, str]:
    """Return the code of a sentence and its detail. A sentence that no version wrote becomes the detail itself."""
    if sentence in OPERATION_REASONS:
        return OPERATION_REASONS[sentence], ""
    for pattern, code in NAMED_REASONS:
        found = pattern.fullmatch(sentence)
        if found is not None:
            return code, "" if found[1] == "Somebody" else found[1]
    return "other", sentence


def _sentence(code: str, detail: str) -> str:
    if code in NAMED_SENTENCES:
        return NAMED_SENTENCES[code].format(detail or "Somebody")
    return SENTENCES.get(code, detail or code)


def _drop_audit_triggers() -> None:
    for name in _audit_triggers():
        on_table = "" if op.get_bind().dialect.name == "sqlite" else " ON audit_event"
        op.execute(f"DROP TRIGGER {name}{on_table}")


def _create_audit_triggers() -> None:
    for statement in _audit_triggers().values():
        op.execute(statement)


def _audit_triggers() -> dict[str, str]:
    triggers = sqlite_audit_triggers if op.get_bind().dialect.name == "sqlite" else postgresql_audit_triggers
    return triggers(NAMES_0006)
