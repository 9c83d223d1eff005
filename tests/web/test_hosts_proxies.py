"""Requests through reverse proxies: addresses of clients, a path prefix, and settings that are missing in the proxy."""

from __future__ import annotations

import logging
import re

import pytest
from flask.testing import FlaskClient

from tests.two_tenants import TwoTenants, rows_of
from voiceadmin.web.errors import FORM_TOO_OLD, FORM_WITHOUT_COOKIE, INVALID_PREFIX

LINK = re.compile(r'(?:href|src|action)="([^"]*)"')


def sign_in(client: FlaskClient, **headers: str) -> str:
    """Try to sign in, and return the address in the audit log."""
    client.post("/sign-in", data={"email": "nobody@example.com", "password": "x"}, headers=headers)
    return str(rows_of("audit_event")[-1]["address"])


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:DB8:0::1", "2001:db8::1"),
        (1, "unknown", "127.0.0.1"),
        (1, "203.0.113.9, junk", "127.0.0.1"),
        (1, "junk, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (2, "192.0.2.1", "127.0.0.1"),  # only one of the two proxies sets it
    ],
)
def test_the_address_of_a_client_is_that_of_the_outermost_trusted_proxy(
    sqlite_tenants: TwoTenants, proxies: int, forwarded: str, address: str
) -> None:
    client = sqlite_tenants.app_with(proxies=proxies).test_client()

    assert sign_in(client, **{"X-Forwarded-For": forwarded}) == address


@pytest.mark.parametrize(
    "path", ["/", "/triage", "/assistants", "/assistants/31/voices", "/account", "/people", "/none"]
)
def test_below_a_path_every_link_begins_with_it(sqlite_tenants: TwoTenants, path: str) -> None:
    browser = sqlite_tenants.browser("platform", sqlite_tenants.app_with(proxies=1))
    sign_in_below(browser, sqlite_tenants)

    page = browser.get(path, headers={"X-Forwarded-Prefix": "/voices/"}).text

    links = [link for link in LINK.findall(page) if link.startswith("/")]
    assert len(links) > 5
    assert [link for link in links if not link.startswith("/voices/")] == []


def sign_in_below(browser: FlaskClient, tenants: TwoTenants) -> None:
    """Send the session of a browser under the name that it has below a path."""
    cookie = browser.get_cookie("__Host-voiceadmin")
    assert cookie is not None
    browser.set_cookie("__Secure-voiceadmin", cookie.value)


def test_below_a_path_cookies_and_redirects_stay_below_it(sqlite_tenants: TwoTenants) -> None:
    client = sqlite_tenants.app_with(proxies=1).test_client()
    prefix = {"X-Forwarded-Prefix": "/voices"}

    redirected = client.get("/triage?size=25", headers=prefix)
    page = client.get("/sign-in", headers=prefix)

    assert redirected.headers["Location"] == "/voices/sign-in?next=/voices/triage?size%3D25"
    (cookie,) = page.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Secure-voiceadmin-form=")
    assert "Path=/voices" in cookie.split("; ")


@pytest.mark.parametrize("prefix", ["//evil.example", "https://evil.example", "voices", "/a b", "/<script>", "/a//b"])
def test_a_prefix_that_is_no_path_is_refused(sqlite_tenants: TwoTenants, prefix: str) -> None:
    client = sqlite_tenants.app_with(proxies=1).test_client()

    response = client.get("/sign-in", headers={"X-Forwarded-Prefix": prefix})

    assert response.status_code == 400
    assert INVALID_PREFIX in response.text
    assert f'"{prefix}' not in response.text


def test_a_form_over_https_needs_no_referer(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("anonymous", sqlite_tenants.app_with(csrf=True, proxies=1))
    https = {"X-Forwarded-Proto": "https"}
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in", headers=https).text)[0]

    response = browser.post(
        "/sign-in",
        data={"email": "nobody@example.com", "password": "x", "csrf_token": token},
        headers=https | {"Origin": "https://localhost"},
    )

    assert response.status_code == 422


def test_a_refused_form_names_the_check_that_failed(
    sqlite_tenants: TwoTenants, caplog: pytest.LogCaptureFixture
) -> None:
    app = sqlite_tenants.app_with(csrf=True, hosts=("localhost", "voices.example"))
    browser = sqlite_tenants.browser("anonymous", app)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)[0]

    old = browser.post("/sign-in", data={"csrf_token": "x"})
    without_cookie = app.test_client().post("/sign-in", data={"csrf_token": token})
    with caplog.at_level(logging.ERROR):
        origin = {"Origin": "https://voices.example"}
        without_host = browser.post("/sign-in", data={"csrf_token": token}, headers=origin)

    message = "to https://voices.example, but the proxy reported http://localhost. Set X-Forwarded-Host"
    assert FORM_TOO_OLD in old.text
    assert FORM_WITHOUT_COOKIE in without_cookie.text
    assert message in without_host.text
    assert message in caplog.text
