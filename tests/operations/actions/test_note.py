"""Adding notes."""

from __future__ import annotations

from tests.factories import make_assistant, make_voice
from tests.operations.actions.scenario import ADA, THRESHOLDS, Runner, read_audit_events, voice_refs
from tests.two_tenants import dump
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction


def test_a_note_changes_only_the_audit_log(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")}
    refs = [*voice_refs(1), ObjectRef(ObjectKind.ASSISTANT, 31)]

    operation = apply_action(
        EVERYTHING, runner.request(TriageAction.NOTE, refs, note="Ask Bob."), THRESHOLDS, by=ADA, now=runner.now
    )

    assert (operation.object_count, operation.voice_count) == (2, 1)
    assert read_audit_events(operation) == [
        ("note-added", 1, None, None, "Ask Bob."),
        ("note-added", 31, None, None, "Ask Bob."),
    ]
    assert {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")} == before


def test_undoing_the_undo_of_a_note_restores_its_text(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.NOTE, 1, note="Ask Bob.")

    undo = runner.undo(operation)
    redo = runner.undo(undo)

    assert read_audit_events(undo) == [("note-removed", 1, {"note": "Ask Bob."}, None, "by undo")]
    assert read_audit_events(redo) == [("note-added", 1, None, None, "Ask Bob.")]
