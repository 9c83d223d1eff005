"""Operations: what was asked, what was changed, and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.audit.types import Subject
from voiceadmin.triage.types import Act


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done.

    key: of the form, the same when it is sent again. seen: the newest deed when
    they looked; what somebody else changed since is left alone. why: a reason,
    or the text of a note. until: the end of a snooze, None is until something
    changes. owner: the account that is assigned, None is nobody.
    """

    act: Act
    subjects: tuple[Subject, ...]
    key: str
    seen: int
    why: str = ""
    until: datetime | None = None
    owner: int | None = None


class Left(NamedTuple):
    """Something that a deed left as it was, and why."""

    kind: str
    id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A deed: what was done, to how many, and what was left alone.

    number: of what it changed; voices: those of them that are voices. left_out: of those left alone, how many are not
    listed. organizations: of all that it was about. undoes, undone_by: another deed. set_to: of the voices that it
    archived, how many assistants were set to.
    """

    id: int
    at: datetime
    actor_name: str
    act: Act
    number: int
    voices: int
    organizations: frozenset[int]
    left: Sequence[Left] = ()
    left_out: int = 0
    undoes: int | None = None
    undone_by: int | None = None
    set_to: int = 0


UNDONE_FOR = timedelta(days=30)  # so long after it was done can a deed be undone


MOST_AT_ONCE = 20_000  # things that one deed changes


MAX_NOTE = 1000  # letters of a note, or of why something was done
