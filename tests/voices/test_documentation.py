"""The examples of the platform's API documentation, applied to the three voices that it describes."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW, SHELL
from tests.factories import make_voice
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.sample.actions import add_sample
from voiceadmin.sample.data import FRONT_DESK
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import VoiceStatus

Voices = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def sample(client: FlaskClient) -> None:
    add_sample(NOW, by=SHELL, now=NOW)


@pytest.fixture
def voices(client: FlaskClient) -> Voices:
    """Return the voices of the JSON route."""
    listed: Voices = client.get(f"/api/v1/assistants/{FRONT_DESK}/cloned-voices").get_json()["cloned_voices"]
    return listed


def count_voices(voices: Voices) -> dict[str, int]:
    """Return the four counts of the documentation, which calls every voice without a synthesis unused."""
    return {
        "total": len(voices),
        "ready": len([voice for voice in voices if voice["status"] == "ready"]),
        "unused": len([voice for voice in voices if voice["synthesis_count"] == 0]),
        "syntheses": sum(voice["synthesis_count"] for voice in voices),
    }


def ids_of_good_voices(voices: Voices, minimum: float = 0.8) -> list[int]:
    """Return the ids that match the quality filter of the documentation."""
    return [
        voice["id"]
        for voice in voices
        if voice["status"] == "ready" and voice["quality_score"] is not None and voice["quality_score"] >= minimum
    ]


def test_the_four_counts_are_those_of_the_documentation(voices: Voices) -> None:
    assert count_voices(voices) == {"total": 3, "ready": 2, "unused": 1, "syntheses": 70}


def test_the_quality_filter_matches_the_same_two_voices_as_the_voice_list(voices: Voices) -> None:
    assert ids_of_good_voices(voices) == [456, 457] == list_ids_with_filter()
    assert ids_of_good_voices(voices, 0.95) == [456, 457]
    assert ids_of_good_voices(voices, 0.96) == [457]


def test_the_lower_bound_of_the_quality_filter_is_inclusive_in_both(client: FlaskClient) -> None:
    inn = get_assistant(EVERYTHING, FRONT_DESK).organization
    for id, fields in enumerate(
        (
            {"quality_score": 0.8},
            {"quality_score": 0.7999999999999999},
            {"quality_score": None},
            {"quality_score": 0.9, "status": VoiceStatus.FAILED},
            {"quality_score": 0.9, "status": VoiceStatus.ARCHIVED},
        ),
        460,
    ):
        make_voice(inn, id=id, **fields)  # type: ignore[arg-type]

    found = client.get(f"/api/v1/assistants/{FRONT_DESK}/cloned-voices").get_json()["cloned_voices"]

    assert ids_of_good_voices(found) == [456, 457, 460] == list_ids_with_filter()
    assert count_voices(found) == {"total": 8, "ready": 5, "unused": 6, "syntheses": 70}


def list_ids_with_filter() -> list[int]:
    """Return the ids that the voice list shows with the same filter."""
    inn = get_assistant(EVERYTHING, FRONT_DESK).organization.id
    filters = VoiceFilters(statuses=(VoiceStatus.READY,), tiers=(QualityTier.GOOD, QualityTier.EXCELLENT))
    return sorted(row.id for row in list_voices(inn, filters, now=NOW).page.rows)


def test_the_rules_find_two_unused_voices_and_a_stuck_one() -> None:
    inn = get_assistant(EVERYTHING, FRONT_DESK).organization.id

    items = list_queue(EVERYTHING, QueueFilters(organization=inn), AttentionThresholds(), now=NOW).items

    assert [(item.ref.id, [detail.finding.reason for detail in item.reasons]) for item in items] == [
        (458, ["stuck"]),
        (457, ["unused"]),
        (456, ["unused"]),
    ]
