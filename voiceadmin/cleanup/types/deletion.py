"""Whether a voice can be deleted at its provider without harm, as far as that is known."""

from __future__ import annotations

from typing import NamedTuple

from voiceadmin.voices.types.verdicts import Certainty, StoredVerdict, Verdict

CERTAIN = (Certainty.CONFIRMED, Certainty.LISTED)

FOREIGN = (Verdict.NOT_OURS, Verdict.WITHDRAWN, Verdict.WILL_BREAK)  # only voices of others are withdrawn

AMBIGUOUS = (Verdict.DUPLICATE, Verdict.WRONG_PROVIDER)


class DeletionAdvice(NamedTuple):
    """Whether a voice is safe to delete at its provider. reason: why it is not, as a sentence; "" if it is.

    Attributes:
        verdict: how the voice compares with its provider; None if nothing can be said.
    """

    verdict: StoredVerdict | None
    reason: str

    @property
    def is_safe(self) -> bool:
        """Whether it is known that the voice is ours, that nobody uses it and that no other voice is meant."""
        return not self.reason


def advise_deletion(verdict: StoredVerdict | None, *, is_in_use: bool, is_shared: bool) -> DeletionAdvice:
    """Return whether a voice is safe to delete at its provider.

    Args:
        verdict: None if nothing can be said.
        is_in_use: whether an assistant uses it, active or not.
        is_shared: whether another voice of the organization that is not archived has the same ID at the provider.
    """
    return DeletionAdvice(verdict, _explain(verdict, is_in_use=is_in_use, is_shared=is_shared))


def _explain(verdict: StoredVerdict | None, *, is_in_use: bool, is_shared: bool) -> str:
    if is_in_use:
        return "An assistant uses it, or names it in its settings."
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
