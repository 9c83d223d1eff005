"""The triage queue in plain Python, and strategies for its items, scopes and filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from tests.conftest import NOW
from tests.factories import DAY, connect_provider, make_account, make_organization, put_verdicts, voice_row
from tests.source_rows import WITHHELD, add_source
from tests.strategies import IN_DATABASE
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.models import Source
from voiceadmin.text import build_name_key
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.types import AttentionSummary, Finding, QueueFilters, TriageAction
from voiceadmin.voices import queries as voice_queries
from voiceadmin.voices.models import ClonedVoice, FormerProviderVoiceRef, SharedProviderVoiceRef, VoiceVerdict
from voiceadmin.voices.queries import build_voice_columns
from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
VOICE, ASSISTANT, SOURCE = ObjectKind.VOICE, ObjectKind.ASSISTANT, ObjectKind.SOURCE
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
THRESHOLDS = AttentionThresholds()
SLUGS = [rule.slug for rule in RULES]
LONG_BEFORE = datetime.min.replace(tzinfo=NOW.tzinfo)


@dataclass
class ModelItem:
    """A voice, an assistant or a source to create.

    Attributes:
        organization: the index of an organization; None for the platform, which only sources have.
        assignee: the index of an account.
        muted: by reason, whether the fingerprint matches, and when the mute ends.
        archived_here: whether the voice is archived locally.
        verdict: what is stored of the voice, and whether it is still valid; None if nothing is.
        gone: whether the voice is deleted after it was created.
    """

    kind: ObjectKind
    organization: int | None
    assignee: int | None
    muted: Mapping[str, tuple[bool, datetime | None]]
    fields: Mapping[str, Any]
    archived_here: bool = False
    verdict: tuple[str, bool] | None = None
    gone: bool = False
    ref: ObjectRef = field(default=ObjectRef(VOICE, 0))

    @property
    def reference(self) -> tuple[int | None, str | None, str | None]:
        if self.kind is SOURCE:
            return self.organization, self.fields["kind"].replace("burki", ""), None
        names = ("provider", "provider_voice_id") if self.kind is VOICE else ("tts_provider", "tts_voice_id")
        provider, voice_id = (self.fields[name] for name in names)
        return self.organization, provider, voice_id

    @property
    def status(self) -> VoiceStatus:
        status: VoiceStatus = ARCHIVED if self.archived_here else self.fields["status"]
        return status


PROVIDERS = ("elevenlabs", "playht")
MUTES = st.dictionaries(
    st.sampled_from(SLUGS),
    st.tuples(st.sampled_from([True, True, False]), st.sampled_from([None, NOW + DAY, NOW, NOW - DAY])),
    max_size=4,
)
COMMON: dict[str, Any] = {
    "organization": st.sampled_from([0, 0, 1]),
    "assignee": st.sampled_from([None, 0, 1]),
    "muted": MUTES,
}
ITEMS = st.lists(
    st.builds(
        ModelItem,
        kind=st.just(VOICE),
        archived_here=st.sampled_from([False, False, True]),
        verdict=st.none() | st.tuples(st.sampled_from(["missing", "broken", "in-step"]), st.booleans()),
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
        ModelItem,
        kind=st.just(ASSISTANT),
        fields=st.fixed_dictionaries(
            {
                "tts_provider": st.sampled_from([*PROVIDERS, None]),
                "tts_voice_id": st.sampled_from(["x", "y", "z", "", None]),
                "is_voice_spoken": st.sampled_from([True, True, False]),
            }
        ),
        **COMMON,
    )
    | st.builds(
        ModelItem,
        kind=st.just(SOURCE),
        fields=st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["cartesia", "cartesia", "burki"]),
                "disabled_at": st.sampled_from([None, None, None, NOW]),
                "account_changed_at": st.sampled_from([None, None, None, NOW - HOUR]),
                "failing_since": st.sampled_from([None, None, NOW - HOUR, NOW - 3 * DAY]),
                "read_at": st.sampled_from([None, NOW, NOW - 2 * DAY, NOW - 2 * DAY - MINUTE]),
                "created_at": st.sampled_from([NOW - 2 * DAY, NOW - 20 * DAY]),
                "withheld": st.sampled_from(["", "{}", WITHHELD]),
                "nearly_full_since": st.sampled_from([None, NOW - DAY]),
                "orphan_count": st.sampled_from([None, 0, 3]),
                "orphans_since": st.just(NOW - 5 * DAY),
            }
        ),
        **COMMON | {"organization": st.sampled_from([None, 0, 1])},
    ),
    max_size=14,
)
FILTERS = st.builds(
    QueueFilters,
    reasons=st.sampled_from(
        [(), (), *((slug,) for slug in SLUGS), ("never-used", "failed"), ("poor", "duplicate"), ("orphans", "failed")]
    ),
    organization=st.sampled_from([None, None, 0, 1, 2]),  # an index; 2 is an unknown organization
    providers=st.sampled_from([(), (), ("playht",), PROVIDERS, ("cartesia", "elevenlabs"), ("other",)]),
    assignee=st.sampled_from(["", "", "none", "0", "1"]),  # an index
    muted=st.booleans(),
    size=st.integers(1, 4),
)
SCOPES = st.sampled_from([None, None, (), (0,), (1,), (0, 1)])


class QueueModel:
    """Two organizations and two people in the database, with items that each example replaces."""

    def __init__(self) -> None:
        self.organization_ids = [make_organization(name).id for name in ("Acme", "Other")]
        self.people = [make_account().id for _ in range(2)]
        self.items: list[ModelItem] = []

    def fill(self, items: Sequence[ModelItem]) -> None:
        """Replace all items, and delete everything that refers to the previous ones."""
        with write_transaction():
            for table in (
                Mute,
                Assignment,
                Assistant,
                Source,
                ClonedVoice,
                FormerProviderVoiceRef,
                SharedProviderVoiceRef,
            ):
                db.session.execute(delete(table))
        self.items = [replace(item, ref=ObjectRef(item.kind, number)) for number, item in enumerate(items, 1)]
        voices = [item for item in self.items if item.kind is VOICE]
        assistants = [item for item in self.items if item.kind is ASSISTANT]
        owned = [item for item in self.items if item.assignee is not None and not item.gone]
        with write_transaction():
            rows = [
                (voice_row(id=voice.ref.id, **voice.fields), self.organization_ids[voice.organization or 0])
                for voice in voices
            ]
            put(upsert_statement(ClonedVoice), [build_voice_columns(row, organization) for row, organization in rows])
            put(insert(Assistant), [self._assistant(item) for item in assistants])
            for item in self.items:
                if item.kind is SOURCE:
                    add_source(self.owner(item), id=item.ref.id, **item.fields)
            put(
                insert(Assignment),
                [
                    {
                        "account_id": self.people[item.assignee or 0],
                        **key_of(item.ref, self.owner(item)),
                    }
                    for item in owned
                ],
            )
            archived = [item.ref.id for item in voices if item.archived_here]
            db.session.execute(
                update(ClonedVoice)
                .where(ClonedVoice.id.in_(archived))
                .values(upstream_status=ClonedVoice.status, status=ARCHIVED, archived_at=NOW - HOUR)
            )
        self._connect()
        self._judge(voices)
        with write_transaction():
            gone = [item.ref.id for item in voices if item.gone]
            db.session.execute(delete(ClonedVoice).where(ClonedVoice.id.in_(gone)))
        self._mute()

    def _connect(self) -> None:
        """Connect providers whose lists are new, were never read, or are old."""
        connect_provider("elevenlabs", read_at=NOW, id=1001)
        connect_provider("playht", read_at=None, id=1002)
        connect_provider("elevenlabs", read_at=NOW - 3 * DAY, id=1003, organization_id=self.organization_ids[1])

    def _judge(self, voices: Sequence[ModelItem]) -> None:
        put_verdicts({item.ref.id: item.verdict[0] for item in voices if item.verdict}, since=NOW - MINUTE)
        invalid = [item.ref.id for item in voices if item.verdict and not item.verdict[1]]
        with write_transaction():
            db.session.execute(
                update(VoiceVerdict).where(VoiceVerdict.voice_id.in_(invalid)).values(provider_voice_id="former")
            )

    def owner(self, item: ModelItem) -> int | None:
        return None if item.organization is None else self.organization_ids[item.organization]

    def _assistant(self, item: ModelItem) -> dict[str, Any]:
        name = f"Desk {item.ref.id}"
        given = {"id": item.ref.id, "organization_id": self.owner(item), "name": name}
        return given | {"name_key": build_name_key(name), **item.fields}

    def _mute(self) -> None:
        found = find_findings([item.ref for item in self.items], THRESHOLDS, now=NOW)
        with write_transaction():
            for item in self.items:
                for finding in found[item.ref]:
                    if finding.reason in item.muted:
                        right, until = item.muted[finding.reason]
                        fingerprint = finding.fingerprint if right else finding.fingerprint + "?"
                        mute(finding, fingerprint=fingerprint, until=until)

    def scope(self, numbers: Sequence[int] | None) -> Scope:
        return EVERYTHING if numbers is None else Scope(frozenset(self.organization_ids[number] for number in numbers))

    def filters(self, filters: QueueFilters) -> QueueFilters:
        """Return filters with ids in place of indexes."""
        organizations = {None: None, 2: 999_999} | dict(enumerate(self.organization_ids))
        assignee = str(self.people[int(filters.assignee)]) if filters.assignee.isdigit() else filters.assignee
        return replace(filters, organization=organizations[filters.organization], assignee=assignee)

    # Expected results in plain Python

    def reasons(self, item: ModelItem) -> dict[str, datetime]:
        """Return the reasons of an item, each with its start."""
        if item.gone:
            return {}
        if item.kind is SOURCE:
            return reasons_of_source(item.fields)
        with_reference = [other for other in self.items if other.kind is VOICE and other.reference == item.reference]
        present = [other for other in with_reference if not other.gone]
        if item.kind is ASSISTANT:
            if not (item.fields["tts_voice_id"] and item.fields["is_voice_spoken"] and with_reference):
                return {}
            if any(voice.status is READY for voice in present):
                return {}
            starts = [NOW - HOUR if voice.archived_here else voice.fields["created_at"] for voice in present]
            return {"assistant-unready": max(starts, default=LONG_BEFORE)}
        fields, status, made = item.fields, item.status, item.fields["created_at"]
        used, number, score = fields["last_used_at"], fields["synthesis_count"], fields["quality_score"]
        others = [voice for voice in present if voice is not item and voice.status is not ARCHIVED]
        timeout = timedelta(minutes=10 if fields["provider"] == "elevenlabs" else 60)
        old = made <= NOW - 14 * DAY
        is_current = fields["provider"] == "elevenlabs" and item.organization == 0  # see __init__
        verdict, is_valid = item.verdict or ("", False)
        verdict = verdict if is_valid and is_current else ""
        found = {
            "missing": (verdict == "missing", NOW - MINUTE),
            "drifted": (verdict == "broken", NOW - MINUTE),
            "failed": (status is FAILED, made),
            "stuck": (status is PROCESSING and made <= NOW - timeout, made),
            "poor": (score is not None and score < 0.7 and number > 0 and status is not ARCHIVED, made),
            "duplicate": (bool(fields["provider_voice_id"] and others) and status is not ARCHIVED, made),
            "unused": (status is READY and old and used is not None and used <= NOW - 60 * DAY, used),
            "never-used": (status is READY and old and used is None and number == 0, made),
        }
        return {slug: since for slug, (holds, since) in found.items() if holds}

    def shown(self, item: ModelItem, *, muted: bool = False) -> dict[str, datetime]:
        """Return the reasons that are not muted, or those that are."""

        def is_muted(slug: str) -> bool:
            right, until = item.muted.get(slug, (False, None))
            return right and (until is None or until > NOW)

        return {slug: since for slug, since in self.reasons(item).items() if is_muted(slug) is muted}

    def matches(self, item: ModelItem, scope: Sequence[int] | None, filters: QueueFilters) -> bool:
        """Return whether an item is in the scope and matches the filters except the reasons."""
        return (
            (scope is None or item.organization in scope)
            and filters.organization in (None, item.organization)
            and (not filters.providers or item.reference[1] in filters.providers)
            and filters.assignee in ("", "none" if item.assignee is None else str(item.assignee))
        )

    def queue(self, scope: Sequence[int] | None, filters: QueueFilters) -> list[ObjectRef]:
        found = []
        for item in self.items:
            shown = {
                RULES_BY_SLUG[slug].rank: since
                for slug, since in self.shown(item, muted=filters.muted).items()
                if not filters.reasons or slug in filters.reasons
            }
            if shown and self.matches(item, scope, filters):
                rank = min(shown)
                found.append((rank, shown[rank], item.ref.id, item.ref))
        return [ref for *_, ref in sorted(found)]

    def numbers(self, scope: Sequence[int] | None, filters: QueueFilters) -> dict[str, int]:
        items = [item for item in self.items if self.matches(item, scope, filters)]
        numbers = Counter(slug for item in items for slug in self.shown(item, muted=filters.muted))
        return {slug: numbers[slug] for slug in SLUGS}

    def summary(self, scope: Sequence[int] | None) -> AttentionSummary:
        items = [item for item in self.items if scope is None or item.organization in scope]
        starts = {
            slug: min((shown[slug] for item in items if slug in (shown := self.shown(item))), default=LONG_BEFORE)
            for slug in SLUGS
        }
        return AttentionSummary(
            self.numbers(scope, QueueFilters()),
            {slug: None if since == LONG_BEFORE else since for slug, since in starts.items()},
            sum(1 for item in items if self.shown(item)),
        )


def reasons_of_source(fields: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the reasons of a source with these columns, each with its start."""
    if fields["disabled_at"]:
        return {}
    if fields["account_changed_at"]:
        return {"account-changed": fields["account_changed_at"]}
    failing, read = fields["failing_since"], fields["read_at"] or fields["created_at"]
    is_withheld = fields["withheld"] == WITHHELD
    found = {
        "source-failing": (not is_withheld and (failing is not None or read < NOW - 2 * DAY), failing or read),
        "list-withheld": (is_withheld and failing is not None, failing),
        "slots-nearly-full": (fields["nearly_full_since"] is not None, fields["nearly_full_since"]),
        "orphans": (bool(fields["orphan_count"]), fields["orphans_since"]),
    }
    return {slug: since for slug, (holds, since) in found.items() if holds}


def put(statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(statement, rows)


def key_of(ref: ObjectRef, organization_id: int | None) -> dict[str, Any]:
    return {"object_kind": ref.kind.value, "object_id": ref.id, "organization_id": organization_id}


def mute(finding: Finding, **fields: Any) -> None:
    """Insert a mute of a finding. Requires a transaction."""
    key = key_of(finding.ref, finding.organization_id)
    values = {
        "fingerprint": finding.fingerprint,
        "kind": TriageAction.ACKNOWLEDGE.value,
        "until": None,
        "muted_at": NOW,
        "muted_by": "tester",
    }
    db.session.execute(insert(Mute).values({**key, "reason": finding.reason, **values, **fields}))


@contextmanager
def small_scope(limit: int) -> Iterator[None]:
    """Set the number of voices up to which a scope is scanned voice by voice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice_queries, "SMALL_SCOPE", limit)
        yield


SMALL_SCOPES = st.sampled_from([0, voice_queries.SMALL_SCOPE])
# Filling the model is slow.
EXAMPLES = settings(IN_DATABASE, max_examples=min(300, settings().max_examples))
