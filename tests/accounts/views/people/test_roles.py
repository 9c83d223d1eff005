"""Changing the roles of a person."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.accounts.views.people.scenario import (
    load_account,
    open_page_as,
    read_alert,
    read_form_actions,
    read_messages,
    submit,
)
from tests.factories import make_account, make_many_organizations
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.mark.parametrize(
    ("role", "flash", "roles"),
    [
        (
            "admin",
            "The role of bo@example.com at Acme is now admin. They have to sign in again to use it.",
            [Role.ADMIN],
        ),
        ("none", "bo@example.com has no role at Acme any more.", []),
    ],
)
def test_a_role_is_changed(client: FlaskClient, acme: Organization, role: str, flash: str, roles: list[Role]) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    found = submit(client, f"/people/{bo.id}/role", organization=str(acme.id), role=role)

    assert read_messages(found) == [flash]
    assert found.root.one("h1").text == "bo@example.com"
    assert [entry.role for entry in load_account(bo.id).roles] == roles


def test_one_of_many_organizations_is_named_in_a_text_field(client: FlaskClient, acme: Organization) -> None:
    make_many_organizations()
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    page = open_page_as(client, f"/people/{bo.id}")
    added = submit(client, f"/people/{bo.id}/role", organization="Customer 7", role="viewer")
    refused = submit(client, f"/people/{bo.id}/role", 422, organization="customer", role="viewer")

    assert page.root.one("input", id="organization").attributes["type"] == "text"
    assert len(page.html) < 20_000
    assert read_messages(added)[0].startswith("The role of bo@example.com at Customer 7 is now viewer.")
    assert '"customer" matches 1,000 organizations: Customer 0 (' in read_alert(refused)


def test_an_account_without_a_role_disappears_from_the_pages_of_an_admin(
    admin: FlaskClient, acme: Organization
) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    changed = admin.post(f"/people/{bo.id}/role", data={"organization": str(acme.id), "role": "operator"})
    removed = admin.post(f"/people/{bo.id}/role", data={"organization": str(acme.id), "role": "none"})

    assert (changed.status_code, changed.location) == (303, f"/people/{bo.id}")
    assert (removed.status_code, removed.location) == (303, "/people")
    open_page_as(admin, f"/people/{bo.id}", 404)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"role": "platform"}, '"platform" is not a role. Choose from the list.'),
        ({"organization": "999"}, '"999" is not one of your organizations. Choose from the list.'),
    ],
)
def test_an_invalid_role_is_reported(
    admin: FlaskClient, acme: Organization, fields: dict[str, str], fault: str
) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    given = {"organization": str(acme.id), "role": "admin"} | fields
    found = submit(admin, f"/people/{bo.id}/role", 422, **given)

    assert read_alert(found) == fault
    assert [entry.role for entry in load_account(bo.id).roles] == [Role.VIEWER]


def test_a_platform_admin_is_added_and_removed(client: FlaskClient) -> None:
    bo = make_account("bo@example.com")

    created = submit(client, f"/people/{bo.id}/platform")
    assert read_messages(created) == ["bo@example.com is now a platform admin, and has to sign in again."]
    assert f"/people/{bo.id}/no-platform" in read_form_actions(created)
    removed = submit(client, f"/people/{bo.id}/no-platform")

    assert read_messages(removed) == ["bo@example.com is not a platform admin any more, and has to sign in again."]
    assert not load_account(bo.id).platform


@pytest.mark.parametrize("action", ["platform", "no-platform"])
def test_only_a_platform_admin_changes_platform_admins(admin: FlaskClient, acme: Organization, action: str) -> None:
    bo = make_account(roles={acme: Role.VIEWER})

    refusal = submit(admin, f"/people/{bo.id}/{action}", 403)

    assert refusal.root.one("h1").text
    assert not load_account(bo.id).platform
