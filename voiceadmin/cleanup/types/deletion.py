"""Whether a voice can be deleted at its provider without harm, as far as that is known."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voiceadmin.cleanup.types.uses import VoiceUse
from voiceadmin.voices.types.verdicts import Certainty, StoredVerdict, Verdict

CERTAIN = (Certainty.CONFIRMED, Certainty.LISTED)

FOREIGN = (Verdict.NOT_OURS, Verdict.WITHDRAWN, Verdict.WILL_BREAK)  # only voices of others are withdrawn

AMBIGUOUS = (Verdict.DUPLICATE, Verdict.WRONG_PROVIDER)


class DeletionAdvice(NamedTuple):
    """Whether a voice is safe to delete at its provider. reason: why it is not, as a sentence; "" if it is.

    Attributes:
        verdict: how the voice compares with its provider; None if nothing can be said.
        read_at: when the assistants of its organization were last read completely; None if never.
    """

    verdict: StoredVerdict | None
    reason: str
    read_at: datetime | None = None

    @property
    def is_safe(self) -> bool:
        """Whether it is known that the voice is ours, that nobody uses it and that no other voice is meant."""
        return not self.reason


def advise_deletion(verdict: StoredVerdict | None, use: VoiceUse) -> DeletionAdvice:
    """Return whether a voice is safe to delete at its provider. verdict: None if nothing can be said."""
    reason = _explain_use(use) or _explain_verdict(verdict, is_shared=use.is_shared) or use.reading.gap
    return DeletionAdvice(verdict, reason, use.reading.read_at)


def _explain_use(use: VoiceUse) -> str:
    if use.is_used:
        return "An assistant uses it."
    if use.is_named:
        return "An assistant names it in its settings."
    if use.is_in_use_elsewhere:
        return "An assistant of another organization uses it, or names it in its settings."
    return ""


def _explain_verdict(verdict: StoredVerdict | None, *, is_shared: bool) -> str:
    if verdict is None:
        return "Not verified."
    if verdict.certainty not in CERTAIN:
        return "The lists of the provider are not current."
    if verdict.is_absent:
        return "The lists of the provider lack it."
    if verdict.verdict in FOREIGN:
        return "It belongs to others."
    if is_shared or verdict.verdict in AMBIGUOUS:
        return "Another voice may be meant."
    return ""
