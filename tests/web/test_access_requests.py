"""Requests: reading changes no data, and only known hosts and proxies are trusted."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.two_tenants import (
    POSTS,
    RULES,
    TwoTenants,
    bearer,
    dump,
    rows_of,
)
from tests.web.conftest import move_clock
from voiceadmin.audit.types import AuditEventType
from voiceadmin.text import MAX_ID

HOSTILE = [
    *("", "x", "0", "-1", "1", "31", str(MAX_ID), str(MAX_ID + 1), "1e9", "NaN", "%00", "%FF", "%0d%0aX: y", "é", "😀"),
    *("' OR '1'='1", "'; DROP TABLE account; --", "<script>", "{{7*7}}", "2026-13-45", "2026-01-01", "9999-12-31"),
    *("signed-in", "role-changed", "//evil.example", "/people", "ready", "true", "a" * 5000),
]
ARGUMENTS = [
    *("q", "status", "provider", "sort", "size", "page", "organization", "skip", "limit", "who", "kind", "voice"),
    *("since", "until", "older", "next", "email", "password", "name", "role", "token", "csrf_token", "_method", "v"),
]


def domain_data() -> dict[str, Any]:
    """All rows, without the columns and audit events that reading may write."""
    export_types = {event_type.value for event_type in AuditEventType if event_type.value.endswith("-exported")}
    found = dump()
    del found["token_bucket"]
    exports = {event["id"] for event in found["audit_event"] if event["event_type"] in export_types}
    for table, column in (("audit_event", "id"), ("audit_event_organization", "event_id")):
        found[table] = [row for row in found[table] if row[column] not in exports]
    for table, column in (("account_session", "last_active_at"), ("api_key", "last_used_at")):
        for row in found[table]:
            del row[column]
    return found


def test_reading_with_any_arguments_changes_no_data(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(7)
    addresses = [(rule, tenants.address(rule, "admin")) for rule in RULES]
    browsers = [tenants.browser(who) for who in ("anonymous", "admin", "platform")]
    before, statuses = domain_data(), set()

    for number in range(300):
        move_clock(monkeypatch, seconds=number * 2)
        rule, address = addresses[number % len(addresses)]
        reading = sorted({"GET", "HEAD", "OPTIONS"} & (rule.methods or set()))
        query = [(generator.choice(ARGUMENTS), generator.choice(HOSTILE)) for _ in range(generator.randrange(5))]
        headers = generator.choice([{}, bearer(tenants.keys["all"]), {"X-HTTP-Method-Override": "POST"}])
        response = generator.choice(browsers).open(
            address, method=generator.choice(reading), query_string=query, headers=headers
        )
        assert response.status_code < 500, (address, query)
        statuses.add(response.status_code)

    assert domain_data() == before
    assert {200, 303, 422} <= statuses


def test_routes_accept_no_methods_but_get_head_options_and_post(sqlite_tenants: TwoTenants) -> None:
    methods = {method for rule in RULES for method in rule.methods or ()}

    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}


# Hosts and proxies


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "127.0.0.2", "a b"]
)
def test_an_unknown_host_is_refused_by_every_route(sqlite_tenants: TwoTenants, host: str) -> None:
    browser = sqlite_tenants.browser("platform")
    addresses = [(rule, sqlite_tenants.address(rule)) for rule in RULES]
    before = dump()

    for rule, address in addresses:
        for method in sorted(rule.methods or ()):
            response = browser.open(address, method=method, headers={"Host": host})

            is_health_check = rule.endpoint.startswith("health.") and method != "POST"
            assert response.status_code == (200 if is_health_check else 400), (method, address)
            assert "evil" not in response.text
    assert dump() == before


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "voices.example",
    "X-Forwarded-Prefix": "/voices",
    "X-Forwarded-Port": "99",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Real-IP": "203.0.113.9",
}


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_forwarded_headers_are_trusted_only_behind_a_configured_proxy(
    tenants: TwoTenants, proxies: int, address: str
) -> None:
    hosts = ("localhost",) if proxies == 0 else ("voices.example",)
    client = tenants.app_with(proxies=proxies, hosts=hosts).test_client()
    form = tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    response = client.post("/sign-in", data=form, headers=FORWARDED)

    assert response.status_code == 303
    assert response.headers["Location"] == ("/voices/" if proxies else "/")
    assert ("Strict-Transport-Security" in response.headers) == bool(proxies)
    assert rows_of("account_session")[-1]["address"] == address
    assert rows_of("audit_event")[-1]["address"] == address


def test_a_forwarded_unknown_host_is_refused_and_the_last_address_is_recorded(tenants: TwoTenants) -> None:
    client = tenants.app_with(proxies=1).test_client()
    form = tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    assert client.get("/sign-in", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    client.post("/sign-in", data=form, headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.9"})

    assert rows_of("account_session")[-1]["address"] == "203.0.113.9"
