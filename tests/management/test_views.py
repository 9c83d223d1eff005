"""The pages of organizations and the settings of assistants."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from tests.factories import (
    make_account,
    make_assistant,
    make_many_organizations,
    make_organization,
    make_voice,
    sign_in,
)
from tests.page import Page
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: object) -> Organization:
    """Create an organization with two assistants and a voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Day desk")
    make_assistant(acme, id=32, name="Night desk")
    make_voice(acme, id=1)
    return acme


@pytest.fixture
def platform(anonymous_client: FlaskClient) -> FlaskClient:
    """Return a browser in which a platform admin is signed in."""
    return sign_in(anonymous_client, make_account("root@example.com", platform=True))


def check_page(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def submit(client: FlaskClient, address: str, status: int = 200, **fields: object) -> Page:
    """Submit a form, and return the page after the redirect."""
    return check_page(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def test_a_merge_is_previewed_applied_and_undone(platform: FlaskClient, acme: Organization) -> None:
    target = make_organization("Holding")
    make_account("ada@example.com", roles={acme: Role.OPERATOR})

    preview = check_page(platform.get(f"/organizations/{acme.id}/merge?organization={target.id}"))
    merged = submit(platform, f"/organizations/{acme.id}/merge", organization=target.id)
    undo = next(form for form in merged.root.all("form") if form.attributes["action"].endswith("/undo"))
    restored = submit(platform, undo.attributes["action"])

    assert "2 assistants and 1 voice move to “Holding”." in preview.text
    assert "ada@example.com becomes operator of “Holding”." in preview.text
    assert "“Acme” was merged into this organization." in merged.text
    assert "2 assistants, 1 voice, 1 person with a role." in merged.text
    assert "“Acme” has its assistants, voices and people again." in restored.text


def test_the_preview_names_whose_role_changes(platform: FlaskClient, acme: Organization) -> None:
    target = make_organization("Holding")
    make_account("ada@example.com", roles={acme: Role.ADMIN, target: Role.VIEWER})

    preview = check_page(platform.get(f"/organizations/{acme.id}/merge?organization={target.id}"))

    assert "ada@example.com is admin of “Acme” and stays viewer of “Holding”." in preview.text


@pytest.mark.parametrize("organization", ["", "x", "999"])
def test_an_unknown_target_is_refused_by_its_value(
    platform: FlaskClient, acme: Organization, organization: str
) -> None:
    for response in (
        platform.get(f"/organizations/{acme.id}/merge", query_string={"organization": organization}),
        platform.post(f"/organizations/{acme.id}/merge", data={"organization": organization}),
        platform.post("/assistants/31/move", data={"organization": organization}),
    ):
        page = check_page(response, 422)
        assert "one of your organizations" in page.text


def test_one_of_many_organizations_is_named_in_a_text_field(platform: FlaskClient, acme: Organization) -> None:
    make_many_organizations()

    for address in (f"/organizations/{acme.id}", "/assistants/31/settings"):
        page = check_page(platform.get(address))
        assert page.root.one("input", id="organization").attributes["type"] == "text"
        assert len(page.html) < 20_000
    preview = check_page(platform.get(f"/organizations/{acme.id}/merge?organization=Customer+7"))
    refused = check_page(platform.post("/assistants/31/move", data={"organization": "customer 99"}), 422)
    moved = submit(platform, "/assistants/31/move", organization="Customer 99")

    assert "“Acme” will be merged into “Customer 7”" in preview.text
    assert '"customer 99" matches 1 organization: Customer 99 (101).' in refused.root.one("div", role="alert").text
    assert "The assistant was moved to “Customer 99”." in moved.text


def test_an_organization_without_content_can_be_removed(platform: FlaskClient, acme: Organization) -> None:
    empty = make_organization("Empty")

    full = check_page(platform.get(f"/organizations/{acme.id}"))
    removed = submit(platform, f"/organizations/{empty.id}/remove")

    assert "Only an organization without assistants and voices can be removed." in full.text
    assert "The organization “Empty” was removed." in removed.text
    submit(platform, f"/organizations/{acme.id}/remove", 409)


@pytest.mark.parametrize("address", ["/organizations/{id}/name", "/assistants/31/name"])
def test_names_are_changed_and_checked(platform: FlaskClient, acme: Organization, address: str) -> None:
    address = address.format(id=acme.id)

    renamed = submit(platform, address, name="Empfang <b>")
    empty = submit(platform, address, 422, name=" ")
    hidden = submit(platform, address, 422, name="Ac\u202eme")

    assert "is now called “Empfang <b>”." in renamed.text
    assert empty.root.one("input", id="name").attributes["aria-invalid"] == "true"
    assert "U+202E" in hidden.text


def test_an_assistant_is_moved_and_removed(platform: FlaskClient, acme: Organization) -> None:
    other = make_organization("Other")

    moved = submit(platform, "/assistants/31/move", organization=other.id)
    removed = submit(platform, "/assistants/31/remove")
    shown = check_page(platform.get("/assistants/32/settings"))
    last = submit(platform, "/assistants/32/remove", 409)

    assert "The assistant was moved to “Other”." in moved.text
    assert "The assistant “Day desk” was removed." in removed.text
    assert "This is the only assistant of its organization, whose 1 voice would belong to none" in shown.text
    assert "Remove assistant" not in shown.text
    assert "“Night desk” is the only assistant of “Acme”" in last.text


def test_an_admin_of_one_organization_renames_but_does_not_merge(
    anonymous_client: FlaskClient, acme: Organization
) -> None:
    make_organization("Other")
    admin = sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))

    page = check_page(admin.get(f"/organizations/{acme.id}"))
    listed = check_page(admin.get("/organizations"))
    assistants = check_page(admin.get("/assistants"))

    assert [heading.text for heading in page.root.all("h2")] == ["Name", "Assistants"]
    assert page.root.one("a", href="/assistants/31/settings").text == "Day desk"
    assert "Other" not in listed.text
    assert assistants.root.one("a", href="/organizations").text == "Organizations"


def test_viewers_get_no_link_to_organizations(anonymous_client: FlaskClient, acme: Organization) -> None:
    viewer = sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.VIEWER}))

    assistants = check_page(viewer.get("/assistants"))

    assert not assistants.root.all("a", href="/organizations")
