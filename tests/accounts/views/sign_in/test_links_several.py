"""The page of an invitation to several organizations."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_organization
from tests.page import Page
from tests.two_tenants import TwoTenants, rows_of
from voiceadmin.accounts.actions.links import revoke_invitation
from voiceadmin.accounts.types import Grant
from voiceadmin.identity import EVERYTHING, Role

ROLES = (Role.VIEWER, Role.ADMIN)


def link_to_both(tenants: TwoTenants, email: str = "new@example.com") -> str:
    """Return the path of an invitation as viewer of Acme Telecom and admin of Globex."""
    organizations = (tenants.acme, tenants.globex)
    grants = [Grant(organization.id, role) for organization, role in zip(organizations, ROLES, strict=True)]
    return f"/links/{create_invitation(EVERYTHING, email, *grants, by=SHELL, now=NOW)}"


def revoke_in_acme() -> None:
    revoke_invitation(EVERYTHING, rows_of("one_time_link")[-2]["id"], by=SHELL, now=NOW)


def accept(guest: FlaskClient, link: str, password: str = "a horse of my own") -> Page:
    response = guest.post(link, data={"password": password}, follow_redirects=True)
    assert response.status_code == 200, response.text
    return Page(response.text)


def test_the_page_names_all_organizations_and_roles(tenants: TwoTenants) -> None:
    page = Page(tenants.browser("anonymous").get(link_to_both(tenants)).text)

    page.check()
    globex = tenants.globex.name
    assert f"You are invited to Acme Telecom as viewer. You are invited to {globex} as admin. Viewer: " in page.text
    assert "Admin: Also manages people and API keys" in page.text
    assert "Operator: " not in page.text
    assert "no longer valid" not in page.text


def test_the_page_names_the_organizations_in_which_it_is_no_longer_valid(tenants: TwoTenants) -> None:
    link, guest = link_to_both(tenants), tenants.browser("anonymous")
    revoke_in_acme()

    before = Page(guest.get(link).text)
    after = accept(guest, link)

    assert "The invitation to Acme Telecom is no longer valid. Ask an admin for a new one." in before.text
    assert f"You are invited to {tenants.globex.name} as admin." in before.text
    assert "invited to Acme Telecom" not in before.text
    assert (
        "The invitation to Acme Telecom is no longer valid, and gave you no role there. Ask an admin for a new one."
        in after.root.one("div", role="status").text
    )
    assert [(row["organization_id"], row["role"]) for row in rows_of("membership")[-1:]] == [
        (tenants.globex.id, Role.ADMIN)
    ]


def test_no_message_is_shown_if_all_roles_were_granted(tenants: TwoTenants) -> None:
    guest = tenants.browser("anonymous")

    assert not accept(guest, link_to_both(tenants)).root.all("div", role="status")
    assert guest.get("/people").status_code == 200


def test_the_page_is_the_same_with_and_without_an_account(tenants: TwoTenants) -> None:
    known = tenants.people["globex"].email
    guest = tenants.browser("anonymous")
    pages = [Page(guest.get(link_to_both(tenants, email)).text).text for email in (known, "new@example.com")]

    assert pages[0] == pages[1]
    accept(guest, link_to_both(tenants, known), PASSWORD)
    assert guest.get("/people").status_code == 200


@pytest.mark.parametrize("suffix", ["/1", "%2F1", ":1"])
def test_a_part_of_a_link_has_no_address_of_its_own(tenants: TwoTenants, suffix: str) -> None:
    assert tenants.browser("anonymous").get(link_to_both(tenants) + suffix).status_code in (404, 410)


def test_many_long_names_fit_into_the_message(tenants: TwoTenants) -> None:
    organizations = [make_organization("名" * 300) for _ in range(49)]
    grants = [Grant(organization.id, Role.VIEWER) for organization in (*organizations, tenants.acme)]
    token = create_invitation(EVERYTHING, "new@example.com", *grants, by=SHELL, now=NOW)
    for row in rows_of("one_time_link")[-50:-1]:
        revoke_invitation(EVERYTHING, row["id"], by=SHELL, now=NOW)

    page = accept(tenants.browser("anonymous"), f"/links/{token}")

    assert f"The invitation to {'名' * 199}… is no longer valid" in page.root.one("div", role="status").text
