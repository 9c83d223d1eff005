"""Secrets: long enough, never twice, and only their hash is kept."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from voiceadmin.tokens import HINT_LENGTH, generate_api_key, generate_token, hash_token


def test_a_token_has_256_bits_and_no_two_are_the_same() -> None:
    tokens = {generate_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {32}
    assert all(re.fullmatch(r"[\w-]{43}", token, re.ASCII) for token in tokens)


def test_a_key_is_a_token_that_says_what_it_is_and_its_hint_leaves_enough_to_guess() -> None:
    key = generate_api_key()

    assert re.fullmatch(r"va_[\w-]{43}", key, re.ASCII)
    assert (len(key) - HINT_LENGTH) * 6 > 200, "bits"


@pytest.mark.parametrize("token", ["", "x", "é", "\udcff", "\0", "x" * 100_000])
def test_the_hash_is_that_of_the_bytes_whatever_they_are(token: str) -> None:
    assert hash_token(token) == hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
