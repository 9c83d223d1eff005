"""The queue and its figures: what plain Python finds with the same things, whatever the filters, page by page."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, update

from tests.conftest import NOW, SHELL
from tests.factories import (
    DAY,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    put_voices,
    voice_row,
)
from tests.strategies import HOSTILE, IN_DATABASE
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.tabular import ExportFormat, escape_formula
from voiceadmin.text import build_name_key
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries import export
from voiceadmin.triage.queries.counts import COUNT_LIMIT, count_queue, count_reasons, summarize
from voiceadmin.triage.queries.export import FIELDS, build_item_record, export_queue
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.queries.queue import list_queue, list_queue_refs
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.types import AttentionSummary, Finding, QueueCursor, QueueFilters, TriageAction
from voiceadmin.voices import queries as voice_queries
from voiceadmin.voices.models import ClonedVoice, FormerProviderVoiceRef, SharedProviderVoiceRef
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
VOICE, ASSISTANT = ObjectKind.VOICE, ObjectKind.ASSISTANT
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LIMITS = AttentionThresholds()
WORDS = [rule.slug for rule in RULES]
LONG_BEFORE = datetime.min.replace(tzinfo=NOW.tzinfo)


# A small world, and what plain Python finds in it


@dataclass
class AuditTarget:
    """A voice or an assistant to create.

    home, assignee: numbers of an organization and an account. muted: by reason, whether the fingerprint matches, and
    when the mute ends.
    """

    kind: ObjectKind
    home: int
    assignee: int | None
    muted: Mapping[str, tuple[bool, datetime | None]]
    fields: Mapping[str, Any]
    here: bool = False
    gone: bool = False
    ref: ObjectRef = field(default=ObjectRef(VOICE, 0))

    @property
    def place(self) -> tuple[int, str | None, str | None]:
        names = ("provider", "provider_voice_id") if self.kind is VOICE else ("tts_provider", "tts_voice_id")
        provider, voice_id = (self.fields[name] for name in names)
        return self.home, provider, voice_id

    @property
    def status(self) -> VoiceStatus:
        status: VoiceStatus = ARCHIVED if self.here else self.fields["status"]
        return status


PROVIDERS = ("elevenlabs", "playht")
HUSHES = st.dictionaries(
    st.sampled_from(WORDS),
    st.tuples(st.sampled_from([True, True, False]), st.sampled_from([None, NOW + DAY, NOW, NOW - DAY])),
    max_size=4,
)
COMMON: dict[str, Any] = {
    "home": st.sampled_from([0, 0, 1]),
    "assignee": st.sampled_from([None, 0, 1]),
    "muted": HUSHES,
}
THINGS = st.lists(
    st.builds(
        AuditTarget,
        kind=st.just(VOICE),
        here=st.sampled_from([False, False, True]),
        gone=st.sampled_from([False, False, False, True]),
        fields=st.fixed_dictionaries(
            {
                "provider": st.sampled_from(PROVIDERS),
                "provider_voice_id": st.sampled_from(["", "x", "y", "z"]),
                "status": st.sampled_from(list(VoiceStatus)),
                "quality_score": st.sampled_from([None, 0.5, 0.9]),
                "synthesis_count": st.sampled_from([0, 1]),
                "created_at": st.sampled_from([NOW, NOW - 20 * MINUTE, NOW - 20 * DAY, NOW - 90 * DAY]),
                "last_used_at": st.sampled_from([None, NOW, NOW - 70 * DAY]),
            }
        ),
        **COMMON,
    )
    | st.builds(
        AuditTarget,
        kind=st.just(ASSISTANT),
        fields=st.fixed_dictionaries(
            {
                "tts_provider": st.sampled_from([*PROVIDERS, None]),
                "tts_voice_id": st.sampled_from(["x", "y", "z", "", None]),
            }
        ),
        **COMMON,
    ),
    max_size=14,
)
FILTERS = st.builds(
    QueueFilters,
    reasons=st.sampled_from([(), (), *((word,) for word in WORDS), ("never-used", "failed"), ("poor", "duplicate")]),
    organization=st.sampled_from([None, None, 0, 1, 2]),  # by number; 2 is nobody's
    providers=st.sampled_from([(), (), ("playht",), PROVIDERS, ("other",)]),
    assignee=st.sampled_from(["", "", "none", "0", "1"]),  # by number
    muted=st.booleans(),
    size=st.integers(1, 4),
)
SCOPES = st.sampled_from([None, None, (), (0,), (1,), (0, 1)])


class World:
    """Two organizations and two people in a store, and things that come and go."""

    def __init__(self) -> None:
        self.homes = [make_organization(name).id for name in ("Acme", "Other")]
        self.people = [make_account().id for _ in range(2)]
        self.things: list[AuditTarget] = []

    def fill(self, things: Sequence[AuditTarget]) -> None:
        """Let there be these things and no others, and no trace of any before."""
        with write_transaction():
            for table in (Mute, Assignment, Assistant, ClonedVoice, FormerProviderVoiceRef, SharedProviderVoiceRef):
                db.session.execute(delete(table))
        self.things = [replace(thing, ref=ObjectRef(thing.kind, number)) for number, thing in enumerate(things, 1)]
        voices = [thing for thing in self.things if thing.kind is VOICE]
        assistants = [thing for thing in self.things if thing.kind is ASSISTANT]
        owned = [thing for thing in self.things if thing.assignee is not None and not thing.gone]
        with write_transaction():
            rows = [(voice_row(id=voice.ref.id, **voice.fields), self.homes[voice.home]) for voice in voices]
            put(upsert_statement(ClonedVoice), [build_voice_columns(row, home) for row, home in rows])
            put(insert(Assistant), [self._assistant(thing) for thing in assistants])
            put(
                insert(Assignment),
                [
                    {"account_id": self.people[thing.assignee or 0], **key_of(thing.ref, self.homes[thing.home])}
                    for thing in owned
                ],
            )
            archived = [thing.ref.id for thing in voices if thing.here]
            db.session.execute(
                update(ClonedVoice)
                .where(ClonedVoice.id.in_(archived))
                .values(upstream_status=ClonedVoice.status, status=ARCHIVED, archived_at=NOW - HOUR)
            )
            gone = [thing.ref.id for thing in voices if thing.gone]
            db.session.execute(delete(ClonedVoice).where(ClonedVoice.id.in_(gone)))
        self._hush()

    def _assistant(self, thing: AuditTarget) -> dict[str, Any]:
        name = f"Desk {thing.ref.id}"
        given = {"id": thing.ref.id, "organization_id": self.homes[thing.home], "name": name}
        return given | {"name_key": build_name_key(name), **thing.fields}

    def _hush(self) -> None:
        found = find_findings([thing.ref for thing in self.things], LIMITS, now=NOW)
        with write_transaction():
            for thing in self.things:
                for finding in found[thing.ref]:
                    if finding.reason in thing.muted:
                        right, until = thing.muted[finding.reason]
                        fingerprint = finding.fingerprint if right else finding.fingerprint + "?"
                        mute(finding, fingerprint=fingerprint, until=until)

    def scope(self, numbers: Sequence[int] | None) -> Scope:
        return EVERYTHING if numbers is None else Scope(frozenset(self.homes[number] for number in numbers))

    def filters(self, filters: QueueFilters) -> QueueFilters:
        """Filters with ids where those drawn have numbers."""
        organizations = {None: None, 2: 999_999} | dict(enumerate(self.homes))
        assignee = str(self.people[int(filters.assignee)]) if filters.assignee.isdigit() else filters.assignee
        return replace(filters, organization=organizations[filters.organization], assignee=assignee)

    # In plain Python

    def reasons(self, thing: AuditTarget) -> dict[str, datetime]:
        """The reasons of a thing, each with its beginning."""
        if thing.gone:
            return {}
        there = [other for other in self.things if other.kind is VOICE and other.place == thing.place]
        here = [other for other in there if not other.gone]
        if thing.kind is ASSISTANT:
            if not thing.fields["tts_voice_id"] or not there or any(voice.status is READY for voice in here):
                return {}
            begun = [NOW - HOUR if voice.here else voice.fields["created_at"] for voice in here]
            return {"assistant-unready": max(begun, default=LONG_BEFORE)}
        fields, status, made = thing.fields, thing.status, thing.fields["created_at"]
        used, number, score = fields["last_used_at"], fields["synthesis_count"], fields["quality_score"]
        others = [voice for voice in here if voice is not thing and voice.status is not ARCHIVED]
        budget = timedelta(minutes=10 if fields["provider"] == "elevenlabs" else 60)
        old = made <= NOW - 14 * DAY
        found = {
            "failed": (status is FAILED, made),
            "stuck": (status is PROCESSING and made <= NOW - budget, made),
            "poor": (score is not None and score < 0.7 and number > 0 and status is not ARCHIVED, made),
            "duplicate": (bool(fields["provider_voice_id"] and others) and status is not ARCHIVED, made),
            "unused": (status is READY and old and used is not None and used <= NOW - 60 * DAY, used),
            "never-used": (status is READY and old and used is None and number == 0, made),
        }
        return {word: since for word, (holds, since) in found.items() if holds}

    def shown(self, thing: AuditTarget, *, muted: bool = False) -> dict[str, datetime]:
        """Those that were not muted, or those that were."""

        def silent(word: str) -> bool:
            right, until = thing.muted.get(word, (False, None))
            return right and (until is None or until > NOW)

        return {word: since for word, since in self.reasons(thing).items() if silent(word) is muted}

    def matches(self, thing: AuditTarget, scope: Sequence[int] | None, filters: QueueFilters) -> bool:
        """Whether it is where the filters say and somebody's whom they name."""
        return (
            (scope is None or thing.home in scope)
            and filters.organization in (None, thing.home)
            and (not filters.providers or thing.place[1] in filters.providers)
            and filters.assignee in ("", "none" if thing.assignee is None else str(thing.assignee))
        )

    def queue(self, scope: Sequence[int] | None, filters: QueueFilters) -> list[ObjectRef]:
        found = []
        for thing in self.things:
            shown = {
                RULES_BY_SLUG[word].rank: since
                for word, since in self.shown(thing, muted=filters.muted).items()
                if not filters.reasons or word in filters.reasons
            }
            if shown and self.matches(thing, scope, filters):
                rank = min(shown)
                found.append((rank, shown[rank], thing.ref.id, thing.ref))
        return [ref for *_, ref in sorted(found)]

    def numbers(self, scope: Sequence[int] | None, filters: QueueFilters) -> dict[str, int]:
        things = [thing for thing in self.things if self.matches(thing, scope, filters)]
        numbers = Counter(word for thing in things for word in self.shown(thing, muted=filters.muted))
        return {word: numbers[word] for word in WORDS}

    def summary(self, scope: Sequence[int] | None) -> AttentionSummary:
        things = [thing for thing in self.things if scope is None or thing.home in scope]
        begun = {
            word: min((shown[word] for thing in things if word in (shown := self.shown(thing))), default=LONG_BEFORE)
            for word in WORDS
        }
        return AttentionSummary(
            self.numbers(scope, QueueFilters()),
            {word: None if since == LONG_BEFORE else since for word, since in begun.items()},
            sum(1 for thing in things if self.shown(thing)),
        )


