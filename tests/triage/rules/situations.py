"""Situations that rules of attention meet, and what each of them finds there. Every line was written by hand."""

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
class Told:
    """Upstream tells of the voice again, this long ago, with these fields changed."""

    ago: timedelta
    fields: Mapping[str, Any]


HERE, BACK, GONE = "archived here", "restored here", "gone upstream"
Step = Told | str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice as upstream first told of it, when it was made, and what became of it. made, used: how long ago."""

    fields: Mapping[str, Any]
    made: timedelta
    used: timedelta | None
    life: Sequence[Step]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Some voices and assistants of one organization, and the reasons that each of them has."""

    label: str
    voices: Mapping[str, Voice]
    assistants: Mapping[str, Mapping[str, Any]]
    expected: Mapping[str, str]


def told(ago: timedelta = HOUR, **fields: Any) -> Told:
    return Told(ago, fields)


def voice(
    *life: Step, made: timedelta = DAY, used: timedelta | None = None, elsewhere: bool = False, **fields: Any
) -> Voice:
    """A ready voice of ElevenLabs that nobody has used yet. elsewhere: in another organization."""
    return Voice(fields, made, used, life, elsewhere)


def at(place: str, *life: Step, **fields: Any) -> Voice:
    """The same, with this id at the provider."""
    return voice(*life, provider_voice_id=place, **fields)


def on(voice_id: str | None = "pv", provider: str | None = "elevenlabs", **fields: Any) -> dict[str, Any]:
    """An assistant that is set to something."""
    return {"tts_provider": provider, "tts_voice_id": voice_id, **fields}


def one(label: str, expected: str, *life: Step, **fields: Any) -> Situation:
    """A voice alone."""
    return Situation(label, {"it": voice(*life, **fields)}, {}, {"it": expected})


def some(label: str, expected: Mapping[str, str], **things: Voice | dict[str, Any]) -> Situation:
    """Voices and assistants; those without a reason need no mention."""
    voices = {name: thing for name, thing in things.items() if isinstance(thing, Voice)}
    assistants = {name: thing for name, thing in things.items() if not isinstance(thing, Voice)}
    return Situation(label, voices, assistants, dict.fromkeys(things, "") | dict(expected))


def cloning(label: str, expected: str, provider: str, time: timedelta, *life: Step, **fields: Any) -> Situation:
    """A voice that has been processing for a time."""
    return one(label, expected, *life, provider=provider, status=PROCESSING, made=time, **fields)


def scored(label: str, expected: str, score: float | None, count: int, *life: Step, **fields: Any) -> Situation:
    """A voice with a score, used just now if it was ever used."""
    used = fields.pop("used", HOUR if count else None)
    return one(label, expected, *life, quality_score=score, synthesis_count=count, used=used, **fields)


def twins(label: str, one: str, other: str, a: Voice, b: Voice) -> Situation:
    """Two voices and the reasons of each."""
    return some(label, {"a": one, "b": other}, a=a, b=b)


