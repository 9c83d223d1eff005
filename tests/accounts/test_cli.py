"""Commands for accounts: their output and their effect."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.commands import Shell
from tests.factories import PASSWORD, make_account, make_assistant, make_organization, sign_in
from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.organizations.models import Organization

ROUTE = "/api/v1/assistants/31/cloned-voices"


@pytest.fixture
def acme(anonymous_client: FlaskClient) -> Organization:
    """Return an organization with the assistant 31."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    return acme


def find_link(text: str) -> str:
    """Return the path of the link that a command printed."""
    (found,) = re.findall(r"^(/links/\S+)", text, re.MULTILINE)
    return str(found)


def list_lines(shell: Shell) -> list[str]:
    """Return the lines that `account list` prints."""
    return shell("account", "list").stdout.splitlines()


def test_account_add_invites_to_one_organization(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    result = shell("account", "add", "Ada@Example.com", "--organization", "Acme", "--role", "operator")

    joined = anonymous_client.post(find_link(result.stdout), data={"password": PASSWORD, "name": "Ada"})

    assert result.stdout.startswith("Share this link with Ada@Example.com. It works once, for 7 days:\n")
    assert joined.status_code == 303
    assert list_lines(shell) == ["Ada@Example.com: operator at Acme"]
    assert anonymous_client.get("/assistants").status_code == 200
    assert anonymous_client.get("/people").status_code == 403


def test_account_add_invites_a_platform_admin(shell: Shell, anonymous_client: FlaskClient) -> None:
    result = shell("account", "add", "root@example.com", "--platform")

    anonymous_client.post(find_link(result.stdout), data={"password": PASSWORD})

    assert list_lines(shell) == ["root@example.com: platform admin"]
    assert anonymous_client.get("/people").status_code == 200


def test_account_add_invites_several_people_to_several_organizations(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    other = make_organization("Other")
    roles = ["--organization", "Acme", "--role", "operator", "--organization", str(other.id), "--role", "admin"]

    result = shell("account", "add", "Ada <ada@example.com>", "bo@example.com", *roles)

    first, *lines = result.stdout.splitlines()
    assert first == "Share each link with its person only. Each works once, for 7 days:"
    links = dict(line.split("\t") for line in lines)
    assert list(links) == ["ada@example.com", "bo@example.com"]
    for link in links.values():
        anonymous_client.post(link, data={"password": PASSWORD})
    assert list_lines(shell) == [f"{email}: operator at Acme, admin at Other" for email in links]


def test_account_add_gives_one_role_in_all_organizations(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    make_organization("Other")
    for email, role in (("ada@example.com", []), ("bo@example.com", ["--role", "admin"])):
        result = shell("account", "add", email, "--organization", "Acme", "--organization", "Other", *role)
        anonymous_client.post(find_link(result.stdout), data={"password": PASSWORD})

    assert list_lines(shell) == [
        "ada@example.com: viewer at Acme, viewer at Other",
        "bo@example.com: admin at Acme, admin at Other",
    ]


def test_account_role_changes_and_removes_roles(shell: Shell, acme: Organization) -> None:
    make_account("ada@example.com", roles={acme: Role.VIEWER})
    make_account("root@example.com", platform=True)

    result = shell("account", "role", "ada@example.com", "--organization", str(acme.id), "--role", "admin")
    raised = list_lines(shell)
    shell("account", "role", "ada@example.com", "--organization", "Acme", "--role", "none")
    shell("account", "role", "ada@example.com", "--platform")

    assert result.stdout == "The role of ada@example.com is now admin. Its sessions in that organization have ended.\n"
    assert raised == ["ada@example.com: admin at Acme", "root@example.com: platform admin"]
    assert list_lines(shell) == ["ada@example.com: platform admin", "root@example.com: platform admin"]
    shell("account", "role", "ada@example.com", "--no-platform")
    assert list_lines(shell)[0] == "ada@example.com: no role"


def test_account_disable_ends_sessions_and_account_enable_reverts_it(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    ada = make_account("ada@example.com", roles={acme: Role.VIEWER})
    sign_in(anonymous_client, ada)

    result = shell("account", "disable", "ada@example.com")

    assert result.stdout == "The account ada@example.com is disabled, and its sessions have ended.\n"
    assert anonymous_client.get("/assistants").status_code == 303
    assert list_lines(shell) == ["ada@example.com: disabled, viewer at Acme"]
    assert (
        shell("account", "enable", "ADA@example.com").stdout
        == "The account ADA@example.com is enabled, and can sign in again.\n"
    )
    assert list_lines(shell) == ["ada@example.com: viewer at Acme"]


def test_account_disable_and_account_role_name_the_active_keys_of_the_account(shell: Shell, acme: Organization) -> None:
    ada = make_account("ada@example.com", roles={acme: Role.ADMIN})
    by, ids = Actor(ActorKind.ACCOUNT, ada.id, ada.email), frozenset({acme.id})
    create_api_key(EVERYTHING, "board", ids, expires_at=None, by=by, now=clock.now())

    disabled = shell("account", "disable", "ADA@example.com").stdout
    of_disabled = shell("key", "list").stdout
    shell("account", "enable", "ada@example.com")
    removed = shell("account", "role", "ada@example.com", "--organization", "Acme", "--role", "none").stdout

    for output in (disabled, removed):
        assert re.search(
            r"^Active API keys that this account created: 1\. List them with: .* key list$", output, re.MULTILINE
        )
    assert of_disabled.endswith("; never used; creator disabled\n")
    assert shell("key", "list").stdout.endswith("; never used; creator no longer admin\n")


def test_account_reset_prints_a_link_that_sets_a_new_password(
    shell: Shell, anonymous_client: FlaskClient, acme: Organization
) -> None:
    make_account("ada@example.com", roles={acme: Role.VIEWER})

    result = shell("account", "reset", "ada@example.com")
    anonymous_client.post(find_link(result.stdout), data={"password": "quite another one"})
    anonymous_client.delete_cookie("__Host-voiceadmin")
    again = anonymous_client.post("/sign-in", data={"email": "ada@example.com", "password": "quite another one"})

    assert result.stdout.startswith("Share this link with ada@example.com. It works once, for 1 day:\n")
    assert again.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["account", "add", "ada", "--platform"], 2, '"ada" is not an e-mail address. Write it as name@example.com.'),
        (
            ["account", "add", "a\u200b@b.c", "--platform"],
            2,
            r'EMAIL: Argument 1: "a\u200b@b.c": This contains the invisible character U+200B',
        ),
        (["account", "add", "a@b.c", "A@b.c", "--platform"], 2, 'Argument 2: "A@b.c" is a duplicate of argument 1.'),
        (["account", "add", "a@b.c"], 2, "Give either --organization or --platform."),
        (["account", "add", "a@b.c", "--platform", "--organization", "Acme"], 2, "Give either --organization"),
        (["account", "add", "a@b.c", *(["--organization", "Acme"] * 2)], 2, "An organization is given twice."),
        (
            ["account", "add", "a@b.c", "--organization", "Acme", "--role", "viewer", "--role", "admin"],
            2,
            "Give one --role, or one for each --organization in the same order.",
        ),
        (["account", "add", "a@b.c", "--organization", "Unknown"], 1, 'There is no organization "Unknown".'),
        (["account", "add", "a@b.c", "--organization", "Twin"], 1, 'Several organizations have the name "Twin".'),
        (["account", "role", "a@b.c"], 2, "Give either --organization and --role, or --platform or --no-platform."),
        (["account", "role", "a@b.c", "--role", "viewer"], 2, "Give either --organization and --role"),
        (["account", "role", "a@b.c", "--platform"], 1, "There is no account with the e-mail a@b.c."),
        (["account", "role", "last@example.com", "--no-platform"], 1, "is the last platform admin."),
        (["account", "disable", "last@example.com"], 1, "is the last platform admin."),
        (["account", "reset", "a@b.c"], 1, "There is no account with the e-mail a@b.c."),
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
