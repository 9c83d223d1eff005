"""API keys whose creator is disabled, or is no longer an admin of what they read."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_account, make_organization
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account, enable_account
from voiceadmin.accounts.models import Account
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.queries import count_keys_without_creator, find_api_key, list_api_keys
from voiceadmin.api_keys.types import CreatorIssue
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("app")


def create_key(creator: Account, *organizations: Organization, expires_at: datetime | None = None) -> str:
    """Create a key as an account. Without organizations it reads all."""
    ids = frozenset(organization.id for organization in organizations) or None
    by = Actor(ActorKind.ACCOUNT, creator.id, creator.email)
    return create_api_key(EVERYTHING, "board", ids, expires_at=expires_at, by=by, now=NOW)


def list_issues(scope: Scope = EVERYTHING) -> list[CreatorIssue | None]:
    """Return the issue of each key, oldest first."""
    return [key.creator_issue for key in list_api_keys(scope)][::-1]


def test_a_key_shows_that_its_creator_is_disabled_and_goes_on_working() -> None:
    acme = make_organization()
    ada = make_account(roles={acme: Role.ADMIN})
    key = create_key(ada, acme)
    assert list_issues() == [None]

    disable_account(EVERYTHING, ada.id, by=SHELL, now=NOW)

    assert list_issues() == list_issues(Scope(frozenset({acme.id}))) == [CreatorIssue.DISABLED]
    assert find_api_key(key) is not None
    enable_account(EVERYTHING, ada.id, by=SHELL, now=NOW)
    assert list_issues() == [None]


@pytest.mark.parametrize("role", [Role.OPERATOR, None])
def test_a_key_shows_that_its_creator_is_no_longer_an_admin_of_all_its_organizations(role: Role | None) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = make_account(roles={acme: Role.ADMIN, other: Role.ADMIN})
    for organizations in ((acme,), (other,), (acme, other)):
        create_key(ada, *organizations)

    change_role(EVERYTHING, ada.id, acme.id, role, by=SHELL, now=NOW)

    assert list_issues() == [CreatorIssue.NOT_ADMIN, None, CreatorIssue.NOT_ADMIN]


def test_a_key_shows_that_its_creator_is_no_longer_a_platform_admin() -> None:
    acme = make_organization("Acme")
    make_account(platform=True)
    root = make_account(platform=True, roles={acme: Role.ADMIN})
    create_key(root)
    create_key(root, acme)
    assert list_issues() == [None, None]

    set_platform_admin(EVERYTHING, root.id, on=False, by=SHELL, now=NOW)

    assert list_issues() == [CreatorIssue.NOT_ADMIN, None]


def test_an_admin_does_not_learn_that_a_former_colleague_is_disabled_elsewhere() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = make_account(roles={acme: Role.ADMIN, other: Role.ADMIN})
    create_key(ada, acme)
    change_role(EVERYTHING, ada.id, acme.id, None, by=SHELL, now=NOW)

    disable_account(EVERYTHING, ada.id, by=SHELL, now=NOW)

    assert list_issues() == [CreatorIssue.NOT_ADMIN]


def test_a_key_of_the_command_line_has_no_creator_to_watch() -> None:
    acme = make_organization()
    create_api_key(EVERYTHING, "board", frozenset({acme.id}), expires_at=None, by=SHELL, now=NOW)

    assert list_issues() == [None]


def test_only_active_keys_of_the_scope_are_counted() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada, bo = (make_account(roles={acme: Role.ADMIN, other: Role.ADMIN}) for _ in range(2))
    for organizations in ((acme,), (acme,), (other,), (acme, other)):
        create_key(ada, *organizations)
    create_key(ada, acme, expires_at=NOW + DAY)
    create_key(bo, acme)
    revoke_api_key(EVERYTHING, list_api_keys(EVERYTHING)[-1].id, by=SHELL, now=NOW)

    def count(scope: Scope, now: datetime = NOW) -> int:
        return count_keys_without_creator(scope, ada.email, now)

    assert count(EVERYTHING) == 0
    disable_account(EVERYTHING, ada.id, by=SHELL, now=NOW)
    assert [count(EVERYTHING), count(Scope(frozenset({acme.id}))), count(EVERYTHING, NOW + DAY)] == [4, 2, 3]
