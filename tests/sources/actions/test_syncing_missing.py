"""Generated histories of a platform: a voice is missing only if a complete list lacked it, since the first such one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import hypothesis.strategies as st
import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import delete

from tests.conftest import NOW
from tests.sources.actions.scenario import Platform, add_platform, missing_since
from tests.sources.clients.conftest import Run
from tests.upstream import server
from tests.upstream.burki import ASSISTANTS, ORGANIZATION_ID, VOICES, BurkiWorld, make_assistant, make_voice
from tests.upstream.server import Fault
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sources.models import Source, SourceVoice, SyncRun
from voiceadmin.voices.models import ClonedVoice

IDS = range(1, 13)

SPOILING: dict[str, tuple[str, Fault]] = {  # faults after which nothing is known about the voices
    "organization": (f"{ASSISTANTS}/me", server.status(403)),
    "page": (VOICES, server.html),
    "half": (VOICES, server.truncate),
    "no list": (VOICES, server.without("cloned_voices")),
    "no success": (VOICES, server.with_field("success", False)),
    "500": (VOICES, server.status(500)),
}
HARMLESS: dict[str, tuple[str, Fault]] = {"count": (f"{ASSISTANTS}/count", server.status(403))}
PAGED: dict[str, tuple[str, Fault]] = {"next page": (VOICES, server.with_field("next_page", "2"))}
ALL_FAULTS = SPOILING | HARMLESS | PAGED


class Step(NamedTuple):
    """What happens before a sync. moved: voices that come or go. broken: voices whose record cannot be used."""

    moved: frozenset[int]
    broken: frozenset[int] = frozenset()
    fault: str | None = None


SETS = st.frozensets(st.sampled_from(IDS), max_size=5)
STEPS = st.builds(
    Step,
    SETS | st.frozensets(st.sampled_from(IDS)),
    st.just(frozenset[int]()) | st.frozensets(st.sampled_from(IDS), max_size=2),
    st.none() | st.sampled_from(sorted(ALL_FAULTS)),
)


class Model:
    """What should be known after each sync."""

    def __init__(self) -> None:
        self.listed: set[int] = set()
        self.known: dict[int, datetime | None] = {}

    def sync(self, step: Step, now: datetime) -> None:
        """Apply what happens, then a sync."""
        self.listed ^= step.moved
        if step.fault in SPOILING:
            return
        is_whole = not step.broken & self.listed and step.fault not in PAGED
        present = [id for id, since in self.known.items() if since is None]
        gone = [id for id in present if id not in self.listed]
        is_withheld = len(gone) == len(present) or (len(gone) >= 5 and len(gone) / len(present) >= 0.3)
        if is_whole and not is_withheld:
            self.known |= dict.fromkeys(gone, now)
        written = {id for id in self.listed if id in self.known or id not in step.broken}
        self.known |= dict.fromkeys(written, None)


def forget_everything() -> None:
    """Delete what earlier examples wrote."""
    with write_transaction():
        for model in (SourceVoice, SyncRun, Source, ClonedVoice, Assistant, Organization):
            db.session.execute(delete(model))


def replay(platform: Platform, steps: Sequence[Step]) -> None:
    """Sync after each step, and compare what is known with the model."""
    model = Model()
    for number, step in enumerate(steps):
        now = NOW + timedelta(minutes=number)
        model.sync(step, now)
        platform.world.voices[ORGANIZATION_ID] = [
            make_voice(id, quality_score=7 if id in step.broken else None) for id in sorted(model.listed)
        ]
        platform.upstream.recover()
        if step.fault is not None:
            path, fault = ALL_FAULTS[step.fault]
            platform.upstream.show(fault, path)
        platform.sync(now)

        assert missing_since(platform.source_id) == model.known, (number, step)


@pytest.fixture
def platforms(app: Flask, run: Run) -> tuple[BurkiWorld, Platform]:
    """A world and its platform, of which each example adds the source anew."""
    world = BurkiWorld([make_assistant(31)])
    return world, add_platform(world, run(world.start()), app.config["VOICEADMIN"])


MANY = frozenset(IDS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=6))
@example(steps=[Step(MANY), Step(frozenset({1})), Step(frozenset({2}), fault="500"), Step(frozenset({1}))])
@example(steps=[Step(MANY), Step(MANY), Step(frozenset({1})), Step(frozenset({1}), frozenset({2}))])
@example(steps=[Step(MANY), Step(frozenset({1, 2, 3, 4})), Step(frozenset({5}), frozenset({6})), Step(frozenset({1}))])
def test_a_voice_is_missing_since_the_first_complete_list_that_lacked_it(
    platforms: tuple[BurkiWorld, Platform], steps: list[Step]
) -> None:
    world, former = platforms
    forget_everything()

    replay(add_platform(world, former.upstream, former.settings), steps)
