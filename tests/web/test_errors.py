"""Errors: a page that says what to do next, JSON for API requests, and details in the log only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Client
from tests.factories import make_account, make_assistant, make_organization, make_voice, sign_in
from tests.page import OpenPage, Page
from voiceadmin import create_app
from voiceadmin.config import COMMAND, Settings
from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role

JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"


@pytest.fixture
def broken(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the lists of assistants and voices raise an unexpected exception."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("SELECT secret FROM /srv/voiceadmin")

    monkeypatch.setattr("voiceadmin.assistants.views.list_assistants", fail)
    monkeypatch.setattr("voiceadmin.voices.api.get_assistant_organization", fail)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_shows_a_page_with_a_reference(
    open_page: OpenPage, caplog: pytest.LogCaptureFixture
) -> None:
    page = open_page("/assistants", 500)

    reference = page.root.one("span", **{"class": "mono"}).text
    assert page.root.one("h1").text == "Internal error"
    assert "secret" not in page.html
    assert "Traceback" not in page.html
    assert reference in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_of_the_api_is_json(client: FlaskClient) -> None:
    response = client.get(JSON_ROUTE)

    assert response.status_code == 500
    assert response.get_json()["detail"].startswith("Internal Server Error (reference ")


@pytest.mark.usefixtures("broken")
def test_a_log_message_is_one_line(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/api/v1/assistants/1%0d%0aFAKE%1b[31m/cloned-voices")
    client.get("/assistants?%0d%0aFAKE")

    assert caplog.records
    assert not [record for record in caplog.records if "\n" in record.getMessage() or "\x1b" in record.getMessage()]


def test_an_unknown_address_links_to_the_overview(open_page: OpenPage) -> None:
    page = open_page("/nothing/here", 404)

    assert page.link("Go to the overview") == "/"
    sections = page.root.one("nav", **{"aria-label": "Main"}).all("a")
    assert not [link.text for link in sections if "aria-current" in link.attributes], "the page is in no section"


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("/triage/", "/triage"),
        ("/assistants/31/voices///?q=a&q=%C3%A9", "/assistants/31/voices?q=a&q=%C3%A9"),
        ("/api/v1/assistants/31/cloned-voices/?limit=1", "/api/v1/assistants/31/cloned-voices?limit=1"),
    ],
)
def test_an_address_with_a_final_slash_leads_to_the_one_without(
    client: FlaskClient, address: str, location: str
) -> None:
    response = client.get(address)

    assert (response.status_code, response.headers["Location"]) == (308, location)


@pytest.mark.parametrize("address", ["/nowhere/", "/healthz/evil/", "/operations/"])
def test_an_address_that_no_route_has_without_its_slash_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_an_unsupported_method_lists_the_supported_ones(client: FlaskClient) -> None:
    response = client.post("/assistants")

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    Page(response.text).check()


def test_an_unknown_host_is_refused_by_pages_and_api(client: FlaskClient) -> None:
    for address in ("/assistants", JSON_ROUTE, "/static/mark.svg", "/nothing"):
        response = client.get(address, headers={"Host": "evil.example"})

        assert response.status_code == 400, address
        assert "evil.example" not in response.text


def test_a_forwarded_host_is_ignored(client: FlaskClient) -> None:
    make_assistant(id=31)

    page = client.get("/assistants/31/voices", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"})

    assert page.status_code == 200
    assert "evil" not in page.text


# Database unavailable or locked


@pytest.fixture
def acme(sqlite_app: Flask) -> Flask:
    """An application with one voice in a SQLite database; each request has its own database session."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    make_voice(acme)
    db.session.remove()
    sqlite_app.test_client_class = Client
    return sqlite_app


def root(app: Flask) -> FlaskClient:
    """A test client, signed in as a platform admin."""
    client = sign_in(app.test_client(), make_account(platform=True))
    db.session.remove()
    return client


