"""Check the strength of passwords, hash them, and verify them."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

# Characters. NIST SP 800-63B: at least 8, at least 15 advised for a password alone. The maximum bounds the cost of
# hashing.
MIN_LENGTH, ADVISED_LENGTH, MAX_LENGTH = 8, 15, 1000

COMMON_PASSWORDS = frozenset(password for password in FREQUENCY_LISTS["passwords"] if len(password) >= MIN_LENGTH)

hasher = PasswordHasher()


def find_weakness(password: str, *personal: str) -> str | None:
    """Return a sentence that explains why a new password is refused, None if it is accepted.

    Args:
        personal: texts that the password must not be equal to, such as the name and the e-mail of the account.
    """
    password = _normalize(password)
    if len(password) < MIN_LENGTH:
        return f"This has {len(password)} characters. Use at least {MIN_LENGTH}; {ADVISED_LENGTH} or more are better."
    if len(password) > MAX_LENGTH:
        return f"This has {len(password):,} characters. Use at most {MAX_LENGTH:,}."
    if any(unicodedata.category(char) == "Cs" for char in password):
        return "This contains an invalid character. Type it again."
    if password.casefold() in COMMON_PASSWORDS or len(set(password)) == 1:
        return "This is one of the most common passwords. Choose another one."
    texts = [_normalize(text).casefold() for text in personal]
    guessable = {part for text in texts for part in (text, text.partition("@")[0])}
    if password.casefold() in guessable | {"voiceadmin"}:
        return "This is a name, and easy to guess. Choose another password."
    return None


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password, with its salt and parameters."""
    return hasher.hash(_normalize(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Return whether a hash belongs to this password.

    Args:
        password_hash: None for an unknown account, which takes the same time, so that the time does not reveal it.
    """
    try:
        hasher.verify(
            _hash_for_unknown_accounts(hasher) if password_hash is None else password_hash, _normalize(password)
        )
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with other parameters than the current ones."""
    return hasher.check_needs_rehash(password_hash)


@cache
def _hash_for_unknown_accounts(_: PasswordHasher) -> str:
    return hash_password("the password of no account")


def _normalize(password: str) -> str:
    """Return the NFC form: keyboards produce "é" as one character or as two."""
    return unicodedata.normalize("NFC", password)
