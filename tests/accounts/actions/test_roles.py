"""Changing roles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from tests.accounts.actions.scenario import actor, list_audit_events, read_roles, scope, summarize_audit_events
from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role

pytestmark = pytest.mark.usefixtures("app")


def test_granting_changing_and_removing_a_role_records_an_event_each() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account("bo@example.com", roles={other: Role.VIEWER})

    for role in (Role.VIEWER, Role.ADMIN, None):
        assert change_role(EVERYTHING, bo.id, acme.id, role, by=SHELL, now=NOW) == "bo@example.com"
        assert read_roles(bo) == {other.id: 1} | ({} if role is None else {acme.id: int(role)})

    changes = [("none", "viewer"), ("viewer", "admin"), ("admin", "none")]
    assert summarize_audit_events() == [
        (AuditEventType.ROLE_CHANGED, "tester", "bo@example.com", acme.id, {"role": before}, {"role": after})
        for before, after in changes
    ]


def test_an_admin_changes_roles_in_the_own_organization_of_accounts_with_other_roles() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER, other: Role.ADMIN})
    root = make_account(platform=True, roles={acme: Role.VIEWER})

    change_role(scope(acme), bo.id, acme.id, Role.OPERATOR, by=SHELL, now=NOW)
    change_role(scope(acme), root.id, acme.id, None, by=SHELL, now=NOW)

    assert read_roles(bo) == {acme.id: 2, other.id: 3}
    assert read_roles(root) == {}


def test_an_admin_grants_no_role_elsewhere_and_creates_no_platform_admin() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER})

    for role in (Role.VIEWER, None):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {other.id}\.$"):
            change_role(scope(acme), bo.id, other.id, role, by=SHELL, now=NOW)
    for on in (True, False):
        with pytest.raises(ChangeRefused, match=r"^Only platform admins can grant the role of platform admin\.$"):
            set_platform_admin(scope(acme), bo.id, on=on, by=SHELL, now=NOW)
    with pytest.raises(OrganizationNotFound):
        change_role(EVERYTHING, bo.id, 999, Role.VIEWER, by=SHELL, now=NOW)

    assert read_roles(bo) == {acme.id: 1}
    assert not get_account(EVERYTHING, bo.id).platform
    assert list_audit_events() == []


def test_an_admin_of_several_organizations_grants_roles_in_each() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER})

    change_role(scope(acme, other), bo.id, other.id, Role.ADMIN, by=SHELL, now=NOW)

    assert read_roles(bo) == {acme.id: 1, other.id: 3}


def test_an_account_cannot_change_its_own_role_or_disable_itself() -> None:
    acme = make_organization()
    ada = make_account(platform=True, roles={acme: Role.ADMIN})
    make_account(platform=True)
    by = actor(ada)

    own_changes: list[tuple[Callable[[], str], str]] = [
        (lambda: change_role(EVERYTHING, ada.id, acme.id, Role.VIEWER, by=by, now=NOW), "role"),
        (lambda: change_role(EVERYTHING, ada.id, acme.id, None, by=by, now=NOW), "role"),
        (lambda: set_platform_admin(EVERYTHING, ada.id, on=False, by=by, now=NOW), "role"),
        (lambda: disable_account(EVERYTHING, ada.id, by=by, now=NOW), "account"),
    ]
    for change, target in own_changes:
        with pytest.raises(ChangeRefused, match=rf"^This is your own {target}\. Ask another admin to change it\.$"):
            change()

    assert (read_roles(ada), list_audit_events()) == ({acme.id: 3}, [])
    key = Actor(ActorKind.KEY, ada.id, "a key with the same id")
    change_role(EVERYTHING, ada.id, acme.id, Role.VIEWER, by=key, now=NOW)


def test_the_last_platform_admin_cannot_be_removed() -> None:
    last = make_account("ada@example.com", platform=True)
    make_account(platform=True, disabled_at=NOW)
    other = make_account()
    message = r"^ada@example\.com is the last platform admin\. Make another account a platform admin first\.$"

    with pytest.raises(ChangeRefused, match=message):
        set_platform_admin(EVERYTHING, last.id, on=False, by=SHELL, now=NOW)
    with pytest.raises(ChangeRefused, match=message):
        disable_account(EVERYTHING, last.id, by=SHELL, now=NOW)

    set_platform_admin(EVERYTHING, other.id, on=True, by=SHELL, now=NOW)
    set_platform_admin(EVERYTHING, last.id, on=False, by=SHELL, now=NOW)
    assert [get_account(EVERYTHING, account.id).platform for account in (last, other)] == [False, True]


@pytest.mark.parametrize("change", ["platform", "disable"])
def test_two_platform_admins_who_remove_each_other_concurrently_leave_one(app: Flask, change: str) -> None:
    for _ in range(5):
        pair = [make_account(platform=True) for _ in range(2)]
        barrier = threading.Barrier(2)

        def remove_the_other(number: int, pair: list[Account] = pair, barrier: threading.Barrier = barrier) -> bool:
            by, id = actor(pair[number]), pair[1 - number].id
            with app.app_context():
                barrier.wait(10)
                try:
                    if change == "platform":
                        set_platform_admin(EVERYTHING, id, on=False, by=by, now=NOW)
                    else:
                        disable_account(EVERYTHING, id, by=by, now=NOW)
                except ChangeRefused:
                    return False
                return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove_the_other, range(2))) == [False, True]
        with write_transaction():
            for account in db.session.scalars(select(Account)):
                account.platform = False
