"""Deleting voices at a provider: sent once, confirmed by a look-up only, and never for a voice that must stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import stamina
from flask import Flask
from sqlalchemy import text, update

from tests.cleanup.actions.deletions import IDS, Scene, build_scene, list_events, make_workspace
from tests.cleanup.actions.plans.scenario import BOB, THRESHOLDS
from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_assistant, make_organization, make_voice, name_voice
from tests.source_rows import make_source
from tests.sources.actions.providers import MINUTE
from tests.upstream import cartesia, elevenlabs, inworld, resemble, server
from tests.upstream.server import Fault, StandIn
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion
from voiceadmin.cleanup.actions.plans import undo_plan
from voiceadmin.cleanup.models import DeletionRequest
from voiceadmin.cleanup.types.deletions import DeletionObstacle
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import disable_source
from voiceadmin.sources.actions.permissions import forbid_deletion
from voiceadmin.sources.types import SourceKind, SyncResult
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.verdicts import Verdict
from voiceadmin.voices.verdict_queries import read_verdicts

pytestmark = pytest.mark.usefixtures("now")

Start = Callable[..., Scene]


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def start(app: Flask, acme: Organization) -> Iterator[Start]:
    """Return a function that archives the voices of a workspace with a plan."""
    with stamina.set_testing(True, attempts=1), ExitStack() as stack:

        def start_scene(world: Any = None, **options: Any) -> Scene:
            world = world or make_workspace(options.get("ids", IDS))
            upstream: StandIn = stack.enter_context(world.start().run())
            return build_scene(acme, upstream, world, app.config["VOICEADMIN"], **options)

        yield start_scene


@pytest.fixture
def scene(start: Start) -> Scene:
    return start()


def test_each_voice_is_deleted_with_one_request_after_a_look_up_and_confirmed_by_another(scene: Scene) -> None:
    before = len(scene.upstream.requests)

    scene.delete()

    calls = [(request.method, request.path) for request in scene.upstream.requests[before:]]
    expected = [(method, f"/v1/voices/{id}") for id in IDS for method in ("GET", "DELETE", "GET")]
    assert calls == [("GET", "/v1/user"), *expected]
    assert scene.states == dict.fromkeys(IDS, "deleted")
    assert scene.marked == set(scene.voices.values())
    assert [voice["voice_id"] for voice in scene.world.voices] == ["other"]
    assert scene.stopped == ""
    assert scene.waited == [1.0, 1.0, 1.0]


def test_a_deletion_leaves_a_receipt_in_the_audit_log(scene: Scene) -> None:
    scene.delete()

    sent, deleted, *_ = list_events()
    assert [sent["event_type"], deleted["event_type"]] == ["voice-deletion-sent", "voice-deleted"]
    assert (deleted["actor_name"], deleted["organization_id"]) == (BOB.name, scene.acme.id)
    assert (deleted["object_id"], deleted["at"]) == (scene.voices["v1"], NOW)
    assert json.loads(deleted["after"]) == {
        "provider": "ElevenLabs",
        "provider_voice_id": "v1",
        "created_at": "2026-01-01T00:00:00Z",
        "plan": scene.plan_id,
        "result": "Deleted",
        "answer": "Answered 200. A look-up no longer finds it. The workspace of the key has no voice with this ID.",
    }


def test_the_next_sync_believes_the_list_without_the_deleted_voices(start: Start) -> None:
    ids = [f"v{number}" for number in range(8)]
    scene = start(ids=ids)
    scene.delete()

    report = scene.provider.sync(NOW + MINUTE)

    assert report.result is SyncResult.COMPLETE
    assert scene.provider.absent == set(ids)


def test_a_deleted_voice_is_judged_with_the_result(scene: Scene) -> None:
    before = read_verdicts([scene.voices["v1"]], now=NOW)[scene.voices["v1"]]

    scene.delete()

    after = read_verdicts([scene.voices["v1"]], now=NOW)[scene.voices["v1"]]
    assert (before.verdict, after.verdict) == (Verdict.ARCHIVED_BUT_PAID, Verdict.IN_STEP)


PROVIDERS: dict[str, tuple[SourceKind, Any, str, str]] = {
    "resemble": (SourceKind.RESEMBLE, lambda: resemble.ResembleWorld([resemble.make_voice("v1")]), "v1", "key"),
    "inworld": (SourceKind.INWORLD, lambda: inworld.InworldWorld([inworld.make_voice("v1")]), "acme__v1", inworld.KEY),
    "inworld, professional": (
        SourceKind.INWORLD,
        lambda: inworld.InworldWorld(professional=[inworld.make_professional("v1", "READY")]),
        "acme__v1",
        inworld.KEY,
    ),
    "cartesia": (SourceKind.CARTESIA, lambda: cartesia.CartesiaWorld([cartesia.make_voice("v1")]), "v1", "key"),
}


@pytest.mark.parametrize(("kind", "make_world", "id", "key"), PROVIDERS.values(), ids=PROVIDERS)
def test_the_last_voice_of_every_provider_is_deleted(
    start: Start, kind: SourceKind, make_world: Callable[[], Any], id: str, key: str
) -> None:
    scene = start(make_world(), kind=kind, ids=[id], key=key)

    scene.delete()

    assert (scene.states, scene.deleted) == ({id: "deleted"}, [id])


# Faults of the provider: whether it deletes the voice all the same, and the state.
FAULTS: dict[str, tuple[Fault, bool, str]] = {
    "in-use": (server.status(409, {"detail": {"message": "The voice is in use."}}), False, "refused"),
    "failed": (server.status(500), False, "unconfirmed"),
    "after-failed": (server.status(500), True, "deleted"),
    "lost": (server.lose, False, "unconfirmed"),
    "after-lost": (server.lose, True, "deleted"),
    "ignored": (lambda response: response, False, "unconfirmed"),
    "absent-after": (server.status(404, {"detail": {"status": "voice_not_found"}}), True, "deleted"),
    "still-there": (server.status(404, {"detail": {"status": "voice_not_found"}}), False, "unconfirmed"),
}


def test_after_a_fault_the_look_up_decides_and_nothing_is_sent_again(start: Start) -> None:
    scene = start(ids=list(FAULTS))
    for id, (fault, is_carried_out, _) in FAULTS.items():
        scene.upstream.show(fault, f"/v1/voices/{id}", method="DELETE", is_carried_out=is_carried_out)

    scene.delete()

    assert sorted(scene.deleted) == sorted(FAULTS)
    assert scene.states == {id: state for id, (_, _, state) in FAULTS.items()}
    assert scene.marked == {scene.voices[id] for id, state in scene.states.items() if state == "deleted"}
    assert scene.stopped == ""
    results = {event["object_id"]: event["event_type"] for event in list_events()}
    assert results == {
        scene.voices[id]: "voice-deleted" if state == "deleted" else "voice-deletion-failed"
        for id, state in scene.states.items()
    }


STOPPING = {
    "right missing": server.status(401, {"detail": {"status": "missing_permissions", "message": "No voices_write."}}),
    "too many requests": server.status(429),
}


@pytest.mark.parametrize("fault", STOPPING.values(), ids=STOPPING)
def test_a_fault_that_the_next_voices_would_meet_ends_the_request(scene: Scene, fault: Fault) -> None:
    scene.upstream.show(fault, method="DELETE", is_carried_out=False)

    scene.delete()

    assert scene.deleted == ["v1"]
    assert scene.states == {"v1": "refused", "v2": "cancelled", "v3": "cancelled"}
    assert scene.stopped.startswith("Stopped: 127.0.0.1 answered 4")
    assert scene.count() == 3


def test_a_voice_that_is_still_found_after_an_accepted_deletion_is_looked_up_again(scene: Scene) -> None:
    path = "/v1/voices/v1"
    stale = server.as_json(elevenlabs.make_voice("v1"))
    scene.upstream.show(lambda response: response, path, times=1, method="GET")  # the look-up before
    scene.upstream.show(lambda _: stale, path, times=1, method="GET")

    scene.delete()

    assert scene.states["v1"] == "deleted"
    assert scene.waited == [2.0, 1.0, 1.0, 1.0]


def test_a_look_up_that_proves_nothing_does_not_confirm_a_deletion(scene: Scene) -> None:
    path = "/v1/voices/v1"
    scene.upstream.show(lambda response: response, path, times=1, method="GET")
    scene.upstream.show(server.status(500), path, method="GET")

    scene.delete()

    assert scene.states == {"v1": "unconfirmed", "v2": "deleted", "v3": "deleted"}
    assert scene.message("v1").startswith("Answered 200. A look-up proves nothing:")
    assert scene.voices["v1"] not in scene.marked


def test_three_deletions_in_a_row_without_a_confirmation_end_the_request(start: Start) -> None:
    scene = start(ids=["v1", "v2", "v3", "v4"])
    scene.upstream.show(server.status(500), method="DELETE", is_carried_out=False)

    scene.delete()

    assert scene.deleted == ["v1", "v2", "v3"]
    assert scene.states["v4"] == "cancelled"
    assert "3 deletions in a row are not confirmed" in scene.stopped


# What the provider says right before a deletion. Nothing must be sent then.


def remove(scene: Scene, id: str = "v1") -> None:
    scene.world.voices = [voice for voice in scene.world.voices if voice["voice_id"] != id]


def replace_voice(scene: Scene, id: str, **fields: Any) -> None:
    remove(scene, id)
    scene.world.voices.append(elevenlabs.make_voice(id, **fields))


def train(scene: Scene, id: str) -> None:
    remove(scene, id)
    scene.world.voices.append(elevenlabs.make_professional(id, model="fine_tuning"))


AT_THE_PROVIDER: dict[str, tuple[Callable[[Scene, str], object], str]] = {
    "gone": (remove, "the provider does not have it"),
    "re-created": (lambda scene, id: replace_voice(scene, id, created_at_unix=1_767_225_601), "another voice with"),
    "undated": (lambda scene, id: replace_voice(scene, id, created_at_unix=None), "created unknown, not 2026-01-01"),
    "of-others": (lambda scene, id: replace_voice(scene, id, is_owner=False), "belongs to others"),
    "copied": (lambda scene, id: replace_voice(scene, id, sharing={"status": "copied"}), "belongs to others"),
    "stock": (lambda scene, id: replace_voice(scene, id, category="premade"), "belongs to others"),
    "unknown": (lambda scene, id: replace_voice(scene, id, category="hologram"), "state are unknown"),
    "training": (train, "still cloning or training"),
    "silent": (lambda scene, id: scene.upstream.show(server.status(500), f"/v1/voices/{id}"), "proves nothing"),
    "mixed-up": (
        lambda scene, id: scene.upstream.show(server.with_field("voice_id", "v2"), f"/v1/voices/{id}"),
        "proves nothing",
    ),
}


def test_a_voice_that_is_not_the_listed_one_is_not_deleted(start: Start) -> None:
    scene = start(ids=[*AT_THE_PROVIDER, "unchanged"])
    request = scene.request()
    for id, (change, _) in AT_THE_PROVIDER.items():
        change(scene, id)

    scene.build_run(request).run()

    assert scene.deleted == ["unchanged"]
    assert scene.states == dict.fromkeys(AT_THE_PROVIDER, "refused") | {"unchanged": "deleted"}
    wrong = {id: scene.message(id) for id, (_, message) in AT_THE_PROVIDER.items() if message not in scene.message(id)}
    assert wrong == {}
    assert scene.marked == {scene.voices["unchanged"]}


# What this database says between the confirmation and the deletion.


def act(scene: Scene, id: str, *actions: TriageAction) -> None:
    for minutes, action in enumerate(actions):
        request = ActionRequest(action, (ObjectRef(ObjectKind.VOICE, scene.voices[id]),), f"{id} {action}", 10**9)
        apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=NOW + minutes * MINUTE)


def use(scene: Scene, id: str = "v1", organization: Organization | None = None) -> None:
    make_assistant(organization or scene.acme, tts_provider="elevenlabs", tts_voice_id=id, active=False)


def name(scene: Scene, id: str) -> None:
    """Let the settings of an assistant, which speaks with another voice, name a voice."""
    name_voice(make_assistant(scene.acme, tts_provider="elevenlabs", tts_voice_id="another"), id)


def set_live_assistant(scene: Scene, id: str) -> None:
    """Set an assistant to a voice that its mode does not use."""
    make_assistant(scene.acme, tts_provider="elevenlabs", tts_voice_id=id, is_voice_spoken=False)


def delete_row(scene: Scene, id: str) -> None:
    db.session.rollback()
    db.session.execute(text("DELETE FROM cloned_voice WHERE id = :id"), {"id": scene.voices[id]})
    db.session.commit()


HERE: dict[str, tuple[Callable[[Scene, str], object], str]] = {
    "restored": (lambda scene, id: act(scene, id, TriageAction.RESTORE), "not-archived"),
    "by-hand": (lambda scene, id: act(scene, id, TriageAction.RESTORE, TriageAction.ARCHIVE), "not-archived"),
    "removed": (delete_row, "not-archived"),
    "moved": (lambda scene, id: scene.change(id, organization_id=make_organization().id), "not-archived"),
    "marked": (lambda scene, id: act(scene, id, TriageAction.MARK_DELETED), "marked"),
    "renamed": (lambda scene, id: scene.change(id, provider_voice_id="other"), "changed"),
    "cloned-again": (lambda scene, id: scene.change(id, created_at=NOW), "recloned"),
    "counted": (lambda scene, id: scene.change(id, synthesis_count=1), "used"),
    "used": (lambda scene, id: scene.change(id, last_used_at=NOW), "used"),
    "in-use": (use, "in-use"),
    "named": (name, "in-use"),
    "not-spoken": (set_live_assistant, "in-use"),
    "in-use-elsewhere": (lambda scene, id: use(scene, id, make_organization("Other")), "in-use"),
    "shared": (lambda scene, id: make_voice(scene.acme, provider_voice_id=id), "shared"),
    "shared-elsewhere": (lambda _, id: make_voice(make_organization("Third"), provider_voice_id=id), "shared"),
}


def test_a_voice_that_must_stay_is_neither_deleted_nor_counted(start: Start) -> None:
    scene = start(ids=[*HERE, "unchanged"])
    request = scene.request()
    for id, (change, _) in HERE.items():
        change(scene, id)

    scene.build_run(request).run()

    assert scene.deleted == ["unchanged"]
    assert scene.states == dict.fromkeys(HERE, "refused") | {"unchanged": "deleted"}
    found = {id: scene.obstacle(id) for id in HERE}
    assert found == {id: obstacle for id, (_, obstacle) in HERE.items()}
    assert scene.count() == 0


def test_nothing_is_deleted_while_the_settings_of_the_assistants_are_outdated(scene: Scene) -> None:
    make_source(scene.acme, kind="burki", read_at=NOW - 2 * DAY)
    request = scene.request()
    make_source(scene.acme, kind="burki", read_at=NOW - 3 * DAY)

    scene.build_run(request).run()

    assert scene.deleted == []
    assert scene.obstacle("v1") is DeletionObstacle.UNKNOWN_USE
    assert "not read completely in the last two days" in scene.message("v1")
    assert scene.count() == 0


SOURCE_CHANGES: dict[str, tuple[Callable[[Scene], object], str]] = {
    "forbidden": (
        lambda scene: forbid_deletion(EVERYTHING, scene.provider.source_id, by=SHELL, now=NOW),
        "not-allowed",
    ),
    "disabled": (lambda scene: disable_source(EVERYTHING, scene.provider.source_id, by=SHELL, now=NOW), "disabled"),
    "account changed": (lambda scene: scene.change_source(account_changed_at=NOW), "account"),
    "of others": (lambda scene: scene.change_source(organization_id=make_organization().id), "not-listed"),
    "removed": (lambda scene: remove_source(EVERYTHING, scene.provider.source_id, by=SHELL, now=NOW), "not-listed"),
    "plan undone": (
        lambda scene: undo_plan(EVERYTHING, scene.plan_id, THRESHOLDS, by=BOB, now=NOW, seconds=60),
        "not-archived",
    ),
}


@pytest.mark.parametrize(("change", "obstacle"), SOURCE_CHANGES.values(), ids=SOURCE_CHANGES)
def test_nothing_is_deleted_once_the_source_or_the_plan_does_not_permit_it(
    scene: Scene, change: Callable[[Scene], object], obstacle: str
) -> None:
    request = scene.request()
    change(scene)

    scene.build_run(request).run()

    assert scene.deleted == []
    assert {scene.obstacle(id) for id in IDS} == {obstacle}
    assert scene.count() == 0


def test_a_voice_without_a_date_in_the_list_is_not_deleted_although_the_provider_tells_dates(start: Start) -> None:
    world = make_workspace(["v2"])
    world.voices.append(elevenlabs.make_voice("v1", created_at_unix=None))
    scene = start(world, ids=["v1", "v2"])

    scene.delete()

    assert scene.obstacle("v1") == "no-date"
    assert scene.deleted == ["v2"]


def test_a_change_while_the_provider_is_asked_is_noticed(app: Flask, scene: Scene) -> None:
    """The look-up takes time. What changes meanwhile is seen right before the deletion is sent."""
    request = scene.request()

    def assign(response: server.Response) -> server.Response:
        with app.app_context():
            make_assistant(tts_provider="elevenlabs", tts_voice_id="v1")
        return response

    scene.upstream.show(assign, "/v1/voices/v1", times=1, method="GET")

    scene.build_run(request).run()

    assert scene.deleted == ["v2", "v3"]
    assert scene.message("v1") == "An assistant uses it, or names it in its settings."


def test_a_key_of_another_account_deletes_nothing(scene: Scene) -> None:
    request = scene.request()
    scene.world.workspace_id = "workspace-2"

    scene.build_run(request).run()

    assert scene.deleted == []
    assert scene.states == dict.fromkeys(IDS, "cancelled")
    assert "another account" in scene.stopped


# Deletions that are not confirmed


@pytest.fixture
def unconfirmed(scene: Scene) -> Scene:
    """The deletion of v1 is not confirmed: the answer was lost, and the voice is still there."""
    scene.upstream.show(server.lose, "/v1/voices/v1", method="DELETE", is_carried_out=False)
    scene.delete()
    scene.upstream.recover()
    return scene


def test_an_unconfirmed_deletion_is_not_sent_again_with_the_others(unconfirmed: Scene) -> None:
    assert unconfirmed.count() == 0
    assert unconfirmed.states["v1"] == "unconfirmed"


def test_checking_again_sends_no_deletion_and_confirms_what_is_absent(unconfirmed: Scene) -> None:
    sent = unconfirmed.deleted

    unconfirmed.check()
    still = unconfirmed.states["v1"], unconfirmed.message("v1")
    remove(unconfirmed)
    unconfirmed.check()

    assert still == ("unconfirmed", "Checked again: A look-up still finds it.")
    assert unconfirmed.states["v1"] == "deleted"
    assert unconfirmed.deleted == sent
    assert unconfirmed.voices["v1"] in unconfirmed.marked
    assert list_events()[-1]["event_type"] == "voice-deleted"


def test_a_voice_is_deleted_again_after_a_new_confirmation(unconfirmed: Scene) -> None:
    unconfirmed.delete(is_again=True, count=1)

    assert unconfirmed.states["v1"] == "deleted"
    assert unconfirmed.deleted == [*IDS, "v1"]


def test_a_voice_that_is_absent_by_then_is_not_deleted_again(unconfirmed: Scene) -> None:
    request = unconfirmed.request(1, is_again=True)
    remove(unconfirmed)

    unconfirmed.build_run(request).run()

    assert unconfirmed.states["v1"] == "deleted"
    assert unconfirmed.deleted == list(IDS)


def test_a_second_deletion_that_cannot_be_sent_leaves_the_first_unconfirmed(unconfirmed: Scene) -> None:
    request = unconfirmed.request(1, is_again=True)
    use(unconfirmed)
    unconfirmed.build_run(request).run()
    first = unconfirmed.states["v1"]
    db.session.rollback()
    db.session.execute(text("DELETE FROM assistant"))
    db.session.commit()
    unconfirmed.request(1, is_again=True)
    cancel_deletion(EVERYTHING, unconfirmed.plan_id, by=BOB, now=NOW)

    assert (first, unconfirmed.states["v1"]) == ("unconfirmed", "unconfirmed")
    assert unconfirmed.deleted == list(IDS)


# Several processes, and an end between two voices


def test_another_process_waits_until_the_first_has_ended(scene: Scene) -> None:
    request = scene.request()
    first = scene.build_run(request, "one", is_stopped=lambda: len(scene.deleted) == 1)
    seen: list[object] = []

    def try_second(_: float) -> None:
        with pytest.raises(ChangeRefused, match="Another process") as refused:
            scene.build_run(request, "two").run()
        seen.append(refused)

    first.wait = try_second
    first.run()
    sent = list(scene.deleted)
    scene.build_run(request, "two").run()

    assert (len(seen), sent) == (1, ["v1"])
    assert scene.deleted == ["v1", "v2", "v3"]


def test_what_a_dead_process_has_left_is_carried_out_ten_minutes_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scene.request()
    dead = {"holder": "dead", "holder_expires_at": NOW + timedelta(minutes=10)}
    db.session.execute(update(DeletionRequest).values(dead))
    db.session.commit()

    with pytest.raises(ChangeRefused, match="Another process"):
        scene.build_run(request).run()
    monkeypatch.setattr("voiceadmin.clock.now", lambda: NOW + timedelta(minutes=10))
    scene.build_run(request).run()

    assert scene.deleted == ["v1", "v2", "v3"]


def test_a_request_is_cancelled_between_two_voices(scene: Scene) -> None:
    request = scene.request()
    run = scene.build_run(request)
    run.wait = lambda _: cancel_deletion(EVERYTHING, scene.plan_id, by=BOB, now=NOW)

    run.run()

    assert scene.deleted == ["v1"]
    assert scene.states == {"v1": "deleted", "v2": "cancelled", "v3": "cancelled"}


def test_a_confirmation_holds_for_a_day_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    request = scene.request()
    monkeypatch.setattr("voiceadmin.clock.now", lambda: NOW + timedelta(days=1, seconds=1))

    scene.build_run(request).run()

    assert scene.deleted == []
    assert scene.states == dict.fromkeys(IDS, "cancelled")
    assert "older than 24 hours" in scene.stopped


def test_a_run_with_a_limit_is_continued_by_the_next_one(scene: Scene) -> None:
    request = scene.request()

    counts = [scene.build_run(request).run(limit=2) for _ in range(3)]

    assert counts == [2, 1, 0]
    assert scene.deleted == ["v1", "v2", "v3"]
