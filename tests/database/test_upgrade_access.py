"""Pages, sessions, keys, counts and the audit log after an upgrade from version 0005."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from werkzeug.routing import Rule

from tests.conftest import NOW
from tests.database.schema import assert_totals_are_correct
from tests.database.version_0005 import (
    ADA,
    KEY_OF_ALL_ORGANIZATIONS,
    KEY_OF_TWO_ORGANIZATIONS,
    NORTHWIND,
    NORTHWIND_ASSISTANT,
    OPEN_INVITATION,
    OPEN_PASSWORD_RESET,
    OPERATOR_SESSION,
    PASSWORD,
    PLATFORM_ADMIN_SESSION,
    SQLITE,
    browser,
)
from voiceadmin.accounts.actions.sessions import check_password
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import OrganizationId
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters


def addresses(app: Flask) -> Iterator[str]:
    """The address of every page and export, for each object in the database."""
    ids = {
        "assistant_id": list(db.session.scalars(text("SELECT id FROM assistant"))),
        "organization_id": list(db.session.scalars(text("SELECT id FROM organization"))),
        "voice_id": [9001, 9007, 9043, 9103, 9140, 20_001],
        "plan_id": list(db.session.scalars(text("SELECT id FROM clean_up_plan"))),
        "operation_id": list(db.session.scalars(text("SELECT id FROM operation"))),
        "account_id": list(db.session.scalars(text("SELECT id FROM account"))),
        "source_id": [],
        "format": ["csv"],
        "token": [OPEN_INVITATION, OPEN_PASSWORD_RESET],
    }
    db.session.rollback()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            yield from build_addresses(app, rule, ids)


def build_addresses(app: Flask, rule: Rule, ids: Mapping[str, list[Any]]) -> Iterator[str]:
    adapter = app.url_map.bind("localhost")
    if rule.arguments == {"plan_id", "format"}:
        yield from (adapter.build(rule.endpoint, {"plan_id": id, "format": "csv"}) for id in ids["plan_id"])
    elif rule.arguments == {"assistant_id", "format"}:
        yield from (adapter.build(rule.endpoint, {"assistant_id": id, "format": "csv"}) for id in ids["assistant_id"])
    elif rule.arguments > {"source_id"}:
        yield from ()  # older versions had no sources
    elif rule.arguments:
        (argument,) = rule.arguments
        # The preview of a merge needs another organization.
        query = f"?organization={NORTHWIND}" if rule.endpoint == "management.preview" else ""
        values = [value for value in ids[argument] if not (query and value == NORTHWIND)]
        yield from (adapter.build(rule.endpoint, {argument: value}) + query for value in values)
    else:
        yield adapter.build(rule.endpoint)


def test_an_admin_can_open_every_page_and_every_export(upgraded: Flask) -> None:
    client = browser(upgraded, PLATFORM_ADMIN_SESSION)

    found = {address: client.get(address).status_code for address in addresses(upgraded)}

    assert len(found) > 100
    # The sign-in page redirects requesters who are signed in.
    assert {address: status for address, status in found.items() if status != 200} == {"/sign-in": 303}


def test_the_json_route_returns_the_same_bytes(upgraded: Flask, expected: dict[str, Any]) -> None:
    client = browser(upgraded, PLATFORM_ADMIN_SESSION)

    for address, body in expected["api_responses"].items():
        response = client.get(address)
        assert (response.status_code, response.text) == (200, body), address


def test_sessions_and_their_roles_are_still_valid(upgraded: Flask) -> None:
    operator = browser(upgraded, OPERATOR_SESSION)

    assert operator.get("/account").status_code == 200
    assert (
        operator.get("/voices/9001").status_code == 404
    )  # its organization is one in which the account no longer has a role
    assert upgraded.test_client().get("/account").status_code == 303
    assert check_password("ada@example.com", PASSWORD, by=ADA, now=NOW) == ADA.id


def test_api_keys_still_read_their_organizations(upgraded: Flask) -> None:
    client = upgraded.test_client()

    def ask(assistant: int, key: str) -> int:
        address = f"/api/v1/assistants/{assistant}/cloned-voices"
        return client.get(address, headers={"Authorization": f"Bearer {key}"}).status_code

    assert ask(NORTHWIND_ASSISTANT, KEY_OF_TWO_ORGANIZATIONS) == 200
    assert ask(31, KEY_OF_TWO_ORGANIZATIONS) == 200
    assert ask(201, KEY_OF_TWO_ORGANIZATIONS) == 404
    assert ask(201, KEY_OF_ALL_ORGANIZATIONS) == 200


@pytest.mark.parametrize(
    "change", ["UPDATE audit_event SET note = 'forged' WHERE id = 1", "DELETE FROM audit_event WHERE id = 1"]
)
def test_the_audit_log_cannot_be_changed_after_the_upgrade(upgraded: Flask, change: str) -> None:
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(text(change))


@SQLITE
def test_an_audit_event_cannot_be_replaced_after_the_upgrade(upgraded: Flask) -> None:
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(text("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE id = 1"))


def test_voices_are_still_counted_and_found_after_a_write(upgraded: Flask) -> None:
    assert_totals_are_correct()
    with write_transaction():
        db.session.execute(
            text("UPDATE cloned_voice SET status = 'failed', language = 'fr' WHERE id % 3 = 0 AND archived_at IS NULL")
        )
        db.session.execute(text("DELETE FROM cloned_voice WHERE id % 5 = 0 AND organization_id <> 9"))
    assert_totals_are_correct()

    found = list_voices(OrganizationId(NORTHWIND), VoiceFilters(text="zoë"), now=NOW)
    assert [row.id for row in found.page.rows] == [9140]
