"""Commands for API keys."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.commands import Shell
from tests.factories import make_account, make_assistant, make_organization
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization

ROUTE = "/api/v1/assistants/31/cloned-voices"


@pytest.fixture
def acme(anonymous_client: FlaskClient) -> Organization:
    """Return an organization with the assistant 31."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    return acme


def test_a_key_reads_its_organizations_until_it_is_revoked(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    created = shell("key", "add", "status board", "--organization", "Acme")
    key = created.stdout.strip()
    header = {"Authorization": f"Bearer {key}"}

    response = anonymous_client.get(ROUTE, headers=header)
    shown = shell("key", "list").stdout
    revoked = shell("key", "revoke", shown.split()[0])

    assert re.fullmatch(r"va_[\w-]{43}", key)
    assert created.stderr == "Store this key now. It is not shown again:\n"
    assert response.status_code == 200
    assert re.fullmatch(rf"\d+  {key[:9]}…  status board: reads Acme; last used just now\n", shown)
    assert revoked.stdout == "The API key “status board” was revoked.\n"
    assert anonymous_client.get(ROUTE, headers=header).status_code == 401
    assert "status board (revoked): reads Acme" in shell("key", "list").stdout


def test_a_key_for_all_organizations_requires_an_explicit_option(shell: Shell) -> None:
    shell("key", "add", "all", "--all-organizations", "--days", "30")

    assert "  all: reads all organizations; never used" in shell("key", "list").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["key", "add", "x"], 2, "Give either --organization or --all-organizations."),
        (["key", "add", " ", "--all-organizations"], 2, "This is empty. Fill it in."),
        (["key", "add", "x" * 101, "--all-organizations"], 2, "This is 101 characters long. Enter at most 100."),
        (
            ["key", "add", "a\u202eb", "--all-organizations"],
            2,
            "NAME: This contains the invisible character U+202E",
        ),
        (["key", "add", "x", "--all-organizations", "--days", "0"], 2, "0 is not in the range 1<=x<=3650."),
        (["key", "revoke", "77"], 1, "There is no API key 77."),
    ],
)
def test_an_invalid_command_is_refused_with_a_remedy(
    shell: Shell, acme: Organization, words: list[str], code: int, message: str
) -> None:
    make_account("last@example.com", platform=True)
    make_organization("Twin")
    make_organization("Twin")

    result = shell(*words)

    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    db.session.rollback()
