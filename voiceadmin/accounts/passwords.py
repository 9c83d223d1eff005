"""Passwords: which are good enough, and what the store keeps of them."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

LEAST, ADVISED, MOST = 8, 15, 1000  # letters; MOST only keeps the work for the hash within bounds


COMMON = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= LEAST)


hasher = PasswordHasher()


def weakness(password: str, *words: str) -> str | None:
    """Why a password will not do, as a sentence; None when it will. words: what it must not simply be, like a name."""
    password = _composed(password)
    if len(password) < LEAST:
        return f"This has {len(password)} letters. Give at least {LEAST}; {ADVISED} or more are better."
    if len(password) > MOST:
        return f"This has {len(password):,} letters. Give at most {MOST:,}."
    if any(unicodedata.category(char) == "Cs" for char in password):
        return "This holds half a character. Type it again."
    if password.casefold() in COMMON or len(set(password)) == 1:
        return "This is one of the commonest passwords. Choose one that nobody else would."
    names = [_composed(word).casefold() for word in words]
    taken = {part for name in names for part in (name, name.partition("@")[0])}
    if password.casefold() in taken | {"voiceadmin"}:
        return "This is a name, not a password. Choose another one."
    return None


def password_hash(password: str) -> str:
    """What the store keeps of a password."""
    return hasher.hash(_composed(password))


def is_password(password: str, kept: str | None) -> bool:
    """Whether a password is the one of which this was kept. With None it takes as long, and is not."""
    try:
        hasher.verify(_nobodys(hasher) if kept is None else kept, _composed(password))
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the password should be hashed anew, because the parameters are others by now."""
    return hasher.check_needs_rehash(kept)


@cache
def _nobodys(_: PasswordHasher) -> str:
    return password_hash("nobody has this password")


def _composed(password: str) -> str:
    """The same letters, whichever way the keyboard put them together."""
    return unicodedata.normalize("NFC", password)
