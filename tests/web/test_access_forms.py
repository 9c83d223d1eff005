"""Forms: cross-site request forgery, and fields that a form does not have."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.two_tenants import (
    POSTS,
    TwoTenants,
    build_two_tenants,
    dump,
    name_of,
    requirement_of,
    rows_of,
)
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine
from voiceadmin.identity import Role
from voiceadmin.web.errors import FORM_OF_ANOTHER_SITE


def csrf_token_of(html: str) -> str:
    """The CSRF token of the forms on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("rule", POSTS, ids=name_of)
def test_a_forged_form_is_refused_and_changes_nothing(sqlite_tenants: TwoTenants, rule: Rule) -> None:
    app = sqlite_tenants.app_with(csrf=True)
    browser, other = sqlite_tenants.browser("platform", app), sqlite_tenants.browser("platform", app)
    address, form = sqlite_tenants.address(rule), sqlite_tenants.form(rule)
    token, token_of_other = (csrf_token_of(one.get("/account").text) for one in (browser, other))
    here = {"Origin": "http://localhost"}
    cases: list[tuple[str | None, dict[str, str]]] = [
        (None, {}),
        (None, here),
        ("", here),
        ("wrong", here),
        (token[:-1], here),
        (token_of_other, here),
        (None, here | {"X-CSRF-Token": token_of_other}),
        (token, {"Origin": "https://evil.example"}),
        (token, {"Origin": "http://localhost.evil.example"}),
        (token, {"Origin": "http://localhost@evil.example"}),
        (token, {"Origin": "http://localhost:8001"}),
        (token, {"Origin": "https://localhost"}),
        (token, {"Origin": "http://["}),
        (token, {"Origin": "null"}),
        (token, {"Referer": "https://evil.example/http://localhost/"}),
        (token, {"Origin": "null", "Referer": "http://localhost/"}),
    ]
    before = dump()
    for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
        for sent_token, headers in cases:
            response = browser.open(
                address, method=method, data=form | {"csrf_token": sent_token or ""}, headers=headers
            )

            assert response.status_code == 400, (sent_token, headers)
        assert dump() == before

        assert browser.open(address, method=method, data=form | {"csrf_token": token}, headers=here).status_code in (
            *(200, 303, 409),
        )


def test_the_csrf_token_is_accepted_in_a_header(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("viewer", sqlite_tenants.app_with(csrf=True))
    token = csrf_token_of(browser.get("/account").text)

    assert browser.post("/session").status_code == 400
    assert browser.post("/session", headers={"X-CSRF-Token": token}).status_code == 200


def test_a_csrf_token_from_before_signing_in_is_refused_afterwards(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("anonymous", sqlite_tenants.app_with(csrf=True))
    before = csrf_token_of(browser.get("/sign-in").text)
    form = sqlite_tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    assert browser.post("/sign-in", data=form | {"csrf_token": before}).status_code == 303

    assert browser.post("/session", data={"csrf_token": before}).status_code == 400


def test_a_csrf_token_is_refused_with_the_cookies_of_another_session(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with(csrf=True)
    other, victim = sqlite_tenants.browser("operator", app), sqlite_tenants.browser("viewer", app)
    token = csrf_token_of(other.get("/account").text)
    plant_form_cookie(other, victim)

    assert other.post("/session", data={"csrf_token": token}).status_code == 200
    assert victim.post("/session", data={"csrf_token": token}).status_code == 400
    assert victim.post("/session", data={"csrf_token": csrf_token_of(victim.get("/account").text)}).status_code == 200


def plant_form_cookie(source: FlaskClient, target: FlaskClient) -> None:
    """Copy the cookie that has the CSRF token, as another program on the same host could do."""
    cookie = source.get_cookie("__Host-voiceadmin-form")
    assert cookie is not None
    target.set_cookie("__Host-voiceadmin-form", cookie.value)


def test_a_csrf_token_from_before_signing_in_or_out_is_refused_afterwards_even_with_its_cookie(
    sqlite_tenants: TwoTenants,
) -> None:
    app = sqlite_tenants.app_with(csrf=True)
    browser, stranger = sqlite_tenants.browser("anonymous", app), sqlite_tenants.browser("anonymous", app)
    form = sqlite_tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))
    planted = csrf_token_of(stranger.get("/sign-in").text)
    plant_form_cookie(stranger, browser)
    assert browser.post("/sign-in", data=form | {"csrf_token": planted}).status_code == 303

    plant_form_cookie(stranger, browser)
    assert browser.post("/session", data={"csrf_token": planted}).status_code == 400

    signed_in = csrf_token_of(browser.get("/account").text)
    plant_form_cookie(browser, stranger)
    assert browser.post("/sign-out", data={"csrf_token": signed_in}).status_code == 303
    assert "You are signed out." in browser.get("/sign-in").text
    plant_form_cookie(stranger, browser)
    assert browser.post("/sign-in", data=form | {"csrf_token": signed_in}).status_code == 400
    after = csrf_token_of(browser.get("/sign-in").text)
    assert browser.post("/sign-in", data=form | {"csrf_token": after}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 200, ""),
        ({"Origin": "http://localhost"}, 200, ""),
        ({"Referer": "http://localhost/assistants?q=x"}, 200, ""),
        ({"Origin": "", "Referer": "http://localhost/"}, 200, ""),
        ({"Origin": "", "Referer": "http://evil.example/"}, 400, FORM_OF_ANOTHER_SITE),
        ({"Origin": "http://localhost", "Referer": "http://evil.example/"}, 200, ""),
        ({"Origin": "http://["}, 400, FORM_OF_ANOTHER_SITE),
        ({"Origin": "null"}, 400, FORM_OF_ANOTHER_SITE),
        (
            {"Origin": "https://localhost"},
            400,
            "to https://localhost, but the proxy reported http://localhost. Set X-Forwarded-Proto",
        ),
        (
            {"Origin": "http://localhost:1"},
            400,
            "to http://localhost:1, but the proxy reported http://localhost. Set X-Forwarded-Host",
        ),
    ],
)
def test_a_request_with_the_origin_of_another_site_is_refused(
    sqlite_tenants: TwoTenants, headers: dict[str, str], status: int, message: str
) -> None:
    browser = sqlite_tenants.browser("viewer")

    response = browser.post("/session", headers=headers)

    assert response.status_code == status
    assert message in response.text
    for method in ("GET", "HEAD", "OPTIONS"):
        assert browser.open("/session", method=method, headers=headers).status_code == 200


