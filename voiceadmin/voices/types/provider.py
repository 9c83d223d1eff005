"""TTS providers and their labels."""

from __future__ import annotations

from voiceadmin.enums import LabelledEnum


class Provider(LabelledEnum):
    """The providers that have a label.

    An open vocabulary: upstream has added providers before, so voices may have other values too.
    """

    ELEVENLABS = "elevenlabs", "ElevenLabs"
    RESEMBLE = "resemble", "Resemble"
    INWORLD = "inworld", "Inworld"
    CARTESIA = "cartesia", "Cartesia"


PROVIDER_LABELS: dict[str, str] = {provider.value: provider.label for provider in Provider}


def provider_label(value: str) -> str:
    """Return the label of a provider; an unknown provider is its own label."""
    return PROVIDER_LABELS.get(value, value)
