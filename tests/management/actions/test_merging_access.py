"""A merge and its undo give nobody more access than the people of both organizations decided."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from tests.accounts.actions.scenario import actor, grant_at, read_roles, scope, start_session
from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.actions.state import end_account_sessions
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.organizations.models import Organization


@dataclass
class Two:
    """Two organizations."""

    source: Organization
    target: Organization


@pytest.fixture
def two(app: Flask) -> Two:
    return Two(make_organization("Assistant 31"), make_organization("Acme"))


def merge(two: Two) -> int:
    """Merge the source into the target."""
    return merge_organizations(EVERYTHING, two.source.id, two.target.id, by=SHELL, now=NOW)


def undo(merge_id: int) -> None:
    """Undo a merge."""
    undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)


def find_roles(token: str) -> dict[int, Role]:
    """Return the roles of a session."""
    requester = find_session(token, None)
    assert requester is not None
    return dict(requester.roles)


@pytest.mark.parametrize("has_role_in_target", [False, True])
def test_a_session_that_ended_in_the_source_stays_ended_in_the_target_and_after_an_undo(
    two: Two, has_role_in_target: bool
) -> None:
    other = make_organization("Other")
    in_target = {two.target: Role.VIEWER} if has_role_in_target else {}
    bo = make_account(roles={two.source: Role.OPERATOR, other: Role.VIEWER} | in_target)
    token = start_session(bo)
    end_account_sessions(scope(two.source), bo.id, by=SHELL, now=NOW)

    merge_id = merge(two)
    assert find_roles(token) == {other.id: Role.VIEWER}
    assert two.target.id in find_roles(start_session(bo))
    undo(merge_id)

    assert two.source.id not in find_roles(token)
    assert find_roles(start_session(bo))[two.source.id] is Role.OPERATOR


def test_a_session_that_ended_in_the_target_lacks_the_source_after_an_undo(two: Two) -> None:
    other = make_organization("Other")
    bo = make_account(roles={two.source: Role.OPERATOR, other: Role.VIEWER})
    token = start_session(bo)
    merge_id = merge(two)
    end_account_sessions(scope(two.target), bo.id, by=SHELL, now=NOW)

    undo(merge_id)

    assert find_roles(token) == {other.id: Role.VIEWER}
    assert read_roles(bo) == {two.source.id: Role.OPERATOR, other.id: Role.VIEWER}


def make_admins(two: Two) -> tuple[Account, Account]:
    """Return an admin of the source who is a viewer of the target, and an admin of the source only."""
    cleo = make_account(roles={two.source: Role.ADMIN, two.target: Role.VIEWER})
    return cleo, make_account(roles={two.source: Role.ADMIN})


def test_an_admin_of_the_source_cannot_enter_the_target_with_a_reset_link_from_before_the_merge(two: Two) -> None:
    cleo, ada = make_admins(two)
    token = create_reset_link(scope(two.source), ada.id, by=actor(cleo), now=NOW)
    assert find_link(token, NOW) is not None

    merge(two)

    assert find_link(token, NOW) is None


def test_an_admin_of_the_target_cannot_enter_the_source_with_a_reset_link_from_before_the_undo(two: Two) -> None:
    bo, ada = make_account(roles={two.target: Role.ADMIN}), make_account(roles={two.source: Role.VIEWER})
    merge_id = merge(two)
    token = create_reset_link(scope(two.target), ada.id, by=actor(bo), now=NOW)

    undo(merge_id)

    assert find_link(token, NOW) is None


def test_people_of_the_source_cannot_invite_to_the_target_after_the_undo(two: Two) -> None:
    ada, bo = make_account(roles={two.source: Role.ADMIN}), make_account(roles={two.target: Role.ADMIN})
    merge_id = merge(two)
    tokens = {
        by: create_invitation(scope(two.target), f"{by.id}@example.com", grant_at(two.target), by=actor(by), now=NOW)
        for by in (ada, bo)
    }

    undo(merge_id)

    assert find_link(tokens[ada], NOW) is None
    assert find_link(tokens[bo], NOW) is not None


@pytest.mark.parametrize("role_in_target", [None, Role.OPERATOR])
def test_a_role_that_was_lowered_after_a_merge_is_not_raised_by_its_undo(two: Two, role_in_target: Role | None) -> None:
    in_target = {} if role_in_target is None else {two.target: role_in_target}
    ada = make_account(roles={two.source: Role.ADMIN} | in_target)
    merge_id = merge(two)
    change_role(EVERYTHING, ada.id, two.target.id, Role.VIEWER, by=SHELL, now=NOW)

    undo(merge_id)

    assert read_roles(ada) == {two.source.id: Role.VIEWER, two.target.id: Role.VIEWER}
