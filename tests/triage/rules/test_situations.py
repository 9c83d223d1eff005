"""The rules of attention against situations that were written by hand: around every bound, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any

import pytest
from sqlalchemy import delete

from tests.conftest import NOW, SHELL
from tests.factories import make_assistant, make_organization, make_voice, voice_row
from tests.triage.rules.situations import (
    BACK,
    DAY,
    FAILED,
    GONE,
    HERE,
    HOUR,
    INSTANT,
    MINUTE,
    PROCESSING,
    SITUATIONS,
    Situation,
    Told,
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

pytestmark = pytest.mark.usefixtures("store")

ALL = list(chain.from_iterable(SITUATIONS.values()))
Named = tuple[str, str]  # the label of a situation, and the name of a thing in it


class Stage:
    """Situations in the store, each in an organization of its own."""

    def __init__(self, situations: Sequence[Situation]) -> None:
        self.refs: dict[Named, ObjectRef] = {}
        self._rows: dict[Named, dict[str, Any]] = {}
        homes = {one.label: self._home(one) for one in situations}
        voices = {(one.label, name): voice for one in situations for name, voice in one.voices.items()}
        for named, voice in voices.items():
            home = make_organization("Elsewhere").id if voice.elsewhere else homes[named[0]]
            used = None if voice.used is None else NOW - voice.used
            row = voice_row(created_at=NOW - voice.made, last_used_at=used, **voice.fields)
            self._rows[named] = build_voice_columns(row, home) | {"upstream_changed_at": row.created_at}
            self.refs[named] = ObjectRef(ObjectKind.VOICE, row.id)
        self._write(self._rows)
        lives = {named: voice.life for named, voice in voices.items()}
        for number in range(max(map(len, lives.values()), default=0)):
            self._live({named: life[number] for named, life in lives.items() if len(life) > number})

    def _home(self, situation: Situation) -> int:
        organization = make_organization(situation.label)
        for name, fields in situation.assistants.items():
            assistant = make_assistant(organization, **fields)
            self.refs[situation.label, name] = ObjectRef(ObjectKind.ASSISTANT, assistant.id)
        return organization.id

    def _live(self, steps: Mapping[Named, Told | str]) -> None:
        changed = []
        for named, step in steps.items():
            if isinstance(step, Told):
                self._rows[named] |= {name: moment(value) for name, value in step.fields.items()}
                self._rows[named]["upstream_changed_at"] = NOW - step.ago
                changed.append(named)
        self._write(changed)
        for action, word in ((TriageAction.ARCHIVE, HERE), (TriageAction.RESTORE, BACK)):
            refs = tuple(self.refs[named] for named, step in steps.items() if step == word)
            if refs:
                key = f"{action} {next(_keys)}"
                operation = apply_action(
                    EVERYTHING, ActionRequest(action, refs, key, 0), AttentionThresholds(), by=SHELL, now=NOW - 3 * HOUR
                )
                assert operation.object_count == len(refs)
        gone = [self.refs[named].id for named, step in steps.items() if step == GONE]
        if gone:
            with write_transaction():
                db.session.execute(delete(ClonedVoice).where(ClonedVoice.id.in_(gone)))

    def _write(self, named: Any) -> None:
        rows = [self._rows[one] for one in named]
        if rows:
            with write_transaction():
                db.session.execute(upsert_statement(ClonedVoice), rows)


_keys = count()


def moment(value: Any) -> Any:
    """A time from how long ago it is; anything else as it is."""
    return NOW - value if isinstance(value, timedelta) else value


def expected_of(situations: Sequence[Situation]) -> dict[Named, list[str]]:
    """What was written by hand, for every thing in these situations."""
    return {(one.label, name): words.split() for one in situations for name, words in one.expected.items()}


def test_there_are_two_hundred_situations_and_no_two_are_called_alike() -> None:
    assert len(ALL) >= 200
    assert len({one.label for one in ALL}) == len(ALL)
    assert {word for one in ALL for words in one.expected.values() for word in words.split()} == {
        rule.slug for rule in RULES
    }


@pytest.mark.parametrize("family", SITUATIONS)
def test_each_thing_in_a_situation_has_the_reasons_written_beside_it(family: str) -> None:
    situations = SITUATIONS[family]
    stage = Stage(situations)

    found = find_findings(stage.refs.values(), AttentionThresholds(), now=NOW)

    assert {named: [finding.reason for finding in found[ref]] for named, ref in stage.refs.items()} == expected_of(
        situations
    )


def test_the_queues_of_all_situations_at_once_hold_the_same() -> None:
    stage, expected = Stage(ALL), expected_of(ALL)
    names = {ref: named for named, ref in stage.refs.items()}
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


def words_of(voice: VoiceRow, limits: AttentionThresholds) -> list[str]:
    ref = ObjectRef(ObjectKind.VOICE, voice.id)
    return [finding.reason for finding in find_findings([ref], limits, now=NOW)[ref]]


@pytest.mark.parametrize(
    ("provider", "minutes", "limits"),
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
def test_the_time_that_a_provider_may_take_is_that_of_the_settings(
    acme: Organization, provider: str, minutes: int, limits: AttentionThresholds
) -> None:
    short = make_voice(acme, provider=provider, status=PROCESSING, created_at=NOW - minutes * MINUTE + INSTANT)
    long = make_voice(acme, provider=provider, status=PROCESSING, created_at=NOW - minutes * MINUTE)

    assert (words_of(short, limits), words_of(long, limits)) == ([], ["stuck"])


def test_what_is_unused_and_what_is_young_is_that_of_the_settings(acme: Organization) -> None:
    limits = AttentionThresholds(unused=7 * DAY, minimum_age=3 * DAY)
    used = {"last_used_at": NOW - 7 * DAY, "synthesis_count": 1}
    young, old = ({"created_at": NOW - 3 * DAY + over} for over in (INSTANT, timedelta(0)))

    assert words_of(make_voice(acme, **young), limits) == []
    assert words_of(make_voice(acme, **old), limits) == ["never-used"]
    assert words_of(make_voice(acme, **young, **used), limits) == []
    assert words_of(make_voice(acme, **old, **used), limits) == ["unused"]
    assert words_of(make_voice(acme, **old, **used | {"last_used_at": NOW - 7 * DAY + INSTANT}), limits) == []


# How each is told


def told(ref: ObjectRef) -> list[tuple[str, Severity, datetime | None, str]]:
    """What a page says of each reason of one thing."""
    (line,) = list_queue_items([ref], AttentionThresholds(), now=NOW)
    return [(why.finding.reason, why.severity, why.finding.since, why.evidence) for why in line.reasons]


def test_a_failed_voice_tells_since_when(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED, created_at=NOW - 3 * DAY, provider="inworld")

    assert told(ObjectRef(ObjectKind.VOICE, voice.id)) == [
        ("failed", Severity.HIGH, NOW - 3 * DAY, "Cloning failed at Inworld 3 days ago.")
    ]


def test_what_failed_later_is_told_from_then() -> None:
    stage = Stage([one for one in ALL if one.label == "failed, ready, and failed again"])

    assert [told(ref) for ref in stage.refs.values()] == [
        [("failed", Severity.HIGH, NOW - MINUTE, "Cloning failed at ElevenLabs 1 min ago.")]
    ]


def test_a_stuck_voice_tells_for_how_long_and_what_its_provider_takes(acme: Organization) -> None:
    for provider, sentence in (
        ("elevenlabs", "Processing for 3 h; ElevenLabs takes at most 10 min."),
        ("playht", "Processing for 3 h; playht takes at most 1 h."),
    ):
        voice = make_voice(acme, status=PROCESSING, created_at=NOW - 3 * HOUR, provider=provider)
        assert told(ObjectRef(ObjectKind.VOICE, voice.id)) == [("stuck", Severity.HIGH, NOW - 3 * HOUR, sentence)]


def test_a_poor_voice_tells_its_score_as_it_is_shown_and_its_uses(acme: Organization) -> None:
    fields = {"quality_score": 0.699, "last_used_at": NOW, "created_at": NOW - DAY}
    for number, uses in ((1, "1 synthesis"), (1204, "1,204 syntheses")):
        voice = make_voice(acme, synthesis_count=number, **fields)
        assert told(ObjectRef(ObjectKind.VOICE, voice.id)) == [
            ("poor", Severity.MEDIUM, NOW - DAY, f"The quality score is 0.69, and the voice has {uses}.")
        ]


def test_an_unused_voice_tells_the_days_since_its_last_use(acme: Organization) -> None:
    last = NOW - 61 * DAY - HOUR
    voice = make_voice(acme, created_at=NOW - 90 * DAY, last_used_at=last, synthesis_count=1)

    assert told(ObjectRef(ObjectKind.VOICE, voice.id)) == [("unused", Severity.LOW, last, "Not used for 61 days.")]


def test_a_voice_that_was_never_used_tells_how_old_it_is(acme: Organization) -> None:
    voice = make_voice(acme, created_at=NOW - 15 * DAY - HOUR)

    assert told(ObjectRef(ObjectKind.VOICE, voice.id)) == [
        ("never-used", Severity.LOW, NOW - 15 * DAY - HOUR, "Created 15 days ago, never used.")
    ]


def test_a_duplicate_names_the_first_of_the_others_and_how_many_there_are_beside_it(acme: Organization) -> None:
    fields = {"provider_voice_id": "x", "created_at": NOW - DAY}
    for id in (21, 22):
        make_voice(acme, id=id, **fields)
    sentences = [told(ObjectRef(ObjectKind.VOICE, id)) for id in (21, 22)]
    make_voice(acme, id=23, **fields)
    more = [told(ObjectRef(ObjectKind.VOICE, id)) for id in (21, 22, 23)]

    assert sentences == [
        [("duplicate", Severity.MEDIUM, NOW - DAY, f"Voice {other} has the same id at ElevenLabs.")]
        for other in (22, 21)
    ]
    assert [evidence for ((*_, evidence),) in more] == [
        f"Voice {other} and 1 more have the same id at ElevenLabs." for other in (22, 21, 21)
    ]


def test_an_assistant_tells_of_the_voice_that_it_is_set_to(acme: Organization) -> None:
    make_voice(acme, name="Lobby", provider_voice_id="pv", status=FAILED, created_at=NOW - DAY)
    assistant = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="pv")

    assert told(of(assistant)) == [
        (
            "assistant-unready",
            Severity.CRITICAL,
            NOW - DAY,
            "Set to “Lobby” at ElevenLabs, which is failed.",
        )
    ]


def of(assistant: Assistant) -> ObjectRef:
    return ObjectRef(ObjectKind.ASSISTANT, assistant.id)


def test_an_assistant_without_its_voice_tells_since_when_that_was_archived_or_that_it_is_gone() -> None:
    labels = ("a voice archived here while ready", "a voice that is gone", "two archived voices of the same id")
    stage = Stage([one for one in ALL if one.label in labels])
    names = name_of(stage, labels[0], "it"), name_of(stage, labels[2], "a")

    assert {label: told(stage.refs[label, "desk"])[0][2:] for label in labels} == {
        labels[0]: (NOW - 3 * HOUR, f"Set to “{names[0]}” at ElevenLabs, which is archived."),
        labels[1]: (None, "Set to a cloned voice at ElevenLabs that no longer exists."),
        labels[2]: (NOW - 3 * HOUR, f"Set to “{names[1]}” at ElevenLabs, which is archived."),
    }


def name_of(stage: Stage, label: str, name: str) -> str:
    (line,) = list_queue_items([stage.refs[label, name]], AttentionThresholds(), now=NOW)
    assert line.voice is not None
    return line.voice.name


def test_reasons_come_the_worst_first_each_with_its_remedy() -> None:
    stage = Stage([one for one in ALL if one.label == "failed, poor, used twins"])

    for line in list_queue_items(list(stage.refs.values()), AttentionThresholds(), now=NOW):
        assert [why.label for why in line.reasons] == ["Failed", "Poor quality", "Duplicate"]
        assert [why.remedy for why in line.reasons] == [
            "Clone the voice again with better samples, or archive it.",
            "Clone the voice again with better samples, or set its assistants to a better voice.",
            "Archive all but one of these voices.",
        ]


def test_an_assistant_is_worse_than_any_voice() -> None:
    assert [(rule.slug, rule.severity.value) for rule in RULES] == [
        ("assistant-unready", "critical"),
        ("failed", "high"),
        ("stuck", "high"),
        ("poor", "medium"),
        ("duplicate", "medium"),
        ("unused", "low"),
        ("never-used", "low"),
    ]
