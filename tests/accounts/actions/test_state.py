"""Disabling and enabling accounts, and ending their sessions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.accounts.actions.scenario import (
    HOME,
    SECOND,
    actor,
    scope,
    sessions,
    signed_in,
    told,
    trail,
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
from voiceadmin.errors import (
    AccountNotFound,
    ChangeRefused,
)
from voiceadmin.identity import EVERYTHING, Actor, Role, Scope
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("store")


# Accounts


def test_disabling_and_enabling_leave_a_line_for_the_admins_of_the_only_organization() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    cases: list[tuple[dict[Organization, Role], int | None]] = [
        ({acme: Role.VIEWER}, acme.id),
        ({acme: Role.VIEWER, other: Role.VIEWER}, None),
        ({}, None),
    ]
    for number, (held, _) in enumerate(cases):
        bo = make_account(f"bo{number}@example.com", roles=held)
        assert disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
        assert get_account(EVERYTHING, bo.id).disabled_at == NOW
        assert enable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
        assert get_account(EVERYTHING, bo.id).disabled_at is None
        sign_in(bo.email, PASSWORD, address=HOME, user_agent="x", idle=SECOND, now=NOW)

    assert [line[:4] for line in told() if line[0] is not AuditEventType.SIGNED_IN] == [
        (word, "tester", f"bo{number}@example.com", home)
        for number, (_, home) in enumerate(cases)
        for word in (AuditEventType.ACCOUNT_DISABLED, AuditEventType.ACCOUNT_ENABLED)
    ]


def test_sessions_of_somebody_are_ended() -> None:
    acme = make_organization()
    bo, cy = make_account("bo@example.com", roles={acme: Role.VIEWER}), make_account()
    for account in (bo, bo, cy):
        signed_in(account)

    assert [end_account_sessions(scope(acme), bo.id, by=SHELL, now=NOW) for _ in range(2)] == [2, 0]

    assert (sessions(bo), sessions(cy)) == (0, 1)
    assert told() == [(AuditEventType.SESSION_ENDED, "tester", "bo@example.com", acme.id, None, {"sessions": 2})]


def test_the_sessions_of_everybody_are_ended() -> None:
    bo, cy = make_account(), make_account()
    for account in (bo, bo, cy):
        signed_in(account)

    assert end_all_sessions(by=SHELL, now=NOW) == 3

    assert (sessions(bo), sessions(cy)) == (0, 0)
    assert told() == [
        (AuditEventType.SESSION_ENDED, "tester", "all accounts", None, None, {"sessions": 3, "accounts": 2}),
    ]


MANAGING: dict[str, Callable[[Scope, int, Actor], object]] = {
    "reset": lambda scope, id, by: create_reset_link(scope, id, by=by, now=NOW),
    "disable": lambda scope, id, by: disable_account(scope, id, by=by, now=NOW),
    "enable": lambda scope, id, by: enable_account(scope, id, by=by, now=NOW),
    "sessions": lambda scope, id, by: end_account_sessions(scope, id, by=by, now=NOW),
    "platform": lambda scope, id, by: set_platform_admin(scope, id, on=True, by=by, now=NOW),
}


@pytest.mark.parametrize("what", MANAGING)
def test_an_admin_has_no_power_over_whoever_reaches_beyond_their_organizations(what: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    beyond = [
        make_account("bo@example.com", roles={acme: Role.VIEWER, other: Role.VIEWER}),
        make_account("bo2@example.com", platform=True, roles={acme: Role.VIEWER}),
    ]
    for account in beyond:
        signed_in(account)
        with pytest.raises(
            ChangeRefused, match=rf"^{account.email} also has roles outside your organizations\. Remove"
        ):
            MANAGING[what](scope(acme), account.id, by)

    assert [sessions(account) for account in beyond] == [1, 1]
    assert db.session.scalars(select(OneTimeLink.id)).all() == []
    assert trail() == []


@pytest.mark.parametrize("what", [*MANAGING, "role"])
def test_an_admin_does_not_find_accounts_outside(what: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    outside = [make_account(roles={other: Role.VIEWER}).id, make_account(platform=True).id, make_account().id, 999]

    def change(scope: Scope, id: int, by: Actor) -> object:
        return change_role(scope, id, acme.id, Role.ADMIN, by=by, now=NOW)

    for id in outside:
        with pytest.raises(AccountNotFound, match=rf"^There is no account {id}\.$"):
            MANAGING.get(what, change)(scope(acme), id, by)
    with pytest.raises(AccountNotFound):
        MANAGING.get(what, change)(EVERYTHING, 999, SHELL)

    assert trail() == []


@pytest.mark.parametrize("what", ["reset", "disable", "enable", "sessions"])
def test_an_admin_has_all_power_over_those_who_are_theirs_alone(what: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    by = actor(make_account(roles={acme: Role.ADMIN}))
    bo, both = make_account(roles={acme: Role.ADMIN}), make_account(roles={acme: Role.VIEWER, other: Role.VIEWER})

    MANAGING[what](scope(acme), bo.id, by)
    MANAGING[what](scope(acme, other), both.id, by)
