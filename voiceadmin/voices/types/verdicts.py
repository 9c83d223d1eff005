"""What the platform and a provider say together about a voice, and how sure that is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.enums import Tone, TonedEnum

MAX_LIST_AGE = timedelta(days=2)  # of a provider's lists from which a voice can be missing

NO_VERDICT, NO_VERDICT_LABEL = "none", "No verdict"  # a filter value besides those of `Verdict`


class Verdict(TonedEnum):
    """How platform and provider compare, worst first."""

    MISSING = "missing", "Missing at the provider", Tone.BAD
    WRONG_PROVIDER = "wrong-provider", "At another provider", Tone.BAD
    BROKEN = "broken", "Broken", Tone.BAD
    WITHDRAWN = "withdrawn", "Stock voice withdrawn", Tone.BAD
    WILL_BREAK = "will-break", "Will stop working", Tone.WARN
    STUCK = "stuck", "Stuck at the provider", Tone.WARN
    DRIFTED = "drifted", "Drifted", Tone.WARN
    ARCHIVED_BUT_PAID = "archived-but-paid", "Archived, slot still in use", Tone.WARN
    ORPHAN = "orphan", "Orphan", Tone.WARN
    DUPLICATE = "duplicate", "Duplicate", Tone.WARN
    NOT_OURS = "not-ours", "Stock or shared voice", Tone.MUTED
    IN_STEP = "in-step", "In step", Tone.GOOD


class Certainty(TonedEnum):
    """On what a verdict rests, or why there is none."""

    CONFIRMED = "confirmed", "Confirmed by a look-up", Tone.GOOD
    LISTED = "listed", "From a complete list", Tone.GOOD
    STALE = "stale", "From an older list", Tone.WARN
    UNVERIFIED = "unverified", "Not verified", Tone.MUTED
    BY_CHOICE = "by-choice", "Not verified by choice", Tone.MUTED


class StoredVerdict(NamedTuple):
    """The verdict of a voice that was stored, and still holds.

    Attributes:
        since: when it first had this verdict and certainty.
        is_absent: whether it rests on the absence of the voice in current lists.
    """

    verdict: Verdict
    certainty: Certainty
    since: datetime
    is_absent: bool = False
