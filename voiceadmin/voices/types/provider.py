"""TTS providers and their labels."""

from __future__ import annotations

import re

from voiceadmin.enums import LabelledEnum
from voiceadmin.text import fold_case


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


def normalize_provider(value: str) -> str:
    """Return the slug of a provider that is given by its slug or label in any spelling; any other value unchanged.

    Case, blanks, punctuation and a final "AI" do not matter: "eleven labs" is elevenlabs, "Resemble AI" is resemble.
    """
    return value if value in PROVIDER_LABELS else _SLUGS.get(_build_key(value), value)


def _build_key(name: str) -> str:
    return re.sub(r"[\W_]+", "", fold_case(name))


_SLUGS = {
    _build_key(name): provider.value
    for provider in Provider
    for name in (provider.value, provider.label, f"{provider.label} AI")
}
