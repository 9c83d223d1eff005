"""One page of an organization's voices, found without looking at the others.

The voices of one status and provider, a stretch, lie side by side in an index
for each order. A list merges its stretches: the database reads each from the
index, already in order, and stops when the page is full. How many voices of
each kind there are is kept by triggers. So nothing is counted, parts of a list
before a page are passed over whole, and its far half is read from the end.

Filters other than status and provider are tested on the way, inside the index.
Where few voices can match, those are looked up instead: by their kind, by how
long they were not used, or by the grams of a text. What cannot be counted
cheaply is counted up to a bound, and said to be more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.database.base import db
from voiceadmin.database.dialect import index_hint
from voiceadmin.database.types import UtcTime
from voiceadmin.identity import OrganizationId
from voiceadmin.pagination import Page
from voiceadmin.text import fold_case
from voiceadmin.voices.listing.search import candidates, held
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_row
from voiceadmin.voices.types.filters import VoiceColumn, VoiceFilters, VoiceUse
from voiceadmin.voices.types.rows import VoiceList, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import count_assistants_by_voice

SCAN_LIMIT = 20_000  # index entries that a combination of filters passes at most on its way to a page


LOOKUP_LIMIT = 5_000  # voices that are at most looked up one by one, or counted of one status


LOOKUP_COST = 12  # times the price of passing an index entry


class Kind(NamedTuple):
    """Voices that are alike. number: how many the organization has; matching: those that pass the tests on kinds."""

    status: VoiceStatus
    provider: str
    has_last_used_at: int
    scored: int
    number: int
    matching: int


@dataclass(frozen=True)
class SortPlan:
    """How a list in some order is read.

    index: of `models.ORDERS`. key: its column that voices go by inside a part.
    order: the same as a whole, for voices that were looked up. divided: the
    field of Kind by which the list falls into parts, one after the other; in
    a status's or a provider's part voices go by name, whichever way the parts go.
    """

    index: str
    key: str
    order: str
    divided: str = ""

    @property
    def by_name_in_part(self) -> bool:
        """Whether a direction is that of the parts and not of the key."""
        return self.divided in ("status", "provider")


SORT_PLANS = {
    VoiceColumn.NAME: SortPlan("name", "name_key", "name_key {0}, voice.id {0}"),
    VoiceColumn.PROVIDER: SortPlan("name", "name_key", "provider {0}, name_key, voice.id", "provider"),
    VoiceColumn.STATUS: SortPlan("name", "name_key", "status {0}, name_key, voice.id", "status"),
    VoiceColumn.QUALITY: SortPlan(
        "quality",
        "quality_score",
        "CASE WHEN quality_score IS NULL THEN 1 ELSE 0 END, quality_score {0}, voice.id {0}",
        "scored",
    ),
    VoiceColumn.SYNTHESES: SortPlan("syntheses", "synthesis_count", "synthesis_count {0}, voice.id {0}"),
    VoiceColumn.LAST_USED: SortPlan(
        "last_used", "last_activity_at", "has_last_used_at DESC, last_activity_at {0}, voice.id {0}", "has_last_used_at"
    ),
    VoiceColumn.CREATED: SortPlan("created", "created_at", "created_at {0}, voice.id {0}"),
}


IN_PART: dict[tuple[str, Any], str] = {
    ("scored", 1): "quality_score IS NOT NULL",
    ("scored", 0): "quality_score IS NULL",
    ("has_last_used_at", 1): "has_last_used_at = 1",
    ("has_last_used_at", 0): "has_last_used_at = 0",
}


@dataclass(frozen=True)
class CompiledFilters:
    """What filters ask for, as SQL.

    tests: a condition on what every index has besides its order; "" for none.
    timed: whether it depends on the time, which no kept count knows.
    text: folded; "" for none. combined: whether more is asked for than one
    filter can, or status and provider together. values: of the parameters.
    """

    tests: str
    timed: bool
    unused_too: bool
    text: str
    combined: bool
    values: dict[str, Any]

    @classmethod
    def of(cls, organization_id: int, filters: VoiceFilters, now: datetime) -> CompiledFilters:
        """Put filters into SQL. Only numbers of our own stand in it, all else is a parameter."""
        values: dict[str, Any] = {"organization": organization_id}
        tests = []
        if filters.tiers:
            bars = (0 if tier is None else tier.signal_level for tier in filters.tiers)
            tests.append(f"tier IN ({', '.join(map(str, bars))})")
        if filters.languages:
            names = {f"language{number}": language for number, language in enumerate(filters.languages)}
            tests.append(f"language IN ({', '.join(map(':{}'.format, names))})")
            values |= names
        idle = [use.idle for use in filters.uses if use.idle is not None]
        unused_too = VoiceUse.NEVER in filters.uses
        if idle:
            values["idle"] = now - min(idle)
            tests.append(
                "(is_never_used = 1 OR last_activity_at <= :idle)" if unused_too else "last_activity_at <= :idle"
            )
        elif unused_too:
            tests.append("is_never_used = 1")
        sought = fold_case(filters.text)
        asked = (filters.statuses or filters.providers, filters.tiers, filters.uses, filters.languages, sought)
        return cls(" AND ".join(tests), bool(idle), unused_too, sought, sum(map(bool, asked)) > 1, values)


class Counts(NamedTuple):
    """Voices by status. more: the statuses of which there are, or may be, more than were counted."""

    numbers: dict[VoiceStatus, int]
    more: frozenset[VoiceStatus]


def list_voices(organization_id: OrganizationId, filters: VoiceFilters, *, now: datetime) -> VoiceList:
    """One page of an organization's voices, and their counts by status under the other filters.

    Some few statements, whatever the number of rows. Voices without a value
    come last; ties go by id, in the direction of the order. A page past the
    end is empty.
    """
    sought = CompiledFilters.of(organization_id, filters, now)
    divided = SORT_PLANS[filters.order.column].divided
    kinds = [kind for kind in _kinds(sought, divided) if not filters.providers or kind.provider in filters.providers]
    counts, rows, cut = (_by_text if sought.text else _by_kind)(sought, kinds, filters)
    statuses = set(filters.statuses or VoiceStatus)
    page = Page(
        rows,
        total=sum(counts.numbers[status] for status in statuses),
        page_number=filters.page,
        size=filters.size,
        is_total_exact=not statuses & counts.more,
    )
    return VoiceList(page, counts.numbers, counts.more, count_assistants_by_voice([row.id for row in rows]), cut)


Found = tuple[Counts, list[VoiceRow], int]


def _by_kind(sought: CompiledFilters, kinds: list[Kind], filters: VoiceFilters) -> Found:
    """Find a page where there is no text to look for."""
    if sought.timed:
        counts = _timed_counts(sought, kinds)
    else:
        counts = Counts(_by_status((kind.status, kind.matching) for kind in kinds), frozenset())
    chosen = [kind for kind in kinds if not filters.statuses or kind.status in filters.statuses]
    matching = sum(counts.numbers[status] for status in {kind.status for kind in chosen})
    number = sum(kind.number for kind in chosen)
    exact = not {kind.status for kind in chosen} & counts.more
    if exact and not matching:
        return counts, [], 0
    if (
        exact
        and sought.tests
        and matching <= LOOKUP_LIMIT
        and (matching * LOOKUP_COST <= number or (sought.combined and number > SCAN_LIMIT))
    ):
        driver, values = (_idle if sought.timed else _of_kinds)(sought, chosen)
        return counts, _gathered(driver, sought.values | values, filters), 0
    return counts, *_walk(sought, chosen, filters)


def _by_text(sought: CompiledFilters, kinds: list[Kind], filters: VoiceFilters) -> Found:
    """Find a page of voices that hold a text: all that can, or, when those are too many, on a walk."""
    driver, values = candidates(sought.values["organization"], sought.text)
    condition, more_values = held(sought.text)
    values |= sought.values | more_values | {"most": LOOKUP_LIMIT}
    conditions = ["organization_id = :organization", condition.format("search_key"), sought.tests]
    if filters.providers:
        providers = {f"provider{number}": provider for number, provider in enumerate(filters.providers)}
        conditions.append(f"provider IN ({', '.join(map(':{}'.format, providers))})")
        values |= providers
    common = (
        db.session.scalar(_sql(f"SELECT count(*) FROM ({driver} LIMIT :most + 1) AS possible"), values) > LOOKUP_LIMIT
    )
    looked_up = f"{LOOKED_UP.format(f'{driver} LIMIT :most')} AND {' AND '.join(filter(None, conditions))}"
    chosen = [kind for kind in kinds if not filters.statuses or kind.status in filters.statuses]
    if common:
        found = db.session.execute(_sql(f"SELECT status, count(*) {looked_up} GROUP BY status"), values).all()
        counts = Counts(_by_status((VoiceStatus(status), number) for status, number in found), frozenset(VoiceStatus))
        return counts, *_walk(sought, chosen, filters)
    statuses = {f"status{number}": status.value for number, status in enumerate(filters.statuses)}
    of_status = f"WHERE status IN ({', '.join(map(':{}'.format, statuses))}) " if statuses else ""
    found = db.session.execute(
        _sql(
            f"WITH found AS (SELECT voice.id AS id, {ORDERED_BY} {looked_up})"
            " SELECT status, count(*) AS number FROM found GROUP BY status UNION ALL"
            f" SELECT '', id FROM (SELECT voice.id FROM found AS voice {of_status}ORDER BY {_order(filters)}"
            " LIMIT :limit OFFSET :offset) AS page"
        ),
        values | statuses | {"limit": filters.size, "offset": _offset(filters)},
    ).all()
    numbers = _by_status((VoiceStatus(status), number) for status, number in found if status)
    return Counts(numbers, frozenset()), _rows([id for status, id in found if not status], filters), 0


def _offset(filters: VoiceFilters) -> int:
    return (filters.page - 1) * filters.size


def _direction(*, descending: bool) -> str:
    return "DESC" if descending else "ASC"


def _order(filters: VoiceFilters) -> str:
    return SORT_PLANS[filters.order.column].order.format(_direction(descending=filters.order.descending))


def _by_status(numbers: Iterable[tuple[VoiceStatus, int]]) -> dict[VoiceStatus, int]:
    counts = dict.fromkeys(VoiceStatus, 0)
    for status, number in numbers:
        counts[status] += number
    return counts


# Counting


def _kinds(sought: CompiledFilters, divided: str) -> Iterator[Kind]:
    """Every kind of voices that the organization has, from the counts that the triggers keep.

    divided: the field of Kind that the list is divided by. has_last_used_at and scored
    are told apart only where they matter: the database adds up faster then.
    """
    scored = "CASE tier WHEN 0 THEN 0 ELSE 1 END" if divided == "scored" else "1"
    has_last_used_at = "has_last_used_at" if divided == "has_last_used_at" or sought.timed else "1"
    tests = "" if sought.timed else sought.tests
    matching = f"CASE WHEN {tests} THEN voices ELSE 0 END" if tests else "voices"
    values = {name: value for name, value in sought.values.items() if f":{name}" in tests or name == "organization"}
    found = db.session.execute(
        _sql(
            f"SELECT status, provider, {has_last_used_at} AS has_last_used_at, {scored} AS scored, CAST(sum(voices) AS BIGINT),"
            f" CAST(sum({matching}) AS BIGINT) FROM voice_stats WHERE organization_id = :organization"
            f" GROUP BY status, provider{', 3' if has_last_used_at != '1' else ''}{', 4' if scored != '1' else ''}"
        ),
        values,
    ).all()
    for status, *others in found:
        yield Kind(VoiceStatus(status), *others)


def _timed_counts(sought: CompiledFilters, kinds: Collection[Kind]) -> Counts:
    """Count by status what depends on the time, in the index of last uses, each status up to a bound."""
    numbers, more, selects = dict.fromkeys(VoiceStatus, 0), set[VoiceStatus](), []
    values = dict(sought.values)
    for status in {kind.status for kind in kinds}:
        stretches, named = _idle_stretches(sought, [kind for kind in kinds if kind.status is status], status)
        values |= named
        selects.append(
            f"SELECT '{status.value}' AS status, count(*), CAST(sum(CASE WHEN {sought.tests} THEN 1 ELSE 0 END)"
            f" AS BIGINT) FROM (SELECT * FROM ({stretches}) AS idle LIMIT {LOOKUP_LIMIT + 1}) AS idle"
        )
    for status, passed, matching in db.session.execute(_sql(" UNION ALL ".join(selects)), values) if selects else ():
        numbers[VoiceStatus(status)] = min(matching or 0, LOOKUP_LIMIT)
        if passed > LOOKUP_LIMIT:
            more.add(VoiceStatus(status))
    return Counts(numbers, frozenset(more))


def _idle_stretches(sought: CompiledFilters, kinds: Collection[Kind], prefix: str = "") -> tuple[str, dict[str, Any]]:
    """All that can pass a test on the time, out of the index of last uses, in no order."""
    selects, values = [], dict[str, Any]()
    for number, (status, provider, has_last_used_at) in enumerate(
        sorted({(kind.status, kind.provider, kind.has_last_used_at) for kind in kinds})
    ):
        in_time = "" if sought.unused_too and not has_last_used_at else " AND last_activity_at <= :idle"
        selects.append(
            "SELECT id, tier, language, is_never_used, last_activity_at"
            f" FROM cloned_voice{index_hint('ix_voice_by_last_used')} WHERE organization_id = :organization"
            f" AND status = :{prefix}status{number} AND provider = :{prefix}provider{number}"
            f" AND has_last_used_at = {has_last_used_at}{in_time}"
        )
        values |= {f"{prefix}status{number}": status.value, f"{prefix}provider{number}": provider}
    return " UNION ALL ".join(selects), values


# Looking up

# SQLite reads a cross join in this order.
ORDERED_BY = (
    "status, provider, name_key, quality_score, synthesis_count, has_last_used_at, last_activity_at, created_at"
)


LOOKED_UP = "FROM ({}) AS possible CROSS JOIN cloned_voice AS voice WHERE voice.id = possible.id"


def _idle(sought: CompiledFilters, kinds: Collection[Kind]) -> tuple[str, dict[str, Any]]:
    stretches, values = _idle_stretches(sought, kinds)
    return f"SELECT id FROM ({stretches}) AS idle WHERE {sought.tests}", values


def _of_kinds(sought: CompiledFilters, kinds: Collection[Kind]) -> tuple[str, dict[str, Any]]:
    """Go through the kinds that match, straight to the voices of each."""
    statuses = sorted({kind.status.value for kind in kinds})
    providers = sorted({kind.provider for kind in kinds})
    values = {f"status{number}": status for number, status in enumerate(statuses)}
    values |= {f"provider{number}": provider for number, provider in enumerate(providers)}
    return (
        "SELECT voice.id FROM (SELECT * FROM voice_stats WHERE organization_id = :organization"
        f" AND status IN ({', '.join(f':status{number}' for number in range(len(statuses)))})"
        f" AND provider IN ({', '.join(f':provider{number}' for number in range(len(providers)))}) AND {sought.tests})"
        f" AS kind CROSS JOIN cloned_voice AS voice{index_hint('ix_voice_by_group')}"
        " WHERE voice.organization_id = kind.organization_id AND voice.status = kind.status"
        " AND voice.provider = kind.provider AND coalesce(voice.language, '') = kind.language"
        " AND voice.tier = kind.tier AND voice.has_last_used_at = kind.has_last_used_at AND voice.is_never_used = kind.is_never_used"
    ), values


def _gathered(driver: str, values: dict[str, Any], filters: VoiceFilters) -> list[VoiceRow]:
    """A page of the voices whose ids a piece of SQL selects."""
    statement = _voices(
        f"SELECT {COLUMNS} {LOOKED_UP.format(driver)} ORDER BY {_order(filters)} LIMIT :limit OFFSET :offset"
    )
    found = db.session.execute(statement, values | {"limit": filters.size, "offset": _offset(filters)})
    return [build_voice_row(row) for row in found.all()]


def _rows(ids: Sequence[int], filters: VoiceFilters) -> list[VoiceRow]:
    """The voices of these ids."""
    if not ids:
        return []
    statement = _voices(
        f"SELECT {COLUMNS} FROM cloned_voice AS voice WHERE voice.id IN :ids ORDER BY {_order(filters)}"
    )
    return [build_voice_row(row) for row in db.session.execute(statement, {"ids": ids}).all()]


# Walking


@dataclass(frozen=True)
class Part:
    """One of the parts of a list that follow each other. matching: None when it is not known."""

    condition: str
    stretches: tuple[tuple[str, str], ...]
    number: int
    matching: int | None


def _parts(sought: CompiledFilters, kinds: Sequence[Kind], way: SortPlan, *, descending: bool) -> Iterator[Part]:
    known = not sought.timed and not sought.text
    values = sorted({getattr(kind, way.divided) for kind in kinds}) if way.divided else [None]
    if descending or not way.by_name_in_part:  # what has no value comes last both ways
        values.reverse()
    for value in values:
        of_part = [kind for kind in kinds if not way.divided or getattr(kind, way.divided) == value]
        stretches = {(kind.status.value, kind.provider) for kind in of_part if kind.matching}
        matching = sum(kind.matching for kind in of_part)
        if matching:
            condition = IN_PART.get((way.divided, value), "")
            number = sum(kind.number for kind in of_part)
            yield Part(condition, tuple(sorted(stretches)), number, matching if known else None)


def _walk(sought: CompiledFilters, kinds: Sequence[Kind], filters: VoiceFilters) -> tuple[list[VoiceRow], int]:
    """Find a page along the index of its order, and tell after how many voices the walk ended early, or 0."""
    way, descending = SORT_PLANS[filters.order.column], filters.order.descending
    parts = list(_parts(sought, kinds, way, descending=descending))
    bounded = bool(sought.text) or (sought.combined and bool(sought.tests))
    most = SCAN_LIMIT // max(1, len(parts))
    rows, offset, cut = list[VoiceRow](), _offset(filters), 0
    for part in parts:
        missing = filters.size - len(rows)
        left = None if part.matching is None else part.matching - offset
        length = missing if left is None else min(missing, left)
        if length <= 0:
            offset -= part.matching or 0
            continue
        from_end = None if left is None else left - length
        backwards = from_end is not None and from_end < offset
        merge = Merge(
            f"cloned_voice{index_hint('ix_voice_by_' + way.index)}",
            way.key,
            len(part.stretches),
            " AND ".join(filter(None, (part.condition, _range(way, filters)))),
            sought.tests,
            held(sought.text)[0] if sought.text else "",
            bounded=bounded,
            descending=descending and not way.by_name_in_part,
            backwards=backwards,
        )
        values = sought.values | {f"status{number}": status for number, (status, _) in enumerate(part.stretches)}
        values |= {f"provider{number}": provider for number, (_, provider) in enumerate(part.stretches)}
        values |= held(sought.text)[1] if sought.text else {}
        values |= {"walked": most} if bounded else {}
        place = {"limit": length, "offset": from_end if backwards else offset}
        found = [build_voice_row(row) for row in db.session.execute(_page_sql(merge), values | place).all()]
        rows += found
        if bounded and len(found) < length and part.number > most:
            cut = SCAN_LIMIT
        if not found and offset and part is not parts[-1]:
            offset -= int(db.session.execute(_count_sql(merge), values | {"limit": offset, "offset": 0}).scalar_one())
        else:
            offset = 0
    return rows, cut


def _range(way: SortPlan, filters: VoiceFilters) -> str:
    """Say what the filters mean for the key of the order, so that a walk begins at the first voice that can match."""
    if way.key == "synthesis_count" and filters.uses == (VoiceUse.NEVER,):
        return "synthesis_count = 0"
    if way.key == "last_activity_at" and filters.uses and VoiceUse.NEVER not in filters.uses:
        return "last_activity_at <= :idle"
    tiers = [tier for tier in filters.tiers if tier is not None]
    if way.key == "quality_score" and tiers and None not in filters.tiers:
        lowest, highest = min(tier.low for tier in tiers), max(tier.high or 2 for tier in tiers)
        return f"quality_score >= {lowest} AND quality_score < {highest}"
    return ""


@dataclass(frozen=True)
class Merge:
    """The SQL of one part, as far as it differs from another's. backwards: read from the end."""

    table: str
    key: str
    stretches: int
    condition: str
    tests: str
    held: str
    bounded: bool
    descending: bool
    backwards: bool

    def __str__(self) -> str:
        """Select `sorted` and `id` of the voices of a page, or of the first so many of a part."""
        direction = _direction(descending=self.descending != self.backwards)
        conditions = [self.condition, "" if self.bounded else self.tests]
        more = "".join(f" AND {condition}" for condition in conditions if condition)
        columns = ", tier, language, is_never_used, last_activity_at" if self.bounded else ""
        order = f"ORDER BY sorted {direction}, id {direction}"  # of each stretch too: PostgreSQL merges only what is
        merged = " UNION ALL ".join(
            f"SELECT * FROM (SELECT {self.key} AS sorted, id{columns} FROM {self.table}"
            f" WHERE organization_id = :organization AND status = :status{number} AND provider = :provider{number}"
            f"{more} {order}) AS stretch{number}"
            for number in range(self.stretches)
        )
        merged = f"{merged} {order}"
        if self.bounded:
            whole = "(SELECT search_key FROM cloned_voice AS whole WHERE whole.id = walked.id)"
            tests = " AND ".join(filter(None, (self.tests, self.held.format(whole))))
            merged = f"SELECT sorted, id FROM ({merged} LIMIT :walked) AS walked WHERE {tests}"
        return f"{merged} LIMIT :limit OFFSET :offset"


@lru_cache(maxsize=1000)
def _page_sql(merge: Merge) -> TextualSelect:
    direction = _direction(descending=merge.descending)
    return _voices(
        f"SELECT {COLUMNS} FROM ({merge}) AS found JOIN cloned_voice AS voice ON voice.id = found.id"
        f" ORDER BY found.sorted {direction}, found.id {direction}"
    )


@lru_cache(maxsize=1000)
def _count_sql(merge: Merge) -> TextClause:
    return _sql(f"SELECT count(*) FROM ({merge}) AS found")


COLUMNS = ", ".join(f"voice.{name}" for name in VoiceRow._fields)


@lru_cache(maxsize=1000)
def _sql(statement: str) -> TextClause:
    special = {"idle": bindparam("idle", type_=UtcTime), "ids": bindparam("ids", expanding=True)}
    return text(statement).bindparams(*(parameter for name, parameter in special.items() if f":{name}" in statement))


@lru_cache(maxsize=1000)
def _voices(statement: str) -> TextualSelect:
    """A statement that selects COLUMNS."""
    return _sql(statement).columns(*(ClonedVoice.__table__.c[name] for name in VoiceRow._fields))
