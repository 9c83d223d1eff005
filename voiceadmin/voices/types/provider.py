"""TTS providers and their labels."""

from __future__ import annotations

from voiceadmin.enums import LabelledEnum


class Provider(LabelledEnum):
    """The providers that have a name here.

    An open vocabulary: upstream has changed it before, so a store may hold any
    other word too. `provider_label` names both kinds.
    """

    ELEVENLABS = "elevenlabs", "ElevenLabs"
    RESEMBLE = "resemble", "Resemble"
    INWORLD = "inworld", "Inworld"
    CARTESIA = "cartesia", "Cartesia"


PROVIDER_LABELS: dict[str, str] = {provider.value: provider.label for provider in Provider}


def provider_label(word: str) -> str:
    """The name of a provider; an unknown word is its own name."""
    return PROVIDER_LABELS.get(word, word)
