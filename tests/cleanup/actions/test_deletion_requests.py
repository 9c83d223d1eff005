"""Asking for deletions: by the exact number, once, within a scope, and only for plans whose voices are processed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import stamina
from flask import Flask

from tests.cleanup.actions.deletions import IDS, Scene, build_scene, list_events, make_workspace, prepare
from tests.cleanup.actions.plans.scenario import BOB, make_plan, run_plan
from tests.conftest import NOW
from tests.factories import make_organization, make_voice
from tests.two_tenants import rows_of
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion, request_check, request_deletion
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, PlanNotFound, SelectionChanged
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.types import SourceKind

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def scene(app: Flask, acme: Organization) -> Iterator[Scene]:
    world = make_workspace()
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        yield build_scene(acme, upstream, world, app.config["VOICEADMIN"])


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_another_number_than_that_of_the_deletable_voices_is_refused(scene: Scene, count: int) -> None:
    with pytest.raises(SelectionChanged, match="3 voices can be deleted at ElevenLabs now"):
        scene.request(count)

    assert rows_of("deletion_request") == rows_of("deletion_item") == []


def test_a_number_that_was_right_before_is_refused_when_it_no_longer_is(scene: Scene) -> None:
    make_voice(scene.acme, provider_voice_id="v2")

    with pytest.raises(SelectionChanged, match="2 voices"):
        scene.request(3)


def test_a_form_that_is_sent_five_times_at_once_asks_once(app: Flask, scene: Scene) -> None:
    start, plan_id = Barrier(5), scene.plan_id
    db.session.rollback()

    def press(_: int) -> int:
        with app.app_context():
            start.wait()
            return request_deletion(EVERYTHING, plan_id, "elevenlabs", 3, by=BOB, now=NOW)

    with ThreadPoolExecutor(5) as pool:
        ids = set(pool.map(press, range(5)))

    assert len(ids) == len(rows_of("deletion_request")) == len(list_events("deletion-requested")) == 1
    assert len(rows_of("deletion_item")) == 3


def test_a_form_that_is_sent_again_after_the_end_deletes_nothing_more(scene: Scene) -> None:
    scene.delete()

    with pytest.raises(SelectionChanged, match="0 voices"):
        scene.request(3)


def test_nothing_is_deleted_without_permission(app: Flask, acme: Organization) -> None:
    world = make_workspace()
    with world.start().run() as upstream:
        scene = build_scene(acme, upstream, world, app.config["VOICEADMIN"], is_allowed=False)
        found = {scene.obstacle(id) for id in IDS}

    assert (found, scene.count()) == ({"not-allowed"}, 0)


def test_voices_that_were_not_listed_when_the_plan_was_created_are_not_deleted(app: Flask, acme: Organization) -> None:
    world = make_workspace(["v1"])
    with world.start().run() as upstream:
        scene = build_scene(acme, upstream, world, app.config["VOICEADMIN"], ids=["v1", "v2"])
        world.voices += make_workspace(["v2"]).voices
        scene.provider.sync()

        assert scene.obstacle("v2") == "not-listed"
        assert scene.count() == 1


def test_voices_of_others_are_not_listed_for_a_plan(app: Flask, acme: Organization) -> None:
    """A stock voice, and a voice in the workspace of another organization."""
    world, foreign = make_workspace(["v1"]), make_workspace(["v1"])
    world.voices[0]["is_owner"] = False
    other, settings = make_organization("Other"), app.config["VOICEADMIN"]
    with world.start().run() as upstream, foreign.start().run() as upstream_of_other:
        scene = prepare(acme, upstream, world, settings, ids=["v1"])
        prepare(other, upstream_of_other, foreign, settings, ids=[], organization_id=other.id)
        scene.plan_id = make_plan(NOW)
        run_plan(scene.plan_id, NOW)

        assert rows_of("clean_up_listing") == []
        assert scene.obstacle("v1") == "not-listed"


def test_a_plan_with_pending_voices_deletes_nothing(app: Flask, acme: Organization) -> None:
    world = make_workspace()
    with world.start().run() as upstream:
        scene = prepare(acme, upstream, world, app.config["VOICEADMIN"])
        scene.plan_id = make_plan(NOW)

        with pytest.raises(ChangeRefused, match="Archive them first"):
            scene.request(3)


def test_only_a_scope_that_covers_the_plan_can_delete_check_or_cancel(scene: Scene) -> None:
    other = Scope(frozenset({make_organization("Other").id}))
    scene.request()

    with pytest.raises(PlanNotFound):
        request_deletion(other, scene.plan_id, "elevenlabs", 3, by=BOB, now=NOW)
    with pytest.raises(PlanNotFound):
        request_check(other, scene.plan_id, "elevenlabs", by=BOB, now=NOW)
    with pytest.raises(PlanNotFound):
        cancel_deletion(other, scene.plan_id, by=BOB, now=NOW)

    assert scene.stopped == "open"


def test_a_plan_has_one_open_request_at_a_time(scene: Scene) -> None:
    scene.request()

    with pytest.raises(ChangeRefused, match="A deletion at ElevenLabs is under way"):
        request_check(EVERYTHING, scene.plan_id, "elevenlabs", by=BOB, now=NOW)
    with pytest.raises(ChangeRefused, match="A deletion at ElevenLabs is under way"):
        request_deletion(EVERYTHING, scene.plan_id, SourceKind.INWORLD, 1, by=BOB, now=NOW)


def test_a_cancelled_deletion_can_be_asked_for_again(scene: Scene) -> None:
    scene.request()

    cancelled = cancel_deletion(EVERYTHING, scene.plan_id, by=BOB, now=NOW)
    repeated = cancel_deletion(EVERYTHING, scene.plan_id, by=BOB, now=NOW)

    assert (cancelled, repeated, scene.count()) == (3, 0, 3)
    assert len(list_events("deletion-cancelled")) == 1
    scene.delete()
    assert scene.states == dict.fromkeys(IDS, "deleted")
