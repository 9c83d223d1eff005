"""After sources have changed, few voices are judged at once, and many by the process that syncs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from tests.conftest import NOW, SHELL
from tests.killing import run_and_kill
from tests.page import OpenPage, Page
from tests.sources.actions.listed import THRESHOLDS, World, make_world, renew, resets
from tests.sources.actions.providers import MINUTE
from tests.sources.actions.test_scheduling import EVERY, OneRound
from voiceadmin import clock
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions import judging, renewing
from voiceadmin.sources.actions.leasing import renew_lease
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.actions.renewing import renew_few_verdicts, renew_verdicts
from voiceadmin.sources.actions.scheduling import SyncLoop
from voiceadmin.sources.reset_queries import list_unjudged_resets, list_voices_to_judge
from voiceadmin.voices.models import VoiceVerdict

LATER = NOW + MINUTE
MESSAGE = "The verdicts of 4 voices are being renewed. Until then they count as not verified."

# Renews verdicts, one voice in a transaction, writes a dot after each, and waits to be killed after the second.
SCRIPT = """
import os, sys
from datetime import datetime
from pathlib import Path
from threading import Event
from voiceadmin import create_app
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.sources.actions import judging
from voiceadmin.sources.actions.renewing import renew_verdicts

instance, address, now = sys.argv[1:]
app = create_app(Settings(instance=Path(instance), **({"database_url": address} if address else {})))
judging.BATCH_SIZE = 1
waits = iter([0, 600])

def write_dot():
    os.write(1, b".")
    return not Event().wait(next(waits))

with app.app_context():
    renew_verdicts(AttentionThresholds(), now=datetime.fromisoformat(now), may_continue=write_dot)
"""


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


def reset(world: World) -> None:
    """Change a source, and change it back."""
    disable_source(EVERYTHING, world.own, by=SHELL, now=NOW)
    enable_source(EVERYTHING, world.own, by=SHELL, now=NOW)


def judged_at() -> list[Any]:
    """When each voice was judged, in the order of the ids."""
    db.session.rollback()
    return list(db.session.scalars(select(VoiceVerdict.judged_at).order_by(VoiceVerdict.voice_id)))


def run_loop(app: Flask) -> None:
    """Run one round of the process that syncs. No source is synced: none has a key."""

    def ignore(*_: object) -> None:
        """Nothing is synced."""

    SyncLoop(app.config["VOICEADMIN"], EVERY, SHELL, app.app_context, ignore, ignore, ignore).run(OneRound())


def test_a_request_judges_few_voices_and_leaves_many_to_the_process_that_syncs(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset(world)
    owners = (world.acme.id,)
    assert renew_few_verdicts((None, world.acme.id + 1), THRESHOLDS, now=NOW)  # those of others are not judged
    monkeypatch.setattr(renewing, "MAX_JUDGED_AT_ONCE", 3)
    assert not renew_few_verdicts(owners, THRESHOLDS, now=NOW)
    assert (world.stored(), resets()) == ({}, [("elevenlabs", world.acme.id, False)])

    run_loop(app)

    assert (world.stored(), resets()) == (world.on_pages(), [("elevenlabs", world.acme.id, True)])
    reset(world)
    monkeypatch.setattr(renewing, "MAX_JUDGED_AT_ONCE", 4)
    assert renew_few_verdicts(owners, THRESHOLDS, now=NOW)
    assert world.stored() == world.on_pages()

    monkeypatch.setattr(renewing, "MAX_JUDGED_AT_ONCE", 0)
    for source_id in (world.own, world.platform):
        disable_source(EVERYTHING, source_id, by=SHELL, now=NOW)
    assert renew_few_verdicts((None, *owners), THRESHOLDS, now=NOW)  # nothing can be judged without a list


def test_the_loop_goes_on_where_a_killed_process_ended(app: Flask, world: World) -> None:
    reset(world)

    assert run_and_kill(SCRIPT, app.config["VOICEADMIN"], LATER.isoformat(), dots=2)
    assert judged_at() == [LATER, LATER, NOW, NOW]
    (left,) = list_unjudged_resets()
    assert list_voices_to_judge(left) == [world.ids["gone"], world.ids["moved"]]
    assert resets() == [("elevenlabs", world.acme.id, False)]
    run_loop(app)

    assert judged_at()[:2] == [LATER, LATER]
    assert world.stored() == world.on_pages()
    assert resets() == [("elevenlabs", world.acme.id, True)]


def test_a_loop_that_loses_the_lease_ends_between_two_transactions(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "BATCH_SIZE", 1)
    reset(world)
    answers = iter([True, False])
    assert not renew_verdicts(THRESHOLDS, now=LATER, may_continue=lambda: next(answers))
    assert judged_at() == [LATER, LATER, NOW, NOW]

    renew_lease("another process", EVERY, now=clock.now())
    run_loop(app)

    assert judged_at() == [LATER, LATER, NOW, NOW]
    db.session.execute(text("DELETE FROM sync_lease"))
    db.session.commit()
    renew(LATER + MINUTE)
    assert judged_at() == [LATER, LATER, LATER + MINUTE, LATER + MINUTE]


@pytest.mark.usefixtures("now")
def test_the_page_of_a_source_says_that_verdicts_are_being_renewed(
    world: World, client: FlaskClient, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "MAX_JUDGED_AT_ONCE", 3)
    path = f"/sources/{world.own}"

    client.post(f"{path}/disable")
    enabled = Page(client.post(f"{path}/enable", follow_redirects=True).text)

    assert f"{MESSAGE} No process does that now. Start one with ./dev sync --every 5m." in enabled.text
    assert MESSAGE in open_page(f"/sources/{world.platform}").text
    assert "being renewed" not in open_page(f"/sources/{world.other}").text
    removed = Page(client.post(f"{path}/remove", follow_redirects=True).text)
    assert "The verdicts of more than 10,000 voices are renewed before the next sync." in removed.text
    renew()
    assert "being renewed" not in open_page(f"/sources/{world.platform}").text