def test_a_missing_database_answers_503_and_works_again_when_restored(acme: Flask, tmp_path: Path) -> None:
    client, path = root(acme), Path(acme.extensions[SQLITE_PATH])
    assert client.get(JSON_ROUTE).status_code == 200
    db.session.rollback()

    path.rename(tmp_path / "away")
    page, response, ready = client.get("/assistants"), client.get(JSON_ROUTE), client.get("/readyz")
    up, sign_in_page = client.get("/healthz"), acme.test_client().get("/sign-in")
    others = [client.get("/nothing"), client.post("/assistants")]
    anonymous = acme.test_client().get("/nothing")
    (tmp_path / "away").rename(path)

    assert (page.status_code, response.status_code, ready.status_code, up.status_code) == (503, 503, 503, 200)
    assert sign_in_page.status_code == 503
    assert [other.status_code for other in others] == [503] * 2, "the header needs the account from the database"
    assert anonymous.status_code == 404
    assert page.headers["Retry-After"] == response.headers["Retry-After"] == "5"
    assert Page(page.text).root.one("h1").text == "Database unavailable"
    assert response.get_json() == {"detail": "The store is unavailable; try again shortly"}
    assert len(client.get(JSON_ROUTE).get_json()["cloned_voices"]) == 1
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_a_reader_does_not_wait_for_an_open_write_transaction(acme: Flask) -> None:
    client, written, done = root(acme), threading.Event(), threading.Event()

    def write_and_wait() -> None:
        with acme.app_context(), write_transaction():
            db.session.execute(text("UPDATE cloned_voice SET name = 'unfinished'"))
            written.set()
            done.wait()

    writer = threading.Thread(target=write_and_wait)
    writer.start()
    written.wait()
    response = client.get(JSON_ROUTE)
    done.set()
    writer.join()

    assert response.get_json()["cloned_voices"][0]["name"] != "unfinished"


def test_an_unreachable_postgresql_server_answers_503(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(instance=tmp_path, database_url="postgresql+psycopg://u:hunter2@127.0.0.1:1/none"))

    response = app.test_client().get("/sign-in")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "hunter2" not in response.text + caplog.text
    assert [record.levelno for record in caplog.records if record.name == "voiceadmin"] == [logging.ERROR]


def test_dropped_postgresql_connections_are_opened_again(postgres_template: str, tmp_path: Path) -> None:
    app = create_app(Settings(instance=tmp_path, database_url=postgres_template))
    client = app.test_client()
    assert client.get("/readyz").status_code == 200

    with psycopg.connect(postgres_template.replace("+psycopg", "", 1)) as other:
        terminated = other.execute(  # in this database only: tests of other processes use others on the same server
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        ).fetchall()
    assert (True,) in terminated

    assert client.get("/readyz").status_code == 200
    with app.app_context():
        dispose_engine()


def test_an_unmigrated_database_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "voiceadmin.sqlite").touch()
    response = create_app(Settings(instance=tmp_path)).test_client().get("/readyz")

    assert response.status_code == 503
    assert response.get_json() == {"status": "not ready"}  # everybody may ask
    assert "migrate" in caplog.text


# What a response must not reveal


@pytest.fixture
def failing(settings: Settings, app: Flask, now: datetime) -> Iterator[FlaskClient]:
    """A client of an application with views at /failing/CODE and /api/failing/CODE that abort with that status."""

    def fail(code: int) -> str:
        abort(code)

    app = create_app(settings)
    app.test_client_class = Client
    for path in ("/failing/<int:code>", "/api/failing/<int:code>"):
        app.add_url_rule(path, path, require_role(Role.ANYONE)(fail))
    with app.app_context():
        yield root(app)
        dispose_engine()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 414, 422, 429, 500, 503])
def test_an_error_is_json_for_the_api_and_a_page_otherwise(failing: FlaskClient, status: int) -> None:
    page, response = failing.get(f"/failing/{status}"), failing.get(f"/api/failing/{status}")

    assert (page.status_code, response.status_code) == (status, status)
    Page(page.text).check()
    assert set(response.get_json()) == {"detail"}
    assert ("Retry-After" in page.headers) == (status == 503)
    assert ("WWW-Authenticate" in response.headers) == (status == 403)


def test_a_request_that_is_too_large_names_the_command_of_this_installation(failing: FlaskClient) -> None:
    assert f"Import files with “{COMMAND} import”." in failing.get("/failing/413").text


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_shows_nothing_of_the_request(client: FlaskClient) -> None:
    response = client.get("/assistants?q=cipher", headers={"Cookie": "a=cipher"})

    assert response.status_code == 500
    assert not [
        word for word in ("cipher", "root@example.com", "ZeroDivisionError", "/srv/", ".py") if word in response.text
    ]


def test_the_token_of_a_one_time_link_is_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    token = "x" * 43
    client.get(f"/links/{token}", headers={"Host": "evil.example"})
    client.post(f"/links/{token}", headers={"Origin": "https://evil.example"})

    assert [record.getMessage() for record in caplog.records if record.name == "voiceadmin"] == [
        "Refused GET '/links/…' with 400",
        "Refused POST '/links/…' with 400",
    ]
