"""Search voices by part of a name or provider id, through an index of trigrams.

Both databases index words. A trigram is combined with the id of its organization into one word, so that a search never
reads other organizations.
"""

from __future__ import annotations

from voiceadmin.database.base import db
from voiceadmin.voices.types.filters import MIN_SUBSTRING_LENGTH

# Trigrams of a long text to look up. More would not find fewer candidates, and all are compared with the whole text.
MAX_TRIGRAMS = 16


# The characters before a word in a search key: a line break at the beginning of a name or an id, else a space.
WORD_BOUNDARIES = "\n "


def build_candidates_select(organization_id: int, text: str) -> tuple[str, dict[str, object]]:
    """Return SQL that selects the ids of all voices that can match a text, and its parameters.

    It also finds voices whose trigrams are in different places: test candidates with `build_like_condition`.

    Args:
        organization_id: Whose voices to search.
        text: Folded and not empty.
    """
    is_short = len(text) < MIN_SUBSTRING_LENGTH
    trigrams = [boundary + text for boundary in WORD_BOUNDARIES] if is_short else _sample_trigrams(text)
    if db.engine.dialect.name == "sqlite":
        words = [f"{organization_id}x{trigram.encode().hex()}" for trigram in trigrams]
        if len(text) == 1:
            words = [f"{word}*" for word in words]
        expression = (" OR " if is_short else " AND ").join(words)
        return "SELECT rowid AS id FROM voice_search WHERE voice_search MATCH :trigrams", {"trigrams": expression}
    operator = "&&" if is_short else "@>"
    condition = f"voice_trigrams(organization_id, search_key) {operator} CAST(:trigrams AS text[])"
    return (
        f"SELECT id FROM cloned_voice WHERE {condition}",
        {"trigrams": [f"{organization_id}x{trigram}" for trigram in trigrams]},
    )


def build_like_condition(text: str) -> tuple[str, dict[str, object]]:
    """Return the condition that a search key contains a text, with {0} for the search key, and its parameters.

    A text shorter than MIN_SUBSTRING_LENGTH must be at the beginning of a word.
    """
    escaped = "".join(f"/{char}" if char in "/%_" else char for char in text)
    if len(text) >= MIN_SUBSTRING_LENGTH:
        return "{0} LIKE :pattern ESCAPE '/'", {"pattern": f"%{escaped}%"}
    first, second = (f"%{boundary}{escaped}%" for boundary in WORD_BOUNDARIES)
    return (
        "({0} LIKE :pattern ESCAPE '/' OR {0} LIKE :second_pattern ESCAPE '/')",
        {"pattern": first, "second_pattern": second},
    )


def _sample_trigrams(text: str) -> list[str]:
    """Return up to MAX_TRIGRAMS trigrams of a text, evenly spread, the last first.

    SQLite reads all entries of the first one, and the ends of names differ more than their beginnings.
    """
    starts = range(len(text) - MIN_SUBSTRING_LENGTH, -1, -1)
    step = -(-len(starts) // MAX_TRIGRAMS)
    return list(dict.fromkeys(text[start : start + MIN_SUBSTRING_LENGTH] for start in starts[::step]))
