"""Providers and their labels."""

from __future__ import annotations

from voiceadmin.voices.types.provider import Provider, provider_label


def test_every_provider_has_a_label_and_an_unknown_one_is_its_own() -> None:
    assert provider_label("elevenlabs") == "ElevenLabs"
    assert provider_label("playht") == "playht"
    assert [provider_label(provider.value) for provider in Provider] == [provider.label for provider in Provider]
