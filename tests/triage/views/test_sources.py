"""Sources in the queue: on the page, in the JSON route and in exports, for every role."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import Client
from tests.factories import DAY, make_account, make_organization, sign_in
from tests.page import Page
from tests.source_rows import make_source
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization

SENTENCE = "Last read as a whole yesterday: its voices have no current verdict. The key is not valid."


@pytest.fixture
def failing(now: datetime) -> dict[str, Any]:
    return {"read_at": now - DAY, "failing_since": now - DAY, "failure": "The key is not valid."}


def open_triage(client: FlaskClient) -> Page:
    response = client.get("/triage")
    assert response.status_code == 200
    return Page(response.text)


@pytest.mark.parametrize(
    ("role", "has_link", "buttons"),
    [
        (Role.VIEWER, False, []),
        (Role.OPERATOR, False, ["Assign to me: Eleven Acknowledge Eleven"]),
        (Role.ADMIN, True, ["Assign to me: Eleven Acknowledge Eleven"]),
    ],
    ids=["viewer", "operator", "admin"],
)
def test_only_admins_have_a_link_to_the_source(
    acme: Organization, client: FlaskClient, failing: Any, role: Role, has_link: bool, buttons: list[str]
) -> None:
    source_id = make_source(acme, name="Eleven", **failing)
    make_source(make_organization("Other"), name="Of others", **failing)
    make_source(None, name="Of the platform", **failing)
    sign_in(client, make_account(roles={acme: role}))

    page = open_triage(client)

    cells = [f"Source not read {SENTENCE}Acme", "yesterday", "Unassigned"]
    assert page.rows() == [[f"ElevenElevenLabs source {source_id}", *cells, *buttons]]
    links = [a.attributes.get("href") for a in page.root.one("tbody").one("th").all("a")]
    assert links == ([f"/sources/{source_id}"] if has_link else [])
    assert client.get(f"/sources/{source_id}").status_code == (200 if has_link else 403)


def test_a_platform_admin_sees_sources_of_the_platform_everywhere(
    client: FlaskClient, now: datetime, failing: Any
) -> None:
    source_id = make_source(None, kind="burki", name="Harbour", **failing)

    page = open_triage(client)
    item = client.get("/api/v1/attention").get_json()["items"][0]
    exported = json.loads(client.get("/triage.json").text)

    assert page.link("Harbour") == f"/sources/{source_id}"
    assert page.rows()[0][1].endswith("The platform")
    expected = {"kind": "source", "id": source_id, "name": "Harbour", "provider": None, "voice_id": None}
    owner = {"organization_id": None, "organization": None, "reason": "source-failing"}
    assert {name: item[name] for name in expected | owner} == expected | owner
    assert [(row["name"], row["organization"]) for row in exported] == [("Harbour", None)]


def test_all_sources_that_match_are_acknowledged_and_the_page_says_which(
    acme: Organization, client: Client, failing: Any
) -> None:
    make_source(acme, **failing)
    make_source(None, **failing)
    page = Page(client.get("/triage/all?reason=source-failing").text)
    assert page.root.one("h1").text == "Selected: 2 sources"
    assert "the selection contains 2 sources" in page.text

    (form,) = page.root.all("form", **{"class": "selection-form"})
    sent = client.post("/triage/all?reason=source-failing", data=page.hidden_fields(form) | {"action": "acknowledge"})

    assert sent.status_code == 303
    assert "Acknowledged 2 sources." in client.get(sent.headers["Location"]).text
    assert open_triage(client).rows() == [["Everything is in order."]]
