"""Accepting links: the first account, invitations and new passwords."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.accounts.actions.scenario import (
    HOME,
    NEW,
    PLATFORM,
    SECOND,
    at,
    come_in,
    invited,
    roles,
    scope,
    sessions,
    signed_in,
    told,
    trail,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_account, make_organization
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions import acceptance
from voiceadmin.accounts.actions.acceptance import LINK_REFUSED
from voiceadmin.accounts.actions.links import create_invitation, create_reset_link, create_setup_link
from voiceadmin.accounts.actions.sessions import SIGN_IN_REFUSED, sign_in
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.accounts.types import Grant, LinkPurpose
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import (
    ChangeRefused,
    LinkRefused,
    RateLimited,
    SignInRefused,
)
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("store")


# The first account


def test_the_first_account_is_an_admin_of_the_platform() -> None:
    token = create_setup_link(by=SHELL, now=NOW)

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
            {"email": "Ada@example.com", "platform": True, "link": "setup"},
        ),
    ]
    assert trail()[1].address == HOME


def test_a_set_up_link_works_once() -> None:
    token = create_setup_link(by=SHELL, now=NOW)
    come_in(token)

    with pytest.raises(LinkRefused) as refused:
        come_in(token, email="bo@example.com")
    assert str(refused.value) == LINK_REFUSED
    with pytest.raises(ChangeRefused, match=r"^There are accounts already\. An admin invites other people\.$"):
        create_setup_link(by=SHELL, now=NOW)


def test_a_set_up_link_is_void_after_a_newer_one_and_after_the_first_account() -> None:
    older, newer = (create_setup_link(by=SHELL, now=NOW) for _ in range(2))
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
        token = create_setup_link(by=SHELL, now=NOW)
    elif purpose is LinkPurpose.INVITATION:
        token = invited("ada@example.com", PLATFORM)
    else:
        token = create_reset_link(EVERYTHING, make_account("ada@example.com").id, by=SHELL, now=NOW)

    with pytest.raises(LinkRefused):
        come_in(token, now=NOW + lives)
    come_in(token, now=NOW + lives - SECOND)


def test_two_who_set_up_at_the_same_time_make_one_admin(store: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = create_setup_link(by=SHELL, now=NOW)
    together, hashed = threading.Barrier(2), passwords.hash_password

    def both(password: str) -> str:
        together.wait(10)
        return hashed(password)

    monkeypatch.setattr(acceptance, "hash_password", both)

    def go(email: str) -> str:
        with store.app_context():
            try:
                come_in(token, email=email)
            except LinkRefused as refused:
                return str(refused)
            return "in"

    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(go, ["ada@example.com", "bo@example.com"]))

    assert sorted(came) == [LINK_REFUSED, "in"]
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


def test_of_two_set_up_links_used_at_the_same_time_one_is_refused(
    store: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [create_setup_link(by=SHELL, now=NOW) for _ in range(2)]
    with write_transaction():  # as two processes would have made them at the same time
        for link in db.session.scalars(select(OneTimeLink)):
            link.used_at = None
    together, hashed = threading.Barrier(2), passwords.hash_password
    monkeypatch.setattr(acceptance, "hash_password", lambda password: (together.wait(10), hashed(password))[1])

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
    [("short", "This has 5 characters."), ("ada@example.com", "This is a name"), ("password", "most common")],
)
def test_a_password_that_will_not_do_leaves_the_link_good(password: str, fault: str) -> None:
    token = create_setup_link(by=SHELL, now=NOW)

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
    made = {"email": "Bo@example.com", "platform": False, "link": "invitation"}
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
            AuditEventType.INVITATION_ACCEPTED,
            "Bo@example.com",
            "Bo@example.com",
            acme.id,
            {"role": "none"},
            {"role": "operator"},
        ),
    ]
    with pytest.raises(LinkRefused):
        come_in(token)


def test_an_invitation_to_the_platform_makes_an_admin_of_it() -> None:
    requester = come_in(invited("bo@example.com", PLATFORM))

    assert (requester.roles, requester.global_role) == ({}, Role.PLATFORM)
    assert told()[0][5] == {"purpose": "invitation", "role": "platform"}
    assert [event[0] for event in told()[1:]] == [
        AuditEventType.ACCOUNT_CREATED,
        AuditEventType.INVITATION_ACCEPTED,
    ]
    assert told()[2][4:] == ({"platform": False}, {"platform": True})


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

    with pytest.raises(SignInRefused, match="not the password of your account"):
        come_in(token, password=NEW)
    requester = come_in(token, name="Eve", password=PASSWORD)

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.ADMIN})
    account = get_account(EVERYTHING, bo.id)
    assert account.name == "Bo"
    assert find_session(before, None) is None
    assert [row.event_type for row in trail()] == [
        AuditEventType.LINK_CREATED,
        AuditEventType.PASSWORD_CONFIRMATION_FAILED,
        AuditEventType.INVITATION_ACCEPTED,
    ]
    assert (trail()[1].object_id, trail()[1].actor_id) == (bo.id, None)
    assert passwords.is_password(PASSWORD, db.session.get_one(Account, bo.id).password_hash)


def test_somebody_with_an_account_becomes_an_admin_of_the_platform_by_an_invitation() -> None:
    bo = make_account("bo@example.com")

    assert come_in(invited("bo@example.com", PLATFORM), password=PASSWORD).global_role is Role.PLATFORM

    assert told()[1:] == [
        (
            AuditEventType.INVITATION_ACCEPTED,
            "bo@example.com",
            "bo@example.com",
            None,
            {"platform": False},
            {"platform": True},
        )
    ]
    come_in(invited("bo@example.com", PLATFORM), password=PASSWORD)
    assert sessions(bo) == 2
    assert told()[3:] == [(AuditEventType.INVITATION_ACCEPTED, "bo@example.com", "bo@example.com", None, None, None)]


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
        disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW)
        return ""

    monkeypatch.setattr(acceptance, "_check_or_hash_password", slow)

    with pytest.raises(SignInRefused) as refused:
        come_in(token, password=PASSWORD)
    assert str(refused.value) == SIGN_IN_REFUSED
    assert roles(bo) == {}


def test_an_account_that_is_made_while_another_is_being_made_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = invited("bo@example.com", PLATFORM)

    def slow(*_: object, **__: object) -> str:
        make_account("bo@example.com")
        return passwords.hash_password(NEW)

    monkeypatch.setattr(acceptance, "_check_or_hash_password", slow)

    with pytest.raises(LinkRefused):
        come_in(token)
    (account,) = db.session.scalars(select(Account)).all()
    assert not account.platform
    assert passwords.is_password(PASSWORD, account.password_hash)


# A new password


def test_a_reset_link_sets_a_password_and_ends_all_sessions() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.VIEWER})
    before = signed_in(bo)
    token = create_reset_link(scope(acme), bo.id, by=SHELL, now=NOW)

    requester = come_in(token, email="eve@example.com", name="Eve")

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.VIEWER})
    assert (sessions(bo), find_session(before, None)) == (1, None)
    assert get_account(EVERYTHING, bo.id).name == "Bo"
    with pytest.raises(SignInRefused):
        sign_in("bo@example.com", PASSWORD, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    sign_in("bo@example.com", NEW, address=HOME, user_agent="x", idle=SECOND, now=NOW)
    assert told()[:2] == [
        (AuditEventType.LINK_CREATED, "tester", "bo@example.com", None, None, {"purpose": "reset"}),
        (AuditEventType.PASSWORD_CHANGED, "bo@example.com", "bo@example.com", None, None, {"link": "reset"}),
    ]
    with pytest.raises(LinkRefused):
        come_in(token)


@pytest.mark.parametrize(
    ("held", "offered", "then"),
    [(Role.ADMIN, Role.VIEWER, Role.ADMIN), (Role.VIEWER, Role.OPERATOR, Role.OPERATOR)],
    ids=["a smaller one", "a greater one"],
)
def test_an_invitation_never_takes_a_role_away(held: Role, offered: Role, then: Role) -> None:
    acme = make_organization("Acme")
    make_account("ada@example.com", roles={acme: held})
    token = create_invitation(EVERYTHING, "ada@example.com", Grant(acme.id, offered), by=SHELL, now=NOW)

    ada = come_in(token, password=PASSWORD)

    assert ada.roles == {acme.id: then}
