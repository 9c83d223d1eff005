"""Voice statuses."""

from __future__ import annotations

from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus


def test_statuses_have_the_values_of_the_platform() -> None:
    assert [status.value for status in VoiceStatus] == ["processing", "ready", "failed", "archived"]


def test_every_status_is_displayed_once_and_explained() -> None:
    assert sorted(STATUS_DISPLAY_ORDER) == sorted(VoiceStatus)
    assert all(status.label and status.tone and status.meaning.endswith(".") for status in VoiceStatus)
