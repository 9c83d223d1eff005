"""A merge while people change roles, invitations, sessions and API keys of the same organizations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from tests.accounts.actions.scenario import grant_at, scope, start_session, use_link
from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_organization
from tests.two_tenants import rows_of
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.actions.state import end_account_sessions
from voiceadmin.accounts.models import Account
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.organizations.models import Organization


def change_role_at(organization: Organization, ada: Account) -> None:
    """Change the role of Ada, who is a viewer."""
    change_role(EVERYTHING, ada.id, organization.id, Role.OPERATOR, by=SHELL, now=NOW)


def invite_to(organization: Organization, ada: Account) -> None:
    """Invite another person."""
    create_invitation(EVERYTHING, "bo@example.com", grant_at(organization), by=SHELL, now=NOW)


def add_person_to(organization: Organization, ada: Account) -> None:
    """Give a role to a person who has none there."""
    change_role(EVERYTHING, make_account().id, organization.id, Role.OPERATOR, by=SHELL, now=NOW)


def create_key_for(organization: Organization, ada: Account) -> None:
    """Create an API key."""
    create_api_key(EVERYTHING, "key", frozenset({organization.id}), expires_at=None, by=SHELL, now=NOW)


def end_sessions_at(organization: Organization, ada: Account) -> None:
    """End the sessions of Ada in the organization."""
    assert end_account_sessions(scope(organization), ada.id, by=SHELL, now=NOW) == 1


CHANGES: dict[str, tuple[Callable[[Organization, Account], None], str]] = {
    "role": (change_role_at, "INSERT INTO membership"),
    "person": (add_person_to, "INSERT INTO membership"),
    "invitation": (invite_to, "INSERT INTO one_time_link"),
    "key": (create_key_for, "INSERT INTO api_key_organization"),
    "sessions": (end_sessions_at, "UPDATE membership"),
}


def has_lock_waiter() -> bool:
    waiting = db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    db.session.rollback()
    return bool(waiting)


def run_during(app: Flask, change: Callable[[], None], statement: str, merge: Callable[[], object]) -> object:
    """Begin a merge right before a statement of a change. Return what the merge returns.

    On PostgreSQL the change goes on when the merge has finished, or waits for it. On SQLite the merge always waits.
    """
    merges: list[Future[object]] = []

    def run_merge() -> object:
        with app.app_context():
            return merge()

    def watch() -> None:
        with app.app_context():
            while not merges[0].done() and not has_lock_waiter():
                pass

    def begin(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith(statement) and not merges:
            merges.append(pool.submit(run_merge))
            if db.engine.dialect.name == "postgresql":
                pool.submit(watch).result()

    with ThreadPoolExecutor(2) as pool:
        event.listen(db.engine, "before_cursor_execute", begin)
        change()
        db.session.rollback()
        return merges[0].result()


def list_rows_at(organization: Organization) -> dict[str, list[dict[str, Any]]]:
    """Return the roles, keys and open invitations of an organization, by table."""
    tables = ("membership", "api_key_organization", "one_time_link")
    return {
        table: rows
        for table in tables
        if (
            rows := [
                row
                for row in rows_of(table)
                if row["organization_id"] == organization.id and row.get("used_at") is None
            ]
        )
    }


@pytest.mark.parametrize("name", CHANGES)
def test_a_merge_leaves_nothing_behind_that_was_added_meanwhile(app: Flask, now: datetime, name: str) -> None:
    change, statement = CHANGES[name]
    source, target, other = (make_organization(name) for name in ("Source", "Target", "Other"))
    ada = make_account(roles={source: Role.VIEWER, other: Role.VIEWER})
    start_session(ada)

    run_during(
        app,
        lambda: change(source, ada),
        statement,
        lambda: merge_organizations(EVERYTHING, source.id, target.id, by=SHELL, now=now),
    )

    assert list_rows_at(source) == {}


@pytest.mark.parametrize("name", ["role", "sessions"])
def test_a_merge_can_be_undone_while_a_role_in_the_target_changes(app: Flask, now: datetime, name: str) -> None:
    change, statement = CHANGES[name]
    source, target, other = (make_organization(name) for name in ("Source", "Target", "Other"))
    ada = make_account(roles={source: Role.VIEWER, other: Role.VIEWER})
    start_session(ada)
    id = merge_organizations(EVERYTHING, source.id, target.id, by=SHELL, now=now)

    run_during(app, lambda: change(target, ada), statement, lambda: undo_merge(EVERYTHING, id, by=SHELL, now=now))

    assert len(list_rows_at(source)["membership"]) == 1


def test_an_invitation_to_the_target_is_accepted_during_a_merge(app: Flask, now: datetime) -> None:
    source, target = make_organization("Source"), make_organization("Target")
    ada = make_account("ada@example.com", roles={source: Role.VIEWER})
    token = create_invitation(EVERYTHING, ada.email, grant_at(target, Role.OPERATOR), by=SHELL, now=NOW)

    run_during(
        app,
        lambda: (use_link(token, password="correct horse battery"), None)[1],
        "INSERT INTO membership",
        lambda: merge_organizations(EVERYTHING, source.id, target.id, by=SHELL, now=now),
    )

    assert [row["role"] for row in list_rows_at(target)["membership"]] == [Role.OPERATOR]
