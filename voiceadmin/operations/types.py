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
    they looked; what somebody else changed since is left alone. note: a reason,
    or the text of a note. until: the end of a snooze, None is until something
    changes. assignee: the account that is assigned, None is nobody.
    """

    action: TriageAction
    refs: tuple[ObjectRef, ...]
    key: str
    seen: int
    note: str = ""
    until: datetime | None = None
    assignee: int | None = None


class SkippedItem(NamedTuple):
    """Something that a operation left as it was, and note."""

    kind: str
    id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperationRow:
    """A operation: what was done, to how many, and what was left alone.

    number: of what it changed; voices: those of them that are voices. skipped_unlisted: of those left alone, how many are not
    listed. organizations: of all that it was about. undoes, undone_by: another operation. in_use_count: of the voices that it
    archived, how many assistants were set to.
    """

    id: int
    at: datetime
    actor_name: str
    action: TriageAction
    object_count: int
    voice_count: int
    organizations: frozenset[int]
    skipped: Sequence[SkippedItem] = ()
    skipped_unlisted: int = 0
    undoes: int | None = None
    undone_by: int | None = None
    in_use_count: int = 0


UNDONE_FOR = timedelta(days=30)  # so long after it was done can a operation be undone


MOST_AT_ONCE = 20_000  # things that one operation changes


MAX_NOTE = 1000  # letters of a note, or of note something was done
