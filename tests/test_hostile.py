"""Hostile input: every page and route answers without an error, and no data is lost."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.factories import make_assistant, make_organization, make_voice
from tests.page import Page
from voiceadmin.config import ASSETS
from voiceadmin.database.base import db
from voiceadmin.text import MAX_ID

IDS = [
    "-1",
    "0",
    str(2**31),
    str(MAX_ID),
    str(MAX_ID + 1),
    str(10**30),
    "9" * 5000,
    "1e3",
    "٣",
    "+3",
    "1_000",
    "NaN",
    "3%0A",
    "%00",
    "3.0",
    "0x3",
    "..%2f3",
]
TEXTS = [
    "\0",
    "\ufeff",
    "\u202eabc",
    "a\u200bb",
    "e\u0301",
    "é",
    "%" * 100_000,
    "😀" * 50,
    "\r\nSet-Cookie: x=1",
    "<script>alert(1)</script>",
    "{{7*7}}",
]
SQL = [
    "' OR '1'='1",
    "'; DROP TABLE cloned_voice; --",
    '" OR ""="',
    "1; SELECT pg_sleep(5)",
    "1 UNION SELECT name FROM sqlite_master",
    "id) --",
    "name DESC, (SELECT 1)",
    "\\'; --",
    "%' AND 1=0 UNION ALL SELECT NULL --",
    "CASE WHEN 1=1 THEN id ELSE name END",
]
PARAMETERS = [
    "q",
    "status",
    "provider",
    "quality",
    "use",
    "language",
    "sort",
    "size",
    "page",
    "organization",
    "skip",
    "limit",
    "reason",
    "owner",
    "after",
]
LISTS = ["/assistants", "/assistants/31/voices", "/api/v1/assistants/31/cloned-voices", "/api/v1/attention"]
FEW_TEXTS = ["\0", "😀" * 50, SQL[0], SQL[1]]


@pytest.fixture(autouse=True)
def acme(client: FlaskClient) -> None:
    """An organization with an assistant and a voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    make_voice(acme, id=3, name="Anna")


def assert_valid(html: str) -> None:
    """Check that the HTML of a page is well-formed and accessible."""
    Page(html).check()


@pytest.mark.parametrize("route", ["/voices/{}", "/assistants/{}/voices"])
def test_a_page_with_any_id_is_found_or_not_found(client: FlaskClient, route: str) -> None:
    for number in IDS:
        response = client.get(route.format(number))

        assert response.status_code == (200 if (route, number) == ("/voices/{}", "+3") else 404), number
        assert_valid(response.text)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("address", LISTS)
def test_a_list_accepts_or_refuses_any_text(client: FlaskClient, address: str, parameter: str, long: bool) -> None:
    # Texts that reach the SQL, on the second database: the code above it is the same.
    for text in [*TEXTS, *SQL] if long or db.engine.dialect.name == "sqlite" else FEW_TEXTS:
        response = client.get(f"{address}?{parameter}={quote(text)}")

        assert response.status_code in (200, 422), text[:50]
        if address.startswith("/api/"):
            assert response.get_json()
        else:
            assert_valid(response.text)


@pytest.mark.parametrize("address", LISTS)
def test_a_list_accepts_or_refuses_undecodable_bytes(client: FlaskClient, address: str) -> None:
    for raw in ("%FF", "%ED%A0%80", "%", "%zz", "%C3%28", "a&&==&;"):
        assert client.get(f"{address}?q={raw}&status={raw}").status_code in (200, 422), raw


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * 4096,
        "q=" + "x" * 1_000_000,
        "&".join(f"p{number}=1" for number in range(10_000)),
        "&".join(["status=ready"] * 10_000),
        "&".join(f"status=s{number}" for number in range(10_000)),
        "&".join(f"language=l{number}" for number in range(10_000)),
    ],
    ids=["4 KB", "1 MB", "10,000 parameters", "one value 10,000 times", "10,000 values", "10,000 languages"],
)
@pytest.mark.parametrize("address", LISTS)
def test_a_list_accepts_or_refuses_long_queries(client: FlaskClient, address: str, query: str) -> None:
    response = client.get(f"{address}?{query}")

    assert response.status_code in (200, 422)
    assert len(response.data) < 1_200_000, "the response repeats its input"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/%2e%2e%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/base.css%00",
        "/static/..%5cpyproject.toml",
        "/static/",
        "/static/.",
    ],
)
def test_only_static_files_are_served(client: FlaskClient, path: str) -> None:
    response = client.get(path, follow_redirects=True)

    assert response.status_code == 404
    assert "voiceadmin.__main__" not in response.text
    assert "root:" not in response.text


def test_the_static_folder_contains_no_symbolic_link() -> None:
    """The server would follow a symbolic link."""
    assert not [path for path in (ASSETS / "static").rglob("*") if path.is_symlink()]


BODIES = [
    ("application/x-www-form-urlencoded", b"a=" + b"x" * 2_000_000),
    ("application/x-www-form-urlencoded", b"a=" + b"x" * 600_000),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 2000),
    ("multipart/form-data", b"no boundary"),
    ("application/json", b'{"truncated'),
    ("text/weird; charset=nope", b"\xff\xfe"),
]


@pytest.mark.parametrize("address", [*LISTS, "/voices/3", "/healthz", "/nothing"])
def test_a_body_is_refused_by_routes_that_accept_none(client: FlaskClient, address: str) -> None:
    for content_type, body in BODIES:
        for method in ("post", "put", "delete"):
            response = getattr(client, method)(address, data=body, content_type=content_type)

            assert response.status_code in (404, 405, 413), (method, content_type)


@pytest.mark.parametrize("address", ["/sign-in", "/confirm", "/operations"])
def test_a_body_that_no_form_sends_is_refused_by_forms(client: FlaskClient, address: str) -> None:
    for content_type, body in BODIES:
        status = client.post(address, data=body, content_type=content_type).status_code

        assert (status == 413) if len(body) > 1000 else (status in range(300, 500)), (content_type, body[:10])


def test_sql_in_parameters_deletes_no_voice(client: FlaskClient) -> None:
    for text in SQL:
        for parameter in PARAMETERS:
            client.get(f"/assistants/31/voices?{parameter}={quote(text)}")

    assert client.get("/api/v1/assistants/31/cloned-voices").get_json()["cloned_voices"][0]["name"] == "Anna"
