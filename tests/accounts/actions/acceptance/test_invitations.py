"""Accepting invitations, with and without an existing account."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.accounts.actions.scenario import (
    NEW_PASSWORD,
    PLATFORM,
    count_sessions,
    grant_at,
    invite,
    list_audit_events,
    read_roles,
    start_session,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_account, make_organization
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions import acceptance
from voiceadmin.accounts.actions.sessions import SIGN_IN_REFUSED
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import LinkRefused, RateLimited, SignInRefused
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("app")


def test_an_invitation_creates_an_account_with_a_role() -> None:
    acme = make_organization("Acme")
    token = invite("Bo@example.com", grant_at(acme, Role.OPERATOR))

    requester = use_link(token, email="other@example.com", name="")

    assert requester.actor.name == "Bo@example.com"
    assert (requester.roles, requester.global_role) == ({acme.id: Role.OPERATOR}, Role.ANYONE)
    created = {"email": "Bo@example.com", "platform": False, "link": "invitation"}
    assert summarize_audit_events() == [
        (
            AuditEventType.LINK_CREATED,
            "tester",
            "Bo@example.com",
            acme.id,
            None,
            {"purpose": "invitation", "role": "operator"},
        ),
        (AuditEventType.ACCOUNT_CREATED, "Bo@example.com", "Bo@example.com", acme.id, None, created),
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
        use_link(token)


def test_a_platform_invitation_creates_a_platform_admin() -> None:
    requester = use_link(invite("bo@example.com", PLATFORM))

    assert (requester.roles, requester.global_role) == ({}, Role.PLATFORM)
    assert summarize_audit_events()[0][5] == {"purpose": "invitation", "role": "platform"}
    assert [event[0] for event in summarize_audit_events()[1:]] == [
        AuditEventType.ACCOUNT_CREATED,
        AuditEventType.INVITATION_ACCEPTED,
    ]
    assert summarize_audit_events()[2][4:] == ({"platform": False}, {"platform": True})


def test_the_database_stores_only_the_hash_of_a_link() -> None:
    token = invite("bo@example.com", PLATFORM)

    dump = "\n".join(str(row) for table in db.metadata.sorted_tables for row in db.session.execute(select(table)))

    assert hash_token(token) in dump
    assert token not in dump


def test_a_repeated_invitation_voids_only_the_earlier_one_with_the_same_grant() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    first = invite("Bo@example.com", grant_at(acme))
    others = [
        invite("bo@example.com", grant_at(other)),
        invite("bo@example.com", PLATFORM),
        invite("cy@example.com", grant_at(acme)),
    ]

    again = invite("bo@EXAMPLE.com", grant_at(acme, Role.ADMIN))

    assert find_link(first, NOW) is None
    assert all(find_link(token, NOW) for token in [*others, again])
    platform = invite("BO@example.com", PLATFORM)
    assert [find_link(token, NOW) is None for token in [*others, again, platform]] == [False, True, False, False, False]


def test_an_existing_account_accepts_an_invitation_with_its_password() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", name="Bo")
    before = start_session(bo)
    token = invite("BO@example.com", grant_at(acme, Role.ADMIN))
    link = find_link(token, NOW)
    assert link is not None
    assert link.has_account

    with pytest.raises(SignInRefused, match="not the password of your account"):
        use_link(token, password=NEW_PASSWORD)
    requester = use_link(token, name="Eve", password=PASSWORD)

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.ADMIN})
    account = get_account(EVERYTHING, bo.id)
    assert account.name == "Bo"
    assert find_session(before, None) is None
    assert [row.event_type for row in list_audit_events()] == [
        AuditEventType.LINK_CREATED,
        AuditEventType.PASSWORD_CONFIRMATION_FAILED,
        AuditEventType.INVITATION_ACCEPTED,
    ]
    assert (list_audit_events()[1].object_id, list_audit_events()[1].actor_id) == (bo.id, None)
    assert passwords.is_password(PASSWORD, db.session.get_one(Account, bo.id).password_hash)


def test_an_existing_account_becomes_platform_admin_by_an_invitation() -> None:
    bo = make_account("bo@example.com")

    assert use_link(invite("bo@example.com", PLATFORM), password=PASSWORD).global_role is Role.PLATFORM

    assert summarize_audit_events()[1:] == [
        (
            AuditEventType.INVITATION_ACCEPTED,
            "bo@example.com",
            "bo@example.com",
            None,
            {"platform": False},
            {"platform": True},
        )
    ]
    use_link(invite("bo@example.com", PLATFORM), password=PASSWORD)
    assert count_sessions(bo) == 2
    assert summarize_audit_events()[3:] == [
        (AuditEventType.INVITATION_ACCEPTED, "bo@example.com", "bo@example.com", None, None, None)
    ]


def test_password_attempts_at_an_invitation_are_rate_limited() -> None:
    make_account("bo@example.com")
    token = invite("bo@example.com", PLATFORM)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            use_link(token, password="wrong")

    with pytest.raises(RateLimited):
        use_link(token, password=PASSWORD)


def test_a_disabled_account_cannot_accept_an_invitation() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", disabled_at=NOW)
    token = invite("bo@example.com", grant_at(acme))

    with pytest.raises(SignInRefused):
        use_link(token, password=PASSWORD)

    assert read_roles(bo) == {}
    assert find_link(token, NOW) is not None


def test_an_account_disabled_during_the_password_check_cannot_accept_an_invitation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme = make_organization()
    bo = make_account("bo@example.com")
    token = invite("bo@example.com", grant_at(acme))

    def change_concurrently(*_: object, **__: object) -> str:
        disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW)
        return ""

    monkeypatch.setattr(acceptance, "_check_or_hash_password", change_concurrently)

    with pytest.raises(SignInRefused) as refused:
        use_link(token, password=PASSWORD)
    assert str(refused.value) == SIGN_IN_REFUSED
    assert read_roles(bo) == {}


def test_an_account_created_concurrently_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = invite("bo@example.com", PLATFORM)

    def change_concurrently(*_: object, **__: object) -> str:
        make_account("bo@example.com")
        return passwords.hash_password(NEW_PASSWORD)

    monkeypatch.setattr(acceptance, "_check_or_hash_password", change_concurrently)

    with pytest.raises(LinkRefused):
        use_link(token)
    (account,) = db.session.scalars(select(Account)).all()
    assert not account.platform
    assert passwords.is_password(PASSWORD, account.password_hash)


@pytest.mark.parametrize(
    ("current", "offered", "result"),
    [(Role.ADMIN, Role.VIEWER, Role.ADMIN), (Role.VIEWER, Role.OPERATOR, Role.OPERATOR)],
    ids=["a lower role", "a higher role"],
)
def test_an_invitation_never_lowers_a_role(current: Role, offered: Role, result: Role) -> None:
    acme = make_organization("Acme")
    make_account("ada@example.com", roles={acme: current})
    token = create_invitation(EVERYTHING, "ada@example.com", Grant(acme.id, offered), by=SHELL, now=NOW)

    ada = use_link(token, password=PASSWORD)

    assert ada.roles == {acme.id: result}


def test_an_invitation_to_the_role_that_an_account_has_changes_nothing_and_keeps_its_sessions() -> None:
    acme = make_organization("Acme")
    ada = make_account("ada@example.com", roles={acme: Role.OPERATOR})
    before = start_session(ada)

    use_link(invite("ada@example.com", grant_at(acme, Role.OPERATOR)), password=PASSWORD)

    assert find_session(before, None) is not None
    assert summarize_audit_events()[1:] == [
        (AuditEventType.INVITATION_ACCEPTED, "ada@example.com", "ada@example.com", acme.id, None, None)
    ]
