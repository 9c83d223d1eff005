"""Records that are equal to the stored JSON of their voice are unchanged without being decoded, and no others are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.conftest import NOW
from tests.factories import make_assistant, make_organization, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, STORED_LISTS
from tests.voices.importing.actions.scenario import ASSISTANT_ID, lines, list_stored_voices, outcomes, run_import
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import plain_records, reading
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voices_body
from voiceadmin.voices.types.filters import VoiceQuery
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

VOICES = [voice_row(id=1, name="Ada"), voice_row(id=2, name="Recepción", quality_score=None, last_used_at=None)]


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Create an organization with an assistant and two voices."""
    acme = make_organization("Acme")
    make_assistant(acme, id=ASSISTANT_ID)
    put_voices(acme, VOICES)
    return acme


def export_body(organization: Organization) -> bytes:
    """Return the body of the JSON route."""
    db.session.rollback()
    return build_voices_body(organization.id, VoiceQuery())[1]


def list_revisions() -> Sequence[int]:
    """Return the revisions of all organizations."""
    db.session.rollback()
    return db.session.scalars(select(Organization.revision).order_by(Organization.id)).all()


def to_lines(body: bytes) -> bytes:
    """Return the voices of a body as NDJSON, with a blank after each comma and colon."""
    return lines(json.loads(body)["cloned_voices"])


def to_unescaped_lines(body: bytes) -> bytes:
    """Return the voices of a body as NDJSON without escaped letters."""
    return "\n".join(json.dumps(raw, ensure_ascii=False) for raw in json.loads(body)["cloned_voices"]).encode()


def to_array(body: bytes) -> bytes:
    """Return the voices of a body as they are, in an array over several lines."""
    return body.removeprefix(b'{"success":true,"cloned_voices":').removesuffix(b"}").replace(b"},{", b"},\n  {")


LAYOUTS = pytest.mark.parametrize("layout", [bytes, to_lines, to_unescaped_lines, to_array])


@LAYOUTS
def test_the_same_voices_again_write_nothing(acme: Organization, layout: Any) -> None:
    before = list_revisions()

    report, faults = run_import(layout(export_body(acme)))

    assert (outcomes(report), faults) == ((0, 0, 2, 0), [])
    assert list_stored_voices() == VOICES
    assert list_revisions() == before


@pytest.mark.parametrize("layout", [bytes, to_unescaped_lines, to_array])
def test_the_same_voices_again_are_not_decoded(
    acme: Organization, monkeypatch: pytest.MonkeyPatch, layout: Any
) -> None:
    monkeypatch.delattr(plain_records.PlainRecord, "parse")

    report, _ = run_import(layout(export_body(acme)))

    assert outcomes(report) == (0, 0, 2, 0)


def test_a_repeated_record_is_refused_also_if_it_is_unchanged(acme: Organization) -> None:
    report, faults = run_import(export_body(acme).replace(b"]}", b"," + export_body(acme).split(b"[")[1]))

    assert outcomes(report) == (0, 0, 2, 2)
    assert faults == [
        "Record 3, id: 1 was already used by record 1. Remove one of the two.",
        "Record 4, id: 2 was already used by record 2. Remove one of the two.",
    ]


def test_voices_of_another_organization_are_refused_also_if_they_are_unchanged(acme: Organization) -> None:
    make_assistant(make_organization("Other"), id=32)
    with write_transaction():
        db.session.execute(update(ClonedVoice).values(organization_id=acme.id + 1))

    report, faults = run_import(to_array(build_voices_body(acme.id + 1, VoiceQuery())[1]))  # type: ignore[arg-type]

    assert report.refused == 2
    assert faults[0].startswith("Record 1, id: 1 belongs to a voice of another organization.")


@LAYOUTS
def test_the_shown_status_of_a_voice_that_was_archived_here_becomes_the_upstream_status(
    acme: Organization, layout: Any
) -> None:
    with write_transaction():
        archived = {"status": VoiceStatus.ARCHIVED, "upstream_status": "ready", "archived_at": NOW, "archived_by": "x"}
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id == 1).values(archived))

    report, _ = run_import(layout(export_body(acme)))

    assert outcomes(report) == (0, 1, 1, 0)
    assert db.session.scalar(select(ClonedVoice.upstream_status).where(ClonedVoice.id == 1)) == "archived"


@pytest.mark.parametrize(
    ("stored", "imported"),
    [
        pytest.param({"last_used_at": datetime(1970, 1, 1, tzinfo=UTC)}, {"last_used_at": None}, id="time-zero"),
        pytest.param({"provider": "Eleven Labs"}, {"provider": "elevenlabs"}, id="label"),
    ],
)
@LAYOUTS
def test_what_an_earlier_version_stored_is_corrected(
    acme: Organization, layout: Any, stored: dict[str, Any], imported: dict[str, Any]
) -> None:
    put_voices(acme, [VOICES[0]._replace(**stored)])

    report, _ = run_import(layout(export_body(acme)))

    assert outcomes(report) == (0, 1, 1, 0)
    assert list_stored_voices() == [VOICES[0]._replace(**imported), VOICES[1]]


@LAYOUTS
def test_a_stored_time_in_the_future_is_refused(acme: Organization, layout: Any) -> None:
    future = NOW + timedelta(days=1, microseconds=1)
    put_voices(acme, [VOICES[0]._replace(created_at=future), VOICES[1]._replace(last_used_at=future)])

    _, faults = run_import(layout(export_body(acme)))

    assert [fault.partition(":")[0] for fault in faults] == ["Record 1, created_at", "Record 2, last_used_at"]


def import_without_shortcut(data: bytes) -> tuple[ImportReport, list[str]]:
    """Check the records of a file, and decode each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PLAIN_RECORD", re.compile("(?!)"))
        return run_import(data, dry_run=True)


@IN_DATABASE
@given(
    voices=STORED_LISTS,
    layout=st.sampled_from([bytes, to_lines, to_unescaped_lines, to_array]),
    field=st.sampled_from([None, *FIELDS]),
    value=st.sampled_from([None, "", "x", 0, 1, 1.5, 10**20]),
)
def test_the_outcome_is_the_same_as_if_every_record_was_decoded(
    acme: Organization, voices: list[VoiceRow], layout: Any, field: str | None, value: Any
) -> None:
    assume(voices)  # no lines are no list
    refill(acme, voices)
    data = layout(export_body(acme))
    if field is not None and layout is to_lines:
        data += lines([voice_to_json(voices[0]) | {field: value}])

    assert run_import(data, dry_run=True) == import_without_shortcut(data)
