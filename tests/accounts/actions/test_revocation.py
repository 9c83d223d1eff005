"""What ends the sessions of an account and voids its links."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.accounts.actions.scenario import actor, count_sessions, list_audit_events, scope, start_session, use_link
from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account, enable_account
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.errors import LinkRefused
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization

pytestmark = pytest.mark.usefixtures("app")


# Changes that end the sessions of an account and void its reset links


REVOKING_CHANGES: dict[str, Callable[[Organization, Account], object]] = {
    "disabled": lambda acme, bo: disable_account(EVERYTHING, bo.id, by=SHELL, now=NOW),
    "another role": lambda acme, bo: change_role(EVERYTHING, bo.id, acme.id, Role.ADMIN, by=SHELL, now=NOW),
    "no role": lambda acme, bo: change_role(EVERYTHING, bo.id, acme.id, None, by=SHELL, now=NOW),
    "platform": lambda acme, bo: set_platform_admin(EVERYTHING, bo.id, on=True, by=SHELL, now=NOW),
}


@pytest.mark.parametrize("change", REVOKING_CHANGES)
def test_a_revoking_change_ends_sessions_and_voids_reset_links(change: str) -> None:
    acme = make_organization()
    bo, cy = (make_account(roles={acme: Role.VIEWER}) for _ in range(2))
    tokens = {account: start_session(account) for account in (bo, cy)}
    links = {account: create_reset_link(scope(acme), account.id, by=SHELL, now=NOW) for account in (bo, cy)}

    REVOKING_CHANGES[change](acme, bo)

    assert find_session(tokens[bo], None) is None
    assert find_link(links[bo], NOW) is None
    assert find_session(tokens[cy], None) is not None
    assert find_link(links[cy], NOW) is not None
    with pytest.raises(LinkRefused):
        use_link(links[bo])


def test_a_request_without_effect_ends_no_session_and_records_no_event() -> None:
    acme, other = make_organization(), make_organization()
    make_account(platform=True)
    bo, cy = make_account(roles={acme: Role.VIEWER}), make_account(platform=True, disabled_at=NOW)
    for account in (bo, cy):
        start_session(account)

    change_role(EVERYTHING, bo.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)
    change_role(EVERYTHING, bo.id, other.id, None, by=SHELL, now=NOW)
    set_platform_admin(EVERYTHING, bo.id, on=False, by=SHELL, now=NOW)
    set_platform_admin(EVERYTHING, cy.id, on=True, by=SHELL, now=NOW)
    enable_account(EVERYTHING, bo.id, by=SHELL, now=NOW)
    disable_account(EVERYTHING, cy.id, by=SHELL, now=NOW)

    assert (count_sessions(bo), count_sessions(cy)) == (1, 1)
    assert list_audit_events() == []


# Links created by an account that loses its rights


@pytest.mark.parametrize("change", ["disabled", "another role", "no longer platform admin"])
def test_links_are_void_when_their_creator_loses_the_right_to_create_them(change: str) -> None:
    acme, admin = make_organization("Acme"), make_account(platform=True)
    make_account(platform=True)
    token = create_invitation(EVERYTHING, "friend@example.com", Grant(acme.id, Role.ADMIN), by=actor(admin), now=NOW)
    unaffected = create_invitation(EVERYTHING, "friend@example.com", Grant(None, Role.PLATFORM), by=SHELL, now=NOW)

    if change == "disabled":
        disable_account(EVERYTHING, admin.id, by=SHELL, now=NOW)
    elif change == "another role":
        change_role(EVERYTHING, admin.id, acme.id, Role.VIEWER, by=SHELL, now=NOW)
    else:
        set_platform_admin(EVERYTHING, admin.id, on=False, by=SHELL, now=NOW)

    assert find_link(token, NOW) is None
    assert find_link(unaffected, NOW) is not None
