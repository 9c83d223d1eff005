"""Once sources have changed, no stored verdict holds that could depend on them, until the voices are judged again."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select, text, update

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.listed import THRESHOLDS, World, connect, make_world, renew, resets
from tests.sources.actions.providers import MINUTE, add_provider, name_voices
from tests.sources.clients.conftest import Run
from tests.upstream.elevenlabs import ElevenLabsWorld, make_voice
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.sources.actions import judging
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.judging import judge_source
from voiceadmin.sources.actions.managing import check_source, create_source, disable_source, enable_source
from voiceadmin.sources.actions.resetting import KEPT_FOR, remove_old_resets
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.facts import read_facts
from voiceadmin.sources.models import ProviderListing, Source
from voiceadmin.sources.types import NewSource, SourceKind
from voiceadmin.triage.queries.counts import count_reasons
from voiceadmin.triage.queries.queue import list_queue_refs
from voiceadmin.triage.types import QueueFilters, TriageAction
from voiceadmin.voices.models import VoiceVerdict

LATER = NOW + MINUTE
BY: dict[str, Any] = {"by": SHELL, "now": LATER}
WITHHELD = json.dumps({"absent": ["own"], "lacking": []})


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


def count_missing() -> int:
    """The number of voices that Triage shows as missing or at another provider, acknowledged ones left out."""
    db.session.rollback()
    filters = QueueFilters(reasons=("missing",))
    count = count_reasons(EVERYTHING, filters, THRESHOLDS, now=NOW)["missing"]
    assert len(list_queue_refs(EVERYTHING, filters, THRESHOLDS, now=NOW, limit=9)) == count
    return count


def create(world: World) -> None:
    new = NewSource(world.acme.id, SourceKind.ELEVENLABS, "New", "https://api.elevenlabs.io", "UPSTREAM_KEY_NEW")
    create_source(EVERYTHING, new, current_app.config["VOICEADMIN"], **BY)


def believe(world: World) -> None:
    change(update(ProviderListing).values(result="withheld", withheld=WITHHELD).filter_by(source_id=world.own))
    believe_list(EVERYTHING, world.own, hash_withheld(WITHHELD), **BY)


def accept(world: World) -> None:
    change(update(Source).values(account_changed_at=NOW).filter_by(id=world.own))
    accept_account(EVERYTHING, world.own, **BY)


def enable(world: World) -> None:
    change(update(Source).values(disabled_at=NOW).filter_by(id=world.own))
    enable_source(EVERYTHING, world.own, **BY)


def change(statement: Any) -> None:
    with write_transaction():
        db.session.execute(statement)


CHANGES: dict[str, Callable[[World], Any]] = {
    "create": create,
    "disable": lambda world: disable_source(EVERYTHING, world.own, **BY),
    "enable": enable,
    "remove": lambda world: remove_source(EVERYTHING, world.own, **BY),
    "believe": believe,
    "accept": accept,
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_of_a_source_resets_the_verdicts_of_its_owner(world: World, name: str) -> None:
    assert world.stored() == {"platform": "in-step", "own": "in-step", "gone": "missing", "moved": "wrong-provider"}
    assert (resets(), count_missing()) == ([], 2)

    CHANGES[name](world)

    assert (resets(), world.stored(), count_missing()) == ([("elevenlabs", world.acme.id, False)], {}, 0)
    renew()
    assert world.stored() == world.on_pages()


def test_a_change_that_fails_resets_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(db.session, "commit", fail)
    with pytest.raises(RuntimeError):
        disable_source(EVERYTHING, world.own, **BY)

    assert (resets(), count_missing()) == ([], 2)


def test_a_test_of_the_key_resets_verdicts_only_if_it_finds_another_account(app: Flask, run: Run) -> None:
    stand_in = ElevenLabsWorld([make_voice("v1")])
    provider = add_provider(SourceKind.ELEVENLABS, stand_in, run(stand_in.start()), app.config["VOICEADMIN"])
    check = {"environ": {"UPSTREAM_KEY_PROVIDER": "key"}, **BY}
    renew()
    check_source(EVERYTHING, provider.source_id, provider.settings, **check)
    assert resets() == [("elevenlabs", None, True)]  # of the creation

    stand_in.workspace_id = "workspace-2"
    check_source(EVERYTHING, provider.source_id, provider.settings, **check)

    assert resets() == [("elevenlabs", None, False)]


def test_a_disabled_source_may_have_what_a_stored_verdict_calls_missing(world: World) -> None:
    disable_source(EVERYTHING, world.platform, **BY)

    assert (world.stored(), count_missing()) == ({}, 0)
    renew()
    assert world.stored() == world.on_pages() == {"own": "in-step"}


def test_a_voice_that_only_a_removed_source_listed_is_not_in_step(world: World) -> None:
    remove_source(EVERYTHING, world.own, **BY)

    assert "own" not in world.stored()
    renew()
    assert world.stored() == world.on_pages() == {"platform": "in-step", "gone": "missing", "moved": "wrong-provider"}


def test_another_provider_resets_only_what_can_depend_on_it(world: World) -> None:
    late = connect("cartesia", "gone", disabled_at=NOW)
    disable_source(EVERYTHING, world.other, **BY)
    kept = {"platform": "in-step", "own": "in-step", "gone": "missing"}
    assert world.stored() == kept
    renew()
    assert world.stored() == kept

    enable_source(EVERYTHING, late, **BY)

    assert world.stored() == {"platform": "in-step", "own": "in-step"}
    renew()
    assert world.stored() == world.on_pages() == kept | {"gone": "wrong-provider"}


@pytest.mark.parametrize("is_disabled_first", [True, False])
def test_another_provider_that_is_removed_resets_what_its_lists_had(world: World, *, is_disabled_first: bool) -> None:
    if is_disabled_first:
        disable_source(EVERYTHING, world.other, **BY)
        renew()
    remove_source(EVERYTHING, world.other, **BY)

    assert world.stored() == {"platform": "in-step", "own": "in-step", "gone": "missing"}
    renew()
    assert world.stored() == world.on_pages()
    assert world.stored()["moved"] == "missing"


def test_a_source_that_is_enabled_again_brings_verdicts_back_with_their_time_and_mutes(world: World) -> None:
    refs = (ObjectRef(ObjectKind.VOICE, world.ids["gone"]),)
    request = ActionRequest(TriageAction.ACKNOWLEDGE, refs, "acknowledge", 10**6)
    apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=NOW)
    before = [world.stored(), read_times(VoiceVerdict.since), count_missing()]
    assert before[2] == 1
    for source_id in (world.own, world.platform):
        disable_source(EVERYTHING, source_id, **BY)
    renew(LATER)
    for source_id in (world.own, world.platform):
        enable_source(EVERYTHING, source_id, **BY)
    assert (world.stored(), read_times(VoiceVerdict.judged_at)) == ({}, {NOW})

    renew(LATER + MINUTE)

    assert [world.stored(), read_times(VoiceVerdict.since), count_missing()] == before
    assert read_times(VoiceVerdict.judged_at) == {LATER + MINUTE}


def read_times(column: Any) -> set[Any]:
    """The times of all stored verdicts."""
    db.session.rollback()
    return set(db.session.scalars(select(column)))


def test_verdicts_that_hold_are_not_written_again(world: World) -> None:
    globex = make_organization("Globex")
    name_voices(globex, ["platform"])
    judge_source(world.platform, "elevenlabs", None, THRESHOLDS, now=NOW)
    disable_source(EVERYTHING, world.own, **BY)

    renew(LATER)

    db.session.rollback()
    judged_at = db.session.execute(select(VoiceVerdict.organization_id, VoiceVerdict.judged_at).distinct()).all()
    assert sorted(map(tuple, judged_at)) == [(world.acme.id, LATER), (globex.id, NOW)]


def test_a_merge_and_its_undo_reset_the_verdicts_of_both_organizations(world: World) -> None:
    globex = make_organization("Globex")
    moved = name_voices(globex, ["platform"])["platform"]
    judge_source(world.platform, "elevenlabs", None, THRESHOLDS, now=NOW)

    merge_id = merge_organizations(EVERYTHING, globex.id, world.acme.id, **BY)
    assert world.stored() == {}
    assert resets() == [("elevenlabs", world.acme.id, False), ("resemble", world.acme.id, False)]
    renew()
    assert world.stored()["platform"] == "duplicate"
    undo_merge(EVERYTHING, merge_id, **BY)

    everything = World(world.acme, 0, 0, 0, {**world.ids, "": moved})
    assert everything.stored() == {}
    renew()
    assert everything.stored() == everything.on_pages()
    assert len(everything.stored()) == 5


def test_a_new_reset_replaces_those_that_it_includes(world: World) -> None:
    for source_id in (world.own, world.platform, world.own, world.own, world.other):
        change(update(Source).values(disabled_at=None))
        disable_source(EVERYTHING, source_id, **BY)

    assert resets() == [("elevenlabs", None, False), ("elevenlabs", world.acme.id, False), ("resemble", None, False)]
    disable_source(EVERYTHING, world.platform, **BY)
    assert resets() == [("resemble", None, False), ("elevenlabs", None, False)]


def test_a_reset_is_removed_long_after_it_was_judged_unless_a_verdict_is_older(world: World) -> None:
    globex = make_organization("Globex")
    name_voices(globex, ["platform"])
    judge_source(world.platform, "elevenlabs", None, THRESHOLDS, now=NOW)
    unread = connect("elevenlabs", organization_id=globex.id)
    change(update(ProviderListing).values(complete_at=None).filter_by(source_id=unread))
    disable_source(EVERYTHING, world.platform, **BY)
    enable_source(EVERYTHING, world.platform, **BY)
    renew(LATER)

    for now in (LATER + KEPT_FOR - MINUTE, LATER + KEPT_FOR):
        remove_old_resets("elevenlabs", now=now)
        assert resets() == [("elevenlabs", None, True)]  # the voice of Globex could not be judged
    remove_source(EVERYTHING, unread, **BY)
    renew(LATER)
    remove_old_resets("elevenlabs", now=LATER + KEPT_FOR - MINUTE)
    assert len(resets()) == 2
    remove_old_resets("elevenlabs", now=LATER + KEPT_FOR)
    assert resets() == []


@pytest.mark.databases("postgresql")
def test_a_change_during_a_judgement_resets_what_that_writes(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(text("UPDATE voice_verdict SET message = ''"))

    def disable() -> None:
        with app.app_context():
            disable_source(EVERYTHING, world.own, by=SHELL, now=NOW - MINUTE)  # its clock is behind

    def read_and_disable(*arguments: Any, **options: Any) -> Any:
        facts = read_facts(*arguments, **options)
        facts.find_lists("elevenlabs", world.acme.id)
        thread = Thread(target=disable)
        thread.start()
        thread.join()
        return facts

    monkeypatch.setattr(judging, "read_facts", read_and_disable)
    assert judge_source(world.platform, "elevenlabs", None, THRESHOLDS, now=NOW) == 4

    assert world.stored() == {}
