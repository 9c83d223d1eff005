"""The pages of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.conftest import SHELL
from tests.factories import DAY, make_account, make_assistant, make_organization, sign_in
from tests.page import OpenPage, Page
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.queries import find_api_key, list_api_keys
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(store: object) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(stranger: FlaskClient, acme: Organization) -> FlaskClient:
    """A browser in which an admin of Acme has signed in."""
    return sign_in(stranger, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def checked(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def send(client: FlaskClient, address: str, status: int = 200, **fields: Any) -> Page:
    """Send a form and follow where it leads: the page that there is then."""
    return checked(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def made(now: datetime, *organizations: Organization, name: str = "board", lives: timedelta | None = None) -> int:
    """The id of a key. Without organizations it reads all."""
    ids = frozenset(organization.id for organization in organizations) or None
    create_api_key(EVERYTHING, name, ids, expires_at=None if lives is None else now + lives, by=SHELL, now=now)
    return list_api_keys(EVERYTHING)[0].id


def test_without_a_key_the_page_says_how_to_make_one(open_page: OpenPage) -> None:
    found = open_page("/api-keys")

    assert "No API keys yet. Create one for each program that reads voices." in found.text
    assert {found.link("Create one"), found.link("Create API key")} == {"/api-keys/new"}


def test_keys_are_listed_with_what_they_read_and_whether_they_work(
    open_page: OpenPage, acme: Organization, now: datetime
) -> None:
    others = [make_organization(f"Org {number}") for number in range(3)]
    hint = "va_abcdef"
    made(now - DAY, acme, name="used")
    made(now - 3 * DAY, acme, *others, name="expired", lives=DAY)
    revoked = made(now, name="revoked", lives=DAY)
    made(now, name="for a month", lives=30 * DAY)
    revoke_api_key(EVERYTHING, revoked, by=SHELL, now=now)
    with write_transaction():
        for key in db.session.scalars(select(ApiKey)):
            key.hint = hint
            key.last_used_at = now - DAY if key.name == "used" else None

    found = open_page("/api-keys")

    assert [row[0] for row in found.rows()] == [
        f"{name}{hint}…" for name in ("for a month", "revoked", "expired", "used")
    ]
    whole, _, part, one = found.column("Organizations")
    assert (whole, one) == ("All organizations", "Acme")
    assert part.startswith("Acme")
    assert part.endswith("and 1 more")
    states = found.column("State")
    assert "30 days" in states[0]
    assert states[1:3] == ["Revoked just now", "Expired 2 days ago"]
    assert "ever" in states[3]
    assert found.column("Last used") == ["Never", "Never", "Never", "yesterday"]
    assert [made[:10] for made in found.column("Created")] == ["2026-11-22", "2026-11-22", "2026-11-19", "2026-11-21"]
    assert ["Revoke" in row[-1] for row in found.rows()] == [True, False, False, True]


def test_an_admin_sees_the_keys_of_their_organizations_alone(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    other = make_organization("Other")
    made(now, acme, name="ours")
    hidden = [made(now, other, name="theirs"), made(now, acme, other, name="both"), made(now, name="all")]

    found = checked(admin.get("/api-keys"))

    assert [row[0][:4] for row in found.rows()] == ["ours"]
    assert "Other" not in found.text
    for id in hidden:
        assert f"There is no API key {id}." in send(admin, f"/api-keys/{id}/revoke", 404).text
    assert all(row.revoked_at is None for row in list_api_keys(EVERYTHING))


def test_a_key_is_made_and_shown_once_with_a_call(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    make_assistant(make_organization("Other"), id=7)
    make_assistant(acme, id=31)
    form = checked(admin.get("/api-keys/new"))
    ticks = {tick.attributes["value"] for tick in form.root.all("input", type="checkbox")}
    assert ticks == {str(acme.id)}
    assert form.root.one("option", selected="").attributes["value"] == "365"

    found = send(admin, "/api-keys/new", name="status board", organizations=[str(acme.id)], expires="90")

    key = found.root.one("code", id="key").text
    assert found.root.one("h1").text == "New API key “status board”"
    assert "It is not shown again." in found.text
    assert found.root.one("code", id="call").raw_text == (
        f"curl -H 'Authorization: Bearer {key}' 'http://localhost/api/v1/assistants/31/cloned-voices'"
    )
    held = find_api_key(key)
    assert held is not None
    assert (held.name, held.expires_at) == ("status board", now + 90 * DAY)
    assert held.organizations == frozenset([int(acme.id)])
    assert list_api_keys(EVERYTHING)[0].created_by == "ada@example.com"
    assert key not in checked(admin.get("/api-keys")).html


def test_the_call_works(admin: FlaskClient, acme: Organization) -> None:
    make_assistant(acme, id=31)
    key = send(admin, "/api-keys/new", name="x", organizations=[str(acme.id)]).root.one("code", id="key").text

    response = admin.get("/api/v1/assistants/31/cloned-voices", headers={"Authorization": f"Bearer {key}"})

    assert response.get_json() == {"success": True, "cloned_voices": []}


def test_without_an_assistant_the_call_says_where_its_id_goes(client: FlaskClient) -> None:
    found = send(client, "/api-keys/new", name="x", organizations=["all"], expires="never")

    assert found.root.one("code", id="call").text.endswith("/api/v1/assistants/ASSISTANT_ID/cloned-voices'")
    (row,) = list_api_keys(EVERYTHING)
    assert (row.organizations, row.expires_at) == (None, None)


def test_a_store_without_organizations_offers_a_platform_admin_all(open_page: OpenPage) -> None:
    assert [tick.attributes["value"] for tick in open_page("/api-keys/new").root.all("input", type="checkbox")] == [
        "all"
    ]


@pytest.mark.parametrize(
    ("fields", "name", "fault"),
    [
        ({"name": ""}, "name", "This is empty. Fill it in."),
        ({"organizations": []}, "organizations", "No organization is selected. Select at least one."),
        ({"organizations": ["all"]}, "organizations", '"all" is not an organization of yours. Choose from the list.'),
        ({"organizations": ["999"]}, "organizations", '"999" is not an organization of yours. Choose from the list.'),
        ({"expires": "1"}, "expires", '"1" is not a lifetime. Choose from the list.'),
    ],
)
def test_a_wrong_key_is_named_at_its_field(
    admin: FlaskClient, acme: Organization, fields: dict[str, Any], name: str, fault: str
) -> None:
    given = {"name": "board", "organizations": [str(acme.id)], "expires": "30"} | fields

    found = send(admin, "/api-keys/new", 422, **given)

    assert found.root.one("p", id=f"{name}-error").text == fault
    assert fault in found.root.one("div", role="alert").text
    assert list_api_keys(EVERYTHING) == []


def test_a_key_is_revoked(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    id = made(now, acme)

    found = send(admin, f"/api-keys/{id}/revoke")

    assert [node.text for node in found.root.all("div") if node.attributes.get("class") == "flash"] == [
        "The API key “board” was revoked. Requests with it are refused."
    ]
    assert found.column("State") == ["Revoked just now"]
    assert f"There is no API key {id + 1}." in send(admin, f"/api-keys/{id + 1}/revoke", 404).text
