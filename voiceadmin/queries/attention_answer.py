"""What needs a person, as programs are answered: counts by reason, and a page of the queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, union

from voiceadmin.db import db
from voiceadmin.desk import NOBODY, Limits, Line, QueueFilters, ReasonCount
from voiceadmin.formats.writing import as_json
from voiceadmin.models import Assistant, VoiceCount
from voiceadmin.people import Scope
from voiceadmin.queries.attention import line_record, list_queue
from voiceadmin.queries.reasons import RULES
from voiceadmin.queries.rows import within

Owned = Iterable[tuple[str, ReasonCount]]


def attention_answer(
    scope: Scope, filters: QueueFilters, counts: Iterable[ReasonCount], owned: Owned, limits: Limits, *, now: datetime
) -> bytes:
    """The body of the JSON route: counts by reason, whichever of them are listed, and a page of the queue.

    counts, owned: of the scope, as `summarize` and `count_owned` count them; owned may be empty without an owner.
    """
    queue = list_queue(scope, filters, limits, now=now)
    return as_json(
        {
            "success": True,
            "counts": count_by_reason(filters, counts, owned),
            "items": [item_record(line) for line in queue.lines],
            "next": None if queue.next is None else str(queue.next),
        }
    )


def count_by_reason(filters: QueueFilters, counts: Iterable[ReasonCount], owned: Owned) -> dict[str, int]:
    """How many there are of every reason under the other filters."""
    numbers = dict.fromkeys((rule.word for rule in RULES), 0)
    for count in _of_owner(filters.owner, counts, owned):
        in_place = filters.organization in (None, count.organization_id)
        if in_place and (not filters.providers or count.provider in filters.providers):
            numbers[count.reason] += count.number
    return {word: max(0, number) for word, number in numbers.items()}  # the two may be counted a minute apart


def _of_owner(owner: str, counts: Iterable[ReasonCount], owned: Owned) -> Iterator[ReasonCount]:
    if owner in ("", NOBODY):
        yield from counts
    for account, count in owned:
        if owner == NOBODY:
            yield count._replace(number=-count.number)
        elif owner == account:
            yield count


def own_providers(scope: Scope) -> list[str]:
    """The providers of the voices and assistants of a scope, in one statement."""
    stored: Any = union(
        select(VoiceCount.provider).where(within(scope, VoiceCount.organization_id)),
        select(Assistant.tts_provider).where(within(scope, Assistant.organization_id), Assistant.tts_provider != ""),
    )
    return sorted(db.session.scalars(stored))


def item_record(line: Line) -> dict[str, Any]:
    """A line of the queue as an answer has it.

    Without the reasons that were acknowledged or snoozed, which are not counted
    either, and without sentences: the ages in them would make another answer every minute.
    """
    record = line_record(replace(line, reasons=[why for why in line.reasons if why.hush is None]))
    for reason in record["reasons"]:
        del reason["evidence"]
    return record
