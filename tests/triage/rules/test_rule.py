"""The description of each finding, also when some facts are unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from tests.factories import voice_row
from voiceadmin.config import AttentionThresholds
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Evidence
from voiceadmin.triage.types import Finding
from voiceadmin.voices.types.status import VoiceStatus

DAY = timedelta(days=1)


def describe(slug: str, since: timedelta | None = None, fingerprint: str = "", voice: Any = None) -> str:
    """Return the description of a finding at Resemble that started this long ago."""
    rule = RULES_BY_SLUG[slug]
    began = None if since is None else NOW - since
    return rule.describe(
        Evidence(Finding(slug, rule.kind, 1, 1, "resemble", began, fingerprint), voice, AttentionThresholds(), NOW)
    )


@pytest.mark.parametrize(
    ("slug", "since", "sentence"),
    [
        ("failed", 3 * DAY, "Cloning failed at Resemble 3 days ago."),
        ("failed", None, "Cloning failed at Resemble."),
        ("stuck", timedelta(minutes=75), "Processing for 1 h; Resemble takes at most 1 h."),
        ("stuck", timedelta(hours=26), "Processing for 1 day; Resemble takes at most 1 h."),
        ("unused", 61 * DAY, "Not used for 61 days."),
        ("unused", 62 * DAY - timedelta(seconds=1), "Not used for 61 days."),
        ("unused", None, "Not used for 0 days."),
        ("never-used", 14 * DAY, "Created 14 days ago, never used."),
        ("never-used", DAY, "Created 1 day ago, never used."),
        ("never-used", None, "Created 0 days ago, never used."),
    ],
)
def test_the_description_contains_the_start(slug: str, since: timedelta | None, sentence: str) -> None:
    assert describe(slug, since) == sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"quality_score": 0.699, "synthesis_count": 1204},
            "The quality score is 0.69, and the voice has 1,204 syntheses.",
        ),
        ({"quality_score": 0.0, "synthesis_count": 1}, "The quality score is 0.00, and the voice has 1 synthesis."),
        ({"quality_score": None}, "The quality score is poor, and the voice is used."),
    ],
)
def test_the_description_contains_score_and_syntheses(fields: dict[str, Any], sentence: str) -> None:
    assert describe("poor", voice=voice_row(**fields)) == sentence
    assert describe("poor") == "The quality score is poor, and the voice is used."


@pytest.mark.parametrize(
    ("fingerprint", "sentence"),
    [
        ("7+0", "Voice 7 has the same ID at Resemble."),
        ("7+1", "Voice 7 and 1 more have the same ID at Resemble."),
        ("7+12", "Voice 7 and 12 more have the same ID at Resemble."),
    ],
)
def test_the_description_names_one_duplicate_and_counts_the_others(fingerprint: str, sentence: str) -> None:
    assert describe("duplicate", fingerprint=fingerprint) == sentence


def test_the_description_names_the_unready_voice() -> None:
    voice = voice_row(name="Night line", status=VoiceStatus.FAILED)

    assert describe("assistant-unready", voice=voice) == "Set to “Night line” at Resemble, which is failed."
    assert describe("assistant-unready") == "Set to a cloned voice at Resemble that no longer exists."
