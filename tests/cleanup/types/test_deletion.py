"""Whether a voice is safe to delete at its provider."""

from __future__ import annotations

import pytest

from tests.conftest import NOW
from voiceadmin.cleanup.types.deletion import advise_deletion
from voiceadmin.voices.types.verdicts import Certainty, StoredVerdict, Verdict

OF_US = {
    Verdict.BROKEN,
    Verdict.STUCK,
    Verdict.DRIFTED,
    Verdict.ARCHIVED_BUT_PAID,
    Verdict.IN_STEP,
}
FROM_LISTS = {Certainty.CONFIRMED, Certainty.LISTED}


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.ORPHAN, Verdict.MISSING}))
@pytest.mark.parametrize("certainty", Certainty)
def test_only_a_certain_verdict_about_a_voice_of_ours_makes_it_safe(verdict: Verdict, certainty: Certainty) -> None:
    advice = advise_deletion(StoredVerdict(verdict, certainty, NOW), is_in_use=False, is_shared=False)

    assert advice.is_safe == (verdict in OF_US and certainty in FROM_LISTS), advice.reason


IN_STEP = StoredVerdict(Verdict.IN_STEP, Certainty.LISTED, NOW)


@pytest.mark.parametrize(
    ("verdict", "is_in_use", "is_shared", "reason"),
    [
        (IN_STEP, True, False, "An assistant uses it, or names it in its settings."),
        (IN_STEP, False, True, "Another voice may be meant."),
        (None, False, False, "Not verified."),
        (IN_STEP._replace(certainty=Certainty.STALE), False, False, "The lists of the provider are not current."),
        (IN_STEP._replace(is_absent=True), False, False, "The lists of the provider lack it."),
        (IN_STEP._replace(verdict=Verdict.NOT_OURS), False, False, "It belongs to others."),
        (IN_STEP._replace(verdict=Verdict.WRONG_PROVIDER), False, False, "Another voice may be meant."),
    ],
    ids=["in use", "shared", "not verified", "stale", "absent", "of others", "elsewhere"],
)
def test_the_reason_why_a_voice_is_not_safe_is_named(
    verdict: StoredVerdict | None, is_in_use: bool, is_shared: bool, reason: str
) -> None:
    assert advise_deletion(verdict, is_in_use=is_in_use, is_shared=is_shared).reason == reason