SITUATIONS: dict[str, Sequence[Situation]] = {
    "failed": [
        one("failed just now", "failed", status=FAILED, made=timedelta(0)),
        one("failed long ago", "failed", status=FAILED, made=900 * DAY),
        one("failed at a provider of no name here", "failed", status=FAILED, provider="playht"),
        one("failed without an id at the provider", "failed", status=FAILED, provider_voice_id=""),
        one("failed and a good score", "failed", status=FAILED, quality_score=0.95),
        one("failed and never used, though old", "failed", status=FAILED, made=30 * DAY),
        one("failed and unused for long", "failed", status=FAILED, made=90 * DAY, used=80 * DAY, synthesis_count=3),
        one("failed, said by a clock that is ahead", "failed", status=FAILED, made=-HOUR),
        one("processing, then failed", "failed", told(status=FAILED), status=PROCESSING, made=5 * HOUR),
        one("ready, then failed", "failed", told(status=FAILED)),
        one("failed, then ready", "", told(status=READY), status=FAILED),
        one("failed, then processing a moment ago", "", told(MINUTE, status=PROCESSING), status=FAILED),
        one("failed, then processing for an hour", "stuck", told(status=PROCESSING), status=FAILED),
        one(
            "failed, ready, and failed again",
            "failed",
            told(HOUR, status=READY),
            told(MINUTE, status=FAILED),
            status=FAILED,
        ),
        one("failed, told again without a change", "failed", told(name="Another"), status=FAILED),
        one("failed, then archived here", "", HERE, status=FAILED),
        one("failed, then archived upstream", "", told(status=ARCHIVED), status=FAILED),
        one("failed, archived here and restored", "failed", HERE, BACK, status=FAILED),
        one("archived here, failed meanwhile", "", HERE, told(status=FAILED)),
        one("archived here, failed meanwhile, restored", "failed", HERE, told(status=FAILED), BACK),
        one("failed, archived here, ready meanwhile, restored", "", HERE, told(status=READY), BACK, status=FAILED),
    ],
    "stuck at each provider": [
        cloning("ElevenLabs, a microsecond before ten minutes", "", "elevenlabs", 10 * MINUTE - INSTANT),
        cloning("ElevenLabs, ten minutes", "stuck", "elevenlabs", 10 * MINUTE),
        cloning("ElevenLabs, a microsecond after ten minutes", "stuck", "elevenlabs", 10 * MINUTE + INSTANT),
        cloning("Resemble, a microsecond before an hour", "", "resemble", 60 * MINUTE - INSTANT),
        cloning("Resemble, an hour", "stuck", "resemble", 60 * MINUTE),
        cloning("Resemble, a microsecond after an hour", "stuck", "resemble", 60 * MINUTE + INSTANT),
        cloning("Inworld, a microsecond before five minutes", "", "inworld", 5 * MINUTE - INSTANT),
        cloning("Inworld, five minutes", "stuck", "inworld", 5 * MINUTE),
        cloning("Inworld, a microsecond after five minutes", "stuck", "inworld", 5 * MINUTE + INSTANT),
        cloning("Cartesia, a microsecond before five minutes", "", "cartesia", 5 * MINUTE - INSTANT),
        cloning("Cartesia, five minutes", "stuck", "cartesia", 5 * MINUTE),
        cloning("Cartesia, a microsecond after five minutes", "stuck", "cartesia", 5 * MINUTE + INSTANT),
        cloning("PlayHT, a microsecond before an hour", "", "playht", 60 * MINUTE - INSTANT),
        cloning("PlayHT, an hour", "stuck", "playht", 60 * MINUTE),
        cloning("PlayHT, a microsecond after an hour", "stuck", "playht", 60 * MINUTE + INSTANT),
        cloning("ELEVENLABS is another word, before an hour", "", "ELEVENLABS", 60 * MINUTE - INSTANT),
        cloning("ELEVENLABS is another word, an hour", "stuck", "ELEVENLABS", 60 * MINUTE),
        cloning("Inworld with a blank is another word, before an hour", "", "inworld ", 60 * MINUTE - INSTANT),
        cloning("Inworld with a blank is another word, an hour", "stuck", "inworld ", 60 * MINUTE),
        cloning("the word others, before an hour", "", "others", 60 * MINUTE - INSTANT),
        cloning("the word others, an hour", "stuck", "others", 60 * MINUTE),
        cloning("ElevenLabs within the budget of Inworld", "", "elevenlabs", 5 * MINUTE),
        cloning("Resemble within its own, past that of ElevenLabs", "", "resemble", 11 * MINUTE),
        cloning("Cartesia past its own, within that of ElevenLabs", "stuck", "cartesia", 6 * MINUTE),
        cloning("Cyrillic letters that look like Inworld", "", "іnworld", 6 * MINUTE),
    ],
    "stuck in time": [
        cloning("processing since this instant", "", "elevenlabs", timedelta(0)),
        cloning("processing from the future on", "", "elevenlabs", -DAY),
        cloning("for years", "stuck", "elevenlabs", 900 * DAY),
        cloning("without an id at the provider", "stuck", "elevenlabs", HOUR, provider_voice_id=""),
        cloning("told again without a change", "stuck", "elevenlabs", HOUR, told(MINUTE, name="Another")),
        cloning("ready in the end", "", "elevenlabs", HOUR, told(MINUTE, status=READY)),
        cloning("failed in the end", "failed", "elevenlabs", HOUR, told(MINUTE, status=FAILED)),
        cloning("archived upstream", "", "elevenlabs", HOUR, told(MINUTE, status=ARCHIVED)),
        cloning("archived here", "", "elevenlabs", HOUR, HERE),
        cloning("archived here and restored", "stuck", "elevenlabs", HOUR, HERE, BACK),
        one("anew, a microsecond before ten minutes", "", told(10 * MINUTE - INSTANT, status=PROCESSING)),
        one("anew, ten minutes", "stuck", told(10 * MINUTE, status=PROCESSING)),
        one("anew, a microsecond after ten minutes", "stuck", told(10 * MINUTE + INSTANT, status=PROCESSING)),
        one("anew at Resemble, before an hour", "", told(HOUR - INSTANT, status=PROCESSING), provider="resemble"),
        one("anew at Resemble, an hour", "stuck", told(HOUR, status=PROCESSING), provider="resemble"),
        one("anew, and told again since", "stuck", told(11 * MINUTE, status=PROCESSING), told(MINUTE, name="Another")),
        one("archived here, processing meanwhile", "", HERE, told(HOUR, status=PROCESSING)),
        one("archived here, processing meanwhile, restored", "stuck", HERE, told(HOUR, status=PROCESSING), BACK),
        one("the same within the budget", "", HERE, told(9 * MINUTE, status=PROCESSING), BACK),
        one("moved to a slower provider", "", told(MINUTE, provider="resemble"), status=PROCESSING, made=11 * MINUTE),
        one(
            "moved to a faster provider",
            "stuck",
            told(MINUTE, provider="inworld"),
            status=PROCESSING,
            made=6 * MINUTE,
            provider="resemble",
        ),
        cloning("poor and used too", "stuck poor", "elevenlabs", HOUR, quality_score=0.5, synthesis_count=2),
        cloning("old, and nobody used it", "stuck", "elevenlabs", 30 * DAY),
        cloning("old, and nobody used it for long", "stuck", "elevenlabs", 90 * DAY, used=80 * DAY, synthesis_count=2),
    ],
    "poor": [
        scored("just under 0.7, used once", "poor", 0.6999999999999999, 1),
        scored("0.7, used once", "", 0.7, 1),
        scored("just over 0.7, used once", "", 0.7000000000000001, 1),
        scored("0.69, used once", "poor", 0.69, 1),
        scored("0.699, which shows as 0.69", "poor", 0.699, 1),
        scored("0.0, used once", "poor", 0.0, 1),
        scored("next to nothing, used once", "poor", 5e-324, 1),
        scored("0.5, used twice", "poor", 0.5, 2),
        scored("0.8, used", "", 0.8, 9),
        scored("1.0, used", "", 1.0, 9),
        scored("no score, used", "", None, 9),
        scored("just under 0.7, never used", "", 0.6999999999999999, 0),
        scored("0.0, never used", "", 0.0, 0),
        scored("no score, never used", "", None, 0),
        scored("poor, a last use but no count", "", 0.5, 0, used=HOUR),
        scored("poor, a count but no last use", "poor", 0.5, 1, used=None),
        scored("poor, used as often as can be", "poor", 0.5, 2**63 - 1),
        scored("poor, used and failed", "failed poor", 0.5, 1, status=FAILED),
        scored("poor, used and processing within time", "poor", 0.5, 1, status=PROCESSING, made=MINUTE),
        scored("poor, used and archived upstream", "", 0.5, 1, status=ARCHIVED),
        scored("poor, used and archived here", "", 0.5, 1, HERE),
        scored("poor, used, archived here and restored", "poor", 0.5, 1, HERE, BACK),
        scored("poor, used, without an id", "poor", 0.5, 1, provider_voice_id=""),
        scored("good, then poor", "poor", 0.9, 1, told(quality_score=0.6)),
        scored("poor, then good", "", 0.6, 1, told(quality_score=0.7)),
        scored("poor, then without a score", "", 0.6, 1, told(quality_score=None)),
        scored("without a score, then poor", "poor", None, 1, told(quality_score=0.1)),
        scored("poor, then used", "poor", 0.6, 0, told(synthesis_count=1)),
        scored("poor and made this instant", "poor", 0.6, 1, made=timedelta(0)),
        scored("poor, used, and not for long", "poor unused", 0.6, 1, made=90 * DAY, used=60 * DAY),
    ],
    "unused": [
        one("used a microsecond less than 60 days ago", "", made=90 * DAY, used=60 * DAY - INSTANT, synthesis_count=1),
        one("used 60 days ago", "unused", made=90 * DAY, used=60 * DAY, synthesis_count=1),
        one(
            "used a microsecond more than 60 days ago",
            "unused",
            made=90 * DAY,
            used=60 * DAY + INSTANT,
            synthesis_count=1,
        ),
        one("used yesterday", "", made=90 * DAY, used=DAY, synthesis_count=1),
        one("used in the future", "", made=90 * DAY, used=-DAY, synthesis_count=1),
        one("used years ago", "unused", made=990 * DAY, used=900 * DAY, synthesis_count=1),
        one(
            "used long before it was made, 14 days old less an instant",
            "",
            made=14 * DAY - INSTANT,
            used=70 * DAY,
            synthesis_count=1,
        ),
        one("used long before it was made, 14 days old", "unused", made=14 * DAY, used=70 * DAY, synthesis_count=1),
        one(
            "used long before it was made, 14 days old and an instant",
            "unused",
            made=14 * DAY + INSTANT,
            used=70 * DAY,
            synthesis_count=1,
        ),
        one("a last use long ago, and a count of 0", "unused", made=90 * DAY, used=70 * DAY),
        one("a count but no last use", "", made=90 * DAY, synthesis_count=7),
        one("a count of one but no last use", "", made=90 * DAY, synthesis_count=1),
        one("unused, though of the best", "unused", made=90 * DAY, used=70 * DAY, synthesis_count=1, quality_score=1.0),
        one("unused, failed", "failed", made=90 * DAY, used=70 * DAY, synthesis_count=1, status=FAILED),
        one("unused, processing", "stuck", made=90 * DAY, used=70 * DAY, synthesis_count=1, status=PROCESSING),
        one("unused, archived upstream", "", made=90 * DAY, used=70 * DAY, synthesis_count=1, status=ARCHIVED),
        one("unused, archived here", "", HERE, made=90 * DAY, used=70 * DAY, synthesis_count=1),
        one(
            "unused, archived here and restored", "unused", HERE, BACK, made=90 * DAY, used=70 * DAY, synthesis_count=1
        ),
        one(
            "unused, archived here, used meanwhile, restored",
            "",
            HERE,
            told(last_used_at=HOUR),
            BACK,
            made=90 * DAY,
            used=70 * DAY,
            synthesis_count=1,
        ),
        one(
            "unused, then used",
            "",
            told(last_used_at=HOUR, synthesis_count=2),
            made=90 * DAY,
            used=70 * DAY,
            synthesis_count=1,
        ),
        one(
            "failed for long, ready a moment ago",
            "unused",
            told(MINUTE, status=READY),
            made=90 * DAY,
            used=70 * DAY,
            synthesis_count=1,
            status=FAILED,
        ),
        one("unused, without an id", "unused", made=90 * DAY, used=70 * DAY, synthesis_count=1, provider_voice_id=""),
        one(
            "unused at a provider of no name here",
            "unused",
            made=90 * DAY,
            used=70 * DAY,
            synthesis_count=1,
            provider="playht",
        ),
        one("young, used a moment ago", "", made=HOUR, used=MINUTE, synthesis_count=1),
        one("as old as its last use, 60 days", "unused", made=60 * DAY, used=60 * DAY, synthesis_count=1),
    ],
    "never used": [
        one("a microsecond less than 14 days old", "", made=14 * DAY - INSTANT),
        one("14 days old", "never-used", made=14 * DAY),
        one("a microsecond more than 14 days old", "never-used", made=14 * DAY + INSTANT),
        one("made this instant", "", made=timedelta(0)),
        one("made in the future", "", made=-DAY),
        one("years old", "never-used", made=900 * DAY),
        one("14 days old, a count of 1", "", made=14 * DAY, synthesis_count=1),
        one("14 days old, a last use but no count", "", made=14 * DAY, used=HOUR),
        one("14 days old, without a score", "never-used", made=14 * DAY, quality_score=None),
        one("14 days old, a poor score", "never-used", made=14 * DAY, quality_score=0.1),
        one("14 days old, failed", "failed", made=14 * DAY, status=FAILED),
        one("14 days old, processing", "stuck", made=14 * DAY, status=PROCESSING),
        one("14 days old, archived upstream", "", made=14 * DAY, status=ARCHIVED),
        one("14 days old, archived here", "", HERE, made=14 * DAY),
        one("14 days old, archived here and restored", "never-used", HERE, BACK, made=14 * DAY),
        one(
            "14 days old, ready since a moment",
            "never-used",
            told(MINUTE, status=READY),
            status=PROCESSING,
            made=14 * DAY,
        ),
        one("14 days old, then used", "", told(last_used_at=HOUR, synthesis_count=1), made=14 * DAY),
        one("14 days old, without an id", "never-used", made=14 * DAY, provider_voice_id=""),
        one("14 days old, at a provider of no name here", "never-used", made=14 * DAY, provider="playht"),
        one("60 days old is never used and not unused", "never-used", made=60 * DAY),
    ],
    "archived": [
        one("upstream, young", "", status=ARCHIVED),
        one("upstream, without an id", "", status=ARCHIVED, provider_voice_id=""),
        one("upstream, and then ready again, old", "never-used", told(status=READY), status=ARCHIVED, made=20 * DAY),
        one("upstream, and then failed", "failed", told(status=FAILED), status=ARCHIVED),
        one("here while ready", "", HERE, made=20 * DAY),
        one("here while failed", "", HERE, status=FAILED, made=20 * DAY),
        one("here while processing", "", HERE, status=PROCESSING, made=20 * DAY),
        one("here while archived upstream too", "", HERE, status=ARCHIVED, made=20 * DAY),
        one("here, then upstream says ready again", "", HERE, told(status=READY), status=FAILED, made=20 * DAY),
        one("here, then upstream says archived", "", HERE, told(status=ARCHIVED), made=20 * DAY),
        one("here, then archived upstream, then restored here", "", HERE, told(status=ARCHIVED), BACK, made=20 * DAY),
        one(
            "here with everything wrong",
            "",
            HERE,
            status=FAILED,
            quality_score=0.0,
            synthesis_count=9,
            made=90 * DAY,
            used=80 * DAY,
        ),
    ],
    "duplicates": [
        twins("two of one place", "duplicate", "duplicate", at("x"), at("x")),
        twins("two of different places", "", "", at("x"), at("y")),
        twins("the same id at another provider", "", "", at("x"), at("x", provider="inworld")),
        twins("the same id in capitals", "", "", at("x"), at("X")),
        twins("the same id and a blank", "", "", at("x"), at("x ")),
        twins("the same provider in capitals", "", "", at("x", provider="p"), at("x", provider="P")),
        twins("an accent in one piece and in two", "", "", at("\u00e9"), at("e\u0301")),
        twins("both without an id", "", "", at(""), at("")),
        twins("an id of one blank", "duplicate", "duplicate", at(" "), at(" ")),
        twins("in another organization", "", "", at("x"), at("x", elsewhere=True)),
        twins(
            "at a provider of no name here",
            "duplicate",
            "duplicate",
            at("x", provider="playht"),
            at("x", provider="playht"),
        ),
        twins("one archived upstream", "", "", at("x"), at("x", status=ARCHIVED)),
        twins("one archived here", "", "", at("x"), at("x", HERE)),
        twins("both archived here", "", "", at("x", HERE), at("x", HERE)),
        twins("one archived here and restored", "duplicate", "duplicate", at("x"), at("x", HERE, BACK)),
        twins("one gone", "", "", at("x"), at("x", GONE)),
        twins("one moved away", "", "", at("x"), at("x", told(provider_voice_id="y"))),
        twins("one moved to the other", "duplicate", "duplicate", at("x"), at("y", told(provider_voice_id="x"))),
        twins(
            "both moved to the same place at once",
            "duplicate",
            "duplicate",
            at("x", told(provider_voice_id="z")),
            at("y", told(provider_voice_id="z")),
        ),
        twins(
            "both moved from one place to another at once",
            "duplicate",
            "duplicate",
            at("x", told(provider_voice_id="z")),
            at("x", told(provider_voice_id="z")),
        ),
        twins("both lost their ids", "", "", at("x", told(provider_voice_id="")), at("x", told(provider_voice_id=""))),
        twins(
            "one moved to the other's provider",
            "duplicate",
            "duplicate",
            at("x"),
            at("x", told(provider="elevenlabs"), provider="inworld"),
        ),
        twins(
            "they swapped their places",
            "",
            "",
            at("x", told(provider_voice_id="y")),
            at("y", told(provider_voice_id="x")),
        ),
        twins("one failed", "duplicate", "failed duplicate", at("x"), at("x", status=FAILED)),
        twins("one processing", "duplicate", "duplicate", at("x"), at("x", status=PROCESSING, made=MINUTE)),
        twins(
            "both old and never used",
            "duplicate never-used",
            "duplicate never-used",
            at("x", made=20 * DAY),
            at("x", made=20 * DAY),
        ),
        some(
            "three of one place",
            {"a": "duplicate", "b": "duplicate", "c": "duplicate"},
            a=at("x"),
            b=at("x"),
            c=at("x"),
        ),
        some("three, one archived here", {"a": "duplicate", "b": "duplicate"}, a=at("x"), b=at("x"), c=at("x", HERE)),
        some("three, two archived", {}, a=at("x"), b=at("x", HERE), c=at("x", status=ARCHIVED)),
        some("three, one gone", {"a": "duplicate", "b": "duplicate"}, a=at("x"), b=at("x"), c=at("x", GONE)),
        some(
            "two here, one elsewhere",
            {"a": "duplicate", "b": "duplicate"},
            a=at("x"),
            b=at("x"),
            c=at("x", elsewhere=True),
        ),
        some(
            "a pair at each of two providers",
            {"a": "duplicate", "b": "duplicate", "c": "duplicate", "d": "duplicate"},
            a=at("x"),
            b=at("x"),
            c=at("x", provider="inworld"),
            d=at("x", provider="inworld"),
        ),
    ],
    "assistants": [
        some("a ready voice", {}, desk=on(), it=at("pv")),
        some("a failed voice", {"desk": "assistant-unready", "it": "failed"}, desk=on(), it=at("pv", status=FAILED)),
        some(
            "a voice that is being made",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", status=PROCESSING, made=MINUTE),
        ),
        some(
            "a voice that is stuck",
            {"desk": "assistant-unready", "it": "stuck"},
            desk=on(),
            it=at("pv", status=PROCESSING),
        ),
        some("a voice archived upstream", {"desk": "assistant-unready"}, desk=on(), it=at("pv", status=ARCHIVED)),
        some("a voice archived here while ready", {"desk": "assistant-unready"}, desk=on(), it=at("pv", HERE)),
        some(
            "a voice archived here while failed",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", HERE, status=FAILED),
        ),
        some(
            "a voice archived here while processing",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", HERE, status=PROCESSING),
        ),
        some(
            "a voice archived here, ready anew upstream",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", HERE, told(status=READY), status=FAILED),
        ),
        some("a voice archived here and restored", {}, desk=on(), it=at("pv", HERE, BACK)),
        some("a voice that failed and is ready again", {}, desk=on(), it=at("pv", told(status=READY), status=FAILED)),
        some(
            "a voice that was ready and failed",
            {"desk": "assistant-unready", "it": "failed"},
            desk=on(),
            it=at("pv", told(status=FAILED)),
        ),
        some("a stock voice", {}, desk=on("rachel"), it=at("pv")),
        some("a stock voice in an organization without voices", {}, desk=on("rachel")),
        some("a voice that is gone", {"desk": "assistant-unready"}, desk=on(), it=at("pv", GONE)),
        some(
            "a voice that is gone, failed before",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", GONE, status=FAILED),
        ),
        some(
            "a voice that was archived here and is gone",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", HERE, GONE),
        ),
        some(
            "a voice whose id is another now",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", told(provider_voice_id="new")),
        ),
        some("the new id of a voice", {}, desk=on("new"), it=at("pv", told(provider_voice_id="new"))),
        some(
            "a voice that lost its id",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", told(provider_voice_id="")),
        ),
        some(
            "a voice whose id went and came back",
            {},
            desk=on(),
            it=at("pv", told(2 * HOUR, provider_voice_id="new"), told(provider_voice_id="pv")),
        ),
        some(
            "a voice that moved to another provider",
            {"desk": "assistant-unready"},
            desk=on(),
            it=at("pv", told(provider="inworld")),
        ),
        some("a ready voice where another one was before", {}, desk=on(), old=at("pv", GONE), it=at("pv")),
        some(
            "a failed voice where a ready one was before",
            {"desk": "assistant-unready", "it": "failed"},
            desk=on(),
            old=at("pv", GONE),
            it=at("pv", status=FAILED),
        ),
        some(
            "a ready voice and an archived one of the same id", {}, desk=on(), a=at("pv"), b=at("pv", status=ARCHIVED)
        ),
        some("a ready voice and one archived here of the same id", {}, desk=on(), a=at("pv", HERE), b=at("pv")),
        some(
            "a ready voice and a failed one of the same id",
            {"a": "failed duplicate", "b": "duplicate"},
            desk=on(),
            a=at("pv", status=FAILED),
            b=at("pv"),
        ),
        some(
            "two archived voices of the same id",
            {"desk": "assistant-unready"},
            desk=on(),
            a=at("pv", HERE),
            b=at("pv", status=ARCHIVED),
        ),
        some(
            "two failed voices of the same id",
            {"desk": "assistant-unready", "a": "failed duplicate", "b": "failed duplicate"},
            desk=on(),
            a=at("pv", status=FAILED),
            b=at("pv", status=FAILED),
        ),
        some(
            "a failed voice of another organization",
            {"it": "failed"},
            desk=on(),
            it=at("pv", status=FAILED, elsewhere=True),
        ),
        some(
            "a failed voice here, a ready one elsewhere",
            {"desk": "assistant-unready", "a": "failed"},
            desk=on(),
            a=at("pv", status=FAILED),
            b=at("pv", elsewhere=True),
        ),
        some("a voice that is gone elsewhere", {}, desk=on(), it=at("pv", GONE, elsewhere=True)),
        some(
            "the id of a failed voice at another provider",
            {"it": "failed"},
            desk=on(provider="inworld"),
            it=at("pv", status=FAILED),
        ),
        some("the id of a failed voice in capitals", {"it": "failed"}, desk=on("PV"), it=at("pv", status=FAILED)),
        some(
            "the provider of a failed voice in capitals",
            {"it": "failed"},
            desk=on(provider="ElevenLabs"),
            it=at("pv", status=FAILED),
        ),
        some("an empty id, and a failed voice without one", {"it": "failed"}, desk=on(""), it=at("", status=FAILED)),
        some("an empty id, and a voice without one that is gone", {}, desk=on(""), it=at("", GONE, status=FAILED)),
        some("no id", {"it": "failed"}, desk=on(None), it=at("", status=FAILED)),
        some("no provider", {"it": "failed"}, desk=on(provider=None), it=at("pv", status=FAILED)),
        some(
            "an empty provider, and a failed voice of one",
            {"it": "failed"},
            desk=on(provider=""),
            it=at("pv", provider="", status=FAILED),
        ),
        some("neither provider nor id", {}, desk=on(None, None)),
        some(
            "an inactive assistant on a failed voice",
            {"desk": "assistant-unready", "it": "failed"},
            desk=on(active=False),
            it=at("pv", status=FAILED),
        ),
        some("an inactive assistant on a ready voice", {}, desk=on(active=False), it=at("pv")),
        some(
            "two assistants on one failed voice",
            {"a": "assistant-unready", "b": "assistant-unready", "it": "failed"},
            a=on(),
            b=on(),
            it=at("pv", status=FAILED),
        ),
        some(
            "one on a ready voice, one on a failed one",
            {"b": "assistant-unready", "bad": "failed"},
            a=on("good"),
            b=on("bad"),
            good=at("good"),
            bad=at("bad", status=FAILED),
        ),
        some(
            "a ready voice that is poor and used",
            {"it": "poor"},
            desk=on(),
            it=at("pv", quality_score=0.1, synthesis_count=5, used=HOUR),
        ),
        some("a ready voice that nobody used", {"it": "never-used"}, desk=on(), it=at("pv", made=20 * DAY)),
        some(
            "a failed voice at a provider of no name here",
            {"desk": "assistant-unready", "it": "failed"},
            desk=on(provider="playht"),
            it=at("pv", provider="playht", status=FAILED),
        ),
        some(
            "an id that is hostile",
            {"desk": "assistant-unready", "it": "failed"},
            desk=on("'; DROP TABLE quiet; --"),
            it=at("'; DROP TABLE quiet; --", status=FAILED),
        ),
    ],
    "several at once": [
        one("ready and fine", "", made=DAY, used=HOUR, synthesis_count=5),
        one("ready, old and used today", "", made=300 * DAY, used=HOUR, synthesis_count=5),
        one("failed, poor and used", "failed poor", status=FAILED, quality_score=0.1, synthesis_count=1, used=HOUR),
        one(
            "poor and unused for long",
            "poor unused",
            quality_score=0.1,
            synthesis_count=1,
            made=90 * DAY,
            used=70 * DAY,
        ),
        twins(
            "poor, unused twins",
            "poor duplicate unused",
            "duplicate",
            at("x", quality_score=0.1, synthesis_count=1, made=90 * DAY, used=70 * DAY),
            at("x"),
        ),
        twins(
            "failed, poor, used twins",
            "failed poor duplicate",
            "failed poor duplicate",
            at("x", status=FAILED, quality_score=0.1, synthesis_count=1),
            at("x", status=FAILED, quality_score=0.1, synthesis_count=1),
        ),
        twins(
            "stuck, poor, used twins",
            "stuck poor duplicate",
            "duplicate",
            at("x", status=PROCESSING, quality_score=0.1, synthesis_count=1),
            at("x"),
        ),
        some(
            "an assistant on the worst there is",
            {"desk": "assistant-unready", "a": "failed poor duplicate", "b": "stuck duplicate"},
            desk=on("x"),
            a=at("x", status=FAILED, quality_score=0.1, synthesis_count=1),
            b=at("x", status=PROCESSING),
        ),
    ],
}
