"""Accepting an invitation to several organizations."""

from __future__ import annotations

import pytest

from tests.accounts.actions.scenario import (
    ANONYMOUS,
    NEW_PASSWORD,
    actor,
    grant_at,
    list_audit_events,
    read_roles,
    scope,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_account, make_organization
from voiceadmin.accounts.actions import acceptance
from voiceadmin.accounts.actions.acceptance import Acceptance, accept_link
from voiceadmin.accounts.actions.links import revoke_invitation
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.passwords import hash_password
from voiceadmin.accounts.queries.accounts import list_invitations
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import LinkRefused
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def acme(app: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def other(app: object) -> Organization:
    return make_organization("Other")


@pytest.fixture
def ada(acme: Organization, other: Organization) -> Account:
    """Return the admin who invites."""
    return make_account("ada@example.com", roles={acme: Role.ADMIN, other: Role.ADMIN})


@pytest.fixture
def token(ada: Account, acme: Organization, other: Organization) -> str:
    """Return the token of an invitation of bo@example.com to both organizations."""
    grants = [grant_at(acme, Role.OPERATOR), grant_at(other, Role.ADMIN)]
    return create_invitation(scope(acme, other), "bo@example.com", *grants, by=actor(ada), now=NOW)


def accept(token: str) -> Acceptance:
    return accept_link(token, email="", name="Bo", password=NEW_PASSWORD, by=ANONYMOUS, user_agent="x", now=NOW)


def test_one_link_grants_all_roles_to_a_new_account(token: str, acme: Organization, other: Organization) -> None:
    accepted = accept(token)

    requester = find_session(accepted.session_token, None)
    assert requester is not None
    assert requester.roles == {acme.id: Role.OPERATOR, other.id: Role.ADMIN}
    assert accepted.void_organizations == []
    created = {"email": "bo@example.com", "platform": False, "link": "invitation"}
    bo, none = "bo@example.com", {"role": "none"}
    assert summarize_audit_events()[2:] == [
        (AuditEventType.ACCOUNT_CREATED, bo, bo, None, None, created),
        (AuditEventType.INVITATION_ACCEPTED, bo, bo, acme.id, none, {"role": "operator"}),
        (AuditEventType.INVITATION_ACCEPTED, bo, bo, other.id, none, {"role": "admin"}),
    ]
    with pytest.raises(LinkRefused):
        accept(token)


def test_one_link_raises_the_roles_of_an_account_and_lowers_none(
    token: str, acme: Organization, other: Organization
) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.ADMIN, other: Role.VIEWER})

    requester = use_link(token, password=PASSWORD)

    assert requester.roles == {acme.id: Role.ADMIN, other.id: Role.ADMIN}
    assert read_roles(bo) == {acme.id: Role.ADMIN, other.id: Role.ADMIN}


@pytest.mark.parametrize("is_revoked", [True, False], ids=["revoked", "the creator is no longer an admin"])
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "during the password check"])
def test_an_organization_in_which_the_invitation_is_void_is_not_granted_but_named(
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    ada: Account,
    acme: Organization,
    other: Organization,
    is_revoked: bool,
    is_late: bool,
) -> None:
    def make_void(*_: object, **__: object) -> str:
        if is_revoked:
            (link,) = list_invitations(scope(acme), NOW)
            revoke_invitation(scope(acme), link.id, by=SHELL, now=NOW)
        else:
            change_role(EVERYTHING, ada.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)
        return hash_password(NEW_PASSWORD)

    if is_late:
        monkeypatch.setattr(acceptance, "_check_or_hash_password", make_void)
    else:
        make_void()
    accepted = accept(token)

    assert accepted.void_organizations == ["Acme"]
    requester = find_session(accepted.session_token, None)
    assert requester is not None
    assert requester.roles == {other.id: Role.ADMIN}
    events = [row for row in list_audit_events() if row.actor_name == "bo@example.com"]
    assert {row.organization_id for row in events} == {other.id}


def test_a_link_that_is_void_in_all_organizations_is_refused(
    token: str, ada: Account, acme: Organization, other: Organization
) -> None:
    for organization in (acme, other):
        change_role(EVERYTHING, ada.id, organization.id, None, by=SHELL, now=NOW)

    with pytest.raises(LinkRefused):
        accept(token)
    db.session.rollback()
    assert [account.email for account in db.session.query(Account)] == ["ada@example.com"]
