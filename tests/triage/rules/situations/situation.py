"""Situations: voices and assistants, their changes, and the reasons that the rules of triage must find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from voiceadmin.voices.types.status import VoiceStatus

PROCESSING, READY, FAILED, ARCHIVED = VoiceStatus
INSTANT = timedelta(microseconds=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UpstreamChange:
    """Upstream sent the voice again, this long ago, with these fields changed."""

    ago: timedelta
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """The voice was judged, and its verdict stored."""

    verdict: str


ARCHIVED_HERE, RESTORED_HERE, REMOVED_UPSTREAM = "archived here", "restored here", "gone upstream"
Step = UpstreamChange | Judged | str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice as upstream first sent it, and its later changes.

    Attributes:
        made: how long ago it was created.
        used: how long ago it was last used.
        elsewhere: whether it belongs to another organization.
    """

    fields: Mapping[str, Any]
    made: timedelta
    used: timedelta | None
    history: Sequence[Step]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Voices and assistants of one organization, and the expected reasons of each of them."""

    label: str
    voices: Mapping[str, Voice]
    assistants: Mapping[str, Mapping[str, Any]]
    expected: Mapping[str, str]


def change(ago: timedelta = HOUR, **fields: Any) -> UpstreamChange:
    return UpstreamChange(ago, fields)


def voice(
    *history: Step, made: timedelta = DAY, used: timedelta | None = None, elsewhere: bool = False, **fields: Any
) -> Voice:
    """Return a ready, never used voice of ElevenLabs, with these changes."""
    return Voice(fields, made, used, history, elsewhere)


def with_id(provider_voice_id: str, *history: Step, **fields: Any) -> Voice:
    """Return a voice with this id at the provider."""
    return voice(*history, provider_voice_id=provider_voice_id, **fields)


def assistant(voice_id: str | None = "pv", provider: str | None = "elevenlabs", **fields: Any) -> dict[str, Any]:
    """Return the fields of an assistant that is set to a voice."""
    return {"tts_provider": provider, "tts_voice_id": voice_id, **fields}


def single(label: str, expected: str, *history: Step, **fields: Any) -> Situation:
    """Return a situation with one voice."""
    return Situation(label, {"voice": voice(*history, **fields)}, {}, {"voice": expected})


def group(label: str, expected: Mapping[str, str], **objects: Voice | dict[str, Any]) -> Situation:
    """Return a situation with voices and assistants. Those without expected reasons may be omitted."""
    voices = {name: item for name, item in objects.items() if isinstance(item, Voice)}
    assistants = {name: item for name, item in objects.items() if not isinstance(item, Voice)}
    return Situation(label, voices, assistants, dict.fromkeys(objects, "") | dict(expected))


def cloning(label: str, expected: str, provider: str, time: timedelta, *history: Step, **fields: Any) -> Situation:
    """Return a situation with a voice that has been processing for a time."""
    return single(label, expected, *history, provider=provider, status=PROCESSING, made=time, **fields)


def scored(label: str, expected: str, score: float | None, count: int, *history: Step, **fields: Any) -> Situation:
    """Return a situation with a scored voice, used an hour ago if it was ever used."""
    used = fields.pop("used", HOUR if count else None)
    return single(label, expected, *history, quality_score=score, synthesis_count=count, used=used, **fields)


def pair(label: str, one: str, other: str, a: Voice, b: Voice) -> Situation:
    """Return a situation with two voices and the reasons of each."""
    return group(label, {"a": one, "b": other}, a=a, b=b)
