"""Whatever people do at the desk and whatever imports bring, in any order: state, counts, JSON and trail agree."""

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
from voiceadmin.voices.models import ClonedVoice, VoiceStats
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

LIMITS = AttentionThresholds()
PEOPLE = [Actor(ActorKind.ACCOUNT, number, f"{name}@example.com") for number, name in ((7, "ada"), (8, "bob"))]
SHELL = Actor(ActorKind.CLI, None, "tester")
FACET = {
    TriageAction.ARCHIVE: "archived",
    TriageAction.RESTORE: "archived",
    TriageAction.ASSIGN: "assignee",
    TriageAction.ACKNOWLEDGE: "mute",
    TriageAction.SNOOZE: "mute",
}
PLACES = st.integers(1, 3)
WHO = st.sampled_from(PEOPLE)
ACTS = st.sampled_from([*TriageAction, TriageAction.ARCHIVE, TriageAction.ARCHIVE])
KINDRED = st.sampled_from(
    [
        (TriageAction.ARCHIVE, TriageAction.RESTORE),
        (TriageAction.ASSIGN, TriageAction.ASSIGN),
        (TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE),
    ]
)
OWNERS = st.sampled_from([0, 1, None])


@dataclass
class Done:
    """What a operation did as we understand it: facets before and after, by voice; None for a note."""

    row: OperationRow
    at: datetime
    changes: dict[int, tuple[str | None, Any, Any]]
    undone: bool = False


@dataclass
class Known:
    """All that there should be. facets: what each voice has, by facet. touched: by which operations, and whose."""

    rows: dict[int, VoiceRow] = field(default_factory=dict)
    facets: dict[tuple[int, str], Any] = field(default_factory=dict)
    touched: dict[tuple[int, str], list[tuple[int, Actor]]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)


