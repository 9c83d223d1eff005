"""Whoever comes with a secret is known by it, and by nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from tests.factories import DAY, LONG_AGO, make_account, make_organization
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link, find_session, has_account, has_any_account
from voiceadmin.accounts.types import LinkPurpose, OneTimeLinkRow
from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.api_keys.queries import find_api_key
from voiceadmin.api_keys.types import AuthenticatedKey
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, ActorKind, Requester, Role, SessionRow
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("store")

STRANGE = ["", "x", "x" * 43, "'; --", "\ud800", "a\0b", "%"]


def saved(*things: Base) -> int:
    """The id of the first."""
    with write_transaction():
        for thing in things:
            db.session.add(thing)
            db.session.flush()
        id: int = things[0].id  # type: ignore[attr-defined]
    return id


def begun(account: Account) -> str:
    with write_transaction():
        return create_session(account.id, address="198.51.100.1", user_agent="Firefox", now=LONG_AGO)


def make_link(purpose: LinkPurpose = LinkPurpose.INVITATION, **fields: Any) -> int:
    given = {"email": "bo@example.com", "created_at": NOW, "expires_at": NOW + DAY, "token_hash": hash_token("t")}
    return saved(OneTimeLink(purpose=purpose, **(given | fields)))


# Sessions


def test_a_session_is_a_person_with_all_of_their_roles() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    make_organization("Third")
    ada = make_account("Ada@example.com", roles={acme: Role.ADMIN, other: Role.VIEWER})

    requester = find_session(begun(ada), "203.0.113.7")

    assert requester == Requester(
        Actor(ActorKind.ACCOUNT, ada.id, "Ada@example.com", "203.0.113.7"),
        {acme.id: Role.ADMIN, other.id: Role.VIEWER},
        Role.ANYONE,
        SessionRow(1, ada.id, LONG_AGO, LONG_AGO, LONG_AGO, "198.51.100.1", "Firefox"),
    )


def test_an_admin_of_the_platform_is_one_everywhere() -> None:
    requester = find_session(begun(make_account(platform=True)), None)

    assert requester is not None
    assert (requester.roles, requester.global_role, requester.actor.address) == ({}, Role.PLATFORM, None)


def test_sessions_are_told_apart() -> None:
    ada, bo = make_account(), make_account()
    tokens = [begun(account) for account in (ada, bo, ada)]

    found = [find_session(token, None) for token in tokens]

    assert [requester and requester.account_id for requester in found] == [ada.id, bo.id, ada.id]
    assert [requester and requester.session and requester.session.id for requester in found] == [1, 2, 3]


def test_a_disabled_account_has_no_session() -> None:
    assert find_session(begun(make_account(disabled_at=NOW)), None) is None


@pytest.mark.parametrize("token", STRANGE)
def test_what_is_no_secret_finds_nothing(token: str) -> None:
    begun(make_account())
    make_link()
    saved(ApiKey(name="k", token_hash=hash_token("k"), hint="", created_by="", created_at=NOW))

    assert find_session(token, None) is None
    assert find_api_key(token) is None
    assert find_link(token, NOW) is None


def test_the_hash_itself_opens_nothing() -> None:
    token = begun(make_account())
    make_link()

    assert find_session(hash_token(token), None) is None
    assert find_link(hash_token("t"), NOW) is None


# Keys


@pytest.mark.parametrize("all_organizations", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_key_is_held_with_what_it_reads(all_organizations: bool, number: int) -> None:
    organizations = [make_organization() for _ in range(3)][:number]
    key = ApiKey(name="board", token_hash=hash_token("k"), hint="va_", created_by="ada", created_at=NOW)
    key.all_organizations, key.expires_at, key.last_used_at = all_organizations, NOW - DAY, LONG_AGO
    id = saved(key)
    for organization in organizations:
        saved_reading(id, organization)

    ids = frozenset(organization.id for organization in organizations)
    assert find_api_key("k") == AuthenticatedKey(id, "board", NOW - DAY, LONG_AGO, None if all_organizations else ids)


def saved_reading(key_id: int, organization: Organization) -> None:
    with write_transaction():
        db.session.add(ApiKeyOrganization(key_id=key_id, organization_id=organization.id))


def test_a_revoked_key_is_not_held() -> None:
    saved(ApiKey(name="k", token_hash=hash_token("k"), hint="", created_by="", created_at=NOW, revoked_at=NOW))

    assert find_api_key("k") is None


# Links


def test_an_invitation_says_to_what() -> None:
    acme = make_organization("Acme")
    id = make_link(organization_id=acme.id, role=2)

    assert find_link("t", NOW) == OneTimeLinkRow(
        id=id,
        purpose=LinkPurpose.INVITATION,
        email="bo@example.com",
        organization_id=acme.id,
        organization_name="Acme",
        role=Role.OPERATOR,
        platform=False,
        created_at=NOW,
        expires_at=NOW + DAY,
        account_id=None,
        has_account=False,
    )


def test_a_link_for_a_new_password_says_whose() -> None:
    bo = make_account("BO@example.com")
    make_link(LinkPurpose.RESET, account_id=bo.id)

    link = find_link("t", NOW)

    assert link is not None
    assert (link.purpose, link.account_id, link.has_account) == (LinkPurpose.RESET, bo.id, True)
    assert (link.role, link.organization_id, link.organization_name) == (None, None, None)


def test_a_link_is_open_until_it_expires_or_is_used() -> None:
    make_link(platform=True)

    assert [find_link("t", NOW + DAY + late) is None for late in (-timedelta(microseconds=1), timedelta(0))] == [
        False,
        True,
    ]
    with write_transaction():
        db.session.get_one(OneTimeLink, 1).used_at = NOW
    assert find_link("t", NOW) is None


def test_a_set_up_link_is_open_until_there_is_an_account() -> None:
    make_link(LinkPurpose.SETUP, email="")
    link = find_link("t", NOW)
    assert link is not None
    assert (link.purpose, link.has_account) == (LinkPurpose.SETUP, False)

    make_account("other@example.com", disabled_at=NOW)

    assert find_link("t", NOW) is None


def test_whether_there_is_an_account_is_told() -> None:
    assert (has_any_account(), has_account("ada@example.com")) == (False, False)

    make_account("Ada@example.com")

    assert (has_any_account(), has_account(" ADA@example.com"), has_account("a@example.com")) == (True, True, False)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_a_role_is_read_back_as_the_one_that_was_written(role: Role) -> None:
    organizations = [make_organization() for _ in range(12)]
    ada = make_account(roles=dict.fromkeys(organizations, role))

    requester = find_session(begun(ada), None)

    assert requester is not None
    assert requester.roles == {organization.id: role for organization in organizations}
