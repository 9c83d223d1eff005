"""Candidates and excluded voices: equality with plain Python, and export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.cleanup.queries.scenario import HOSTILE, expected_record, read_records
from tests.conftest import NOW, SHELL
from tests.factories import (
    DAY,
    connect_provider,
    make_assistant,
    make_organization,
    make_voice,
    name_voice,
    put_verdicts,
    put_voices,
    refill,
    voice_row,
)
from tests.strategies import IN_DATABASE
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.queries.candidates import CANDIDATE_FIELDS, export_candidates, list_candidates
from voiceadmin.cleanup.queries.counts import count_candidates
from voiceadmin.cleanup.types.candidates import (
    ARCHIVED,
    ARCHIVED_WITHOUT_SLOT,
    CLEAN_UP_REASONS,
    CleanUpFilters,
    ExclusionReason,
)
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.providers.queries import list_provider_stats
from voiceadmin.tabular import ExportFormat
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

THRESHOLDS = AttentionThresholds()
ALL = CleanUpFilters()
KIND_BY_STATUS = {
    VoiceStatus.ARCHIVED: ARCHIVED,
    VoiceStatus.PROCESSING: ExclusionReason.PROCESSING,
    VoiceStatus.FAILED: ExclusionReason.FAILED,
}


class Naming(Enum):
    """How the settings of an assistant name a voice."""

    SPOKEN = 1
    NOT_SPOKEN = 2  # because of the mode of the assistant
    OTHER_SETTING = 3


def add_assistant(organization: Organization, reference: str, naming: Naming) -> None:
    """Add an assistant, not active, whose settings name a voice of ElevenLabs."""
    is_other, spoken = naming is Naming.OTHER_SETTING, naming is not Naming.NOT_SPOKEN
    fields = {"tts_voice_id": "stock" if is_other else reference, "is_voice_spoken": spoken, "active": False}
    assistant = make_assistant(organization, tts_provider="elevenlabs", **fields)
    if is_other:
        name_voice(assistant, reference)


def reason_of(row: VoiceRow, now: datetime) -> str:
    """Return the clean-up reason of a voice without regard to other voices, "" for none."""
    if row.status is not VoiceStatus.READY or row.created_at > now - THRESHOLDS.minimum_age:
        return ""
    if row.last_used_at is None:
        return "" if row.synthesis_count else "never-used"
    return "unused" if row.last_used_at <= now - THRESHOLDS.unused else ""


def kind_of(row: VoiceRow, rows: list[VoiceRow], named: Mapping[str, Naming], missing: set[int], now: datetime) -> str:
    """Return the clean-up reason of a voice, or why it is excluded. named: the IDs at ElevenLabs that settings name."""
    if row.status is VoiceStatus.ARCHIVED and not row.provider_voice_id:
        return ARCHIVED_WITHOUT_SLOT
    if row.status is not VoiceStatus.READY:
        return KIND_BY_STATUS[row.status]
    reference = row.provider, row.provider_voice_id
    if not (reason := reason_of(row, now)):
        if row.last_used_at is None:
            return ExclusionReason.UNDATED if row.synthesis_count else ExclusionReason.TOO_NEW
        return ExclusionReason.TOO_NEW if row.last_used_at <= now - THRESHOLDS.unused else ExclusionReason.RECENTLY_USED
    if row.provider_voice_id and row.provider == "elevenlabs" and row.provider_voice_id in named:
        is_used = named[row.provider_voice_id] is Naming.SPOKEN
        return ExclusionReason.IN_USE if is_used else ExclusionReason.NAMED
    duplicates = [one for one in rows if (one.provider, one.provider_voice_id) == reference]
    if row.provider_voice_id and any(one.id != row.id and one.status is not VoiceStatus.ARCHIVED for one in duplicates):
        return ExclusionReason.SHARED_REFERENCE
    if row.id in missing and row.provider == "elevenlabs":  # the lists of the other provider are too old
        return ExclusionReason.MISSING
    return reason


def find_ids(scope: Scope, now: datetime, filters: CleanUpFilters = ALL) -> list[int]:
    """Return the ids of all candidates, in the order of a plan."""
    return [one.voice.id for one in list_candidates(scope, filters, THRESHOLDS, now=now, limit=1000)]


def times_before_now(*days: int) -> st.SearchStrategy[datetime]:
    """Return a strategy for times this many days ago, or a microsecond later."""
    return st.builds(
        lambda day, more: NOW - day * DAY + timedelta(microseconds=more), st.sampled_from(days), st.integers(0, 1)
    )


VOICES = st.builds(  # with duplicates, and with times around the thresholds of the rules
    voice_row,
    provider=st.sampled_from(["elevenlabs", "resemble"]),
    provider_voice_id=st.sampled_from(["", "a", "a", "b"]),
    status=st.sampled_from([VoiceStatus.READY] * 4 + list(VoiceStatus)),
    created_at=times_before_now(1, 14, 14, 300),
    last_used_at=st.none() | times_before_now(0, 60, 90),
    synthesis_count=st.integers(0, 1),
)


@pytest.fixture
def sources(acme: Organization, now: datetime) -> None:
    connect_provider("elevenlabs", read_at=now)
    connect_provider("resemble", read_at=now - 3 * DAY)


@settings(IN_DATABASE, phases=set(Phase) - {Phase.shrink})  # a dozen voices need no shrinking
@given(
    rows=st.lists(VOICES, min_size=1, max_size=12),
    named=st.dictionaries(st.sampled_from(["", "a", "b"]), st.sampled_from(Naming), max_size=2),
    every=st.integers(1, 4),
)
def test_candidates_and_counts_equal_plain_python(
    sources: None, acme: Organization, now: datetime, rows: list[VoiceRow], named: dict[str, Naming], every: int
) -> None:
    refill(acme, rows)
    missing = {row.id for row in rows[::every]}
    put_verdicts({row.id: "missing" if row.id in missing else "in-step" for row in rows}, since=now)
    with write_transaction():
        db.session.execute(delete(Assistant))
    for reference, naming in named.items():
        add_assistant(acme, reference, naming)
    kinds = {row.id: kind_of(row, rows, named, missing, now) for row in rows}

    for scope in (EVERYTHING, Scope(frozenset({acme.id}))):
        counted = count_candidates(scope, THRESHOLDS, now=now)
        numbers = {(one.provider, one.kind): one.voices for one in counted.counts}
        assert numbers == Counter((row.provider, kinds[row.id]) for row in rows)
        with_slot = {one.provider: one.with_slot for one in counted.by_provider(CLEAN_UP_REASONS, {})}
        candidates = [row for row in rows if kinds[row.id] in CLEAN_UP_REASONS]
        assert +Counter(with_slot) == Counter(row.provider for row in candidates if row.provider_voice_id)
        unused = sorted((row.last_used_at, row.id) for row in rows if kinds[row.id] == "unused" and row.last_used_at)
        never = sorted((row.created_at, row.id) for row in rows if kinds[row.id] == "never-used")
        assert find_ids(scope, now) == [id for _, id in (*unused, *never)]


def test_only_voices_in_the_scope_that_match_the_filters_are_found(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    make_voice(acme, id=1)
    make_voice(acme, id=2, provider="resemble", last_used_at=now - 90 * DAY, synthesis_count=1)
    make_voice(other, id=3)
    of_acme = Scope(frozenset({acme.id}))

    assert find_ids(EVERYTHING, now) == [2, 1, 3]
    assert find_ids(of_acme, now) == [2, 1]
    assert find_ids(NOTHING, now) == []
    assert find_ids(of_acme, now, CleanUpFilters(other.id)) == []
    assert find_ids(EVERYTHING, now, CleanUpFilters(acme.id, ("resemble", "playht"))) == [2]
    assert find_ids(EVERYTHING, now, CleanUpFilters(reasons=("never-used",))) == [1, 3]
    counted = {scope: count_candidates(scope, THRESHOLDS, now=now) for scope in (EVERYTHING, of_acme)}
    assert [one.count("unused", "never-used") for one in counted.values()] == [3, 2]
    assert counted[of_acme].matching(CleanUpFilters(None, ("resemble",))).count("unused", "never-used") == 1
    assert count_candidates(NOTHING, THRESHOLDS, now=now).counts == []


def test_archived_voices_without_a_slot_are_counted_separately(acme: Organization, now: datetime) -> None:
    archived = (voice_row(id=id, status=VoiceStatus.ARCHIVED) for id in (2, 3))
    put_voices(acme, [voice_row(id=1), *archived, voice_row(id=4, status=VoiceStatus.ARCHIVED, provider_voice_id="")])
    for action, id in ((TriageAction.ARCHIVE, 1), (TriageAction.MARK_DELETED, 2)):
        request = ActionRequest(action, (ObjectRef(ObjectKind.VOICE, id),), f"key {id}", 10**9)
        apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=now)

    counted = count_candidates(EVERYTHING, THRESHOLDS, now=now)

    assert {one.kind: one.voices for one in counted.counts} == {ARCHIVED: 2, ARCHIVED_WITHOUT_SLOT: 2}
    (freed,) = counted.by_provider(("unused", "never-used"), {})
    assert (freed.candidates, freed.archived, freed.price) == (0, 2, None)
    assert list_provider_stats(EVERYTHING, now=now)[0].archived_slots == freed.archived


def test_candidates_without_a_slot_are_counted_separately(acme: Organization, now: datetime) -> None:
    without_id = (voice_row(id=id, provider_voice_id="") for id in (2, 3, 4))
    put_voices(acme, [voice_row(id=1), *without_id, voice_row(id=5), voice_row(id=6, provider="resemble")])
    put_voices(make_organization("Other"), [voice_row(id=7, provider_voice_id="")])
    archive, mark, restore = TriageAction.ARCHIVE, TriageAction.MARK_DELETED, TriageAction.RESTORE
    for action, id in ((archive, 2), (TriageAction.ACKNOWLEDGE, 3), (archive, 5), (mark, 5), (restore, 5)):
        request = ActionRequest(action, (ObjectRef(ObjectKind.VOICE, id),), f"key {action} {id}", 10**9)
        apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=now)

    for scope, candidates in ((EVERYTHING, 4), (Scope(frozenset({acme.id})), 3)):
        counted = count_candidates(scope, THRESHOLDS, now=now)
        rows = [(one.provider, one.candidates, one.with_slot) for one in counted.by_provider(CLEAN_UP_REASONS, {})]
        assert rows == [("elevenlabs", candidates, 1), ("resemble", 1, 1)]
        assert counted.by_provider(("unused",), {}) == []


def test_muted_voices_are_no_candidates_until_the_snooze_ends(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    for action, voice_id, until in ((TriageAction.ACKNOWLEDGE, 1, None), (TriageAction.SNOOZE, 2, now + DAY)):
        request = ActionRequest(action, (ObjectRef(ObjectKind.VOICE, voice_id),), action, 0, until=until)
        apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=now)

    assert find_ids(EVERYTHING, now) == []
    assert count_candidates(EVERYTHING, THRESHOLDS, now=now).count(ExclusionReason.MUTED) == 2
    assert find_ids(EVERYTHING, now + 2 * DAY) == [2]


def test_a_voice_that_settings_only_name_is_excluded_in_its_own_organization(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=id, provider_voice_id=f"v{id}") for id in (1, 2, 3)])
    add_assistant(acme, "v1", Naming.OTHER_SETTING)
    add_assistant(acme, "v2", Naming.NOT_SPOKEN)
    for naming in Naming:
        add_assistant(make_organization(), "v3", naming)

    assert find_ids(EVERYTHING, now) == [3]
    assert count_candidates(EVERYTHING, THRESHOLDS, now=now).count(ExclusionReason.NAMED) == 2
    assert count_candidates(Scope(frozenset({acme.id})), THRESHOLDS, now=now).count(ExclusionReason.NAMED) == 2


@pytest.mark.parametrize("format", ExportFormat)
def test_an_export_of_candidates_reads_back(acme: Organization, now: datetime, format: ExportFormat) -> None:
    rows = [voice_row(name=name, provider_voice_id=f"={number}") for number, name in enumerate(HOSTILE)]
    put_voices(acme, rows)

    text = "".join(export_candidates(EVERYTHING, ALL, THRESHOLDS, format, now=now))

    records = read_records(text, format)
    assert [record["name"] for record in records] == [row.name for row in rows]
    assert [tuple(record) for record in records] == [CANDIDATE_FIELDS] * len(rows)
    assert records[0] == expected_record(
        format,
        {
            "reason": "never-used",
            "evidence": "Created 316 days ago, never used.",
            "organization_id": acme.id,
            "organization": "Acme",
            "id": rows[0].id,
            "name": "=1+1",
            "provider": "elevenlabs",
            "provider_voice_id": "=0",
            "language": "en",
            "gender": None,
            "status": "ready",
            "quality_score": 0.85,
            "created_at": "2026-01-10T08:00:00Z",
            "last_used_at": None,
            "synthesis_count": 0,
            "counted_at": "2026-11-22T14:00:00Z",
        },
    )
