"""What needs a person: counted, as a queue with the worst first, and by voice or assistant. All of it found in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all, forced_order_join, index_hint
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.organizations.queries import build_assistant_row, scope_parameters, scope_sql, select_assistants
from voiceadmin.organizations.types import AssistantRow
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.rules.rule import UNKNOWN, Evidence, Rule, values
from voiceadmin.triage.types import (
    NOBODY,
    Assignee,
    Finding,
    Line,
    MuteRow,
    Queue,
    QueueCursor,
    QueueFilters,
    ReasonDetail,
    Summary,
    TriageAction,
)
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row, is_small_scope
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.usage import find_voices_of_assistants

MANY = 100  # so many and more are said to be "99+"


SHOWN = 500  # refs that are looked up in one statement


def list_queue(scope: Scope, filters: QueueFilters, limits: AttentionThresholds, *, now: datetime) -> Queue:
    """A page of the queue: each voice and assistant once, at its worst reason; the oldest first among equals."""
    found = list(_found(scope, filters, limits, now, filters.size + 1))
    place = None
    if len(found) > filters.size:
        del found[filters.size :]
        last = found[-1]
        place = QueueCursor(RULES_BY_SLUG[last.reason].rank, UNKNOWN if last.since is None else last.since, last.id)
    parts = (found[start : start + SHOWN] for start in range(0, len(found), SHOWN))
    return Queue([line for part in parts for line in _lines([one.ref for one in part], limits, now)], place)


def list_queue_refs(
    scope: Scope, filters: QueueFilters, limits: AttentionThresholds, *, now: datetime, most: int
) -> Sequence[ObjectRef]:
    """The first voices and assistants of the queue, `most` at most, whatever page the filters name."""
    return [finding.ref for finding in _found(scope, filters.with_changes(), limits, now, most)]


def count_queue(scope: Scope, limits: AttentionThresholds, *, now: datetime, most: int = MANY) -> int:
    """How many voices and assistants need a person; `most` stands for that and more."""
    narrow, worse, parts = is_small_scope(scope), list[Rule](), list[str]()
    for rule in RULES:
        parts.append(
            f"SELECT 1 FROM {_source(rule, narrow=narrow)} WHERE {_shows(rule, limits)}"
            f"{_not_at(worse, rule, limits)} AND {_in_scope(rule, scope)}"
        )
        worse.append(rule)
    given = values(limits, now) | scope_parameters(scope) | {"most": most}
    counted = fetch_all(f"SELECT count(*) FROM ({' UNION ALL '.join(parts)} LIMIT :most) AS found", given)
    return int(counted[0][0])


def count_reasons(scope: Scope, filters: QueueFilters, limits: AttentionThresholds, *, now: datetime) -> dict[str, int]:
    """Count every reason, the worst first, as the filters have it, whichever reasons and page they name."""
    given, narrow = _given(scope, filters, limits, now), is_small_scope(scope, filters.organization)
    # All that there are, and then those that do not show, of which few must be looked at, as numbers below zero.
    parts = (
        [("count(*)", filters)]
        if filters.muted
        else [("count(*)", filters), ("-count(*)", replace(filters, muted=True))]
    )
    counted = fetch_all(
        " UNION ALL ".join(
            f"SELECT '{rule.slug}', {number} FROM {source} WHERE {' AND '.join([rule.condition(limits), *conditions])}"
            for rule in RULES
            for number, part in parts
            for source, conditions in (_matching(rule, scope, part, narrow=narrow),)
        ),
        given,
    )
    numbers = dict.fromkeys((rule.slug for rule in RULES), 0)
    for reason, number in counted:
        numbers[reason] += number
    return numbers


def summarize(scope: Scope, limits: AttentionThresholds, *, now: datetime) -> Summary:
    """Count every reason, without what was acknowledged or snoozed, and find the oldest of each."""
    filters = QueueFilters()
    given, narrow = _given(scope, filters, limits, now), is_small_scope(scope, filters.organization)
    oldest = fetch_all(
        " UNION ALL ".join(
            f"SELECT * FROM (SELECT '{rule.slug}', {rule.since} FROM {_source(rule, narrow=narrow)}"
            f" WHERE {_shows(rule, limits)} AND {_in_scope(rule, scope)}"
            f" ORDER BY {rule.since}, {rule.ref}.id LIMIT 1) AS {rule.slug.replace('-', '_')}"
            for rule in RULES
        ),
        given,
    )
    return Summary(
        count_reasons(scope, filters, limits, now=now),
        dict.fromkeys((rule.slug for rule in RULES), None) | {word: _known(since) for word, since in oldest},
        count_queue(scope, limits, now=now),
    )


def reasons_of(
    refs: Iterable[ObjectRef], limits: AttentionThresholds, *, now: datetime
) -> dict[ObjectRef, list[Finding]]:
    """Every reason of these voices and assistants, the worst first; also those that were acknowledged or snoozed."""
    found: dict[ObjectRef, list[Finding]] = {ref: [] for ref in refs}
    for kind in (ObjectKind.VOICE, ObjectKind.ASSISTANT):
        ids = [ref.id for ref in found if ref.kind is kind]
        rules = [rule for rule in RULES if rule.kind is kind]
        for start in range(0, len(ids), SHOWN):
            selects = (
                f"{_select(rule, rule.table)} WHERE {rule.ref}.id IN :ids AND {rule.condition(limits)}"
                for rule in rules
            )
            rows = fetch_all(" UNION ALL ".join(selects), values(limits, now) | {"ids": ids[start : start + SHOWN]})
            for finding in sorted(map(_finding, rows), key=lambda finding: RULES_BY_SLUG[finding.reason].rank):
                found[finding.ref].append(finding)
    return found


FIELDS = (
    *("kind", "id", "name", "organization_id", "organization", "provider", "voice_id", "voice_name", "voice_status"),
    *("reason", "severity", "since", "assignee", "reasons"),
)


def queue_file(
    scope: Scope, filters: QueueFilters, limits: AttentionThresholds, format: ExportFormat, *, now: datetime
) -> Iterator[str]:
    """The whole queue as the text of a file, in pieces and in its order."""

    def records() -> Iterator[dict[str, Any]]:
        part = replace(filters, after=None, size=SHOWN)
        while True:
            queue = list_queue(scope, part, limits, now=now)
            yield from map(line_record, queue.lines)
            if queue.next is None:
                return
            part = replace(part, after=queue.next)

    return format_records(FIELDS, records(), format)


def line_record(line: Line) -> dict[str, Any]:
    """A line of the queue as programs read it. since: of the worst reason; null where that is not known."""
    ref: AssistantRow | VoiceRow | None = line.assistant or line.voice
    worst = line.worst
    return {
        "kind": line.ref.kind.value,
        "id": line.ref.id,
        "name": "" if ref is None else ref.name,
        "organization_id": line.organization_id,
        "organization": line.organization_name,
        "provider": line.assistant.tts_provider if line.assistant else line.voice and line.voice.provider,
        "voice_id": line.voice and line.voice.id,
        "voice_name": line.voice and line.voice.name,
        "voice_status": line.voice and line.voice.status.value,
        "reason": worst and worst.finding.reason,
        "severity": worst and worst.severity.value,
        "since": worst and _written(worst.finding.since),
        "assignee": line.assignee and line.assignee.email,
        "reasons": [
            {
                "reason": why.finding.reason,
                "severity": why.severity.value,
                "since": _written(why.finding.since),
                "evidence": why.evidence,
                "remedy": why.remedy,
            }
            for why in line.reasons
        ],
    }


def _written(time: datetime | None) -> str | None:
    return None if time is None else format_iso8601(time)


def lines_of(refs: Sequence[ObjectRef], limits: AttentionThresholds, *, now: datetime) -> Sequence[Line]:
    """These voices and assistants as the queue shows them, whether or not they have a reason; what is gone is left out.

    The caller has made sure that they may be seen.
    """
    return _lines(refs, limits, now)


def _found(
    scope: Scope, filters: QueueFilters, limits: AttentionThresholds, now: datetime, most: int
) -> Iterator[Finding]:
    """The findings of the queue in its order, rule by rule, until there are enough."""
    narrow = is_small_scope(scope, filters.organization)
    worse: list[Rule] = []
    for rule in RULES:
        if filters.reasons and rule.slug not in filters.reasons:
            continue
        passed = filters.after is not None and rule.rank < filters.after.rank
        if most > 0 and not passed:
            rows = _of_rule(rule, worse, scope, filters, limits, now, most, narrow=narrow)
            most -= len(rows)
            yield from rows
        worse.append(rule)


def _of_rule(
    rule: Rule,
    worse: Sequence[Rule],
    scope: Scope,
    filters: QueueFilters,
    limits: AttentionThresholds,
    now: datetime,
    most: int,
    *,
    narrow: bool,
) -> list[Finding]:
    given = _given(scope, filters, limits, now) | {"most": most}
    source, conditions = _matching(rule, scope, filters, narrow=narrow)
    conditions.append(rule.condition(limits) if filters.muted else _shows(rule, limits))
    if filters.after is not None and filters.after.rank == rule.rank:
        conditions.append(f"({rule.since}, {rule.ref}.id) > (:after_since, :after_id)")
        given |= {"after_since": filters.after.since, "after_id": filters.after.id}
    rows = fetch_all(
        f"{_select(rule, source)} WHERE {' AND '.join(conditions)}"
        f"{_not_at(worse, rule, limits, muted=filters.muted)}"
        f" ORDER BY {rule.since}, {rule.ref}.id LIMIT :most",
        given,
    )
    return list(map(_finding, rows))


def _matching(rule: Rule, scope: Scope, filters: QueueFilters, *, narrow: bool) -> tuple[str, list[str]]:
    """Where what matches the filters is found in the scope, and the conditions for it beside that of the rule."""
    source, conditions = _source(rule, narrow=narrow), list[str]()
    mine = f"mine.object_kind = '{rule.kind.value}' AND mine.object_id = {rule.ref}.id"
    if filters.muted:
        source = _muted(rule)
        conditions.append(rule.same)
    elif filters.assignee not in ("", NOBODY):
        source = f"assignment AS mine {forced_order_join()} {rule.table} ON {mine}"
    if scope.organizations is not None:
        conditions.append(_in_scope(rule, scope))
    if filters.organization is not None:
        conditions.append(f"{rule.ref}.organization_id = :organization")
    if filters.providers:
        conditions.append(f"{rule.provider} IN :providers")
    if filters.assignee == NOBODY:
        conditions.append(f"NOT EXISTS (SELECT 1 FROM assignment AS mine WHERE {mine})")
    elif filters.assignee:
        conditions.append(f"EXISTS (SELECT 1 FROM assignment AS mine WHERE {mine} AND mine.account_id = :assignee)")
    return source, conditions


def _given(scope: Scope, filters: QueueFilters, limits: AttentionThresholds, now: datetime) -> dict[str, Any]:
    """What these conditions and those of the rules name."""
    return (
        values(limits, now)
        | scope_parameters(scope)
        | {
            "organization": filters.organization,
            "providers": list(filters.providers),
            "assignee": None if filters.assignee in ("", NOBODY) else int(filters.assignee),
        }
    )


def _select(rule: Rule, source: str) -> str:
    return (
        f"SELECT '{rule.slug}' AS reason, '{rule.kind.value}' AS kind, {rule.ref}.id AS id,"
        f" {rule.ref}.organization_id AS organization_id, {rule.provider} AS provider, {rule.since} AS since,"
        f" {rule.fingerprint} AS fingerprint FROM {source}"
    )


def _finding(row: Any) -> Finding:
    reason, kind, id, organization_id, provider, since, fingerprint = row
    return Finding(reason, ObjectKind(kind), id, organization_id, provider, _known(since), fingerprint)


def _known(since: Any) -> datetime | None:
    time: datetime = parse_timestamp(since)
    return None if time == UNKNOWN else time


def _in_scope(rule: Rule, scope: Scope) -> str:
    return scope_sql(scope, f"{rule.ref}.organization_id")


def _source(rule: Rule, *, narrow: bool) -> str:
    if narrow:
        return rule.table
    return rule.source.format(join=forced_order_join()) + (index_hint(rule.hint) if rule.hint else "")


def _shows(rule: Rule, limits: AttentionThresholds) -> str:
    """The condition that a rule holds and that nobody muted it."""
    return f"{rule.condition(limits)} AND NOT {_is_muted(rule)}"


def _not_at(worse: Iterable[Rule], rule: Rule, limits: AttentionThresholds, *, muted: bool = False) -> str:
    """The condition that the queue does not have the same thing at a worse reason already."""
    conditions = (
        f"{other.condition(limits)} AND {_is_muted(other)}" if muted else _shows(other, limits)
        for other in worse
        if other.kind is rule.kind
    )
    return "".join(f" AND NOT coalesce({condition}, FALSE)" for condition in conditions)


def _is_muted(rule: Rule) -> str:
    return f"EXISTS (SELECT 1 FROM mute WHERE {rule.quiet} AND {rule.same})"


def _muted(rule: Rule) -> str:
    return f"mute {forced_order_join()} {rule.table} ON {rule.quiet}"


# As a page shows it


def _lines(refs: Sequence[ObjectRef], limits: AttentionThresholds, now: datetime) -> list[Line]:
    voice_ids = [ref.id for ref in refs if ref.kind is ObjectKind.VOICE]
    assistants = _assistants([ref.id for ref in refs if ref.kind is ObjectKind.ASSISTANT])
    voices, owners_of_voices = _voices(ClonedVoice.id.in_(voice_ids)) if voice_ids else ({}, {})
    voices_of_assistants = find_voices_of_assistants(list(assistants.values()))
    names = _organization_names(
        {*owners_of_voices.values(), *(assistant.organization.id for assistant in assistants.values())}
    )
    assignees, mutes = _assignees(refs), _mutes(refs, now)
    findings = reasons_of(refs, limits, now=now)
    lines = []
    for ref in refs:
        assistant = assistants.get(ref.id) if ref.kind is ObjectKind.ASSISTANT else None
        voice = voices_of_assistants.get(ref.id) if assistant else voices.get(ref.id)
        if voice is None and assistant is None:
            continue
        organization = assistant.organization.id if assistant else owners_of_voices[ref.id]
        reasons = [_why(Evidence(found, voice, limits, now), mutes) for found in findings[ref]]
        lines.append(Line(ref, organization, names[organization], reasons, voice, assistant, assignees.get(ref)))
    return lines


def _why(evidence: Evidence, mutes: dict[tuple[ObjectRef, str], tuple[str, MuteRow]]) -> ReasonDetail:
    finding = evidence.finding
    rule = RULES_BY_SLUG[finding.reason]
    fingerprint, mute = mutes.get((finding.ref, finding.reason), (None, None))
    return ReasonDetail(
        finding,
        rule.label,
        rule.severity,
        rule.told(evidence),
        rule.remedy,
        mute if fingerprint == finding.fingerprint else None,
    )


def _voices(condition: Any) -> tuple[dict[int, VoiceRow], dict[int, int]]:
    """Some voices by id, and the organization of each."""
    rows = db.session.execute(select(*VOICE_COLUMNS, ClonedVoice.organization_id).where(condition)).all()
    return {row.id: build_voice_row(row) for row in rows}, {row.id: row.organization_id for row in rows}


def _assistants(ids: Sequence[int]) -> dict[int, AssistantRow]:
    if not ids:
        return {}
    rows = db.session.execute(select_assistants().where(Assistant.id.in_(ids))).all()
    return {row.id: row for row in map(build_assistant_row, rows)}


def _organization_names(ids: Iterable[int]) -> dict[int, str]:
    found = select(Organization.id, Organization.name).where(Organization.id.in_(sorted(ids)))
    return {row.id: row.name for row in db.session.execute(found)}


def _assignees(refs: Sequence[ObjectRef]) -> dict[ObjectRef, Assignee]:
    found = (
        select(Assignment.object_kind, Assignment.object_id, Account.id, Account.email)
        .join_from(Assignment, Account, Account.id == Assignment.account_id)
        .where(Assignment.object_id.in_({ref.id for ref in refs}))
    )
    return {
        ObjectRef(ObjectKind(kind), id): Assignee(account, email)
        for kind, id, account, email in db.session.execute(found)
    }


def _mutes(refs: Sequence[ObjectRef], now: datetime) -> dict[tuple[ObjectRef, str], tuple[str, MuteRow]]:
    """What was acknowledged or snoozed and still is, by ref and reason, with the fingerprint that it is about."""
    found = select(Mute).where(Mute.object_id.in_({ref.id for ref in refs}))
    return {
        (ObjectRef(ObjectKind(row.object_kind), row.object_id), row.reason): (
            row.fingerprint,
            MuteRow(TriageAction(row.kind), row.until, row.muted_at, row.muted_by),
        )
        for row in db.session.scalars(found)
        if row.until is None or row.until > now
    }
