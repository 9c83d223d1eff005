"""Disabling and enabling accounts, and ending their sessions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.accounts.actions.scenario import (
    ADDRESS,
    SECOND,
    actor,
    count_sessions,
    list_audit_events,
    scope,
    start_session,
    summarize_audit_events,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.actions.state import disable_account, enable_account, end_account_sessions, end_all_sessions
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import AccountNotFound, ChangeRefused
from voiceadmin.identity import EVERYTHING, Actor, Role, Scope
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("app")


def test_disabling_and_enabling_record_events_for_the_only_organization_of_the_account() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    cases: list[tuple[dict[Organization, Role], int | None]] = [
        ({acme: Role.VIEWER}, acme.id),
        ({acme: Role.VIEWER, other: Role.VIEWER}, None),
        ({}, None),
    ]
    for number, (roles, _) in enumerate(cases):
        bo = make_account(f"bo{number}@example.com", roles=roles)
        assert disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
        assert get_account(EVERYTHING, bo.id).disabled_at == NOW
        assert enable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
        assert get_account(EVERYTHING, bo.id).disabled_at is None
        sign_in(bo.email, PASSWORD, address=ADDRESS, user_agent="x", idle=SECOND, now=NOW)

    assert [event[:4] for event in summarize_audit_events() if event[0] is not AuditEventType.SIGNED_IN] == [
        (event_type, "tester", f"bo{number}@example.com", organization_id)
        for number, (_, organization_id) in enumerate(cases)
        for event_type in (AuditEventType.ACCOUNT_DISABLED, AuditEventType.ACCOUNT_ENABLED)
    ]


def test_the_sessions_of_one_account_are_ended() -> None:
    acme = make_organization()
    bo, cy = make_account("bo@example.com", roles={acme: Role.VIEWER}), make_account()
    for account in (bo, bo, cy):
        start_session(account)

    assert [end_account_sessions(scope(acme), bo.id, by=SHELL, now=NOW) for _ in range(2)] == [2, 0]

    assert (count_sessions(bo), count_sessions(cy)) == (0, 1)
    assert summarize_audit_events() == [
        (AuditEventType.SESSION_ENDED, "tester", "bo@example.com", acme.id, None, {"sessions": 2})
    ]


def test_the_sessions_of_all_accounts_are_ended() -> None:
    bo, cy = make_account(), make_account()
    for account in (bo, bo, cy):
        start_session(account)

    assert end_all_sessions(by=SHELL, now=NOW) == 3

    assert (count_sessions(bo), count_sessions(cy)) == (0, 0)
    assert summarize_audit_events() == [
        (AuditEventType.SESSION_ENDED, "tester", "all accounts", None, None, {"sessions": 3, "accounts": 2}),
    ]


MANAGEMENT_ACTIONS: dict[str, Callable[[Scope, int, Actor], object]] = {
    "reset": lambda scope, id, by: create_reset_link(scope, id, by=by, now=NOW),
    "disable": lambda scope, id, by: disable_account(scope, id, by=by, now=NOW),
    "enable": lambda scope, id, by: enable_account(scope, id, by=by, now=NOW),
    "sessions": lambda scope, id, by: end_account_sessions(scope, id, by=by, now=NOW),
    "platform": lambda scope, id, by: set_platform_admin(scope, id, on=True, by=by, now=NOW),
}


@pytest.mark.parametrize("action", ["reset", "disable", "enable", "platform"])
def test_an_admin_cannot_manage_accounts_with_roles_in_other_organizations(action: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    accounts = [
        make_account("bo@example.com", roles={acme: Role.VIEWER, other: Role.VIEWER}),
        make_account("bo2@example.com", platform=True, roles={acme: Role.VIEWER}),
    ]
    for account in accounts:
        start_session(account)
        with pytest.raises(
            ChangeRefused, match=rf"^{account.email} also has roles outside your organizations\. Remove"
        ):
            MANAGEMENT_ACTIONS[action](scope(acme), account.id, by)

    assert [count_sessions(account) for account in accounts] == [1, 1]
    assert db.session.scalars(select(OneTimeLink.id)).all() == []
    assert list_audit_events() == []


@pytest.mark.parametrize("action", [*MANAGEMENT_ACTIONS, "role"])
def test_accounts_outside_the_organizations_of_an_admin_are_not_found(action: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    outside = [make_account(roles={other: Role.VIEWER}).id, make_account(platform=True).id, make_account().id, 999]

    def change(scope: Scope, id: int, by: Actor) -> object:
        return change_role(scope, id, acme.id, Role.ADMIN, by=by, now=NOW)

    for id in outside:
        with pytest.raises(AccountNotFound, match=rf"^There is no account {id}\.$"):
            MANAGEMENT_ACTIONS.get(action, change)(scope(acme), id, by)
    with pytest.raises(AccountNotFound):
        MANAGEMENT_ACTIONS.get(action, change)(EVERYTHING, 999, SHELL)

    assert list_audit_events() == []


@pytest.mark.parametrize("action", ["reset", "disable", "enable", "sessions"])
def test_an_admin_can_manage_accounts_that_have_roles_only_in_the_own_organizations(action: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    bo, both = make_account(roles={acme: Role.ADMIN}), make_account(roles={acme: Role.VIEWER, other: Role.VIEWER})

    MANAGEMENT_ACTIONS[action](scope(acme), bo.id, by)
    MANAGEMENT_ACTIONS[action](scope(acme, other), both.id, by)


@pytest.mark.parametrize("by_cli", [False, True])
def test_an_account_that_a_platform_admin_disabled_stays_disabled_for_admins_of_an_organization(by_cli: bool) -> None:
    acme = make_organization()
    root = make_account("root@example.com", platform=True)
    ada, bo = (make_account(f"{name}@example.com", roles={acme: Role.ADMIN}) for name in ("ada", "bo"))
    disable_account(EVERYTHING, bo.id, by=SHELL if by_cli else actor(root), now=NOW)

    with pytest.raises(ChangeRefused, match=r"^A platform admin disabled bo@example\.com\. Ask a platform admin"):
        enable_account(scope(acme), bo.id, by=actor(ada), now=NOW)
    assert get_account(EVERYTHING, bo.id).disabled_at == NOW

    enable_account(EVERYTHING, bo.id, by=actor(root), now=NOW)
    disable_account(scope(acme), bo.id, by=actor(ada), now=NOW)
    enable_account(scope(acme), bo.id, by=actor(ada), now=NOW)
    assert get_account(EVERYTHING, bo.id).disabled_at is None
