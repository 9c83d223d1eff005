"""Accepting password reset links."""

from __future__ import annotations

import pytest

from tests.accounts.actions.scenario import (
    ADDRESS,
    NEW_PASSWORD,
    SECOND,
    actor,
    count_sessions,
    scope,
    start_session,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.audit.types import AuditEventType
from voiceadmin.errors import LinkRefused, SignInRefused
from voiceadmin.identity import EVERYTHING, Role

pytestmark = pytest.mark.usefixtures("app")


def test_a_reset_link_sets_a_password_and_ends_all_sessions_of_the_account() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.VIEWER})
    before = start_session(bo)
    token = create_reset_link(scope(acme), bo.id, by=SHELL, now=NOW)

    requester = use_link(token, email="eve@example.com", name="Eve")

    assert (requester.account_id, requester.roles) == (bo.id, {acme.id: Role.VIEWER})
    assert (count_sessions(bo), find_session(before, None)) == (1, None)
    assert get_account(EVERYTHING, bo.id).name == "Bo"
    with pytest.raises(SignInRefused):
        sign_in("bo@example.com", PASSWORD, address=ADDRESS, user_agent="x", idle=SECOND, now=NOW)
    sign_in("bo@example.com", NEW_PASSWORD, address=ADDRESS, user_agent="x", idle=SECOND, now=NOW)
    assert summarize_audit_events()[:2] == [
        (AuditEventType.LINK_CREATED, "tester", "bo@example.com", acme.id, None, {"purpose": "reset"}),
        (AuditEventType.PASSWORD_CHANGED, "bo@example.com", "bo@example.com", acme.id, None, {"link": "reset"}),
    ]
    with pytest.raises(LinkRefused):
        use_link(token)


def test_a_reset_link_voids_the_invitations_that_the_account_created() -> None:
    acme = make_organization()
    bo = make_account("bo@example.com", roles={acme: Role.ADMIN})
    invitation = create_invitation(scope(acme), "eve@example.com", Grant(acme.id, Role.ADMIN), by=actor(bo), now=NOW)

    use_link(create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW))

    with pytest.raises(LinkRefused):
        use_link(invitation, email="eve@example.com")
