"""Accounts, invitations and sessions in the scope of the requester."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.conftest import NOW, SHELL
from tests.factories import DAY, LONG_AGO, create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link, create_setup_link, revoke_invitation
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, AccountSession
from voiceadmin.accounts.queries.accounts import (
    FIELDS,
    export_accounts,
    find_account_id,
    get_account,
    get_own_account,
    list_accounts,
    list_invitations,
    list_own_sessions,
    list_sessions,
)
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.accounts.types import AccountRow, Grant, LinkPurpose, OrganizationRole
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import AccountNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Actor, ActorKind, Requester, Role, Scope, SessionRow
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat

pytestmark = pytest.mark.usefixtures("app")

IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
SECOND = timedelta(seconds=1)
LIMITS: dict[str, Any] = {"now": NOW, "idle": IDLE, "absolute": ABSOLUTE}


def scope(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


@pytest.fixture
def acme() -> Organization:
    return make_organization("Acme")


@pytest.fixture
def other() -> Organization:
    return make_organization("Other")


@pytest.fixture
def statements(app: object) -> Iterator[list[str]]:
    seen: list[str] = []

    def record(*args: Any) -> None:
        if args[2].startswith("SELECT"):
            seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", record)
    yield seen
    event.remove(db.engine, "before_cursor_execute", record)


def start_session(account: Account, created: datetime = NOW, seen: datetime | None = None) -> int:
    """Start a session, and return its id."""
    with write_transaction():
        token = create_session(account.id, address="203.0.113.7", user_agent="Firefox", now=created)
        requester = find_session(token, None)
        assert requester is not None
        assert requester.session is not None
        db.session.get_one(AccountSession, requester.session.id).last_active_at = seen or created
    return requester.session.id


def requester_of(account: Account) -> Requester:
    session = SessionRow(0, account.id, NOW, NOW, NOW, "", "")
    return Requester(Actor(ActorKind.ACCOUNT, account.id, account.email), session=session)


# Accounts


def test_an_account_is_shown_with_its_roles_and_its_last_activity(acme: Organization, other: Organization) -> None:
    twin = make_organization("Acme")
    ada = make_account("Ada@example.com", name="Ada", roles={other: Role.ADMIN, twin: Role.OPERATOR, acme: Role.VIEWER})
    start_session(ada, NOW - DAY)
    start_session(ada, NOW - 2 * DAY)

    expected = AccountRow(
        id=ada.id,
        email="Ada@example.com",
        name="Ada",
        platform=False,
        disabled_at=None,
        created_at=LONG_AGO,
        last_active_at=NOW - DAY,
        roles=[
            OrganizationRole(acme.id, "Acme", Role.VIEWER),
            OrganizationRole(twin.id, "Acme", Role.OPERATOR),
            OrganizationRole(other.id, "Other", Role.ADMIN),
        ],
        has_other_roles=False,
    )
    assert list_accounts(EVERYTHING) == [expected]
    assert get_account(EVERYTHING, ada.id) == expected
    assert get_own_account(requester_of(ada)) == expected


def test_an_unlimited_scope_lists_all_accounts_by_e_mail(acme: Organization) -> None:
    for email in ("b@example.com", "C@example.com", "a@example.com"):
        make_account(email)
    make_account("root@example.com", platform=True, disabled_at=NOW)

    found = list_accounts(EVERYTHING)

    assert [row.email for row in found] == ["a@example.com", "b@example.com", "C@example.com", "root@example.com"]
    assert [(row.platform, row.disabled_at) for row in found[2:]] == [(False, None), (True, NOW)]
    assert [(row.roles, row.has_other_roles, row.last_active_at) for row in found] == [([], False, None)] * 4


def test_an_admin_sees_the_accounts_of_the_own_organization_and_whether_they_have_other_roles(
    acme: Organization, other: Organization
) -> None:
    own_account = make_account("here@example.com", roles={acme: Role.VIEWER})
    both = make_account("both@example.com", roles={other: Role.ADMIN, acme: Role.OPERATOR})
    foreign_account = make_account("there@example.com", roles={other: Role.VIEWER})
    root = make_account("root@example.com", platform=True)

    found = list_accounts(scope(acme))

    assert [(row.id, row.roles, row.has_other_roles) for row in found] == [
        (both.id, [OrganizationRole(acme.id, "Acme", Role.OPERATOR)], True),
        (own_account.id, [OrganizationRole(acme.id, "Acme", Role.VIEWER)], False),
    ]
    assert get_account(scope(acme), both.id) == found[0]
    for hidden in (foreign_account.id, root.id, 999):
        with pytest.raises(AccountNotFound, match=rf"^There is no account {hidden}\.$"):
            get_account(scope(acme), hidden)
    with pytest.raises(AccountNotFound):
        get_account(EVERYTHING, 999)
    assert [row.has_other_roles for row in list_accounts(scope(acme, other))] == [False, False, False]
    assert list_accounts(NOTHING) == []


def test_the_list_executes_two_statements(acme: Organization, statements: list[str]) -> None:
    for _ in range(5):
        start_session(make_account(roles={acme: Role.VIEWER}))
    statements.clear()

    assert len(list_accounts(scope(acme))) == 5

    assert len(statements) == 2


# Invitations


def test_open_invitations_are_listed_newest_first(acme: Organization, other: Organization) -> None:
    for email, grant in (
        ("a@example.com", Grant(acme.id, Role.VIEWER)),
        ("b@example.com", Grant(other.id, Role.ADMIN)),
        ("c@example.com", Grant(None, Role.PLATFORM)),
    ):
        create_invitation(EVERYTHING, email, grant, by=SHELL, now=NOW)

    found = list_invitations(EVERYTHING, NOW)

    assert [(link.email, link.organization_name, link.role, link.platform) for link in found] == [
        ("c@example.com", None, None, True),
        ("b@example.com", "Other", Role.ADMIN, False),
        ("a@example.com", "Acme", Role.VIEWER, False),
    ]
    assert {(link.purpose, link.created_at, link.expires_at) for link in found} == {
        (LinkPurpose.INVITATION, NOW, NOW + 7 * DAY)
    }
    assert [link.email for link in list_invitations(scope(acme), NOW)] == ["a@example.com"]
    assert list_invitations(NOTHING, NOW) == []


def test_other_links_and_closed_invitations_are_not_listed(acme: Organization) -> None:
    create_setup_link(by=SHELL, now=NOW)
    create_reset_link(EVERYTHING, make_account(roles={acme: Role.VIEWER}).id, by=SHELL, now=NOW)
    create_invitation(EVERYTHING, "a@example.com", Grant(acme.id, Role.VIEWER), by=SHELL, now=NOW)
    (link,) = list_invitations(EVERYTHING, NOW)

    assert len(list_invitations(EVERYTHING, NOW + 7 * DAY - SECOND)) == 1
    assert list_invitations(EVERYTHING, NOW + 7 * DAY) == []
    revoke_invitation(EVERYTHING, link.id, by=SHELL, now=NOW)
    assert list_invitations(EVERYTHING, NOW) == []


# Sessions


def test_active_sessions_are_listed_by_last_activity(acme: Organization) -> None:
    bo = make_account(roles={acme: Role.VIEWER})
    start_session(make_account(roles={acme: Role.VIEWER}))
    start_session(bo, NOW - ABSOLUTE, NOW)
    start_session(bo, NOW - IDLE)
    oldest = start_session(bo, NOW - ABSOLUTE + SECOND, NOW - IDLE + SECOND)
    first, second = (start_session(bo, NOW - DAY / 4, NOW) for _ in range(2))

    found = list_sessions(scope(acme), bo.id, **LIMITS)

    assert [row.id for row in found] == [second, first, oldest]
    assert found[0] == SessionRow(second, bo.id, NOW - DAY / 4, NOW, NOW - DAY / 4, "203.0.113.7", "Firefox")
    assert list_own_sessions(requester_of(bo), **LIMITS) == found


def test_sessions_of_an_account_outside_the_scope_are_not_found(acme: Organization, other: Organization) -> None:
    bo = make_account(roles={other: Role.VIEWER})
    start_session(bo)

    with pytest.raises(AccountNotFound):
        list_sessions(scope(acme), bo.id, **LIMITS)
    assert len(list_sessions(EVERYTHING, bo.id, **LIMITS)) == 1


def test_a_requester_without_an_account_has_no_sessions() -> None:
    start_session(make_account())

    assert list_own_sessions(Requester(SHELL), **LIMITS) == []


def test_sessions_are_ordered_by_last_activity_and_not_by_start() -> None:
    ada = make_account()
    first, second, third = (start_session(ada, NOW - DAY / 4, NOW - seconds * SECOND) for seconds in (0, 2, 1))

    assert [row.id for row in list_own_sessions(requester_of(ada), **LIMITS)] == [first, third, second]


def test_an_export_of_accounts_contains_what_their_page_shows(acme: Organization, other: Organization) -> None:
    ada = make_account("ada@example.com", roles={acme: Role.ADMIN, other: Role.VIEWER})
    bob = make_account("bob@example.com", roles={acme: Role.VIEWER})
    with write_transaction():
        db.session.get_one(Account, bob.id).disabled_at = NOW

    records = [json.loads(line) for line in "".join(export_accounts(scope(acme), ExportFormat.NDJSON)).splitlines()]

    at_acme = {"organization_id": acme.id, "organization": "Acme"}
    common = {"name": ada.name, "platform": False, "last_active_at": None}
    created = {record["id"]: record.pop("created_at") for record in records}
    assert records == [
        common
        | {"id": ada.id, "email": "ada@example.com", "roles": [at_acme | {"role": "admin"}]}
        | {"has_other_roles": True, "disabled_at": None},
        common
        | {"id": bob.id, "email": "bob@example.com", "name": bob.name, "roles": [at_acme | {"role": "viewer"}]}
        | {"has_other_roles": False, "disabled_at": "2026-11-22T14:00:00Z"},
    ]
    assert all(time.endswith("Z") for time in created.values())
    assert "".join(export_accounts(NOTHING, ExportFormat.CSV)).splitlines() == [",".join(FIELDS)]


def test_an_account_is_found_by_its_e_mail() -> None:
    bo = make_account("Bo@example.com")

    assert find_account_id(" bo@EXAMPLE.com") == bo.id
    with pytest.raises(AccountNotFound, match=r"^There is no account with the e-mail cy@example\.com\.$"):
        find_account_id("cy@example.com")
