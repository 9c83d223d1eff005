"""Whether voices are safe to delete is read from assistants, shared references and verdicts."""

from __future__ import annotations

from datetime import datetime

from tests.factories import connect_provider, make_assistant, make_voice, put_verdicts
from voiceadmin.cleanup.queries.deletion_advice import advise_deletions
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import AssistantVoice, Organization
from voiceadmin.voices.types.status import VoiceStatus


def test_voices_are_safe_unless_used_shared_missing_or_not_verified(acme: Organization, now: datetime) -> None:
    connect_provider(read_at=now)
    assistant = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="used")
    with write_transaction():
        db.session.add(AssistantVoice(assistant_id=assistant.id, provider="elevenlabs", provider_voice_id="named"))
    references = {1: "safe", 2: "used", 3: "shared", 4: "shared", 5: "missing", 6: "not judged", 7: "archived"}
    references[9] = "named"
    for id, reference in references.items():
        status = VoiceStatus.ARCHIVED if id == 7 else VoiceStatus.READY
        make_voice(acme, id=id, provider_voice_id=reference, status=status)
    put_verdicts({id: "missing" if id == 5 else "in-step" for id in references if id != 6}, since=now)
    put_verdicts({7: "archived-but-paid"}, since=now)

    found = advise_deletions([*references, 8], now=now)

    assert {id: advice.reason for id, advice in found.items()} == {
        1: "",
        2: "An assistant uses it, or names it in its settings.",
        3: "Another voice may be meant.",
        4: "Another voice may be meant.",
        5: "The lists of the provider lack it.",
        6: "Not verified.",
        7: "",
        9: "An assistant uses it, or names it in its settings.",
    }


def test_an_archived_voice_whose_reference_another_one_has_is_not_safe(acme: Organization, now: datetime) -> None:
    connect_provider(read_at=now)
    make_voice(acme, id=1, provider_voice_id="x", status=VoiceStatus.ARCHIVED)
    make_voice(acme, id=2, provider_voice_id="x")
    put_verdicts({1: "archived-but-paid"}, since=now)

    assert advise_deletions([1], now=now)[1].reason == "Another voice may be meant."
