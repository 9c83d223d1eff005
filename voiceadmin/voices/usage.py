"""Find the voice that an assistant uses, and the assistants that use or name a voice.

An assistant is *set* to the voice of `Assistant.tts_voice_id`. It *uses* that voice, unless its mode does not use its
TTS settings. It *names* the other voices of its settings, and a voice that it is set to and does not use: the platform
can come back to them. A voice is *in use* if an assistant, active or not, uses or names it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, text

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.organizations.models import Assistant
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow

# Conditions on `cloned_voice AS voice`, `assistant` of its organization, and `assistant_voice AS named`. Settings
# identify a voice by provider and the provider's voice id.
IS_SET = (
    "assistant.organization_id = voice.organization_id AND assistant.tts_provider = voice.provider"
    " AND assistant.tts_voice_id = voice.provider_voice_id AND voice.provider <> '' AND voice.provider_voice_id <> ''"
)
IS_SPOKEN = f"{IS_SET} AND assistant.is_voice_spoken"
NAMES = (
    "assistant.id = named.assistant_id AND assistant.organization_id = voice.organization_id"
    " AND named.provider = voice.provider AND named.provider_voice_id = voice.provider_voice_id"
    " AND voice.provider_voice_id <> ''"
)

# Whether an assistant of its organization uses a voice, and whether one names it.
IS_USED = f"EXISTS (SELECT 1 FROM assistant WHERE {IS_SPOKEN})"
IS_NAMED = (
    f"(EXISTS (SELECT 1 FROM assistant WHERE {IS_SET} AND NOT assistant.is_voice_spoken)"
    f" OR EXISTS (SELECT 1 FROM assistant_voice AS named JOIN assistant ON {NAMES}))"
)

# Whether an assistant of another organization uses or names a voice, by its ID at the provider.
IS_IN_USE_ELSEWHERE = (
    "voice.provider_voice_id <> ''"
    " AND (EXISTS (SELECT 1 FROM assistant WHERE assistant.tts_provider = voice.provider"
    " AND assistant.tts_voice_id = voice.provider_voice_id AND assistant.organization_id <> voice.organization_id)"
    " OR EXISTS (SELECT 1 FROM assistant_voice AS named JOIN assistant ON assistant.id = named.assistant_id"
    " WHERE named.provider = voice.provider AND named.provider_voice_id = voice.provider_voice_id"
    " AND assistant.organization_id <> voice.organization_id))"
)


# Several voices of an organization can have the same reference. The assistant uses the ready one with the smallest
# id, or, if none is ready, the one with the smallest id.
_IS_FIRST = (
    "NOT EXISTS (SELECT 1 FROM cloned_voice AS other WHERE other.organization_id = voice.organization_id"
    " AND other.provider = voice.provider AND other.provider_voice_id = voice.provider_voice_id"
    " AND (CASE other.status WHEN 'ready' THEN 0 ELSE 1 END, other.id)"
    " < (CASE voice.status WHEN 'ready' THEN 0 ELSE 1 END, voice.id))"
)


_VOICES_OF_ASSISTANTS = (
    text(
        f"SELECT assistant.id, {', '.join(f'voice.{name}' for name in VoiceRow._fields)}"
        f" FROM assistant JOIN cloned_voice AS voice ON {IS_SET}"
        f" WHERE assistant.id IN :ids AND {_IS_FIRST}"
    )
    .bindparams(bindparam("ids", expanding=True))
    .columns(Assistant.id, *(getattr(ClonedVoice, name) for name in VoiceRow._fields))
)


_ASSISTANTS_OF_VOICES = text(
    f"SELECT voice.id, count(*) FROM cloned_voice AS voice JOIN assistant ON {IS_SPOKEN}"
    f" WHERE voice.id IN :ids AND {_IS_FIRST} GROUP BY voice.id"
).bindparams(bindparam("ids", expanding=True))


# The number of assistants that use the voice of a row of `cloned_voice AS voice`, as a column.
ASSISTANT_COUNT = f"(SELECT count(*) FROM assistant WHERE {IS_SPOKEN} AND {_IS_FIRST})"


_VOICES_IN_USE = text(
    f"SELECT count(*) FROM cloned_voice AS voice WHERE voice.id IN :ids AND {IS_USED} AND {_IS_FIRST}"
).bindparams(bindparam("ids", expanding=True))


def find_voices_of_assistants(assistant_ids: Sequence[int]) -> dict[int, VoiceRow]:
    """Return the cloned voice that each assistant is set to, by the id of the assistant.

    Assistants that are set to a stock voice or to no voice are omitted.
    """
    voices = dict[int, VoiceRow]()
    for batch in split_into_batches(assistant_ids):
        for assistant_id, *values in db.session.execute(_VOICES_OF_ASSISTANTS, {"ids": batch}):
            voices[assistant_id] = VoiceRow._make(values)
    return voices


def count_assistants_by_voice(voice_ids: Sequence[int]) -> dict[int, int]:
    """Return how many assistants use each voice, by the id of the voice. Unused voices are omitted."""
    counts = dict[int, int]()
    for batch in split_into_batches(voice_ids):
        for voice_id, count in db.session.execute(_ASSISTANTS_OF_VOICES, {"ids": batch}):
            counts[voice_id] = count
    return counts


def count_voices_in_use(voice_ids: Sequence[int]) -> int:
    """Return how many of these voices are used by an assistant."""
    return sum(db.session.scalar(_VOICES_IN_USE, {"ids": batch}) or 0 for batch in split_into_batches(voice_ids))
