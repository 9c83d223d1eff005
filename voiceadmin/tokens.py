"""Generate secrets (session tokens, one-time links and API keys) and hash them."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "va_"  # lets secret scanners recognize leaked keys

# Number of first characters of an API key that are stored and shown. The other 37 cannot be guessed.
HINT_LENGTH = len(KEY_PREFIX) + 6


def generate_token() -> str:
    """Return a new secret of 43 letters, digits, hyphens and underscores (256 bits)."""
    return secrets.token_urlsafe(32)


def generate_api_key() -> str:
    """Return a new API key: the prefix and a token."""
    return KEY_PREFIX + generate_token()


def list_token_hashes(token: str, count: int) -> list[str]:
    """Return a hash for each of several rows that share a secret. The first one is that of the secret.

    No secret contains a slash, so that nobody can send the secret of another row.
    """
    return [hash_token(f"{token}/{index}" if index else token) for index in range(count)]


def hash_token(token: str) -> str:
    """Return the SHA-256 hash of a secret in hexadecimal. Tokens have 256 bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
