"""While every upstream fails, all pages answer from the database, and say what is not current and since when."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread

import pytest
import stamina
from flask import Flask

from tests.conftest import NOW
from tests.page import OpenPage, Page
from tests.sources.actions.providers import MINUTE, Provider, add_provider, name_voices
from tests.sources.actions.scenario import Platform, add_platform, own_organization
from tests.upstream import elevenlabs, server
from tests.upstream.burki import ORGANIZATION_ID, VOICES, BurkiWorld, make_assistant, make_voice
from tests.upstream.server import Fault, Response
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.clients import transport
from voiceadmin.sources.types import SourceKind, SyncResult

READ_AT = NOW - timedelta(hours=2)

FAULTS: dict[str, Fault] = {
    "a web page": server.html,
    "401": server.status(401),
    "500": server.status(500),
    "a redirect": server.redirect,
    "half of a body": server.truncate,
}


@dataclass
class Upstreams:
    """A platform and a provider that were read two hours ago. voice_id: of a voice that both list."""

    platform: Platform
    provider: Provider
    voice_id: int

    @property
    def addresses(self) -> list[str]:
        """Every page that shows something of a source."""
        sources = (self.platform.source_id, self.provider.source_id)
        pages = ["/", "/triage", "/triage/all", "/assistants", "/providers", "/clean-up", "/organizations", "/sources"]
        lists = ["/assistants/31/voices", f"/voices/{self.voice_id}", "/activity"]
        return [*pages, *lists, *(f"/sources/{id}" for id in sources)]


@pytest.fixture
def upstreams(app: Flask) -> Iterator[Upstreams]:
    """Both upstreams, after their first syncs."""
    with stamina.set_testing(True, attempts=1), ExitStack() as stack:
        world = BurkiWorld([make_assistant(31)], [make_voice(number) for number in range(801, 811)])
        ids = ["v1", *(str(voice["provider_voice_id"]) for voice in world.voices[ORGANIZATION_ID])]
        workspace = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice(id) for id in ids])
        settings = app.config["VOICEADMIN"]
        platform = add_platform(world, stack.enter_context(world.start().run()), settings)
        provider = add_provider(
            SourceKind.ELEVENLABS, workspace, stack.enter_context(workspace.start().run()), settings
        )
        assert platform.sync(READ_AT).result is SyncResult.COMPLETE
        voices = name_voices(db.session.get_one(Organization, own_organization(platform)), ["v1"])
        assert provider.sync(READ_AT).result is SyncResult.COMPLETE
        assert renew_verdicts(settings.attention_thresholds, now=READ_AT)
        yield Upstreams(platform, provider, voices["v1"])


def open_all(upstreams: Upstreams, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> dict[str, Page]:
    """Open all pages. None of them may connect to another machine."""

    def refuse(*_: object) -> None:
        raise AssertionError("A page has opened a connection.")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        return {address: open_page(address) for address in upstreams.addresses}


def check_pages(upstreams: Upstreams, pages: dict[str, Page]) -> None:
    """Check what the pages say about sources that were read two hours ago, and fail since then."""
    assert pages["/"].text.count("Not current") == 2
    assert pages["/"].text.count("2 h ago") >= 2
    assert "Verdicts of its voices are not current." in pages["/"].text
    assert "From an older list" in pages[f"/voices/{upstreams.voice_id}"].text
    for id in (upstreams.platform.source_id, upstreams.provider.source_id):
        assert "2 h ago" in pages[f"/sources/{id}"].text
    assert len(pages) == len(upstreams.addresses)


@pytest.mark.parametrize("name", FAULTS)
def test_every_page_answers_without_a_request_and_says_since_when_nothing_is_current(
    name: str, upstreams: Upstreams, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (upstreams.platform, upstreams.provider):
        source.upstream.show(FAULTS[name])
        assert source.sync(NOW - MINUTE).result is not SyncResult.COMPLETE

    check_pages(upstreams, open_all(upstreams, open_page, monkeypatch))


def test_pages_answer_when_upstreams_refuse_connections(app: Flask, open_page: OpenPage) -> None:
    world = BurkiWorld([make_assistant(31)], [make_voice(801)])
    with stamina.set_testing(True, attempts=1):
        with world.start().run() as upstream:
            platform = add_platform(world, upstream, app.config["VOICEADMIN"])
            assert platform.sync(READ_AT).result is SyncResult.COMPLETE
        assert platform.sync(NOW).result is SyncResult.FAILED

    text = open_page("/").text

    assert "Not current" in text
    assert "2 h ago, on" in text
    assert "Its voices may have changed since." in text


def test_pages_answer_while_a_sync_waits_for_a_slow_upstream(
    app: Flask, upstreams: Upstreams, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 100)
    has_arrived, upstream = Event(), upstreams.platform.upstream

    def hang(response: Response) -> Response:
        has_arrived.set()
        return server.wait_for(upstream.released)(response)

    def sync() -> None:
        with app.app_context():
            upstreams.platform.sync(NOW)

    upstream.show(hang, VOICES)
    thread = Thread(target=sync)
    thread.start()
    assert has_arrived.wait(60)

    pages = {address: open_page(address) for address in upstreams.addresses}

    assert thread.is_alive()
    upstream.released.set()
    thread.join()
    assert "2 h ago" in pages["/"].text
