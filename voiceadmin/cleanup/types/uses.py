"""What is known about the use of a voice, and on how current a reading of the platform that rests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

NO_SOURCE = "Not known whether an assistant uses it: no source reads the assistants of its organization."
PARTIAL = "Not known whether an assistant uses it: a source does not read the settings of all assistants."
NEVER_READ = "Not known whether an assistant uses it: the platform was never read completely."
OUTDATED = "Not known whether an assistant uses it: the platform was last read completely on {0:%Y-%m-%d}."


class PlatformSource(NamedTuple):
    """A source of the platform of an organization.

    Attributes:
        reads_all: whether it reads the settings of all assistants.
        read_at: when it was last read completely; None if never.
    """

    is_enabled: bool
    reads_all: bool
    read_at: datetime | None


class PlatformReading(NamedTuple):
    """How current the settings of the assistants of an organization are.

    Attributes:
        read_at: when the platform was last read completely; None if never, or if there is no source.
        is_outdated: whether there is a source, and it was not read completely within MAX_LIST_AGE.
        gap: why it is not known whether an assistant uses a voice, as a sentence; "" if it is known.
    """

    read_at: datetime | None
    is_outdated: bool
    gap: str


def describe_reading(sources: Sequence[PlatformSource], *, now: datetime) -> PlatformReading:
    """Return how current the settings of assistants are. Disabled sources count only if none is enabled.

    Every source must be current: an organization with several can have assistants of each, after a merge.
    """
    counted = [source for source in sources if source.is_enabled] or sources
    if not counted:
        return PlatformReading(None, is_outdated=False, gap=NO_SOURCE)
    times = [source.read_at for source in counted if source.read_at is not None]
    read_at = min(times) if len(times) == len(counted) else None
    is_outdated = read_at is None or now - read_at > MAX_LIST_AGE
    gap = "" if all(source.reads_all for source in counted) else PARTIAL
    if is_outdated:
        gap = NEVER_READ if read_at is None else OUTDATED.format(read_at)
    return PlatformReading(read_at, is_outdated, gap)


class VoiceUse(NamedTuple):
    """What is known about the use of a voice.

    Attributes:
        is_used: whether an assistant of its organization uses it, active or not.
        is_named: whether an assistant of its organization names it in its settings without using it.
        is_in_use_elsewhere: whether an assistant of another organization uses or names its ID at the provider.
        is_shared: whether another voice of any organization has its ID at the provider.
    """

    is_used: bool
    is_named: bool
    is_in_use_elsewhere: bool
    is_shared: bool
    reading: PlatformReading

    @property
    def is_in_use(self) -> bool:
        """Whether an assistant of any organization uses or names it."""
        return self.is_used or self.is_named or self.is_in_use_elsewhere
