"""Generated worlds of all providers and the platform: verdicts, certainties and what is safe to delete are true.

What is true follows from the declared world alone, see `world_truth`. In between, when lists fail, are hidden or belong
to others, nothing may be said that is wrong. At the end, when everything was read, all that can be known must be said.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import stamina
from flask import Flask
from sqlalchemy import delete, select

from tests.conftest import NOW, SHELL
from tests.sources.actions.providers import MINUTE, add_provider, evidence_of, judge_all
from tests.sources.actions.scenario import Platform, add_platform, own_organization
from tests.sources.world import CREATED, DAY, LIST_PATHS, STATES, Hosted, Named, Workspace
from tests.sources.world_truth import (
    CLONING_TIMEOUT,
    CURRENT,
    check_certainty,
    exists,
    is_fresh,
    is_in_scope,
    is_safe,
    list_verdicts,
)
from tests.upstream import burki, cartesia, elevenlabs, inworld, resemble
from tests.upstream.server import StandIn, html, status, truncate
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.queries.deletion_advice import advise_deletions
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, OrganizationId
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind, SyncResult
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.exporting.queries import list_matching_ids
from voiceadmin.voices.models import ClonedVoice, VerdictReset
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.verdicts import Verdict
from voiceadmin.voices.verdict_queries import read_verdicts

STEPS = 14
# The provider and the owner of each source: the first organization, the second one, or the platform.
SOURCES = (
    ("elevenlabs", None),
    ("elevenlabs", 0),
    ("resemble", None),
    ("resemble", 1),
    ("inworld", None),
    ("cartesia", None),
    ("cartesia", 0),
)
STAND_INS: dict[str, Callable[[], Any]] = {
    "elevenlabs": elevenlabs.ElevenLabsWorld,
    "resemble": resemble.ResembleWorld,
    "inworld": inworld.InworldWorld,
    "cartesia": cartesia.CartesiaWorld,
}
ACCOUNT_FIELDS = {"elevenlabs": "workspace_id", "resemble": "email"}
ACCOUNT_PATHS = {"elevenlabs": "/v1/user", "resemble": "/api/v2/account"}
FAULTS = (html, truncate, *map(status, (401, 403, 404, 429, 500)))
KEYS = ("key", "key-of-globex")
THRESHOLDS = AttentionThresholds(cloning_timeouts=(), other=CLONING_TIMEOUT)
KEYS_OF_REQUESTS = itertools.count(1)


class World:
    """A generated world.

    Attributes:
        declared: what the platform lists.
        stored: what it listed when it was last read.
    """

    def __init__(self, random: Random, workspaces: list[Workspace], platforms: list[Platform]) -> None:
        self.random, self.workspaces, self.platforms = random, workspaces, platforms
        self.now = self.latest = NOW
        self.numbers = itertools.count(3)  # of voices and assistants; the first two assistants are created below
        self.declared: dict[int, Named] = {}
        self.stored: dict[int, Named] = {}
        self.used: set[tuple[int, str, str]] = set()
        platforms[0].world.assistants = [burki.make_assistant(1 + index, organization_id=2 + index) for index in (0, 1)]
        self.sync_platforms()
        for workspace in workspaces:
            self.connect(workspace)
        for _ in range(random.randint(8, 20)):
            self.declare()
        self.use_voices()
        self.sync_platforms()

    # The declared world

    def connect(self, workspace: Workspace) -> None:
        """Add the source of a workspace."""
        owner = None if workspace.owner is None else self.organization(workspace.owner)
        key = inworld.KEY if workspace.kind == "inworld" else "key"
        kind, settings = SourceKind(workspace.kind), self.platforms[0].settings
        server = (workspace.stand_in, workspace.upstream)
        workspace.source = add_provider(kind, *server, settings, key=key, organization_id=owner)
        for _ in range(self.random.randint(0, 2)):
            workspace.put(self.draw_hosted(workspace.kind))  # an orphan, or a stock voice

    def organization(self, index: int) -> OrganizationId:
        return own_organization(self.platforms[index])

    def draw_hosted(self, kind: str, *, is_ours: bool = True) -> Hosted:
        id = f"{'acme__' if kind == 'inworld' and is_ours else ''}v{next(self.numbers)}"
        if is_ours:
            return Hosted(id, self.random.choice(STATES[kind]))
        may_break = kind == "elevenlabs" and self.random.random() < 0.6
        breaks_at = NOW + self.random.choice((-DAY, 100 * DAY)) if may_break else None
        return Hosted(id, is_ours=False, breaks_at=breaks_at)

    def declare(self, created_at: datetime = CREATED) -> None:
        """Name a voice: in its workspace, in none, at another provider, of others, or the same as another voice."""
        organization, place = self.random.randint(0, 1), self.random.random()
        usable = [w for w in self.workspaces if w.owner in (None, organization) and w.source is not None]
        if not usable:
            return
        workspace = self.random.choice(usable)
        hosted, provider = self.draw_hosted(workspace.kind, is_ours=place < 0.85), workspace.kind
        same = [voice for voice in self.declared.values() if voice.organization == organization]
        if place < 0.1 and same:
            twin = self.random.choice(same)
            hosted, provider = Hosted(twin.ref), twin.provider
        elif place > 0.25:
            workspace.put(hosted)
        elif place > 0.2:
            hosted = replace(hosted, id=f"{self.random.choice(('other', 'a__b'))}__{hosted.id}")
        if 0.3 < place < 0.4:
            provider = self.random.choice([kind for kind in STATES if kind != workspace.kind])
        words = self.random.choice(("ready",) * 5 + ("processing", "failed", "archived"))
        voice = Named(next(self.numbers), organization, provider, hosted.id, words, created_at=created_at)
        self.declared[voice.id] = voice

    def use_voices(self) -> None:
        """Let assistants use some voices."""
        world = self.platforms[0].world
        chosen = self.random.sample(sorted(self.declared), len(self.declared) // 4)
        world.assistants += [self._make_assistant(self.declared[id]) for id in chosen]
        self.used = {(v.organization, v.provider, v.ref) for v in (self.declared[id] for id in chosen)}

    def _make_assistant(self, voice: Named) -> dict[str, Any]:
        assistant = burki.make_assistant(next(self.numbers), voice.ref, organization_id=2 + voice.organization)
        assistant["tts_settings"] |= {"provider": voice.provider}
        return assistant

    # Steps

    def step(self) -> None:
        """Let one thing happen."""
        workspace = self.random.choice(self.workspaces)
        steps: Sequence[tuple[int, Callable[[], None]]] = (
            (6, lambda: self.sync(workspace)),
            (4, lambda: self.sync_with_a_fault(workspace)),
            (3, self.sync_all),
            (2, lambda: self.hide(workspace)),
            (3, lambda: self.lose(workspace)),
            (2, lambda: self.change_state(workspace)),
            (2, self.change_platform),
            (2, self.archive_or_restore),
            (2, self.shift_clock),
            (2, lambda: self.disable_or_enable(workspace)),
            (1, lambda: self.remove(workspace)),
            (2, lambda: self.change_account(workspace)),
            (2, lambda: self.accept(workspace)),
            (3, lambda: self.believe(workspace)),
        )
        self.random.choices([step for _, step in steps], [weight for weight, _ in steps])[0]()

    def sync(self, workspace: Workspace) -> None:
        """Sync a source, with what the server shows."""
        if workspace.source is None or not workspace.is_usable:
            return
        self.now += 5 * MINUTE
        for path in LIST_PATHS[workspace.kind]:
            workspace.upstream.show(workspace.hide, path)
        report, listed = workspace.source.sync(self.now), workspace.listed
        workspace.upstream.recover()
        workspace.is_current = report.result is SyncResult.COMPLETE
        if workspace.is_current:
            workspace.read, workspace.read_at = listed, self.now
        is_withheld = {row.result for row in workspace.source.listings.values()} == {"withheld"}
        workspace.pending = listed if is_withheld and not workspace.is_changed else None

    def sync_with_a_fault(self, workspace: Workspace) -> None:
        """Sync a source whose account, lists, look-ups or second pages fail."""
        fault, paths = self.random.choice(FAULTS), LIST_PATHS[workspace.kind]
        path = self.random.choice((*paths, ACCOUNT_PATHS.get(workspace.kind, paths[0])))
        is_partial = self.random.random() < 0.3
        if is_partial:
            workspace.upstream.show(workspace.hide, path, times=1)
        workspace.upstream.show(fault, path)
        self.sync(workspace)
        workspace.upstream.recover()
        if workspace.is_usable and path in paths and not is_partial:
            assert not workspace.is_current

    def sync_all(self) -> None:
        for workspace in self.random.sample(self.workspaces, len(self.workspaces)):
            self.sync(workspace)

    def hide(self, workspace: Workspace) -> None:
        count = self.random.randint(0, min(3, len(workspace.hosted)))
        workspace.hidden = set(self.random.sample(sorted(workspace.hosted), count))

    def lose(self, workspace: Workspace) -> None:
        count = self.random.randint(0, min(4, len(workspace.hosted)))
        for id in self.random.sample(sorted(workspace.hosted), count):
            del workspace.hosted[id]
        workspace.write()

    def change_state(self, workspace: Workspace) -> None:
        own = sorted(id for id, voice in workspace.hosted.items() if voice.is_ours)
        if own:
            state = self.random.choice(STATES[workspace.kind])
            workspace.put(replace(workspace.hosted[self.random.choice(own)], state=state))

    def change_platform(self) -> None:
        """Name other voices, change the status of some, forget one; and read that, or fail to."""
        for id in self.random.sample(sorted(self.declared), min(2, len(self.declared))):
            words = self.random.choice(("ready", "ready", "failed", "archived"))
            self.declared[id] = replace(self.declared[id], status=words)
        if self.declared and self.random.random() < 0.3:
            del self.declared[self.random.choice(sorted(self.declared))]
        if self.random.random() < 0.3:
            self.sync_platforms(self.random.choice(FAULTS[:4]))
        self.declare()
        self.sync_platforms()  # a voice that was never read is known to nobody, see docs/sources.md

    def sync_platforms(self, fault: Any = None) -> None:
        """Read what the platform lists."""
        self.now += MINUTE
        for index, platform in enumerate(self.platforms):
            voices = [voice for voice in self.declared.values() if voice.organization == index]
            platform.world.voices[2 + index] = [voice.as_sent() for voice in voices]
            if fault is not None:
                platform.upstream.show(fault, burki.ASSISTANTS)
            platform.sync(self.now)
            platform.upstream.recover()
            if fault is None:
                self.stored |= {voice.id: voice.with_archive(self.stored.get(voice.id)) for voice in voices}

    def archive_or_restore(self) -> None:
        voices = [voice for voice in self.stored.values() if voice.status != "archived"]
        if voices:
            voice = self.random.choice(voices)
            action = TriageAction.RESTORE if voice.is_archived_here else TriageAction.ARCHIVE
            ref = ObjectRef(ObjectKind.VOICE, voice.id)
            request = ActionRequest(action, (ref,), f"world {next(KEYS_OF_REQUESTS)}", 10**9)
            apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=self.now)
            self.stored[voice.id] = replace(voice, is_archived_here=not voice.is_archived_here)

    def shift_clock(self) -> None:
        """Let days pass, or set the clock back by hours."""
        self.latest = max(self.now, self.latest)
        self.now += self.random.choice((DAY, 3 * DAY, timedelta(hours=-2)))

    def disable_or_enable(self, workspace: Workspace) -> None:
        if workspace.source is not None:
            change = enable_source if workspace.is_disabled else disable_source
            change(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.is_disabled = not workspace.is_disabled

    def remove(self, workspace: Workspace) -> None:
        if workspace.source is not None:
            remove_source(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.source = None

    def change_account(self, workspace: Workspace) -> None:
        """Let the key belong to another account, for one sync or for ever."""
        name = ACCOUNT_FIELDS.get(workspace.kind)
        if name is None or not workspace.is_usable or not self._is_account_known(workspace):
            return
        account, hosted = getattr(workspace.stand_in, name), workspace.hosted
        setattr(workspace.stand_in, name, f"account {next(self.numbers)}")
        workspace.hosted = {}
        workspace.put(self.draw_hosted(workspace.kind))
        workspace.is_changed = True
        self.sync(workspace)
        if self.random.random() < 0.5:
            setattr(workspace.stand_in, name, account)
            workspace.hosted = hosted
            workspace.write()
        else:
            workspace.former |= set(hosted)

    def _is_account_known(self, workspace: Workspace) -> bool:
        db.session.rollback()
        assert workspace.source is not None
        return db.session.get_one(Source, workspace.source.source_id).account_hash != ""

    def accept(self, workspace: Workspace) -> None:
        if workspace.source is not None and workspace.is_changed:
            accept_account(EVERYTHING, workspace.source.source_id, by=SHELL, now=self.now)
            workspace.is_changed = workspace.is_current = False
            workspace.read, workspace.was_accepted = None, True

    def believe(self, workspace: Workspace) -> None:
        """Believe a list. It is one of several that wait, or none."""
        if workspace.source is None or workspace.pending is None:
            return
        row = next(iter(workspace.source.listings.values()))
        try:
            believe_list(EVERYTHING, workspace.source.source_id, hash_withheld(row.withheld), by=SHELL, now=self.now)
        except ChangeRefused:
            return
        workspace.read, workspace.read_at = workspace.pending, row.attempted_at
        workspace.is_current, workspace.pending = True, None

    def settle(self) -> None:
        """Let nothing fail any more, and read everything until nothing changes."""
        self.now = max(self.now, self.latest) + DAY
        for workspace in self.workspaces:
            workspace.hidden = set()
            self.accept(workspace)
        self.declare(created_at=self.now)
        self.sync_platforms()
        for _ in range(2):
            for workspace in self.workspaces:
                self.sync(workspace)
                if workspace.pending is not None:
                    self.believe(workspace)
                    self.sync(workspace)

    # Checks

    def check(self) -> None:
        """Compare what is stored, shown, filtered and advised with each other, and with what is true."""
        assert renew_verdicts(THRESHOLDS, now=self.now)
        self.check_writes()
        self.answers = judge_all(self.stored, self.now, CLONING_TIMEOUT)
        self.check_agreement()
        for id, voice in self.stored.items():
            check_certainty(voice, self.answers[id], self.workspaces, self.now)
            self.check_verdict(voice, *self.answers[id])

    def check_writes(self) -> None:
        """Check that the voices of the platform are what it listed, whatever the providers list."""
        db.session.rollback()
        columns = (ClonedVoice.provider, ClonedVoice.provider_voice_id, ClonedVoice.status, ClonedVoice.upstream_status)
        rows = db.session.execute(select(ClonedVoice.id, *columns)).all()
        assert {id: (provider, ref, upstream or status) for id, provider, ref, status, upstream in rows} == {
            voice.id: (voice.provider, voice.ref, voice.status) for voice in self.stored.values()
        }

    def check_agreement(self) -> None:
        """Check that pages, stored verdicts, the filter and “safe to delete” say the same."""
        stored = read_verdicts(list(self.stored), now=self.now)
        advice = advise_deletions(list(self.stored), now=self.now)
        for id, voice in self.stored.items():
            found = (stored[id].verdict.value, stored[id].certainty.value) if id in stored else None
            if voice.status != "processing":  # which is stuck when its sources are read after the time has passed
                assert found == (self.answers[id] if self.answers[id][0] else None), (voice, found, self.answers[id])
            assert advice[id].verdict == stored.get(id)
            if advice[id].is_safe:
                assert found is not None
                assert found[1] in CURRENT
                assert self.is_truly_safe(voice), voice
        if self.stored:
            id = self.random.choice(sorted(self.stored))
            if self.stored[id].status != "processing":
                verdict, certainty, *_ = evidence_of(id, self.now).judgement
                assert (verdict and verdict.value, certainty.value) == self.answers[id]
        for verdict in self.random.sample([*Verdict, None], 3):
            self.check_filter(verdict, {id: row.verdict for id, row in stored.items()})

    def is_truly_safe(self, voice: Named) -> bool:
        return is_safe(voice, list(self.stored.values()), self.workspaces, self.used)

    def check_filter(self, verdict: Verdict | None, stored: dict[int, Verdict]) -> None:
        for index in range(2):
            filters = VoiceFilters(verdicts=(verdict,))
            found = list_matching_ids(self.organization(index), filters, self.now)
            expected = {id for id, voice in self.stored.items() if voice.organization == index}
            assert set(found) == {id for id in expected if stored.get(id) is verdict}

    def check_verdict(self, voice: Named, verdict: str | None, certainty: str) -> None:
        """Check that a verdict is true: what lists said that are still current, and never that a voice is missing."""
        if verdict == "missing":
            assert not exists(voice, self.workspaces), voice
        used = [w for w in self.workspaces if is_in_scope(w, voice) and w.is_usable]
        if used and all(w.read is not None and is_fresh(w, self.now) for w in used):
            right = list_verdicts(voice, list(self.stored.values()), self.workspaces, self.now)
            assert verdict in right or self._is_unasked(voice, verdict), (voice, verdict, certainty, right)

    def _is_unasked(self, voice: Named, verdict: str | None) -> bool:
        """Whether nothing is said because a look-up failed or was not sent yet, or because an older answer stands."""
        return verdict is None and not self.is_settled and voice.status in ("ready", "processing")

    is_settled = False

    def check_safe(self) -> set[str | None]:
        """Check at the end that each voice that is safe to delete is called so, and return all verdicts."""
        advice = advise_deletions(list(self.stored), now=self.now)
        for id, voice in self.stored.items():
            if self.answers[id][0] is not None and self.answers[id][1] in CURRENT:
                assert advice[id].is_safe == self.is_truly_safe(voice), (voice, advice[id])
        stored = {id: row.verdict for id, row in read_verdicts(list(self.stored), now=self.now).items()}
        for verdict in (*Verdict, None):
            self.check_filter(verdict, stored)
        return {answer for answer, _ in self.answers.values()}


def play(world: World) -> set[str | None]:
    """Let things happen, with checks after each; then read everything. Return the verdicts at the end."""
    for _ in range(STEPS):
        world.step()
        world.check()
    world.settle()
    world.is_settled = True
    world.check()
    return world.check_safe()


def make_world(seed: int, servers: list[tuple[StandIn, Any]], settings: Settings) -> World:
    """Create a world in an empty database."""
    db.session.rollback()
    for table in (Source, ClonedVoice, Assistant, VerdictReset):
        db.session.execute(delete(table))
    db.session.commit()
    (upstream, platform), *others = servers
    platform.__init__()
    platform.organizations, platform.keys = {2: "Acme", 3: "Globex"}, dict(zip(KEYS, (2, 3), strict=True))
    platforms = [add_platform(platform, upstream, settings, name=name) for name in ("Acme", "Globex")]
    platforms = [replace(item, key=key) for item, key in zip(platforms, KEYS, strict=True)]
    random, workspaces = Random(seed), []
    for number, ((kind, owner), (server, stand_in)) in enumerate(zip(SOURCES, others, strict=True)):
        stand_in.__init__()
        stand_in.largest_page = random.choice((3, 100))
        if kind in ACCOUNT_FIELDS:
            setattr(stand_in, ACCOUNT_FIELDS[kind], f"account of {number}")
        server.requests.clear()
        workspaces.append(Workspace(kind, owner, server, stand_in))
    return World(random, workspaces, platforms)


def list_seeds(*, long: bool) -> range:
    return range(300 if long else 2)


@pytest.mark.timeout(3600)
def test_what_is_said_about_all_providers_is_true(app: Flask, long: bool) -> None:
    settings = replace(app.config["VOICEADMIN"], cloning_timeouts=tuple((kind, 60) for kind in STATES))
    stand_ins = [burki.BurkiWorld(), *(STAND_INS[kind]() for kind, _ in SOURCES)]
    seen = set()
    with ExitStack() as stack:
        stack.enter_context(stamina.set_testing(True, attempts=1))
        servers = [(stack.enter_context(stand_in.start().run()), stand_in) for stand_in in stand_ins]
        for seed in list_seeds(long=long):
            seen |= play(make_world(seed, servers, settings))

    assert len(seen) >= 8  # so that the worlds do not become empty unnoticed
