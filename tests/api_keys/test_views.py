"""The pages of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.conftest import SHELL
from tests.factories import DAY, make_account, make_assistant, make_many_organizations, make_organization, sign_in
from tests.page import OpenPage, Page
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.queries import find_api_key, list_api_keys
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """Return a browser in which an admin of Acme is signed in."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def check_page(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def submit(client: FlaskClient, address: str, status: int = 200, **fields: Any) -> Page:
    """Submit a form, and return the page after the redirect."""
    return check_page(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def create_key(
    now: datetime, *organizations: Organization, name: str = "board", lifetime: timedelta | None = None
) -> int:
    """Create a key, and return its id. Without organizations it reads all."""
    ids = frozenset(organization.id for organization in organizations) or None
    create_api_key(EVERYTHING, name, ids, expires_at=None if lifetime is None else now + lifetime, by=SHELL, now=now)
    return list_api_keys(EVERYTHING)[0].id


def test_a_key_whose_creator_is_disabled_is_marked_and_can_be_revoked(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.ADMIN})
    by, ids = Actor(ActorKind.ACCOUNT, bo.id, bo.email), frozenset({acme.id})
    create_api_key(EVERYTHING, "board", ids, expires_at=None, by=by, now=now)
    (key,) = list_api_keys(EVERYTHING)
    disable_account(EVERYTHING, bo.id, by=SHELL, now=now)

    (row,) = check_page(admin.get("/api-keys")).rows()
    assert row[4].endswith("by bo@example.com Creator disabled")

    (row,) = submit(admin, f"/api-keys/{key.id}/revoke").rows()
    assert row[2] == "Revoked just now"
    assert row[4].endswith("by bo@example.com")


def test_an_empty_list_links_to_the_form_for_a_new_key(open_page: OpenPage) -> None:
    found = open_page("/api-keys")

    assert "No API keys yet. Create one for each program that reads voices." in found.text
    assert {found.link("Create one"), found.link("Create API key")} == {"/api-keys/new"}


def test_keys_are_listed_with_organizations_and_state(open_page: OpenPage, acme: Organization, now: datetime) -> None:
    others = [make_organization(f"Org {number}") for number in range(3)]
    hint = "va_abcdef"
    create_key(now - DAY, acme, name="used")
    create_key(now - 3 * DAY, acme, *others, name="expired", lifetime=DAY)
    revoked = create_key(now, name="revoked", lifetime=DAY)
    create_key(now, name="for a month", lifetime=30 * DAY)
    revoke_api_key(EVERYTHING, revoked, by=SHELL, now=now)
    with write_transaction():
        for key in db.session.scalars(select(ApiKey)):
            key.hint = hint
            key.last_used_at = now - DAY if key.name == "used" else None

    found = open_page("/api-keys")

    assert [row[0] for row in found.rows()] == [
        f"{name}{hint}…" for name in ("for a month", "revoked", "expired", "used")
    ]
    unlimited, _, several, single = found.column("Organizations")
    assert (unlimited, single) == ("All organizations", "Acme")
    assert several.startswith("Acme")
    assert several.endswith("and 1 more")
    states = found.column("State")
    assert "30 days" in states[0]
    assert states[1:3] == ["Revoked just now", "Expired 2 days ago"]
    assert "ever" in states[3]
    assert found.column("Last used") == ["Never", "Never", "Never", "yesterday"]
    assert [text[:10] for text in found.column("Created")] == ["2026-11-22", "2026-11-22", "2026-11-19", "2026-11-21"]
    assert ["Revoke" in row[-1] for row in found.rows()] == [True, False, False, True]


