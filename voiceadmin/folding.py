"""Texts folded for search and order, so that case, accents and the ways to write a letter make no difference."""

from __future__ import annotations

import re
import unicodedata

LONGEST_KEY = 200  # letters of a name that order it; more would not fit into an index of PostgreSQL

_ACCENTS = re.compile("[\u0300-\u036f]")


def folded(text: str) -> str:
    """The text without case, accents and compatibility forms: "Recepción" and "RECEPCION" are the same.

    Only accents of the Latin, Greek and Cyrillic kind go; vowel signs of other scripts stay.
    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def name_key(name: str) -> str:
    """What a name is ordered by."""
    return folded(name)[:LONGEST_KEY]


def email_key(email: str) -> str:
    """What an e-mail is known by. Accents stay: who has one with an accent is somebody else."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def search_key(name: str, provider_voice_id: str) -> str:
    """What a voice is found by. A search text holds no newline, so it never matches across the two.

    At either end stands a newline too: what begins a word stands behind a newline or a blank everywhere.
    """
    return f"\n{folded(name)}\n{folded(provider_voice_id)}\n"
