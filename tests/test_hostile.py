"""Input that means no good: no page and no route breaks, and nothing is lost."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.factories import make_assistant, make_organization, make_voice
from tests.page import Page
from voiceadmin.config import ASSETS
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


@pytest.fixture(autouse=True)
def acme(client: FlaskClient) -> None:
    """Something that could be lost."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    make_voice(acme, id=3, name="Kept")


def whole(html: str) -> None:
    """A page stays a page."""
    Page(html).check()


@pytest.mark.parametrize("route", ["/voices/{}", "/assistants/{}/voices"])
def test_a_page_has_no_id_that_breaks_it(client: FlaskClient, route: str) -> None:
    for number in IDS:
        response = client.get(route.format(number))

        assert response.status_code == (200 if (route, number) == ("/voices/{}", "+3") else 404), number
        whole(response.text)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("address", LISTS)
def test_no_text_breaks_a_list(client: FlaskClient, address: str, parameter: str) -> None:
    for text in [*TEXTS, *SQL]:
        response = client.get(f"{address}?{parameter}={quote(text)}")

        assert response.status_code in (200, 422), text[:50]
        if address.startswith("/api/"):
            assert response.get_json()
        else:
            whole(response.text)


@pytest.mark.parametrize("address", LISTS)
def test_no_undecodable_bytes_break_a_list(client: FlaskClient, address: str) -> None:
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
def test_no_length_breaks_a_list(client: FlaskClient, address: str, query: str) -> None:
    response = client.get(f"{address}?{query}")

    assert response.status_code in (200, 422)
    assert len(response.data) < 1_200_000, "the answer repeats what it was given"


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
def test_no_file_beyond_the_static_ones_is_given_out(client: FlaskClient, path: str) -> None:
    response = client.get(path, follow_redirects=True)

    assert response.status_code == 404
    assert "voiceadmin.__main__" not in response.text
    assert "root:" not in response.text


def test_no_link_lies_among_the_static_files() -> None:
    """It would be followed."""
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
def test_a_body_where_none_belongs_is_refused(client: FlaskClient, address: str) -> None:
    for content_type, body in BODIES:
        for method in ("post", "put", "delete"):
            response = getattr(client, method)(address, data=body, content_type=content_type)

            assert response.status_code in (404, 405, 413), (method, content_type)


def test_after_all_that_the_voice_is_still_there(client: FlaskClient) -> None:
    for text in SQL:
        for parameter in PARAMETERS:
            client.get(f"/assistants/31/voices?{parameter}={quote(text)}")

    assert client.get("/api/v1/assistants/31/cloned-voices").get_json()["cloned_voices"][0]["name"] == "Kept"
