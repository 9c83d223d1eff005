"""Generated worlds: what is stored of a voice, read with the state of the lists, is what its page says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from tests.conftest import NOW
from tests.factories import make_organization, make_voice
from tests.sources.actions.providers import evidence_of
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.judging import judge_organization
from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.verdicts import Answer
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE
from voiceadmin.voices.verdict_queries import read_verdicts

HOUR = timedelta(hours=1)
IDS = st.sampled_from(["a", "b", "c"])
KINDS = st.sampled_from(["elevenlabs", "cartesia"])
OWNERS = st.sampled_from(["Acme", "Globex", None])
TIMES = st.sampled_from([NOW - HOUR, NOW + HOUR])
ENDED = st.one_of(st.none(), st.just(NOW))

LISTINGS = st.fixed_dictionaries(
    {
        "result": st.sampled_from(["complete", "complete", "complete", "broken", "withheld"]),
        "complete_at": st.sampled_from([NOW, NOW, NOW - MAX_LIST_AGE, NOW - MAX_LIST_AGE - HOUR, None]),
    }
)
LISTED = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state.value for state in ProviderState]),
        "is_ours": st.booleans(),
        "breaks_at": st.one_of(st.none(), TIMES),
        "absent_since": ENDED,
    }
)
SOURCES = st.fixed_dictionaries(
    {
        "kind": KINDS,
        "owner": OWNERS,
        "disabled_at": ENDED,
        "account_changed_at": st.sampled_from([None, None, None, NOW]),
        "listings": st.lists(LISTINGS, max_size=2),
        "voices": st.dictionaries(IDS, LISTED),
        "look_ups": st.dictionaries(IDS, st.sampled_from([answer.value for answer in Answer])),
    }
)
VOICES = st.fixed_dictionaries(
    {
        "owner": st.sampled_from(["Acme", "Globex"]),
        "provider": KINDS,
        "provider_voice_id": IDS,
        "status": st.sampled_from(list(VoiceStatus)),
        "is_archived_here": st.booleans(),
        "created_at": st.sampled_from([NOW, NOW - HOUR]),
    }
)
# What happens to the sources and their lists, one after the other. All but a sync that fails judges voices.
STEPS: Mapping[str, Callable[[], Any]] = {
    "lists fail": lambda: update(ProviderListing).values(result="broken", message="Failed."),
    "lists are read": lambda: update(ProviderListing).values(result="complete", message="", complete_at=NOW),
    "sources are disabled": lambda: update(Source).where(Source.kind == "cartesia").values(disabled_at=NOW),
    "keys change": lambda: update(Source).values(account_changed_at=NOW),
}


def create(source: dict[str, Any], owners: Mapping[str | None, int | None]) -> None:
    fields = {name: source[name] for name in ("kind", "disabled_at", "account_changed_at")}
    given = {"name": "Source", "address": "", "created_at": NOW, "created_by": "", "organization_id": None} | fields
    row = Source(**(given | {"organization_id": owners[source["owner"]]}))
    db.session.add(row)
    db.session.flush()
    for number, listing in enumerate(source["listings"]):
        base = {"name": str(number), "attempted_at": NOW, "message": "", "voices": 0, "withheld": ""}
        message = "" if listing["result"] == "complete" else "It could not be read."
        db.session.add(ProviderListing(source_id=row.id, **(base | listing | {"message": message})))
    texts = dict.fromkeys(("name", "raw_state", "reason", "category", "language", "gender"), "")
    for id, voice in source["voices"].items():
        db.session.add(StoredProviderVoice(source_id=row.id, voice_id=id, first_listed_at=NOW, **texts, **voice))
    for id, answer in source["look_ups"].items():
        db.session.add(ProviderLookUp(source_id=row.id, voice_id=id, answer=answer, message="", asked_at=NOW))


def create_voice(voice: dict[str, Any], owner: Any) -> int:
    names = ("provider", "provider_voice_id", "status", "created_at")
    id = make_voice(owner, **{name: voice[name] for name in names}).id
    if voice["is_archived_here"]:
        archive = {"upstream_status": voice["status"].value, "status": VoiceStatus.ARCHIVED, "archived_at": NOW}
        with write_transaction():
            db.session.execute(update(ClonedVoice).where(ClonedVoice.id == id).values(archive))
    return id


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    sources=st.lists(SOURCES, min_size=1, max_size=4),
    voices=st.lists(VOICES, min_size=1, max_size=5),
)
def test_what_is_stored_is_what_the_page_says(
    app: Flask, sources: list[dict[str, Any]], voices: list[dict[str, Any]]
) -> None:
    for table in (Source, ClonedVoice):
        with write_transaction():
            db.session.execute(delete(table))
    organizations = {name: make_organization(name) for name in ("Acme", "Globex")}
    owners: dict[str | None, int | None] = {None: None, **{name: row.id for name, row in organizations.items()}}
    with write_transaction():
        for source in sources:
            create(source, owners)
    ids = [create_voice(voice, organizations[voice["owner"]]) for voice in voices]
    judge(organizations)
    assert_pages_agree(ids)
    for name, step in STEPS.items():
        with write_transaction():
            db.session.execute(step())
        if name != "lists fail":
            judge(organizations)
        assert_pages_agree(ids)


def judge(organizations: Mapping[str, Organization]) -> None:
    for organization in organizations.values():
        judge_organization(organization.id, AttentionThresholds(), now=NOW)


def assert_pages_agree(ids: list[int]) -> None:
    db.session.rollback()
    stored = read_verdicts(ids, now=NOW)
    for id in ids:
        judgement = evidence_of(id).judgement
        found = (stored[id].verdict, stored[id].certainty) if id in stored else None
        assert found == (None if judgement.verdict is None else judgement[:2])
