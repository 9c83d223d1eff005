"""Operations: what was asked, what was changed, and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.audit.types import ObjectRef
from voiceadmin.triage.types import TriageAction


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done.

    key: of the form, the same when it is sent again. seen: the newest operation when
    they looked; what somebody else changed since is left alone. why: a reason,
    or the text of a note. until: the end of a snooze, None is until something
    changes. owner: the account that is assigned, None is nobody.
    """

    act: TriageAction
    refs: tuple[ObjectRef, ...]
    key: str
    seen: int
    why: str = ""
    until: datetime | None = None
    owner: int | None = None


class Left(NamedTuple):
    """Something that a operation left as it was, and why."""

    kind: str
    id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class OperationRow:
    """A operation: what was done, to how many, and what was left alone.

    number: of what it changed; voices: those of them that are voices. skipped_unlisted: of those left alone, how many are not
    listed. organizations: of all that it was about. undoes, undone_by: another operation. set_to: of the voices that it
    archived, how many assistants were set to.
    """

    id: int
    at: datetime
    actor_name: str
    act: TriageAction
    number: int
    voices: int
    organizations: frozenset[int]
    left: Sequence[Left] = ()
    skipped_unlisted: int = 0
    undoes: int | None = None
    undone_by: int | None = None
    set_to: int = 0


UNDONE_FOR = timedelta(days=30)  # so long after it was done can a operation be undone


MOST_AT_ONCE = 20_000  # things that one operation changes


MAX_NOTE = 1000  # letters of a note, or of why something was done
