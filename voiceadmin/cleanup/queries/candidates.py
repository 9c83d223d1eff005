"""Clean-up: what could go and what stays, counted in SQL; plans, how far they are, and what is still true of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.models import CleanUpItem, CleanUpOrganization, CleanUpPlan
from voiceadmin.cleanup.models import Price as StoredPrice
from voiceadmin.cleanup.types import (
    ARCHIVED_HERE,
    ARCHIVED_UPSTREAM,
    Candidate,
    Candidates,
    CleanUpFilters,
    Count,
    Item,
    ItemState,
    KeptOut,
    PlanRow,
    Price,
)
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import bind_parameters, fetch_all, index_hint
from voiceadmin.database.types import UtcTime
from voiceadmin.errors import PlanNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import UNDONE_FOR
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import list_organizations, scope_parameters, scope_sql
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import MAX_ID, format_iso8601
from voiceadmin.triage.queries.queue import lines_of
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Evidence, Rule, values
from voiceadmin.triage.types import Finding
from voiceadmin.voices.json_body import FIELDS
from voiceadmin.voices.models import ClonedVoice, VoiceStats
from voiceadmin.voices.queries import is_small_scope
from voiceadmin.voices.types.provider import Provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

PLANS = 10  # of the list


ITEMS = 50  # of a plan, a page


_PLACE = """{0}.organization_id = voice.organization_id AND {0}.{1}provider = voice.provider
    AND {0}.{2} = voice.provider_voice_id AND voice.provider_voice_id <> ''"""


_SET = _PLACE.format("assistant", "tts_", "tts_voice_id")


_SHARED = _PLACE.format("place", "", "provider_voice_id")


_TWIN = f"{_PLACE.format('twin', '', 'provider_voice_id')} AND twin.id <> voice.id AND twin.status <> 'archived'"


_IN_USE = f"EXISTS (SELECT 1 FROM assistant WHERE {_SET})"


_DOUBLE = f"EXISTS (SELECT 1 FROM cloned_voice AS twin WHERE {_TWIN})"


_BOTH = (KeptOut.IN_USE, KeptOut.SHARED, KeptOut.MUTED)  # those that have the reason; the first that holds counts


def count_candidates(scope: Scope, limits: AttentionThresholds, *, now: datetime) -> Candidates:
    """Count what could go by each reason, what stays and why, and what is archived, by organization and provider."""
    numbers: Counter[tuple[int, str, str]] = Counter()
    # In the order in which the counters lie, so that the database need not sort them.
    for organization, status, provider, voices, has_last_used_at, is_never_used in fetch_all(
        "SELECT organization_id, status, provider, sum(voices), sum(voices * has_last_used_at), sum(voices * is_never_used)"
        f" FROM voice_stats AS voice WHERE {_in(scope)} GROUP BY organization_id, status, provider",
        scope_parameters(scope),
    ):
        if status == VoiceStatus.READY:
            numbers[organization, provider, KeptOut.RECENT] += int(has_last_used_at)
            numbers[organization, provider, KeptOut.YOUNG] += int(is_never_used)
            numbers[organization, provider, KeptOut.UNDATED] += int(voices - has_last_used_at - is_never_used)
        else:
            kind = ARCHIVED_UPSTREAM if status == VoiceStatus.ARCHIVED else status
            numbers[organization, provider, kind] += int(voices)
    given = values(limits, now) | scope_parameters(scope)
    # The counters above have these among "recent" and "minimum_age", and what is archived here among what is upstream.
    unused, never_used = RULES_BY_SLUG["unused"], RULES_BY_SLUG["never-used"]
    few = is_small_scope(scope)
    minimum_age = "voice.status = 'ready' AND voice.last_used_at <= :unused_before AND voice.created_at > :young_after"
    for rule, condition, former, kind in (
        (unused, unused.condition(limits), KeptOut.RECENT, unused.slug),
        (unused, minimum_age, KeptOut.RECENT, KeptOut.YOUNG),
        (never_used, never_used.condition(limits), KeptOut.YOUNG, never_used.slug),
    ):
        for organization, provider, number in fetch_all(
            f"SELECT voice.organization_id, voice.provider, count(*) FROM {_source(rule, few=few)}"
            f" WHERE {condition} AND {_in(scope)} GROUP BY 1, 2",
            given,
        ):
            numbers[organization, provider, former] -= number
            numbers[organization, provider, kind] += number
    of_here = "cloned_voice AS voice" + ("" if few else index_hint("ix_queue_archived"))
    for organization, provider, number in fetch_all(
        f"SELECT voice.organization_id, voice.provider, count(*) FROM {of_here}"
        f" WHERE voice.archived_at IS NOT NULL AND {_in(scope)} GROUP BY 1, 2",
        given,
    ):
        numbers[organization, provider, ARCHIVED_HERE] += number
        numbers[organization, provider, ARCHIVED_UPSTREAM] -= number
    for organization, provider, word, rank, number in fetch_all(_kept_out(scope, limits), given):
        numbers[organization, provider, _BOTH[rank]] += number
        numbers[organization, provider, word] -= number
    return Candidates(now, [Count(*key, number) for key, number in sorted(numbers.items()) if number])


def _kept_out(scope: Scope, limits: AttentionThresholds) -> str:
    """Those that have a reason and stay all the same, found from what keeps them, which is little."""
    found = []
    for word in CleanUpFilters().words:
        rule = RULES_BY_SLUG[word]
        sources = (
            f"assistant CROSS JOIN cloned_voice AS voice WHERE {_SET}",
            f"shared_provider_voice_ref AS place CROSS JOIN cloned_voice AS voice WHERE {_SHARED} AND {_DOUBLE}",
            f"mute CROSS JOIN cloned_voice AS voice WHERE {rule.quiet} AND {rule.same}",
        )
        found += [
            f"SELECT voice.id, voice.organization_id, voice.provider, '{word}' AS word, {rank} AS rank FROM {source}"
            f" AND {rule.condition(limits)} AND {_in(scope)}"
            for rank, source in enumerate(sources)
        ]
    return (
        "SELECT organization_id, provider, word, rank, count(*) FROM"
        " (SELECT organization_id, provider, word, min(rank) AS rank FROM"
        f" ({' UNION ALL '.join(found)}) AS kept GROUP BY id, organization_id, provider, word) AS counted"
        " GROUP BY 1, 2, 3, 4"
    )


def _candidates(scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, *, most: int) -> str:
    """SQL of the voices that could go, in the order in which plans take them."""
    chosen = [_in(scope)]
    if filters.organization is not None:
        chosen.append("voice.organization_id = :organization")
    if filters.providers:
        chosen.append("voice.provider IN :providers")
    few = is_small_scope(scope, filters.organization)
    parts = (
        f"SELECT * FROM (SELECT {rank} AS rank, voice.id AS voice_id, voice.organization_id AS organization_id,"
        f" voice.provider AS provider, '{rule.slug}' AS reason, {rule.fingerprint} AS fingerprint, {rule.since} AS since,"
        f" voice.json_body AS json_body FROM {_source(rule, few=few)}"
        f" WHERE {rule.condition(limits)} AND {' AND '.join(chosen)} AND NOT {_IN_USE} AND NOT {_DOUBLE}"
        f" AND NOT EXISTS (SELECT 1 FROM mute WHERE {rule.quiet} AND {rule.same})"
        f" ORDER BY {rule.since}, voice.id LIMIT {most:d}) AS part{rank}"
        for rank, rule in enumerate(map(RULES_BY_SLUG.__getitem__, filters.words))
    )
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS candidate ORDER BY rank, since, voice_id LIMIT {most:d}"


def _given_for(scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, now: datetime) -> dict[str, Any]:
    chosen = {"organization": filters.organization, "providers": list(filters.providers)}
    return values(limits, now) | scope_parameters(scope) | chosen


ITEM = (
    *("plan_id", "position", "voice_id", "organization_id", "provider", "reason", "fingerprint", "since", "json_body"),
    *("state", "skip_reason"),
)


def as_items(
    plan_id: int, scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, *, now: datetime, most: int
) -> tuple[TextualSelect, dict[str, Any]]:
    """A statement of the voices that could go as the columns ITEM of a plan, and its values."""
    found = (
        "SELECT CAST(:plan AS bigint) AS plan_id, row_number() OVER (ORDER BY rank, since, voice_id) AS position,"
        " voice_id, organization_id, provider, reason, fingerprint, since, json_body, 'pending' AS state, '' AS skip_reason"
        f" FROM ({_candidates(scope, filters, limits, most=most)}) AS chosen"
    )
    statement, given = bind_parameters(found, _given_for(scope, filters, limits, now) | {"plan": plan_id})
    return statement.columns(*(getattr(CleanUpItem, name) for name in ITEM)), given


def list_candidates(
    scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, *, now: datetime, most: int
) -> list[Candidate]:
    """The voices that a plan would take first."""
    rows = fetch_all(_candidates(scope, filters, limits, most=most), _given_for(scope, filters, limits, now))
    reasons = {row.voice_id: row.reason for row in rows}
    lines = lines_of([ObjectRef(ObjectKind.VOICE, id) for id in reasons], limits, now=now)
    return [
        Candidate(line.voice, line.organization_id, line.organization_name, why.evidence)
        for line in lines
        if line.voice is not None
        for why in line.reasons
        if why.finding.reason == reasons[line.ref.id]
    ]


CANDIDATE = ("reason", "evidence", "organization_id", "organization", *FIELDS, "counted_at")


def candidates_file(
    scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, format: ExportFormat, *, now: datetime
) -> Iterator[str]:
    """All voices that could go as the text of a file, in pieces, in the order in which plans take them."""
    names = list_organizations(scope)
    statement, given = bind_parameters(
        _candidates(scope, filters, limits, most=MAX_ID), _given_for(scope, filters, limits, now)
    )
    found = db.session.execute(statement.columns(since=UtcTime), given, execution_options={"yield_per": 1000})
    records = (
        {
            "reason": row.reason,
            "evidence": _told(row, _voice(row.json_body), limits, now),
            "organization_id": row.organization_id,
            "organization": names.get(row.organization_id),
            **json.loads(row.json_body),
            "counted_at": format_iso8601(now),
        }
        for row in found
    )
    return format_records(CANDIDATE, records, format)


def _voice(record: str) -> VoiceRow:
    """A voice from its record in the store, which nobody needs to check again."""
    facts = json.loads(record)
    times = {name: facts[name] and datetime.fromisoformat(facts[name]) for name in ("created_at", "last_used_at")}
    return VoiceRow(**(facts | times | {"status": VoiceStatus(facts["status"])}))


def _told(item: Any, voice: VoiceRow, limits: AttentionThresholds, now: datetime) -> str:
    """Why a voice could go, as a sentence. item: a candidate, or a voice of a plan."""
    ids = (item.reason, ObjectKind.VOICE, item.voice_id, item.organization_id, item.provider)
    return RULES_BY_SLUG[item.reason].told(Evidence(Finding(*ids, item.since, item.fingerprint), voice, limits, now))


# Plans


def list_plans(scope: Scope) -> list[PlanRow]:
    """Return the newest plans that have no voice outside the scope, in two statements."""
    plans = db.session.scalars(
        select(CleanUpPlan).where(_covered(scope)).order_by(CleanUpPlan.id.desc()).limit(PLANS)
    ).all()
    counted = (
        select(CleanUpItem.plan_id, _STATE, func.count())
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .where(CleanUpItem.plan_id.in_([plan.id for plan in plans]))
        .group_by(CleanUpItem.plan_id, _STATE)
    )
    states: dict[int, dict[ItemState, int]] = {plan.id: {} for plan in plans}
    for plan_id, state, count in db.session.execute(counted):
        states[plan_id][ItemState(state)] = count
    return [_plan_row(plan, _in_order(states[plan.id])) for plan in plans]


def _in_order(states: Mapping[ItemState, int]) -> dict[ItemState, int]:
    """Return the counts in the order of ItemState, without those of 0."""
    return {state: states[state] for state in ItemState if states.get(state)}


def get_plan(scope: Scope, plan_id: int, *, now: datetime) -> PlanRow:
    """One plan, if all of its voices are in the scope. Raises PlanNotFound."""
    plan = db.session.scalar(select(CleanUpPlan).where(CleanUpPlan.id == plan_id, _covered(scope)))
    if plan is None:
        raise PlanNotFound(f"There is no plan {plan_id}.")
    found = (
        select(CleanUpItem.provider, _STATE, func.count())
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .where(CleanUpItem.plan_id == plan_id)
        .group_by(CleanUpItem.provider, _STATE)
    )
    states, voices = Counter[ItemState](), Counter[str]()
    for provider, word, number in db.session.execute(found):
        state = ItemState(word)
        states[state] += number
        if state in (ItemState.PENDING, ItemState.ARCHIVED):
            voices[provider] += number
    undoable = sum(
        operation.object_count for operation in list_undoable_operations(plan_id) if now - operation.at <= UNDONE_FOR
    )
    return _plan_row(plan, _in_order(states), dict(voices.most_common()), undoable)


def organizations_of_plan(plan_id: int) -> Sequence[int]:
    """The organizations that a plan has voices of."""
    of_plan = select(CleanUpOrganization.organization_id).where(CleanUpOrganization.plan_id == plan_id)
    return db.session.scalars(of_plan.order_by(CleanUpOrganization.organization_id)).all()


def is_covered(scope: Scope, plan_id: int) -> bool:
    """Whether all voices of a plan are in the scope."""
    return db.session.scalar(select(CleanUpPlan.id).where(CleanUpPlan.id == plan_id, _covered(scope))) is not None


def _covered(scope: Scope) -> ColumnElement[bool]:
    if scope.organizations is None:
        return CleanUpPlan.id > 0
    outside = CleanUpOrganization.organization_id.not_in(sorted(scope.organizations))
    return ~select(CleanUpOrganization.plan_id).where(CleanUpOrganization.plan_id == CleanUpPlan.id, outside).exists()


# What has become of a voice that was archived is asked of the voice.
_STATE: ColumnElement[str] = case(
    (CleanUpItem.state != ItemState.ARCHIVED.value, CleanUpItem.state),
    (ClonedVoice.id.is_(None), ItemState.GONE.value),
    (ClonedVoice.archived_at.is_(None), ItemState.RESTORED.value),
    else_=ItemState.ARCHIVED.value,
)


def _plan_row(
    plan: CleanUpPlan,
    states: Mapping[ItemState, int],
    voices: Mapping[str, int] = MappingProxyType({}),
    undoable: int = 0,
) -> PlanRow:
    chosen = json.loads(plan.filters)
    filters = CleanUpFilters(
        chosen["organization"], tuple(chosen["providers"]), tuple(chosen["reasons"]), chosen["most"]
    )
    made, confirmed = (plan.created_at, plan.created_by), (plan.confirmed_at, plan.confirmed_by)
    return PlanRow(
        plan.id, *made, filters, plan.voice_count, plan.last_seen_operation_id, *confirmed, states, voices, undoable
    )


def list_undoable_operations(plan_id: int) -> Sequence[Operation]:
    """The operations of a plan that changed anything and were not undone, the oldest first."""
    own = select(CleanUpItem.operation_id).where(CleanUpItem.plan_id == plan_id, CleanUpItem.operation_id.is_not(None))
    return db.session.scalars(
        select(Operation)
        .where(Operation.id.in_(own), Operation.undone_by.is_(None), Operation.object_count > 0)
        .order_by(Operation.id)
    ).all()


def list_items(plan: PlanRow, states: Sequence[ItemState], page: int, limits: AttentionThresholds) -> list[Item]:
    """A page of the voices of a plan that are in one of these states, none for any, in its order."""
    start, found = (page - 1) * ITEMS, _select_items(plan.id)
    if states:
        found = found.where(_STATE.in_([state.value for state in states])).limit(ITEMS).offset(start)
    else:
        found = found.where(CleanUpItem.position.between(start + 1, start + ITEMS))
    return [_item(plan, limits, *row) for row in db.session.execute(found)]


def _select_items(plan_id: int) -> Any:
    return (
        select(CleanUpItem, Organization.name, _STATE, Operation.at, Operation.actor_name)
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .outerjoin(Organization, Organization.id == CleanUpItem.organization_id)
        .outerjoin(Operation, Operation.id == CleanUpItem.operation_id)
        .where(CleanUpItem.plan_id == plan_id)
        .order_by(CleanUpItem.position)
    )


def _item(
    plan: PlanRow, limits: AttentionThresholds, item: CleanUpItem, organization: str | None, state: str, *_: Any
) -> Item:
    voice = _voice(item.json_body)
    told = _told(item, voice, limits, plan.created_at)
    return Item(voice, item.organization_id, organization or "", told, ItemState(state), item.skip_reason)


def judge(
    plan_id: int, limits: AttentionThresholds, *, now: datetime, most: int, position: int | None = None
) -> list[tuple[int, int, str]]:
    """The first voices of a plan that wait: position, id, and why it would be left alone now, "" for it would not.

    position: of the only one to judge.
    """
    only = "" if position is None else " AND item.position = :position"
    found = f"SELECT position, voice_id, why FROM ({_judged(limits)}{only}) AS judged ORDER BY position LIMIT {most:d}"
    return [tuple(row) for row in fetch_all(found, values(limits, now) | {"plan": plan_id, "position": position})]


def check_plan(plan_id: int, limits: AttentionThresholds, *, now: datetime) -> dict[str, int]:
    """How many voices of a plan that wait would be left alone now, by the reason why; under "" those that would not."""
    found = f"SELECT why, count(*) FROM ({_judged(limits)}) AS judged GROUP BY 1 ORDER BY 2 DESC, 1"
    return {row[0]: row[1] for row in fetch_all(found, values(limits, now) | {"plan": plan_id})}


def _judged(limits: AttentionThresholds) -> str:
    rules = [RULES_BY_SLUG[word] for word in CleanUpFilters().words]
    still = " OR ".join(
        f"(item.reason = '{rule.slug}' AND {rule.condition(limits)} AND {rule.fingerprint} = item.fingerprint)"
        for rule in rules
    )
    muted = " OR ".join(
        f"(item.reason = '{rule.slug}' AND EXISTS (SELECT 1 FROM mute WHERE {rule.quiet} AND {rule.same}))"
        for rule in rules
    )
    return f"""SELECT item.position AS position, item.voice_id AS voice_id, CASE
        WHEN voice.id IS NULL OR voice.organization_id <> item.organization_id THEN 'It is gone.'
        WHEN voice.status = 'archived' THEN 'It is archived already.'
        WHEN {_IN_USE} THEN 'An assistant is set to it.'
        WHEN {_DOUBLE} THEN 'Another voice has the same id at the provider.'
        WHEN {muted} THEN 'Somebody acknowledged or snoozed that it is unused.'
        WHEN voice.status <> 'ready' THEN 'It is not ready any more.'
        WHEN {still} THEN '' ELSE 'It was used or cloned anew since.' END AS why
        FROM clean_up_item AS item LEFT JOIN cloned_voice AS voice ON voice.id = item.voice_id
        WHERE item.plan_id = :plan AND item.state = 'pending'"""


SHEET = (
    *("position", "state", "skip_reason", "reason", "id", "organization_id", "organization", "name", "provider"),
    *("provider_voice_id", "language", "gender", "upstream_status", "quality_score", "created_at", "last_used_at"),
    *("synthesis_count", "archived_at", "archived_by", "plan", "planned_at", "planned_by", "confirmed_at"),
    "confirmed_by",
)


def restore_sheet(plan: PlanRow, format: ExportFormat) -> Iterator[str]:
    """Every fact of every voice of a plan as the text of a file, in pieces: as it was before it was archived."""
    found = db.session.execute(_select_items(plan.id), execution_options={"yield_per": 1000})
    return format_records(SHEET, (_sheet_record(plan, *row) for row in found), format)


def _sheet_record(
    plan: PlanRow, item: CleanUpItem, organization: str | None, state: str, at: datetime | None, by: str | None
) -> dict[str, Any]:
    facts = json.loads(item.json_body)
    known = facts | {
        "position": item.position,
        "state": state,
        "skip_reason": item.skip_reason,
        "reason": item.reason,
        "organization_id": item.organization_id,
        "organization": organization,
        "upstream_status": facts["status"],
        "archived_at": _text(at),
        "archived_by": by,
        "plan": plan.id,
        "planned_at": _text(plan.created_at),
        "planned_by": plan.created_by,
        "confirmed_at": _text(plan.confirmed_at),
        "confirmed_by": plan.confirmed_by,
    }
    return {name: known[name] for name in SHEET}


# Prices


def list_prices() -> dict[str, Price]:
    """What is known of what providers take, by provider."""
    return {row.provider: Price(*(getattr(row, name) for name in Price._fields)) for row in _prices()}


def list_provider_stats(scope: Scope) -> list[str]:
    """Every provider that has a name here, a voice in the scope, or a price."""
    held = select(VoiceStats.provider).distinct()
    if scope.organizations is not None:
        held = held.where(VoiceStats.organization_id.in_(sorted(scope.organizations)))
    stored = {*db.session.scalars(held), *(row.provider for row in _prices())}
    named = [provider.value for provider in Provider]
    return named + sorted(stored - set(named))


def _prices() -> Sequence[StoredPrice]:
    return db.session.scalars(select(StoredPrice)).all()


# Pieces of SQL


def _source(rule: Rule, *, few: bool) -> str:
    """The voices, by the index of a rule where it names a good part of those that are meant."""
    return rule.table + ("" if few else index_hint(rule.hint))


def _in(scope: Scope) -> str:
    return scope_sql(scope, "voice.organization_id")


def _text(time: datetime | None) -> str | None:
    return None if time is None else format_iso8601(time)
