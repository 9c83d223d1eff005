"""The items of the triage queue."""

from __future__ import annotations

from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_account, make_assistant, make_voice
from tests.triage.queries.model import THRESHOLDS
from tests.triage.queries.scenario import acknowledge, ref_of
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters, TriageAction
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT


def test_an_item_has_the_actor_and_the_end_of_a_mute(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED)
    acknowledge(ref_of(voice), until=NOW + DAY)

    (item,) = list_queue(EVERYTHING, QueueFilters(muted=True), THRESHOLDS, now=NOW).items

    (detail,) = item.reasons
    assert detail.mute is not None
    assert (detail.mute.action, detail.mute.until, detail.mute.muted_at, detail.mute.muted_by) == (
        TriageAction.SNOOZE,
        NOW + DAY,
        NOW,
        "tester",
    )
    assert item.worst_reason == detail
    (later,) = list_queue_items([ref_of(voice)], THRESHOLDS, now=NOW + DAY)
    assert later.reasons[0].mute is None


def test_an_item_has_its_voice_its_organization_and_its_assignee(acme: Organization) -> None:
    ada = make_account("ada@example.com", platform=True)
    voice = make_voice(acme, provider_voice_id="pv", status=FAILED)
    assistant = make_assistant(acme, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv")
    make_assistant(acme, id=voice.id, name="Same id as the voice")
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.ASSIGN, (ref_of(voice),), "k", 0, assignee_id=ada.id),
        THRESHOLDS,
        by=SHELL,
        now=NOW,
    )

    first, second = list_queue(EVERYTHING, QueueFilters(), THRESHOLDS, now=NOW).items

    assert (first.ref, first.organization_name, first.assignee, first.voice) == (ref_of(assistant), "Acme", None, voice)
    assert first.assistant is not None
    assert first.assistant.name == "Front desk"
    assert (second.ref, second.assistant, second.voice) == (ref_of(voice), None, voice)
    assert second.assignee == (ada.id, "ada@example.com")


def test_a_missing_object_has_no_item_and_no_findings(acme: Organization) -> None:
    gone = [ObjectRef(VOICE, 999), ObjectRef(ASSISTANT, 999)]

    assert list(list_queue_items(gone, THRESHOLDS, now=NOW)) == []
    assert find_findings(gone, THRESHOLDS, now=NOW) == {ref: [] for ref in gone}
    assert find_findings([], THRESHOLDS, now=NOW) == {}
