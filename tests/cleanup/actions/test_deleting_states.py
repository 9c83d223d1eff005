"""Random sequences of changes, requests and faults: no voice that must stay is ever deleted."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
import stamina
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from tests.cleanup.actions.deletions import Scene, make_workspace, prepare
from tests.cleanup.actions.plans.scenario import BOB, THRESHOLDS, make_plan, run_plan
from tests.conftest import NOW, SHELL
from tests.factories import make_assistant, make_organization, make_voice
from tests.upstream import elevenlabs, server
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion, request_check
from voiceadmin.cleanup.actions.plans import undo_plan
from voiceadmin.cleanup.models import DeletionItem
from voiceadmin.cleanup.queries.deletions import check_voices, list_open_requests
from voiceadmin.cleanup.types.deletions import OpenRequest
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, SelectionChanged
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.actions.permissions import allow_deletion, forbid_deletion
from voiceadmin.sources.models import Source
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice

VOICES = 4
INDEXES = st.integers(0, VOICES - 1)
NUMBERS = itertools.count(1)
LISTED_AT = 1_767_225_600  # when the provider created the voices that the plan saw
CHANGES = (
    "an_assistant_uses_a_voice_or_no_longer",
    "another_voice_has_the_id_or_no_longer",
    "a_person_restores_and_archives_a_voice",
    "a_voice_is_used",
    "a_voice_is_created_again",
    "a_voice_belongs_to_others",
)
FAULTS = {
    "none": (lambda response: response, True),
    "conflict": (server.status(409), False),
    "failed": (server.status(500), False),
    "failed after": (server.status(500), True),
    "lost": (server.lose, False),
    "lost after": (server.lose, True),
    "limited": (server.status(429), False),
    "ignored": (lambda response: response, False),
}


class DeletingMachine(RuleBasedStateMachine):
    """A plan with archived voices, and what is true about each: all sets contain IDs at the provider."""

    start: Callable[[int], Scene]

    @initialize()
    def begin(self) -> None:
        self.number = next(NUMBERS)
        self.scene = type(self).start(self.number)
        self.ids = list(self.scene.voices)
        self.used, self.shared, self.restored, self.counted = (set[str]() for _ in range(4))
        self.is_allowed = self.is_enabled = True
        self.confirmed = Counter[str]()

    # What happens here

    @rule(index=INDEXES)
    def an_assistant_uses_a_voice_or_no_longer(self, index: int) -> None:
        id = self.ids[index]
        if id in self.used:
            self._execute(delete(Assistant).where(Assistant.tts_voice_id == id))
        else:
            make_assistant(tts_provider="elevenlabs", tts_voice_id=id, active=False)
        self.used ^= {id}

    @rule(index=INDEXES)
    def another_voice_has_the_id_or_no_longer(self, index: int) -> None:
        id = self.ids[index]
        if id in self.shared:
            other = (ClonedVoice.provider_voice_id == id, ClonedVoice.id != self.scene.voices[id])
            self._execute(delete(ClonedVoice).where(*other))
        else:
            make_voice(make_organization("Other"), provider_voice_id=id)
        self.shared ^= {id}

    def _execute(self, statement: object) -> None:
        db.session.rollback()
        db.session.execute(statement)  # type: ignore[call-overload]
        db.session.commit()

    @rule(index=INDEXES)
    def a_person_restores_or_archives_a_voice(self, index: int) -> None:
        id = self.ids[index]
        action = TriageAction.ARCHIVE if self._is_restored(id) else TriageAction.RESTORE
        ref = ObjectRef(ObjectKind.VOICE, self.scene.voices[id])
        key = f"{self.number} {next(NUMBERS)}"
        later = NOW.replace(minute=next(NUMBERS) % 59 + 1)
        apply_action(EVERYTHING, ActionRequest(action, (ref,), key, 10**9), THRESHOLDS, by=SHELL, now=later)
        self.restored.add(id)  # also after it was archived again, by a person and not by the plan

    def a_person_restores_and_archives_a_voice(self, index: int) -> None:
        self.a_person_restores_or_archives_a_voice(index)
        self.a_person_restores_or_archives_a_voice(index)

    def _is_restored(self, id: str) -> bool:
        db.session.rollback()
        return db.session.scalars(select(ClonedVoice.archived_at).filter_by(id=self.scene.voices[id])).one() is None

    @rule()
    def a_person_undoes_the_plan(self) -> None:
        undo_plan(EVERYTHING, self.scene.plan_id, THRESHOLDS, by=BOB, now=NOW, seconds=60)
        self.restored |= {id for id in self.ids if self._is_restored(id)}

    @rule(index=INDEXES)
    def a_voice_is_used(self, index: int) -> None:
        self.scene.change(self.ids[index], synthesis_count=next(NUMBERS))
        self.counted.add(self.ids[index])

    @rule()
    def deletion_is_allowed_or_forbidden(self) -> None:
        change = forbid_deletion if self.is_allowed else allow_deletion
        change(EVERYTHING, self.scene.provider.source_id, by=SHELL, now=NOW)
        self.is_allowed = not self.is_allowed

    @rule()
    def the_source_is_disabled_or_enabled(self) -> None:
        change = disable_source if self.is_enabled else enable_source
        change(EVERYTHING, self.scene.provider.source_id, by=SHELL, now=NOW)
        self.is_enabled = not self.is_enabled

    @rule()
    def sync(self) -> None:
        if self.is_enabled:
            self.scene.provider.sync(NOW)

    # What happens at the provider

    @rule(index=INDEXES)
    def a_voice_is_created_again(self, index: int) -> None:
        self._put(self.ids[index], created_at_unix=LISTED_AT + next(NUMBERS))

    @rule(index=INDEXES)
    def a_voice_belongs_to_others(self, index: int) -> None:
        self._put(self.ids[index], is_owner=False)

    @rule(index=INDEXES)
    def a_voice_is_as_it_was(self, index: int) -> None:
        self._put(self.ids[index])

    @rule(index=INDEXES)
    def the_provider_loses_a_voice(self, index: int) -> None:
        world = self.scene.world
        world.voices = [voice for voice in world.voices if voice["voice_id"] != self.ids[index]]

    def _put(self, id: str, **fields: object) -> None:
        others = [voice for voice in self.scene.world.voices if voice["voice_id"] != id]
        self.scene.world.voices = [*others, elevenlabs.make_voice(id, **fields)]

    # Deletions

    @rule(is_again=st.booleans())
    def an_admin_confirms(self, is_again: bool) -> None:
        voices = check_voices(self.scene.plan_id, now=NOW)
        chosen = [voice for voice in voices if (voice.can_be_repeated if is_again else voice.can_be_deleted)]
        was_open = bool(self._list_open())
        try:
            self.scene.request(len(chosen), is_again=is_again)
        except (SelectionChanged, ChangeRefused):
            return
        if not was_open:
            self.confirmed.update(voice.provider_voice_id for voice in chosen)

    @rule()
    def an_admin_checks_again(self) -> None:
        try:
            request_check(EVERYTHING, self.scene.plan_id, "elevenlabs", by=BOB, now=NOW)
        except ChangeRefused:
            return

    @rule()
    def an_admin_cancels(self) -> None:
        cancel_deletion(EVERYTHING, self.scene.plan_id, by=BOB, now=NOW)

    @rule(name=st.sampled_from(sorted(FAULTS)), limit=st.integers(1, VOICES))
    def a_process_carries_it_out(self, name: str, limit: int) -> None:
        fault, is_carried_out = FAULTS[name]
        self.scene.upstream.show(fault, method="DELETE", is_carried_out=is_carried_out)
        allowed, before, states = self._list_allowed(), len(self.scene.deleted), self.scene.states
        for request in self._list_open():
            self.scene.build_run(request.id).run(limit)
        self.scene.upstream.recover()
        self._check_deleted(self.scene.deleted[before:], allowed)
        self._check_states(states)

    @rule(name=st.sampled_from(CHANGES), index=INDEXES)
    def a_change_comes_between(self, name: str, index: int) -> None:
        """Make a change of a voice after its deletion was confirmed, and before it is carried out."""
        self._permit()
        chosen = [
            voice.provider_voice_id for voice in check_voices(self.scene.plan_id, now=NOW) if voice.can_be_deleted
        ]
        if chosen:
            self.an_admin_confirms(is_again=False)
            getattr(self, name)(self.ids.index(chosen[index % len(chosen)]))
            self.a_process_carries_it_out("none", VOICES)

    def _permit(self) -> None:
        self.an_admin_cancels()
        if not self.is_allowed:
            self.deletion_is_allowed_or_forbidden()
        if not self.is_enabled:
            self.the_source_is_disabled_or_enabled()

    def _list_open(self) -> list[OpenRequest]:
        db.session.rollback()
        requests = list_open_requests(now=NOW, plan_id=self.scene.plan_id)
        db.session.rollback()
        return requests

    def _list_allowed(self) -> set[str]:
        """The voices that may be deleted by what is true, whatever the program believes."""
        if not (self.is_allowed and self.is_enabled):
            return set()
        ours = {
            voice["voice_id"]
            for voice in self.scene.world.voices
            if voice["is_owner"] and voice["created_at_unix"] == LISTED_AT
        }
        return ours - self.used - self.shared - self.restored - self.counted

    def _check_deleted(self, sent: list[str], allowed: set[str]) -> None:
        assert set(sent) <= allowed
        assert len(sent) == len(set(sent))
        total = Counter(self.scene.deleted)
        assert all(total[id] <= self.confirmed[id] for id in self.ids)

    def _check_states(self, before: dict[str, str]) -> None:
        """A voice that has become deleted is absent, and one for which a deletion was sent never waits unseen."""
        existing = {voice["voice_id"] for voice in self.scene.world.voices}
        for id, state in self.scene.states.items():
            if state == "deleted" and before.get(id) != "deleted":
                assert id not in existing
        rows = db.session.scalars(select(DeletionItem).filter_by(plan_id=self.scene.plan_id, is_due=False)).all()
        assert all(row.state in ("deleted", "unconfirmed", "refused") for row in rows if row.sent_at is not None)
        db.session.rollback()


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("now")
def test_no_voice_that_must_stay_is_ever_deleted(app: Flask, long: bool) -> None:
    world = make_workspace([])
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:

        def start(number: int) -> Scene:
            db.session.rollback()
            db.session.execute(delete(Source))
            db.session.commit()
            ids = [f"v{number}x{index}" for index in range(VOICES)]
            world.voices = make_workspace(ids).voices
            acme = make_organization(f"Acme {number}")
            scene = prepare(acme, upstream, world, app.config["VOICEADMIN"], ids=ids)
            upstream.requests.clear()
            scene.plan_id = make_plan(NOW, f"plan {number}", organization=acme.id)
            run_plan(scene.plan_id, NOW)
            return scene

        DeletingMachine.start = staticmethod(start)
        run_state_machine_as_test(
            DeletingMachine,
            settings=settings(
                max_examples=300 if long else 6,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
