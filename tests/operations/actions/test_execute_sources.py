"""Actions on findings of sources, of organizations and of the platform."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization
from tests.source_rows import make_source
from tests.triage.queries.model import HOUR, THRESHOLDS
from tests.triage.queries.scenario import list_open_reasons
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, ObjectNotFound, OperationNotFound
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import describe_operation, get_operation
from voiceadmin.operations.types import ActionRequest, OperationRow
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.types import TriageAction

_keys = count()
FAILING = {"failing_since": NOW - HOUR, "failure": "The key is not valid."}


def act(action: TriageAction, *ids: int, scope: Scope = EVERYTHING, **fields: Any) -> OperationRow:
    refs = tuple(ObjectRef(ObjectKind.SOURCE, id) for id in ids)
    request = ActionRequest(action, refs, f"source {next(_keys)}", 0, **fields)
    return apply_action(scope, request, THRESHOLDS, by=SHELL, now=NOW)


def undo(operation: OperationRow, scope: Scope = EVERYTHING) -> OperationRow:
    return undo_operation(scope, operation.id, "", THRESHOLDS, by=SHELL, now=NOW)


def owners_of(table: type[Mute | Assignment]) -> list[int | None]:
    db.session.rollback()
    return list(db.session.scalars(select(table.organization_id)))


@pytest.mark.parametrize("is_of_platform", [False, True], ids=["organization", "platform"])
def test_a_source_is_muted_assigned_and_noted_and_all_is_undone(acme: Organization, is_of_platform: bool) -> None:
    owner = None if is_of_platform else acme.id
    source_id = make_source(None if is_of_platform else acme, **FAILING)
    ada = make_account(platform=True)

    muted = act(TriageAction.ACKNOWLEDGE, source_id)
    assigned = act(TriageAction.ASSIGN, source_id, assignee_id=ada.id)
    noted = act(TriageAction.NOTE, source_id, note="Asked the provider.")

    assert list_open_reasons() == []
    assert (owners_of(Mute), owners_of(Assignment)) == ([owner], [owner])
    assert describe_operation(muted) == "Acknowledged 1 source."
    assert {operation.organizations for operation in (muted, assigned, noted)} == {frozenset({owner})}
    events = db.session.scalars(select(AuditEvent).where(AuditEvent.operation_id.is_not(None))).all()
    assert {(event.object_kind, event.object_id, event.organization_id) for event in events} == {
        ("source", source_id, owner)
    }
    undone = [undo(operation) for operation in (muted, assigned, noted)]
    assert [(operation.object_count, operation.organizations) for operation in undone] == [(1, frozenset({owner}))] * 3
    assert list_open_reasons() == [(ObjectRef(ObjectKind.SOURCE, source_id), ["source-failing"])]
    assert (owners_of(Mute), owners_of(Assignment)) == ([], [])


def test_sources_of_the_platform_and_of_others_do_not_exist_for_an_operator(acme: Organization) -> None:
    own, other, platform = (make_source(owner, **FAILING) for owner in (acme, make_organization("Other"), None))
    scope = Scope(frozenset({acme.id}))

    for id in (other, platform):
        with pytest.raises(ObjectNotFound):
            act(TriageAction.ACKNOWLEDGE, own, id, scope=scope)
    assert owners_of(Mute) == []
    assert act(TriageAction.ACKNOWLEDGE, own, scope=scope).object_count == 1


def test_an_operation_on_a_source_of_the_platform_is_shown_and_undone_by_platform_admins_only(
    acme: Organization,
) -> None:
    operation = act(TriageAction.ACKNOWLEDGE, make_source(None, **FAILING), make_source(acme, **FAILING))
    scope = Scope(frozenset({acme.id}))

    assert get_operation(EVERYTHING, operation.id).organizations == {None, acme.id}
    with pytest.raises(OperationNotFound):
        get_operation(scope, operation.id)
    with pytest.raises(OperationNotFound):
        undo(operation, scope)
    assert undo(operation).object_count == 2


def test_a_source_of_the_platform_is_assigned_to_platform_admins_only(acme: Organization) -> None:
    source_id = make_source(None, **FAILING)
    admin = make_account(roles={acme: Role.ADMIN})

    with pytest.raises(ChangeRefused, match="no access"):
        act(TriageAction.ASSIGN, source_id, assignee_id=admin.id)


def test_a_source_cannot_be_archived(acme: Organization) -> None:
    source_id = make_source(acme, **FAILING)

    for action in TriageAction:
        if action.is_for_voices_only:
            with pytest.raises(ChangeRefused, match="Only voices"):
                act(action, source_id)


def test_a_merge_and_its_undo_move_the_mute_and_the_assignee_of_a_source(acme: Organization) -> None:
    target = make_organization("Other")
    source_id = make_source(acme, **FAILING)
    act(TriageAction.ACKNOWLEDGE, source_id)
    act(TriageAction.ASSIGN, source_id, assignee_id=make_account(platform=True).id)

    merge_id = merge_organizations(EVERYTHING, acme.id, target.id, by=SHELL, now=NOW)
    assert (owners_of(Mute), owners_of(Assignment)) == ([target.id], [target.id])

    undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)
    assert (owners_of(Mute), owners_of(Assignment)) == ([acme.id], [acme.id])
    assert list_open_reasons() == []


def test_an_operation_on_a_source_that_was_removed_is_not_undone(acme: Organization) -> None:
    source_id = make_source(acme, **FAILING)
    operation = act(TriageAction.ACKNOWLEDGE, source_id)
    remove_source(EVERYTHING, source_id, by=SHELL, now=NOW)

    undone = undo(operation)

    assert [item.description for item in undone.skipped] == ["No longer exists."]


def test_a_source_is_removed_with_its_assignee_and_mutes_and_its_notes_stay_in_the_audit_log(
    acme: Organization,
) -> None:
    gone, stays = make_source(acme, **FAILING), make_source(acme, **FAILING)
    ada = make_account(platform=True)
    act(TriageAction.ACKNOWLEDGE, gone, stays)
    act(TriageAction.ASSIGN, gone, stays, assignee_id=ada.id)
    act(TriageAction.NOTE, gone, note="Asked the provider.")

    remove_source(EVERYTHING, gone, by=SHELL, now=NOW)

    db.session.rollback()
    assert list(db.session.scalars(select(Mute.object_id))) == [stays]
    assert list(db.session.scalars(select(Assignment.object_id))) == [stays]
    assert list(db.session.scalars(select(AuditEvent.note).where(AuditEvent.note != ""))) == ["Asked the provider."]
