"""Redirects after signing in stay on this site."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.accounts.views.sign_in.scenario import sign_in_by_form
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import TwoTenants, is_redirected_to_sign_in

FOREIGN_TARGETS = [
    *("//e.example", "///e.example", "////e.example", "\\\\e.example", "/\\e.example", "\\/e.example", "/\\/e.example"),
    *("https:e.example", "https://e.example", "http:/e.example", "https:///e.example", "HTTPS://e.example"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "mailto:a@e.example", "vbscript:x"),
    *("%09//e.example", "\t//e.example", "/\t/e.example", "/\n/e.example", "/\r/e.example", "\n//e.example"),
    *(" //e.example", "/ /e.example", "\x00//e.example", "/\x0b/e.example", "\u2028//e.example", "\ufeff//e.example"),
    *("@e.example", "//@e.example", "//localhost@e.example", "localhost@e.example", "/@e.example", "e.example"),
    *("/%5ce.example", "/%2fe.example", "%2f%2fe.example", "/%0d%0aLocation:https://e.example"),
    *("/\r\nLocation: https://e.example", "/x\r\nSet-Cookie: a=b", "\r\n\r\n<script>"),
    *("／／e.example", "/／e.example", "/．/e.example", "//ｅ.example", "/\u2044e.example", "/\u200b/e.example"),
    *("/.//e.example", "/./\u200be.example", "/..//e.example", "/../..//e.example", ".//e.example", "?//e.example"),
    *(
        "//[::1]",
        "//e.example:80",
        "//e.example\\@localhost",
        "//localhost.e.example",
        "/" + "a" * 5000,
        "#//e.example",
    ),
]


def origin_of(location: str) -> str:
    """Return the origin that a browser would open: it drops tabs and line ends, and reads a backslash as a slash."""
    read = re.sub(r"[\t\r\n]", "", location).strip("\x00 ").replace("\\", "/")
    target = urlsplit(urljoin("http://localhost/sign-in", read))
    return f"{target.scheme}://{target.netloc}"


@pytest.mark.slow
@pytest.mark.parametrize("path", FOREIGN_TARGETS)
def test_no_redirect_leads_to_another_site(sqlite_tenants: TwoTenants, path: str) -> None:
    viewer = sqlite_tenants.people["viewer"].email
    browser, guest = sqlite_tenants.browser("viewer"), sqlite_tenants.browser("anonymous")

    responses = [
        sign_in_by_form(guest, viewer, next=path),
        browser.post("/confirm", data={"password": PASSWORD, "next": path}),
        browser.get("/sign-in", query_string={"next": path}),
    ]
    pages = [browser.get("/confirm", query_string={"next": path})]
    pages += [sqlite_tenants.browser("anonymous").get("/sign-in", query_string={"next": path})]

    for response in responses:
        assert response.status_code == 303
        assert origin_of(response.headers["Location"]) == "http://localhost", response.headers["Location"]
        assert "a=b" not in str(response.headers.getlist("Set-Cookie"))
    for page in pages:
        assert page.status_code == 200
        for field in Page(page.text).root.all("input", name="next"):
            assert origin_of(field.attributes["value"]) == "http://localhost"


@pytest.mark.parametrize(
    "path", ["/", "/voices/3", "/assistants?q=%C3%A9&sort=-name&x=//y", "/people/3?a=b#c", "/a//b"]
)
def test_a_path_of_this_site_is_used_as_the_redirect(sqlite_tenants: TwoTenants, path: str) -> None:
    guest, browser = sqlite_tenants.browser("anonymous"), sqlite_tenants.browser("viewer")

    assert sign_in_by_form(guest, sqlite_tenants.people["viewer"].email, next=path).headers["Location"] == path
    assert browser.post("/confirm", data={"password": PASSWORD, "next": path}).headers["Location"] == path


@pytest.mark.parametrize(
    "address", ["//e.example/", "//e.example/assistants", "//assistants", "/\\e.example", "/assistants//e.example", ""]
)
def test_a_crafted_path_does_not_redirect_to_another_site(sqlite_tenants: TwoTenants, address: str) -> None:
    response = sqlite_tenants.browser("anonymous").get("/", environ_overrides={"PATH_INFO": address})

    assert response.status_code in (303, 308, 404)
    assert origin_of(response.headers.get("Location", "/")) == "http://localhost"


def test_a_query_that_is_not_utf_8_redirects_to_sign_in(sqlite_tenants: TwoTenants) -> None:
    response = sqlite_tenants.browser("anonymous").get("/assistants", environ_overrides={"QUERY_STRING": "q=\xff\xfe"})

    assert is_redirected_to_sign_in(response)
