"""Pages of sources: the list, a new source, a source, and what they never show."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization, sign_in
from tests.page import Page
from tests.sources.scenario import ENCRYPTION_KEY, KEY, NOWHERE, Provider, describe_source, make_source
from tests.two_tenants import audit_event_types, dump, rows_of
from tests.upstream import server
from tests.upstream.server import Request, Response
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import check_source

pytestmark = pytest.mark.usefixtures("storing_app", "now")

OpenPage = Callable[..., Page]


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def admin(anonymous_client: FlaskClient, acme: Organization) -> FlaskClient:
    """A browser of an admin of Acme."""
    return sign_in(anonymous_client, make_account("ada@example.com", roles={acme: Role.ADMIN}))


def fill(address: str, **fields: str) -> dict[str, str]:
    """The form of a new source of the platform."""
    return {"kind": "elevenlabs", "name": "Voices", "address": address, "key": KEY} | fields


def post(browser: FlaskClient, path: str, data: dict[str, str] | None = None) -> Page:
    """Send a form, follow a redirect, and return the checked page."""
    response = browser.post(path, data=data, follow_redirects=True)
    assert response.status_code in (200, 422), response.text[:2000]
    page = Page(response.text)
    page.check()
    return page


# The list


def test_without_sources_the_list_says_what_to_do(open_page: OpenPage) -> None:
    text = open_page("/sources").text

    assert "No sources yet. Add the platform or a provider with its API key." in text
    assert "./dev upstream" in text


def test_an_admin_of_an_organization_is_not_told_commands(admin: FlaskClient) -> None:
    text = Page(admin.get("/sources").text).text

    assert "No sources yet." in text
    assert "./dev upstream" not in text


def test_the_list_shows_each_source_with_its_state(
    open_page: OpenPage, settings: Settings, provider: Provider, acme: Organization
) -> None:
    tested = make_source(settings, describe_source(None, provider.server.address, name="Good"))
    check_source(EVERYTHING, tested, settings, by=SHELL, now=NOW)
    make_source(settings, describe_source(acme.id, name="New", key_variable="UPSTREAM_KEY_A"))

    assert open_page("/sources").rows() == [
        ["GoodElevenLabs", "The platform", "Key workstested just now", "Stored, encrypted", "2026-11-22 by tester"],
        ["NewElevenLabs", "Acme", "Not tested", "UPSTREAM_KEY_A", "2026-11-22 by tester"],
    ]


def test_an_admin_sees_the_sources_of_the_own_organization(
    admin: FlaskClient, settings: Settings, acme: Organization
) -> None:
    globex = make_organization("Globex")
    own, foreign, of_platform = (
        make_source(settings, describe_source(owner, name=f"Source of {owner}")) for owner in (acme.id, globex.id, None)
    )

    (row,) = Page(admin.get("/sources").text).rows()

    assert row[0] == f"Source of {acme.id}ElevenLabs"
    assert [admin.get(f"/sources/{id}").status_code for id in (own, foreign, of_platform)] == [200, 404, 404]
    assert admin.post(f"/sources/{foreign}/remove").status_code == 404


# Adding


def test_a_source_is_added_and_its_key_tested(client: FlaskClient, provider: Provider) -> None:
    page = post(client, "/sources/new", fill(provider.server.address))

    assert "The source “Voices” was added. The key works: it may list voices." in page.text
    assert "Key works" in page.text
    assert audit_event_types()[-2:] == ["source-created", "source-tested"]


def test_a_source_whose_key_does_not_work_is_added_with_the_reason(client: FlaskClient, provider: Provider) -> None:
    page = post(client, "/sources/new", fill(provider.server.address, key="wrong-key"))

    assert "was added. The key may not list voices. 127.0.0.1 answered 401: Invalid API key" in page.text
    assert "Key does not work" in page.text


def test_a_source_whose_variable_is_not_set_is_added_once_with_the_reason(client: FlaskClient) -> None:
    page = post(client, "/sources/new", fill(NOWHERE, key="", key_variable="UPSTREAM_KEY_OF_NO_TEST"))

    assert "was added. The key could not be tested. The variable UPSTREAM_KEY_OF_NO_TEST is not set." in page.text
    assert len(rows_of("source")) == 1


def test_an_admin_adds_a_source_to_the_only_own_organization(admin: FlaskClient, acme: Organization) -> None:
    form = Page(admin.get("/sources/new").text).root.one("form", **{"class": "form"})
    names = {field.attributes["name"] for tag in ("input", "select") for field in form.all(tag)}

    response = admin.post("/sources/new", data={"kind": "elevenlabs", "name": "Own", "key": "a key"})

    assert names == {"csrf_token", "kind", "name", "key", "assistants"}
    assert (response.status_code, "is not a key" in response.text) == (422, True)  # the organization is known


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"address": NOWHERE}, "Only a platform admin can give another address than https://api.elevenlabs.io."),
        ({"key": "", "key_variable": "UPSTREAM_KEY_A"}, "Only a platform admin can name a variable"),
        ({"organization": "99"}, "is not one of your organizations"),
    ],
    ids=["address", "variable", "organization"],
)
def test_an_admin_cannot_send_what_the_form_does_not_offer(
    admin: FlaskClient, fields: dict[str, str], message: str
) -> None:
    page = post(admin, "/sources/new", fill("") | fields)

    assert message in page.text
    assert rows_of("source") == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Name"),
        ({"address": "https://elsewhere.example"}, "VOICEADMIN_UPSTREAM_HOSTS"),
        ({"address": "https://["}, "is not a base address"),
        ({"key": f"{KEY} {KEY}"}, "is not a key"),
        ({"key": f"{KEY}\u202e"}, "Key"),
        ({"key_variable": "PATH"}, "UPSTREAM_KEY_"),
    ],
    ids=["name", "unknown host", "malformed address", "blank in the key", "control character", "variable"],
)
def test_errors_keep_what_was_entered_except_the_key(client: FlaskClient, fields: dict[str, str], message: str) -> None:
    data = fill(NOWHERE, name="Typed name", assistants="") | fields
    response = client.post("/sources/new", data=data)

    page = Page(response.text)
    page.check()
    values = {field.attributes["name"]: field.attributes.get("value", "") for field in page.root.all("input")}
    assert response.status_code == 422
    assert message in page.text
    assert {name: values[name] for name in ("name", "address", "key", "key_variable")} == {
        "name": data["name"],
        "address": data["address"],
        "key": "",
        "key_variable": data.get("key_variable", ""),
    }
    assert KEY not in response.text
    assert rows_of("source") == []


def test_without_an_encryption_key_the_form_says_that_keys_cannot_be_stored(client: FlaskClient, app: Flask) -> None:
    app.config["VOICEADMIN"] = Settings(instance=app.config["VOICEADMIN"].instance)

    text = Page(client.get("/sources/new").text).text
    refused = post(client, "/sources/new", fill(NOWHERE))

    assert "Keys cannot be stored yet: VOICEADMIN_ENCRYPTION_KEYS is not set. Set it, or name a variable." in text
    assert "VOICEADMIN_ENCRYPTION_KEYS" in refused.text
    assert rows_of("source") == []


# One source


def test_a_source_is_disabled_enabled_and_removed(client: FlaskClient, settings: Settings) -> None:
    path = f"/sources/{make_source(settings, describe_source())}"

    disabled = post(client, f"{path}/disable").text
    enabled = post(client, f"{path}/enable").text
    removed = post(client, f"{path}/remove").text

    assert "The source “Voices” was disabled. Its voices stay." in disabled
    assert "Disabled just now." in disabled
    assert "Not tested" in disabled
    assert "The source “Voices” was enabled." in enabled
    assert "The source “Voices” and its key were removed. Its voices stay." in removed
    assert client.get(path).status_code == 404


def test_deletion_is_allowed_and_forbidden_on_the_page(client: FlaskClient, settings: Settings) -> None:
    id = make_source(settings, describe_source())
    before = Page(client.get(f"/sources/{id}").text).text

    allowed = post(client, f"/sources/{id}/allow-deletion").text
    forbidden = post(client, f"/sources/{id}/forbid-deletion").text

    assert "No voice can be deleted at ElevenLabs with this key." in before
    assert "Allowed by root@example.com" in allowed
    assert "Allowed by" not in forbidden
    assert "No voice can be deleted at ElevenLabs with this key." in forbidden


def test_the_page_shows_each_right_with_the_reason_of_a_missing_one(
    client: FlaskClient, settings: Settings, provider: Provider
) -> None:
    provider.world.keys = {KEY: frozenset({"voices_read"})}
    id = make_source(settings, describe_source(None, provider.server.address))

    page = post(client, f"/sources/{id}/test")

    reason = "127.0.0.1 answered 401: The API key is missing the permission user_read."
    (rights,) = page.root.all("dl")
    assert [entry.text for entry in rights.all("div")] == [
        "List voicesYes",
        f"Read the accountNo{reason}",
        f"Read slotsNo{reason}",
    ]


def test_a_test_without_an_answer_is_not_shown_as_a_wrong_key(
    client: FlaskClient, settings: Settings, provider: Provider
) -> None:
    provider.server.show(server.status(503))
    id = make_source(settings, describe_source(None, provider.server.address))

    page = post(client, f"/sources/{id}/test")

    assert "The key could not be tested. 127.0.0.1 answered 503" in page.text
    assert "Test without result" in page.text
    assert "Key does not work" not in page.text


def test_the_page_says_since_when_the_key_belongs_to_another_account(
    client: FlaskClient, settings: Settings, provider: Provider
) -> None:
    id = make_source(settings, describe_source(None, provider.server.address))
    for provider.world.workspace_id in ("one", "two"):
        text = post(client, f"/sources/{id}/test").text

    assert "Since just now the key belongs to another account than before." in text
    assert "Account changed" in Page(client.get("/sources").text).text


def test_names_and_messages_of_others_are_shown_as_text(
    client: FlaskClient, settings: Settings, provider: Provider
) -> None:
    provider.server.show(server.status(401, {"detail": {"message": "<b>bold</b>"}}))
    id = make_source(settings, describe_source(None, provider.server.address, name="<i>name</i>"))

    page = post(client, f"/sources/{id}/test")

    assert "<b>bold</b>" in page.text
    assert "<i>name</i>" in page.text


# Secrets and transactions


@pytest.mark.parametrize("repeats_key", [False, True], ids=["working", "repeated by the upstream"])
def test_a_planted_key_appears_nowhere(
    client: FlaskClient, settings: Settings, provider: Provider, caplog: pytest.LogCaptureFixture, repeats_key: bool
) -> None:
    if repeats_key:
        provider.server.show(server.status(403, {"detail": {"status": KEY, "message": f"No right for {KEY}"}}))
    with caplog.at_level(logging.DEBUG):
        seen = [client.post("/sources/new", data=fill(provider.server.address)).text]
        seen += [client.post("/sources/1/test", follow_redirects=True).text]
        addresses = ("/sources", "/sources/1", "/sources/new", "/activity", "/activity.json", "/openapi.json")
        seen += [client.get(address).text for address in addresses]

    assert provider.server.requests[0].headers["xi-api-key"] == KEY
    assert "source-tested" in seen[-2]
    everything = "".join(seen) + caplog.text + json.dumps(dump(), default=str)
    assert KEY not in everything
    assert ENCRYPTION_KEY not in everything


def count_open_transactions() -> int:
    """The number of sessions of the database that wait inside a transaction."""
    address = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(address) as connection:
        (count,) = connection.execute(statement).fetchone() or (None,)
        return int(count or 0)


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("path", ["/sources/new", "/sources/1/test"])
def test_no_transaction_is_open_while_the_upstream_is_asked(
    client: FlaskClient, settings: Settings, provider: Provider, app: Flask, path: str
) -> None:
    make_source(settings, describe_source(None, provider.server.address))
    db.session.rollback()
    counts: list[int] = []
    answer: Any = provider.world.answer

    def count_and_answer(request: Request) -> Response:
        with app.app_context():
            counts.append(count_open_transactions())
        response: Response = answer(request)
        return response

    provider.server._answer = count_and_answer
    post(client, path, fill(provider.server.address))

    assert len(counts) == 3
    assert counts == [0, 0, 0]


def test_a_key_that_is_tested_too_often_is_answered_with_the_time_to_wait(
    client: FlaskClient, settings: Settings, provider: Provider
) -> None:
    id = make_source(settings, describe_source(None, provider.server.address))
    for _ in range(10):
        check_source(EVERYTHING, id, settings, by=SHELL, now=NOW)

    response = client.post(f"/sources/{id}/test")

    assert (response.status_code, response.headers["Retry-After"]) == (429, "6")
    assert "Wait 6 seconds, then test it again." in Page(response.text).text
