"""The list of accounts and of open invitations, and the invitation form."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.accounts.views.people.scenario import (
    LINK,
    open_page_as,
    read_alert,
    read_event_types,
    read_form_actions,
    read_messages,
    read_rows,
    start_session,
    submit,
)
from tests.factories import make_account, make_organization
from tests.page import OpenPage
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


def test_a_platform_admin_sees_all_accounts(open_page: OpenPage, acme: Organization, now: datetime) -> None:
    organizations = {make_organization(f"Org {number}"): Role.VIEWER for number in range(6)}
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.OPERATOR})
    make_account("cy@example.com", disabled_at=now)
    make_account("dee@example.com", roles=organizations)
    start_session(bo, now - timedelta(hours=2))

    found = open_page("/people")

    assert found.root.one("h1").text == "People"
    assert read_rows(found, "People") == [
        ["bo@example.comBo", "Operator Acme", "Active", "2 h ago"],
        ["cy@example.com", "No role", "Disabled", "No open session"],
        [
            "dee@example.com",
            " ".join(f"Viewer Org {number}" for number in range(5)) + " and 1 more",
            "Active",
            "No open session",
        ],
        ["root@example.com", "Platform admin", "Active", "just now"],
    ]
    assert found.link("bo@example.com") == f"/people/{bo.id}"
    assert found.link("Invite people") == "/people/invite"
    assert "/people/sessions/end" in read_form_actions(found)
    assert "Open invitations No open invitations." in found.text


def test_an_admin_sees_only_accounts_of_the_own_organizations(admin: FlaskClient, acme: Organization) -> None:
    other = make_organization("Other")
    make_account("bo@example.com", roles={acme: Role.VIEWER, other: Role.ADMIN})
    make_account("cy@example.com", roles={other: Role.ADMIN})

    found = open_page_as(admin, "/people")

    assert [row[:2] for row in read_rows(found, "People")] == [
        ["ada@example.comAda", "Admin Acme"],
        ["bo@example.com", "Viewer Acme roles in other organizations"],
    ]
    assert "Accounts and their roles in the organizations that you administer." in found.text
    assert read_form_actions(found) == set()
    assert "Other" not in found.text


def test_an_invitation_link_is_shown_once(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    form = open_page_as(admin, "/people/invite")
    select_box = form.root.one("select", id=f"role-{acme.id}")
    assert [option.text for option in select_box.all("option")] == ["No role", "Viewer", "Operator", "Admin"]
    assert select_box.one("option", selected="").text == "Viewer"

    created = submit(admin, "/people/invite", emails="bo@example.com", roles=f"{acme.id}:operator")

    shown = created.root.one("code", id="link").text
    assert shown.startswith(LINK)
    assert (
        "With this link, bo@example.com can accept the invitation. It works once, for 7 days, and is not shown again."
        in created.text
    )
    link = find_link(shown.removeprefix(LINK), now)
    assert link is not None
    assert (link.email, link.organization_id, link.role) == ("bo@example.com", acme.id, Role.OPERATOR)
    found = open_page_as(admin, "/people")
    assert shown.removeprefix(LINK) not in found.html
    assert read_rows(found, "Open invitations") == [
        ["bo@example.com", "Operator", "Acme", "7 days", "Revoke the invitation for bo@example.com"]
    ]


def test_an_invitation_is_revoked(admin: FlaskClient, acme: Organization) -> None:
    submit(admin, "/people/invite", emails="bo@example.com", roles=f"{acme.id}:viewer")
    (address,) = read_form_actions(open_page_as(admin, "/people"))

    found = submit(admin, address)

    assert read_messages(found) == ["The invitation for bo@example.com was revoked."]
    assert "Open invitations No open invitations." in found.text
    assert read_event_types() == [AuditEventType.LINK_REVOKED, AuditEventType.LINK_CREATED]
    assert "There is no such open invitation." in submit(admin, address, 404).text


def test_a_platform_admin_invites_a_platform_admin(client: FlaskClient, now: datetime) -> None:
    created = submit(client, "/people/invite", emails="bo@example.com", roles="all:platform")

    link = find_link(created.root.one("code", id="link").text.removeprefix(LINK), now)
    assert link is not None
    assert link.platform
    assert read_rows(open_page_as(client, "/people"), "Open invitations")[0][:3] == [
        "bo@example.com",
        "Platform admin",
        "All",
    ]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"emails": "bo"}, 'E-mail addresses: Line 1: "bo" is not an e-mail address. Write it as name@example.com.'),
        ({"emails": ""}, "E-mail addresses: This is empty. Fill it in."),
        ({"roles": ""}, "Roles: No role is chosen. Choose a role in at least one organization."),
        (
            {"roles": "999:viewer"},
            'Roles: "999:viewer" is not a role in one of your organizations. Choose from the list.',
        ),
        (
            {"roles": "all:platform"},
            'Roles: "all:platform" is not a role in one of your organizations. Choose from the list.',
        ),
    ],
)
def test_an_invalid_invitation_is_reported_at_its_field(
    admin: FlaskClient, acme: Organization, fields: dict[str, str], fault: str
) -> None:
    given = {"emails": "bo@example.com", "roles": f"{acme.id}:viewer"} | fields

    found = submit(admin, "/people/invite", 422, **given)

    assert read_alert(found) == f"Correct these errors and try again. {fault}"
    (name,) = fields
    assert found.root.one("p", id=f"{name}-error").text in fault
    assert found.root.one("textarea", name="emails").text == given["emails"]
    assert db.session.scalars(select(OneTimeLink.id)).all() == []


def test_another_organization_is_refused_by_id(admin: FlaskClient) -> None:
    other = make_organization("Other")

    found = submit(admin, "/people/invite", 422, emails="bo@example.com", roles=f"{other.id}:viewer")

    assert f'"{other.id}:viewer" is not a role in one of your organizations.' in read_alert(found)


# Addresses that look like others


MIXED, WARNING = "аda@example.com", "contains letters of several alphabets"  # the first letter is Cyrillic


def test_addresses_with_letters_of_several_alphabets_are_marked_on_all_pages(
    client: FlaskClient, acme: Organization
) -> None:
    invited = submit(client, "/people/invite", emails=f"b{MIXED}", roles=f"{acme.id}:viewer")
    link = invited.root.one("code", id="link").text.removeprefix("http://localhost")
    bo = make_account(MIXED, roles={acme: Role.VIEWER})

    pages = [invited, *(open_page_as(client, path) for path in ("/people", f"/people/{bo.id}", link))]

    assert [page.text.count(WARNING) for page in pages] == [1, 2, 1, 1]
    assert [node.text for node in pages[1].root.one("main").all("bdi")] == ["root@example.com", MIXED, f"b{MIXED}"]


@pytest.mark.parametrize("email", ["ada@example.com", "иван@пример.рф"])
def test_addresses_with_letters_of_one_alphabet_are_not_marked(
    client: FlaskClient, acme: Organization, email: str
) -> None:
    make_account(email, roles={acme: Role.VIEWER})

    assert WARNING not in open_page_as(client, "/people").text


def test_an_invited_address_with_an_invisible_character_is_refused(client: FlaskClient, acme: Organization) -> None:
    form = {"emails": "ada\u202e@example.com", "roles": f"{acme.id}:viewer"}

    alert = read_alert(submit(client, "/people/invite", 422, **form))

    fault = "This contains the invisible character U+202E (RIGHT-TO-LEFT OVERRIDE). Type the text again."
    address = r'"ada\u202e@example.com"'
    assert alert == f"Correct these errors and try again. E-mail addresses: Line 1: {address}: {fault}"
