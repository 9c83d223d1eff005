"""The rules of triage in hand-written situations, around every threshold, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any

import pytest
from sqlalchemy import delete

from tests.conftest import NOW, SHELL
from tests.factories import connect_provider, make_assistant, make_organization, make_voice, put_verdicts, voice_row
from tests.triage.rules.situations.catalog import SITUATIONS
from tests.triage.rules.situations.situation import (
    ARCHIVED_HERE,
    DAY,
    FAILED,
    HOUR,
    INSTANT,
    MINUTE,
    PROCESSING,
    REMOVED_UPSTREAM,
    RESTORED_HERE,
    Judged,
    Situation,
    Step,
    UpstreamChange,
)
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.triage.queries.counts import count_reasons
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.queries.queue import list_queue_refs
from voiceadmin.triage.rules import RULES
from voiceadmin.triage.types import QueueFilters, Severity, TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.rows import VoiceRow

pytestmark = pytest.mark.usefixtures("app")

ALL = list(chain.from_iterable(SITUATIONS.values()))
Named = tuple[str, str]  # the label of a situation, and the name of an object in it


class Scenario:
    """Situations in the database, each in its own organization."""

    def __init__(self, situations: Sequence[Situation]) -> None:
        self.refs: dict[Named, ObjectRef] = {}
        self._rows: dict[Named, dict[str, Any]] = {}
        organization_ids = {one.label: self._make_organization(one) for one in situations}
        voices = {(one.label, name): voice for one in situations for name, voice in one.voices.items()}
        for named, voice in voices.items():
            organization_id = make_organization("Elsewhere").id if voice.elsewhere else organization_ids[named[0]]
            used = None if voice.used is None else NOW - voice.used
            row = voice_row(created_at=NOW - voice.made, last_used_at=used, **voice.fields)
            self._rows[named] = build_voice_columns(row, organization_id) | {"upstream_changed_at": row.created_at}
            self.refs[named] = ObjectRef(ObjectKind.VOICE, row.id)
        self._write(self._rows)
        connect_provider(read_at=NOW)
        connect_provider("inworld", read_at=NOW - 3 * DAY)
        histories = {named: voice.history for named, voice in voices.items()}
        for number in range(max(map(len, histories.values()), default=0)):
            self._apply_steps({named: history[number] for named, history in histories.items() if len(history) > number})

    def _make_organization(self, situation: Situation) -> int:
        organization = make_organization(situation.label)
        for name, fields in situation.assistants.items():
            assistant = make_assistant(organization, **fields)
            self.refs[situation.label, name] = ObjectRef(ObjectKind.ASSISTANT, assistant.id)
        return organization.id

    def _apply_steps(self, steps: Mapping[Named, Step]) -> None:
        changed = []
        for named, step in steps.items():
            if isinstance(step, UpstreamChange):
                self._rows[named] |= {name: to_time(value) for name, value in step.fields.items()}
                self._rows[named]["upstream_changed_at"] = NOW - step.ago
                changed.append(named)
        self._write(changed)
        judged = {self.refs[named].id: step.verdict for named, step in steps.items() if isinstance(step, Judged)}
        put_verdicts(judged, since=NOW - HOUR)
        for action, kind in ((TriageAction.ARCHIVE, ARCHIVED_HERE), (TriageAction.RESTORE, RESTORED_HERE)):
            refs = tuple(self.refs[named] for named, step in steps.items() if step == kind)
            if refs:
                key = f"{action} {next(_keys)}"
                operation = apply_action(
                    EVERYTHING, ActionRequest(action, refs, key, 0), AttentionThresholds(), by=SHELL, now=NOW - 3 * HOUR
                )
                assert operation.object_count == len(refs)
        gone = [self.refs[named].id for named, step in steps.items() if step == REMOVED_UPSTREAM]
        if gone:
            with write_transaction():
                db.session.execute(delete(ClonedVoice).where(ClonedVoice.id.in_(gone)))

    def _write(self, named: Any) -> None:
        rows = [self._rows[one] for one in named]
        if rows:
            with write_transaction():
                db.session.execute(upsert_statement(ClonedVoice), rows)


_keys = count()


def to_time(value: Any) -> Any:
    """Return the time for a time span before now, and any other value unchanged."""
    return NOW - value if isinstance(value, timedelta) else value


def expected_reasons(situations: Sequence[Situation]) -> dict[Named, list[str]]:
    """Return the expected reasons of every object in these situations."""
    return {(one.label, name): words.split() for one in situations for name, words in one.expected.items()}


def test_there_are_at_least_two_hundred_situations_with_unique_labels() -> None:
    assert len(ALL) >= 200
    assert len({one.label for one in ALL}) == len(ALL)
    assert {word for one in ALL for words in one.expected.values() for word in words.split()} == {
        rule.slug for rule in RULES if rule.kind is not ObjectKind.SOURCE
    }


@pytest.mark.parametrize("family", SITUATIONS)
def test_each_object_in_a_situation_has_the_expected_reasons(family: str) -> None:
    situations = SITUATIONS[family]
    scenario = Scenario(situations)

    found = find_findings(scenario.refs.values(), AttentionThresholds(), now=NOW)

    assert {
        named: [finding.reason for finding in found[ref]] for named, ref in scenario.refs.items()
    } == expected_reasons(situations)


def test_the_queue_of_all_situations_has_the_expected_reasons() -> None:
    scenario, expected = Scenario(ALL), expected_reasons(ALL)
    names = {ref: named for named, ref in scenario.refs.items()}
    numbers = {rule.slug: sum(rule.slug in words for words in expected.values()) for rule in RULES}

    for rule in RULES:
        filters = QueueFilters(reasons=(rule.slug,))
        queue = list_queue_refs(EVERYTHING, filters, AttentionThresholds(), now=NOW, limit=10_000)
        assert sorted(names[ref] for ref in queue) == sorted(
            named for named, words in expected.items() if rule.slug in words
        ), rule.slug
    queue = list_queue_refs(EVERYTHING, QueueFilters(), AttentionThresholds(), now=NOW, limit=10_000)
    assert sorted(names[ref] for ref in queue) == sorted(named for named, words in expected.items() if words)
    assert count_reasons(EVERYTHING, QueueFilters(), AttentionThresholds(), now=NOW) == numbers


# The settings


@pytest.fixture
def acme() -> Organization:
    return make_organization()


def find_reasons(voice: VoiceRow, thresholds: AttentionThresholds) -> list[str]:
    ref = ObjectRef(ObjectKind.VOICE, voice.id)
    return [finding.reason for finding in find_findings([ref], thresholds, now=NOW)[ref]]


@pytest.mark.parametrize(
    ("provider", "minutes", "thresholds"),
    [
        (
            "elevenlabs",
            30,
            AttentionThresholds(cloning_timeouts=(("elevenlabs", 30 * MINUTE), ("inworld", 2 * MINUTE))),
        ),
        ("inworld", 2, AttentionThresholds(cloning_timeouts=(("elevenlabs", 30 * MINUTE), ("inworld", 2 * MINUTE)))),
        ("resemble", 7, AttentionThresholds(cloning_timeouts=(("elevenlabs", 30 * MINUTE),), other=7 * MINUTE)),
        ("elevenlabs", 7, AttentionThresholds(cloning_timeouts=(), other=7 * MINUTE)),
        ("it's :now", 9, AttentionThresholds(cloning_timeouts=(("it's :now", 9 * MINUTE),))),
    ],
)
def test_settings_change_the_cloning_timeout_of_a_provider(
    acme: Organization, provider: str, minutes: int, thresholds: AttentionThresholds
) -> None:
    short = make_voice(acme, provider=provider, status=PROCESSING, created_at=NOW - minutes * MINUTE + INSTANT)
    long = make_voice(acme, provider=provider, status=PROCESSING, created_at=NOW - minutes * MINUTE)

    assert (find_reasons(short, thresholds), find_reasons(long, thresholds)) == ([], ["stuck"])


def test_settings_change_the_unused_period_and_the_minimum_age(acme: Organization) -> None:
    thresholds = AttentionThresholds(unused=7 * DAY, minimum_age=3 * DAY)
    used = {"last_used_at": NOW - 7 * DAY, "synthesis_count": 1}
    young, old = ({"created_at": NOW - 3 * DAY + make_shell} for make_shell in (INSTANT, timedelta(0)))

    assert find_reasons(make_voice(acme, **young), thresholds) == []
    assert find_reasons(make_voice(acme, **old), thresholds) == ["never-used"]
    assert find_reasons(make_voice(acme, **young, **used), thresholds) == []
    assert find_reasons(make_voice(acme, **old, **used), thresholds) == ["unused"]
    assert find_reasons(make_voice(acme, **old, **used | {"last_used_at": NOW - 7 * DAY + INSTANT}), thresholds) == []


# Descriptions


def describe_reasons(ref: ObjectRef) -> list[tuple[str, Severity, datetime | None, str]]:
    """Return reason, severity, start and evidence of each finding of an object."""
    (item,) = list_queue_items([ref], AttentionThresholds(), now=NOW)
    return [(detail.finding.reason, detail.severity, detail.finding.since, detail.evidence) for detail in item.reasons]


def test_a_failed_voice_shows_when_it_failed(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED, created_at=NOW - 3 * DAY, provider="inworld")

    assert describe_reasons(ObjectRef(ObjectKind.VOICE, voice.id)) == [
        ("failed", Severity.HIGH, NOW - 3 * DAY, "Cloning failed at Inworld 3 days ago.")
    ]


def test_a_voice_that_failed_later_shows_the_later_time() -> None:
    scenario = Scenario([one for one in ALL if one.label == "failed, ready, and failed again"])

    assert [describe_reasons(ref) for ref in scenario.refs.values()] == [
        [("failed", Severity.HIGH, NOW - MINUTE, "Cloning failed at ElevenLabs 1 min ago.")]
    ]


def test_a_stuck_voice_shows_its_duration_and_the_cloning_timeout(acme: Organization) -> None:
    for provider, sentence in (
        ("elevenlabs", "Processing for 3 h; ElevenLabs takes at most 10 min."),
        ("playht", "Processing for 3 h; playht takes at most 1 h."),
    ):
        voice = make_voice(acme, status=PROCESSING, created_at=NOW - 3 * HOUR, provider=provider)
        assert describe_reasons(ObjectRef(ObjectKind.VOICE, voice.id)) == [
            ("stuck", Severity.HIGH, NOW - 3 * HOUR, sentence)
        ]


def test_a_poor_voice_shows_its_score_and_its_syntheses(acme: Organization) -> None:
    fields = {"quality_score": 0.699, "last_used_at": NOW, "created_at": NOW - DAY}
    for number, uses in ((1, "1 synthesis"), (1204, "1,204 syntheses")):
        voice = make_voice(acme, synthesis_count=number, **fields)
        assert describe_reasons(ObjectRef(ObjectKind.VOICE, voice.id)) == [
            ("poor", Severity.MEDIUM, NOW - DAY, f"The quality score is 0.69, and the voice has {uses}.")
        ]


def test_an_unused_voice_shows_the_days_since_its_last_use(acme: Organization) -> None:
    last = NOW - 61 * DAY - HOUR
    voice = make_voice(acme, created_at=NOW - 90 * DAY, last_used_at=last, synthesis_count=1)

    assert describe_reasons(ObjectRef(ObjectKind.VOICE, voice.id)) == [
        ("unused", Severity.LOW, last, "Not used for 61 days.")
    ]


def test_a_never_used_voice_shows_its_age(acme: Organization) -> None:
    voice = make_voice(acme, created_at=NOW - 15 * DAY - HOUR)

    assert describe_reasons(ObjectRef(ObjectKind.VOICE, voice.id)) == [
        ("never-used", Severity.LOW, NOW - 15 * DAY - HOUR, "Created 15 days ago, never used.")
    ]


def test_a_duplicate_names_the_first_other_voice_and_counts_the_rest(acme: Organization) -> None:
    fields = {"provider_voice_id": "x", "created_at": NOW - DAY}
    for id in (21, 22):
        make_voice(acme, id=id, **fields)
    sentences = [describe_reasons(ObjectRef(ObjectKind.VOICE, id)) for id in (21, 22)]
    make_voice(acme, id=23, **fields)
    more = [describe_reasons(ObjectRef(ObjectKind.VOICE, id)) for id in (21, 22, 23)]

    assert sentences == [
        [("duplicate", Severity.MEDIUM, NOW - DAY, f"Voice {other} has the same ID at ElevenLabs.")]
        for other in (22, 21)
    ]
    assert [evidence for ((*_, evidence),) in more] == [
        f"Voice {other} and 1 more have the same ID at ElevenLabs." for other in (22, 21, 21)
    ]


def test_a_verdict_shows_provider_certainty_and_start(acme: Organization) -> None:
    connect_provider(read_at=NOW)
    gone, broken = (ObjectRef(ObjectKind.VOICE, make_voice(acme, created_at=NOW).id) for _ in range(2))
    put_verdicts({gone.id: "missing"}, since=NOW - 3 * DAY, certainty="confirmed")
    put_verdicts({broken.id: "broken"}, since=NOW - HOUR)

    sentence = "ElevenLabs does not have the voice: confirmed by a look-up, 3 days ago."
    assert describe_reasons(gone) == [("missing", Severity.CRITICAL, NOW - 3 * DAY, sentence)]
    sentence = "Ready on the platform, but not at ElevenLabs: from a complete list, 1 h ago."
    assert describe_reasons(broken) == [("drifted", Severity.HIGH, NOW - HOUR, sentence)]


def test_an_assistant_shows_the_voice_that_it_uses(acme: Organization) -> None:
    make_voice(acme, name="Lobby", provider_voice_id="pv", status=FAILED, created_at=NOW - DAY)
    assistant = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="pv")

    assert describe_reasons(ref_of(assistant)) == [
        (
            "assistant-unready",
            Severity.CRITICAL,
            NOW - DAY,
            "Set to “Lobby” at ElevenLabs, which is failed.",
        )
    ]


def ref_of(assistant: Assistant) -> ObjectRef:
    return ObjectRef(ObjectKind.ASSISTANT, assistant.id)


def test_an_assistant_shows_when_its_voice_was_archived_or_that_it_no_longer_exists() -> None:
    labels = ("a voice archived here while ready", "a voice that is gone", "two archived voices of the same id")
    scenario = Scenario([one for one in ALL if one.label in labels])
    names = name_of(scenario, labels[0], "voice"), name_of(scenario, labels[2], "a")

    assert {label: describe_reasons(scenario.refs[label, "assistant"])[0][2:] for label in labels} == {
        labels[0]: (NOW - 3 * HOUR, f"Set to “{names[0]}” at ElevenLabs, which is archived."),
        labels[1]: (None, "Set to a cloned voice at ElevenLabs that no longer exists."),
        labels[2]: (NOW - 3 * HOUR, f"Set to “{names[1]}” at ElevenLabs, which is archived."),
    }


def name_of(scenario: Scenario, label: str, name: str) -> str:
    (item,) = list_queue_items([scenario.refs[label, name]], AttentionThresholds(), now=NOW)
    assert item.voice is not None
    return item.voice.name


def test_reasons_are_ordered_by_severity_with_a_remedy_each() -> None:
    scenario = Scenario([one for one in ALL if one.label == "failed, poor and used duplicates"])

    for item in list_queue_items(list(scenario.refs.values()), AttentionThresholds(), now=NOW):
        assert [detail.label for detail in item.reasons] == ["Failed", "Poor quality", "Duplicate"]
        assert [detail.remedy for detail in item.reasons] == [
            "Clone the voice again with better samples, or archive it.",
            "Clone the voice again with better samples, or set its assistants to a better voice.",
            "Archive all but one of these voices.",
        ]


def test_rules_are_ordered_by_severity() -> None:
    assert [(rule.slug, rule.severity.value) for rule in RULES] == [
        ("assistant-unready", "critical"),
        ("missing", "critical"),
        ("account-changed", "high"),
        ("source-failing", "high"),
        ("list-withheld", "high"),
        ("failed", "high"),
        ("drifted", "high"),
        ("stuck", "high"),
        ("poor", "medium"),
        ("deletion-unconfirmed", "medium"),
        ("slots-nearly-full", "medium"),
        ("duplicate", "medium"),
        ("unused", "low"),
        ("orphans", "low"),
        ("never-used", "low"),
    ]
