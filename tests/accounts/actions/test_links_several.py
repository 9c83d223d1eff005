"""Inviting several people at once, and inviting to several organizations by one link."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.accounts.actions.scenario import (
    PLATFORM,
    actor,
    grant_at,
    invite,
    list_audit_events,
    scope,
    summarize_audit_events,
)
from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_organization
from voiceadmin.accounts.actions.links import create_invitations, revoke_invitation
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.accounts import list_invitations
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Role

pytestmark = pytest.mark.usefixtures("app")


def read_open_parts(token: str) -> dict[str, bool]:
    """Return whether each part of a link is open, by the name of its organization."""
    link = find_link(token, NOW)
    return {} if link is None else {part.organization_name or "": part.is_open for part in link.parts}


def test_each_person_gets_a_link_of_their_own_with_all_roles() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    grants = [grant_at(acme, Role.OPERATOR), grant_at(other, Role.ADMIN)]

    tokens = create_invitations(EVERYTHING, ["bo@example.com", "cy@example.com"], grants, by=SHELL, now=NOW)

    assert list(tokens) == ["bo@example.com", "cy@example.com"]
    for email, token in tokens.items():
        link = find_link(token, NOW)
        assert link is not None
        assert link.email == email
        assert [(part.organization_name, part.role) for part in link.parts] == [
            ("Acme", Role.OPERATOR),
            ("Other", Role.ADMIN),
        ]
    assert summarize_audit_events() == [
        (AuditEventType.LINK_CREATED, "tester", email, id, None, {"purpose": "invitation", "role": role})
        for email in tokens
        for id, role in ((acme.id, "operator"), (other.id, "admin"))
    ]


def test_nobody_is_invited_if_one_organization_is_outside_the_scope() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    earlier = invite("bo@example.com", grant_at(acme))

    with pytest.raises(OrganizationNotFound):
        create_invitations(
            scope(acme), ["bo@example.com", "cy@example.com"], [grant_at(acme), grant_at(other)], by=SHELL, now=NOW
        )

    assert db.session.scalar(select(func.count()).select_from(OneTimeLink)) == 1
    assert len(list_audit_events()) == 1
    assert find_link(earlier, NOW) is not None, "it is not replaced"


def test_a_newer_invitation_voids_the_earlier_ones_of_the_same_people_in_its_organizations_only() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    emails = ["bo@example.com", "cy@example.com", "dee@example.com"]
    tokens = create_invitations(EVERYTHING, emails, [grant_at(acme), grant_at(other)], by=SHELL, now=NOW)

    create_invitations(EVERYTHING, ["BO@example.com", "cy@example.com"], [grant_at(other)], by=SHELL, now=NOW)

    assert [read_open_parts(token) for token in tokens.values()] == [
        {"Acme": True, "Other": False},
        {"Acme": True, "Other": False},
        {"Acme": True, "Other": True},
    ]


def test_an_invitation_to_several_organizations_is_seen_and_revoked_in_each_by_its_own_admins() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    token = create_invitation(EVERYTHING, "bo@example.com", grant_at(acme), grant_at(other), by=SHELL, now=NOW)

    (of_acme,) = list_invitations(scope(acme), NOW)
    assert of_acme.organization_name == "Acme"
    revoke_invitation(scope(acme), of_acme.id, by=SHELL, now=NOW)

    assert list_invitations(scope(acme), NOW) == []
    assert len(list_invitations(EVERYTHING, NOW)) == 1
    assert read_open_parts(token) == {"Acme": False, "Other": True}
    assert summarize_audit_events()[2:] == [
        (AuditEventType.LINK_REVOKED, "tester", "bo@example.com", acme.id, None, None)
    ]
    (of_other,) = list_invitations(scope(other), NOW)
    revoke_invitation(scope(other), of_other.id, by=SHELL, now=NOW)
    assert find_link(token, NOW) is None


def test_an_invitation_is_void_in_the_organization_where_its_creator_is_no_longer_an_admin() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    ada = make_account(roles={acme: Role.ADMIN, other: Role.ADMIN})
    grants = [grant_at(acme), grant_at(other)]
    token = create_invitation(scope(acme, other), "bo@example.com", *grants, by=actor(ada), now=NOW)

    change_role(scope(acme), ada.id, acme.id, Role.OPERATOR, by=SHELL, now=NOW)

    assert read_open_parts(token) == {"Acme": False, "Other": True}


def test_several_platform_admins_are_invited_at_once() -> None:
    tokens = create_invitations(EVERYTHING, ["bo@example.com", "cy@example.com"], [PLATFORM], by=SHELL, now=NOW)

    for token in tokens.values():
        link = find_link(token, NOW)
        assert link is not None
        assert link.platform
