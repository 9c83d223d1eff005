"""Configuration of cookies, secrets and templates by an application."""

from __future__ import annotations

from typing import Any

import pytest
from flask.wrappers import Request
from werkzeug.test import create_environ

from tests.two_tenants import (
    TwoTenants,
)
from voiceadmin.web import access
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT


@pytest.mark.parametrize(("plain", "name"), [(False, "__Host-voiceadmin"), (True, "voiceadmin")])
def test_cookies_are_restricted_to_this_host_and_to_tls_unless_plain(
    sqlite_tenants: TwoTenants, plain: bool, name: str
) -> None:
    app = sqlite_tenants.app_with(plain_cookies=plain)

    assert access.cookie_name(app.config["VOICEADMIN"]) == name
    response = app.test_client().get("/sign-in")
    (cookie,) = response.headers.getlist("Set-Cookie")
    attributes = set(cookie.split("; ")[1:])
    assert cookie.startswith(f"{name}-form=")
    assert attributes == {"HttpOnly", "Path=/", "SameSite=Lax"} | (set() if plain else {"Secure"})


def test_an_application_signs_with_the_configured_or_a_random_key(sqlite_tenants: TwoTenants) -> None:
    assert sqlite_tenants.app_with(secret_key="given" * 8).config["SECRET_KEY"] == "given" * 8
    first, second = (sqlite_tenants.app_with(secret_key="").config["SECRET_KEY"] for _ in range(2))
    assert len({first, second}) == 2
    assert min(len(first), len(second)) >= 43


def test_a_csrf_token_has_no_time_limit(sqlite_tenants: TwoTenants) -> None:
    config = sqlite_tenants.app_with(csrf=True).config

    assert (config["WTF_CSRF_TIME_LIMIT"], config["WTF_CSRF_HEADERS"]) == (None, ["X-CSRF-Token"])


def test_templates_can_read_the_requester_and_whether_access_is_open(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app
    template_globals = app.jinja_env.globals

    assert (template_globals["requester"], template_globals["session_seconds_left"]) == (
        access.requester,
        access.session_seconds_left,
    )
    is_open: Any = template_globals["is_open_until_first_account"]
    with app.app_context():
        assert not is_open()
        app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
        assert is_open() is True


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        ("http://localhost/", True),
        ("http://localhost:8000/", True),
        ("http://127.0.0.1/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://127.8.9.1/", True),
        ("http://[::1]/", True),
        ("http://[::1]:8000/", True),
        ("https://voices.example/", True),
        ("http://voices.example/", False),
        ("http://voices.example:8000/", False),
        ("http://localhost.example/", False),
        ("http://10.0.0.1/", False),
        ("http://10.0.0.1:8000/", False),
        ("http://[2001:db8::1]/", False),
        ("http://[2001:db8::1]:8000/", False),
    ],
)
def test_browsers_keep_the_cookies_over_tls_or_on_the_same_machine(
    sqlite_tenants: TwoTenants, url: str, is_private: bool
) -> None:
    request = Request(create_environ(base_url=url))

    with sqlite_tenants.app.app_context():
        assert access.keeps_cookies(request) is is_private
    with sqlite_tenants.app_with(plain_cookies=True).app_context():
        assert access.keeps_cookies(request) is True
