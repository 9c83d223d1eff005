"""Commands for organizations and assistants."""

from __future__ import annotations

import re

import pytest

from tests.commands import Shell
from tests.factories import make_account, make_assistant, make_organization, make_voice
from voiceadmin.identity import Role
from voiceadmin.organizations.models import Organization


@pytest.fixture
def acme(app: object) -> Organization:
    """Create an organization with two assistants and a voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Day desk")
    make_assistant(acme, id=32, name="Night desk")
    make_voice(acme, id=1)
    make_account("ada@example.com", roles={acme: Role.ADMIN})
    return acme


def test_a_merge_is_previewed_applied_and_undone(shell: Shell, acme: Organization) -> None:
    make_organization("Holding")
    before = shell("organization", "list").stdout

    preview = shell("organization", "merge", "Acme", "Holding", "--dry-run").stdout
    assert shell("organization", "list").stdout == before
    merged = shell("organization", "merge", "Acme", "Holding").stdout
    after = shell("organization", "list").stdout
    undo = re.search(r"organization (undo-merge) (\d+)", merged)
    assert undo is not None
    undone = shell("organization", *undo.groups())

    assert re.match(r"“Acme” \(\d+\) into “Holding” \(\d+\): 2 assistants and 1 voice move.\n", preview)
    assert "ada@example.com becomes admin of “Holding”." in preview
    assert re.fullmatch(r"\d+: Holding \(2 assistants, 1 voice, 1 person\)\n", after)
    assert undone.exit_code == 0
    assert shell("organization", "list").stdout == before


def test_names_are_changed_and_checked(shell: Shell, acme: Organization) -> None:
    assert "is now called “Acme Telecom”" in shell("organization", "rename", "Acme", "Acme Telecom").stdout
    assert "Assistant 31 is now called “Front”" in shell("assistant", "rename", "31", "Front").stdout

    refused = shell("assistant", "rename", "31", "Fr\u202eont")

    assert refused.exit_code == 2
    assert "U+202E" in refused.stderr


def test_assistants_and_empty_organizations_are_removed(shell: Shell, acme: Organization) -> None:
    make_organization("Other")

    assert shell("assistant", "move", "31", "Other").exit_code == 0
    assert "only assistant of “Acme”" in shell("assistant", "remove", "32").stderr
    assert "still has assistants" in shell("organization", "remove", "Other").stderr
    assert "The assistant “Day desk” was removed." in shell("assistant", "remove", "31").stdout
    assert "The organization “Other” was removed." in shell("organization", "remove", "Other").stdout


def test_unknown_objects_are_named(shell: Shell, acme: Organization) -> None:
    assert 'There is no organization "Nowhere".' in shell("organization", "merge", "Acme", "Nowhere").stderr
    assert "There is no assistant 99." in shell("assistant", "remove", "99").stderr
    assert shell("organization", "undo-merge", "99").exit_code == 1
