"""Verdicts are stored when something that they depend on changes, and agree with the page of the voice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from tests.conftest import NOW, SHELL
from tests.factories import make_organization, make_voice
from tests.sources.actions.providers import MINUTE, Provider, add_elevenlabs, add_provider, evidence_of, name_voices
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.statements import record_statements
from tests.upstream import elevenlabs, resemble
from tests.upstream.server import status
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.judging import judge_changed_voices
from voiceadmin.sources.actions.managing import disable_source, enable_source
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.types import SourceKind
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice, VoiceVerdict
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE
from voiceadmin.voices.verdict_queries import read_verdicts

__all__ = ["_no_pauses", "run"]

IDS = ["v1", "v2", "v3", "v4", "v5"]
THRESHOLDS = AttentionThresholds()
LATER = NOW + 5 * MINUTE


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization()


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with five voices, which was not read yet."""
    return add_elevenlabs(IDS, run, app.config["VOICEADMIN"])


def read(voice_id: int, now: datetime = NOW) -> tuple[str, str] | None:
    """The stored verdict of a voice and its certainty. It must be that of the page."""
    db.session.rollback()
    stored = read_verdicts([voice_id], now=now).get(voice_id)
    judgement = evidence_of(voice_id, now).judgement
    assert (stored and stored[:2]) == (judgement[:2] if judgement.verdict else None)
    return stored and (stored.verdict.value, stored.certainty.value)


def renew() -> None:
    """Judge the voices whose verdicts do not hold any more."""
    assert renew_verdicts(THRESHOLDS, now=NOW)


def dump_verdicts() -> list[Any]:
    db.session.rollback()
    return list(db.session.execute(text("SELECT * FROM voice_verdict ORDER BY voice_id")))


def test_a_sync_stores_verdicts_and_one_without_news_writes_none(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, [*IDS, "gone"])

    provider.sync()

    assert {id: read(voice_id) for id, voice_id in ids.items()} == {
        **dict.fromkeys(IDS, ("in-step", "listed")),
        "gone": ("missing", "confirmed"),
    }
    before = dump_verdicts()
    provider.sync(LATER)
    assert dump_verdicts() == before


def test_lists_that_are_not_current_hide_what_is_missing_without_a_write(
    provider: Provider, acme: Organization
) -> None:
    ids = name_voices(acme, [*IDS, "gone"])
    provider.sync()
    before = dump_verdicts()

    provider.upstream.show(status(500), "/v2/voices")
    provider.sync(LATER)
    assert (read(ids["gone"], LATER), read(ids["v1"], LATER)) == (None, ("in-step", "stale"))
    provider.upstream.recover()
    provider.sync(LATER + MINUTE)
    assert read(ids["gone"], LATER + MINUTE) == ("missing", "confirmed")

    assert read(ids["gone"], LATER + MINUTE + MAX_LIST_AGE) == ("missing", "confirmed")
    assert read(ids["gone"], LATER + 2 * MINUTE + MAX_LIST_AGE) is None
    assert dump_verdicts() == before


def test_a_change_of_the_voice_makes_its_verdict_invalid_until_it_is_judged(
    provider: Provider, acme: Organization
) -> None:
    ids = name_voices(acme, IDS)
    provider.sync()
    with write_transaction():
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id == ids["v1"]).values(provider_voice_id="gone"))

    assert read_verdicts([ids["v1"]], now=NOW) == {}
    assert judge_changed_voices(acme.id, THRESHOLDS, now=LATER) == 1

    provider.sync(LATER)
    assert read(ids["v1"], LATER) == ("missing", "confirmed")


def test_a_verdict_began_when_it_was_first_found(provider: Provider, acme: Organization) -> None:
    ids = name_voices(acme, IDS)
    provider.sync()
    provider.world.voices[0]["safety_control"] = "BAN"
    provider.sync(LATER)
    with write_transaction():
        db.session.execute(update(VoiceVerdict).values(message="another text"))

    provider.sync(LATER + MINUTE)

    rows = db.session.execute(select(VoiceVerdict.voice_id, VoiceVerdict.verdict, VoiceVerdict.since)).all()
    began = {id: (verdict, since) for id, verdict, since in rows}
    assert (began[ids["v1"]], began[ids["v2"]]) == (("broken", LATER), ("in-step", NOW))


def apply(action: TriageAction, *voice_ids: int) -> int:
    refs = tuple(ObjectRef(ObjectKind.VOICE, id) for id in voice_ids)
    request = ActionRequest(action, refs, action.value, 10**6)
    return apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=NOW).id


