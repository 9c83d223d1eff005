"""Finding sessions, API keys and links by their secret."""

from __future__ import annotations

from dataclasses import replace
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

pytestmark = pytest.mark.usefixtures("app")

INVALID_TOKENS = ["", "x", "x" * 43, "'; --", "\ud800", "a\0b", "%"]


def save(*rows: Base) -> int:
    """Store rows, and return the id of the first."""
    with write_transaction():
        for row in rows:
            db.session.add(row)
            db.session.flush()
        id: int = rows[0].id  # type: ignore[attr-defined]
    return id


def start_session(account: Account) -> str:
    with write_transaction():
        return create_session(account.id, address="198.51.100.1", user_agent="Firefox", now=LONG_AGO)


def make_link(purpose: LinkPurpose = LinkPurpose.INVITATION, **fields: Any) -> int:
    given = {"email": "bo@example.com", "created_at": NOW, "expires_at": NOW + DAY, "token_hash": hash_token("t")}
    return save(OneTimeLink(purpose=purpose, **(given | fields)))


# Sessions


def test_a_session_has_the_account_with_all_its_roles() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    make_organization("Third")
    ada = make_account("Ada@example.com", roles={acme: Role.ADMIN, other: Role.VIEWER})

    requester = find_session(start_session(ada), "203.0.113.7")

    assert requester == Requester(
        Actor(ActorKind.ACCOUNT, ada.id, "Ada@example.com", "203.0.113.7"),
        {acme.id: Role.ADMIN, other.id: Role.VIEWER},
        Role.ANYONE,
        SessionRow(1, ada.id, LONG_AGO, LONG_AGO, LONG_AGO, "198.51.100.1", "Firefox"),
    )


def test_a_platform_admin_has_the_global_role() -> None:
    requester = find_session(start_session(make_account(platform=True)), None)

    assert requester is not None
    assert (requester.roles, requester.global_role, requester.actor.address) == ({}, Role.PLATFORM, None)


def test_each_token_finds_its_own_session() -> None:
    ada, bo = make_account(), make_account()
    tokens = [start_session(account) for account in (ada, bo, ada)]

    found = [find_session(token, None) for token in tokens]

    assert [requester and requester.account_id for requester in found] == [ada.id, bo.id, ada.id]
    assert [requester and requester.session and requester.session.id for requester in found] == [1, 2, 3]


def test_a_disabled_account_has_no_session() -> None:
    assert find_session(start_session(make_account(disabled_at=NOW)), None) is None


@pytest.mark.parametrize("token", INVALID_TOKENS)
def test_an_invalid_token_finds_nothing(token: str) -> None:
    start_session(make_account())
    make_link()
    save(ApiKey(name="k", token_hash=hash_token("k"), hint="", created_by="", created_at=NOW))

    assert find_session(token, None) is None
    assert find_api_key(token) is None
    assert find_link(token, NOW) is None


def test_the_hash_of_a_token_finds_nothing() -> None:
    token = start_session(make_account())
    make_link()

    assert find_session(hash_token(token), None) is None
    assert find_link(hash_token("t"), NOW) is None


# Keys


@pytest.mark.parametrize("all_organizations", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_key_is_found_with_its_organizations(all_organizations: bool, number: int) -> None:
    organizations = [make_organization() for _ in range(3)][:number]
    key = ApiKey(name="board", token_hash=hash_token("k"), hint="va_", created_by="ada", created_at=NOW)
    key.all_organizations, key.expires_at, key.last_used_at = all_organizations, NOW - DAY, LONG_AGO
    id = save(key)
    for organization in organizations:
        save_key_organization(id, organization)

    ids = frozenset(organization.id for organization in organizations)
    assert find_api_key("k") == AuthenticatedKey(id, "board", NOW - DAY, LONG_AGO, None if all_organizations else ids)


def save_key_organization(key_id: int, organization: Organization) -> None:
    with write_transaction():
        db.session.add(ApiKeyOrganization(key_id=key_id, organization_id=organization.id))


def test_a_revoked_key_is_not_found() -> None:
    save(ApiKey(name="k", token_hash=hash_token("k"), hint="", created_by="", created_at=NOW, revoked_at=NOW))

    assert find_api_key("k") is None


# Links


def test_an_invitation_is_found_with_its_organization_and_role() -> None:
    acme = make_organization("Acme")
    id = make_link(organization_id=acme.id, role=2)

    link = OneTimeLinkRow(
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
        is_open=True,
        has_account=False,
    )
    assert find_link("t", NOW) == replace(link, parts=[link])


def test_a_reset_link_is_found_with_its_account() -> None:
    bo = make_account("BO@example.com")
    make_link(LinkPurpose.RESET, account_id=bo.id)

    link = find_link("t", NOW)

    assert link is not None
    assert (link.purpose, link.account_id, link.has_account) == (LinkPurpose.RESET, bo.id, True)
    assert (link.role, link.organization_id, link.organization_name) == (None, None, None)


def test_a_link_is_open_until_it_expires_or_is_used() -> None:
    make_link(platform=True)

    assert [find_link("t", NOW + DAY + offset) is None for offset in (-timedelta(microseconds=1), timedelta(0))] == [
        False,
        True,
    ]
    with write_transaction():
        db.session.get_one(OneTimeLink, 1).used_at = NOW
    assert find_link("t", NOW) is None


def test_a_setup_link_is_open_until_an_account_exists() -> None:
    make_link(LinkPurpose.SETUP, email="")
    link = find_link("t", NOW)
    assert link is not None
    assert (link.purpose, link.has_account) == (LinkPurpose.SETUP, False)

    make_account("other@example.com", disabled_at=NOW)

    assert find_link("t", NOW) is None


def test_accounts_are_detected_by_e_mail() -> None:
    assert (has_any_account(), has_account("ada@example.com")) == (False, False)

    make_account("Ada@example.com")

    assert (has_any_account(), has_account(" ADA@example.com"), has_account("a@example.com")) == (True, True, False)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_a_role_round_trips_through_the_database(role: Role) -> None:
    organizations = [make_organization() for _ in range(12)]
    ada = make_account(roles=dict.fromkeys(organizations, role))

    requester = find_session(start_session(ada), None)

    assert requester is not None
    assert requester.roles == {organization.id: role for organization in organizations}
