"""Random sequences of faults, losses, keys and decisions: no voice that exists is ever reported as missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import MINUTE, Provider, add_provider, judge, judge_all, name_voices
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream.elevenlabs import ElevenLabsWorld, make_voice
from tests.upstream.server import Response, StandIn, html, status, truncate
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind, SyncResult
from voiceadmin.voices.models import ClonedVoice

__all__ = ["_no_pauses", "run"]

INDEXES = st.integers(0, 1)
FAULTS = {"html": html, "truncated": truncate, **{f"status {code}": status(code) for code in (401, 403, 429, 500)}}
ACCOUNT_PATH = "/v1/user"
PATHS = st.sampled_from(["/v2/voices", ACCOUNT_PATH, "/v1/voices/"])


class Workspace:
    """A workspace with its server, and what is known to be true about its source.

    Attributes:
        is_read: whether a sync has read its list as a whole, and the list was believed, since it was connected.
        is_current: whether the newest sync did.
        hidden: voices that exist but that the list lacks.
    """

    def __init__(self, upstream: StandIn, world: ElevenLabsWorld, app: Flask) -> None:
        self.upstream, self.world, self.app = upstream, world, app
        self.hidden: set[str] = set()
        self.connect()

    def connect(self) -> None:
        """Connect the workspace behind the key."""
        self.source: Provider | None = add_provider(
            SourceKind.ELEVENLABS, self.world, self.upstream, self.app.config["VOICEADMIN"]
        )
        self.is_read = self.is_current = self.is_changed = self.is_disabled = False

    @property
    def ids(self) -> list[str]:
        return [voice["voice_id"] for voice in self.world.voices]

    def hide(self, response: Response) -> Response:
        """Leave the hidden voices out of a list."""
        if "voices" not in response.document:
            return response
        voices = [voice for voice in response.document["voices"] if voice["voice_id"] not in self.hidden]
        return response.with_document({**response.document, "voices": voices})


class MissingMachine(RuleBasedStateMachine):
    """Two workspaces of one provider, and the voices that the platform names."""

    start: Callable[[], list[Workspace]]

    @initialize()
    def begin(self) -> None:
        self.now, self.number, self.checks = NOW, 0, 0
        self.workspaces = type(self).start()
        self.acme = make_organization()
        self.named: dict[str, int] = {}
        self.former, self.forgotten = set[str](), set[str]()
        self.upstream_creates_voices(0, 8)
        self.upstream_creates_voices(1, 6)

    # Rules

    @rule(index=INDEXES, count=st.integers(1, 3))
    def upstream_creates_voices(self, index: int, count: int) -> None:
        if self.workspaces[index].source is None:
            return  # nobody can know that a voice is in a workspace that is not connected; see docs/sources.md
        ids = [f"v{self.number + offset}" for offset in range(count)]
        self.number += count
        self.workspaces[index].world.voices += [make_voice(id) for id in ids]
        self.named |= name_voices(self.acme, ids)

    @rule(index=INDEXES, count=st.integers(1, 4))
    def upstream_loses_voices(self, index: int, count: int) -> None:
        del self.workspaces[index].world.voices[:count]

    @rule(index=INDEXES, count=st.integers(0, 4))
    def a_list_hides_voices(self, index: int, count: int) -> None:
        workspace = self.workspaces[index]
        workspace.hidden = set(workspace.ids[:count])

    @rule()
    def sync_both(self) -> None:
        self.sync(0)
        self.sync(1)

    @rule(index=INDEXES)
    def sync(self, index: int) -> None:
        workspace = self.workspaces[index]
        if workspace.source is None or workspace.is_disabled:
            return
        self.now += 5 * MINUTE
        workspace.upstream.show(workspace.hide, "/v2/voices")
        self._sync(workspace, workspace.source)
        workspace.upstream.recover()

    def _sync(self, workspace: Workspace, source: Provider) -> None:
        report = source.sync(self.now)
        workspace.is_current = report.result is SyncResult.COMPLETE
        workspace.is_read = workspace.is_read or workspace.is_current

    @rule(index=INDEXES, name=st.sampled_from(sorted(FAULTS)), path=PATHS)
    def sync_with_a_fault(self, index: int, name: str, path: str) -> None:
        if path == ACCOUNT_PATH and not self.workspaces[index].is_read:
            return  # nobody can notice that a key belongs to another account if it never told the first one
        self.workspaces[index].upstream.show(FAULTS[name], path)
        self.sync(index)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.now += days * 24 * 60 * MINUTE

    @rule(index=INDEXES, for_ever=st.booleans())
    def the_key_belongs_to_another_account(self, index: int, *, for_ever: bool) -> None:
        workspace = self.workspaces[index]
        if workspace.source is None or not workspace.is_read or workspace.is_disabled:
            return
        world = workspace.world
        voices, id = world.voices, world.workspace_id
        self.number += 1
        world.voices, world.workspace_id = [make_voice(f"of others {self.number}")], f"another {self.number}"
        self.now += MINUTE
        workspace.source.sync(self.now)
        if for_ever:
            self.former |= {voice["voice_id"] for voice in voices}
        else:
            world.voices, world.workspace_id = voices, id
        workspace.is_changed, workspace.is_current = True, False

    @rule(index=INDEXES)
    def a_person_accepts_the_account(self, index: int) -> None:
        workspace = self.workspaces[index]
        if workspace.source is not None and workspace.is_changed:
            accept_account(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.is_changed = workspace.is_read = workspace.is_current = False

    @rule(index=INDEXES)
    def a_person_believes_a_list(self, index: int) -> None:
        workspace = self.workspaces[index]
        if workspace.source is None or not workspace.source.listings:
            return
        withheld = workspace.source.listings["voices"].withheld
        try:
            believe_list(EVERYTHING, workspace.source.source_id, hash_withheld(withheld), by=SHELL, now=self.now)
        except ChangeRefused:
            return
        workspace.is_read = workspace.is_current = True

    @rule(index=INDEXES)
    def a_person_disables_or_enables_a_source(self, index: int) -> None:
        workspace = self.workspaces[index]
        if workspace.source is not None:
            change = enable_source if workspace.is_disabled else disable_source
            change(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.is_disabled = not workspace.is_disabled

    @rule(index=INDEXES)
    def a_person_removes_or_connects_a_source(self, index: int) -> None:
        workspace = self.workspaces[index]
        if workspace.source is None:
            workspace.connect()
        elif workspace.is_read:  # voices of a source that was never read are known to nobody
            self.sync(index)
            remove_source(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.source = None
            if all(other.source is None for other in self.workspaces):
                self.forgotten |= self._list_existing()  # see docs/sources.md

    # Invariants

    @invariant()
    def no_voice_that_exists_is_missing(self) -> None:
        existing = self._list_existing() - self.forgotten
        found = judge_all(self.named.values(), self.now)
        self._check_page(found)
        for id, voice_id in self.named.items():
            verdict, certainty = found[voice_id]
            if verdict == "missing":
                assert id not in existing, id
                assert certainty == "confirmed"
            self._check_certainty(verdict, certainty)

    def _list_existing(self) -> set[str]:
        """The voices that exist, also in former accounts."""
        return {id for workspace in self.workspaces for id in workspace.ids} | self.former

    def _check_page(self, found: Mapping[int, tuple[str | None, str]]) -> None:
        """Compare with the page of one voice, each time another one: a page takes as long as all judgements."""
        self.checks += 1
        voice_id = sorted(found)[self.checks % len(found)]
        assert judge(voice_id, self.now) == found[voice_id]

    def _check_certainty(self, verdict: str | None, certainty: str) -> None:
        used = [w for w in self.workspaces if w.source is not None and not w.is_disabled]
        if not used:
            assert (verdict, certainty) == (None, "by-choice")
        elif not all(workspace.is_read and not workspace.is_changed for workspace in used):
            assert (verdict, certainty) == (None, "unverified")
        elif not all(workspace.is_current for workspace in used):
            assert certainty in ("stale", "unverified", "by-choice")
        if certainty in ("unverified", "by-choice"):
            assert verdict is None


@pytest.mark.timeout(3600)
def test_no_voice_that_exists_is_reported_as_missing(app: Flask, run: Run, long: bool) -> None:
    worlds = [ElevenLabsWorld(), ElevenLabsWorld()]
    upstreams = [run(world.start()) for world in worlds]

    def start() -> list[Workspace]:
        db.session.rollback()
        db.session.execute(delete(Source))
        db.session.execute(delete(ClonedVoice))
        db.session.commit()
        for number, (world, upstream) in enumerate(zip(worlds, upstreams, strict=True)):
            world.voices, world.workspace_id = [], f"workspace-{number}"
            upstream.recover()
        return [Workspace(upstream, world, app) for upstream, world in zip(upstreams, worlds, strict=True)]

    MissingMachine.start = staticmethod(start)
    run_state_machine_as_test(
        MissingMachine,
        settings=settings(
            max_examples=300 if long else 6,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