def test_an_archive_and_its_undo_judge_the_voice_and_its_duplicate(provider: Provider, acme: Organization) -> None:
    first, second = (make_voice(acme, provider_voice_id="v1").id for _ in range(2))
    provider.sync()
    assert (read(first), read(second)) == (("duplicate", "listed"),) * 2

    operation_id = apply(TriageAction.ARCHIVE, second)
    assert (read(first), read(second)) == (("in-step", "listed"), ("archived-but-paid", "listed"))

    undo_operation(EVERYTHING, operation_id, "", THRESHOLDS, by=SHELL, now=NOW)
    assert (read(first), read(second)) == (("duplicate", "listed"),) * 2


def test_an_archive_that_fails_changes_no_verdict(
    provider: Provider, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = name_voices(acme, IDS)
    provider.sync()
    before = dump_verdicts()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("voiceadmin.operations.actions.execute.record_operation", fail)
    with pytest.raises(RuntimeError):
        apply(TriageAction.ARCHIVE, ids["v1"])

    assert dump_verdicts() == before


def test_another_provider_that_lists_the_voice_changes_its_verdict(
    app: Flask, run: Run, provider: Provider, acme: Organization
) -> None:
    world = resemble.ResembleWorld([resemble.make_voice("moved")])
    other = add_provider(SourceKind.RESEMBLE, world, run(world.start()), app.config["VOICEADMIN"])
    moved = name_voices(acme, [*IDS, "moved"])["moved"]
    provider.sync()
    assert read(moved) == ("missing", "confirmed")

    other.sync()
    assert read(moved) == ("wrong-provider", "listed")

    disable_source(EVERYTHING, other.source_id, by=SHELL, now=NOW)
    renew()
    assert read(moved) is None
    remove_source(EVERYTHING, other.source_id, by=SHELL, now=NOW)
    renew()
    assert read(moved) == ("missing", "confirmed")


def test_a_disabled_source_hides_verdicts_and_may_have_what_others_lack(
    app: Flask, run: Run, provider: Provider, acme: Organization
) -> None:
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("own")])
    own = add_provider(
        SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"], organization_id=acme.id
    )
    ids = name_voices(acme, [*IDS, "own", "gone"])
    provider.sync()
    own.sync()
    assert (read(ids["own"]), read(ids["gone"])) == (("in-step", "listed"), ("missing", "confirmed"))

    disable_source(EVERYTHING, own.source_id, by=SHELL, now=NOW)
    renew()
    assert (read(ids["own"]), read(ids["gone"]), read(ids["v1"])) == (None, None, ("in-step", "listed"))
    before = dump_verdicts()
    disable_source(EVERYTHING, provider.source_id, by=SHELL, now=NOW)
    renew()
    assert (read(ids["v1"]), dump_verdicts()) == (None, before)
    for source in (own, provider):
        enable_source(EVERYTHING, source.source_id, by=SHELL, now=NOW)
    renew()
    assert (read(ids["own"]), read(ids["gone"])) == (("in-step", "listed"), ("missing", "confirmed"))


def test_a_merge_and_its_undo_judge_by_the_sources_of_the_new_owner(
    app: Flask, run: Run, provider: Provider, acme: Organization
) -> None:
    globex = make_organization("Globex")
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice("own")])
    own = add_provider(
        SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"], organization_id=globex.id
    )
    ids, moved = name_voices(acme, [*IDS, "own"]), name_voices(globex, ["v1"])["v1"]
    provider.sync()
    own.sync()
    assert (read(ids["own"]), read(moved)) == (("missing", "confirmed"), ("in-step", "listed"))

    merge_id = merge_organizations(EVERYTHING, globex.id, acme.id, by=SHELL, now=NOW)
    assert read_verdicts([moved], now=NOW) == {}
    renew()
    assert (read(ids["own"]), read(moved)) == (("in-step", "listed"), ("duplicate", "listed"))
    undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)
    renew()
    assert read(ids["own"]) == ("missing", "confirmed")


def count_statements(about: str, *voice_ids: int) -> int:
    with record_statements() as recorded:
        apply(TriageAction.ARCHIVE, *voice_ids)
    return sum(about in statement for statement in recorded)


@pytest.mark.databases("sqlite")
def test_without_a_provider_an_archive_reads_no_verdict(acme: Organization) -> None:
    assert count_statements("voice_verdict", make_voice(acme).id) == 0


@pytest.mark.databases("sqlite")
def test_many_voices_are_judged_with_as_many_statements_as_one(provider: Provider, acme: Organization) -> None:
    ids = list(name_voices(acme, [f"w{number}" for number in range(400)]).values())
    provider.sync()

    one = count_statements("SELECT", ids[0])
    many = count_statements("SELECT", *ids[1:])

    assert many == one