# Fields that a form does not have


EXTRA_FIELDS: dict[str, Any] = {
    "organizations": ["all"],
    "purpose": "setup",
    "_method": "DELETE",
    **dict.fromkeys(("role", "roles", "account[role]"), "admin"),
    **dict.fromkeys(("platform", "is_platform", "is_admin", "admin", "superuser", "everywhere", "sure"), "1"),
    **dict.fromkeys(("id", "account_id", "account", "user_id", "organization_id", "link_id", "key_id"), "1"),
    **dict.fromkeys(("scope", "permissions", "organization"), "all"),
    **dict.fromkeys(("highest", "grant.role"), "4"),
    **dict.fromkeys(("email", "email_key", "actor", "maker"), "evil@e.example"),
    **dict.fromkeys(("password_hash", "token", "token_hash", "key", "__class__"), "x"),
    **dict.fromkeys(
        ("disabled_at", "created_at", "expires_at", "revoked_at", "used_at", "reauthenticated_at"), "2099-01-01"
    ),
}
WITH_ORGANIZATION_FIELD = {"triage.all_matching", "cleanup.plan"}  # forms that have a field `organization`, with an id
RANDOM_COLUMNS = {"token_hash", "password_hash", "hint"}  # generated randomly
COMPARED_TABLES = ("account", "membership", "api_key", "api_key_organization", "account_session", "one_time_link")


@contextmanager
def new_tenants(template: Path, folder: Path) -> Iterator[TwoTenants]:
    """The two organizations in a new database, with the same ids in every database."""
    folder.mkdir()
    shutil.copy(template, folder / "voiceadmin.sqlite")
    app = create_app(Settings(instance=folder), WTF_CSRF_ENABLED=False)
    with app.app_context():
        with build_two_tenants(app) as tenants:
            yield tenants
        dispose_engine()


@pytest.mark.parametrize("rule", POSTS, ids=name_of)
def test_a_field_that_a_form_does_not_have_is_ignored(
    rule: Rule, sqlite_template: Path, tmp_path: Path, now: Any
) -> None:
    """Such fields are sent in the form, in the query string and as JSON."""
    role, written = requirement_of(rule).role, []
    who = {Role.PLATFORM: "platform", Role.ADMIN: "admin", Role.OPERATOR: "operator"}.get(role, "viewer")
    if rule.endpoint == "sources.new":  # an admin of an organization cannot name a variable
        who = "platform"
    for number, has_extra_fields in enumerate((False, True)):
        with new_tenants(sqlite_template, tmp_path / str(number)) as tenants:
            browser, form = tenants.browser(who), tenants.form(rule)
            more = {name: value for name, value in EXTRA_FIELDS.items() if name not in form}
            if rule.endpoint in WITH_ORGANIZATION_FIELD:
                del more["organization"]
            response = browser.post(
                tenants.address(rule, who),
                data=form | (more if has_extra_fields else {}),
                query_string=more if has_extra_fields else {},
            )
            assert response.status_code in (200, 303, 409), (
                f"Add a valid form for {rule.rule} to FORMS in tests/two_tenants.py."
            )
            browser.post("/assistants", json=more)
            rows = {name: rows_of(name) for name in COMPARED_TABLES}
            written.append(
                {
                    name: [{key: row[key] for key in row.keys() - RANDOM_COLUMNS} for row in rows[name]]
                    for name in COMPARED_TABLES
                }
            )

    assert written[0] == written[1]
