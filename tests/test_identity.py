"""Scopes, roles and requesters."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest

from tests.conftest import NOW
from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.identity import (
    EVERYTHING,
    NOTHING,
    Actor,
    ActorKind,
    Requester,
    Role,
    Scope,
    SessionRow,
    anonymous_requester,
)

ACTOR = Actor(ActorKind.ACCOUNT, 7, "ann@example.com")
SESSION = SessionRow(1, 7, NOW, NOW, NOW, "127.0.0.1", "")
ROLES = {1: Role.VIEWER, 2: Role.OPERATOR, 3: Role.ADMIN}


@pytest.mark.parametrize(
    ("scope", "one", "several", "none"),
    [
        (EVERYTHING, True, True, True),
        (NOTHING, False, False, True),
        (Scope(frozenset({1})), True, False, True),
        (Scope(frozenset({1, 2})), True, True, True),
    ],
)
def test_a_scope_covers_its_organizations(scope: Scope, one: bool, several: bool, none: bool) -> None:
    assert scope.covers(1) is one
    assert scope.covers_all(frozenset({1, 2})) is several
    assert scope.covers_all(frozenset()) is none


@pytest.mark.parametrize(
    ("role", "ids"),
    [(Role.VIEWER, {1, 2, 3}), (Role.OPERATOR, {2, 3}), (Role.ADMIN, {3}), (Role.PLATFORM, set())],
)
def test_a_requester_has_the_scope_of_equal_and_higher_roles(role: Role, ids: set[int]) -> None:
    assert Requester(ACTOR, ROLES).scope(role) == Scope(frozenset(ids))


@pytest.mark.parametrize("role", list(Role))
def test_a_platform_admin_has_every_role_in_every_organization(role: Role) -> None:
    assert Requester(ACTOR, {1: Role.VIEWER}, Role.PLATFORM).scope(role) == EVERYTHING


@pytest.mark.parametrize("global_role", [Role.VIEWER, Role.OPERATOR])
def test_a_global_role_does_not_include_higher_roles(global_role: Role) -> None:
    requester = anonymous_requester(role=global_role)

    assert requester.scope(global_role) == EVERYTHING
    assert requester.scope(Role(global_role + 1)) == NOTHING
    assert requester.scope(Role.PLATFORM) == NOTHING


def test_a_role_in_an_organization_is_not_a_platform_role() -> None:
    assert Requester(ACTOR, {1: Role.PLATFORM}).scope(Role.PLATFORM) == NOTHING


@pytest.mark.parametrize(
    ("requester", "highest"),
    [
        (anonymous_requester(), Role.ANYONE),
        (anonymous_requester(role=Role.VIEWER), Role.VIEWER),
        (Requester(ACTOR), Role.ANYONE),
        (Requester(ACTOR, ROLES), Role.ADMIN),
        (Requester(ACTOR, ROLES, Role.PLATFORM), Role.PLATFORM),
    ],
)
def test_the_highest_role_includes_global_and_organization_roles(requester: Requester, highest: Role) -> None:
    assert requester.highest is highest


def test_only_a_requester_with_a_session_has_an_account() -> None:
    assert Requester(ACTOR).account_id is None
    assert anonymous_requester().account_id is None
    assert Requester(ACTOR, session=SESSION).account_id == 7


def test_a_requester_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        anonymous_requester().global_role = Role.PLATFORM  # type: ignore[misc]


@pytest.mark.parametrize(
    ("revoked", "expires", "is_active"),
    [(None, None, True), (NOW, None, False), (None, timedelta(seconds=1), True), (None, timedelta(0), False)],
)
def test_an_api_key_is_active_until_it_expires_or_is_revoked(
    revoked: None, expires: timedelta | None, is_active: bool
) -> None:
    key = ApiKeyRow(1, "k", "va_x", None, "", NOW, None if expires is None else NOW + expires, revoked, None)

    assert key.is_active(NOW) is is_active


def test_a_scope_is_narrowed_to_one_of_its_organizations() -> None:
    scope = Scope(frozenset({3, 12}))

    assert scope.narrow(None) == scope
    assert [one.narrow(3) for one in (scope, EVERYTHING)] == [Scope(frozenset({3}))] * 2
    assert scope.narrow(4) == NOTHING
