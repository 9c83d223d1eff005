"""A source has the result of its newest sync: when it was read, since when it is not, its slots and its orphans."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import MINUTE, VARIABLE, Provider, add_elevenlabs, name_voices
from tests.sources.actions.scenario import Platform
from tests.sources.clients.conftest import Run
from tests.upstream.elevenlabs import make_voice
from tests.upstream.server import status
from voiceadmin.database.base import db
from voiceadmin.errors import SourceRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import SlotUse, Source

IDS = [f"v{number}" for number in range(10)]
TIMES = [NOW + 5 * number * MINUTE for number in range(10)]


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with ten voices, which was not read yet."""
    return add_elevenlabs(IDS, run, app.config["VOICEADMIN"])


def source_of(provider: Provider | Platform) -> Source:
    db.session.rollback()
    return db.session.get_one(Source, provider.source_id)


def test_a_source_knows_since_when_its_syncs_fail_and_why(provider: Provider) -> None:
    provider.sync(TIMES[0])
    source = source_of(provider)
    assert (source.read_at, source.failing_since, source.failure) == (TIMES[0], None, "")

    provider.upstream.show(status(500), "/v2/voices")
    provider.sync(TIMES[1])
    provider.upstream.recover()
    provider.upstream.show(status(401), "/v2/voices")
    provider.sync(TIMES[2])

    source = source_of(provider)
    assert (source.read_at, source.failing_since) == (TIMES[0], TIMES[1])
    assert source.failure == provider.listings["voices"].message.join(["List “voices”: ", ""])
    assert "401" in source.failure

    provider.upstream.recover()
    provider.sync(TIMES[3])

    source = source_of(provider)
    assert (source.read_at, source.failing_since, source.failure) == (TIMES[3], None, "")


def test_a_key_that_cannot_be_read_is_noted_once(provider: Provider) -> None:
    name_voices(make_organization(), IDS)
    provider.sync(TIMES[0])
    settings, by = provider.settings, SHELL
    for time in TIMES[1:3]:
        with pytest.raises(SourceRefused):
            sync_source(EVERYTHING, provider.source_id, settings, by=by, now=time, environ={})

    source = source_of(provider)
    assert (source.read_at, source.failing_since) == (TIMES[0], TIMES[1])
    assert VARIABLE in source.failure
    listing = provider.listings["voices"]
    assert (listing.result, listing.attempted_at, listing.message) == ("broken", TIMES[1], source.failure)


def test_a_source_of_the_platform_knows_it_as_well(platform: Platform) -> None:
    platform.sync(TIMES[0])
    platform.voices.clear()
    platform.sync(TIMES[1])

    source = source_of(platform)

    assert (source.read_at, source.failing_since, source.orphan_count) == (TIMES[0], TIMES[1], None)
    assert "Too many voices are missing at once" in source.failure


def test_orphans_that_take_a_slot_are_counted_at_the_end_of_a_complete_sync(provider: Provider) -> None:
    name_voices(make_organization(), IDS[:7])
    provider.world.voices.append(make_voice("stock", category="premade"))
    provider.world.voices.append(make_voice("designed", category="generated"))
    provider.world.voices.append(make_voice("without slot", category="new-category"))
    provider.sync(TIMES[0])
    provider.world.voices.append(make_voice("later"))
    provider.sync(TIMES[1])
    orphans = {*IDS[7:], "designed", "later"}
    source = source_of(provider)
    assert (source.orphan_count, source.orphans_since) == (len(orphans), TIMES[0])
    assert {id for id, row in provider.voices.items() if row.is_ours} == {*IDS, *orphans, "without slot"}

    provider.upstream.show(status(500), "/v2/voices")
    name_voices(make_organization("Globex"), sorted(orphans))
    provider.sync(TIMES[2])
    assert source_of(provider).orphan_count == len(orphans)

    provider.upstream.recover()
    provider.sync(TIMES[3])
    source = source_of(provider)
    assert (source.orphan_count, source.orphans_since) == (0, None)


def test_slots_are_nearly_full_since_the_first_sync_that_found_90_percent_used(provider: Provider) -> None:
    found = []
    for used, time in zip((26, 27, 31, 27, 26, 30), TIMES, strict=False):
        provider.world.voices = [make_voice(f"v{number}") for number in range(used)]
        provider.sync(time)
        db.session.rollback()
        found.append(db.session.scalar(select(SlotUse.nearly_full_since).filter_by(kind="instant")))

    assert found == [None, TIMES[1], TIMES[1], TIMES[1], None, TIMES[5]]


def test_a_believed_list_is_read(provider: Provider) -> None:
    name_voices(make_organization(), IDS)
    provider.sync(TIMES[0])
    provider.world.voices = [make_voice(id) for id in IDS[6:]]
    provider.sync(TIMES[1])
    assert source_of(provider).failing_since == TIMES[1]

    withheld = hash_withheld(provider.listings["voices"].withheld)
    believe_list(EVERYTHING, provider.source_id, withheld, by=SHELL, now=TIMES[2])

    source = source_of(provider)
    assert (source.read_at, source.failing_since, source.failure) == (TIMES[1], None, "")
    assert source.orphan_count == 0


def test_nothing_is_known_of_an_accepted_account(provider: Provider) -> None:
    provider.sync(TIMES[0])
    provider.world.workspace_id = "workspace-2"
    provider.sync(TIMES[1])

    accept_account(EVERYTHING, provider.source_id, by=SHELL, now=TIMES[2])

    source = source_of(provider)
    assert (source.read_at, source.failing_since, source.failure) == (None, None, "")
    assert (source.orphan_count, source.orphans_since) == (None, None)
