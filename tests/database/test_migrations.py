"""Migrations: creating, upgrading and downgrading a database, each in one transaction."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DatabaseError

from tests.database.schema import assert_totals_are_correct, migrate_to, schema_differences
from tests.factories import (
    PASSWORD,
    create_invitation,
    make_account,
    make_organization,
    make_voice,
    put_voices,
    voice_row,
)
from voiceadmin import create_app
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.actions import record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import Base, db
from voiceadmin.database.engine import write_execution_options
from voiceadmin.database.migrations import current_revision, head_revision, migrate
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import DatabaseNotReady
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, OrganizationId, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.queries import build_voices_body
from voiceadmin.voices.types.filters import VoiceFilters, VoiceQuery
from voiceadmin.voices.types.status import VoiceStatus


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database without any table, inside its context."""
    settings = Settings(instance=tmp_path / "new" / "instance")
    if request.param == "postgresql":
        address = make_url(request.getfixturevalue("postgres"))
        name = f"{address.database}_bare"
        admin = create_app(Settings(database_url=address.render_as_string(hide_password=False)))
        with admin.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        with admin.app_context():
            dispose_engine()
        bare_address = address.set(database=name).render_as_string(hide_password=False)
        settings = Settings(instance=tmp_path, database_url=bare_address)
    app = create_app(settings)
    with app.app_context():
        yield app
        dispose_engine()


def test_the_migrated_schema_equals_the_models(bare: Flask) -> None:
    migrate()

    assert schema_differences() == []


def test_a_new_database_is_migrated_once(bare: Flask) -> None:
    assert migrate()
    assert current_revision() == head_revision()
    assert not migrate()


def test_databases_have_different_identities(bare: Flask) -> None:
    migrate()
    first = db.session.scalar(text("SELECT name FROM database_identity"))
    db.session.rollback()
    migrate_to("base")
    migrate_to("head")

    assert db.session.scalar(text("SELECT name FROM database_identity")) != first


def test_a_downgrade_removes_every_table_and_an_upgrade_restores_the_schema(bare: Flask) -> None:
    migrate()
    make_voice(make_organization())
    migrate_to("base")
    remaining = db.inspect(db.engine).get_table_names()
    db.session.rollback()
    migrate_to("head")

    assert remaining == ["alembic_version"]
    assert schema_differences() == []


def test_parallel_processes_migrate_once(bare: Flask) -> None:
    def migrate_in_context() -> bool:
        with bare.app_context():
            return migrate()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: migrate_in_context(), range(4)))

    assert sorted(results) == [False, False, False, True]


def test_migrating_a_current_database_does_not_wait_for_a_writer(bare: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceadmin.database.engine.BUSY_SECONDS", 0)
    migrate()

    def migrate_in_context() -> bool:
        with bare.app_context():
            return migrate()

    with write_transaction(), ThreadPoolExecutor(1) as other:
        lock_a_row()
        was_migrated = other.submit(migrate_in_context).result()

    assert not was_migrated


def lock_a_row() -> None:
    """Write a row, which makes other writers wait until the end of the transaction."""
    db.session.execute(text("UPDATE database_identity SET name = name"))


def test_a_database_of_a_newer_version_is_refused_and_not_changed(bare: Flask) -> None:
    migrate()
    with db.engine.connect().execution_options(**write_execution_options()) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))

    with pytest.raises(DatabaseNotReady, match="newer version"):
        migrate()

    assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == "from-the-future"


