"""Which voices of an organization can hold a text, by an index of grams: three letters of a name or a provider's id.

Both databases have an index of words built in. A gram is made a word together
with its organization, so that a search never looks at other organizations.
"""

from __future__ import annotations

from voiceadmin.database.base import db
from voiceadmin.voices.types.filters import SHORT_TEXT

ENOUGH = 16  # grams of a long text to look for; what they find is compared with the whole text anyway


BEFORE_WORDS = "\n "  # what stands before a word in a search key


def candidates(organization_id: int, sought: str) -> tuple[str, dict[str, object]]:
    """SQL that selects the ids of all voices that can match, and its parameters. sought: folded, not empty.

    It finds some too many, where the grams stand apart: compare with `held`.
    """
    short = len(sought) < SHORT_TEXT
    grams = [before + sought for before in BEFORE_WORDS] if short else _spread(sought)
    if db.engine.dialect.name == "sqlite":
        words = [f"{organization_id}x{gram.encode().hex()}" for gram in grams]
        if len(sought) == 1:
            words = [f"{word}*" for word in words]
        match = (" OR " if short else " AND ").join(words)
        return "SELECT rowid AS id FROM voice_search WHERE voice_search MATCH :grams", {"grams": match}
    operator = "&&" if short else "@>"
    return (
        f"SELECT id FROM cloned_voice WHERE voice_trigrams(organization_id, search_key) {operator} CAST(:grams AS text[])",
        {"grams": [f"{organization_id}x{gram}" for gram in grams]},
    )


def held(sought: str) -> tuple[str, dict[str, object]]:
    """The condition, on `search_key`, that a text is really there, and its parameters."""
    escaped = "".join(f"/{char}" if char in "/%_" else char for char in sought)
    if len(sought) >= SHORT_TEXT:
        return "{0} LIKE :held ESCAPE '/'", {"held": f"%{escaped}%"}
    return (
        "({0} LIKE :held ESCAPE '/' OR {0} LIKE :held_too ESCAPE '/')",
        {"held": f"%{BEFORE_WORDS[0]}{escaped}%", "held_too": f"%{BEFORE_WORDS[1]}{escaped}%"},
    )


def _spread(sought: str) -> list[str]:
    """Some grams, the last ones first: SQLite follows the first of them, and ends differ more than beginnings."""
    places = range(len(sought) - SHORT_TEXT, -1, -1)
    step = -(-len(places) // ENOUGH)
    return list(dict.fromkeys(sought[place : place + SHORT_TEXT] for place in places[::step]))
