"""Inviting several people at once, and to several organizations."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.accounts.views.people.scenario import (
    LINK,
    check_page,
    open_page_as,
    read_alert,
    read_event_types,
    read_rows,
)
from tests.factories import make_account, make_many_organizations, make_organization, sign_in
from tests.page import Page
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization

EMAILS = "bo@example.com\nCy Young <cy@example.com>"


def invite(client: FlaskClient, emails: str, *roles: str, status: int = 200) -> Page:
    """Submit the form as a browser does, with an empty value for each organization without a role."""
    data = MultiDict([("emails", emails), *(("roles", role) for role in ("", *roles, ""))])
    return check_page(client.post("/people/invite", data=data), status)


def test_each_address_has_its_own_link_and_all_links_can_be_copied(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    found = invite(admin, EMAILS, f"{acme.id}:operator")

    assert found.root.one("h1").text == "Share these invitation links"
    links = [found.root.one("code", id=f"link-{number}").text for number in (1, 2)]
    assert found.root.one("code", id="links").raw_text == f"bo@example.com\t{links[0]}\ncy@example.com\t{links[1]}\n"
    assert [
        button.attributes["data-copy"] for button in found.root.all("button") if "data-copy" in button.attributes
    ] == [*("link-1", "link-2", "links")]
    for email, address in zip(("bo@example.com", "cy@example.com"), links, strict=True):
        link = find_link(address.removeprefix(LINK), now)
        assert link is not None
        assert (link.email, link.organization_id, link.role) == (email, acme.id, Role.OPERATOR)
    assert read_event_types() == [AuditEventType.LINK_CREATED] * 2


def test_the_lines_that_are_wrong_are_named_and_nobody_is_invited(admin: FlaskClient, acme: Organization) -> None:
    found = invite(admin, "bo@example.com\ncy\nBO@example.com", f"{acme.id}:operator", status=422)

    faults = [
        'Line 2: "cy" is not an e-mail address. Write it as name@example.com.',
        'Line 3: "BO@example.com" is a duplicate of line 1. Remove one of them.',
    ]
    summary = " ".join(f"E-mail addresses: {fault}" for fault in faults)
    assert read_alert(found) == f"Correct these errors and try again. {summary}"
    assert all(fault in found.root.one("p", id="emails-error").text for fault in faults)
    assert found.root.one("textarea", name="emails").raw_text.strip() == "bo@example.com\ncy\nBO@example.com"
    assert found.root.one("select", id=f"role-{acme.id}").one("option", selected="").text == "Operator"
    assert db.session.scalars(select(OneTimeLink.id)).all() == []


def test_an_admin_of_several_organizations_chooses_a_role_in_each(
    anonymous_client: FlaskClient, acme: Organization, now: datetime
) -> None:
    other, hidden = make_organization("Other"), make_organization("Hidden")
    roles = {acme: Role.ADMIN, other: Role.ADMIN, hidden: Role.VIEWER}
    client = sign_in(anonymous_client, make_account("ada@example.com", roles=roles))

    form = open_page_as(client, "/people/invite")
    assert [label.text for label in form.root.one("fieldset", id="roles").all("label")] == ["Acme", "Other"]
    assert not [option for option in form.root.all("option") if "selected" in option.attributes]
    found = invite(client, "bo@example.com", f"{acme.id}:viewer", f"{other.id}:admin")

    link = find_link(found.root.one("code", id="link").text.removeprefix(LINK), now)
    assert link is not None
    assert [(part.organization_id, part.role) for part in link.parts] == [
        (acme.id, Role.VIEWER),
        (other.id, Role.ADMIN),
    ]
    rows = read_rows(open_page_as(client, "/people"), "Open invitations")
    assert sorted(row[:3] for row in rows) == [
        ["bo@example.com", "Admin", "Other"],
        ["bo@example.com", "Viewer", "Acme"],
    ]
    refused = invite(client, "bo@example.com", f"{acme.id}:viewer", f"{hidden.id}:viewer", status=422)
    assert f'"{hidden.id}:viewer" is not a role in one of your organizations.' in read_alert(refused)


def test_a_platform_admin_can_choose_platform_admin_and_no_role_is_chosen_at_first(
    client: FlaskClient, acme: Organization
) -> None:
    choices = open_page_as(client, "/people/invite").root.one("fieldset", id="roles")

    assert [label.text for label in choices.all("label")] == ["All organizations", "Acme"]
    assert [option.text for option in choices.one("select", id="role-all").all("option")] == [
        *("No role", "Platform admin")
    ]
    assert not [option for option in choices.all("option") if "selected" in option.attributes]


def test_many_organizations_are_named_in_a_text_field(client: FlaskClient, acme: Organization) -> None:
    make_many_organizations()
    page = open_page_as(client, "/people/invite")
    assert not page.root.all("select", name="roles")
    assert [option.text for option in page.root.one("select", id="role").all("option")] == [
        *("Viewer", "Operator", "Admin", "Platform admin")
    ]

    def send(organizations: str, status: int) -> Page:
        data = {"emails": "bo@example.com", "organizations": organizations, "role": "operator"}
        return check_page(client.post("/people/invite", data=data), status)

    refused = send("Acme\nCustomer", 422)
    assert 'Line 2: "Customer" matches 1,000 organizations: Customer 0 (' in read_alert(refused)
    assert refused.root.one("textarea", id="organizations").raw_text.strip() == "Acme\nCustomer"
    send("acme\nCustomer 7", 422)
    send("Acme\nCustomer 7", 200)
    rows = check_page(client.get("/people")).html
    assert "Customer 7" in rows


@pytest.mark.parametrize("emails", ["a" * 100_000, "a@b.c," * 5000, "<" * 5000, '"' * 5000, "\n" * 50_000])
def test_a_long_text_is_refused(admin: FlaskClient, acme: Organization, emails: str) -> None:
    assert "E-mail addresses: " in read_alert(invite(admin, emails, f"{acme.id}:viewer", status=422))