def test_only_the_owner_can_read_a_new_sqlite_file(tmp_path: Path) -> None:
    app = create_app(Settings(instance=tmp_path / "new"))
    with app.app_context():
        migrate()
        make_organization()

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
        dispose_engine()

    assert modes["voiceadmin.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    app = create_app(Settings(instance=tmp_path / "file" / "instance"))

    with app.app_context(), pytest.raises(DatabaseNotReady, match="VOICEADMIN_INSTANCE"):
        migrate()


def test_existing_voices_are_counted_indexed_and_serialized_by_the_upgrade(bare: Flask) -> None:
    migrate()
    migrate_to("base")
    migrate_to("0001")
    with write_transaction():
        db.session.execute(text("INSERT INTO organization (id, name) VALUES (1, 'Acme')"))
        db.session.execute(
            text(
                "INSERT INTO cloned_voice (id, organization_id, name, provider, provider_voice_id, status, created_at,"
                " synthesis_count, name_key, search_key) VALUES (7, 1, 'Ada', 'resemble', '', 'ready',"
                " '2024-01-15T10:45:00.000000Z', 0, 'ada', :search_key)"
            ),
            {"search_key": "ada\n"},
        )

    migrate()

    assert_totals_are_correct()
    found = list_voices(OrganizationId(1), VoiceFilters(text="ada"), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert [row.id for row in found.page.rows] == [7]
    assert (
        json.loads(build_voices_body(OrganizationId(1), VoiceQuery())[1])["cloned_voices"][0]["created_at"]
        == "2024-01-15T10:45:00Z"
    )


ACCOUNT_TABLES = [
    Base.metadata.tables[name]
    for name in (
        *("account", "membership", "account_session", "one_time_link"),
        *("api_key", "api_key_organization", "token_bucket", "audit_event", "audit_event_organization"),
    )
]


def test_the_tables_of_accounts_are_removed_and_created_again(bare: Flask) -> None:
    migrate()
    acme = make_organization()
    voice = make_voice(acme)
    ada = make_account("ada@example.com", platform=True, roles={acme: Role.ADMIN})
    by = Actor(ActorKind.ACCOUNT, ada.id, ada.email)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    create_invitation(EVERYTHING, "bo@example.com", Grant(acme.id, Role.VIEWER), by=by, now=now)
    create_reset_link(EVERYTHING, ada.id, by=by, now=now)
    organizations = frozenset({acme.id, make_organization("Other").id})
    create_api_key(EVERYTHING, "board", organizations, expires_at=None, by=by, now=now)
    sign_in("ada@example.com", PASSWORD, address="", user_agent="", idle=timedelta(hours=1), now=now)
    filled_tables = [table.name for table in ACCOUNT_TABLES if db.session.execute(select(table).limit(1)).first()]
    db.session.rollback()

    migrate_to("0002", down=True)
    remaining = set(db.inspect(db.engine).get_table_names())
    voices = db.session.execute(text("SELECT id, name FROM cloned_voice")).all()
    db.session.rollback()
    migrate_to("head")

    assert len(filled_tables) == len(ACCOUNT_TABLES) == 9
    assert not remaining & set(filled_tables)
    assert [tuple(row) for row in voices] == [(voice.id, voice.name)]
    assert schema_differences() == []
    assert not any(db.session.execute(select(table).limit(1)).first() for table in ACCOUNT_TABLES)
    record_event_now(AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=by, now=now)
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(text("DELETE FROM audit_event"))


def test_events_about_a_key_of_several_organizations_stay_visible_to_their_admins(bare: Flask) -> None:
    migrate()
    acme, other = make_organization("Acme"), make_organization("Other")
    by, now = Actor(ActorKind.CLI, None, "tester"), datetime(2026, 11, 22, tzinfo=UTC)
    for organizations in ({acme.id, other.id}, {acme.id}):
        create_api_key(EVERYTHING, "board", frozenset(organizations), expires_at=None, by=by, now=now)
    db.session.rollback()

    migrate_to("0011", down=True)
    migrate_to("head")

    rows = db.session.execute(text("SELECT organization_id, event_id FROM audit_event_organization ORDER BY 1")).all()
    assert [tuple(row) for row in rows] == [(acme.id, 1), (other.id, 1)]
    for statement in (
        "UPDATE audit_event_organization SET organization_id = 3",
        "DELETE FROM audit_event_organization",
    ):
        with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
            db.session.execute(text(statement))


def test_a_downgrade_restores_the_upstream_status_of_archived_voices(bare: Flask) -> None:
    migrate()
    acme, by, now = make_organization(), Actor(ActorKind.CLI, None, "tester"), datetime(2026, 11, 22, tzinfo=UTC)
    put_voices(acme, [voice_row(id=number, status=status) for number, status in enumerate(VoiceStatus, 1)])
    refs = tuple(ObjectRef(ObjectKind.VOICE, number) for number in range(1, len(VoiceStatus) + 1))
    apply_action(EVERYTHING, ActionRequest(TriageAction.ARCHIVE, refs, "key", 0), AttentionThresholds(), by=by, now=now)
    db.session.rollback()

    migrate_to("0003", down=True)
    statuses = db.session.execute(text("SELECT status FROM cloned_voice ORDER BY id")).scalars().all()
    counted = db.session.execute(text("SELECT status, sum(voices) FROM voice_count GROUP BY status")).all()
    db.session.rollback()
    migrate_to("head")

    assert statuses == [status.value for status in VoiceStatus]
    assert {status: int(number) for status, number in counted} == dict.fromkeys(statuses, 1)
    assert schema_differences() == []
    operation = apply_action(
        EVERYTHING, ActionRequest(TriageAction.ARCHIVE, refs, "key", 0), AttentionThresholds(), by=by, now=now
    )
    assert operation.object_count == len(refs)
