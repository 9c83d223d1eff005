"""Stand-ins of the platform and the four providers for trying sources out: python -m tests.upstream.demo."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from typing import Any

import click

from tests.upstream import burki, cartesia, elevenlabs, inworld, resemble
from tests.upstream.server import StandIn

VOICES = 60
PROVIDERS = ("elevenlabs", "resemble", "inworld", "cartesia")  # that host the voices in turn
KEY = "key"  # of all upstreams but Inworld, whose keys are in base64
FAILED, PROCESSING = {9, 34}, {20, 47}  # numbers of voices


def list_numbers(provider: str) -> list[int]:
    """The numbers of the voices that a provider hosts."""
    return [number for number in range(1, VOICES + 1) if PROVIDERS[number % len(PROVIDERS)] == provider]


def build_platform() -> burki.BurkiWorld:
    """An organization with four assistants, and voices of all providers."""
    voices = [_build_voice(number) for number in range(1, VOICES + 1)]
    assistants = [burki.make_assistant(31 + index, voices[index + 4]["provider_voice_id"]) for index in range(4)]
    for index, assistant in enumerate(assistants):
        settings = assistant["tts_settings"]
        assistant["tts_settings"] = settings | {"provider": voices[index + 4]["provider"]}
    return burki.BurkiWorld(assistants, voices)


def _build_voice(number: int) -> dict[str, Any]:
    provider = PROVIDERS[number % len(PROVIDERS)]
    status = "failed" if number in FAILED else "processing" if number in PROCESSING else "ready"
    return burki.make_voice(
        800 + number,
        name=f"Voice {number}",
        provider=provider,
        provider_voice_id=_build_provider_id(provider, number),
        status=status,
        quality_score=None if status != "ready" else round(0.5 + number % 50 / 100, 2),
        created_at=f"2026-{1 + number % 10:02}-{1 + number % 28:02}T08:00:00Z",
        last_used_at=f"2026-11-{1 + number % 28:02}T10:00:00Z" if number % 3 and status == "ready" else None,
        synthesis_count=number * 7 if number % 3 and status == "ready" else 0,
    )


def _build_provider_id(provider: str, number: int) -> str:
    return f"{inworld.WORKSPACE}__voice-{number}" if provider == "inworld" else f"{provider}-{number}"


def build_elevenlabs(ids: list[str]) -> elevenlabs.ElevenLabsWorld:
    """A workspace without the first voice, with a blocked one, and with one that the platform does not name."""
    _, blocked, *others = ids
    voices = [elevenlabs.make_voice(blocked, safety_control="BAN"), *map(elevenlabs.make_voice, others)]
    return elevenlabs.ElevenLabsWorld([*voices, elevenlabs.make_voice("elevenlabs-orphan", name="Left over")])


def start_all() -> dict[str, tuple[StandIn, str]]:
    """Return a server that does not run yet, and its key, for each kind of source."""
    ids = {provider: [f"{provider}-{number}" for number in list_numbers(provider)] for provider in PROVIDERS}
    names = [f"voice-{number}" for number in list_numbers("inworld")]
    return {
        "burki": (build_platform().start(), KEY),
        "elevenlabs": (build_elevenlabs(ids["elevenlabs"]).start(), KEY),
        "resemble": (resemble.ResembleWorld(map(resemble.make_voice, ids["resemble"])).start(), KEY),
        "inworld": (inworld.InworldWorld(map(inworld.make_voice, names)).start(), inworld.KEY),
        "cartesia": (cartesia.CartesiaWorld(map(cartesia.make_voice, ids["cartesia"])).start(), KEY),
    }


def describe(kind: str, stand_in: StandIn) -> str:
    """The command that adds a source of a stand-in."""
    return f"./dev source add {kind} {kind}-demo --address {stand_in.address} --key-variable {name_variable(kind)}"


def name_variable(kind: str) -> str:
    """The variable that contains the key of a stand-in."""
    return f"UPSTREAM_KEY_{kind.upper()}"


def main() -> None:
    """Run all stand-ins until the process is interrupted, and print how to use them."""
    with ExitStack() as stack:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        stand_ins = start_all()
        keys = " ".join(f"{name_variable(kind)}={key}" for kind, (_, key) in stand_ins.items())
        click.echo(f"export {keys}")
        for kind, (stand_in, _) in stand_ins.items():
            stack.enter_context(stand_in.run())
            click.echo(describe(kind, stand_in))
        click.echo("./dev sync")
        click.echo("The stand-ins run until Ctrl-C. Their addresses change with each start.", err=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
