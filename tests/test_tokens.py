"""Secrets: length, randomness, and their hashes."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from voiceadmin.tokens import HINT_LENGTH, generate_api_key, generate_token, hash_token, list_token_hashes


def test_a_token_has_256_random_bits() -> None:
    tokens = {generate_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {32}
    assert all(re.fullmatch(r"[\w-]{43}", token, re.ASCII) for token in tokens)


def test_an_api_key_has_a_prefix_and_over_200_bits_beyond_its_hint() -> None:
    key = generate_api_key()

    assert re.fullmatch(r"va_[\w-]{43}", key, re.ASCII)
    assert (len(key) - HINT_LENGTH) * 6 > 200, "bits"


@pytest.mark.parametrize("token", ["", "x", "é", "\udcff", "\0", "x" * 100_000])
def test_the_hash_of_any_text_is_the_sha256_of_its_bytes(token: str) -> None:
    assert hash_token(token) == hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def test_rows_that_share_a_token_have_different_hashes_of_which_the_first_is_that_of_the_token() -> None:
    hashes = list_token_hashes("x", 50)

    assert len(set(hashes)) == 50
    assert hashes[0] == hash_token("x")
    assert list_token_hashes("x", 2) == hashes[:2]
