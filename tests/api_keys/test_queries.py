"""API keys in the scope of the requester."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, event

from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_organization
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.queries import EXPORT_FIELDS, export_api_keys, find_api_key, list_api_keys
from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat

pytestmark = pytest.mark.usefixtures("app")


def create_key(name: str, *organizations: Organization, expires_at: datetime | None = None) -> tuple[int, str]:
    """Create a key, and return its id and its hint. Without organizations it reads all."""
    ids = frozenset(organization.id for organization in organizations) or None
    token = create_api_key(EVERYTHING, name, ids, expires_at=expires_at, by=SHELL, now=NOW)
    key = find_api_key(token)
    assert key is not None
    return key.id, token[:9]


def scope(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


def get_row(scope: Scope, id: int) -> ApiKeyRow:
    """Return one key of the list."""
    (row,) = [row for row in list_api_keys(scope) if row.id == id]
    return row


def names(scope: Scope) -> list[str]:
    return [row.name for row in list_api_keys(scope)]


def test_a_key_is_listed_with_its_organizations_by_name() -> None:
    zed, acme, twin = (make_organization(name) for name in ("Zed", "Acme", "Acme"))
    id, hint = create_key("board", zed, twin, acme, expires_at=NOW + DAY)

    row = get_row(EVERYTHING, id)

    assert row == ApiKeyRow(
        id=id,
        name="board",
        hint=hint,
        organizations={acme.id: "Acme", twin.id: "Acme", zed.id: "Zed"},
        created_by="tester",
        created_at=NOW,
        expires_at=NOW + DAY,
        revoked_at=None,
        last_used_at=None,
    )
    assert list(row.organizations or {}) == [acme.id, twin.id, zed.id]
    assert hint.startswith("va_")
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW + DAY)
    assert get_row(EVERYTHING, id).revoked_at == NOW + DAY


def test_an_admin_sees_only_keys_within_the_own_organizations() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ids = {
        name: create_key(name, *read)[0]
        for name, read in {"acme": [acme], "other": [other], "both": [acme, other], "all": []}.items()
    }

    assert names(EVERYTHING) == ["all", "both", "other", "acme"]
    assert names(scope(acme)) == ["acme"]
    assert names(scope(acme, other)) == ["both", "other", "acme"]
    assert names(NOTHING) == []
    assert get_row(EVERYTHING, ids["all"]).organizations is None
    assert get_row(scope(acme), ids["acme"]).organizations == {acme.id: "Acme"}


def test_a_key_whose_organizations_are_deleted_belongs_to_the_platform() -> None:
    acme = make_organization("Acme")
    create_key("board", acme)
    with write_transaction():
        db.session.execute(delete(Organization))

    assert names(scope(acme)) == []
    assert [row.organizations for row in list_api_keys(EVERYTHING)] == [{}]


def test_the_list_executes_four_statements() -> None:
    acme = make_organization()
    for number in range(5):
        create_key(f"key {number}", acme)
    db.session.rollback()
    statements: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    assert names(scope(acme)) == ["key 4", "key 3", "key 2", "key 1", "key 0"]

    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 4


def test_a_key_for_all_organizations_belongs_to_the_platform_even_with_listed_organizations() -> None:
    acme = make_organization("Acme")
    id, _ = create_key("board", acme)
    with write_transaction():
        db.session.get_one(ApiKey, id).all_organizations = True

    assert names(scope(acme)) == []
    assert [row.organizations for row in list_api_keys(EVERYTHING)] == [None]


def test_a_key_has_the_time_of_its_last_use() -> None:
    id, _ = create_key("board")
    with write_transaction():
        db.session.get_one(ApiKey, id).last_used_at = NOW + DAY

    assert get_row(EVERYTHING, id).last_used_at == NOW + DAY


def test_an_export_of_keys_contains_all_columns_except_the_secret() -> None:
    acme = make_organization("Acme")
    id, hint = create_key("board", acme, expires_at=NOW + DAY)
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW)
    all_id, all_hint = create_key("all")

    lines = [json.loads(line) for line in "".join(export_api_keys(EVERYTHING, ExportFormat.NDJSON)).splitlines()]

    assert lines == [
        {
            "id": all_id,
            "name": "all",
            "hint": all_hint,
            "all_organizations": True,
            "organizations": [],
            "created_by": "tester",
            "created_at": "2026-11-22T14:00:00Z",
            "expires_at": None,
            "revoked_at": None,
            "last_used_at": None,
        },
        {
            "id": id,
            "name": "board",
            "hint": hint,
            "all_organizations": False,
            "organizations": [{"id": acme.id, "name": "Acme"}],
            "created_by": "tester",
            "created_at": "2026-11-22T14:00:00Z",
            "expires_at": "2026-11-23T14:00:00Z",
            "revoked_at": "2026-11-22T14:00:00Z",
            "last_used_at": None,
        },
    ]
    assert [tuple(line) for line in lines] == [EXPORT_FIELDS] * 2
    csv = "".join(export_api_keys(scope(acme), ExportFormat.CSV)).splitlines()
    assert csv[0] == ",".join(EXPORT_FIELDS)
    assert len(csv) == 2, "the header and the key of Acme"
