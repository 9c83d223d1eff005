"""The security headers stand on every answer, whatever it is."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.headers import CONTENT_SECURITY_POLICY, HEADERS

ANSWERS = {
    "/": 302,
    "/assistants": 200,
    "/assistants/31/voices": 200,
    "/assistants/31/voices?status=x": 422,
    "/voices/3": 200,
    "/nothing": 404,
    "/static/voiceadmin.css": 200,
    "/static/nothing": 404,
    "/healthz": 200,
    "/readyz": 200,
    "/api/v1/openapi.json": 200,
    "/api/v1/assistants/31/cloned-voices": 200,
    "/api/v1/assistants/9/cloned-voices": 404,
    "/api/v1/assistants/31/cloned-voices?status=x": 422,
}


@pytest.fixture(autouse=True)
def acme(client: FlaskClient) -> None:
    """An assistant 31 and a voice 3."""
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, id=3)


@pytest.mark.parametrize(("address", "status"), ANSWERS.items())
def test_every_answer_has_every_header_once(client: FlaskClient, address: str, status: int) -> None:
    response = client.get(address)

    assert response.status_code == status
    for name, value in HEADERS.items():
        assert response.headers.getlist(name) == [value], name
    assert len(response.headers.getlist("Cache-Control")) == 1


def test_refusals_and_breakdowns_have_them_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("voiceadmin.views.assistants.list_assistants", fail)

    answers = [
        client.post("/assistants"),
        client.get("/assistants", headers={"Host": "evil.example"}),
        client.get("/assistants"),
        client.get("/api/v1/assistants/31/cloned-voices", headers={"If-None-Match": "*"}),
        client.head("/voices/3"),
        client.options("/voices/3"),
    ]

    assert [answer.status_code for answer in answers] == [405, 400, 500, 304, 200, 200]
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items()


def test_the_policy_allows_nothing_that_is_not_ours() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def test_pages_are_not_kept_and_files_are_kept_under_their_hash(client: FlaskClient) -> None:
    page = client.get("/assistants")
    (styles,) = [word for word in page.text.split('"') if word.startswith("/static/voiceadmin.css?v=")]

    assert page.headers["Cache-Control"] == "no-store"
    assert client.get(styles).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/voiceadmin.css").headers["Cache-Control"] == "no-cache"
