"""Undo of operations on objects that have moved to another organization since."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.factories import make_assistant, make_organization, make_voice
from tests.operations.actions.scenario import ADA, SHELL, THRESHOLDS, Runner, read_archiving, read_assignees
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import move_assistant
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction

NOTHING_UNDONE = (0, [SkipReason.GONE])


def undo_in(organization: Organization, operation_id: int, now: datetime) -> tuple[int, list[SkipReason]]:
    """Undo an operation as an operator of one organization. Return how many objects changed, and why others did not."""
    scope = Scope(frozenset({organization.id}))
    operation = undo_operation(scope, operation_id, "", AttentionThresholds(), by=ADA, now=now)
    return operation.object_count, [item.reason for item in operation.skipped]


def test_an_undo_leaves_a_voice_alone_that_an_undone_merge_has_given_back(
    acme: Organization, runner: Runner, now: datetime
) -> None:
    other = make_organization("Other")
    make_voice(other, id=1)
    merge_id = merge_organizations(EVERYTHING, other.id, acme.id, by=SHELL, now=now)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    undo_merge(EVERYTHING, merge_id, by=SHELL, now=now)

    assert undo_in(acme, operation.id, now) == NOTHING_UNDONE

    assert read_archiving(1)[0] == "archived"
    assert runner.undo(operation).object_count == 1  # by a platform admin


def test_an_undo_leaves_an_assistant_alone_that_has_moved_away(
    acme: Organization, runner: Runner, clara: Account, now: datetime
) -> None:
    other = make_organization("Other")
    make_assistant(acme, id=31)
    request = runner.request(TriageAction.ASSIGN, [ObjectRef(ObjectKind.ASSISTANT, 31)], assignee_id=clara.id)
    operation = apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=now)
    move_assistant(EVERYTHING, 31, other.id, by=SHELL, now=now)

    assert undo_in(acme, operation.id, now) == NOTHING_UNDONE

    assert read_assignees() == {31: clara.id}


@pytest.mark.parametrize("is_assigned", [False, True])
def test_people_of_the_target_undo_what_was_done_in_the_source_before_a_merge(
    acme: Organization, runner: Runner, clara: Account, now: datetime, is_assigned: bool
) -> None:
    other = make_organization("Other")
    make_voice(acme, id=1)
    if is_assigned:
        runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    operation = runner.apply(TriageAction.ASSIGN if is_assigned else TriageAction.ARCHIVE, 1)
    merge_organizations(EVERYTHING, acme.id, other.id, by=SHELL, now=now)
    both = Scope(frozenset({acme.id, other.id}))

    undo = undo_operation(both, operation.id, "", AttentionThresholds(), by=ADA, now=now)

    assert (undo.object_count, list(undo.skipped)) == (1, [])
    assert read_assignees() == ({1: clara.id} if is_assigned else {})
