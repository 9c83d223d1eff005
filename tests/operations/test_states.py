"""Random sequences of operations and imports: state, counts, JSON and audit log stay consistent."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from tests.conftest import NOW
from tests.database.schema import assert_totals_are_correct
from tests.factories import make_account, make_assistant, make_organization, voice_row
from voiceadmin.accounts.models import Account
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ObjectNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import UNDO_PERIOD, ActionRequest, OperationRow
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.exporting.queries import list_matching_ids
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion, VoiceStats
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

THRESHOLDS = AttentionThresholds()
PEOPLE = [Actor(ActorKind.ACCOUNT, number, f"{name}@example.com") for number, name in ((7, "ada"), (8, "bob"))]
SHELL = Actor(ActorKind.CLI, None, "tester")
FACET = {
    TriageAction.ARCHIVE: "archived",
    TriageAction.RESTORE: "archived",
    TriageAction.ASSIGN: "assignee",
    TriageAction.ACKNOWLEDGE: "mute",
    TriageAction.SNOOZE: "mute",
    TriageAction.MARK_DELETED: "deleted",
    TriageAction.UNMARK_DELETED: "deleted",
}
OFFSETS = st.integers(1, 3)
ACTORS = st.sampled_from(PEOPLE)
ACTIONS = st.sampled_from([*TriageAction, TriageAction.ARCHIVE, TriageAction.ARCHIVE])
OPPOSING_ACTIONS = st.sampled_from(
    [
        (TriageAction.ARCHIVE, TriageAction.RESTORE),
        (TriageAction.ASSIGN, TriageAction.ASSIGN),
        (TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE),
    ]
)
ASSIGNEES = st.sampled_from([0, 1, None])


@dataclass
class AppliedOperation:
    """An applied operation with its expected changes.

    Attributes:
        changes: by voice, the facet with its value before and after; the facet of a note is None.
    """

    row: OperationRow
    at: datetime
    changes: dict[int, tuple[str | None, Any, Any]]
    undone: bool = False


@dataclass
class Model:
    """The expected state.

    Attributes:
        facets: the value of each facet of each voice.
        touched: the operations that changed each facet, with their actors.
    """

    rows: dict[int, VoiceRow] = field(default_factory=dict)
    facets: dict[tuple[int, str], Any] = field(default_factory=dict)
    touched: dict[tuple[int, str], list[tuple[int, Actor]]] = field(default_factory=dict)
    operations: list[AppliedOperation] = field(default_factory=list)
    audit_events: list[tuple[int, int]] = field(default_factory=list)


class OperationMachine(RuleBasedStateMachine):
    """Actors and imports change three voices of one organization."""

    number = 0

    @initialize()
    def open(self) -> None:
        type(self).number += 1
        self.base = self.number * 100
        self.now, self.model, self.keys = NOW, Model(), 0
        self.acme = make_organization(f"Acme {self.number}")
        self.assistant = make_assistant(self.acme, id=10**6 + self.number).id
        self.assignees = [make_account(roles={self.acme: Role.OPERATOR}) for _ in range(2)]
        self.seen = get_last_operation_id()
        for offset in (1, 2, 3):
            self.upstream_sends_a_voice(offset, VoiceStatus.FAILED, 0.85, uses=True)

    # Rules

    @rule(
        offset=OFFSETS,
        status=st.sampled_from(VoiceStatus),
        score=st.sampled_from([None, 0.3, 0.85]),
        uses=st.booleans(),
    )
    def upstream_sends_a_voice(self, offset: int, status: VoiceStatus, score: float | None, *, uses: bool) -> None:
        id = self.base + offset
        row = voice_row(
            id=id,
            name=f"Voice {offset}",
            provider_voice_id=f"pv{id}",
            status=status,
            quality_score=score,
            synthesis_count=3 if uses else 0,
        )
        stream = io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row)]}).encode())
        report = import_voices(
            stream, ImportTarget(self.assistant), by=SHELL, now=self.now, on_fault=lambda fault: pytest.fail(str(fault))
        )
        before = self.model.rows.get(id)
        assert (report.added, report.changed) == (before is None, before is not None and before != row)
        self.model.rows[id] = row

    @precondition(lambda self: len(self.model.rows) == 3)
    @rule(offset=OFFSETS)
    def upstream_removes_a_voice(self, offset: int) -> None:
        id = self.base + offset
        with write_transaction():
            db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == id))
        self.model.rows.pop(id, None)
        self.model.facets.pop((id, "archived"), None)
        self.model.facets.pop((id, "deleted"), None)

    @rule(days=st.sampled_from([1, 14, 29, 30]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def an_actor_loads_a_page(self) -> None:
        self.seen = get_last_operation_id()

    @rule(action=ACTIONS, offsets=st.sets(OFFSETS, min_size=1), actor=ACTORS, assignee=ASSIGNEES, late=st.booleans())
    def an_actor_applies_an_action(
        self, action: TriageAction, offsets: set[int], actor: Actor, assignee: int | None, *, late: bool
    ) -> None:
        self.apply(action, offsets, actor, assignee, self.seen if late else get_last_operation_id())

    @rule(
        offset=OFFSETS,
        actions=OPPOSING_ACTIONS,
        steps=st.lists(st.tuples(st.booleans(), ACTORS, ASSIGNEES), min_size=3, max_size=5),
    )
    def actors_change_the_same_voice(
        self, offset: int, actions: tuple[TriageAction, TriageAction], steps: list[tuple[bool, Actor, int | None]]
    ) -> None:
        before = len(self.model.operations)
        for number, (looks, actor, assignee) in enumerate(steps):
            if looks:
                self.seen = get_last_operation_id()
            self.apply(actions[number % 2], {offset}, actor, assignee, self.seen)
        if len(self.model.operations) > before:
            self.undo(self.model.operations[before], actor)

    @precondition(lambda self: self.model.operations)
    @rule(which=st.integers(0, 10), actor=ACTORS)
    def an_actor_undoes_an_operation(self, which: int, actor: Actor) -> None:
        self.undo(self.model.operations[-1 - which % len(self.model.operations)], actor)

    @rule(offset=OFFSETS, actor=ACTORS)
    def an_archived_voice_is_removed_and_sent_again_before_the_undo(self, offset: int, actor: Actor) -> None:
        self.apply(TriageAction.ARCHIVE, {offset}, actor, None, get_last_operation_id())
        if self.model.operations:
            self.upstream_removes_a_voice(offset)
            self.upstream_sends_a_voice(offset, VoiceStatus.READY, None, uses=False)
            self.undo(self.model.operations[-1], actor)

    # Expected effects

    def apply(self, action: TriageAction, offsets: set[int], actor: Actor, assignee: int | None, seen: int) -> None:
        ids = sorted(self.base + offset for offset in offsets)
        account = None if assignee is None or action is not TriageAction.ASSIGN else self.assignees[assignee]
        self.keys += 1
        request = ActionRequest(
            action,
            tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids),
            f"{self.base} {self.keys}",
            seen,
            f"reason {self.keys}",
            self.now + timedelta(days=3) if action is TriageAction.SNOOZE and assignee else None,
            None if account is None else account.id,
        )
        if not set(ids) <= self.model.rows.keys():
            with pytest.raises(ObjectNotFound):
                apply_action(EVERYTHING, request, THRESHOLDS, by=actor, now=self.now)
            existing = tuple(ref for ref in request.refs if ref.id in self.model.rows)
            request = replace(request, refs=existing)
            ids = [ref.id for ref in existing]
        if not ids:
            return
        changes = self.expected(request, account, actor)
        operation = apply_action(EVERYTHING, request, THRESHOLDS, by=actor, now=self.now)
        assert apply_action(EVERYTHING, request, THRESHOLDS, by=actor, now=self.now) == operation
        assert {one.id for one in operation.skipped} == set(ids) - changes.keys()
        self.record(operation, changes, actor)

    def undo(self, operation: AppliedOperation, actor: Actor) -> None:
        self.keys += 1
        key = f"{self.base} {self.keys}"
        if operation.undone or self.now - operation.at > UNDO_PERIOD:
            with pytest.raises(ChangeRefused):
                undo_operation(EVERYTHING, operation.row.id, key, AttentionThresholds(), by=actor, now=self.now)
            return
        changes = {
            id: (facet, after, before)
            for id, (facet, before, after) in operation.changes.items()
            if id in self.model.rows
            and (
                facet is None
                or (
                    self.model.touched[id, facet][-1][0] == operation.row.id
                    and self.model.facets.get((id, facet)) == after
                )
            )
        }
        back = undo_operation(EVERYTHING, operation.row.id, key, AttentionThresholds(), by=actor, now=self.now)
        assert undo_operation(EVERYTHING, operation.row.id, key, AttentionThresholds(), by=actor, now=self.now) == back
        assert {one.id for one in back.skipped} == operation.changes.keys() - changes.keys()
        operation.undone = bool(changes)  # an undo without effect can be repeated
        self.record(back, changes, actor)

    def expected(
        self, request: ActionRequest, assignee: Account | None, actor: Actor
    ) -> dict[int, tuple[str | None, Any, Any]]:
        """Return the expected changes of a request: by voice the facet, its value before and after."""
        facet, changes = FACET.get(request.action), dict[int, tuple[str | None, Any, Any]]()
        findings = find_findings(request.refs, THRESHOLDS, now=self.now)
        db.session.rollback()
        for ref in request.refs:
            if facet is None:
                changes[ref.id] = (None, None, None)
                continue
            touched = self.model.touched.get((ref.id, facet), [])
            if any(number > request.last_seen_operation_id and by != actor for number, by in touched):
                continue
            before = self.model.facets.get((ref.id, facet))
            after: Any = None
            if request.action is TriageAction.ARCHIVE:
                after = before or (self.now, actor.name, request.note)
            elif request.action is TriageAction.MARK_DELETED:
                after = before or ((self.now, actor.name) if self.is_archived(ref.id) else None)
            elif request.action is TriageAction.ASSIGN:
                after = None if assignee is None else assignee.id
            elif facet == "mute":
                after = {finding.reason: (request.action.value, request.until) for finding in findings[ref]} or before
            if before != after or (facet == "mute" and findings[ref]):
                changes[ref.id] = (facet, before, after)
        return changes

    def is_archived(self, id: int) -> bool:
        """Return whether a voice is archived, here or upstream."""
        is_archived_here = self.model.facets.get((id, "archived")) is not None
        return is_archived_here or self.model.rows[id].status is VoiceStatus.ARCHIVED

    def record(self, operation: OperationRow, changes: dict[int, tuple[str | None, Any, Any]], actor: Actor) -> None:
        assert (operation.object_count, operation.voice_count) == (len(changes), len(changes))
        for id, (facet, _, after) in changes.items():
            self.model.audit_events.append((operation.id, id))
            if facet is not None:
                self.model.facets[id, facet] = after
                self.model.touched.setdefault((id, facet), []).append((operation.id, actor))
        if changes:
            self.model.operations.append(AppliedOperation(operation, self.now, changes))

    # Invariants

    @invariant()
    def the_deletions_at_providers_match_the_model(self) -> None:
        db.session.rollback()
        own = range(self.base, self.base + 100)
        stored = {row.voice_id: (row.marked_at, row.marked_by) for row in db.session.scalars(select(ProviderDeletion))}
        expected = {id: value for (id, facet), value in self.model.facets.items() if facet == "deleted" and value}
        assert {id: mark for id, mark in stored.items() if id in own} == expected

    @invariant()
    def the_voices_match_the_model(self) -> None:
        db.session.rollback()
        columns = (
            *(ClonedVoice.id, ClonedVoice.status, ClonedVoice.upstream_status, ClonedVoice.archived_at),
            *(ClonedVoice.archived_by, ClonedVoice.archive_note, ClonedVoice.json_body, ClonedVoice.name),
        )
        stored = db.session.execute(select(*columns).where(ClonedVoice.organization_id == self.acme.id)).all()
        assert {row.id for row in stored} == self.model.rows.keys()
        for row in stored:
            upstream_status, archived = self.model.rows[row.id].status, self.model.facets.get((row.id, "archived"))
            shown = upstream_status if archived is None else VoiceStatus.ARCHIVED
            assert row.status is shown
            assert row.upstream_status == (None if archived is None else upstream_status.value)
            assert (row.archived_at, row.archived_by, row.archive_note) == (archived or (None, None, None))
            assert json.loads(row.json_body) == voice_to_json(self.model.rows[row.id]._replace(status=shown))

    @invariant()
    def the_counts_match_the_model(self) -> None:
        expected = Counter(
            VoiceStatus.ARCHIVED if self.model.facets.get((id, "archived")) else row.status
            for id, row in self.model.rows.items()
        )
        statement = select(VoiceStats.status, VoiceStats.voices).where(VoiceStats.organization_id == self.acme.id)
        counted = Counter[VoiceStatus]()
        for status, number in db.session.execute(statement):
            counted[VoiceStatus(status)] += number
        assert counted == expected
        assert Counter(list_voices(self.acme.id, VoiceFilters(), now=self.now).status_counts) == expected
        archived = list_matching_ids(self.acme.id, VoiceFilters(statuses=(VoiceStatus.ARCHIVED,)), self.now)
        assert len(archived) == expected[VoiceStatus.ARCHIVED]

    @invariant()
    def the_totals_are_right(self) -> None:
        assert_totals_are_correct()

    @invariant()
    def the_assignees_and_mutes_match_the_model(self) -> None:
        assignees = select(Assignment.object_id, Assignment.account_id).where(
            Assignment.organization_id == self.acme.id
        )
        assert {id: account for id, account in db.session.execute(assignees)} == self.values_of_facet("assignee")  # noqa: C416
        mutes = dict[int, Any]()
        for row in db.session.execute(
            select(Mute.object_id, Mute.reason, Mute.kind, Mute.until).where(Mute.organization_id == self.acme.id)
        ):
            mutes.setdefault(row.object_id, {})[row.reason] = row.kind, row.until
        assert mutes == self.values_of_facet("mute")

    def values_of_facet(self, name: str) -> dict[int, Any]:
        return {id: value for (id, facet), value in self.model.facets.items() if facet == name and value is not None}

    @invariant()
    def each_change_has_one_audit_event(self) -> None:
        found = (
            select(AuditEvent.operation_id, AuditEvent.object_id)
            .where(AuditEvent.organization_id == self.acme.id, AuditEvent.operation_id.is_not(None))
            .order_by(AuditEvent.id)
        )
        events = [(operation, id) for operation, id in db.session.execute(found)]
        assert sorted(events) == sorted(self.model.audit_events)
        db.session.rollback()


@pytest.mark.timeout(3600)
def test_random_operations_and_imports_leave_consistent_data(app: Flask, long: bool) -> None:
    is_sqlite = db.engine.dialect.name == "sqlite"
    profile = settings(
        max_examples=1000 if long else 20 if is_sqlite else 8,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OperationMachine, settings=profile)
