"""People and the links by which they come in: who may do what to whom, and what ends with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_account, make_organization
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions import accounts
from voiceadmin.accounts.actions.accounts import NOT_GOOD, Grant
from voiceadmin.accounts.actions.sessions import REFUSED, create_session, sign_in
from voiceadmin.accounts.models import Account, AccountSession, Membership, OneTimeLink
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.accounts.types import LinkPurpose
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import (
    AccountNotFound,
    ChangeRefused,
    LinkNotFound,
    LinkRefused,
    OrganizationNotFound,
    Problem,
    RateLimited,
    SignInRefused,
)
from voiceadmin.identity import EVERYTHING, NOTHING, Actor, ActorKind, Requester, Role, Scope, anonymous_requester
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("store")

SECOND = timedelta(seconds=1)
HOME = "203.0.113.7"
VISITOR = Actor(ActorKind.ANONYMOUS, None, "", HOME)
NEW = "a new one of 2026"


def actor(account: Account) -> Actor:
    return Actor(ActorKind.ACCOUNT, account.id, account.email, HOME)


def scope(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


def come_in(
    token: str, *, email: str = "ada@example.com", name: str = "Ada", password: str = NEW, now: datetime = NOW
) -> Requester:
    """Use a link: whoever that lets in."""
    session = accounts.join(token, email=email, name=name, password=password, by=VISITOR, user_agent="x", now=now)
    found = find_session(session, HOME)
    assert found is not None
    return found


def signed_in(account: Account) -> str:
    with write_transaction():
        return create_session(account.id, address=HOME, user_agent="x", now=NOW)


def sessions(account: Account) -> int:
    db.session.rollback()
    found = select(func.count()).select_from(AccountSession).where(AccountSession.account_id == account.id)
    return db.session.scalar(found) or 0


def roles(account: Account) -> dict[int, int]:
    db.session.rollback()
    found = select(Membership.organization_id, Membership.role).where(Membership.account_id == account.id)
    return {row.organization_id: row.role for row in db.session.execute(found)}


def trail() -> list[AuditEventRow]:
    """All lines, the oldest first."""
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


def told() -> list[tuple[Any, ...]]:
    """Word, actor, object, organization, before and after of each line."""
    return [
        (row.event_type, row.actor_name, row.object_name, row.organization_id, row.before, row.after) for row in trail()
    ]


def invited(email: str, grant: Grant, now: datetime = NOW) -> str:
    return accounts.invite(EVERYTHING, email, grant, by=SHELL, now=now)


def at(organization: Organization, role: Role = Role.VIEWER) -> Grant:
    return Grant(organization.id, role)


PLATFORM = Grant(None, Role.PLATFORM)


# The first account


def test_the_first_account_is_an_admin_of_the_platform() -> None:
    token = accounts.create_setup_link(by=SHELL, now=NOW)

    requester = come_in(token, email="Ada@example.com", name="  Ada L.  ")

    assert requester.global_role is Role.PLATFORM
    assert requester.account_id is not None
    account = get_account(EVERYTHING, requester.account_id)
    assert (account.email, account.name, account.platform, account.created_at) == (
        "Ada@example.com",
        "Ada L.",
        True,
        NOW,
    )
    sign_in("ada@example.com", NEW, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    assert told()[:2] == [
        (AuditEventType.LINK_CREATED, "tester", "", None, None, {"purpose": "setup"}),
        (
            AuditEventType.ACCOUNT_CREATED,
            "Ada@example.com",
            "Ada@example.com",
            None,
            None,
            {"email": "Ada@example.com", "platform": True},
        ),
    ]
    assert trail()[1].note == "by the set-up link"
    assert trail()[1].address == HOME


def test_a_set_up_link_works_once() -> None:
    token = accounts.create_setup_link(by=SHELL, now=NOW)
    come_in(token)

    with pytest.raises(LinkRefused) as refused:
        come_in(token, email="bo@example.com")
    assert str(refused.value) == NOT_GOOD
    with pytest.raises(ChangeRefused, match=r"^The store has accounts already; an admin invites others\.$"):
        accounts.create_setup_link(by=SHELL, now=NOW)


def test_a_set_up_link_is_void_after_a_newer_one_and_after_the_first_account() -> None:
    older, newer = (accounts.create_setup_link(by=SHELL, now=NOW) for _ in range(2))
    with pytest.raises(LinkRefused):
        come_in(older)
    assert find_link(newer, NOW) is not None

    make_account()

    assert find_link(newer, NOW) is None
    with pytest.raises(LinkRefused):
        come_in(newer)


@pytest.mark.parametrize(
    ("purpose", "lives"),
    [
        (LinkPurpose.SETUP, timedelta(minutes=30)),
        (LinkPurpose.INVITATION, timedelta(days=7)),
        (LinkPurpose.RESET, timedelta(hours=24)),
    ],
)
def test_a_link_lives_as_long_as_its_purpose_says(purpose: LinkPurpose, lives: timedelta) -> None:
    if purpose is LinkPurpose.SETUP:
        token = accounts.create_setup_link(by=SHELL, now=NOW)
    elif purpose is LinkPurpose.INVITATION:
        token = invited("ada@example.com", PLATFORM)
    else:
        token = accounts.create_reset_link(EVERYTHING, make_account("ada@example.com").id, by=SHELL, now=NOW)

    with pytest.raises(LinkRefused):
        come_in(token, now=NOW + lives)
    come_in(token, now=NOW + lives - SECOND)


def test_two_who_set_up_at_the_same_time_make_one_admin(store: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = accounts.create_setup_link(by=SHELL, now=NOW)
    together, hashed = threading.Barrier(2), passwords.password_hash

    def both(password: str) -> str:
        together.wait(10)
        return hashed(password)

    monkeypatch.setattr(passwords, "password_hash", both)

    def go(email: str) -> str:
        with store.app_context():
            try:
                come_in(token, email=email)
            except LinkRefused as refused:
                return str(refused)
            return "in"

    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(go, ["ada@example.com", "bo@example.com"]))

    assert sorted(came) == [NOT_GOOD, "in"]
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


def test_of_two_set_up_links_used_at_the_same_time_one_is_refused(
    store: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [accounts.create_setup_link(by=SHELL, now=NOW) for _ in range(2)]
    with write_transaction():  # as two processes would have made them at the same time
        for link in db.session.scalars(select(OneTimeLink)):
            link.used_at = None
    together, hashed = threading.Barrier(2), passwords.password_hash
    monkeypatch.setattr(passwords, "password_hash", lambda password: (together.wait(10), hashed(password))[1])

    def go(number: int) -> bool:
        with store.app_context():
            try:
                come_in(tokens[number], email=f"person{number}@example.com")
            except LinkRefused:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, range(2))) == [False, True]
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


@pytest.mark.parametrize(
    ("password", "fault"),
    [("short", "This has 5 letters."), ("ada@example.com", "This is a name"), ("password", "commonest")],
)
def test_a_password_that_will_not_do_leaves_the_link_good(password: str, fault: str) -> None:
    token = accounts.create_setup_link(by=SHELL, now=NOW)

    with pytest.raises(ChangeRefused, match=fault):
        come_in(token, password=password)

    assert come_in(token).global_role is Role.PLATFORM


@pytest.mark.parametrize("token", ["", "x" * 43, "\ud800", "a\0b"])
def test_what_is_no_link_is_refused(token: str) -> None:
    with pytest.raises(LinkRefused):
        come_in(token)


# Invitations


def test_an_invitation_makes_an_account_with_a_role() -> None:
    acme = make_organization("Acme")
    token = invited("Bo@example.com", at(acme, Role.OPERATOR))

    requester = come_in(token, email="somebody.else@example.com", name="")

    assert requester.actor.name == "Bo@example.com"
    assert (requester.roles, requester.global_role) == ({acme.id: Role.OPERATOR}, Role.ANYONE)
    made = {"email": "Bo@example.com", "platform": False}
    assert told() == [
        (
            AuditEventType.LINK_CREATED,
            "tester",
            "Bo@example.com",
            acme.id,
            None,
            {"purpose": "invitation", "role": "operator"},
        ),
        (AuditEventType.ACCOUNT_CREATED, "Bo@example.com", "Bo@example.com", acme.id, None, made),
        (
            AuditEventType.ROLE_CHANGED,
            "Bo@example.com",
            "Bo@example.com",
            acme.id,
            {"role": "none"},
            {"role": "operator"},
        ),
    ]
    assert trail()[1].note == "by an invitation"
    with pytest.raises(LinkRefused):
        come_in(token)


def test_an_invitation_to_the_platform_makes_an_admin_of_it() -> None:
    requester = come_in(invited("bo@example.com", PLATFORM))

    assert (requester.roles, requester.global_role) == ({}, Role.PLATFORM)
    assert told()[0][5] == {"purpose": "invitation", "role": "platform"}
    assert len(told()) == 2


def test_the_store_keeps_the_hash_of_a_link_alone() -> None:
    token = invited("bo@example.com", PLATFORM)

    dump = "\n".join(str(row) for table in db.metadata.sorted_tables for row in db.session.execute(select(table)))

    assert hash_token(token) in dump
    assert token not in dump


def test_an_invitation_that_is_repeated_voids_the_earlier_one_for_the_same_alone() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    first = invited("Bo@example.com", at(acme))
    others = [
        invited("bo@example.com", at(other)),
        invited("bo@example.com", PLATFORM),
        invited("cy@example.com", at(acme)),
    ]

    again = invited("bo@EXAMPLE.com", at(acme, Role.ADMIN))

    assert find_link(first, NOW) is None
    assert all(find_link(token, NOW) for token in [*others, again])
    platform = invited("BO@example.com", PLATFORM)
    assert [find_link(token, NOW) is None for token in [*others, again, platform]] == [False, True, False, False, False]


def test_somebody_with_an_account_gives_its_password() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", name="Bo")
    before = signed_in(bo)
    token = invited("BO@example.com", at(acme, Role.ADMIN))
    link = find_link(token, NOW)
    assert link is not None
    assert link.has_account

    with pytest.raises(SignInRefused, match="not the password of this account"):
        come_in(token, password=NEW)
    requester = come_in(token, name="Eve", password=PASSWORD)

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.ADMIN})
    account = get_account(EVERYTHING, bo.id)
    assert account.name == "Bo"
    assert find_session(before, None) is None
    assert [row.event_type for row in trail()] == [
        AuditEventType.LINK_CREATED,
        AuditEventType.PASSWORD_CONFIRMATION_FAILED,
        AuditEventType.ROLE_CHANGED,
    ]
    assert (trail()[1].object_id, trail()[1].actor_id) == (bo.id, None)
    assert passwords.is_password(PASSWORD, db.session.get_one(Account, bo.id).password_hash)


def test_somebody_with_an_account_becomes_an_admin_of_the_platform_by_an_invitation() -> None:
    bo = make_account("bo@example.com")

    assert come_in(invited("bo@example.com", PLATFORM), password=PASSWORD).global_role is Role.PLATFORM

    assert told()[1:] == [
        (AuditEventType.ROLE_CHANGED, "bo@example.com", "bo@example.com", None, {"platform": False}, {"platform": True})
    ]
    come_in(invited("bo@example.com", PLATFORM), password=PASSWORD)
    assert sessions(bo) == 2
    assert len(told()) == 3


def test_tries_of_a_password_at_an_invitation_are_throttled() -> None:
    make_account("bo@example.com")
    token = invited("bo@example.com", PLATFORM)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            come_in(token, password="wrong")

    with pytest.raises(RateLimited):
        come_in(token, password=PASSWORD)


def test_a_disabled_account_joins_nothing() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", disabled_at=NOW)
    token = invited("bo@example.com", at(acme))

    with pytest.raises(SignInRefused):
        come_in(token, password=PASSWORD)

    assert roles(bo) == {}
    assert find_link(token, NOW) is not None


def test_an_account_that_is_disabled_while_its_password_is_looked_at_joins_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme = make_organization()
    bo = make_account("bo@example.com")
    token = invited("bo@example.com", at(acme))

    def slow(*_: object, **__: object) -> str:
        accounts.disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW)
        return ""

    monkeypatch.setattr(accounts, "_prove", slow)

    with pytest.raises(SignInRefused) as refused:
        come_in(token, password=PASSWORD)
    assert str(refused.value) == REFUSED
    assert roles(bo) == {}


def test_an_account_that_is_made_while_another_is_being_made_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = invited("bo@example.com", PLATFORM)

    def slow(*_: object, **__: object) -> str:
        make_account("bo@example.com")
        return passwords.password_hash(NEW)

    monkeypatch.setattr(accounts, "_prove", slow)

    with pytest.raises(LinkRefused):
        come_in(token)
    (account,) = db.session.scalars(select(Account)).all()
    assert not account.platform
    assert passwords.is_password(PASSWORD, account.password_hash)


def test_an_invitation_is_taken_back_once() -> None:
    acme = make_organization()
    token = invited("bo@example.com", at(acme))
    link = find_link(token, NOW)
    assert link is not None

    assert accounts.revoke_link(scope(acme), link.id, by=SHELL, now=NOW + SECOND) == "bo@example.com"

    with pytest.raises(LinkRefused):
        come_in(token)
    assert told()[1] == (AuditEventType.LINK_REVOKED, "tester", "bo@example.com", acme.id, None, None)
    assert trail()[1].at == NOW + SECOND
    with pytest.raises(LinkNotFound, match=r"^There is no such open invitation\.$"):
        accounts.revoke_link(EVERYTHING, link.id, by=SHELL, now=NOW)


def test_only_open_invitations_of_ones_own_organizations_are_taken_back() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    tokens = [invited("bo@example.com", grant) for grant in (at(other), PLATFORM)]
    tokens += [accounts.create_reset_link(EVERYTHING, make_account(roles={acme: Role.VIEWER}).id, by=SHELL, now=NOW)]
    ids = list(db.session.scalars(select(OneTimeLink.id).order_by(OneTimeLink.id)))

    for id in [*ids, 999]:
        with pytest.raises(LinkNotFound):
            accounts.revoke_link(scope(acme), id, by=SHELL, now=NOW)
    for id in (ids[2], 999):
        with pytest.raises(LinkNotFound):
            accounts.revoke_link(EVERYTHING, id, by=SHELL, now=NOW)

    assert all(find_link(token, NOW) for token in tokens)
    assert accounts.revoke_link(EVERYTHING, ids[1], by=SHELL, now=NOW) == "bo@example.com"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMIN])
def test_nobody_invites_beyond_their_organizations(role: Role) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = actor(make_account(roles={acme: Role.ADMIN}))

    for within, organization in ((scope(acme), other.id), (NOTHING, acme.id), (EVERYTHING, 999), (scope(acme), 999)):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {organization}\.$"):
            accounts.invite(within, "bo@example.com", Grant(organization, role), by=ada, now=NOW)
    with pytest.raises(ChangeRefused, match=r"^Only an admin of the platform can make others one\.$"):
        accounts.invite(scope(acme), "bo@example.com", PLATFORM, by=ada, now=NOW)

    assert db.session.scalars(select(OneTimeLink.id)).all() == []
    assert trail() == []
    accounts.invite(scope(acme), "bo@example.com", at(acme, role), by=ada, now=NOW)


# A new password


def test_a_reset_link_sets_a_password_and_ends_all_sessions() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.VIEWER})
    before = signed_in(bo)
    token = accounts.create_reset_link(scope(acme), bo.id, by=SHELL, now=NOW)

    requester = come_in(token, email="eve@example.com", name="Eve")

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.VIEWER})
    assert (sessions(bo), find_session(before, None)) == (1, None)
    assert get_account(EVERYTHING, bo.id).name == "Bo"
    with pytest.raises(SignInRefused):
        sign_in("bo@example.com", PASSWORD, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    sign_in("bo@example.com", NEW, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    assert told()[:2] == [
        (AuditEventType.LINK_CREATED, "tester", "bo@example.com", None, None, {"purpose": "reset"}),
        (AuditEventType.PASSWORD_CHANGED, "bo@example.com", "bo@example.com", None, None, None),
    ]
    assert trail()[1].note == "by a link"
    with pytest.raises(LinkRefused):
        come_in(token)


def test_a_reset_link_is_void_after_a_newer_one_for_the_same_account() -> None:
    bo, cy = make_account(), make_account()
    older, of_cy, newer = (
        accounts.create_reset_link(EVERYTHING, account.id, by=SHELL, now=NOW) for account in (bo, cy, bo)
    )

    assert [find_link(token, NOW) is None for token in (older, of_cy, newer)] == [True, False, False]


def test_no_link_is_made_for_a_disabled_account() -> None:
    bo = make_account("bo@example.com", disabled_at=NOW)

    with pytest.raises(ChangeRefused, match=r"^bo@example\.com is disabled\. Enable the account first\.$"):
        accounts.create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW)


# What shuts somebody out: it ends their sessions, and the links by which somebody could let them in otherwise


SHUTTING_OUT: dict[str, Callable[[Organization, Account], object]] = {
    "disabled": lambda acme, bo: accounts.disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW),
    "another role": lambda acme, bo: accounts.change_role(EVERYTHING, bo.id, acme.id, Role.ADMIN, by=SHELL, now=NOW),
    "no role": lambda acme, bo: accounts.change_role(EVERYTHING, bo.id, acme.id, None, by=SHELL, now=NOW),
    "platform": lambda acme, bo: accounts.set_platform_admin(EVERYTHING, bo.id, on=True, by=SHELL, now=NOW),
}


@pytest.mark.parametrize("what", SHUTTING_OUT)
def test_what_shuts_somebody_out_ends_sessions_and_voids_links_for_a_new_password(what: str) -> None:
    acme = make_organization()
    bo, cy = (make_account(roles={acme: Role.VIEWER}) for _ in range(2))
    tokens = {account: signed_in(account) for account in (bo, cy)}
    links = {account: accounts.create_reset_link(scope(acme), account.id, by=SHELL, now=NOW) for account in (bo, cy)}

    SHUTTING_OUT[what](acme, bo)

    assert find_session(tokens[bo], None) is None
    assert find_link(links[bo], NOW) is None
    assert find_session(tokens[cy], None) is not None
    assert find_link(links[cy], NOW) is not None
    with pytest.raises(LinkRefused):
        come_in(links[bo])


def test_what_changes_nothing_shuts_nobody_out_and_says_nothing() -> None:
    acme, other = make_organization(), make_organization()
    make_account(platform=True)
    bo, cy = make_account(roles={acme: Role.VIEWER}), make_account(platform=True, disabled_at=NOW)
    for account in (bo, cy):
        signed_in(account)

    accounts.change_role(EVERYTHING, bo.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)
    accounts.change_role(EVERYTHING, bo.id, other.id, None, by=SHELL, now=NOW)
    accounts.set_platform_admin(EVERYTHING, bo.id, on=False, by=SHELL, now=NOW)
    accounts.set_platform_admin(EVERYTHING, cy.id, on=True, by=SHELL, now=NOW)
    accounts.enable_account(EVERYTHING, bo.id, by=SHELL, now=NOW)
    accounts.disable_account(EVERYTHING, cy.id, by=SHELL, now=NOW)

    assert (sessions(bo), sessions(cy)) == (1, 1)
    assert trail() == []


# Roles


def test_roles_are_given_changed_and_taken_with_a_line_each() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account("bo@example.com", roles={other: Role.VIEWER})

    for role in (Role.VIEWER, Role.ADMIN, None):
        assert accounts.change_role(EVERYTHING, bo.id, acme.id, role, by=SHELL, now=NOW) == "bo@example.com"
        assert roles(bo) == {other.id: 1} | ({} if role is None else {acme.id: int(role)})

    changes = [("none", "viewer"), ("viewer", "admin"), ("admin", "none")]
    assert told() == [
        (AuditEventType.ROLE_CHANGED, "tester", "bo@example.com", acme.id, {"role": before}, {"role": after})
        for before, after in changes
    ]


def test_an_admin_changes_roles_at_home_even_of_those_who_have_others() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER, other: Role.ADMIN})
    root = make_account(platform=True, roles={acme: Role.VIEWER})

    accounts.change_role(scope(acme), bo.id, acme.id, Role.OPERATOR, by=SHELL, now=NOW)
    accounts.change_role(scope(acme), root.id, acme.id, None, by=SHELL, now=NOW)

    assert roles(bo) == {acme.id: 2, other.id: 3}
    assert roles(root) == {}


def test_an_admin_grants_nothing_elsewhere_and_makes_no_admins_of_the_platform() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER})

    for role in (Role.VIEWER, None):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {other.id}\.$"):
            accounts.change_role(scope(acme), bo.id, other.id, role, by=SHELL, now=NOW)
    for on in (True, False):
        with pytest.raises(ChangeRefused, match=r"^Only an admin of the platform can make others one\.$"):
            accounts.set_platform_admin(scope(acme), bo.id, on=on, by=SHELL, now=NOW)
    with pytest.raises(OrganizationNotFound):
        accounts.change_role(EVERYTHING, bo.id, 999, Role.VIEWER, by=SHELL, now=NOW)

    assert roles(bo) == {acme.id: 1}
    assert not get_account(EVERYTHING, bo.id).platform
    assert trail() == []


def test_an_admin_of_several_grants_in_each() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER})

    accounts.change_role(scope(acme, other), bo.id, other.id, Role.ADMIN, by=SHELL, now=NOW)

    assert roles(bo) == {acme.id: 1, other.id: 3}


def test_nobody_changes_their_own_role_or_disables_themselves() -> None:
    acme = make_organization()
    ada = make_account(platform=True, roles={acme: Role.ADMIN})
    make_account(platform=True)
    by = actor(ada)

    mine: list[tuple[Callable[[], str], str]] = [
        (lambda: accounts.change_role(EVERYTHING, ada.id, acme.id, Role.VIEWER, by=by, now=NOW), "role"),
        (lambda: accounts.change_role(EVERYTHING, ada.id, acme.id, None, by=by, now=NOW), "role"),
        (lambda: accounts.set_platform_admin(EVERYTHING, ada.id, on=False, by=by, now=NOW), "role"),
        (lambda: accounts.disable_account(EVERYTHING, ada.id, by=by, now=NOW), "account"),
    ]
    for refused, what in mine:
        with pytest.raises(ChangeRefused, match=rf"^This is your own {what}\. Ask another admin to change it\.$"):
            refused()

    assert (roles(ada), trail()) == ({acme.id: 3}, [])
    key = Actor(ActorKind.KEY, ada.id, "a key whose number is the same")
    accounts.change_role(EVERYTHING, ada.id, acme.id, Role.VIEWER, by=key, now=NOW)


def test_the_last_admin_of_the_platform_stays_one() -> None:
    last = make_account("ada@example.com", platform=True)
    make_account(platform=True, disabled_at=NOW)
    other = make_account()
    told_so = r"^ada@example\.com is the last admin of the platform\. Make somebody else one first\.$"

    with pytest.raises(ChangeRefused, match=told_so):
        accounts.set_platform_admin(EVERYTHING, last.id, on=False, by=SHELL, now=NOW)
    with pytest.raises(ChangeRefused, match=told_so):
        accounts.disable_account(EVERYTHING, last.id, by=SHELL, now=NOW)

    accounts.set_platform_admin(EVERYTHING, other.id, on=True, by=SHELL, now=NOW)
    accounts.set_platform_admin(EVERYTHING, last.id, on=False, by=SHELL, now=NOW)
    assert [get_account(EVERYTHING, account.id).platform for account in (last, other)] == [False, True]


@pytest.mark.parametrize("way", ["platform", "disable"])
def test_two_admins_who_take_it_from_one_another_at_the_same_time_leave_one(store: Flask, way: str) -> None:
    for _ in range(5):
        pair = [make_account(platform=True) for _ in range(2)]
        together = threading.Barrier(2)

        def go(number: int, pair: list[Account] = pair, together: threading.Barrier = together) -> bool:
            by, id = actor(pair[number]), pair[1 - number].id
            with store.app_context():
                together.wait(10)
                try:
                    if way == "platform":
                        accounts.set_platform_admin(EVERYTHING, id, on=False, by=by, now=NOW)
                    else:
                        accounts.disable_account(EVERYTHING, id, by=by, now=NOW)
                except ChangeRefused:
                    return False
                return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(go, range(2))) == [False, True]
        with write_transaction():
            for account in db.session.scalars(select(Account)):
                account.platform = False


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
        assert accounts.disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
        assert get_account(EVERYTHING, bo.id).disabled_at == NOW
        assert accounts.enable_account(EVERYTHING, bo.id, by=SHELL, now=NOW) == bo.email
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

    assert [accounts.end_account_sessions(scope(acme), bo.id, by=SHELL, now=NOW) for _ in range(2)] == [2, 0]

    assert (sessions(bo), sessions(cy)) == (0, 1)
    assert told() == [(AuditEventType.SESSION_ENDED, "tester", "bo@example.com", acme.id, None, {"sessions": 2})]


def test_the_sessions_of_everybody_are_ended() -> None:
    bo, cy = make_account(), make_account()
    for account in (bo, bo, cy):
        signed_in(account)

    assert accounts.end_all_sessions(by=SHELL, now=NOW) == 3

    assert (sessions(bo), sessions(cy)) == (0, 0)
    assert told() == [
        (AuditEventType.SESSION_ENDED, "tester", "everybody", None, None, {"sessions": 3, "accounts": 2}),
    ]


MANAGING: dict[str, Callable[[Scope, int, Actor], object]] = {
    "reset": lambda scope, id, by: accounts.create_reset_link(scope, id, by=by, now=NOW),
    "disable": lambda scope, id, by: accounts.disable_account(scope, id, by=by, now=NOW),
    "enable": lambda scope, id, by: accounts.enable_account(scope, id, by=by, now=NOW),
    "sessions": lambda scope, id, by: accounts.end_account_sessions(scope, id, by=by, now=NOW),
    "platform": lambda scope, id, by: accounts.set_platform_admin(scope, id, on=True, by=by, now=NOW),
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
        with pytest.raises(ChangeRefused, match=rf"^{account.email} has roles beyond your organizations\. Take away"):
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
        return accounts.change_role(scope, id, acme.id, Role.ADMIN, by=by, now=NOW)

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


# One's own password


def of(account: Account) -> Requester:
    found = find_session(signed_in(account), HOME)
    assert found is not None
    return found


def test_changing_the_password_ends_all_sessions_and_begins_one() -> None:
    bo = make_account("bo@example.com")
    requester, reset = of(bo), accounts.create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW)
    signed_in(bo)

    token = accounts.change_password(requester, PASSWORD, NEW, user_agent="y", now=NOW)

    found = find_session(token, HOME)
    assert found is not None
    assert found.session is not None
    assert (found.account_id, found.session.user_agent, found.session.address) == (bo.id, "y", HOME)
    assert sessions(bo) == 1
    assert find_link(reset, NOW) is None
    sign_in("bo@example.com", NEW, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    assert told()[1] == (AuditEventType.PASSWORD_CHANGED, "bo@example.com", "bo@example.com", None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "problem", "fault"),
    [
        ("wrong", NEW, SignInRefused, "not the password of this account"),
        (PASSWORD, "short", ChangeRefused, "This has 5 letters"),
        (PASSWORD, "BO@example.com", ChangeRefused, "This is a name"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    old: str, new: str, problem: type[Problem], fault: str
) -> None:
    bo = make_account("bo@example.com")
    requester = of(bo)

    with pytest.raises(problem, match=fault):
        accounts.change_password(requester, old, new, user_agent="y", now=NOW)

    assert sessions(bo) == 1
    assert passwords.is_password(PASSWORD, db.session.get_one(Account, bo.id).password_hash)


def test_an_account_is_found_by_its_e_mail() -> None:
    bo = make_account("Bo@example.com")

    assert accounts.find_account_id(" bo@EXAMPLE.com") == bo.id
    with pytest.raises(AccountNotFound, match=r"^There is no account of cy@example\.com\.$"):
        accounts.find_account_id("cy@example.com")


# What whoever loses their power leaves behind


@pytest.mark.parametrize("way", ["disabled", "another role", "platform admin no longer"])
def test_links_that_somebody_made_are_void_when_they_lose_their_power(way: str) -> None:
    acme, admin = make_organization("Acme"), make_account(platform=True)
    make_account(platform=True)
    token = accounts.invite(EVERYTHING, "friend@example.com", Grant(acme.id, Role.ADMIN), by=actor(admin), now=NOW)
    kept = accounts.invite(EVERYTHING, "friend@example.com", Grant(None, Role.PLATFORM), by=SHELL, now=NOW)

    if way == "disabled":
        accounts.disable_account(EVERYTHING, admin.id, by=SHELL, now=NOW)
    elif way == "another role":
        accounts.change_role(EVERYTHING, admin.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)
    else:
        accounts.set_platform_admin(EVERYTHING, admin.id, on=False, by=SHELL, now=NOW)

    assert find_link(token, NOW) is None
    assert find_link(kept, NOW) is not None


@pytest.mark.parametrize(
    ("held", "offered", "then"),
    [(Role.ADMIN, Role.VIEWER, Role.ADMIN), (Role.VIEWER, Role.OPERATOR, Role.OPERATOR)],
    ids=["a smaller one", "a greater one"],
)
def test_an_invitation_never_takes_a_role_away(held: Role, offered: Role, then: Role) -> None:
    acme = make_organization("Acme")
    make_account("ada@example.com", roles={acme: held})
    token = accounts.invite(EVERYTHING, "ada@example.com", Grant(acme.id, offered), by=SHELL, now=NOW)

    ada = come_in(token, password=PASSWORD)

    assert ada.roles == {acme.id: then}
