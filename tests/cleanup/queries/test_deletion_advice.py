"""Whether voices are safe to delete is read from assistants, shared references, verdicts and syncs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.factories import (
    DAY,
    connect_provider,
    make_assistant,
    make_organization,
    make_voice,
    name_voice,
    put_verdicts,
)
from tests.source_rows import make_source
from voiceadmin.cleanup.queries.deletion_advice import advise_deletions
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.status import VoiceStatus

MAY_BE_ANOTHER = "Another voice may be meant."
ELSEWHERE = "An assistant of another organization uses it, or names it in its settings."


@pytest.fixture
def acme(acme: Organization, now: datetime) -> Organization:
    """An organization whose voices and assistants were read now, as were the voices of the provider."""
    connect_provider(read_at=now)
    make_source(acme, kind="burki", read_at=now)
    return acme


def make_voices(acme: Organization, references: Sequence[str], now: datetime) -> None:
    """Make voices with these IDs at the provider, which the provider has, with ids from 1."""
    for id, reference in enumerate(references, 1):
        make_voice(acme, id=id, provider_voice_id=reference)
    put_verdicts(dict.fromkeys(range(1, len(references) + 1), "in-step"), since=now)


def reasons(ids: Sequence[int], now: datetime) -> dict[int, str]:
    return {id: advice.reason for id, advice in advise_deletions(ids, now=now).items()}


def test_voices_are_safe_unless_used_named_shared_missing_or_not_verified(acme: Organization, now: datetime) -> None:
    name_voice(make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="used"), "named")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="not spoken", is_voice_spoken=False)
    make_voices(acme, ["safe", "used", "named", "not spoken", "shared", "shared", "missing", "not judged"], now)
    make_voice(acme, id=9, provider_voice_id="archived", status=VoiceStatus.ARCHIVED)
    put_verdicts({7: "missing", 9: "archived-but-paid"}, since=now)
    make_voice(acme, id=8, provider_voice_id="judged before")

    assert reasons(range(1, 11), now) == {
        1: "",
        2: "An assistant uses it.",
        3: "An assistant names it in its settings.",
        4: "An assistant names it in its settings.",
        5: MAY_BE_ANOTHER,
        6: MAY_BE_ANOTHER,
        7: "The lists of the provider lack it.",
        8: "Not verified.",
        9: "",
    }


def test_an_archived_voice_whose_reference_another_one_has_is_not_safe(acme: Organization, now: datetime) -> None:
    make_voice(acme, id=1, provider_voice_id="x", status=VoiceStatus.ARCHIVED)
    make_voice(acme, id=2, provider_voice_id="x")
    put_verdicts({1: "archived-but-paid"}, since=now)

    assert reasons([1], now) == {1: MAY_BE_ANOTHER}


def test_a_voice_that_another_organization_needs_is_not_safe(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    make_voices(acme, ["used", "not spoken", "named", "shared", "safe"], now)
    name_voice(make_assistant(other, tts_provider="elevenlabs", tts_voice_id="used"), "named")
    make_assistant(other, tts_provider="elevenlabs", tts_voice_id="not spoken", is_voice_spoken=False)
    make_assistant(other, tts_provider="resemble", tts_voice_id="safe")
    make_voice(other, id=10, provider_voice_id="shared", status=VoiceStatus.ARCHIVED)
    make_voice(other, id=11, provider="resemble", provider_voice_id="safe")

    assert reasons(range(1, 6), now) == {1: ELSEWHERE, 2: ELSEWHERE, 3: ELSEWHERE, 4: MAY_BE_ANOTHER, 5: ""}


def test_a_voice_is_safe_only_while_the_reading_of_the_platform_is_current(acme: Organization, now: datetime) -> None:
    other, imported = make_organization("Other"), make_organization("Imported")
    make_source(other, kind="burki", read_at=now - 2 * DAY, assistant_ids="7")
    make_source(imported, read_at=now)
    for id, organization in enumerate((acme, other, imported), 1):
        make_voice(organization, id=id)
    put_verdicts(dict.fromkeys((1, 2, 3), "in-step"), since=now)

    advice = advise_deletions([1, 2, 3], now=now)

    assert {id: one.reason for id, one in advice.items()} == {
        1: "",
        2: "Not known whether an assistant uses it: a source does not read the settings of all assistants.",
        3: "Not known whether an assistant uses it: no source reads the assistants of its organization.",
    }
    assert [one.read_at for one in advice.values()] == [now, now - 2 * DAY, None]


@pytest.mark.usefixtures("app")
def test_a_voice_is_not_safe_when_the_platform_was_not_read_for_more_than_two_days(now: datetime) -> None:
    acme = make_organization()
    connect_provider(read_at=now)
    make_source(acme, kind="burki", read_at=now - 3 * DAY)
    make_voices(acme, ["v1"], now)

    sentence = "Not known whether an assistant uses it: the platform was last read completely on 2026-11-19."
    assert reasons([1], now) == {1: sentence}
