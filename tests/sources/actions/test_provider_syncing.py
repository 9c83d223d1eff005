"""A sync of a provider stores what it lists, and concludes absence only from complete lists that are believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.actions.providers import (
    MINUTE,
    Provider,
    add_elevenlabs,
    add_provider,
    dump_what_is_known,
    judge,
    name_voices,
)
from tests.sources.clients.conftest import Run
from tests.upstream import cartesia, elevenlabs, inworld, resemble
from tests.upstream.server import (
    Fault,
    bare,
    gzip_bomb,
    html,
    redirect,
    status,
    truncate,
    with_field,
    without,
)
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import disable_source
from voiceadmin.sources.types import SourceKind, SyncResult

LATER, EVEN_LATER = NOW + 5 * MINUTE, NOW + 10 * MINUTE
DAY = timedelta(days=1)
IDS = [f"v{number:03}" for number in range(10)]

Start = Callable[..., Provider]


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization()


@pytest.fixture
def start(app: Flask, run: Run) -> Start:
    """Return a function that starts a stand-in of ElevenLabs with a source."""

    def start_provider(ids: list[str]) -> Provider:
        return add_elevenlabs(ids, run, app.config["VOICEADMIN"])

    return start_provider


@pytest.fixture
def provider(start: Start) -> Provider:
    """ElevenLabs with ten voices."""
    return start(IDS)


def delete_voices(provider: Provider, *ids: str) -> None:
    provider.world.voices = [voice for voice in provider.world.voices if voice["voice_id"] not in ids]


def test_the_first_sync_stores_voices_lists_and_slots(provider: Provider) -> None:
    report = provider.sync()

    assert (report.result, report.counts.added) == (SyncResult.COMPLETE, 10)
    assert list(provider.voices) == IDS
    (listing,) = provider.listings.values()
    assert (listing.result, listing.voices, listing.complete_at) == ("complete", 10, NOW)
    assert provider.slots == {"instant": (10, 30, False, NOW), "professional": (0, 1, False, NOW)}


def test_a_sync_without_news_writes_only_run_listings_and_slots(provider: Provider, acme: Organization) -> None:
    name_voices(acme, [*IDS, "gone"])
    provider.sync()
    before = dump_what_is_known()

    report = provider.sync(LATER)

    assert dump_what_is_known() == before
    assert (report.counts.unchanged, report.counts.changed) == (10, 0)
    assert provider.listings["voices"].complete_at == LATER
    assert provider.slots["instant"][-1] == LATER


def test_a_changed_state_is_stored(provider: Provider, acme: Organization) -> None:
    voice_id = name_voices(acme, IDS)["v003"]
    provider.sync()
    assert judge(voice_id) == ("in-step", "listed")

    provider.world.voices[3]["safety_control"] = "BAN"
    report = provider.sync(LATER)

    assert report.counts.changed == 1
    assert provider.voices["v003"].state == "blocked"
    assert judge(voice_id, LATER) == ("broken", "listed")


def test_a_voice_that_list_and_look_up_lack_is_missing_until_it_returns(provider: Provider, acme: Organization) -> None:
    voice_id = name_voices(acme, IDS)["v003"]
    provider.sync()
    delete_voices(provider, "v003")

    assert provider.sync(LATER).counts.missing == 1
    assert provider.absent == {"v003"}
    assert provider.voices["v003"].absent_since == LATER
    assert judge(voice_id, LATER) == ("missing", "confirmed")

    provider.world.voices.append(elevenlabs.make_voice("v003"))
    assert provider.sync(EVEN_LATER).counts.returned == 1
    assert (provider.absent, provider.look_ups) == (set(), {})
    assert judge(voice_id, EVEN_LATER) == ("in-step", "listed")


def test_the_first_sync_finds_voices_that_are_missing_already(provider: Provider, acme: Organization) -> None:
    gone = name_voices(acme, [*IDS, "gone"])["gone"]

    provider.sync()

    assert judge(gone) == ("missing", "confirmed")


# Broken lists

FAULTS: dict[str, Fault] = {
    "a web page": html,
    "a redirect": redirect,
    "a truncated body": truncate,
    "no list": without("voices"),
    "a bare list": bare("voices"),
    "null": with_field("voices", None),
    "status 401": status(401),
    "status 403": status(403),
    "status 404": status(404),
    "status 429": status(429),
    "status 500": status(500),
    "a gzip bomb": gzip_bomb(1 << 28),
    "no mark of the end": without("has_more"),
    "an entry without an ID": with_field("voices", [{"name": "Anna"}]),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_is_absent_because_of_a_list_that_cannot_be_read(
    provider: Provider, acme: Organization, fault: Fault
) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()
    provider.upstream.show(fault, "/v2/voices")
    requests = provider.count_look_ups()

    report = provider.sync(LATER)

    (listing,) = provider.listings.values()
    assert report.result is SyncResult.INCOMPLETE
    assert (listing.attempted_at, listing.complete_at) == (LATER, NOW)
    assert listing.message
    assert listing.message in report.messages[0]
    assert provider.absent == set()
    assert provider.count_look_ups() == requests
    assert judge(ids["v003"], LATER) == ("in-step", "stale")
    assert judge(ids["gone"], LATER) == (None, "stale")

    provider.upstream.recover()
    provider.sync(EVEN_LATER)
    assert judge(ids["gone"], EVEN_LATER) == ("missing", "confirmed")


def test_a_list_that_ends_after_half_of_its_pages_proves_no_absence(start: Start, acme: Organization) -> None:
    ids = [f"v{number:03}" for number in range(250)]
    provider, voices = start(ids), name_voices(acme, ids)
    provider.sync()
    delete_voices(provider, "v001")
    provider.world.voices.insert(0, elevenlabs.make_voice("new"))
    answers = iter([200, 500])
    provider.upstream.show(lambda response: response if next(answers, 500) == 200 else status(500)(response), "/v2")

    provider.sync(LATER)

    listing = provider.listings["voices"]
    assert (listing.result, listing.voices, listing.complete_at) == ("incomplete", 102, NOW)
    assert provider.absent == set()
    assert "new" in provider.voices
    assert judge(voices["v001"], LATER) == ("in-step", "stale")


def test_a_repeated_page_with_the_right_number_of_voices_is_not_complete(start: Start) -> None:
    ids = [f"v{number:03}" for number in range(250)]
    provider = start(ids)
    provider.sync()
    page = {"voices": provider.world.voices[:102], "has_more": True, "next_page_token": "token-102"}
    provider.upstream.show(lambda response: response.with_document(page), "/v2/voices")

    provider.sync(LATER)

    assert "second time" in provider.listings["voices"].message
    assert provider.absent == set()


@pytest.fixture
def resemble_provider(app: Flask, run: Run) -> Provider:
    """Resemble with three voices, one of them of the marketplace."""
    voices = [resemble.make_voice("r1"), resemble.make_voice("r2"), resemble.make_voice("r3", source="Marketplace")]
    world = resemble.ResembleWorld(voices)
    return add_provider(SourceKind.RESEMBLE, world, run(world.start()), app.config["VOICEADMIN"])


def test_slots_that_the_provider_does_not_tell_are_counted(resemble_provider: Provider) -> None:
    resemble_provider.sync()

    assert resemble_provider.slots == {"instant": (2, 50, True, NOW)}


SLOT_FAULTS: dict[str, tuple[Fault, str]] = {
    "the limit cannot be read": (status(500), "/api/v2/account/teams"),
    "the list is not complete": (truncate, "/api/v2/voices"),
}


@pytest.mark.parametrize(("fault", "path"), SLOT_FAULTS.values(), ids=SLOT_FAULTS)
def test_slots_that_cannot_be_counted_keep_their_number_and_time(
    resemble_provider: Provider, fault: Fault, path: str
) -> None:
    resemble_provider.sync()
    resemble_provider.upstream.show(fault, path)

    resemble_provider.sync(LATER)

    assert resemble_provider.slots == {"instant": (2, 50, True, NOW)}


@pytest.fixture
def inworld_provider(app: Flask, run: Run) -> Provider:
    """Inworld with two instant voices and a professional one."""
    voices = [inworld.make_voice("one"), inworld.make_voice("two")]
    world = inworld.InworldWorld(voices, [inworld.make_professional("pro", "TRAINING")])
    settings = app.config["VOICEADMIN"]
    return add_provider(SourceKind.INWORLD, world, run(world.start()), settings, key=inworld.KEY)


MOVING_TOTALS = with_field("totalSize", 7)


@pytest.mark.parametrize("path", [inworld.VOICES, inworld.PVC_VOICES])
@pytest.mark.parametrize(
    "fault", [truncate, status(403), status(500), MOVING_TOTALS], ids=["truncated", "403", "500", "another total"]
)
def test_one_broken_list_of_two_proves_no_absence(
    inworld_provider: Provider, acme: Organization, path: str, fault: Fault
) -> None:
    inworld_provider.sync()
    inworld_provider.world.voices.pop()
    gone = name_voices(acme, ["acme__two", "acme__one", "acme__pro"], provider="inworld")["acme__two"]
    inworld_provider.upstream.show(fault, path)

    inworld_provider.sync(LATER)

    assert inworld_provider.absent == set()
    assert {row.complete_at for row in inworld_provider.listings.values()} == {NOW}
    assert judge(gone, LATER) == ("in-step", "stale")

    inworld_provider.upstream.recover()
    inworld_provider.sync(EVEN_LATER)
    assert inworld_provider.absent == {"acme__two"}
    assert judge(gone, EVEN_LATER) == ("missing", "confirmed")


def test_voices_of_cartesia_are_missing_only_when_both_lists_were_read(
    app: Flask, run: Run, acme: Organization
) -> None:
    world = cartesia.CartesiaWorld([cartesia.make_voice("c1"), cartesia.make_voice("c2")])
    provider = add_provider(SourceKind.CARTESIA, world, run(world.start()), app.config["VOICEADMIN"])
    ids = name_voices(acme, ["c1", "c2"], provider="cartesia")
    provider.sync()
    world.voices.pop()

    provider.upstream.show(status(500), "/fine-tunes")
    provider.sync(LATER)
    assert judge(ids["c2"], LATER) == ("in-step", "stale")

    provider.upstream.recover()
    provider.sync(EVEN_LATER)
    assert judge(ids["c2"], EVEN_LATER)[0] in ("missing", None)
    assert judge(ids["c1"], EVEN_LATER) == ("in-step", "listed")


def test_an_address_that_is_refused_makes_what_is_known_stale(
    provider: Provider, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()
    monkeypatch.setattr("voiceadmin.sources.clients.addresses.is_loopback", lambda _: False)

    report = provider.sync(LATER)

    assert report.result is SyncResult.FAILED
    assert judge(ids["gone"], LATER) == (None, "stale")
    assert judge(ids["v003"], LATER) == ("in-step", "stale")


# Look-ups


def test_a_voice_that_only_a_look_up_finds_is_not_missing(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, IDS)
    provider.sync()
    listed = [voice for voice in provider.world.voices if voice["voice_id"] != "v003"]
    provider.upstream.show(with_field("voices", listed), "/v2/voices")

    provider.sync(LATER)

    assert provider.look_ups == {"v003": "found"}
    assert judge(ids["v003"], LATER) == (None, "unverified")


@pytest.mark.parametrize("code", [400, 401, 403, 429, 500])
def test_a_look_up_that_fails_proves_nothing(provider: Provider, acme: Organization, code: int) -> None:
    gone = name_voices(acme, [*IDS, "gone"])["gone"]
    provider.upstream.show(status(code), "/v1/voices/gone")

    provider.sync()

    assert provider.look_ups == {"gone": "unclear"}
    assert judge(gone) == (None, "unverified")


def test_a_run_looks_at_most_fifty_voices_up_and_asks_again_after_a_day(start: Start, acme: Organization) -> None:
    ids, gone = [f"v{number:03}" for number in range(200)], [f"gone{number:02}" for number in range(60)]
    provider = start(ids)
    voices = name_voices(acme, [*ids, *gone])

    provider.sync()
    assert provider.count_look_ups() == 50
    assert judge(voices["gone00"]) == ("missing", "confirmed")
    assert judge(voices["gone59"]) == (None, "unverified")

    provider.sync(LATER)
    provider.sync(EVEN_LATER)
    assert provider.count_look_ups() == 60
    assert judge(voices["gone59"], LATER) == ("missing", "confirmed")

    provider.sync(NOW + DAY)
    assert provider.count_look_ups() == 110


def test_archived_and_failed_voices_are_not_looked_up(provider: Provider, acme: Organization) -> None:
    archived = name_voices(acme, ["archived"], status="archived")["archived"]
    failed = name_voices(acme, ["failed"], status="failed")["failed"]

    provider.sync()

    assert provider.count_look_ups() == 0
    assert judge(archived) == judge(failed) == ("in-step", "listed")


# The breaker


def test_five_voices_and_thirty_percent_at_once_are_doubted(provider: Provider) -> None:
    provider.sync()
    delete_voices(provider, *IDS[:5])

    report = provider.sync(LATER)

    listing = provider.listings["voices"]
    assert (report.result, listing.result, listing.complete_at) == (SyncResult.INCOMPLETE, "withheld", NOW)
    assert "5 voices of 10 listed before" in listing.message
    assert provider.absent == set()


def test_four_of_ten_voices_are_not_doubted(provider: Provider) -> None:
    provider.sync()
    delete_voices(provider, *IDS[:4])

    assert provider.sync(LATER).result is SyncResult.COMPLETE
    assert provider.absent == set(IDS[:4])


def test_an_only_voice_that_is_gone_is_doubted(start: Start, acme: Organization) -> None:
    provider, ids = start(["one"]), name_voices(acme, ["one"])
    provider.sync()
    provider.world.voices.clear()

    for minutes in (5, 10, 15):
        now = NOW + minutes * MINUTE
        provider.sync(now)
        assert provider.absent == set()
        assert judge(ids["one"], now) == ("in-step", "stale")


def test_a_first_list_without_the_voices_that_the_platform_names_is_doubted(start: Start, acme: Organization) -> None:
    provider = start(["of another workspace", "this one too"])
    ids = name_voices(acme, IDS)

    for minutes in (0, 5, 10):
        now = NOW + minutes * MINUTE
        assert "10 voices of 10 that the platform names" in provider.sync(now).messages[0]
        assert provider.look_ups == {}
        assert judge(ids["v003"], now) == (None, "unverified")


def test_voices_of_a_doubted_list_do_not_make_a_loss_look_small(start: Start, acme: Organization) -> None:
    provider = start(IDS[:3])
    of_others = [f"other{number}" for number in range(20)]
    ids = name_voices(acme, IDS[:3])
    provider.sync()
    name_voices(make_organization("Globex"), of_others)
    provider.world.voices = [elevenlabs.make_voice(id) for id in of_others]

    for minutes in (5, 10, 15):
        now = NOW + minutes * MINUTE
        provider.sync(now)
        assert not provider.absent & set(IDS)
        assert judge(ids["v000"], now)[0] != "missing"


def test_voices_of_an_incomplete_list_do_not_make_a_loss_look_small(start: Start) -> None:
    provider = start(IDS[:3])
    provider.sync()
    provider.world.voices = [elevenlabs.make_voice(f"other{number:03}") for number in range(150)]
    answers = iter([200])
    provider.upstream.show(lambda response: response if next(answers, 0) else status(500)(response), "/v2/voices")
    provider.sync(LATER)
    assert provider.listings["voices"].result == "incomplete"
    provider.upstream.recover()

    provider.sync(EVEN_LATER)

    assert provider.listings["voices"].result == "withheld"
    assert not provider.absent & set(IDS)


# Several sources


def test_voices_in_one_of_two_workspaces_are_not_missing(start: Start, acme: Organization) -> None:
    first, second = start(IDS[:5]), start(IDS[5:])
    ids = name_voices(acme, [*IDS, "gone"])

    for minutes in (0, 5):
        for provider in (first, second):
            provider.sync(NOW + minutes * MINUTE)

    assert {judge(ids[id], LATER) for id in IDS} == {("in-step", "listed")}
    assert judge(ids["gone"], LATER) == ("missing", "confirmed")


def test_a_voice_that_one_workspace_has_lost_is_looked_up_in_the_other(start: Start, acme: Organization) -> None:
    first, second = start(IDS[:5]), start(IDS[5:])
    ids = name_voices(acme, IDS)
    for minutes in (0, 5):
        for provider in (first, second):
            provider.sync(NOW + minutes * MINUTE)
    delete_voices(second, "v007")

    second.sync(EVEN_LATER)
    assert judge(ids["v007"], EVEN_LATER) == (None, "unverified")
    first.sync(EVEN_LATER)
    assert judge(ids["v007"], EVEN_LATER) == ("missing", "confirmed")


@pytest.mark.parametrize("end", [disable_source, remove_source], ids=["disabled", "removed"])
def test_voices_of_a_source_that_is_not_used_any_more_are_never_missing(
    start: Start, acme: Organization, end: Callable[..., str]
) -> None:
    first, second = start(IDS), start(["x1", "x2"])
    ids = name_voices(acme, [*IDS, "x1", "x2"])
    for minutes in (0, 5):
        for provider in (first, second):
            provider.sync(NOW + minutes * MINUTE)
    assert judge(ids["x1"], LATER) == ("in-step", "listed")

    end(EVERYTHING, second.source_id, by=SHELL, now=LATER)
    for now in (EVEN_LATER, NOW + DAY, NOW + 2 * DAY):
        first.sync(now)
        assert judge(ids["x1"], now)[0] is None
        assert judge(ids["v003"], now) == ("in-step", "listed")


def test_a_source_that_is_connected_again_tells_what_is_missing(start: Start, acme: Organization) -> None:
    first, second = start(IDS), start(["x1", "x2", "x3", "x4"])
    ids = name_voices(acme, [*IDS, "x1", "x2", "x3", "x4"])
    first.sync()
    second.sync()
    first.sync(LATER)
    remove_source(EVERYTHING, second.source_id, by=SHELL, now=LATER)
    assert first.look_ups["x1"] == "elsewhere"

    again = start(["x1", "x2", "x3", "x4"])
    again.sync(LATER)
    assert judge(ids["x1"], LATER) == ("in-step", "listed")
    delete_voices(again, "x1")
    again.sync(EVEN_LATER)
    first.sync(EVEN_LATER)

    assert judge(ids["x1"], EVEN_LATER) == ("missing", "confirmed")