def test_an_admin_sees_only_keys_of_the_own_organizations(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    other = make_organization("Other")
    create_key(now, acme, name="ours")
    hidden = [
        create_key(now, other, name="theirs"),
        create_key(now, acme, other, name="both"),
        create_key(now, name="all"),
    ]

    found = check_page(admin.get("/api-keys"))

    assert [row[0][:4] for row in found.rows()] == ["ours"]
    assert "Other" not in found.text
    for id in hidden:
        assert f"There is no API key {id}." in submit(admin, f"/api-keys/{id}/revoke", 404).text
    assert all(row.revoked_at is None for row in list_api_keys(EVERYTHING))


def test_a_new_key_is_shown_once_with_an_example_call(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    make_assistant(make_organization("Other"), id=7)
    make_assistant(acme, id=31)
    form = check_page(admin.get("/api-keys/new"))
    checkboxes = {checkbox.attributes["value"] for checkbox in form.root.all("input", type="checkbox")}
    assert checkboxes == {str(acme.id)}
    assert form.root.one("option", selected="").attributes["value"] == "365"

    found = submit(admin, "/api-keys/new", name="status board", organizations=[str(acme.id)], expires="90")

    key = found.root.one("code", id="key").text
    assert found.root.one("h1").text == "New API key “status board”"
    assert "The key is not shown again." in found.text
    assert found.root.one("code", id="call").raw_text == (
        f"curl -H 'Authorization: Bearer {key}' 'http://localhost/api/v1/assistants/31/cloned-voices'"
    )
    stored = find_api_key(key)
    assert stored is not None
    assert (stored.name, stored.expires_at) == ("status board", now + 90 * DAY)
    assert stored.organizations == frozenset([int(acme.id)])
    assert list_api_keys(EVERYTHING)[0].created_by == "ada@example.com"
    assert key not in check_page(admin.get("/api-keys")).html


def test_the_new_key_is_accepted_by_the_api(admin: FlaskClient, acme: Organization) -> None:
    make_assistant(acme, id=31)
    key = submit(admin, "/api-keys/new", name="x", organizations=[str(acme.id)]).root.one("code", id="key").text

    response = admin.get("/api/v1/assistants/31/cloned-voices", headers={"Authorization": f"Bearer {key}"})

    assert response.get_json() == {"success": True, "cloned_voices": []}


def test_the_example_call_names_an_assistant_that_the_key_reads(client: FlaskClient, acme: Organization) -> None:
    make_assistant(make_organization("Other"), id=7)
    make_assistant(acme, id=31)

    found = submit(client, "/api-keys/new", name="x", organizations=[str(acme.id)])

    assert found.root.one("code", id="call").text.endswith("/api/v1/assistants/31/cloned-voices'")


def test_without_an_assistant_the_example_call_has_a_placeholder(client: FlaskClient) -> None:
    found = submit(client, "/api-keys/new", name="x", organizations=["all"], expires="never")

    assert found.root.one("code", id="call").text.endswith("/api/v1/assistants/ASSISTANT_ID/cloned-voices'")
    (row,) = list_api_keys(EVERYTHING)
    assert (row.organizations, row.expires_at) == (None, None)


def test_without_organizations_a_platform_admin_can_select_all(open_page: OpenPage) -> None:
    assert [
        checkbox.attributes["value"] for checkbox in open_page("/api-keys/new").root.all("input", type="checkbox")
    ] == ["all"]


@pytest.mark.parametrize(("path", "current"), [("/api-keys", "page"), ("/api-keys/new", "true")])
def test_the_section_is_marked_in_the_header(client: FlaskClient, path: str, current: str) -> None:
    (link,) = [node for node in check_page(client.get(path)).root.all("a") if "aria-current" in node.attributes]

    assert (link.text, link.attributes["aria-current"]) == ("API keys", current)


def test_many_organizations_are_named_in_a_text_field(client: FlaskClient, acme: Organization) -> None:
    make_many_organizations()
    page = check_page(client.get("/api-keys/new"))
    assert [checkbox.attributes["value"] for checkbox in page.root.all("input", type="checkbox")] == ["all"]

    refused = submit(client, "/api-keys/new", 422, name="x", organizations=["Acme\n99999"])
    assert refused.root.one("p", id="organizations-error").text == (
        'Line 2: "99999" is not one of your organizations. Enter a name or an ID.'
    )
    assert refused.root.one("textarea", id="organizations").raw_text.strip() == "Acme\n99999"
    submit(client, "/api-keys/new", name="x", organizations=["Acme\nCustomer 7"])
    submit(client, "/api-keys/new", name="y", organizations=["", "all"])
    newest, older = list_api_keys(EVERYTHING)
    assert newest.organizations is None
    assert older.organizations is not None
    assert sorted(older.organizations.values()) == ["Acme", "Customer 7"]


@pytest.mark.parametrize(
    ("fields", "name", "fault"),
    [
        ({"name": ""}, "name", "This is empty. Fill it in."),
        ({"organizations": []}, "organizations", "No organization is selected. Select at least one."),
        ({"organizations": ["all"]}, "organizations", '"all" is not one of your organizations. Choose from the list.'),
        ({"organizations": ["999"]}, "organizations", '"999" is not one of your organizations. Choose from the list.'),
        ({"expires": "1"}, "expires", '"1" is not a lifetime. Choose from the list.'),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(
    admin: FlaskClient, acme: Organization, fields: dict[str, Any], name: str, fault: str
) -> None:
    given = {"name": "board", "organizations": [str(acme.id)], "expires": "30"} | fields

    found = submit(admin, "/api-keys/new", 422, **given)

    assert found.root.one("p", id=f"{name}-error").text == fault
    assert fault in found.root.one("div", role="alert").text
    assert list_api_keys(EVERYTHING) == []


def test_a_key_is_revoked(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    id = create_key(now, acme)

    found = submit(admin, f"/api-keys/{id}/revoke")

    assert [node.text for node in found.root.all("div") if node.attributes.get("class") == "flash"] == [
        "The API key “board” was revoked. Requests with it are refused."
    ]
    assert found.column("State") == ["Revoked just now"]
    assert f"There is no API key {id + 1}." in submit(admin, f"/api-keys/{id + 1}/revoke", 404).text
