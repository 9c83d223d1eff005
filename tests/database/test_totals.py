"""The triggers that maintain the totals, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, delete, select, text, update

from tests.conftest import NOW
from tests.database.schema import assert_totals_are_correct
from tests.factories import make_assistant, make_organization, put_voices, voice_row
from tests.strategies import IN_DATABASE
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import OrganizationId
from voiceadmin.organizations.models import Assistant
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns

CHANGED_VALUES: dict[str, list[Any]] = {
    "language": ["en", None, ""],
    "status": ["ready", "failed", "processing"],
    "provider": ["elevenlabs", "resemble", ""],
    "provider_voice_id": ["a", "b", ""],
    "quality_score": [None, 0.5, 0.95],
    "synthesis_count": [0, 1, 2**62],
    "created_at": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
    "recorded_status_changed_at": [None, *(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))],
    "last_used_at": [None, *(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))],
}
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "move", "archive", "archived_at", "assistant", *CHANGED_VALUES]),
        st.integers(1, 5),
        st.integers(0, 2),
    ),
    max_size=12,
)


@IN_DATABASE
@given(WRITES)
def test_triggers_keep_the_statistics_correct_for_every_write(app: Flask, writes: list[tuple[str, int, int]]) -> None:
    """Statements write one voice or many."""
    organizations = [make_organization().id for _ in range(2)]
    with write_transaction():
        db.session.execute(delete(Assistant))
        db.session.execute(text("DELETE FROM former_provider_voice_ref"))
    assistant = make_assistant(tts_provider="elevenlabs", tts_voice_id="a")
    with write_transaction():
        db.session.execute(update(Assistant).values(organization_id=organizations[0]))
        write(ClonedVoice.id <= 0, "insert", 1, 0, organizations, assistant.id)
        for change, id, number in writes:
            write(ClonedVoice.id <= id, change, id, number, organizations, assistant.id)

    assert_totals_are_correct()

    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    assert_totals_are_correct()


def write(
    selected: ColumnElement[bool],
    change: str,
    id: int,
    number: int,
    organizations: list[OrganizationId],
    assistant_id: int,
) -> None:
    """Make one of the changes that an example consists of."""
    organization_id = organizations[number % 2]
    if change == "insert":
        rows = [voice_row(id=id, provider_voice_id="a"), voice_row(id=id + 1, provider_voice_id="ab"[number % 2])]
        db.session.execute(upsert_statement(ClonedVoice), [build_voice_columns(row, organization_id) for row in rows])
        return
    statement: Any = update(ClonedVoice).where(selected)
    if change == "delete":
        statement = delete(ClonedVoice).where(selected)
    elif change == "move":
        statement = statement.values(organization_id=organization_id)
    elif change == "archive":
        values = {"status": "archived", "upstream_status": ClonedVoice.status, "archived_at": NOW}
        statement = statement.where(ClonedVoice.archived_at.is_(None)).values(values)
    elif change == "archived_at":
        values = {"archived_at": CHANGED_VALUES["created_at"][number]}
        statement = statement.where(ClonedVoice.archived_at.is_not(None)).values(values)
    elif change == "assistant":
        values = {"organization_id": organization_id, "tts_voice_id": CHANGED_VALUES["provider_voice_id"][number]}
        statement = update(Assistant).where(Assistant.id == assistant_id).values(values)
    else:
        if change == "status":  # the status of a voice that was archived here is fixed
            statement = statement.where(ClonedVoice.archived_at.is_(None))
        statement = statement.values({change: CHANGED_VALUES[change][number]})
    db.session.execute(statement, execution_options={"synchronize_session": False})


def test_an_assistant_is_unready_since_the_last_of_its_voices_stopped_being_ready(app: Flask) -> None:
    acme, (first, second, third) = make_organization(), CHANGED_VALUES["created_at"]
    rows = [voice_row(provider_voice_id="a", status="failed", created_at=first) for _ in range(2)]
    one, other = rows
    put_voices(acme, rows)
    assistant = make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="a")
    archived = {"status": "archived", "upstream_status": "failed", "archived_at": third}
    of_one, of_other = (update(ClonedVoice).where(ClonedVoice.id == row.id) for row in rows)
    statements: list[tuple[Any, datetime | None]] = [
        (of_one.values(recorded_status_changed_at=second), second),
        (of_other.values(archived), third),
        (of_other.values(archived_at=first), second),
        (of_one.values(status="ready"), None),
        (of_one.values(status="processing"), second),
        (delete(ClonedVoice).where(ClonedVoice.id == one.id), first),
        (delete(ClonedVoice).where(ClonedVoice.id == other.id), None),
    ]

    found = []
    for statement, _ in statements:
        with write_transaction():
            db.session.execute(statement, execution_options={"synchronize_session": False})
        found.append(db.session.scalar(select(Assistant.unready_since).where(Assistant.id == assistant.id)))

    assert found == [since for _, since in statements]
    assert_totals_are_correct()


@pytest.mark.databases("postgresql")
def test_truncating_the_voices_clears_the_totals(app: Flask) -> None:
    put_voices(make_organization(), [voice_row(provider_voice_id="a") for _ in range(3)])

    with write_transaction():
        db.session.execute(text("TRUNCATE cloned_voice CASCADE"))

    assert_totals_are_correct()
    assert fetch_all("SELECT * FROM provider_totals", {}) == []