class Desk(RuleBasedStateMachine):
    """People and imports at work on three voices of an organization of their own."""

    number = 0

    @initialize()
    def open(self) -> None:
        type(self).number += 1
        self.base = self.number * 100
        self.now, self.known, self.keys = NOW, Known(), 0
        self.acme = make_organization(f"Acme {self.number}")
        self.assistant = make_assistant(self.acme, id=10**6 + self.number).id
        self.assignees = [make_account(roles={self.acme: Role.OPERATOR}) for _ in range(2)]
        self.seen = get_last_operation_id()
        for place in (1, 2, 3):
            self.upstream_tells(place, VoiceStatus.FAILED, 0.85, uses=True)

    # What may happen

    @rule(
        place=PLACES, status=st.sampled_from(VoiceStatus), score=st.sampled_from([None, 0.3, 0.85]), uses=st.booleans()
    )
    def upstream_tells(self, place: int, status: VoiceStatus, score: float | None, *, uses: bool) -> None:
        id = self.base + place
        row = voice_row(
            id=id,
            name=f"Voice {place}",
            provider_voice_id=f"pv{id}",
            status=status,
            quality_score=score,
            synthesis_count=3 if uses else 0,
        )
        stream = io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row)]}).encode())
        report = import_voices(
            stream, ImportTarget(self.assistant), by=SHELL, now=self.now, on_fault=lambda fault: pytest.fail(str(fault))
        )
        before = self.known.rows.get(id)
        assert (report.added, report.changed) == (before is None, before is not None and before != row)
        self.known.rows[id] = row

    @precondition(lambda self: len(self.known.rows) == 3)
    @rule(place=PLACES)
    def upstream_removes(self, place: int) -> None:
        id = self.base + place
        with write_transaction():
            db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == id))
        self.known.rows.pop(id, None)
        self.known.facets.pop((id, "archived"), None)

    @rule(days=st.sampled_from([1, 14, 29, 30]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def somebody_loads_a_page(self) -> None:
        self.seen = get_last_operation_id()

    @rule(action=ACTS, places=st.sets(PLACES, min_size=1), who=WHO, assignee=OWNERS, late=st.booleans())
    def somebody_acts(
        self, action: TriageAction, places: set[int], who: Actor, assignee: int | None, *, late: bool
    ) -> None:
        self.action(action, places, who, assignee, self.seen if late else get_last_operation_id())

    @rule(place=PLACES, acts=KINDRED, steps=st.lists(st.tuples(st.booleans(), WHO, OWNERS), min_size=3, max_size=5))
    def people_contend_for_a_voice(
        self, place: int, acts: tuple[TriageAction, TriageAction], steps: list[tuple[bool, Actor, int | None]]
    ) -> None:
        before = len(self.known.done)
        for number, (looks, who, assignee) in enumerate(steps):
            if looks:
                self.seen = get_last_operation_id()
            self.action(acts[number % 2], {place}, who, assignee, self.seen)
        if len(self.known.done) > before:
            self.undo(self.known.done[before], who)

    @precondition(lambda self: self.known.done)
    @rule(which=st.integers(0, 10), who=WHO)
    def somebody_undoes(self, which: int, who: Actor) -> None:
        self.undo(self.known.done[-1 - which % len(self.known.done)], who)

    @rule(place=PLACES, who=WHO)
    def somebody_archives_what_is_removed_and_told_anew_and_undoes_it(self, place: int, who: Actor) -> None:
        self.action(TriageAction.ARCHIVE, {place}, who, None, get_last_operation_id())
        if self.known.done:
            self.upstream_removes(place)
            self.upstream_tells(place, VoiceStatus.READY, None, uses=False)
            self.undo(self.known.done[-1], who)

    # How

    def action(self, action: TriageAction, places: set[int], who: Actor, assignee: int | None, seen: int) -> None:
        ids = sorted(self.base + place for place in places)
        given = None if assignee is None or action is not TriageAction.ASSIGN else self.assignees[assignee]
        self.keys += 1
        order = ActionRequest(
            action,
            tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids),
            f"{self.base} {self.keys}",
            seen,
            f"reason {self.keys}",
            self.now + timedelta(days=3) if action is TriageAction.SNOOZE and assignee else None,
            None if given is None else given.id,
        )
        if not set(ids) <= self.known.rows.keys():
            with pytest.raises(ObjectNotFound):
                apply_action(EVERYTHING, order, LIMITS, by=who, now=self.now)
            there = tuple(ref for ref in order.refs if ref.id in self.known.rows)
            order = replace(order, refs=there)
            ids = [ref.id for ref in there]
        if not ids:
            return
        changes = self.expected(order, given, who)
        operation = apply_action(EVERYTHING, order, LIMITS, by=who, now=self.now)
        assert apply_action(EVERYTHING, order, LIMITS, by=who, now=self.now) == operation
        assert {one.id for one in operation.skipped} == set(ids) - changes.keys()
        self.note(operation, changes, who)

    def undo(self, operation: Done, who: Actor) -> None:
        self.keys += 1
        key = f"{self.base} {self.keys}"
        if operation.undone or self.now - operation.at > UNDO_PERIOD:
            with pytest.raises(ChangeRefused):
                undo_operation(EVERYTHING, operation.row.id, key, by=who, now=self.now)
            return
        changes = {
            id: (facet, after, before)
            for id, (facet, before, after) in operation.changes.items()
            if id in self.known.rows
            and (
                facet is None
                or (
                    self.known.touched[id, facet][-1][0] == operation.row.id
                    and self.known.facets.get((id, facet)) == after
                )
            )
        }
        back = undo_operation(EVERYTHING, operation.row.id, key, by=who, now=self.now)
        assert undo_operation(EVERYTHING, operation.row.id, key, by=who, now=self.now) == back
        assert {one.id for one in back.skipped} == operation.changes.keys() - changes.keys()
        operation.undone = True
        self.note(back, changes, who)

    def expected(
        self, order: ActionRequest, assignee: Account | None, who: Actor
    ) -> dict[int, tuple[str | None, Any, Any]]:
        """What an order should change, from what to what."""
        facet, changes = FACET.get(order.action), dict[int, tuple[str | None, Any, Any]]()
        findings = find_findings(order.refs, LIMITS, now=self.now)
        db.session.rollback()
        for ref in order.refs:
            if facet is None:
                changes[ref.id] = (None, None, None)
                continue
            touched = self.known.touched.get((ref.id, facet), [])
            if any(number > order.last_seen_operation_id and by != who for number, by in touched):
                continue
            before = self.known.facets.get((ref.id, facet))
            after: Any = None
            if order.action is TriageAction.ARCHIVE:
                after = before or (self.now, who.name, order.note)
            elif order.action is TriageAction.ASSIGN:
                after = None if assignee is None else assignee.id
            elif facet == "mute":
                after = {finding.reason: (order.action.value, order.until) for finding in findings[ref]} or before
            if before != after or (facet == "mute" and findings[ref]):
                changes[ref.id] = (facet, before, after)
        return changes

    def note(self, operation: OperationRow, changes: dict[int, tuple[str | None, Any, Any]], who: Actor) -> None:
        assert (operation.object_count, operation.voice_count) == (len(changes), len(changes))
        for id, (facet, _, after) in changes.items():
            self.known.lines.append((operation.id, id))
            if facet is not None:
                self.known.facets[id, facet] = after
                self.known.touched.setdefault((id, facet), []).append((operation.id, who))
        if changes:
            self.known.done.append(Done(operation, self.now, changes))

    # What holds at any time

    @invariant()
    def the_voices_are_as_they_should_be(self) -> None:
        db.session.rollback()
        columns = (
            *(ClonedVoice.id, ClonedVoice.status, ClonedVoice.upstream_status, ClonedVoice.archived_at),
            *(ClonedVoice.archived_by, ClonedVoice.archive_note, ClonedVoice.json_body, ClonedVoice.name),
        )
        stored = db.session.execute(select(*columns).where(ClonedVoice.organization_id == self.acme.id)).all()
        assert {row.id for row in stored} == self.known.rows.keys()
        for row in stored:
            told, archived = self.known.rows[row.id].status, self.known.facets.get((row.id, "archived"))
            shown = told if archived is None else VoiceStatus.ARCHIVED
            assert row.status is shown
            assert row.upstream_status == (None if archived is None else told.value)
            assert (row.archived_at, row.archived_by, row.archive_note) == (archived or (None, None, None))
            assert json.loads(row.json_body) == voice_to_json(self.known.rows[row.id]._replace(status=shown))

    @invariant()
    def the_counts_are_those_of_the_voices(self) -> None:
        expected = Counter(
            VoiceStatus.ARCHIVED if self.known.facets.get((id, "archived")) else row.status
            for id, row in self.known.rows.items()
        )
        kept = select(VoiceStats.status, VoiceStats.voices).where(VoiceStats.organization_id == self.acme.id)
        counted = Counter[VoiceStatus]()
        for status, number in db.session.execute(kept):
            counted[VoiceStatus(status)] += number
        assert counted == expected
        assert Counter(list_voices(self.acme.id, VoiceFilters(), now=self.now).status_counts) == expected
        archived = list_matching_ids(self.acme.id, VoiceFilters(statuses=(VoiceStatus.ARCHIVED,)), self.now)
        assert len(archived) == expected[VoiceStatus.ARCHIVED]

    @invariant()
    def owners_and_hushes_are_as_they_should_be(self) -> None:
        assignees = select(Assignment.object_id, Assignment.account_id).where(
            Assignment.organization_id == self.acme.id
        )
        assert {id: account for id, account in db.session.execute(assignees)} == self.of_facet("assignee")  # noqa: C416
        mutes = dict[int, Any]()
        for row in db.session.execute(
            select(Mute.object_id, Mute.reason, Mute.kind, Mute.until).where(Mute.organization_id == self.acme.id)
        ):
            mutes.setdefault(row.object_id, {})[row.reason] = row.action, row.until
        assert mutes == self.of_facet("mute")

    def of_facet(self, wanted: str) -> dict[int, Any]:
        return {id: value for (id, facet), value in self.known.facets.items() if facet == wanted and value is not None}

    @invariant()
    def there_is_one_line_for_each_change(self) -> None:
        found = (
            select(AuditEvent.operation_id, AuditEvent.object_id)
            .where(AuditEvent.organization_id == self.acme.id, AuditEvent.operation_id.is_not(None))
            .order_by(AuditEvent.id)
        )
        lines = [(operation, id) for operation, id in db.session.execute(found)]
        assert sorted(lines) == sorted(self.known.lines)
        db.session.rollback()


@pytest.mark.timeout(3600)
def test_everything_agrees_whatever_is_done(store: Flask, long: bool) -> None:
    profile = settings(
        max_examples=1000 if long else 20,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Desk, settings=profile)
