"""Secrets: session tokens, one-time links and API keys, and their hashes."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "va_"


HINT_LENGTH = len(KEY_PREFIX) + 6  # letters of a key that tell it from others; the 37 that are left cannot be guessed


def generate_token() -> str:
    """A new secret of 43 letters, digits, hyphens and underscores."""
    return secrets.token_urlsafe(32)


def generate_api_key() -> str:
    """A new API key, which its beginning gives away as one of ours."""
    return KEY_PREFIX + generate_token()


def hash_token(token: str) -> str:
    """What the store keeps of a secret. It has so many bits that a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
