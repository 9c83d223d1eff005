"""Whether a voice is safe to delete at its provider."""

from __future__ import annotations

import pytest

from tests.conftest import NOW
from voiceadmin.cleanup.types.deletion import advise_deletion
from voiceadmin.cleanup.types.uses import NO_SOURCE, PlatformReading, VoiceUse
from voiceadmin.voices.types.verdicts import Certainty, StoredVerdict, Verdict

OF_US = {
    Verdict.BROKEN,
    Verdict.STUCK,
    Verdict.DRIFTED,
    Verdict.ARCHIVED_BUT_PAID,
    Verdict.IN_STEP,
}
FROM_LISTS = {Certainty.CONFIRMED, Certainty.LISTED}


READING = PlatformReading(NOW, is_outdated=False, gap="")
UNUSED = VoiceUse(is_used=False, is_named=False, is_in_use_elsewhere=False, is_shared=False, reading=READING)


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.ORPHAN, Verdict.MISSING}))
@pytest.mark.parametrize("certainty", Certainty)
def test_only_a_certain_verdict_about_a_voice_of_ours_makes_it_safe(verdict: Verdict, certainty: Certainty) -> None:
    advice = advise_deletion(StoredVerdict(verdict, certainty, NOW), UNUSED)

    assert advice.is_safe == (verdict in OF_US and certainty in FROM_LISTS), advice.reason
    assert advice.read_at == NOW


IN_STEP = StoredVerdict(Verdict.IN_STEP, Certainty.LISTED, NOW)
ELSEWHERE = "An assistant of another organization uses it, or names it in its settings."


@pytest.mark.parametrize(
    ("verdict", "use", "reason"),
    [
        (IN_STEP, UNUSED._replace(is_used=True, is_named=True), "An assistant uses it."),
        (IN_STEP, UNUSED._replace(is_named=True), "An assistant names it in its settings."),
        (IN_STEP, UNUSED._replace(is_in_use_elsewhere=True), ELSEWHERE),
        (IN_STEP, UNUSED._replace(is_shared=True), "Another voice may be meant."),
        (IN_STEP, UNUSED._replace(reading=READING._replace(gap=NO_SOURCE)), NO_SOURCE),
        (None, UNUSED, "Not verified."),
        (IN_STEP._replace(certainty=Certainty.STALE), UNUSED, "The lists of the provider are not current."),
        (IN_STEP._replace(is_absent=True), UNUSED, "The lists of the provider lack it."),
        (IN_STEP._replace(verdict=Verdict.NOT_OURS), UNUSED, "It belongs to others."),
        (IN_STEP._replace(verdict=Verdict.WRONG_PROVIDER), UNUSED, "Another voice may be meant."),
    ],
    ids=[
        *("used", "named", "used elsewhere", "shared", "use not known"),
        *("not verified", "stale", "gone", "of others", "at another provider"),
    ],
)
def test_the_reason_why_a_voice_is_not_safe_is_named(verdict: StoredVerdict | None, use: VoiceUse, reason: str) -> None:
    assert advise_deletion(verdict, use).reason == reason
