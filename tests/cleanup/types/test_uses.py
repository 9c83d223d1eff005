"""How current what is known about the assistants of an organization is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import NOW
from voiceadmin.cleanup.types.uses import (
    NEVER_READ,
    NO_SOURCE,
    PARTIAL,
    PlatformReading,
    PlatformSource,
    describe_reading,
)
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

LIMIT = NOW - MAX_LIST_AGE
CURRENT = PlatformSource(is_enabled=True, reads_all=True, read_at=NOW)
OLD = CURRENT._replace(read_at=LIMIT - timedelta(microseconds=1))
OLD_GAP = "Not known whether an assistant uses it: the platform was last read completely on 2026-11-20."


@pytest.mark.parametrize(
    ("sources", "reading"),
    [
        ([CURRENT], PlatformReading(NOW, False, "")),
        ([CURRENT._replace(read_at=LIMIT)], PlatformReading(LIMIT, False, "")),
        ([OLD], PlatformReading(OLD.read_at, True, OLD_GAP)),
        ([CURRENT._replace(read_at=None)], PlatformReading(None, True, NEVER_READ)),
        ([CURRENT._replace(reads_all=False)], PlatformReading(NOW, False, PARTIAL)),
        ([OLD._replace(reads_all=False)], PlatformReading(OLD.read_at, True, OLD_GAP)),
        ([], PlatformReading(None, False, NO_SOURCE)),
        ([CURRENT, OLD], PlatformReading(OLD.read_at, True, OLD_GAP)),
        ([CURRENT, CURRENT._replace(read_at=None)], PlatformReading(None, True, NEVER_READ)),
        ([CURRENT, OLD._replace(is_enabled=False)], PlatformReading(NOW, False, "")),
        ([CURRENT._replace(is_enabled=False)], PlatformReading(NOW, False, "")),
        ([OLD._replace(is_enabled=False)], PlatformReading(OLD.read_at, True, OLD_GAP)),
    ],
    ids=[
        *("current", "exactly two days", "old", "never", "some assistants", "some and old", "no source"),
        *("one of two is old", "one of two never", "the old one is disabled", "disabled", "disabled and old"),
    ],
)
def test_every_source_of_the_platform_must_have_been_read_completely_in_two_days(
    sources: list[PlatformSource], reading: PlatformReading
) -> None:
    assert describe_reading(sources, now=NOW) == reading
