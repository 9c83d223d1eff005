"""Creating and revoking links."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.accounts.actions.scenario import (
    PLATFORM,
    SECOND,
    actor,
    grant_at,
    invite,
    list_audit_events,
    scope,
    summarize_audit_events,
    use_link,
)
from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_reset_link, revoke_invitation
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.accounts.types import Grant
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, LinkNotFound, LinkRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Role

pytestmark = pytest.mark.usefixtures("app")


def test_an_invitation_is_revoked_once() -> None:
    acme = make_organization()
    token = invite("bo@example.com", grant_at(acme))
    link = find_link(token, NOW)
    assert link is not None

    assert revoke_invitation(scope(acme), link.id, by=SHELL, now=NOW + SECOND) == "bo@example.com"

    with pytest.raises(LinkRefused):
        use_link(token)
    assert summarize_audit_events()[1] == (AuditEventType.LINK_REVOKED, "tester", "bo@example.com", acme.id, None, None)
    assert list_audit_events()[1].at == NOW + SECOND
    with pytest.raises(
        LinkNotFound, match=r"^There is no such open invitation\. It may have been accepted or revoked already\.$"
    ):
        revoke_invitation(EVERYTHING, link.id, by=SHELL, now=NOW)


def test_only_open_invitations_of_the_own_organizations_are_revoked() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    tokens = [invite("bo@example.com", grant) for grant in (grant_at(other), PLATFORM)]
    tokens += [create_reset_link(EVERYTHING, make_account(roles={acme: Role.VIEWER}).id, by=SHELL, now=NOW)]
    ids = list(db.session.scalars(select(OneTimeLink.id).order_by(OneTimeLink.id)))

    for id in [*ids, 999]:
        with pytest.raises(LinkNotFound):
            revoke_invitation(scope(acme), id, by=SHELL, now=NOW)
    for id in (ids[2], 999):
        with pytest.raises(LinkNotFound):
            revoke_invitation(EVERYTHING, id, by=SHELL, now=NOW)

    assert all(find_link(token, NOW) for token in tokens)
    assert revoke_invitation(EVERYTHING, ids[1], by=SHELL, now=NOW) == "bo@example.com"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMIN])
def test_an_admin_invites_only_to_the_own_organizations(role: Role) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = actor(make_account(roles={acme: Role.ADMIN}))

    for limit, organization in ((scope(acme), other.id), (NOTHING, acme.id), (EVERYTHING, 999), (scope(acme), 999)):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {organization}\.$"):
            create_invitation(limit, "bo@example.com", Grant(organization, role), by=ada, now=NOW)
    with pytest.raises(ChangeRefused, match=r"^Only platform admins can grant the role of platform admin\.$"):
        create_invitation(scope(acme), "bo@example.com", PLATFORM, by=ada, now=NOW)

    assert db.session.scalars(select(OneTimeLink.id)).all() == []
    assert list_audit_events() == []
    create_invitation(scope(acme), "bo@example.com", grant_at(acme, role), by=ada, now=NOW)


def test_a_reset_link_is_void_after_a_newer_one_for_the_same_account() -> None:
    bo, cy = make_account(), make_account()
    older, other_account, newer = (
        create_reset_link(EVERYTHING, account.id, by=SHELL, now=NOW) for account in (bo, cy, bo)
    )

    assert [find_link(token, NOW) is None for token in (older, other_account, newer)] == [True, False, False]


def test_no_reset_link_is_created_for_a_disabled_account() -> None:
    bo = make_account("bo@example.com", disabled_at=NOW)

    with pytest.raises(ChangeRefused, match=r"^bo@example\.com is disabled\. Enable the account first\.$"):
        create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW)
