"""A declared world: workspaces of all providers with their voices, and the platform that names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.conftest import NOW
from tests.sources.actions.providers import Provider
from tests.upstream import burki, cartesia, elevenlabs, inworld, resemble
from tests.upstream.server import Response, StandIn

DAY = timedelta(days=1)
CREATED = NOW - 30 * DAY  # of voices, so long ago that cloning takes longer than it should

# The states that each provider has words for.
STATES: Mapping[str, tuple[str, ...]] = {
    "elevenlabs": ("ready", "ready", "blocked", "processing", "failed", "waiting", "unknown"),
    "resemble": ("ready", "ready", "processing", "failed", "archived", "unknown"),
    "inworld": ("ready", "ready", "waiting", "processing", "failed"),
    "cartesia": ("ready", "ready", "waiting", "processing", "failed"),
}
LIST_PATHS = {
    "elevenlabs": ("/v2/voices",),
    "resemble": ("/api/v2/voices",),
    "inworld": (inworld.VOICES, inworld.PVC_VOICES),
    "cartesia": ("/voices", "/fine-tunes"),
}


@dataclass(frozen=True)
class Hosted:
    """A voice that a workspace has.

    Attributes:
        state: a value of STATES; a voice of others is always "ready".
        breaks_at: when its owner withdraws it; None if it stays.
    """

    id: str
    state: str = "ready"
    is_ours: bool = True
    breaks_at: datetime | None = None


@dataclass
class Workspace:
    """A workspace, its server, and what is true about its source.

    Attributes:
        owner: the organization of the source, 0 or 1; None for the platform.
        hosted: the voices that exist.
        hidden: ids of those that the list lacks.
        source: None before it is added and after it was removed.
        read: what its newest list that was read as a whole and believed had; None if there was none.
        pending: what its newest complete list had that waits for a decision.
        read_at: the time of `read`.
        is_current: whether the newest sync read the list.
        former: the voices of former accounts, which nobody reads any more.
        was_accepted: whether a person accepted another account, also if the former key came back before.
    """

    kind: str
    owner: int | None
    upstream: StandIn
    stand_in: Any
    hosted: dict[str, Hosted] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    source: Provider | None = None
    read: dict[str, Hosted] | None = None
    pending: dict[str, Hosted] | None = None
    read_at: datetime = NOW
    is_current: bool = False
    is_disabled: bool = False
    is_changed: bool = False
    former: set[str] = field(default_factory=set)
    was_accepted: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it has a source that is enabled."""
        return self.source is not None and not self.is_disabled

    @property
    def listed(self) -> dict[str, Hosted]:
        """What its list has now."""
        return {id: voice for id, voice in self.hosted.items() if id not in self.hidden}

    def put(self, voice: Hosted) -> None:
        """Create a voice, or change its state."""
        self.hosted[voice.id] = voice
        self.write()

    def write(self) -> None:
        """Let the server answer with the voices that exist, except that lists lack the hidden ones."""
        FILL[self.kind](self.stand_in, list(self.hosted.values()))

    def hide(self, response: Response) -> Response:
        """Leave the hidden voices out of a list."""
        document = response.document
        for name in {"voices", "items", "pvcVoices", "data"} & document.keys():
            document[name] = [entry for entry in document[name] if _read_id(entry) not in self.hidden]
        return response.with_document(document)

    def is_asked_for(self, id: str) -> bool:
        """Whether its server was asked for one voice."""
        return any(request.path.endswith(f"/{id}") for request in self.upstream.requests)


def _read_id(entry: Mapping[str, Any]) -> Any:
    return next((entry[name] for name in ("voice_id", "uuid", "voiceId", "id") if name in entry), None)


@dataclass(frozen=True)
class Named:
    """A voice that the platform names. organization: 0 or 1. created_at: also when it got its status."""

    id: int
    organization: int
    provider: str
    ref: str
    status: str = "ready"
    is_archived_here: bool = False
    created_at: datetime = CREATED

    @property
    def is_archived(self) -> bool:
        """Whether it is archived, here or on the platform."""
        return self.is_archived_here or self.status == "archived"

    def as_sent(self) -> dict[str, Any]:
        """The voice as the platform sends it."""
        fields = {"provider": self.provider, "provider_voice_id": self.ref, "status": self.status}
        return burki.make_voice(self.id, created_at=f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}", **fields)

    def with_archive(self, former: Named | None) -> Named:
        """The voice as it is stored: archived here if it was before."""
        return replace(self, is_archived_here=former is not None and former.is_archived_here)


# How each provider describes its voices.


def _fill_elevenlabs(world: elevenlabs.ElevenLabsWorld, voices: list[Hosted]) -> None:
    world.voices = [_describe_elevenlabs(voice) for voice in voices]


def _describe_elevenlabs(voice: Hosted) -> dict[str, Any]:
    if not voice.is_ours:
        sharing = voice.breaks_at and {"status": "copied", "disable_at_unix": int(voice.breaks_at.timestamp())}
        return elevenlabs.make_voice(voice.id, category="professional" if sharing else "premade", sharing=sharing) | (
            {"is_owner": False, "fine_tuning": {"state": {"m": "fine_tuned"}}}
        )
    match voice.state:
        case "processing" | "failed":
            return elevenlabs.make_professional(voice.id, m="fine_tuning" if voice.state == "processing" else "failed")
        case "waiting":
            return elevenlabs.make_voice(voice.id, voice_verification={"requires_verification": True})
    words = {"blocked": {"safety_control": "BAN"}, "unknown": {"category": "novel"}}
    return elevenlabs.make_voice(voice.id, **words.get(voice.state, {}))


def _fill_resemble(world: resemble.ResembleWorld, voices: list[Hosted]) -> None:
    words = {"processing": "training", "unknown": "novel"}
    world.voices = [
        resemble.make_voice(
            voice.id,
            status=words.get(voice.state, voice.state),
            source=resemble.make_voice("")["source"] if voice.is_ours else "Marketplace",
        )
        for voice in voices
    ]


def _fill_inworld(world: inworld.InworldWorld, voices: list[Hosted]) -> None:
    words = {"waiting": "DRAFT", "processing": "TRAINING", "failed": "FAILED"}
    own = [(voice, voice.id.removeprefix(f"{inworld.WORKSPACE}__")) for voice in voices if voice.is_ours]
    stock = [inworld.make_stock_voice(voice.id) for voice in voices if not voice.is_ours]
    world.voices = [*stock, *(inworld.make_voice(name) for voice, name in own if voice.state == "ready")]
    world.professional = [inworld.make_professional(name, words[v.state]) for v, name in own if v.state != "ready"]


def _fill_cartesia(world: cartesia.CartesiaWorld, voices: list[Hosted]) -> None:
    words = {"waiting": "created", "processing": "training", "failed": "failed"}
    world.voices = [cartesia.make_voice(v.id, is_owner=v.is_ours) for v in voices if v.state == "ready"]
    world.fine_tunes = [cartesia.make_fine_tune(v.id, words[v.state]) for v in voices if v.state != "ready"]


FILL: Mapping[str, Callable[[Any, list[Hosted]], None]] = {
    "elevenlabs": _fill_elevenlabs,
    "resemble": _fill_resemble,
    "inworld": _fill_inworld,
    "cartesia": _fill_cartesia,
}