def put(statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(statement, rows)


def key_of(ref: ObjectRef, organization_id: int) -> dict[str, Any]:
    return {"object_kind": ref.kind.value, "object_id": ref.id, "organization_id": organization_id}


def mute(finding: Finding, **fields: Any) -> None:
    """Acknowledge a reason, inside a transaction."""
    key = key_of(finding.ref, finding.organization_id)
    values = {
        "fingerprint": finding.fingerprint,
        "kind": TriageAction.ACKNOWLEDGE.value,
        "until": None,
        "muted_at": NOW,
        "muted_by": "tester",
    }
    db.session.execute(insert(Mute).values({**key, "reason": finding.reason, **values, **fields}))


@pytest.fixture
def world(store: Flask) -> World:
    return World()


@contextmanager
def looking(few: int) -> Iterator[None]:
    """Look through the voices of a scope one by one if they are so few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice_queries, "SMALL_SCOPE", few)
        yield


FEW = st.sampled_from([0, voice_queries.SMALL_SCOPE])
# To fill a world takes long.
TRIED = settings(IN_DATABASE, max_examples=min(300, settings().max_examples))


def pages(scope: Scope, filters: QueueFilters) -> Iterator[list[ObjectRef]]:
    """Every page of a queue, each found by the address that the one before it gave."""
    after: QueueCursor | None = None
    while True:
        queue = list_queue(scope, replace(filters, after=after), LIMITS, now=NOW)
        yield [line.ref for line in queue.items]
        if queue.next is None:
            return
        after = QueueCursor.parse(str(queue.next))
        assert after == queue.next


@TRIED
@given(things=THINGS, scope=SCOPES, drawn=FILTERS, few=FEW)
def test_the_queue_is_what_plain_python_finds(
    world: World, things: list[AuditTarget], scope: tuple[int, ...] | None, drawn: QueueFilters, few: int
) -> None:
    world.fill(things)
    seen, filters = world.scope(scope), world.filters(drawn)
    expected = world.queue(scope, drawn)

    with looking(few):
        found = list(pages(seen, filters))

    assert [ref for page in found for ref in page] == expected
    assert all(len(page) == filters.size for page in found[:-1])
    assert list_queue_refs(seen, filters, LIMITS, now=NOW, limit=100) == expected
    assert list_queue_refs(seen, filters, LIMITS, now=NOW, limit=2) == expected[:2]


@TRIED
@given(things=THINGS, scope=SCOPES, drawn=FILTERS, few=FEW)
def test_the_reasons_are_as_many_as_plain_python_counts(
    world: World, things: list[AuditTarget], scope: tuple[int, ...] | None, drawn: QueueFilters, few: int
) -> None:
    world.fill(things)

    with looking(few):
        found = count_reasons(world.scope(scope), world.filters(drawn), LIMITS, now=NOW)

    assert list(found.items()) == list(world.numbers(scope, drawn).items())


@TRIED
@given(things=THINGS, scope=SCOPES, few=FEW)
def test_the_figures_are_what_plain_python_counts(
    world: World, things: list[AuditTarget], scope: tuple[int, ...] | None, few: int
) -> None:
    world.fill(things)
    seen, expected = world.scope(scope), world.summary(scope)

    with looking(few):
        assert summarize(seen, LIMITS, now=NOW) == expected
    assert count_queue(seen, LIMITS, now=NOW) == len(world.queue(scope, QueueFilters())) == expected.object_count
    assert count_queue(seen, LIMITS, now=NOW, limit=3) == min(3, expected.object_count)


@TRIED
@given(things=THINGS)
def test_the_reasons_of_things_are_what_plain_python_finds(world: World, things: list[AuditTarget]) -> None:
    world.fill(things)

    found = find_findings([thing.ref for thing in world.things], LIMITS, now=NOW)

    for thing in world.things:
        expected = {word: None if since == LONG_BEFORE else since for word, since in world.reasons(thing).items()}
        assert {finding.reason: finding.since for finding in found[thing.ref]} == expected
        assert [finding.reason for finding in found[thing.ref]] == [word for word in WORDS if word in expected]
        for finding in found[thing.ref]:
            assert (finding.organization_id, finding.provider) == (world.homes[thing.home], thing.place[1])


# What plain Python does not tell


@pytest.fixture
def acme(store: Flask) -> Organization:
    return make_organization("Acme")


def waiting(**filters: Any) -> list[tuple[ObjectRef, list[str]]]:
    """The queue of all: each thing with those of its reasons that nobody muted."""
    lines = list_queue(EVERYTHING, QueueFilters(**filters), LIMITS, now=NOW).items
    return [(line.ref, [why.finding.reason for why in line.reasons if why.mute is None]) for line in lines]


_keys = count()


def acknowledge(*refs: ObjectRef, until: datetime | None = None) -> None:
    action = TriageAction.ACKNOWLEDGE if until is None else TriageAction.SNOOZE
    apply_action(
        EVERYTHING, ActionRequest(action, refs, f"mute {next(_keys)}", 0, until=until), LIMITS, by=SHELL, now=NOW
    )


def tell(voice: VoiceRow, organization: Organization, **fields: Any) -> None:
    """Let upstream tell of a voice anew."""
    row = build_voice_columns(voice._replace(**fields), organization.id) | {"upstream_changed_at": NOW - HOUR}
    with write_transaction():
        db.session.execute(upsert_statement(ClonedVoice), [row])


def of(thing: VoiceRow | Assistant) -> ObjectRef:
    return ObjectRef(ASSISTANT if isinstance(thing, Assistant) else VOICE, thing.id)


POOR = {"quality_score": 0.5, "synthesis_count": 1, "last_used_at": NOW, "created_at": NOW - DAY}
USED = {"synthesis_count": 1, "created_at": NOW - 90 * DAY}


@pytest.mark.parametrize(
    ("reason", "voice", "same", "between", "anew"),
    [
        ("failed", {"status": FAILED}, {"name": "Another"}, {"status": READY, "synthesis_count": 1}, {}),
        (
            "stuck",
            {"status": PROCESSING},
            {"name": "Another"},
            {"status": READY, "synthesis_count": 1},
            {"status": PROCESSING},
        ),
        ("poor", POOR, {"synthesis_count": 2}, {"quality_score": 0.9}, {"quality_score": 0.6}),
        (
            "unused",
            {**USED, "last_used_at": NOW - 80 * DAY},
            {"synthesis_count": 2},
            {"last_used_at": NOW},
            {"last_used_at": NOW - 70 * DAY},
        ),
    ],
)
def test_what_was_acknowledged_comes_back_when_its_reason_does(
    acme: Organization,
    reason: str,
    voice: dict[str, Any],
    same: dict[str, Any],
    between: dict[str, Any],
    anew: dict[str, Any],
) -> None:
    row = make_voice(acme, **voice)
    assert waiting() == [(of(row), [reason])]

    acknowledge(of(row))
    assert waiting() == []
    assert waiting(muted=True) == [(of(row), [])]
    tell(row, acme, **same)
    assert waiting() == []
    tell(row, acme, **between)
    assert (waiting(), waiting(muted=True)) == ([], [])
    tell(row, acme, **anew)
    assert waiting() == [(of(row), [reason])]
    assert waiting(muted=True) == []


def test_an_acknowledged_assistant_comes_back_when_its_voice_is_lost_anew_or_is_another(acme: Organization) -> None:
    make_voice(acme, provider_voice_id="other", status=ARCHIVED, created_at=NOW - DAY)
    voice = make_voice(acme, provider_voice_id="pv", status=ARCHIVED, created_at=NOW - DAY)
    desk = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="pv")
    alarm = [(of(desk), ["assistant-unready"])]

    acknowledge(of(desk))
    tell(voice, acme, name="Another")
    assert waiting() == []
    tell(voice, acme, status=READY)
    assert (waiting(), waiting(muted=True)) == ([], [])
    tell(voice, acme, status=ARCHIVED)
    assert waiting() == alarm
    acknowledge(of(desk))
    assert waiting() == []
    with write_transaction():
        db.session.execute(update(Assistant).values(tts_voice_id="other"))
    assert waiting() == alarm
    acknowledge(of(desk))
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.provider_voice_id == "other"))
    assert waiting() == alarm
    acknowledge(of(desk))
    assert waiting() == []


def test_acknowledged_duplicates_come_back_when_there_is_another(acme: Organization) -> None:
    first, second = (make_voice(acme, provider_voice_id="x", created_at=NOW) for _ in range(2))
    acknowledge(of(first), of(second))
    assert waiting() == []

    third = make_voice(acme, provider_voice_id="x", created_at=NOW)

    assert waiting() == [(of(voice), ["duplicate"]) for voice in (first, second, third)]


def test_a_snoozed_reason_comes_back_when_its_day_is_there(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED)
    acknowledge(of(voice), until=NOW + DAY)

    times = [NOW, NOW + DAY - timedelta(microseconds=1), NOW + DAY]
    assert [count_queue(EVERYTHING, LIMITS, now=time) for time in times] == [0, 0, 1]
    assert [summarize(EVERYTHING, LIMITS, now=time).counts["failed"] for time in times] == [0, 0, 1]


def test_a_reason_that_comes_later_shows_though_a_worse_one_was_acknowledged(acme: Organization) -> None:
    voice = make_voice(acme, provider_voice_id="x", status=FAILED, created_at=NOW - DAY)
    acknowledge(of(voice))
    assert waiting() == []

    twin = make_voice(acme, provider_voice_id="x", created_at=NOW)

    assert waiting() == [(of(voice), ["duplicate"]), (of(twin), ["duplicate"])]
    assert waiting(muted=True) == [(of(voice), ["duplicate"])]
    assert count_queue(EVERYTHING, LIMITS, now=NOW) == 2
    (line,) = list_queue_items([of(voice)], LIMITS, now=NOW)
    assert [(why.finding.reason, why.mute is None) for why in line.reasons] == [("failed", False), ("duplicate", True)]
    assert line.worst_reason == line.reasons[1]
    assert build_item_record(line)["reason"] == "duplicate"


def test_a_line_says_who_acknowledged_it_and_until_when(acme: Organization) -> None:
    voice = make_voice(acme, status=FAILED)
    acknowledge(of(voice), until=NOW + DAY)

    (line,) = list_queue(EVERYTHING, QueueFilters(muted=True), LIMITS, now=NOW).items

    (why,) = line.reasons
    assert why.mute is not None
    assert (why.mute.action, why.mute.until, why.mute.muted_at, why.mute.muted_by) == (
        TriageAction.SNOOZE,
        NOW + DAY,
        NOW,
        "tester",
    )
    assert line.worst_reason == why
    (later,) = list_queue_items([of(voice)], LIMITS, now=NOW + DAY)
    assert later.reasons[0].mute is None


def test_a_line_has_its_voice_its_organization_and_its_owner(acme: Organization) -> None:
    ada = make_account("ada@example.com", platform=True)
    voice = make_voice(acme, provider_voice_id="pv", status=FAILED)
    desk = make_assistant(acme, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv")
    make_assistant(acme, id=voice.id, name="Its number is that of the voice")
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.ASSIGN, (of(voice),), "k", 0, assignee_id=ada.id),
        LIMITS,
        by=SHELL,
        now=NOW,
    )

    first, second = list_queue(EVERYTHING, QueueFilters(), LIMITS, now=NOW).items

    assert (first.ref, first.organization_name, first.assignee, first.voice) == (of(desk), "Acme", None, voice)
    assert first.assistant is not None
    assert first.assistant.name == "Front desk"
    assert (second.ref, second.assistant, second.voice) == (of(voice), None, voice)
    assert second.assignee == (ada.id, "ada@example.com")


def test_what_is_gone_has_no_line_and_no_reason(acme: Organization) -> None:
    gone = [ObjectRef(VOICE, 999), ObjectRef(ASSISTANT, 999)]

    assert list(list_queue_items(gone, LIMITS, now=NOW)) == []
    assert find_findings(gone, LIMITS, now=NOW) == {ref: [] for ref in gone}
    assert find_findings([], LIMITS, now=NOW) == {}


def test_things_are_counted_up_to_a_hundred(acme: Organization) -> None:
    for number, told in ((COUNT_LIMIT - 1, COUNT_LIMIT - 1), (1, COUNT_LIMIT), (40, COUNT_LIMIT)):
        put_voices(acme, [voice_row(status=FAILED, provider_voice_id="") for _ in range(number)])
        summary = summarize(EVERYTHING, LIMITS, now=NOW)
        assert summary.object_count == told
    assert summary.counts == dict.fromkeys(WORDS, 0) | {"failed": COUNT_LIMIT + 40}


def test_nobody_who_sees_nothing_has_a_queue(acme: Organization) -> None:
    make_voice(acme, status=FAILED)

    assert list_queue(NOTHING, QueueFilters(), LIMITS, now=NOW).items == []
    assert summarize(NOTHING, LIMITS, now=NOW) == AttentionSummary(dict.fromkeys(WORDS, 0), dict.fromkeys(WORDS), 0)


# As a file


@pytest.fixture
def hostile(acme: Organization) -> list[str]:
    """The names of failed voices, as hostile as can be, in the order of the queue."""
    put_voices(
        acme,
        [
            voice_row(name=name, status=FAILED, created_at=NOW - DAY + number * MINUTE, provider="=cmd")
            for number, name in enumerate(HOSTILE)
        ],
    )
    return HOSTILE


def written(format: ExportFormat, **filters: Any) -> str:
    return "".join(export_queue(EVERYTHING, QueueFilters(**filters), LIMITS, format, now=NOW))


def test_the_json_of_a_queue_has_all_of_it_in_its_order(hostile: list[str]) -> None:
    records = json.loads(written(ExportFormat.JSON))

    assert [record["name"] for record in records] == hostile
    assert [list(record) for record in records] == [list(FIELDS)] * len(hostile)
    assert [json.loads(line) for line in written(ExportFormat.NDJSON).split("\n") if line] == records
    first = records[0]
    assert first["reasons"] == [
        {
            "reason": "failed",
            "severity": "high",
            "since": "2026-11-21T14:00:00Z",
            "evidence": "Cloning failed at =cmd yesterday.",
            "remedy": "Clone the voice again with better samples, or archive it.",
        }
    ]
    assert {**first, "id": 0, "organization_id": 0, "voice_id": 0, "reasons": 0} == {
        "kind": "voice",
        "id": 0,
        "name": "",
        "organization_id": 0,
        "organization": "Acme",
        "provider": "=cmd",
        "voice_id": 0,
        "voice_name": "",
        "voice_status": "failed",
        "reason": "failed",
        "severity": "high",
        "since": "2026-11-21T14:00:00Z",
        "assignee": None,
        "reasons": 0,
    }


def test_no_text_of_the_csv_of_a_queue_is_a_formula(hostile: list[str]) -> None:
    head, *rows = csv.reader(io.StringIO(written(ExportFormat.CSV), newline=""))

    assert head == list(FIELDS)
    assert [row[head.index("name")] for row in rows] == [escape_formula(name) for name in hostile]
    assert {row[head.index("provider")] for row in rows} == {"'=cmd"}
    assert all(json.loads(row[head.index("reasons")])[0]["reason"] == "failed" for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]


def test_an_assistant_without_its_voice_is_a_record_too(acme: Organization) -> None:
    voice = make_voice(acme, provider_voice_id="pv")
    desk = make_assistant(acme, name="Front desk", tts_provider="elevenlabs", tts_voice_id="pv")
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == voice.id))

    (record,) = json.loads(written(ExportFormat.JSON))

    assert (record["kind"], record["id"], record["name"], record["provider"]) == (
        *("assistant", desk.id, "Front desk", "elevenlabs"),
    )
    assert (record["voice_id"], record["voice_name"], record["voice_status"], record["since"]) == (None,) * 4
    assert record["severity"] == "critical"


def test_a_file_holds_what_its_filters_match_wherever_a_page_of_them_began(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 3)
    ids = [make_voice(acme, status=FAILED).id for _ in range(7)]
    make_voice(acme)
    place = list_queue(EVERYTHING, QueueFilters(size=2), LIMITS, now=NOW).next

    records = json.loads(written(ExportFormat.JSON, reasons=("failed",), after=place, size=2))

    assert [record["id"] for record in records] == ids
    assert json.loads(written(ExportFormat.JSON, reasons=("stuck",))) == []


# What it costs


@contextmanager
def listening() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are run meanwhile, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        if not args[2].startswith("BEGIN"):
            seen.append((args[2], args[3]))

    engine = db.engine
    db.session.rollback()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def crowd(organization: Organization, number: int) -> None:
    """So many of each reason, each at something that has no other."""
    old = {"created_at": NOW - 90 * DAY}
    kinds: list[dict[str, Any]] = [
        {"status": FAILED},
        {"status": PROCESSING, **old},
        POOR,
        {**USED, "last_used_at": NOW - 70 * DAY},
        old,
        {"status": ARCHIVED, "provider_voice_id": "pv"},
    ]
    put_voices(organization, [voice_row(**kind) for kind, _ in product(kinds, range(number))])
    pairs = [f"twin{place // 2}" for place in range(2 * number)]
    put_voices(organization, [voice_row(provider_voice_id=place, created_at=NOW) for place in pairs])
    for _ in range(number):
        make_assistant(organization, tts_provider="elevenlabs", tts_voice_id="pv")


@pytest.mark.parametrize(("scope", "more"), [(None, 0), (0, 1)], ids=["of all", "of one"])
def test_ten_lines_and_two_hundred_take_as_many_statements(acme: Organization, scope: int | None, more: int) -> None:
    seen_by = EVERYTHING if scope is None else Scope(frozenset({acme.id}))
    asked: dict[str, Callable[[], Any]] = {
        "queue": lambda: list_queue(seen_by, QueueFilters(size=500), LIMITS, now=NOW),
        "count": lambda: count_queue(seen_by, LIMITS, now=NOW, limit=500),
        "summary": lambda: summarize(seen_by, LIMITS, now=NOW),
        "reasons": lambda: find_findings([ObjectRef(VOICE, 1), ObjectRef(ASSISTANT, 1)], LIMITS, now=NOW),
    }
    numbers = []
    for size in (1, 24):
        crowd(acme, size)
        found = {}
        for name, ask in asked.items():
            with listening() as seen:
                ask()
            found[name] = len(seen)
        numbers.append(found)
    lines = list_queue(seen_by, QueueFilters(size=500), LIMITS, now=NOW).items

    assert len(lines) == 8 * 25
    # One for each rule, then the things, whose voices, organizations, assignees, mutes and reasons are looked up.
    assert (
        numbers
        == [
            {"queue": len(RULES) + 8 + more, "count": 1 + more, "summary": 3 + 3 * more, "reasons": 2},
        ]
        * 2
    )


def plans(statements: Sequence[tuple[str, Any]]) -> list[str]:
    """How SQLite goes about them."""
    driver: Any = db.session.connection().connection.driver_connection
    return [row[3] for sql, values in statements for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


INDEXES = {
    "failed": "ix_queue_failed",
    "stuck": "ix_queue_stuck",
    "poor": "ix_queue_poor",
    "unused": "ix_queue_unused",
    "never-used": "ix_queue_never",
}


def test_sqlite_reads_each_rule_by_its_index_and_no_other_voice(sqlite_store: Flask) -> None:
    crowd(make_organization(), 3)
    for asked in (
        lambda: count_queue(EVERYTHING, LIMITS, now=NOW),
        lambda: summarize(EVERYTHING, LIMITS, now=NOW),
        lambda: list_queue_refs(EVERYTHING, QueueFilters(), LIMITS, now=NOW, limit=100),
    ):
        with listening() as seen:
            asked()
        found = plans(seen)
        for index in INDEXES.values():
            assert [step for step in found if re.fullmatch(rf"(SCAN|SEARCH) voice USING .*INDEX {index}\b.*", step)]
        scans = {step for step in found if step.startswith(("SCAN voice", "SCAN cloned_voice", "SCAN twin"))}
        assert not [step for step in scans if step.rpartition(" ")[2] not in INDEXES.values()]
        assert not [step for step in found if step.endswith("(organization_id=?)")]  # all voices of an organization


@pytest.mark.parametrize("reason", INDEXES)
def test_sqlite_finds_a_page_of_a_reason_in_the_order_of_its_index(sqlite_store: Flask, reason: str) -> None:
    crowd(make_organization(), 3)

    with listening() as seen:
        list_queue_refs(EVERYTHING, QueueFilters(reasons=(reason,)), LIMITS, now=NOW, limit=100)

    found = plans(seen)
    assert INDEXES[reason] in found[0]
    assert not [step for step in found if "TEMP B-TREE" in step]
