"""Passwords: which will do, and what is kept of them."""

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
A_NAME = "This is a name, and easy to guess. Choose another password."
FINE = "plum tree 77"


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
def test_a_password_is_judged_by_its_letters_alone(password: str, fault: str | None) -> None:
    assert find_weakness(password) == fault


def test_every_one_of_the_commonest_is_refused_whatever_its_case() -> None:
    commonest = [word for word in FREQUENCY_LISTS["passwords"][:3000] if len(word) >= 8]

    assert len(commonest) > 500
    for word in commonest:
        assert {find_weakness(form(word)) for form in (str, str.upper, str.title)} == {TOO_COMMON}, word


def test_the_list_of_the_commonest_holds_no_word_that_is_too_short_anyway() -> None:
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
def test_a_name_is_no_password(password: str, words: list[str]) -> None:
    assert find_weakness(password, *words) == A_NAME


@pytest.mark.parametrize("password", ["ada.lovelace77", "example.com", "voiceadmin 7", "lovelace"])
def test_what_only_holds_a_name_will_do(password: str) -> None:
    assert find_weakness(password, "ada.lovelace@example.com", "") is None


def test_a_password_is_known_again_and_no_other_is() -> None:
    kept = hash_password(FINE)

    assert is_password(FINE, kept)
    assert not any(is_password(other, kept) for other in ("", FINE + " ", FINE.upper(), "\ud800"))
    assert FINE not in kept
    assert hash_password(FINE) != kept


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_composed_and_decomposed_are_the_same_password(password: str) -> None:
    kept = hash_password(unicodedata.normalize("NFD", password))

    assert is_password(unicodedata.normalize("NFC", password), kept)


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$YWJj$", "$2b$12$abc"])
def test_what_is_no_hash_of_ours_lets_nobody_in(kept: str) -> None:
    assert not is_password(FINE, kept)


def test_nobodys_password_is_nobodys() -> None:
    assert not is_password("nobody has this password", None)
    assert not is_password("nobody has this password", "")


def test_a_hash_with_other_parameters_is_outdated() -> None:
    assert not is_outdated(hash_password(FINE))
    assert is_outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(FINE))


def test_the_real_hash_is_argon2id_and_takes_its_memory() -> None:
    kept = PasswordHasher().hash(FINE)  # what the module makes when no test has put a cheap one there

    parameters = extract_parameters(kept)
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert isinstance(passwords.hasher, PasswordHasher)
