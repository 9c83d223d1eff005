"""People and keys from a shell: what is printed, and that what it opens is open."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.commands import Shell
from tests.factories import PASSWORD, make_account, make_assistant, make_organization, sign_in
from voiceadmin.database.base import db
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization

ROUTE = "/api/v1/assistants/31/cloned-voices"


@pytest.fixture
def acme(stranger: FlaskClient) -> Organization:
    """An organization with an assistant 31."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    return acme


def link(text: str) -> str:
    """The path of the link that a command printed."""
    (found,) = re.findall(r"^(/links/\S+)", text, re.MULTILINE)
    return str(found)


def list_lines(shell: Shell) -> list[str]:
    """What `account list` prints."""
    return shell("account", "list").stdout.splitlines()


def test_somebody_is_added_by_a_link_for_one_organization(
    shell: Shell, stranger: FlaskClient, acme: Organization
) -> None:
    told = shell("account", "add", "Ada@Example.com", "--organization", "Acme", "--role", "operator")

    joined = stranger.post(link(told.stdout), data={"password": PASSWORD, "name": "Ada"})

    assert told.stdout.startswith("Share this link with Ada@Example.com. It works once, for 7 days:\n")
    assert joined.status_code == 303
    assert list_lines(shell) == ["Ada@Example.com: operator at Acme"]
    assert stranger.get("/assistants").status_code == 200
    assert stranger.get("/people").status_code == 403


def test_an_admin_of_the_platform_is_added(shell: Shell, stranger: FlaskClient) -> None:
    told = shell("account", "add", "root@example.com", "--platform")

    stranger.post(link(told.stdout), data={"password": PASSWORD})

    assert list_lines(shell) == ["root@example.com: platform admin"]
    assert stranger.get("/people").status_code == 200


def test_roles_are_changed_and_taken_away(shell: Shell, acme: Organization) -> None:
    make_account("ada@example.com", roles={acme: Role.VIEWER})
    make_account("root@example.com", platform=True)

    told = shell("account", "role", "ada@example.com", "--organization", str(acme.id), "--role", "admin")
    raised = list_lines(shell)
    shell("account", "role", "ada@example.com", "--organization", "Acme", "--role", "none")
    shell("account", "role", "ada@example.com", "--platform")

    assert told.stdout == "ada@example.com has to sign in again.\n"
    assert raised == ["ada@example.com: admin at Acme", "root@example.com: platform admin"]
    assert list_lines(shell) == ["ada@example.com: platform admin", "root@example.com: platform admin"]
    shell("account", "role", "ada@example.com", "--no-platform")
    assert list_lines(shell)[0] == "ada@example.com: no role"


def test_who_is_disabled_is_out_at_once_and_comes_back_enabled(
    shell: Shell, stranger: FlaskClient, acme: Organization
) -> None:
    ada = make_account("ada@example.com", roles={acme: Role.VIEWER})
    sign_in(stranger, ada)

    told = shell("account", "disable", "ada@example.com")

    assert told.stdout == "The account ada@example.com is disabled, and its sessions have ended.\n"
    assert stranger.get("/assistants").status_code == 303
    assert list_lines(shell) == ["ada@example.com: disabled, viewer at Acme"]
    assert (
        shell("account", "enable", "ADA@example.com").stdout
        == "The account ADA@example.com is enabled, and can sign in again.\n"
    )
    assert list_lines(shell) == ["ada@example.com: viewer at Acme"]


def test_a_reset_leads_to_a_new_password(shell: Shell, stranger: FlaskClient, acme: Organization) -> None:
    make_account("ada@example.com", roles={acme: Role.VIEWER})

    told = shell("account", "reset", "ada@example.com")
    stranger.post(link(told.stdout), data={"password": "quite another one"})
    stranger.delete_cookie("__Host-voiceadmin")
    again = stranger.post("/sign-in", data={"email": "ada@example.com", "password": "quite another one"})

    assert told.stdout.startswith("Share this link with ada@example.com. It works once, for 1 day:\n")
    assert again.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["account", "add", "ada", "--platform"], 2, '"ada" is not an e-mail address. Write it as name@example.com.'),
        (["account", "add", "a@b.c"], 2, "Give either one --organization or --platform."),
        (["account", "add", "a@b.c", "--platform", "--organization", "Acme"], 2, "Give either one --organization"),
        (["account", "add", "a@b.c", "--organization", "Nowhere"], 1, 'There is no organization "Nowhere".'),
        (["account", "add", "a@b.c", "--organization", "Twin"], 1, 'Several organizations have the name "Twin".'),
        (["account", "role", "a@b.c"], 2, "Give either --organization and --role, or --platform or --no-platform."),
        (["account", "role", "a@b.c", "--role", "viewer"], 2, "Give either --organization and --role"),
        (["account", "role", "a@b.c", "--platform"], 1, "There is no account with the e-mail a@b.c."),
        (["account", "role", "last@example.com", "--no-platform"], 1, "is the last platform admin."),
        (["account", "disable", "last@example.com"], 1, "is the last platform admin."),
        (["account", "reset", "a@b.c"], 1, "There is no account with the e-mail a@b.c."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(
    shell: Shell, acme: Organization, words: list[str], code: int, says: str
) -> None:
    make_account("last@example.com", platform=True)
    make_organization("Twin")
    make_organization("Twin")

    result = shell(*words)

    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    db.session.rollback()
