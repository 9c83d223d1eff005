"""The voice that an assistant uses when several voices have the same reference at a provider."""

from __future__ import annotations

import pytest

from tests.conftest import NOW
from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.assistants.queries import list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.queries import get_voice
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import count_assistants_by_voice, count_voices_in_use, find_voices_of_assistants

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus

pytestmark = pytest.mark.usefixtures("app")


def make_duplicates(*statuses: VoiceStatus) -> list[VoiceRow]:
    """Make voices with one reference, and an assistant, 7, that is set to it."""
    acme = make_organization("Acme")
    voices = [make_voice(acme, provider="elevenlabs", provider_voice_id="twice", status=status) for status in statuses]
    make_assistant(acme, id=7, tts_provider="elevenlabs", tts_voice_id="twice")
    return voices


STATUSES = pytest.mark.parametrize(
    ("statuses", "used"),
    [
        ((READY, READY), 0),
        ((FAILED, READY), 1),
        ((ARCHIVED, FAILED, READY, READY), 2),
        ((FAILED, PROCESSING), 0),
        ((ARCHIVED, FAILED), 0),
    ],
    ids=["first-ready", "ready-before-failed", "first-of-two-ready", "none-ready", "none-ready-archived-first"],
)


@STATUSES
def test_every_page_names_the_same_voice_of_an_assistant(statuses: tuple[VoiceStatus, ...], used: int) -> None:
    voices = make_duplicates(*statuses)

    (summary,) = list_assistants(EVERYTHING, AssistantFilters()).rows
    (item,) = list_queue_items([ObjectRef(ObjectKind.ASSISTANT, 7)], AttentionThresholds(), now=NOW)

    assert find_voices_of_assistants([7]) == {7: voices[used]}
    assert summary.voice == voices[used]
    assert item.voice == voices[used]


@STATUSES
def test_only_the_voice_that_an_assistant_is_set_to_counts_as_used(
    statuses: tuple[VoiceStatus, ...], used: int
) -> None:
    ids = [voice.id for voice in make_duplicates(*statuses)]

    assert count_assistants_by_voice(ids) == {ids[used]: 1}
    assert count_voices_in_use(ids) == 1
    assert [get_voice(EVERYTHING, id).using_assistant_count for id in ids] == [int(id == ids[used]) for id in ids]


def test_a_voice_list_counts_an_assistant_at_one_of_two_duplicates() -> None:
    failed, ready = make_duplicates(FAILED, READY)
    organization = get_assistant(EVERYTHING, 7).organization

    assert list_voices(organization.id, VoiceFilters(), now=NOW).assistant_counts == {ready.id: 1}
    assert list_voices(organization.id, VoiceFilters(statuses=(FAILED,)), now=NOW).assistant_counts == {}
    assert failed.provider_voice_id == ready.provider_voice_id


def test_an_assistant_whose_mode_does_not_use_its_voice_counts_nowhere_as_using_it() -> None:
    acme = make_organization("Acme")
    voice = make_voice(acme, provider="elevenlabs", provider_voice_id="v", status=FAILED)
    make_assistant(acme, id=7, tts_provider="elevenlabs", tts_voice_id="v", is_voice_spoken=False)

    assert count_assistants_by_voice([voice.id]) == {}
    assert count_voices_in_use([voice.id]) == 0
    assert list_voices(acme.id, VoiceFilters(), now=NOW).assistant_counts == {}
    desk = ObjectRef(ObjectKind.ASSISTANT, 7)
    assert not find_findings([desk], AttentionThresholds(), now=NOW)[desk]
    assert find_voices_of_assistants([7]) == {7: voice}
