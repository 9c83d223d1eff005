"""Deleting orphans at a provider: with the same safeguards as archived voices, and never one that is in use by then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import stamina
from flask import Flask

from tests.cleanup.actions.deletions import list_events
from tests.cleanup.actions.orphans import LISTED_AT, OrphanScene, build_orphans
from tests.cleanup.actions.plans.scenario import BOB
from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_assistant, make_organization, make_voice
from tests.upstream import server
from tests.upstream.elevenlabs import ElevenLabsWorld
from tests.upstream.elevenlabs import make_voice as make_listed
from tests.upstream.inworld import KEY, InworldWorld
from tests.upstream.inworld import make_voice as make_inworld_voice
from voiceadmin.cleanup.actions.orphan_requests import cancel_orphan_deletion, request_orphan_deletion
from voiceadmin.cleanup.types.deletions import DeletionObstacle
from voiceadmin.cleanup.types.orphans import DeletableFilter, SlotFilter
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, SelectionChanged, SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import AssistantVoice
from voiceadmin.sources.actions.permissions import forbid_deletion
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind

pytestmark = pytest.mark.usefixtures("now")

IDS = ["v1", "v2", "v3"]
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)

Start = Callable[..., OrphanScene]


@pytest.fixture
def start(app: Flask) -> Iterator[Start]:
    """Return a function that syncs a workspace of orphans."""
    with stamina.set_testing(True, attempts=1), ExitStack() as stack:

        def start_scene(world: Any = None, **options: Any) -> OrphanScene:
            world = world or ElevenLabsWorld([make_listed(id) for id in IDS])
            upstream = stack.enter_context(world.start().run())
            return build_orphans(world, upstream, app.config["VOICEADMIN"], **options)

        yield start_scene


@pytest.fixture
def scene(start: Start) -> OrphanScene:
    return start()


# The list


def test_each_orphan_says_what_it_is_and_whether_it_can_be_deleted(scene: OrphanScene) -> None:
    scene.change_listed("v2", breaks_at=NOW + DAY, slot=None)
    make_voice(make_organization("Acme"), provider_voice_id="v3")

    first, second = scene.find().rows

    assert first.checked.name == "Voice v1"
    assert (first.slot, first.breaks_at, first.first_listed_at) == ("Instant voices", None, LISTED_AT)
    assert (second.slot, second.breaks_at) == ("", NOW + DAY)
    assert first.checked.can_be_deleted
    assert scene.find().with_slot == 1


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"text": "VOICE V1"}, ["v1"]),
        ({"text": "v2"}, ["v2"]),
        ({"text": "%"}, []),
        ({"slot": SlotFilter.YES}, ["v1", "v3"]),
        ({"slot": SlotFilter.NO}, ["v2"]),
        ({"deletable": DeletableFilter.YES}, ["v1", "v2"]),
        ({"deletable": DeletableFilter.NO}, ["v3"]),
    ],
)
def test_orphans_are_filtered(scene: OrphanScene, filters: dict[str, Any], ids: list[str]) -> None:
    scene.change_listed("v2", slot=None)
    scene.change_listed("v3", created_at=None)

    assert [row.checked.provider_voice_id for row in scene.find(**filters).rows] == ids


def test_orphans_with_a_slot_are_as_many_as_the_sync_has_counted(scene: OrphanScene) -> None:
    db.session.rollback()

    assert db.session.get_one(Source, scene.source_id).orphan_count == scene.find().with_slot == 3


# Changes of the platform's source, and whether its lists are current then.
PLATFORM: dict[str, tuple[dict[str, Any], bool]] = {
    "an hour": ({"read_at": NOW - HOUR}, True),
    "older": ({"read_at": NOW - HOUR - SECOND}, False),
    "never": ({"read_at": None}, False),
    "failing": ({"failing_since": NOW}, False),
    "disabled": ({"disabled_at": NOW}, False),
    "account": ({"account_changed_at": NOW}, False),
}


@pytest.mark.parametrize(("values", "is_current"), PLATFORM.values(), ids=PLATFORM)
def test_orphans_are_deleted_only_while_the_lists_of_the_platform_are_current(
    scene: OrphanScene, values: dict[str, Any], is_current: bool
) -> None:
    scene.change_source(scene.platform_id, **values)

    assert scene.find().has_certainty is is_current
    assert set(scene.obstacles.values()) == {None if is_current else DeletionObstacle.PLATFORM}


def test_without_a_source_of_the_platform_nothing_can_be_deleted(scene: OrphanScene) -> None:
    remove_source(EVERYTHING, scene.platform_id, by=SHELL, now=NOW)

    assert set(scene.obstacles.values()) == {DeletionObstacle.PLATFORM}


SOURCES: dict[str, tuple[dict[str, Any], DeletionObstacle]] = {
    "disabled": ({"disabled_at": NOW}, DeletionObstacle.DISABLED),
    "not allowed": ({"deletion_allowed_at": None}, DeletionObstacle.NOT_ALLOWED),
}


@pytest.mark.parametrize(("values", "obstacle"), SOURCES.values(), ids=SOURCES)
def test_a_source_that_must_not_be_used_prevents_all_deletions(
    scene: OrphanScene, values: dict[str, Any], obstacle: DeletionObstacle
) -> None:
    scene.change_source(**values)

    assert set(scene.obstacles.values()) == {obstacle}


def test_lists_of_the_provider_that_failed_or_are_old_prevent_all_deletions(scene: OrphanScene) -> None:
    scene.provider.upstream.show(server.status(500), "/v2/voices", times=1)
    scene.provider.sync(NOW)

    assert set(scene.obstacles.values()) == {DeletionObstacle.LISTS}


def test_an_orphan_that_appeared_shortly_before_the_platform_was_read_is_not_deleted(scene: OrphanScene) -> None:
    scene.change_listed("v1", created_at=NOW - HOUR)
    scene.change_listed("v2", created_at=NOW - HOUR + SECOND)

    assert (scene.obstacles["v1"], scene.obstacles["v2"]) == (None, DeletionObstacle.TOO_NEW)


def test_an_orphan_that_settings_of_any_assistant_name_is_not_deleted(scene: OrphanScene) -> None:
    other = make_organization("Globex")
    make_assistant(other, id=7, tts_provider="elevenlabs", tts_voice_id="v1")
    name_in_settings(7, "v2")

    assert scene.obstacles == {"v1": DeletionObstacle.IN_USE, "v2": DeletionObstacle.IN_USE, "v3": None}


def name_in_settings(assistant_id: int, id: str) -> None:
    with write_transaction():
        db.session.add(AssistantVoice(assistant_id=assistant_id, provider="elevenlabs", provider_voice_id=id))


# The deletion


def test_each_orphan_is_deleted_with_one_request_after_a_look_up_and_confirmed_by_another(scene: OrphanScene) -> None:
    before = len(scene.provider.upstream.requests)

    scene.delete()

    calls = [(request.method, request.path) for request in scene.provider.upstream.requests[before:]]
    expected = [(method, f"/v1/voices/{id}") for id in IDS for method in ("GET", "DELETE", "GET")]
    assert calls == [("GET", "/v1/user"), *expected]
    assert scene.states == dict.fromkeys(IDS, "deleted")
    assert scene.stopped == ""
    assert list(scene.find().rows) == []
    assert scene.provider.absent == set(IDS)


def test_only_the_chosen_orphans_are_deleted(scene: OrphanScene) -> None:
    scene.delete(["v2"])

    assert (scene.sent, scene.states, scene.deletable) == (["v2"], {"v2": "deleted"}, ["v1", "v3"])


def test_a_deletion_leaves_a_receipt_about_the_source_in_the_audit_log(start: Start) -> None:
    acme = make_organization("Acme")
    scene = start(organization_id=acme.id)

    scene.delete(["v1"])

    asked, sent, deleted = [*list_events("deletion-requested"), *list_events()]
    assert [asked["event_type"], sent["event_type"]] == ["deletion-requested", "voice-deletion-sent"]
    assert deleted["event_type"] == "voice-deleted"
    for event in (asked, sent, deleted):
        assert (event["object_kind"], event["object_id"]) == ("source", scene.source_id)
        assert (event["actor_name"], event["organization_id"]) == (BOB.name, acme.id)
    assert json.loads(deleted["after"]) == {
        "provider": "ElevenLabs",
        "provider_voice_id": "v1",
        "created_at": "2026-01-01T00:00:00Z",
        "name": "Voice v1",
        "result": "Deleted",
        "answer": "Answered 200. A look-up no longer finds it. The workspace of the key has no voice with this ID.",
    }


def test_an_orphan_of_inworld_which_tells_no_date_is_deleted(start: Start) -> None:
    scene = start(InworldWorld([make_inworld_voice("v1")]), kind=SourceKind.INWORLD, key=KEY)

    scene.delete()

    assert scene.states == {"acme__v1": "deleted"}


# What happens between the confirmation and the deletion, and why nothing is sent then.
BETWEEN: dict[str, tuple[Callable[[OrphanScene], Any], str]] = {
    "an assistant takes it up": (
        lambda _: make_assistant(make_organization(), tts_provider="elevenlabs", tts_voice_id="v1"),
        DeletionObstacle.IN_USE.label,
    ),
    "settings name it": (
        lambda _: name_in_settings(make_assistant(make_organization()).id, "v1"),
        DeletionObstacle.IN_USE.label,
    ),
    "the platform names it": (
        lambda _: make_voice(make_organization(), provider_voice_id="v1"),
        DeletionObstacle.NAMED.label,
    ),
    "the list lacks it": (lambda scene: scene.change_listed("v1", absent_since=NOW), DeletionObstacle.GONE.label),
    "the platform fails": (
        lambda scene: scene.change_source(scene.platform_id, failing_since=NOW),
        DeletionObstacle.PLATFORM.label,
    ),
    "deletion is forbidden": (
        lambda scene: forbid_deletion(EVERYTHING, scene.source_id, by=SHELL, now=NOW),
        DeletionObstacle.NOT_ALLOWED.label,
    ),
    "it is listed with another date": (
        lambda scene: scene.change_listed("v1", created_at=NOW - DAY),
        "Another source lists it than when its deletion was confirmed.",
    ),
}


@pytest.mark.parametrize(("change", "message"), BETWEEN.values(), ids=BETWEEN)
def test_an_orphan_that_changed_since_the_confirmation_is_not_deleted(
    scene: OrphanScene, change: Callable[[OrphanScene], Any], message: str
) -> None:
    request_id = scene.request(["v1"])
    change(scene)

    scene.build_run(request_id).run()

    assert (scene.sent, scene.states, scene.message("v1")) == ([], {"v1": "refused"}, message)


def test_an_assistant_that_takes_an_orphan_up_during_the_look_up_keeps_it(scene: OrphanScene, app: Flask) -> None:
    def take_up(response: server.Response) -> server.Response:
        with app.app_context():
            make_assistant(make_organization(), tts_provider="elevenlabs", tts_voice_id="v1")
        return response

    request_id = scene.request(["v1"])
    scene.provider.upstream.show(take_up, "/v1/voices/v1", times=1, method="GET")
    scene.build_run(request_id).run()

    assert (scene.sent, scene.message("v1")) == ([], DeletionObstacle.IN_USE.label)


def test_a_voice_that_was_created_again_is_not_deleted_for_its_predecessor(scene: OrphanScene) -> None:
    request_id = scene.request(["v1"])
    scene.provider.world.voices[0]["created_at_unix"] += 60

    scene.build_run(request_id).run()

    assert (scene.sent, scene.states) == ([], {"v1": "refused"})
    assert scene.message("v1").startswith("Nothing was sent. The provider has another voice with this ID: created")


FAULTS: dict[str, tuple[server.Fault, bool, str]] = {
    "in use": (server.status(409, {"detail": {"message": "The voice is in use."}}), False, "refused"),
    "lost, not deleted": (server.lose, False, "unconfirmed"),
    "lost, deleted": (server.lose, True, "deleted"),
}


@pytest.mark.parametrize(("fault", "is_carried_out", "state"), FAULTS.values(), ids=FAULTS)
def test_after_a_fault_the_look_up_decides_and_nothing_is_sent_again(
    scene: OrphanScene, fault: server.Fault, is_carried_out: bool, state: str
) -> None:
    scene.provider.upstream.show(fault, "/v1/voices/v1", method="DELETE", is_carried_out=is_carried_out)

    scene.delete(["v1"])

    assert (scene.sent, scene.states) == (["v1"], {"v1": state})
    assert ("in use" in scene.message("v1")) is (state == "refused")


def test_an_unconfirmed_deletion_is_looked_up_or_confirmed_again_but_not_repeated(scene: OrphanScene) -> None:
    scene.provider.upstream.show(server.lose, "/v1/voices/v1", method="DELETE", is_carried_out=False, times=1)
    scene.delete(["v1"])

    scene.check()
    assert (scene.sent, scene.states, scene.deletable) == (["v1"], {"v1": "unconfirmed"}, ["v2", "v3"])

    scene.delete(is_again=True)
    assert (scene.sent, scene.states) == (["v1", "v1"], {"v1": "deleted"})


def test_an_orphan_whose_deletion_another_source_of_the_account_has_sent_is_not_deleted_twice(
    scene: OrphanScene, app: Flask
) -> None:
    scene.provider.upstream.show(server.lose, "/v1/voices/v1", method="DELETE", is_carried_out=False)
    scene.delete(["v1"])

    second = build_orphans(scene.provider.world, scene.provider.upstream, app.config["VOICEADMIN"])

    assert second.obstacles == {"v1": DeletionObstacle.OTHER, "v2": None, "v3": None}


def test_another_number_or_another_choice_deletes_nothing(scene: OrphanScene) -> None:
    for ids, count in ((IDS, 2), (["v1", "unknown"], 2), ([], 0)):
        with pytest.raises(SelectionChanged):
            request_orphan_deletion(EVERYTHING, scene.source_id, ids, count, by=BOB, now=NOW)

    assert scene.states == {}


def test_a_request_is_created_once_and_excludes_another_one(scene: OrphanScene) -> None:
    first = scene.request(["v1"])

    assert request_orphan_deletion(EVERYTHING, scene.source_id, ["v2"], 1, by=BOB, now=NOW) == first
    with pytest.raises(ChangeRefused, match="A deletion at ElevenLabs is under way"):
        request_orphan_deletion(EVERYTHING, scene.source_id, ["v2"], 1, is_again=True, by=BOB, now=NOW)
    assert scene.states == {"v1": "waiting"}


def test_a_cancelled_request_leaves_the_orphans(scene: OrphanScene) -> None:
    scene.request()

    assert cancel_orphan_deletion(EVERYTHING, scene.source_id, by=BOB, now=NOW) == 3

    assert scene.states == dict.fromkeys(IDS, "cancelled")
    assert scene.deletable == IDS


def test_removing_the_source_ends_its_request(scene: OrphanScene) -> None:
    request_id = scene.request()

    remove_source(EVERYTHING, scene.source_id, by=SHELL, now=NOW)
    scene.build_run(request_id).run()

    assert scene.sent == []
    assert scene.stopped == "The source was removed before anything was sent."


def test_orphans_of_others_and_of_the_platform_cannot_be_deleted(scene: OrphanScene) -> None:
    acme = Scope(frozenset({make_organization().id}))

    with pytest.raises(SourceNotFound):
        request_orphan_deletion(acme, scene.source_id, IDS, 3, by=BOB, now=NOW)
    with pytest.raises(SourceRefused):
        request_orphan_deletion(EVERYTHING, scene.platform_id, IDS, 3, by=BOB, now=NOW)


def test_an_orphan_that_the_provider_lists_again_can_be_deleted_again(scene: OrphanScene) -> None:
    scene.delete(["v1"])
    scene.provider.world.voices.append(make_listed("v1"))
    scene.provider.sync(NOW)

    scene.delete(["v1"])

    assert (scene.sent, scene.states) == (["v1", "v1"], {"v1": "deleted"})
