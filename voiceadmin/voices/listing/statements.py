"""SQL texts as prepared statements, with the types of their parameters and columns."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.database.types import UtcTime
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow

# The columns of a VoiceRow.
SELECTED_COLUMNS = ", ".join(f"voice.{name}" for name in VoiceRow._fields)


# Combinations of filters result in too many SQL texts to cache all; 1,000 cover the common ones and need a few MB.
@lru_cache(maxsize=1000)
def prepare(sql: str) -> TextClause:
    """Return a statement. `:idle_since` is a time and `:ids` a list; the driver infers other types."""
    typed = {
        "idle_since": bindparam("idle_since", type_=UtcTime),
        "ids": bindparam("ids", expanding=True),
    }
    return text(sql).bindparams(*(parameter for name, parameter in typed.items() if f":{name}" in sql))


@lru_cache(maxsize=1000)
def prepare_voice_select(sql: str) -> TextualSelect:
    """Return a statement that selects SELECTED_COLUMNS, with the types of these columns."""
    return prepare(sql).columns(*(ClonedVoice.__table__.c[name] for name in VoiceRow._fields))
