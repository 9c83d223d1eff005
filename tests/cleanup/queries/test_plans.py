"""Plans: items, rechecks, states, visibility and the restore sheet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.cleanup.queries.scenario import HOSTILE, expected_record, read_records
from tests.conftest import SHELL
from tests.factories import (
    DAY,
    LONG_AGO,
    connect_provider,
    make_assistant,
    make_organization,
    make_voice,
    name_voice,
    put_verdicts,
    put_voices,
    voice_row,
)
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan, undo_plan
from voiceadmin.cleanup.queries.plans import (
    ITEMS_PER_PAGE,
    LISTED_PLANS,
    RESTORE_SHEET_FIELDS,
    count_rechecked,
    export_restore_sheet,
    get_plan,
    is_plan_covered,
    list_items,
    list_plan_organizations,
    list_plans,
    list_undoable_operations,
    recheck_items,
)
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.cleanup.types.plans import ItemState, SkipReason
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import PlanNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import UNDO_PERIOD, ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.rows import VoiceRow

THRESHOLDS = AttentionThresholds()
ALL = CleanUpFilters()


def load_voice(id: int) -> VoiceRow:
    """Load a voice from the database."""
    row = db.session.execute(select(*VOICE_COLUMNS).where(ClonedVoice.id == id)).one()
    return build_voice_row(row)


@pytest.mark.parametrize("format", ExportFormat)
def test_a_restore_sheet_contains_all_values_of_each_voice(
    acme: Organization, now: datetime, format: ExportFormat
) -> None:
    rows = [
        voice_row(name=name, last_used_at=now - 90 * DAY, synthesis_count=number) for number, name in enumerate(HOSTILE)
    ]
    put_voices(acme, rows)
    plan_id = create_plan(EVERYTHING, ALL, THRESHOLDS, "key", by=SHELL, now=now)
    confirm_plan(EVERYTHING, plan_id, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan_id, THRESHOLDS, by=SHELL, now=now, seconds=60)

    records = read_records("".join(export_restore_sheet(get_plan(EVERYTHING, plan_id, now=now), format)), format)

    assert [tuple(record) for record in records] == [RESTORE_SHEET_FIELDS] * len(rows)
    for number, (record, row) in enumerate(zip(records, rows, strict=True), 1):
        facts = expected_record(format, voice_to_json(row))
        assert {name: record[name] for name in RESTORE_SHEET_FIELDS if name in facts} == {
            name: facts[name] for name in RESTORE_SHEET_FIELDS if name in facts
        }
        assert record["upstream_status"] == "ready"
        assert (record["state"], str(record["position"]), record["organization"]) == ("archived", str(number), "Acme")
        for step in ("archived", "planned", "confirmed"):
            assert (record[f"{step}_at"], record[f"{step}_by"]) == ("2026-11-22T14:00:00Z", "tester")


@pytest.fixture
def plan(acme: Organization, now: datetime) -> int:
    """Return a plan with five voices of Acme and one of Globex, the longest unused first."""
    put_voices(
        acme,
        [
            voice_row(id=id, provider=provider, last_used_at=now - days * DAY, synthesis_count=id)
            for id, days, provider in (
                (1, 90, "playht"),
                (2, 80, "resemble"),
                (3, 100, "resemble"),
                (4, 70, "resemble"),
                (5, 60, "resemble"),
            )
        ],
    )
    make_voice(make_organization("Globex"), id=6)
    return create_plan(EVERYTHING, ALL, THRESHOLDS, "key", by=SHELL, now=now)


ORDER = [3, 1, 2, 4, 5, 6]


def recheck(plan: int, now: datetime, **more: Any) -> list[tuple[int, int, SkipReason | None]]:
    found = recheck_items(plan, THRESHOLDS, now=now, **({"limit": 100} | more))
    return [(item.position, item.voice_id, item.skip_reason) for item in found]


def test_all_items_of_a_new_plan_are_pending(plan: int, now: datetime) -> None:
    found = get_plan(EVERYTHING, plan, now=now)

    assert (found.voice_count, found.created_at, found.created_by, found.filters) == (
        6,
        now,
        "tester",
        ALL.with_changes(limit=None),
    )
    assert (found.confirmed_at, found.confirmed_by, found.undoable) == (None, "", 0)
    assert found.states == {ItemState.PENDING: 6}
    assert dict(found.voices) == {"resemble": 4, "elevenlabs": 1, "playht": 1}
    assert next(iter(found.voices)) == "resemble", "ordered by count"
    assert recheck(plan, now) == [(position, id, None) for position, id in enumerate(ORDER, 1)]
    assert count_rechecked(plan, THRESHOLDS, now=now) == {None: 6}
    assert list_plan_organizations(plan) == sorted(list_plan_organizations(plan))
    assert len(list_plan_organizations(plan)) == 2


def test_only_items_with_an_id_at_the_provider_free_a_slot(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2, provider_voice_id="")])
    plan = create_plan(EVERYTHING, ALL, THRESHOLDS, "key", by=SHELL, now=now)

    assert get_plan(EVERYTHING, plan, now=now).voices == {"elevenlabs": 1}
    confirm_plan(EVERYTHING, plan, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan, THRESHOLDS, by=SHELL, now=now, seconds=60)
    archived = get_plan(EVERYTHING, plan, now=now)
    assert (archived.voices, archived.states) == ({"elevenlabs": 1}, {ItemState.ARCHIVED: 2})


def test_pending_items_are_rechecked_in_order_or_one_by_one(plan: int, now: datetime) -> None:
    assert recheck(plan, now, limit=2) == [(1, 3, None), (2, 1, None)]
    assert recheck(plan, now, limit=2, position=4) == [(4, 4, None)]
    assert recheck(plan + 1, now) == []


def test_a_recheck_returns_the_reason_for_each_item_that_would_be_skipped(
    plan: int, acme: Organization, now: datetime
) -> None:
    make_assistant(acme, tts_provider="resemble", tts_voice_id=load_voice(3).provider_voice_id)
    make_voice(acme, id=7, provider="playht", provider_voice_id=load_voice(1).provider_voice_id, last_used_at=now)
    request = ActionRequest(TriageAction.ACKNOWLEDGE, (ObjectRef(ObjectKind.VOICE, 2),), "key", 0)
    apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=now)
    put_voices(acme, [load_voice(4)._replace(last_used_at=now)])
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 6),), "key", 0),
        THRESHOLDS,
        by=SHELL,
        now=now,
    )

    reasons = [
        SkipReason.IN_USE,
        SkipReason.SHARED_REFERENCE,
        SkipReason.MUTED,
        SkipReason.USED_OR_RECLONED,
        SkipReason.GONE,
        SkipReason.ALREADY_ARCHIVED,
    ]
    assert recheck(plan, now) == [
        (position, id, reason) for position, (id, reason) in enumerate(zip(ORDER, reasons, strict=True), 1)
    ]
    assert count_rechecked(plan, THRESHOLDS, now=now) == dict.fromkeys(sorted(reasons), 1)


def test_voices_that_settings_only_name_are_skipped(plan: int, acme: Organization, now: datetime) -> None:
    named, not_spoken = load_voice(3), load_voice(1)
    name_voice(make_assistant(acme), named.provider_voice_id, named.provider)
    setting = {"tts_provider": not_spoken.provider, "tts_voice_id": not_spoken.provider_voice_id}
    make_assistant(acme, is_voice_spoken=False, **setting)

    assert recheck(plan, now, limit=3) == [(1, 3, SkipReason.NAMED), (2, 1, SkipReason.NAMED), (3, 2, None)]


def test_a_voice_that_is_gone_at_its_provider_is_skipped(plan: int, acme: Organization, now: datetime) -> None:
    connect_provider(load_voice(3).provider, read_at=now)
    put_verdicts({3: "missing"}, since=now)

    assert recheck(plan, now, limit=1) == [(1, 3, SkipReason.MISSING)]


def test_items_are_counted_and_listed_by_state(plan: int, acme: Organization, now: datetime) -> None:
    make_assistant(acme, tts_provider="resemble", tts_voice_id=load_voice(3).provider_voice_id)
    confirm_plan(EVERYTHING, plan, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan, THRESHOLDS, by=SHELL, now=now, seconds=60)
    restore = ActionRequest(TriageAction.RESTORE, (ObjectRef(ObjectKind.VOICE, 4),), "key", get_last_operation_id())
    apply_action(EVERYTHING, restore, THRESHOLDS, by=SHELL, now=now)
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))

    found = get_plan(EVERYTHING, plan, now=now)

    assert (found.confirmed_at, found.confirmed_by) == (now, "tester")
    assert found.states == {ItemState.ARCHIVED: 3, ItemState.SKIPPED: 1, ItemState.RESTORED: 1, ItemState.GONE: 1}
    assert dict(found.voices) == {"playht": 1, "resemble": 1, "elevenlabs": 1}
    assert found.undoable == 3
    assert get_plan(EVERYTHING, plan, now=now + UNDO_PERIOD).undoable == 3
    assert get_plan(EVERYTHING, plan, now=now + UNDO_PERIOD + timedelta(microseconds=1)).undoable == 0
    assert [operation.object_count for operation in list_undoable_operations(plan)] == [5]
    ids = {
        state: [item.voice.id for item in list_items(found, [state], 1, THRESHOLDS)]
        for state in ItemState
        if found.count(state)
    }
    assert ids == {
        ItemState.ARCHIVED: [1, 2, 6],
        ItemState.SKIPPED: [3],
        ItemState.RESTORED: [4],
        ItemState.GONE: [5],
    }
    (skipped,) = list_items(found, [ItemState.SKIPPED], 1, THRESHOLDS)
    assert (skipped.skip_reason, skipped.evidence) == (SkipReason.IN_USE, "Not used for 100 days.")
    assert (skipped.organization_id, skipped.organization_name) == (acme.id, "Acme")


def test_items_are_paginated(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=id, created_at=LONG_AGO + id * DAY) for id in range(1, ITEMS_PER_PAGE + 11)])
    found = get_plan(EVERYTHING, create_plan(EVERYTHING, ALL, THRESHOLDS, "key", by=SHELL, now=now), now=now)

    for states in ([], [ItemState.PENDING]):
        pages = [[item.voice.id for item in list_items(found, states, page, THRESHOLDS)] for page in (1, 2, 3)]
        assert pages == [list(range(1, ITEMS_PER_PAGE + 1)), list(range(ITEMS_PER_PAGE + 1, ITEMS_PER_PAGE + 11)), []]


def test_a_plan_is_visible_only_in_a_scope_that_contains_all_its_voices(
    plan: int, acme: Organization, now: datetime
) -> None:
    own_plan = create_plan(EVERYTHING, ALL.with_changes(organization=acme.id), THRESHOLDS, "other", by=SHELL, now=now)
    scope = Scope(frozenset({acme.id}))

    assert [one.id for one in list_plans(EVERYTHING)] == [own_plan, plan]
    assert [one.states for one in list_plans(EVERYTHING)] == [{ItemState.PENDING: 5}, {ItemState.PENDING: 6}]
    assert [one.id for one in list_plans(scope)] == [own_plan]
    assert list_plans(NOTHING) == []
    assert (is_plan_covered(scope, own_plan), is_plan_covered(scope, plan), is_plan_covered(EVERYTHING, plan)) == (
        True,
        False,
        True,
    )
    assert get_plan(scope, own_plan, now=now).filters.organization == acme.id
    for hidden in (plan, own_plan + 1):
        with pytest.raises(PlanNotFound, match=rf"^There is no plan {hidden}\.$"):
            get_plan(scope, hidden, now=now)


def test_only_the_newest_plans_are_listed(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    created = [
        create_plan(EVERYTHING, ALL, THRESHOLDS, f"key {number}", by=SHELL, now=now)
        for number in range(LISTED_PLANS + 1)
    ]

    assert [one.id for one in list_plans(EVERYTHING)] == created[:0:-1]


def test_the_list_and_the_page_count_the_items_of_an_undone_plan_alike(plan: int, now: datetime) -> None:
    confirm_plan(EVERYTHING, plan, by=SHELL, now=now)
    resume_plan(EVERYTHING, plan, THRESHOLDS, by=SHELL, now=now, seconds=60)

    undo_plan(EVERYTHING, plan, AttentionThresholds(), by=SHELL, now=now, seconds=60)

    (listed,) = list_plans(EVERYTHING)
    assert listed.states == get_plan(EVERYTHING, plan, now=now).states
    assert ItemState.RESTORED in listed.states
    assert ItemState.ARCHIVED not in listed.states
