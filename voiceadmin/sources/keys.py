"""Keys of sources: encrypted in the database, or named by a variable of the environment.

Only the functions of this module see a key as text, and the client that sends it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from voiceadmin.errors import SourceRefused

VARIABLE_PREFIX = "UPSTREAM_KEY_"  # other variables could be secrets of the server

_VARIABLE = re.compile(rf"{VARIABLE_PREFIX}[A-Z0-9_]{{1,100}}", re.ASCII)

MAX_KEY = 2000  # characters

SETTING = "VOICEADMIN_ENCRYPTION_KEYS"


def is_variable_name(text: str) -> bool:
    """Return whether a text can name the variable of a key."""
    return _VARIABLE.fullmatch(text) is not None


def read_variable(name: str, environ: Mapping[str, str]) -> str:
    """Return the key that a variable of the environment contains.

    Raises:
        SourceRefused: if it is not set, or its value cannot be a key.
    """
    key = environ.get(name, "").strip()
    if not key:
        raise SourceRefused(f"The variable {name} is not set. Set it in the environment of the server.")
    return check_key(key, f"The value of the variable {name}")


def check_key(key: str, what: str) -> str:
    """Return a key that can be sent in a header.

    Raises:
        SourceRefused: if it cannot. The message does not contain it.
    """
    if len(key) > MAX_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise SourceRefused(f"{what} is not a key: it contains blanks or special characters, or is too long.")
    return key


def encrypt_key(key: str, encryption_keys: Sequence[str]) -> str:
    """Return the encrypted form for the database.

    Args:
        key: of the source.
        encryption_keys: the value of VOICEADMIN_ENCRYPTION_KEYS. The first encrypts.

    Raises:
        SourceRefused: if there is no encryption key.
    """
    return _cipher(encryption_keys).encrypt(key.encode()).decode("ascii")


def decrypt_key(encrypted: str, encryption_keys: Sequence[str]) -> str:
    """Return the key of a source.

    Raises:
        SourceRefused: if none of the encryption keys fits.
    """
    try:
        return _cipher(encryption_keys).decrypt(encrypted).decode()
    except InvalidToken as error:
        raise SourceRefused(
            f"The stored key cannot be decrypted. Add the encryption key that it was stored with to {SETTING},"
            " or store the key again."
        ) from error


def reencrypt_key(encrypted: str, encryption_keys: Sequence[str]) -> str:
    """Return the encrypted form with the first encryption key, whichever of them it was encrypted with.

    Raises:
        SourceRefused: if none of the encryption keys fits.
    """
    return encrypt_key(decrypt_key(encrypted, encryption_keys), encryption_keys)


def _cipher(encryption_keys: Sequence[str]) -> MultiFernet:
    if not encryption_keys:
        command = "python3 -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        raise SourceRefused(f"Keys can be stored only with {SETTING}. Create an encryption key with “{command}”.")
    return MultiFernet([Fernet(key) for key in encryption_keys])
