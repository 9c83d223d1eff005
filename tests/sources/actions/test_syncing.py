"""A sync writes what has changed at the platform, nothing else, and never a key or the data of others."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import make_assistant as make_local_assistant
from tests.factories import make_organization
from tests.factories import make_voice as make_local_voice
from tests.sources.actions.scenario import (
    Platform,
    add_platform,
    assistants,
    count_events,
    dump_all_but_runs,
    dump_as_text,
    missing,
    missing_since,
    newest_run,
    organizations,
    own_organization,
    owners,
    revisions,
    stored_voices,
)
from tests.sources.clients.conftest import Run
from tests.upstream.burki import ASSISTANTS, ORGANIZATION_ID, VOICES, BurkiWorld, make_assistant, make_voice
from tests.upstream.server import Response, with_field
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.errors import SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, AssistantVoice, Organization
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.models import SourceVoice, SyncRun
from voiceadmin.sources.types import SyncResult
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voices_body
from voiceadmin.voices.types.filters import VoiceQuery

LATER = NOW + timedelta(hours=1)
MUCH_LATER = NOW + timedelta(hours=2)


# First and second sync


def test_the_first_sync_creates_organization_assistants_and_voices(platform: Platform) -> None:
    platform.world.assistants[1] = make_assistant(32, "rachel", name="Day desk", is_active=False)

    report = platform.sync()

    assert report.result is SyncResult.COMPLETE
    assert (report.counts.assistants, report.counts.added, report.messages, report.faults) == (2, 10, (), ())
    assert organizations() == [(ORGANIZATION_ID, "Harbour")]
    assert assistants() == {
        31: ("Assistant 31", True, "elevenlabs", "rachel"),
        32: ("Day desk", False, "elevenlabs", "rachel"),
    }


def test_the_stored_list_is_that_of_the_platform(platform: Platform) -> None:
    platform.sync()

    _, body = build_voices_body(own_organization(platform), VoiceQuery())

    listed = {voice["id"]: voice for voice in json.loads(body)["cloned_voices"]}
    assert listed == {voice["id"]: voice for voice in platform.voices}


def test_a_second_sync_without_news_writes_nothing_but_its_run(platform: Platform) -> None:
    platform.sync()
    before, events, former = dump_all_but_runs(), count_events(), revisions()
    platform.upstream.requests.clear()

    report = platform.sync(LATER)

    assert (report.result, report.counts.unchanged) == (SyncResult.COMPLETE, 10)
    assert (count_events(), revisions()) == (events, former)
    assert dump_all_but_runs() == before


def test_the_etag_moves_only_with_news(platform: Platform) -> None:
    platform.sync()
    organization_id = own_organization(platform)
    first = build_voices_body(organization_id, VoiceQuery())
    db.session.rollback()

    platform.sync(LATER)
    same = build_voices_body(organization_id, VoiceQuery())
    db.session.rollback()
    platform.voices[0]["synthesis_count"] = 5
    platform.sync(MUCH_LATER)
    other = build_voices_body(organization_id, VoiceQuery())

    assert same == first
    assert other[0] != first[0]


def test_changed_and_new_voices_are_written(platform: Platform) -> None:
    platform.sync()
    platform.voices[2] |= {"name": "Renamed", "status": "failed", "quality_score": None}
    platform.voices.append(make_voice(900))

    report = platform.sync(LATER)

    assert (report.counts.added, report.counts.changed, report.counts.unchanged) == (1, 1, 9)
    assert json.loads(stored_voices()[803])["name"] == "Renamed"
    assert missing_since(platform.source_id)[900] is None


def test_voices_whose_counter_goes_back_are_counted(platform: Platform) -> None:
    for voice in platform.voices[:3]:
        voice["synthesis_count"] = 5
    platform.sync()
    platform.voices[0]["synthesis_count"], platform.voices[1]["synthesis_count"] = 0, 6
    platform.voices[2]["name"] = "Renamed"

    counts = platform.sync(LATER).counts

    assert (counts.changed, counts.reset) == (3, 1)
    assert counts.describe_changes() == ("3 voices changed", "1 voice counts from zero again")


def test_changed_assistants_are_written(platform: Platform) -> None:
    platform.sync()
    platform.world.assistants[0] = make_assistant(31, "provider-voice-801", name="Night desk")

    assert platform.sync(LATER).counts.assistants == 1
    assert assistants()[31] == ("Night desk", True, "elevenlabs", "provider-voice-801")


def test_voices_that_settings_name_besides_the_spoken_one_are_stored_with_the_assistant(platform: Platform) -> None:
    settings = {"provider": "inworld", "voice_id": "former", "provider_config": {"custom_voice_id": "acme__now"}}
    platform.world.assistants[0]["tts_settings"] = settings
    platform.sync()
    assert assistants()[31][2:] == ("inworld", "acme__now")
    assert other_voices() == [(31, "inworld", "former")]
    assert platform.sync(LATER).counts.assistants == 0

    settings["voice_id"] = ""

    assert platform.sync(MUCH_LATER).counts.assistants == 1
    assert other_voices() == []


def test_whether_the_mode_of_an_assistant_uses_its_tts_settings_is_stored(platform: Platform) -> None:
    platform.sync()
    platform.world.assistants[0]["voice_mode"] = "openai_live"

    assert platform.sync(LATER).counts.assistants == 1
    assert dict(db.session.execute(select(Assistant.id, Assistant.is_voice_spoken)).all())[31] is False
    assert assistants()[31][2:] == ("elevenlabs", "rachel")
    assert platform.sync(MUCH_LATER).counts.assistants == 0


def other_voices() -> list[tuple[int, str, str]]:
    """The voices that assistants name besides the one that callers hear."""
    db.session.rollback()
    columns = (AssistantVoice.assistant_id, AssistantVoice.provider, AssistantVoice.provider_voice_id)
    return [(id, provider, voice_id) for id, provider, voice_id in db.session.execute(select(*columns))]


def test_a_voice_archived_here_stays_archived_and_keeps_its_upstream_status(platform: Platform) -> None:
    platform.sync()
    request = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 801),), "form-1", 0)
    apply_action(EVERYTHING, request, AttentionThresholds(), by=SHELL, now=NOW)
    platform.voices[0]["status"] = "failed"

    report = platform.sync(LATER)

    voice = db.session.get_one(ClonedVoice, 801)
    assert (voice.status.value, voice.upstream_status) == ("archived", "failed")
    assert report.counts.changed == 1
    assert platform.sync(MUCH_LATER).counts.unchanged == 10


def test_ids_as_text_and_a_list_without_an_object_are_read(platform: Platform) -> None:
    platform.world.has_text_ids = platform.world.has_bare_voices = True
    platform.world.has_wrapped_assistants = True

    report = platform.sync()

    assert (report.result, report.counts.added, report.counts.assistants) == (SyncResult.COMPLETE, 10, 2)


def test_only_the_named_assistants_are_written(app: Flask, world: BurkiWorld, run: Run) -> None:
    platform = add_platform(world, run(world.start()), app.config["VOICEADMIN"], assistant_ids=(32,))

    platform.sync()

    assert list(assistants()) == [32]


def test_an_organization_without_assistants_is_not_written(platform: Platform) -> None:
    platform.world.assistants.clear()

    report = platform.sync()

    assert report.result is SyncResult.FAILED
    assert "has no assistants" in report.messages[0]
    assert (organizations(), stored_voices(), report.counts.assistants) == ([], {}, 0)


# Missing voices


def test_a_voice_that_a_complete_list_lacks_is_missing_since_that_sync(platform: Platform) -> None:
    platform.sync()
    removed = platform.voices.pop(3)

    first, second = platform.sync(LATER), platform.sync(MUCH_LATER)

    assert (first.counts.missing, second.counts.missing) == (1, 0)
    assert missing_since(platform.source_id)[removed["id"]] == LATER
    assert removed["id"] in stored_voices()


def test_a_voice_that_is_listed_again_is_not_missing_any_more(platform: Platform) -> None:
    platform.sync()
    removed = platform.voices.pop(3)
    platform.sync(LATER)
    platform.voices.append(removed)

    report = platform.sync(MUCH_LATER)

    assert report.counts.returned == 1
    assert missing(platform.source_id) == set()


WITHHELD_CASES = {
    "5 of 10": (10, 5, True),
    "4 of 10": (10, 4, False),
    "5 of 17": (17, 5, False),
    "5 of 16": (16, 5, True),
    "all of 2": (2, 2, True),
    "1 of 2": (2, 1, False),
}


@pytest.mark.parametrize(("known", "gone", "is_withheld"), WITHHELD_CASES.values(), ids=WITHHELD_CASES)
def test_many_voices_that_are_missing_at_once_do_not_count_as_missing(
    platform: Platform, known: int, gone: int, is_withheld: bool
) -> None:
    platform.voices[:] = [make_voice(number) for number in range(1, known + 1)]
    platform.sync()
    del platform.voices[:gone]

    report = platform.sync(LATER)

    assert missing(platform.source_id) == (set() if is_withheld else set(range(1, gone + 1)))
    assert report.result is (SyncResult.INCOMPLETE if is_withheld else SyncResult.COMPLETE)
    assert ("Too many voices are missing at once" in "".join(report.messages)) is is_withheld


def test_no_voice_counts_as_missing_if_a_record_cannot_be_used(platform: Platform) -> None:
    platform.sync()
    removed = platform.voices.pop(3)
    platform.voices[0]["quality_score"] = 7
    platform.voices[1]["name"] = "Renamed"

    report = platform.sync(LATER)

    assert (report.result, report.counts.refused, report.counts.changed) == (SyncResult.INCOMPLETE, 1, 1)
    assert "1 record could not be used" in report.messages[0]
    assert "Record 1, quality_score: 7" in report.faults[0]
    assert missing(platform.source_id) == set()
    platform.voices[0]["quality_score"] = None
    platform.sync(MUCH_LATER)
    assert missing(platform.source_id) == {removed["id"]}


def test_a_voice_that_another_sync_finds_meanwhile_is_not_missing(app: Flask, platform: Platform) -> None:
    platform.sync()

    def sync_meanwhile(response: Response) -> Response:
        with app.app_context():
            platform.voices.append(make_voice(900))
            platform.sync(LATER)
        return response

    platform.upstream.show(sync_meanwhile, VOICES, times=1)
    platform.sync(LATER)

    assert 900 in missing_since(platform.source_id)
    assert missing(platform.source_id) == set()


def test_a_list_that_goes_on_elsewhere_makes_nobody_missing(platform: Platform) -> None:
    platform.sync()
    platform.voices.pop()
    platform.upstream.show(with_field("has_more", True), VOICES)

    report = platform.sync(LATER)

    assert report.result is SyncResult.INCOMPLETE
    assert "there are more voices" in report.messages[0]
    assert missing(platform.source_id) == set()


# Other organizations


def test_a_key_of_another_organization_is_refused(platform: Platform) -> None:
    platform.sync()
    before = dump_all_but_runs()
    platform.world.organizations[9], platform.world.keys["other"] = "Other", 9
    platform.world.assistants.append(make_assistant(90, organization_id=9))
    platform.world.voices[9] = [make_voice(990)]
    platform.key = "other"

    report = platform.sync(LATER)

    assert report.result is SyncResult.FAILED
    assert report.messages == ("The key belongs to another organization (9) than “Harbour”.",)
    assert dump_all_but_runs() == before


def test_a_key_of_another_known_organization_is_refused(platform: Platform) -> None:
    platform.sync()
    make_organization("Other", upstream_id=9)
    platform.world.organizations[9], platform.world.keys["other"] = "Other", 9
    platform.key = "other"

    assert "The key belongs to the organization “Other”" in platform.sync(LATER).messages[0]


def test_a_voice_of_another_organization_is_neither_written_nor_listed(platform: Platform) -> None:
    other = make_organization("Other")
    make_local_voice(other, id=801, name="Theirs")

    report = platform.sync()

    assert (report.result, report.counts.refused, report.counts.added) == (SyncResult.INCOMPLETE, 1, 9)
    assert owners()[801] == other.id
    assert json.loads(stored_voices()[801])["name"] == "Theirs"
    assert 801 not in missing_since(platform.source_id)


def test_an_assistant_that_belongs_to_another_organization_here_is_skipped(platform: Platform) -> None:
    other = make_organization("Other")
    make_local_assistant(other, id=31, name="Theirs")

    report = platform.sync()

    assert report.messages == ("Skipped because of another organization: 1 assistant.",)
    assert assistants()[31][0] == "Theirs"


def test_an_assistant_that_names_another_organization_of_the_platform_is_skipped(platform: Platform) -> None:
    foreign = make_assistant(90, organization_id=9)
    platform.upstream.show(lambda response: response, f"{ASSISTANTS}/")
    platform.upstream.show(lambda response: response.with_document([*response.document, foreign]), ASSISTANTS)

    report = platform.sync()

    assert 90 not in assistants()
    assert "Skipped because of another organization: 1 assistant." in report.messages


def test_the_source_of_a_merged_organization_fills_the_one_that_it_was_merged_into(platform: Platform) -> None:
    platform.sync()
    target = make_organization("Merged")
    merge_organizations(EVERYTHING, own_organization(platform), target.id, by=SHELL, now=NOW)
    platform.voices.append(make_voice(900))

    report = platform.sync(LATER)

    assert (report.result, report.messages) == (SyncResult.COMPLETE, ())
    assert set(owners().values()) == {target.id}


# Sources


def test_a_disabled_source_is_refused_until_it_is_enabled(platform: Platform) -> None:
    disable_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)

    with pytest.raises(SourceRefused, match="is disabled"):
        platform.sync()

    assert platform.upstream.requests == []
    enable_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)
    assert platform.sync().result is SyncResult.COMPLETE


def test_a_source_outside_the_scope_is_not_found(platform: Platform) -> None:
    scope = Scope(frozenset({1}))

    with pytest.raises(SourceNotFound):
        sync_source(scope, platform.source_id, platform.settings, by=SHELL, now=NOW)


def test_two_sources_can_list_the_same_voice(platform: Platform, run: Run) -> None:
    platform.sync()
    organization_id = own_organization(platform)
    world = BurkiWorld([make_assistant(31)], [make_voice(801), make_voice(802), make_voice(803)])
    second = add_platform(world, run(world.start()), platform.settings, organization_id=organization_id, name="Second")

    second.sync()
    second.voices.pop()
    second.sync(LATER)

    assert missing(platform.source_id) == set()
    assert missing(second.source_id) == {803}


def test_removing_a_source_removes_its_list_and_no_voice(platform: Platform) -> None:
    platform.sync()
    voices = stored_voices()

    remove_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)

    assert stored_voices() == voices
    assert db.session.scalars(select(SourceVoice)).all() == []
    assert db.session.scalars(select(SyncRun)).all() == []


def test_a_source_that_is_removed_during_a_sync_gets_no_voices(app: Flask, platform: Platform) -> None:
    def remove_meanwhile(response: Response) -> Response:
        with app.app_context():
            remove_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)
        return response

    platform.upstream.show(remove_meanwhile, VOICES)

    with pytest.raises(SourceNotFound):
        platform.sync()
    assert stored_voices() == {}


# The record of a run


def test_every_request_is_recorded(platform: Platform) -> None:
    platform.upstream.show(lambda response: response.with_header("X-Request-Id", "abc"))

    platform.sync()

    recorded = json.loads(newest_run().requests)
    assert [record["target"].partition("?")[0] for record in recorded] == [
        request.path for request in platform.upstream.requests
    ]
    assert {(record["method"], record["status"], record["request_id"]) for record in recorded} == {("GET", 200, "abc")}


def test_a_run_says_when_it_was_and_what_came(platform: Platform) -> None:
    report = platform.sync(LATER)

    run = newest_run()
    assert (run.id, run.started_at, run.result, run.started_by) == (report.run_id, LATER, "complete", SHELL.name)
    assert run.ended_at is not None
    assert json.loads(run.counts)["added"] == 10


def test_only_the_newest_runs_are_kept(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceadmin.sources.actions.runs.MAX_RUNS", 2)

    ids = [platform.sync().run_id for _ in range(4)]

    assert list(db.session.scalars(select(SyncRun.id).order_by(SyncRun.id))) == ids[2:]


def test_credentials_of_assistants_and_the_key_are_stored_nowhere(platform: Platform) -> None:
    platform.key = "a-key-of-the-platform"
    platform.world.keys[platform.key] = ORGANIZATION_ID

    platform.sync()

    content = dump_as_text()
    assert "Assistant 31" in content
    assert [word for word in (*(f"secret-{n}" for n in range(1, 7)), platform.key) if word in content] == []


def test_the_organization_is_found_by_the_id_of_the_platform(platform: Platform) -> None:
    known = make_organization("Known here", upstream_id=ORGANIZATION_ID)

    platform.sync()

    assert organizations() == [(ORGANIZATION_ID, "Known here")]
    assert set(owners().values()) == {known.id}
    assert db.session.get_one(Organization, known.id).name == "Known here"
