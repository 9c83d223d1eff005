"""Keys are encrypted, or named by a variable for keys, and never appear in messages."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from tests.sources.scenario import ENCRYPTION_KEY, KEY, NEWER_ENCRYPTION_KEY
from voiceadmin.config import Settings
from voiceadmin.errors import SourceRefused
from voiceadmin.sources.connecting import Connection
from voiceadmin.sources.keys import (
    MAX_KEY,
    check_key,
    decrypt_key,
    encrypt_key,
    is_variable_name,
    read_variable,
    reencrypt_key,
)
from voiceadmin.sources.types import SourceKind


@pytest.mark.parametrize("name", ["UPSTREAM_KEY_ELEVENLABS", "UPSTREAM_KEY_2", "UPSTREAM_KEY_" + "A" * 100])
def test_a_variable_for_keys_can_be_named(name: str) -> None:
    assert is_variable_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "PATH", "VOICEADMIN_SECRET_KEY", "VOICEADMIN_ENCRYPTION_KEYS", "UPSTREAM_KEY_", "upstream_key_a"),
        *("UPSTREAM_KEY_a", "UPSTREAM_KEY_A B", "UPSTREAM_KEY_A\n", "XUPSTREAM_KEY_A", "UPSTREAM_KEY_Ä"),
        "UPSTREAM_KEY_" + "A" * 101,
    ],
)
def test_no_other_variable_can_be_named(name: str) -> None:
    assert not is_variable_name(name)


def test_the_value_of_a_variable_is_read_without_blanks_around_it() -> None:
    assert read_variable("UPSTREAM_KEY_A", {"UPSTREAM_KEY_A": f" {KEY}\n"}) == KEY


@pytest.mark.parametrize("environ", [{}, {"UPSTREAM_KEY_A": ""}, {"UPSTREAM_KEY_A": " "}], ids=str)
def test_a_variable_without_a_value_is_named_with_the_remedy(environ: dict[str, str]) -> None:
    with pytest.raises(SourceRefused, match="UPSTREAM_KEY_A is not set"):
        read_variable("UPSTREAM_KEY_A", environ)


@pytest.mark.parametrize(
    "key", [f"{KEY} {KEY}", f"{KEY}\r\nX-Header: 1", f"{KEY}é", KEY * 200], ids=["blank", "header", "accent", "long"]
)
def test_a_text_that_cannot_be_sent_in_a_header_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SourceRefused, match="is not a key") as given:
        check_key(key, "The key")
    with pytest.raises(SourceRefused, match="UPSTREAM_KEY_A is not a key") as read:
        read_variable("UPSTREAM_KEY_A", {"UPSTREAM_KEY_A": key})

    assert KEY not in str(given.value) + str(read.value)


def test_a_key_of_the_greatest_length_is_accepted() -> None:
    assert check_key("k" * MAX_KEY, "The key") == "k" * MAX_KEY


def test_an_encrypted_key_is_read_back_and_does_not_contain_the_key() -> None:
    encrypted = encrypt_key(KEY, [ENCRYPTION_KEY])

    assert decrypt_key(encrypted, [ENCRYPTION_KEY]) == KEY
    assert KEY not in encrypted
    assert encrypt_key(KEY, [ENCRYPTION_KEY]) != encrypted


def test_the_first_encryption_key_encrypts_and_all_of_them_decrypt() -> None:
    old = encrypt_key(KEY, [ENCRYPTION_KEY])

    both = [NEWER_ENCRYPTION_KEY, ENCRYPTION_KEY]
    new = reencrypt_key(old, both)

    assert decrypt_key(old, both) == KEY
    assert decrypt_key(new, [NEWER_ENCRYPTION_KEY]) == KEY
    with pytest.raises(SourceRefused):
        decrypt_key(new, [ENCRYPTION_KEY])


def test_a_missing_encryption_key_is_reported_with_the_remedy() -> None:
    encrypted = encrypt_key(KEY, [ENCRYPTION_KEY])

    with pytest.raises(SourceRefused, match=r"decrypted\. Add the encryption key .* or store the key") as wrong:
        decrypt_key(encrypted, [NEWER_ENCRYPTION_KEY])
    with pytest.raises(SourceRefused, match=r"only with VOICEADMIN_ENCRYPTION_KEYS\. Create") as none:
        encrypt_key(KEY, [])

    assert not any(secret in str(wrong.value) + str(none.value) for secret in (KEY, encrypted, NEWER_ENCRYPTION_KEY))


def test_the_command_of_the_remedy_creates_an_encryption_key() -> None:
    made = Fernet.generate_key().decode()

    assert Settings.from_environ({"VOICEADMIN_ENCRYPTION_KEYS": made}).encryption_keys == (made,)
    assert decrypt_key(encrypt_key(KEY, [made]), [made]) == KEY


def test_a_connection_is_shown_without_its_key() -> None:
    connection = Connection(SourceKind.ELEVENLABS, "https://api.elevenlabs.io", KEY, ())

    assert repr(connection) == "Connection(elevenlabs, https://api.elevenlabs.io)"
