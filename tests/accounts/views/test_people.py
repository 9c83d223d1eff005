"""The pages of colleagues: who there is, who comes in, and what an admin can do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.factories import DAY, make_account, make_organization, sign_in
from tests.page import Node, OpenPage, Page
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, AccountSession, OneTimeLink
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.accounts.types import AccountRow, LinkPurpose
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role, anonymous_requester
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import hash_token

MONTH = 30 * DAY
LINK = "http://localhost/links/"


@pytest.fixture
def acme(store: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(stranger: FlaskClient, acme: Organization) -> FlaskClient:
    """A browser in which an admin of Acme has signed in."""
    return sign_in(stranger, make_account("ada@example.com", name="Ada", roles={acme: Role.ADMIN}))


def page(client: FlaskClient, address: str, status: int = 200) -> Page:
    return checked(client.get(address), status)


def checked(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def send(client: FlaskClient, address: str, status: int = 200, **fields: str) -> Page:
    """Send a form and follow where it leads: the page that there is then."""
    return checked(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def flashes(found: Page) -> list[str]:
    return [node.text for node in found.root.all("div") if node.attributes.get("class") == "flash"]


def faults(found: Page) -> str:
    return found.root.one("div", role="alert").text


def rows(found: Page, region: str) -> list[list[str]]:
    body = found.root.one("div", role="region", **{"aria-label": region}).one("tbody")
    return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in body.all("tr")]


def acts(found: Page) -> set[str]:
    """Where the buttons of the content lead."""
    return {
        form.attributes["action"]
        for form in found.root.one("main").all("form")
        if form.attributes.get("method") == "post" and "action" in form.attributes
    }


def account(id: int) -> AccountRow:
    db.session.rollback()
    return get_account(EVERYTHING, id)


def begin(account: Account, now: datetime) -> None:
    with write_transaction():
        create_session(account.id, address="203.0.113.7", user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0", now=now)


def words() -> list[AuditEventType]:
    """What was done, the newest first."""
    db.session.rollback()
    return [line.event_type for line in list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0]]


# The list


def test_a_platform_admin_sees_everybody(open_page: OpenPage, acme: Organization, now: datetime) -> None:
    many = {make_organization(f"Org {number}"): Role.VIEWER for number in range(6)}
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.OPERATOR})
    make_account("cy@example.com", disabled_at=now)
    make_account("dee@example.com", roles=many)
    begin(bo, now - timedelta(hours=2))

    found = open_page("/people")

    assert found.root.one("h1").text == "People"
    assert rows(found, "People") == [
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
    assert found.link("Invite a person") == "/people/invite"
    assert "/people/sessions/end" in acts(found)
    assert "Open invitations No open invitations." in found.text


def test_an_admin_sees_colleagues_and_nobody_else(admin: FlaskClient, acme: Organization) -> None:
    other = make_organization("Other")
    make_account("bo@example.com", roles={acme: Role.VIEWER, other: Role.ADMIN})
    make_account("cy@example.com", roles={other: Role.ADMIN})

    found = page(admin, "/people")

    assert [row[:2] for row in rows(found, "People")] == [
        ["ada@example.comAda", "Admin Acme"],
        ["bo@example.com", "Viewer Acme roles in other organizations"],
    ]
    assert "Accounts and their roles in the organizations that you administer." in found.text
    assert acts(found) == set()
    assert "Other" not in found.text


# Invitations


def test_somebody_is_invited_by_a_link_that_is_shown_once(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    form = page(admin, "/people/invite")
    assert [option.text for option in form.root.one("select", name="organization").all("option")] == ["Acme"]
    assert [option.text for option in form.root.one("select", name="role").all("option")] == [
        *("Viewer", "Operator", "Admin")
    ]

    made = send(admin, "/people/invite", email="bo@example.com", organization=str(acme.id), role="operator")

    shown = made.root.one("code", id="link").text
    assert shown.startswith(LINK)
    assert (
        "With this link, bo@example.com can accept the invitation. It works once, for 7 days, and is not shown again."
        in made.text
    )
    link = find_link(shown.removeprefix(LINK), now)
    assert link is not None
    assert (link.email, link.organization_id, link.role) == ("bo@example.com", acme.id, Role.OPERATOR)
    found = page(admin, "/people")
    assert shown.removeprefix(LINK) not in found.html
    assert rows(found, "Open invitations") == [
        ["bo@example.com", "Operator", "Acme", "7 days", "Revoke the invitation for bo@example.com"]
    ]


def test_an_invitation_is_taken_back(admin: FlaskClient, acme: Organization) -> None:
    send(admin, "/people/invite", email="bo@example.com", organization=str(acme.id), role="viewer")
    (address,) = acts(page(admin, "/people"))

    found = send(admin, address)

    assert flashes(found) == ["The invitation for bo@example.com was revoked."]
    assert "Open invitations No open invitations." in found.text
    assert words() == [AuditEventType.LINK_REVOKED, AuditEventType.LINK_CREATED]
    assert "There is no such open invitation." in send(admin, address, 404).text


def test_a_platform_admin_invites_another(client: FlaskClient, now: datetime) -> None:
    made = send(client, "/people/invite", email="bo@example.com", organization="all", role="viewer")

    link = find_link(made.root.one("code", id="link").text.removeprefix(LINK), now)
    assert link is not None
    assert link.platform
    assert rows(page(client, "/people"), "Open invitations")[0][:3] == ["bo@example.com", "Platform admin", "All"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"email": "bo"}, 'E-mail: "bo" is not an e-mail address. Write it as name@example.com.'),
        ({"organization": "all"}, 'Organization: "all" is not an organization of yours. Choose from the list.'),
        ({"organization": "999"}, 'Organization: "999" is not an organization of yours. Choose from the list.'),
        ({"role": "platform"}, 'Role: "platform" is not a role. Choose from the list.'),
    ],
)
def test_a_wrong_invitation_is_named_at_its_field(
    admin: FlaskClient, acme: Organization, fields: dict[str, str], fault: str
) -> None:
    given = {"email": "bo@example.com", "organization": str(acme.id), "role": "viewer"} | fields

    found = send(admin, "/people/invite", 422, **given)

    assert faults(found) == f"This could not be done yet. {fault}"
    (name,) = fields
    assert found.root.one("p", id=f"{name}-error").text in fault
    assert found.root.one("input", name="email").attributes["value"] == given["email"]
    assert db.session.scalars(select(OneTimeLink.id)).all() == []


def test_another_organization_is_not_offered_even_by_its_number(admin: FlaskClient) -> None:
    other = make_organization("Other")

    found = send(admin, "/people/invite", 422, email="bo@example.com", organization=str(other.id), role="viewer")

    assert f'"{other.id}" is not an organization of yours.' in faults(found)


# One person


def test_a_person_is_shown_with_roles_sessions_and_what_can_be_done(
    open_page: OpenPage, acme: Organization, now: datetime
) -> None:
    make_organization("Other")
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.OPERATOR})
    begin(bo, now - timedelta(minutes=5))

    found = open_page(f"/people/{bo.id}")

    assert found.root.one("h1").text == "bo@example.com"
    assert "Bo · Created on 2026-01-10" in found.text
    assert rows(found, "Sessions") == [["Firefox on Linux", "203.0.113.7", "5 min ago", "5 min ago"]]
    held = found.root.one("select", id=f"role-{acme.id}")
    assert held.one("option", selected="").text == "Operator"
    assert [option.text for option in found.root.one("select", name="organization").all("option")] == ["Other"]
    base = f"/people/{bo.id}"
    assert acts(found) == {f"{base}/{way}" for way in ("platform", "role", "sessions/end", "reset", "disable")}
    assert f"/activity?who={bo.email}" in {node.attributes.get("href") for node in found.root.one("main").all("a")}


def test_an_admin_is_told_what_is_not_in_their_power(admin: FlaskClient, acme: Organization) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER, make_organization("Other"): Role.VIEWER})

    found = page(admin, f"/people/{bo.id}")

    assert "This person also has roles in organizations that you do not administer." in found.text
    assert "Only a platform admin can disable the account or reset its password" in found.text
    assert acts(found) == {f"/people/{bo.id}/role"}
    assert "Other" not in found.text


def test_ones_own_page_changes_nothing_of_oneself(admin: FlaskClient) -> None:
    (me,) = db.session.scalars(select(Account.id)).all()

    found = page(admin, f"/people/{me}")

    assert "This is your account." in found.text
    assert acts(found) <= {f"/people/{me}/role", f"/people/{me}/sessions/end"}
    assert not found.root.one("main").all("select")


def test_somebody_outside_is_not_found(admin: FlaskClient) -> None:
    cy = make_account(roles={make_organization("Other"): Role.ADMIN})

    assert f"There is no account {cy.id}." in page(admin, f"/people/{cy.id}", 404).text
    for way in ("role", "disable", "enable", "reset", "sessions/end"):
        assert f"There is no account {cy.id}." in send(admin, f"/people/{cy.id}/{way}", 404).text


# Roles


@pytest.mark.parametrize(
    ("role", "flash", "roles"),
    [
        ("admin", "The role of bo@example.com at Acme is now admin. They have to sign in again.", [Role.ADMIN]),
        ("none", "bo@example.com has no role at Acme any more, and has to sign in again.", []),
    ],
)
def test_a_role_is_changed(client: FlaskClient, acme: Organization, role: str, flash: str, roles: list[Role]) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    found = send(client, f"/people/{bo.id}/role", organization=str(acme.id), role=role)

    assert flashes(found) == [flash]
    assert found.root.one("h1").text == "bo@example.com"
    assert [held.role for held in account(bo.id).roles] == roles


def test_whoever_has_no_role_any_more_is_out_of_an_admins_sight(admin: FlaskClient, acme: Organization) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    still = admin.post(f"/people/{bo.id}/role", data={"organization": str(acme.id), "role": "operator"})
    gone = admin.post(f"/people/{bo.id}/role", data={"organization": str(acme.id), "role": "none"})

    assert (still.status_code, still.location) == (303, f"/people/{bo.id}")
    assert (gone.status_code, gone.location) == (303, "/people")
    page(admin, f"/people/{bo.id}", 404)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"role": "platform"}, '"platform" is not a role. Choose from the list.'),
        ({"organization": "999"}, '"999" is not an organization of yours. Choose from the list.'),
    ],
)
def test_a_wrong_role_is_told(admin: FlaskClient, acme: Organization, fields: dict[str, str], fault: str) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    given = {"organization": str(acme.id), "role": "admin"} | fields
    found = send(admin, f"/people/{bo.id}/role", 422, **given)

    assert faults(found) == fault
    assert [held.role for held in account(bo.id).roles] == [Role.VIEWER]


def test_the_platform_gets_an_admin_more_and_one_less(client: FlaskClient) -> None:
    bo = make_account("bo@example.com")

    made = send(client, f"/people/{bo.id}/platform")
    assert flashes(made) == ["bo@example.com is now a platform admin, and has to sign in again."]
    assert f"/people/{bo.id}/no-platform" in acts(made)
    unmade = send(client, f"/people/{bo.id}/no-platform")

    assert flashes(unmade) == ["bo@example.com is not a platform admin any more, and has to sign in again."]
    assert not account(bo.id).platform


@pytest.mark.parametrize("way", ["platform", "no-platform"])
def test_only_the_platform_makes_its_admins(admin: FlaskClient, acme: Organization, way: str) -> None:
    bo = make_account(roles={acme: Role.VIEWER})

    page_of_refusal = send(admin, f"/people/{bo.id}/{way}", 403)

    assert page_of_refusal.root.one("h1").text
    assert not account(bo.id).platform


# Accounts


def test_an_account_is_disabled_and_enabled(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})
    begin(bo, now)

    disabled = send(admin, f"/people/{bo.id}/disable")
    assert flashes(disabled) == ["The account bo@example.com is disabled, and its sessions have ended."]
    assert "Disabled just now" in disabled.text
    assert "No open session." in disabled.text
    assert account(bo.id).disabled_at == now
    enabled = send(admin, f"/people/{bo.id}/enable")

    assert flashes(enabled) == ["The account bo@example.com is enabled, and can sign in again."]
    assert account(bo.id).disabled_at is None


def test_a_link_for_a_new_password_is_shown_once(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    made = send(admin, f"/people/{bo.id}/reset")

    token = made.root.one("code", id="link").text.removeprefix(LINK)
    assert (
        "With this link, bo@example.com can set a new password. It works once, for 1 day, and is not shown" in made.text
    )
    link = find_link(token, now)
    assert link is not None
    assert (link.purpose, link.account_id) == (LinkPurpose.RESET, bo.id)
    assert token not in page(admin, f"/people/{bo.id}").html
    assert db.session.scalars(select(OneTimeLink.token_hash)).all() == [hash_token(token)]


def me() -> Account:
    return db.session.scalars(select(Account)).one()


def beyond(acme: Organization) -> Account:
    return make_account("bo@example.com", roles={acme: Role.VIEWER, make_organization("Other"): Role.VIEWER})


REFUSALS: list[tuple[str, Callable[[Organization], Account], str]] = [
    ("reset", lambda _: me(), "This is your own account. Change your password on the page “Your account”."),
    ("disable", lambda _: me(), "This is your own account. Ask another admin to change it."),
    ("role", lambda _: me(), "This is your own role. Ask another admin to change it."),
    ("reset", beyond, "bo@example.com also has roles outside your organizations."),
    ("disable", beyond, "bo@example.com also has roles outside your organizations."),
    ("enable", beyond, "bo@example.com also has roles outside your organizations."),
    ("sessions/end", beyond, "bo@example.com also has roles outside your organizations."),
]


@pytest.mark.parametrize(("way", "whose", "says"), REFUSALS)
def test_what_is_refused_says_why(
    admin: FlaskClient, acme: Organization, way: str, whose: Callable[[Organization], Account], says: str
) -> None:
    found = send(admin, f"/people/{whose(acme).id}/{way}", 409, organization=str(acme.id), role="viewer")

    assert says in found.text
    assert words() == []


# Sessions


@pytest.mark.parametrize(
    ("number", "flash"), [(0, "There was no session."), (1, "1 session ended."), (2, "2 sessions ended.")]
)
def test_somebody_is_signed_out_everywhere(
    admin: FlaskClient, acme: Organization, now: datetime, number: int, flash: str
) -> None:
    bo = make_account(roles={acme: Role.VIEWER})
    for _ in range(number):
        begin(bo, now)

    assert flashes(send(admin, f"/people/{bo.id}/sessions/end")) == [flash]
    assert len(db.session.scalars(select(AccountSession.id)).all()) == 1


def test_whoever_signs_themselves_out_everywhere_is_out(admin: FlaskClient) -> None:
    response = admin.post(f"/people/{me().id}/sessions/end")

    assert (response.status_code, response.location) == (303, "/sign-in")
    assert flashes(page(admin, "/sign-in")) == ["All your sessions have ended. Sign in again."]
    assert admin.get("/people").status_code == 303


def test_everybody_is_signed_out(client: FlaskClient, now: datetime) -> None:
    begin(make_account(), now)

    found = send(client, "/people/sessions/end")

    assert flashes(found) == ["All users are signed out, you included."]
    db.session.rollback()
    assert db.session.scalars(select(AccountSession.id)).all() == []
    assert words() == [AuditEventType.SESSION_ENDED]


def test_only_the_platform_signs_everybody_out(admin: FlaskClient) -> None:
    send(admin, "/people/sessions/end", 403)

    assert len(db.session.scalars(select(AccountSession.id)).all()) == 1
