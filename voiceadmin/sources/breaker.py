"""Doubt a complete list that lacks many known voices at once: a wrong key, workspace or filter looks like that."""

from __future__ import annotations

import hashlib

BREAKER_COUNT = 5  # voices, and

BREAKER_PERCENT = 30  # percent of the known ones

WITHHELD = "Too many voices are missing at once. The list may be wrong, so that none of them counts as missing."


def is_suspicious(lacking: int, known: int) -> bool:
    """Return whether a list lacks so many known voices that it is more likely to be wrong.

    Args:
        lacking: known voices that the list lacks for the first time.
        known: voices that were listed, or named, before.
    """
    is_large_part = lacking >= BREAKER_COUNT and lacking * 100 >= known * BREAKER_PERCENT
    return lacking > 0 and (lacking == known or is_large_part)


def hash_withheld(withheld: str) -> str:
    """Return a hash of what a list lacks, so that a person believes exactly the list that the page has shown."""
    return hashlib.sha256(withheld.encode()).hexdigest()[:32]
