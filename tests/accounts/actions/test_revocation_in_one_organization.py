"""What an admin of one organization ends: the sessions of an account there, and nothing in other organizations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.accounts.actions.scenario import (
    NEW_PASSWORD,
    actor,
    count_sessions,
    grant_at,
    invite,
    list_audit_events,
    read_roles,
    scope,
    start_session,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_account, make_organization
from tests.two_tenants import rows_of
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.actions.state import end_account_sessions
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.accounts import get_account, list_sessions
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.audit.types import AuditEventType
from voiceadmin.errors import ChangeRefused, LinkRefused
from voiceadmin.identity import EVERYTHING, Requester, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.text import HOUR

pytestmark = pytest.mark.usefixtures("app")

CHANGES: dict[str, Callable[[Organization, Account], object]] = {
    "sessions ended": lambda acme, bo: end_account_sessions(scope(acme), bo.id, by=SHELL, now=NOW),
    "role raised": lambda acme, bo: change_role(scope(acme), bo.id, acme.id, Role.ADMIN, by=SHELL, now=NOW),
    "role removed": lambda acme, bo: change_role(scope(acme), bo.id, acme.id, None, by=SHELL, now=NOW),
    "role given back": lambda acme, bo: [
        change_role(EVERYTHING, bo.id, acme.id, role, by=SHELL, now=NOW) for role in (None, Role.OPERATOR)
    ],
}


def find(token: str) -> Requester:
    found = find_session(token, None)
    assert found is not None
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_a_session_goes_on_elsewhere_and_has_no_role_in_the_organization_until_the_next_sign_in(change: str) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo, cy = (make_account(roles={acme: Role.OPERATOR, other: Role.ADMIN}) for _ in range(2))
    before, of_cy = start_session(bo), start_session(cy)

    CHANGES[change](acme, bo)

    assert find(before).roles == {other.id: Role.ADMIN}
    assert find(before).has_ended_roles == (change != "role removed")
    assert find(of_cy).roles == {acme.id: Role.OPERATOR, other.id: Role.ADMIN}
    again = find(start_session(bo))
    assert {id: int(role) for id, role in again.roles.items()} == read_roles(bo)
    assert not again.has_ended_roles


def test_the_session_of_a_platform_admin_outlasts_a_role_in_an_organization() -> None:
    acme = make_organization()
    root = make_account("root@example.com", platform=True, roles={acme: Role.VIEWER})
    token = start_session(root)

    change_role(scope(acme), root.id, acme.id, Role.ADMIN, by=SHELL, now=NOW)
    change_role(scope(acme), root.id, acme.id, None, by=SHELL, now=NOW)

    assert find(token).global_role is Role.PLATFORM


def test_ending_sessions_in_an_organization_is_counted_and_recorded_for_that_organization() -> None:
    acme, second, other = (make_organization(name) for name in ("Acme", "Second", "Other"))
    bo = make_account("bo@example.com", roles=dict.fromkeys((acme, second, other), Role.VIEWER))
    for _ in range(2):
        start_session(bo)

    assert [end_account_sessions(scope(acme, second), bo.id, by=SHELL, now=NOW) for _ in range(2)] == [2, 0]

    assert count_sessions(bo) == 2
    assert summarize_audit_events() == [
        (AuditEventType.SESSION_ENDED, "tester", "bo@example.com", None, None, {"sessions": 2})
    ]
    assert [(row["organization_id"], row["event_id"]) for row in rows_of("audit_event_organization")] == [
        (acme.id, 1),
        (second.id, 1),
    ]


def test_an_admin_sees_only_sessions_that_have_not_ended_in_the_own_organization() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER, other: Role.VIEWER})
    start_session(bo)

    def summarize(*organizations: Organization) -> tuple[int, bool]:
        sessions = list_sessions(scope(*organizations), bo.id, now=NOW, idle=HOUR, absolute=HOUR)
        return len(sessions), get_account(scope(*organizations), bo.id).last_active_at is not None

    end_account_sessions(scope(acme), bo.id, by=SHELL, now=NOW)
    assert (summarize(acme), summarize(other), summarize(acme, other)) == ((0, False), (1, True), (1, True))

    start_session(bo)
    assert (summarize(acme), summarize(other)) == ((1, True), (2, True))


def test_an_admin_with_a_role_elsewhere_ends_all_own_sessions() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = make_account(roles={acme: Role.ADMIN, other: Role.VIEWER})
    start_session(ada)

    assert end_account_sessions(scope(acme), ada.id, by=actor(ada), now=NOW) == 1

    assert count_sessions(ada) == 0


def test_an_admin_of_an_organization_cannot_end_the_sessions_of_a_platform_admin() -> None:
    acme = make_organization()
    root = make_account("root@example.com", platform=True, roles={acme: Role.VIEWER})
    start_session(root)

    with pytest.raises(ChangeRefused, match=r"^root@example\.com also has roles outside your organizations\."):
        end_account_sessions(scope(acme), root.id, by=SHELL, now=NOW)

    assert count_sessions(root) == 1
    assert list_audit_events() == []


def test_an_invitation_to_a_second_organization_keeps_the_sessions_in_the_first() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})
    before = start_session(bo)

    accepted = use_link(invite("bo@example.com", grant_at(other, Role.ADMIN)), password=PASSWORD)

    assert find(before).roles == {acme.id: Role.VIEWER}
    assert accepted.roles == {acme.id: Role.VIEWER, other.id: Role.ADMIN}


# Links


def test_losing_a_role_voids_the_links_for_that_organization_only() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = make_account(roles={acme: Role.ADMIN, other: Role.ADMIN})
    members = {organization: make_account(roles={organization: Role.VIEWER}) for organization in (acme, other)}
    by = actor(ada)
    invitations, resets = {}, {}
    for organization, member in members.items():
        grant = grant_at(organization)
        invitations[organization] = create_invitation(scope(organization), "cy@example.com", grant, by=by, now=NOW)
        resets[organization] = create_reset_link(scope(organization), member.id, by=by, now=NOW)

    change_role(scope(acme), ada.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)

    for links in (invitations, resets):
        assert find_link(links[acme], NOW) is None
        assert find_link(links[other], NOW) is not None


def test_a_changed_role_voids_no_reset_link_of_an_account_with_other_roles() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account(roles={acme: Role.VIEWER, other: Role.VIEWER})
    reset = create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW)

    change_role(scope(acme), bo.id, acme.id, Role.ADMIN, by=SHELL, now=NOW)

    assert find_link(reset, NOW) is not None


@pytest.mark.parametrize("by_invitation", [False, True])
def test_an_admin_cannot_take_an_account_over_with_a_reset_link_from_before_its_second_organization(
    by_invitation: bool,
) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})
    reset = create_reset_link(scope(acme), bo.id, by=SHELL, now=NOW)

    if by_invitation:
        use_link(invite("bo@example.com", grant_at(other)), password=PASSWORD)
    else:
        change_role(EVERYTHING, bo.id, other.id, Role.VIEWER, by=SHELL, now=NOW)

    with pytest.raises(LinkRefused):
        use_link(reset, password=NEW_PASSWORD)
