"""Setup links and the first account; the validity of all links."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.accounts.actions.scenario import (
    ADDRESS,
    NEW_PASSWORD,
    PLATFORM,
    SECOND,
    invite,
    list_audit_events,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import make_account
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions import acceptance
from voiceadmin.accounts.actions.acceptance import LINK_REFUSED
from voiceadmin.accounts.actions.links import create_reset_link, create_setup_link
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.accounts.types import LinkPurpose
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, LinkRefused
from voiceadmin.identity import EVERYTHING, Role

pytestmark = pytest.mark.usefixtures("app")


def test_the_first_account_is_a_platform_admin() -> None:
    token = create_setup_link(by=SHELL, now=NOW)

    requester = use_link(token, email="Ada@example.com", name="  Ada L.  ")

    assert requester.global_role is Role.PLATFORM
    assert requester.account_id is not None
    account = get_account(EVERYTHING, requester.account_id)
    assert (account.email, account.name, account.platform, account.created_at) == (
        "Ada@example.com",
        "Ada L.",
        True,
        NOW,
    )
    sign_in("ada@example.com", NEW_PASSWORD, address=ADDRESS, user_agent="x", idle=SECOND, now=NOW)
    assert summarize_audit_events()[:2] == [
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
    assert list_audit_events()[1].address == ADDRESS


def test_a_setup_link_works_once() -> None:
    token = create_setup_link(by=SHELL, now=NOW)
    use_link(token)

    with pytest.raises(LinkRefused) as refused:
        use_link(token, email="bo@example.com")
    assert str(refused.value) == LINK_REFUSED
    with pytest.raises(ChangeRefused, match=r"^There are accounts already\. An admin invites other people\.$"):
        create_setup_link(by=SHELL, now=NOW)


def test_a_setup_link_is_void_after_a_newer_one_and_after_the_first_account() -> None:
    older, newer = (create_setup_link(by=SHELL, now=NOW) for _ in range(2))
    with pytest.raises(LinkRefused):
        use_link(older)
    assert find_link(newer, NOW) is not None

    make_account()

    assert find_link(newer, NOW) is None
    with pytest.raises(LinkRefused):
        use_link(newer)


@pytest.mark.parametrize(
    ("purpose", "lifetime"),
    [
        (LinkPurpose.SETUP, timedelta(minutes=30)),
        (LinkPurpose.INVITATION, timedelta(days=7)),
        (LinkPurpose.RESET, timedelta(hours=24)),
    ],
)
def test_the_lifetime_of_a_link_depends_on_its_purpose(purpose: LinkPurpose, lifetime: timedelta) -> None:
    if purpose is LinkPurpose.SETUP:
        token = create_setup_link(by=SHELL, now=NOW)
    elif purpose is LinkPurpose.INVITATION:
        token = invite("ada@example.com", PLATFORM)
    else:
        token = create_reset_link(EVERYTHING, make_account("ada@example.com").id, by=SHELL, now=NOW)

    with pytest.raises(LinkRefused):
        use_link(token, now=NOW + lifetime)
    use_link(token, now=NOW + lifetime - SECOND)


def test_two_concurrent_setups_create_one_admin(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = create_setup_link(by=SHELL, now=NOW)
    barrier, hash_password = threading.Barrier(2), passwords.hash_password

    def hash_together(password: str) -> str:
        barrier.wait(10)
        return hash_password(password)

    monkeypatch.setattr(acceptance, "hash_password", hash_together)

    def accept(email: str) -> str:
        with app.app_context():
            try:
                use_link(token, email=email)
            except LinkRefused as refused:
                return str(refused)
            return "accepted"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(accept, ["ada@example.com", "bo@example.com"]))

    assert sorted(results) == [LINK_REFUSED, "accepted"]
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


def test_one_of_two_setup_links_used_concurrently_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [create_setup_link(by=SHELL, now=NOW) for _ in range(2)]
    with write_transaction():  # as if two processes had created them concurrently
        for link in db.session.scalars(select(OneTimeLink)):
            link.used_at = None
    barrier, hash_password = threading.Barrier(2), passwords.hash_password
    monkeypatch.setattr(acceptance, "hash_password", lambda password: (barrier.wait(10), hash_password(password))[1])

    def accept(number: int) -> bool:
        with app.app_context():
            try:
                use_link(tokens[number], email=f"person{number}@example.com")
            except LinkRefused:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(accept, range(2))) == [False, True]
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


@pytest.mark.parametrize(
    ("password", "fault"),
    [("short", "This has 5 characters."), ("ada@example.com", "This is a name"), ("password", "most common")],
)
def test_a_weak_password_is_refused_and_the_link_stays_valid(password: str, fault: str) -> None:
    token = create_setup_link(by=SHELL, now=NOW)

    with pytest.raises(ChangeRefused, match=fault):
        use_link(token, password=password)

    assert use_link(token).global_role is Role.PLATFORM


@pytest.mark.parametrize("token", ["", "x" * 43, "\ud800", "a\0b"])
def test_an_unknown_link_is_refused(token: str) -> None:
    with pytest.raises(LinkRefused):
        use_link(token)
