"""Host names: every spelling of an accepted name is accepted, and health checks answer under any name."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.factories import make_account, make_organization
from voiceadmin import create_app
from voiceadmin.config import Settings, normalize_host
from voiceadmin.web.hosts import accept_host

ACCEPTED = {
    "localhost": ["localhost", "LOCALHOST", "Localhost:8000", "localhost.", "localhost.:80"],
    "[::1]": ["[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]", "[0000::0001]:8000"],
    "127.0.0.1": ["127.0.0.1", "127.0.0.1:65535"],
    "voices.example": ["voices.example", "VOICES.Example", "voices.example.:443"],
    ".example.org": ["example.org", "a.example.org", "A.B.EXAMPLE.ORG:1"],
}


@pytest.mark.parametrize(("name", "host"), [(name, host) for name, hosts in ACCEPTED.items() for host in hosts])
def test_every_spelling_of_an_accepted_host_is_accepted(tmp_path: Path, name: str, host: str) -> None:
    client = create_app(Settings(instance=tmp_path, hosts=(name,))).test_client()

    assert client.get("/static/base.css", headers={"Host": host}, buffered=True).status_code == 200


@pytest.mark.parametrize("host", ["example.com", "voices.example.com", "[::2]", "127.0.0.1.example", "xexample.org"])
def test_another_host_is_refused(tmp_path: Path, host: str) -> None:
    client = create_app(Settings(instance=tmp_path, hosts=tuple(ACCEPTED))).test_client()

    assert client.get("/static/base.css", headers={"Host": host}, buffered=True).status_code == 400


def test_the_address_that_the_server_listens_on_is_accepted(tmp_path: Path) -> None:
    app = create_app(Settings(instance=tmp_path))
    accept_host(app, "192.0.2.7:8000")

    assert (
        app.test_client().get("/static/base.css", headers={"Host": "192.0.2.7:8000"}, buffered=True).status_code == 200
    )
    assert app.test_client().get("/static/base.css", headers={"Host": "192.0.2.8:8000"}).status_code == 400


@pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "[fd00::1]:8000", "pod-7.internal", "a b", ""])
def test_health_checks_answer_under_any_host_and_reveal_nothing(sqlite_app: Flask, host: str) -> None:
    client = sqlite_app.test_client()

    assert client.get("/healthz", headers={"Host": host}).get_json() == {"status": "up"}
    assert client.get("/readyz", headers={"Host": host}).get_json() == {"status": "ready"}


def test_a_form_from_another_spelling_of_the_host_is_accepted(sqlite_app: Flask) -> None:
    make_organization()
    make_account("ada@example.com")

    response = sqlite_app.test_client().post(
        "/sign-in",
        data={"email": "ada@example.com", "password": "x"},
        headers={"Host": "[0:0:0:0:0:0:0:1]:8000", "Origin": "http://[::1]:8000"},
    )

    assert response.status_code == 422  # a wrong password, not another site


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Voices.Example.", "voices.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("2001:DB8:0::1", "[2001:db8::1]"),
        ("evil@example", None),
        ("a..b", None),
        ("[::1", None),
        ("", None),
        ("x" * 300, None),
    ],
)
def test_a_host_name_is_normalized(text: str, host: str | None) -> None:
    assert normalize_host(text) == host
