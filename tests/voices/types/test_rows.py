"""Rows of voices and the tabs of a voice list."""

from __future__ import annotations

from tests.factories import voice_row
from voiceadmin.pagination import Page
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceList
from voiceadmin.voices.types.status import VoiceStatus


def test_tabs_are_all_and_one_for_each_status() -> None:
    counts = dict.fromkeys(VoiceStatus, 0) | {VoiceStatus.READY: 3, VoiceStatus.FAILED: 2}

    tabs = VoiceList(Page([], 5, 1, 50), counts, {VoiceStatus.READY}, {}).tabs

    assert tabs == [
        ((), "All", 5, False),
        ((VoiceStatus.READY,), "Ready", 3, False),
        ((VoiceStatus.PROCESSING,), "Processing", 0, True),
        ((VoiceStatus.FAILED,), "Failed", 2, True),
        ((VoiceStatus.ARCHIVED,), "Archived", 0, True),
    ]


def test_a_voice_has_the_tier_of_its_score() -> None:
    assert voice_row(quality_score=0.897).tier is QualityTier.GOOD
    assert voice_row(quality_score=None).tier is None
