"""Password strength and password hashes."""

from __future__ import annotations

import unicodedata

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from voiceadmin.accounts import passwords
from voiceadmin.accounts.passwords import COMMON_PASSWORDS, find_weakness, hash_password, is_outdated, is_password

TOO_COMMON = "This is one of the most common passwords. Choose another one."
IS_NAME = "This is a name, and easy to guess. Choose another password."
STRONG = "plum tree 77"


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", "This has 0 characters. Use at least 8; 15 or more are better."),
        ("qv7-zmk", "This has 7 characters. Use at least 8; 15 or more are better."),
        ("e\u0301" * 3 + "zmk7", "This has 7 characters. Use at least 8; 15 or more are better."),
        ("😀🐙🍇🚲🎈🪁🧊", "This has 7 characters. Use at least 8; 15 or more are better."),
        ("qv7-zmkp", None),
        ("qv7-zmkp" * 8, None),
        ("qv7-zmkp" * 125, None),
        ("qv7-zmkp" * 125 + "x", "This has 1,001 characters. Use at most 1,000."),
        ("e\u0301x" * 500, None),
        ("        ", TOO_COMMON),
        ("aaaaaaaa", TOO_COMMON),
        ("ßßßßßßßßß", TOO_COMMON),
        ("aaaaaaab", None),
        (" leading and trailing ", None),
        ("пароль мой", None),
        ("密码是一只猫和狗", None),
        ("😀🐙🍇🚲🎈🪁🧊🎲", None),
        ("tab\tnul\0bell\a", None),
        ("half \ud83d a pair", "This contains an invalid character. Type it again."),
    ],
)
def test_the_strength_of_a_password_depends_on_its_characters(password: str, fault: str | None) -> None:
    assert find_weakness(password) == fault


def test_common_passwords_are_refused_in_any_case() -> None:
    common = [word for word in FREQUENCY_LISTS["passwords"][:3000] if len(word) >= 8]

    assert len(common) > 500
    for word in common:
        assert {find_weakness(form(word)) for form in (str, str.upper, str.title)} == {TOO_COMMON}, word


def test_the_list_of_common_passwords_has_no_password_below_the_minimum_length() -> None:
    assert min(map(len, COMMON_PASSWORDS)) == 8


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("ada.lovelace@example.com", ["Ada.Lovelace@example.com"]),
        ("Ada.Lovelace", ["ada.lovelace@example.com"]),
        ("Ada Lovelace", ["x@example.com", "ada lovelace"]),
        ("VoiceAdmin", []),
        ("Rene\u0301e.Dupont", ["ren\u00e9e.dupont@example.com"]),
        ("ren\u00e9e.dupont", ["Rene\u0301e.Dupont@example.com"]),
    ],
)
def test_a_name_is_refused_as_password(password: str, words: list[str]) -> None:
    assert find_weakness(password, *words) == IS_NAME


@pytest.mark.parametrize("password", ["ada.lovelace77", "example.com", "voiceadmin 7", "lovelace"])
def test_a_password_that_contains_a_name_is_accepted(password: str) -> None:
    assert find_weakness(password, "ada.lovelace@example.com", "") is None


def test_a_hash_matches_only_its_password() -> None:
    stored = hash_password(STRONG)

    assert is_password(STRONG, stored)
    assert not any(is_password(other, stored) for other in ("", STRONG + " ", STRONG.upper(), "\ud800"))
    assert STRONG not in stored
    assert hash_password(STRONG) != stored


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_composed_and_decomposed_letters_are_the_same_password(password: str) -> None:
    stored = hash_password(unicodedata.normalize("NFD", password))

    assert is_password(unicodedata.normalize("NFC", password), stored)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$YWJj$", "$2b$12$abc"])
def test_an_invalid_hash_matches_no_password(stored: str) -> None:
    assert not is_password(STRONG, stored)


def test_a_missing_hash_matches_no_password() -> None:
    assert not is_password("any password of no account", None)
    assert not is_password("any password of no account", "")


def test_a_hash_with_other_parameters_is_outdated() -> None:
    assert not is_outdated(hash_password(STRONG))
    assert is_outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(STRONG))


def test_the_production_hash_is_argon2id_with_the_required_memory() -> None:
    stored = PasswordHasher().hash(STRONG)  # the default of the module; the tests replace it with a cheap hasher

    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert isinstance(passwords.hasher, PasswordHasher)
