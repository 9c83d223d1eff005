"""The findings about sources: their sentences, and when an acknowledged one returns."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import NOW
from tests.factories import DAY, LONG_AGO, make_organization
from tests.source_rows import WITHHELD, make_source
from tests.triage.queries.model import HOUR, THRESHOLDS
from tests.triage.queries.scenario import acknowledge, list_open_reasons
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.breaker import WITHHELD as DOUBT
from voiceadmin.sources.models import SlotUse, Source
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters

FAILING = {"failing_since": NOW - HOUR, "failure": "The key is not valid.\nSecond message"}
OLD = {"read_at": NOW - 3 * DAY}
NEVER = {"read_at": None, "created_at": NOW - 4 * DAY}
ORPHANS = {"orphan_count": 1204, "orphans_since": NOW - 5 * DAY, "read_at": NOW - HOUR}


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization()


def ref_of(source_id: int) -> ObjectRef:
    return ObjectRef(ObjectKind.SOURCE, source_id)


def change(source_id: int, table: type[Source | SlotUse] = Source, **fields: Any) -> None:
    key = Source.id if table is Source else SlotUse.source_id
    with write_transaction():
        db.session.execute(update(table).where(key == source_id).values(fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param(
            FAILING | {"read_at": NOW - 2 * HOUR},
            "Last read as a whole 2 h ago: its voices have no current verdict. The key is not valid.",
            id="failing",
        ),
        pytest.param(
            FAILING | {"read_at": NOW - 2 * HOUR, "kind": "burki"},
            "Last read as a whole 2 h ago: its voices may have changed since. The key is not valid.",
            id="failing platform",
        ),
        pytest.param(
            OLD,
            "Last read as a whole 3 days ago: its voices have no current verdict. No sync has ended since then.",
            id="old",
        ),
        pytest.param(
            NEVER,
            "Added 4 days ago, never read as a whole: its voices have no current verdict. "
            "No sync has ended since then.",
            id="never read",
        ),
        pytest.param(
            {"account_changed_at": NOW},
            "The key belongs to another account than before. Nothing is concluded from its lists.",
            id="account",
        ),
        pytest.param(
            {"failing_since": NOW, "failure": f"5 voices of 9 listed before: {DOUBT}", "withheld": WITHHELD},
            "Missing at once: 5 voices of 9 listed before. A person must decide whether to believe the list.",
            id="withheld",
        ),
        pytest.param(
            {"nearly_full_since": NOW},
            "Instant voices: 29 of 30 slots are used, told by ElevenLabs just now.",
            id="slots",
        ),
        pytest.param(ORPHANS, "1,204 voices that no organization names take slots, as of 1 h ago.", id="orphans"),
        pytest.param(
            ORPHANS | {"orphan_count": 1},
            "1 voice that no organization names takes a slot, as of 1 h ago.",
            id="orphan",
        ),
    ],
)
def test_a_finding_says_what_is_known_and_since_when(acme: Organization, fields: Any, sentence: str) -> None:
    source_id = make_source(acme, **fields)

    (item,) = list_queue_items([ref_of(source_id)], THRESHOLDS, now=NOW)

    assert [reason.evidence for reason in item.reasons] == [sentence]


def test_counted_slots_say_so(acme: Organization) -> None:
    source_id = make_source(acme, nearly_full_since=NOW)
    change(source_id, SlotUse, is_counted=True, read_at=NOW - DAY)

    (item,) = list_queue_items([ref_of(source_id)], THRESHOLDS, now=NOW)

    assert item.reasons[0].evidence.endswith("counted from the lists yesterday.")


@pytest.mark.parametrize(
    ("reason", "fields", "same", "another"),
    [
        ("account-changed", {"account_changed_at": NOW}, {"name": "Other"}, {"account_changed_at": NOW - HOUR}),
        ("source-failing", FAILING, {"failure": "Another message"}, {"failing_since": NOW}),
        ("source-failing", OLD, {"name": "Other"}, FAILING),
        ("source-failing", NEVER, {"name": "Other"}, OLD),
        ("list-withheld", FAILING | {"withheld": WITHHELD}, {"failure": "Other"}, {"failing_since": NOW}),
        ("orphans", ORPHANS, {"read_at": NOW}, {"orphan_count": 1205}),
    ],
    ids=["account", "failing", "old", "never read", "withheld", "orphans"],
)
def test_an_acknowledged_source_returns_when_it_occurs_again(
    acme: Organization, reason: str, fields: Any, same: dict[str, Any], another: dict[str, Any]
) -> None:
    source_id = make_source(acme, **fields)
    found = [(ref_of(source_id), [reason])]
    assert list_open_reasons() == found

    acknowledge(ref_of(source_id))
    assert list_open_reasons() == []
    change(source_id, **same)
    assert list_open_reasons() == []

    change(source_id, **another)
    assert list_open_reasons() == found


def test_a_source_is_found_two_days_after_its_lists_were_read(acme: Organization) -> None:
    source_id = make_source(acme, read_at=NOW - 2 * DAY)
    assert list_open_reasons() == []

    change(source_id, read_at=None, created_at=LONG_AGO)

    assert list_open_reasons() == [(ref_of(source_id), ["source-failing"])]


def test_another_account_is_the_only_reason_and_a_disabled_source_has_none(acme: Organization) -> None:
    everything = FAILING | ORPHANS | {"nearly_full_since": NOW}
    source_id = make_source(acme, **everything)
    assert list_open_reasons() == [(ref_of(source_id), ["source-failing", "slots-nearly-full", "orphans"])]

    change(source_id, account_changed_at=NOW)
    assert list_open_reasons() == [(ref_of(source_id), ["account-changed"])]
    change(source_id, disabled_at=NOW)
    assert list_open_reasons() == []


def test_a_list_is_withheld_only_if_it_lacks_voices(acme: Organization) -> None:
    without, withheld = (make_source(acme, withheld=text, **FAILING) for text in ("{}", WITHHELD))

    assert list_open_reasons() == [(ref_of(without), ["source-failing"]), (ref_of(withheld), ["list-withheld"])]


def test_the_providers_of_sources_are_filters_and_platforms_are_none(acme: Organization) -> None:
    make_source(acme, kind="burki", **FAILING)
    cartesia = make_source(None, kind="cartesia", **FAILING)

    queue = list_queue(EVERYTHING, QueueFilters(providers=("cartesia", "burki")), THRESHOLDS, now=NOW)

    assert [item.ref for item in queue.items] == [ref_of(cartesia)]
