"""The platform's documentation: what its examples count and choose among the three voices that it tells of."""

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
    """What the JSON route tells a program."""
    found: Voices = client.get(f"/api/v1/assistants/{FRONT_DESK}/cloned-voices").get_json()["cloned_voices"]
    return found


def counted(voices: Voices) -> dict[str, int]:
    """The four counts as the documentation makes them: there, unused is whatever has no synthesis."""
    return {
        "total": len(voices),
        "ready": len([voice for voice in voices if voice["status"] == "ready"]),
        "unused": len([voice for voice in voices if voice["synthesis_count"] == 0]),
        "syntheses": sum(voice["synthesis_count"] for voice in voices),
    }


def of_quality(voices: Voices, least: float = 0.8) -> list[int]:
    """The ids that the documentation's filter leaves."""
    return [
        voice["id"]
        for voice in voices
        if voice["status"] == "ready" and voice["quality_score"] is not None and voice["quality_score"] >= least
    ]


def test_its_four_counts_are_those_of_the_route(voices: Voices) -> None:
    assert counted(voices) == {"total": 3, "ready": 2, "unused": 1, "syntheses": 70}


def test_its_quality_filter_leaves_the_two_good_voices_and_so_does_ours(voices: Voices) -> None:
    assert of_quality(voices) == [456, 457] == chosen_here()
    assert of_quality(voices, 0.95) == [456, 457]
    assert of_quality(voices, 0.96) == [457]


def test_the_bound_of_its_quality_filter_is_inclusive_here_too(client: FlaskClient) -> None:
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

    assert of_quality(found) == [456, 457, 460] == chosen_here()
    assert counted(found) == {"total": 8, "ready": 5, "unused": 6, "syntheses": 70}


def chosen_here() -> list[int]:
    """The ids that our list shows under the same filter."""
    inn = get_assistant(EVERYTHING, FRONT_DESK).organization.id
    filters = VoiceFilters(statuses=(VoiceStatus.READY,), tiers=(QualityTier.GOOD, QualityTier.EXCELLENT))
    return sorted(row.id for row in list_voices(inn, filters, now=NOW).page.rows)


def test_the_rules_find_two_that_nobody_used_since_and_one_that_is_stuck() -> None:
    inn = get_assistant(EVERYTHING, FRONT_DESK).organization.id

    lines = list_queue(EVERYTHING, QueueFilters(organization=inn), AttentionThresholds(), now=NOW).lines

    assert [(line.ref.id, [why.finding.reason for why in line.reasons]) for line in lines] == [
        (458, ["stuck"]),
        (457, ["unused"]),
        (456, ["unused"]),
    ]
