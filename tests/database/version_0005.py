"""The database of version 0005 in the fixtures: its content, and the names that version 0006 changed.

The fixtures were written by the last version before the renaming: every kind of
row, every event type, and every reason for which an operation skipped an object.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from voiceadmin.database.base import db
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.web.access import cookie_name

FIXTURES = Path(__file__).parent / "fixtures"
NORTHWIND, NORTHWIND_ASSISTANT = 9, 900  # an organization and its assistant
ADA = Actor(ActorKind.ACCOUNT, 2, "ada@example.com", "192.0.2.7")
PASSWORD = "correct horse battery"
# Secrets of the fixture, of which the database has the hashes.
PLATFORM_ADMIN_SESSION = "XwNL3W8TAt97ar7TpecWfQ99t5wSZ17VMNJnEHf5hpv"
OPERATOR_SESSION = "YIBzaQyylWPH5n6RNuyug1S4JSTxp4gnstZrZNe58ke"
KEY_OF_ALL_ORGANIZATIONS = "va_rdFSpdTmYs4x4geAXuyWXJa5sP8WiKbCj0SPY9bUdSB"
KEY_OF_TWO_ORGANIZATIONS = "va_rgZZyJiuetkiqFRusceIWVJbbhdi0wB3q88NboHBixm"
OPEN_INVITATION = "9OPE261yEzR2Um5sD1Wet1aSXBLsPXE6tjkESJ4FvIj"
OPEN_PASSWORD_RESET = "OAXloPeKKO1O4IUAAoBEHM5ptArfM49vlAbjhsKJMKl"
UNDONE_PLAN, STARTED_PLAN, UNCONFIRMED_PLAN, CONFIRMED_PLAN, PLAN_OF_ALL_ORGANIZATIONS = range(1, 6)

RENAMED_TABLES = {
    "store": "database_identity",
    "voice_count": "voice_stats",
    "audit_line": "audit_event",
    "bucket": "token_bucket",
    "deed": "operation",
    "former_place": "former_provider_voice_ref",
    "shared_place": "shared_provider_voice_ref",
    "link": "one_time_link",
    "plan": "clean_up_plan",
    "plan_item": "clean_up_item",
    "plan_organization": "clean_up_organization",
    "quiet": "mute",
}
RENAMED_COLUMNS = {
    "cloned_voice": {
        "dated": "has_last_used_at",
        "never": "is_never_used",
        "idle_since": "last_activity_at",
        "record": "json_body",
        "written_at": "upstream_changed_at",
        "status_since": "recorded_status_changed_at",
        "standing_since": "status_changed_at",
        "archived_why": "archive_note",
    },
    "voice_count": {"dated": "has_last_used_at", "never": "is_never_used"},
    "audit_line": {"word": "event_type", "why": "note", "deed_id": "operation_id"},
    "bucket": {"at": "counted_at"},
    "deed": {"act": "action", "number": "object_count"},
    "link": {"made_by": "created_by"},
    "plan": {
        "made_at": "created_at",
        "made_by": "created_by",
        "chosen": "filters",
        "number": "voice_count",
        "seen": "last_seen_operation_id",
    },
    "plan_item": {"mark": "fingerprint", "record": "json_body", "why": "skip_reason", "deed_id": "operation_id"},
    "quiet": {"mark": "fingerprint", "act": "kind", "at": "muted_at", "by": "muted_by"},
    "account_session": {"seen_at": "last_active_at", "sure_at": "reauthenticated_at", "client": "user_agent"},
    "api_key": {"everywhere": "all_organizations", "maker": "created_by", "used_at": "last_used_at"},
}
CHANGED_COLUMNS = {  # their values changed as well and are compared by other tests
    "audit_line": {"word", "actor_kind", "object_kind", "before", "after"},
    "deed": {"actor_kind", "outcome"},
    "plan": {"chosen"},
    "plan_item": {"state", "why"},
}
RENAMED_EVENT_TYPES = {
    "link-made": "link-created",
    "account-made": "account-created",
    "key-made": "key-created",
    "confirmed": "password-confirmed",
    "confirm-failed": "password-confirmation-failed",
    "throttled": "rate-limited",
    "shown-again": "unmuted",
    "noted": "note-added",
    "note-taken-back": "note-removed",
    "desk-refused": "operation-refused",
    "clean-up-taken-back": "clean-up-undone",
    "sample-filled": "sample-added",
}
RENAMED_KINDS = {"shell": "cli", "nobody": "anonymous", "store": "database"}
NEW_EVENT_TYPES = {
    *("invitation-accepted", "clean-up-retried"),
    *("organization-renamed", "organization-merged", "organization-merge-undone", "organization-removed"),
    *("assistant-renamed", "assistant-moved", "assistant-removed"),
    *("voice-deleted-at-provider", "voice-not-deleted-at-provider"),
    "totals-rebuilt",
    *("source-created", "source-tested", "source-disabled", "source-enabled", "source-removed"),
    *("source-key-reencrypted", "source-synced", "sync-requested", "list-believed", "account-accepted"),
    *("deletion-allowed", "deletion-forbidden", "deletion-requested", "deletion-cancelled"),
    *("voice-deletion-sent", "voice-deleted", "voice-deletion-failed"),
}
NEW_OBJECT_KINDS = {"organization", "source"}
NEW_ACTIONS = {"mark-deleted", "unmark-deleted"}
NEW_TABLES = {
    *("audit_event_organization", "import_step", "merged_voice", "organization_merge", "provider_deletion"),
    *("provider_totals", "provider_day_totals"),
    *("source", "source_voice", "sync_run", "sync_lease"),
    *("provider_listing", "provider_look_up", "provider_voice", "slot_use", "verdict_reset", "voice_verdict"),
    *("assistant_voice",),
    *("voice_day", "slot_day", "history_progress", "voice_trend"),
    *("clean_up_listing", "deletion_item", "deletion_request"),
}

SQLITE = pytest.mark.parametrize("old_app", ["sqlite"], indirect=True)


def read_fixture(name: str) -> str:
    return gzip.decompress((FIXTURES / name).read_bytes()).decode()


def browser(app: Flask, session: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(cookie_name(app.config["VOICEADMIN"]), session)
    return client


def table_names() -> set[str]:
    """Every table with data, that is all but the version table and the search tables of SQLite."""
    names = set(db.inspect(db.engine).get_table_names())
    return {name for name in names - {"alembic_version", "place", "trigram_position"} if "search" not in name}


def rows_of(table: str) -> list[dict[str, Any]]:
    """All rows of a table, in an order that does not depend on the names of columns."""
    rows = [dict(row) for row in db.session.execute(text(f'SELECT * FROM "{table}"')).mappings()]
    db.session.rollback()
    return sorted(rows, key=lambda row: json.dumps(sorted(map(str, row.values()))))


def all_rows() -> dict[str, list[dict[str, Any]]]:
    return {table: rows_of(table) for table in table_names()}


def unchanged(old_table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the old version under the new names, without the columns whose values changed."""
    names, changed = RENAMED_COLUMNS.get(old_table, {}), CHANGED_COLUMNS.get(old_table, set())
    return {names.get(name, name): value for name, value in row.items() if name not in changed}


def by_id(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in rows}
