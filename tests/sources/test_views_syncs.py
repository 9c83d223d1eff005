"""The pages show the syncs of a source, their requests, and which voices are missing since when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import NOW
from tests.factories import make_account, make_organization, sign_in
from tests.page import OpenPage
from tests.sources.actions.conftest import _no_pauses, platform, run, world
from tests.sources.actions.scenario import Platform, owners
from tests.upstream import server
from tests.upstream.burki import VOICES, make_voice
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import SourceNotFound
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.sources import queries
from voiceadmin.sources.models import Source, SyncRun
from voiceadmin.sources.queries import get_run, list_missing_voices, list_runs
from voiceadmin.voices.models import ClonedVoice

__all__ = ["_no_pauses", "platform", "run", "world"]

LATER = NOW + timedelta(minutes=1)


def test_a_source_without_a_sync_says_how_to_start_one(platform: Platform, open_page: OpenPage) -> None:
    page = open_page(f"/sources/{platform.source_id}")

    assert "Not synced yet. No process syncs the sources. Start one with ./dev sync --every 5m" in page.text


def test_the_page_of_a_source_lists_its_syncs(platform: Platform, open_page: OpenPage) -> None:
    platform.sync(NOW - timedelta(seconds=2))
    platform.sync(NOW - timedelta(seconds=1))
    platform.upstream.show(server.status(403), VOICES)
    platform.sync()

    text = open_page(f"/sources/{platform.source_id}").text

    assert "Complete just now in 2.0 s 10 voices added, 2 assistants added or changed" in text
    assert "Complete just now in 1.0 s Nothing has changed" in text
    assert "Failed just now in 0.0 s Nothing was changed. 127.0.0.1 answered 403" in text
    assert text.index("Failed just now") < text.index("Nothing has changed") < text.index("10 voices added")


def test_only_the_newest_syncs_are_listed(
    platform: Platform, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_LISTED_RUNS", 2)
    ids = [platform.sync().run_id for _ in range(3)]

    assert [row.id for row in list_runs(EVERYTHING, platform.source_id)] == [ids[2], ids[1]]


def test_missing_voices_are_listed_with_their_time_and_page(platform: Platform, open_page: OpenPage) -> None:
    platform.sync(NOW - timedelta(days=4))
    removed = platform.voices.pop()
    platform.sync(NOW - timedelta(days=3))

    page = open_page(f"/sources/{platform.source_id}")

    assert "The platform no longer lists 1 voice of this source. They stay here." in page.text
    assert "Voice 810 missing since 3 days ago" in page.text
    assert page.link("Voice 810") == f"/voices/{removed['id']}"


def test_many_missing_voices_are_counted_and_the_newest_listed(
    platform: Platform, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_LISTED_MISSING", 2)
    platform.sync()
    platform.voices.pop(0)
    platform.sync(LATER)
    del platform.voices[:2]
    platform.sync(LATER + timedelta(minutes=1))

    text = open_page(f"/sources/{platform.source_id}").text

    assert "no longer lists 3 voices of this source. These are the newest 2." in text
    assert ("Voice 802" in text, "Voice 803" in text, "Voice 801" in text) == (True, True, False)


def test_a_sync_shows_its_counts_messages_and_requests(platform: Platform, open_page: OpenPage) -> None:
    platform.voices.append(make_voice(900, quality_score=7))
    platform.upstream.show(server.status(503, X_Request_Id="abc"), VOICES, times=1)
    run_id = platform.sync().run_id

    page = open_page(f"/sources/{platform.source_id}/runs/{run_id}")

    assert "Incomplete 1 record could not be used, so that no voice counts as missing." in page.text
    assert "Voices added10" in page.text
    assert "Records refused1" in page.text
    assert "Record 11, quality_score: 7" in page.text
    failed, answered = page.rows()[-2:]
    assert failed[0] == answered[0] == f"GET {VOICES}"
    assert (failed[1], failed[4]) == ("503127.0.0.1 answered 503: A fault of the stand-in.", "abc")
    assert answered[1] == "200Attempt 2"
    assert (answered[2].endswith(" ms"), answered[3].endswith(" bytes")) == (True, True)


def test_a_sync_names_the_voices_whose_counter_went_back(platform: Platform, open_page: OpenPage) -> None:
    platform.voices[0]["synthesis_count"] = 5
    platform.sync()
    platform.voices[0]["synthesis_count"] = 1
    run_id = platform.sync().run_id

    page = open_page(f"/sources/{platform.source_id}/runs/{run_id}")

    assert "1 voice counts from zero again: the platform reports fewer syntheses than before." in page.text


def add_run(platform: Platform, started_at: datetime, **fields: Any) -> int:
    """Add a run that has not ended."""
    with write_transaction():
        run = SyncRun(source_id=platform.source_id, started_at=started_at, started_by="tester", **fields)
        db.session.add(run)
        db.session.flush()
        return run.id


def test_a_sync_that_runs_shows_its_progress(platform: Platform, open_page: OpenPage) -> None:
    id = add_run(platform, NOW, progress='["reading", "voices", 12, 1204, null]', progress_at=NOW)

    page = open_page(f"/sources/{platform.source_id}/runs/{id}")

    assert "Running Reading voices, page 12, 1,204 so far. Updated just now. Refresh page" in page.text
    assert page.link("Refresh page") == f"/sources/{platform.source_id}/runs/{id}"
    text = open_page(f"/sources/{platform.source_id}").text
    assert "Running just now Reading voices, page 12, 1,204 so far" in text


def test_a_sync_whose_process_has_died_says_so(platform: Platform, open_page: OpenPage) -> None:
    id = add_run(platform, NOW - timedelta(minutes=6))

    page = open_page(f"/sources/{platform.source_id}/runs/{id}")

    assert "Interrupted No progress was recorded." in page.text
    assert "There has been no progress for more than 5 min, so the process has probably ended." in page.text
    assert "Requests" not in page.text
    assert "Interrupted 6 min ago" in open_page(f"/sources/{platform.source_id}").text


def test_a_sync_of_another_source_is_not_found(platform: Platform, open_page: OpenPage) -> None:
    run_id = platform.sync().run_id

    open_page(f"/sources/{platform.source_id + 1}/runs/{run_id}", 404)
    open_page(f"/sources/{platform.source_id}/runs/{run_id + 1}", 404)


def test_another_organization_sees_no_sync_and_no_missing_voice(platform: Platform) -> None:
    run_id = platform.sync().run_id
    platform.voices.pop()
    platform.sync(LATER)
    other = Scope(frozenset({make_organization("Other").id}))

    assert list_runs(other, platform.source_id) == []
    assert list_missing_voices(other, platform.source_id).total == 0
    with pytest.raises(SourceNotFound):
        get_run(other, platform.source_id, run_id)


def test_a_missing_voice_that_moved_to_another_organization_is_hidden(platform: Platform) -> None:
    platform.sync()
    platform.voices.pop()
    platform.sync(LATER)
    (own,) = set(owners().values())
    other = make_organization("Other")
    with write_transaction():
        db.session.get_one(ClonedVoice, 810).organization_id = other.id

    assert list_missing_voices(Scope(frozenset({own})), platform.source_id).total == 0
    assert list_missing_voices(EVERYTHING, platform.source_id).total == 1


def test_an_admin_of_the_organization_sees_its_syncs(platform: Platform, anonymous_client: FlaskClient) -> None:
    run_id = platform.sync().run_id
    source = db.session.get_one(Source, platform.source_id)
    organization = db.session.get_one(Organization, source.organization_id)
    browser = sign_in(anonymous_client, make_account(roles={organization: Role.ADMIN}))

    assert browser.get(f"/sources/{platform.source_id}/runs/{run_id}").status_code == 200
