"""Assign voices, assistants and sources to a person, or unassign them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import delete, select

from voiceadmin.accounts.models import Account, Membership
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.operations.actions.handler import (
    ActionContext,
    ActionHandler,
    Change,
    RecordedChange,
    TargetObject,
    Value,
    skip,
)
from voiceadmin.operations.actions.targets import WITHOUT_SYNCHRONIZATION, is_about, key_columns
from voiceadmin.operations.types import ActionRequest, SkippedItem, SkipReason
from voiceadmin.triage.models import Assignment
from voiceadmin.triage.types import TriageAction

KEY = "assignee"


def lock_assignee(request: ActionRequest, targets: Sequence[TargetObject]) -> Account | None:
    """Return the account that a request assigns to, None to unassign.

    Raises:
        ChangeRefused: if the person is not an operator of the organizations of all targets.
    """
    if request.action is not TriageAction.ASSIGN or request.assignee_id is None:
        return None
    organizations = frozenset(target.organization_id for target in targets)
    if not lock_operator_scope(request.assignee_id).covers_all(organizations):
        raise ChangeRefused("This person has no access to all of these organizations. Choose another person.")
    return db.session.get_one(Account, request.assignee_id)


def lock_operator_scope(account_id: int) -> Scope:
    """Return where a person is an operator, and lock the account so that it cannot be disabled in the meantime."""
    account = db.session.scalar(select(Account).where(Account.id == account_id).with_for_update(read=True))
    if account is None or account.disabled_at is not None:
        return Scope(frozenset())
    if account.platform:
        return EVERYTHING
    organizations = select(Membership.organization_id).where(
        Membership.account_id == account_id, Membership.role >= Role.OPERATOR
    )
    return Scope(frozenset(db.session.scalars(organizations)))


def get_former_assignee(recorded: RecordedChange) -> Value:
    """Return the assignee before a recorded change, None if there was none."""
    return (recorded.before or {}).get(KEY)


def _read(targets: Sequence[TargetObject]) -> dict[ObjectRef, Value]:
    assignees: dict[ObjectRef, Value] = {}
    for batch in split_into_batches([target.ref for target in targets]):
        rows = db.session.execute(
            select(Assignment.object_kind, Assignment.object_id, Account.id, Account.email)
            .join_from(Assignment, Account, Account.id == Assignment.account_id)
            .where(is_about(Assignment, batch))
        )
        for kind, object_id, account_id, email in rows:
            assignees[ObjectRef(ObjectKind(kind), object_id)] = {"id": account_id, "email": email}
    return assignees


def _plan(context: ActionContext) -> Iterator[Change | SkippedItem]:
    assignee = context.assignee
    after = None if assignee is None else {"id": assignee.id, "email": assignee.email}
    unchanged = SkipReason.ALREADY_UNASSIGNED if after is None else SkipReason.ALREADY_ASSIGNED
    before = _read(context.targets)
    for target in context.targets:
        if before.get(target.ref) == after:
            yield skip(target, unchanged)
        else:
            yield Change(AuditEventType.ASSIGNED, target, {KEY: before.get(target.ref)}, {KEY: after})


def _write(values: Mapping[TargetObject, Value]) -> None:
    unassigned = [target.ref for target, assignee in values.items() if assignee is None]
    for batch in split_into_batches(unassigned):
        statement = delete(Assignment).where(is_about(Assignment, batch))
        db.session.execute(statement, execution_options=WITHOUT_SYNCHRONIZATION)
    rows = [
        key_columns(target) | {"account_id": assignee["id"]}
        for target, assignee in values.items()
        if assignee is not None
    ]
    if rows:
        db.session.execute(upsert_statement(Assignment), rows)


def _revert(recorded: RecordedChange, target: TargetObject) -> Change:
    return Change(AuditEventType.ASSIGNED, target, before=recorded.after, after=recorded.before)


HANDLER = ActionHandler(
    actions=frozenset({TriageAction.ASSIGN}),
    audit_key=KEY,
    event_types=frozenset({AuditEventType.ASSIGNED}),
    read=_read,
    plan=_plan,
    write=_write,
    revert=_revert,
)
