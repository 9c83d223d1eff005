"""Commands for sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from tests.commands import Shell
from tests.factories import make_organization
from tests.sources.scenario import ENCRYPTION_KEY, KEY, NEWER_ENCRYPTION_KEY, NOWHERE, Provider
from tests.two_tenants import dump, rows_of
from voiceadmin.config import Settings
from voiceadmin.sources.keys import decrypt_key

VARIABLE = "UPSTREAM_KEY_A"


@pytest.fixture
def added(shell: Shell, provider: Provider) -> Provider:
    """A provider whose source was added by the command."""
    words = ("source", "add", "elevenlabs", "Voices", "--address", provider.server.address, "--key-from-input")
    assert shell(*words, stdin=f"{KEY}\n").exit_code == 0
    return provider


def test_a_source_is_added_with_a_key_from_the_input_and_its_key_tested(
    app: Flask, shell: Shell, provider: Provider
) -> None:
    words = ("source", "add", "elevenlabs", "Voices", "--address", provider.server.address, "--key-from-input")
    result = shell(*words, stdin=f"{KEY}\n")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Source 1, “Voices”, was added.",
        "List voices: yes",
        "Read the account: yes",
        "Read slots: yes",
    ]
    assert decrypt_key(rows_of("source")[0]["encrypted_key"], [ENCRYPTION_KEY]) == KEY
    assert KEY not in result.output + repr(dump())


def test_a_source_is_added_with_the_variable_that_contains_its_key(
    app: Flask, shell: Shell, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    make_organization("Acme")

    words = ("--address", provider.server.address, "--key-variable", VARIABLE, "--organization", "Acme")
    result = shell("source", "add", "elevenlabs", "Voices", *words)

    assert "List voices: yes" in result.stdout
    assert f"1  elevenlabs  Voices  (Acme, {provider.server.address}): Key works" in shell("source", "list").stdout


def test_a_source_whose_key_cannot_be_tested_is_added_all_the_same(app: Flask, shell: Shell) -> None:
    result = shell("source", "add", "elevenlabs", "Voices", "--address", NOWHERE, "--key-variable", VARIABLE)

    assert result.exit_code == 0
    assert f"List voices: unknown  The variable {VARIABLE} is not set." in result.stdout


FAULTS: dict[str, tuple[tuple[str, ...], str]] = {
    "no key": ((), "Key: Enter either a key, or the name of a variable that contains it."),
    "an empty key": (("--key-from-input",), "Key: Enter either a key"),
    "another variable": (("--key-variable", "PATH"), 'Variable with the key: "PATH" must begin with UPSTREAM_KEY_'),
    "another host": (("--key-variable", VARIABLE, "--address", "https://x.example"), "VOICEADMIN_UPSTREAM_HOSTS"),
    "an unknown organization": (("--key-variable", VARIABLE, "--organization", "Nowhere"), "Nowhere"),
    "assistants": (("--key-variable", VARIABLE, "--assistants", "31"), "A provider has no assistants."),
}


@pytest.mark.parametrize(("words", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_reported_and_nothing_added(app: Flask, shell: Shell, words: tuple[str, ...], message: str) -> None:
    result = shell("source", "add", "elevenlabs", "Voices", *words)

    assert result.exit_code != 0
    assert message in result.stderr
    assert rows_of("source") == []


def test_an_unusable_key_is_not_repeated_in_the_message(app: Flask, shell: Shell) -> None:
    result = shell("source", "add", "elevenlabs", "Voices", "--key-from-input", stdin=f"{KEY} {KEY}")

    assert result.exit_code != 0
    assert "is not a key" in result.stderr
    assert KEY not in result.output


def test_a_key_cannot_be_stored_without_an_encryption_key(
    app: Flask, settings: Settings, make_shell: Callable[[Settings], Shell]
) -> None:
    shell = make_shell(replace(settings, encryption_keys=()))

    result = shell("source", "add", "elevenlabs", "Voices", "--key-from-input", stdin=KEY)

    assert result.exit_code != 0
    assert "VOICEADMIN_ENCRYPTION_KEYS" in result.stderr
    assert KEY not in result.output


def test_one_of_many_or_no_organization_is_found_as_on_the_page(app: Flask, shell: Shell) -> None:
    acme, _ = make_organization("Acme"), make_organization("Globex")
    words = ("source", "add", "elevenlabs", "Voices", "--key-variable", VARIABLE, "--address", NOWHERE)

    for owner in ("Acme", str(acme.id), ""):
        assert shell(*words, "--organization", owner).exit_code == 0

    assert [row["organization_id"] for row in rows_of("source")] == [acme.id, acme.id, None]


def test_a_test_exits_with_1_unless_the_key_may_list_voices(app: Flask, shell: Shell, added: Provider) -> None:
    good = shell("source", "test", "1")
    added.world.keys = {KEY: frozenset({"user_read"})}
    bad = shell("source", "test", "1")

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert bad.stdout.splitlines() == [
        "List voices: no  127.0.0.1 answered 401: The API key is missing the permission voices_read.",
        "Read the account: unknown  Not checked.",
        "Read slots: unknown  Not checked.",
    ]


def test_a_source_is_disabled_enabled_and_removed(app: Flask, shell: Shell, added: Provider) -> None:
    outputs = [shell("source", "disable", "1").stdout, shell("source", "list").stdout]
    outputs += [shell("source", "enable", "1").stdout, shell("source", "list").stdout]
    outputs += [shell("source", "remove", "1").stdout, shell("source", "list").stdout]

    assert outputs[0] == "The source “Voices” was disabled. Its voices stay.\n"
    assert f"1  elevenlabs  Voices  (the platform, {added.server.address}): Disabled" in outputs[1]
    assert outputs[2] == "The source “Voices” was enabled.\n"
    assert "Key works, tested" in outputs[3]
    assert outputs[4] == "The source “Voices” and its key were removed. Its voices stay.\n"
    assert outputs[5] == ""


def test_deletion_is_allowed_and_forbidden(app: Flask, shell: Shell, added: Provider) -> None:
    allowed = shell("source", "allow-deletion", "1").stdout
    rights = shell("source", "test", "1").stdout.splitlines()
    forbidden = shell("source", "forbid-deletion", "1").stdout

    assert allowed.startswith("Voices may be deleted at the provider of “Voices” now.")
    assert rights[-1] == "Delete voices: unknown  ElevenLabs shows this only when a voice is deleted."
    assert forbidden == "No voice may be deleted at the provider of “Voices” any more.\n"
    assert len(shell("source", "test", "1").stdout.splitlines()) == 3
    assert added.server.deletions == []


@pytest.mark.parametrize("command", ["test", "disable", "enable", "remove"])
def test_an_unknown_source_is_named(app: Flask, shell: Shell, command: str) -> None:
    result = shell("source", command, "7")

    assert result.exit_code != 0
    assert "There is no source 7." in result.stderr


def test_keys_are_encrypted_with_a_new_key_and_the_old_one_can_go(
    app: Flask, settings: Settings, added: Provider, make_shell: Callable[[Settings], Shell]
) -> None:
    both = make_shell(replace(settings, encryption_keys=(NEWER_ENCRYPTION_KEY, ENCRYPTION_KEY)))
    newer = make_shell(replace(settings, encryption_keys=(NEWER_ENCRYPTION_KEY,)))

    before = newer("source", "reencrypt-keys")
    done = both("source", "reencrypt-keys")

    assert (before.exit_code != 0, "cannot be decrypted" in before.stderr) == (True, True)
    assert done.stdout == "1 key was encrypted with the first encryption key.\n"
    assert newer("source", "test", "1").exit_code == 0
