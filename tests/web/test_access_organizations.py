"""Objects of other organizations cannot be distinguished from missing ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule

from tests.two_tenants import (
    JSON_ROUTE,
    OWNED,
    RULES,
    TwoTenants,
    name_of,
    requirement_of,
)
from voiceadmin.identity import Role

MISSING = 999_999


def comparable(response: Any, id: str) -> tuple[int, str, list[tuple[str, str]]]:
    """Status, body and headers of a response, with this id in place of the missing one, and without CSRF tokens."""
    body = re.sub(r'name="csrf_token" value="[^"]*"', "", response.text.replace(str(MISSING), id))
    headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    return response.status_code, body, sorted(headers)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.arguments & OWNED], ids=name_of)
def test_an_object_of_another_organization_is_answered_like_a_missing_one(tenants: TwoTenants, rule: Rule) -> None:
    browser = tenants.browser("admin")
    browser.get("/account")  # sets the cookie of the CSRF token
    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        address = tenants.address(rule, "admin", tenants.globex)
        *_, id = re.findall(r"\d+", address.replace("/v1/", "/"))

        theirs = browser.open(address, method=method, data=tenants.form(rule))
        missing = browser.open(address.replace(id, str(MISSING)), method=method, data=tenants.form(rule))

        assert theirs.status_code == (403 if requirement_of(rule).role is Role.PLATFORM else 404), method
        assert comparable(theirs, id) == comparable(missing, id), method


def test_an_api_key_cannot_tell_another_organization_from_a_missing_one(tenants: TwoTenants) -> None:
    browser = tenants.browser("anonymous")
    bearer = {"Authorization": f"Bearer {tenants.keys['acme']}"}

    theirs = browser.get(JSON_ROUTE.replace("31", "62"), headers=bearer)
    missing = browser.get(JSON_ROUTE.replace("31", str(MISSING)), headers=bearer)

    rate_limit_headers = {"RateLimit-Remaining", "RateLimit-Reset"}
    (status, body, headers), other = comparable(theirs, "62"), comparable(missing, "62")
    assert (status, body) == other[:2] == (404, '{"detail":"Assistant with ID 62 not found"}\n')
    assert {name for name, _ in set(headers) ^ set(other[2])} <= rate_limit_headers


def fetch_all_pages(tenants: TwoTenants, who: str) -> Iterator[tuple[str, str]]:
    """Every address that accepts GET, with the text and the headers of its response."""
    browser = tenants.browser(who)
    more = [f"/assistants?organization={tenants.globex.id}", f"/activity?voice={tenants.voices[tenants.globex.id]}"]
    for address in [*(tenants.address(rule, who) for rule in RULES if "GET" in (rule.methods or ())), *more]:
        response = browser.get(address)
        assert response.status_code < 500, address
        yield address, response.text + str(response.headers)


def test_no_page_shows_anything_of_another_organization(tenants: TwoTenants) -> None:
    for who in ("viewer", "operator", "admin"):
        for address, text in fetch_all_pages(tenants, who):
            assert "globex" not in text.lower(), (who, address)

    assert sum("globex" in text.lower() for _, text in fetch_all_pages(tenants, "platform")) >= 8, (
        "the platform admin does not see it either"
    )


def test_the_page_of_a_colleague_does_not_show_roles_in_other_organizations(tenants: TwoTenants) -> None:
    page = tenants.browser("admin").get(f"/people/{tenants.people['both'].id}")

    assert page.status_code == 200
    assert "globex" not in page.text.lower()
