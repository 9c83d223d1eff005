"""Invitations reveal nothing about accounts of other organizations, and give nobody the account of another person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation
from tests.page import Page
from tests.two_tenants import TwoTenants, rows_of
from voiceadmin.accounts.types import Grant
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization

CHOSEN = "a horse of my own"
KNOWN, UNKNOWN = "admin@globex.example", "admim@globex.example"  # an account of the other organization, and none


def mask(response: Any) -> tuple[int, str]:
    """Status and body of a response, without the address and random values."""
    body = response.text.replace(UNKNOWN, KNOWN)
    return response.status_code, re.sub(r'links/[\w-]{43}|name="csrf_token" value="[^"]*"', "", body)


def invite_as(admin: FlaskClient, email: str, organization: Organization) -> Any:
    """Submit the form that invites an address as viewer."""
    form = {"emails": email, "roles": f"{organization.id}:viewer"}
    return admin.post("/people/invite", data=form)


def link_to(email: str, organization: Organization) -> str:
    """The path of a new invitation."""
    grant = Grant(organization.id, Role.VIEWER)
    return f"/links/{create_invitation(EVERYTHING, email, grant, by=SHELL, now=NOW)}"


def test_an_admin_cannot_tell_whether_an_invited_address_has_an_account_elsewhere(tenants: TwoTenants) -> None:
    admin, guest = tenants.browser("admin"), tenants.browser("anonymous")
    seen = []
    for email in (KNOWN, UNKNOWN):
        created = invite_as(admin, email, tenants.acme)
        (link,) = re.findall(r"/links/[\w-]{43}", created.text)
        weak = [guest.post(link, data={"password": password, "name": "Ada"}) for password in ("", "short", "password1")]
        mentions = [admin.get(page).text.count(email) for page in ("/people", "/people.csv", "/activity")]
        seen.append(([mask(page) for page in (created, guest.get(link), *weak)], mentions))

    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0][0]] == [200, 200, 422, 422, 422]


def test_the_owner_of_an_account_is_asked_for_its_password_when_signed_in(tenants: TwoTenants) -> None:
    link = link_to(KNOWN.upper(), tenants.acme)

    own, other = (Page(tenants.browser(who).get(link).text) for who in ("globex", "viewer"))

    assert [page.root.one("input", id="password").attributes["autocomplete"] for page in (own, other)] == [
        *("current-password", "new-password"),
    ]
    assert not own.root.all("input", name="name")
    assert "If you have an account already, enter its password." in other.text


def test_the_page_of_an_invitation_names_the_organization_and_the_role(tenants: TwoTenants) -> None:
    page = Page(tenants.browser("anonymous").get(link_to("new@example.com", tenants.acme)).text)

    assert "You are invited to Acme Telecom as viewer." in page.text
    assert page.root.one("input", id="email").attributes["value"] == "new@example.com"


@pytest.mark.parametrize("is_open_before", [False, True])
def test_accepting_one_invitation_gives_another_organization_no_colleague_without_the_password(
    tenants: TwoTenants, is_open_before: bool
) -> None:
    email, stranger, owner = "new@example.com", tenants.browser("anonymous"), tenants.browser("anonymous")
    of_acme, of_globex = link_to(email, tenants.acme), link_to(email, tenants.globex)
    if is_open_before:
        owner.get(of_globex)
    assert stranger.post(of_acme, data={"password": CHOSEN, "name": "Stranger"}).status_code == 303

    refused = owner.post(of_globex, data={"password": PASSWORD, "name": "Owner"})

    account = rows_of("account")[-1]
    assert (account["email"], account["name"]) == (email, "Stranger")
    assert refused.status_code == 422
    assert "This is not the password of your account." in refused.text
    assert [row["organization_id"] for row in rows_of("membership") if row["account_id"] == account["id"]] == [
        tenants.acme.id
    ]
    assert owner.get(of_globex).status_code == 200, "the invitation stays open"
    assert owner.post(of_globex, data={"password": CHOSEN}).status_code == 303
    assert len([row for row in rows_of("membership") if row["account_id"] == account["id"]]) == 2
