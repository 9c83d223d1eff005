"""Generated worlds: what is stored of a voice, read with the state of the lists, is what its page says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import delete, update

from tests.conftest import NOW
from tests.factories import make_organization, put_voices, voice_row
from tests.sources.actions.providers import evidence_of
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.actions.resetting import reset_organizations, reset_verdicts
from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.verdicts import Answer
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE, Verdict
from voiceadmin.voices.verdict_queries import read_verdicts

HOUR = timedelta(hours=1)
WORLDS = 5
KINDS = ("elevenlabs", "cartesia")
IDS = ("a", "b", "c", "d")


def draw_listing(random: Random) -> dict[str, Any]:
    result = random.choice(["complete"] * 10 + ["broken", "withheld"])
    read_at = random.choice([NOW] * 12 + [NOW - MAX_LIST_AGE, NOW - MAX_LIST_AGE - HOUR, None])
    return {"result": result, "complete_at": read_at, "message": "" if result == "complete" else "Failed."}


def draw_listed(random: Random) -> dict[str, Any]:
    return {
        "state": random.choice(list(ProviderState)).value,
        "is_ours": random.random() < 0.7,
        "breaks_at": random.choice([None] * 4 + [NOW - HOUR, NOW + HOUR]),
        "absent_since": random.choice([None, None, None, NOW]),
    }


def draw_source(random: Random) -> dict[str, Any]:
    return {
        "kind": random.choice(KINDS),
        "owner": random.choice([None, None, "Acme", "Globex"]),
        "disabled_at": random.choice([None] * 14 + [NOW]),
        "account_changed_at": random.choice([None] * 14 + [NOW]),
        "listings": [draw_listing(random) for _ in range(random.choice([0, 1, 1, 1, 1, 1, 2]))],
        "voices": {id: draw_listed(random) for id in IDS if random.random() < 0.5},
        "look_ups": {id: random.choice(list(Answer)).value for id in IDS if random.random() < 0.5},
    }


def draw_voice(random: Random) -> dict[str, Any]:
    return {
        "owner": random.choice(["Acme", "Globex"]),
        "provider": random.choice(KINDS),
        "provider_voice_id": random.choice(IDS),
        "status": random.choice([*VoiceStatus, VoiceStatus.READY, VoiceStatus.READY]),
        "is_archived_here": random.random() < 0.2,
        "created_at": random.choice([NOW, NOW - HOUR, NOW - HOUR]),
    }


# What happens to the sources and their lists, one after the other. All but a sync that fails reset verdicts.
STEPS: Mapping[str, Callable[[], Any]] = {
    "lists fail": lambda: update(ProviderListing).values(result="broken", message="Failed."),
    "lists are read": lambda: update(ProviderListing).values(result="complete", message="", complete_at=NOW),
    "sources are disabled": lambda: update(Source).where(Source.id % 2 == 0).values(disabled_at=NOW),
    "sources are enabled": lambda: update(Source).where(Source.id % 2 == 0).values(disabled_at=None),
    "sources are removed": lambda: delete(Source).where(Source.id % 2 == 0),
    "keys change": lambda: update(Source).where(Source.kind == "elevenlabs").values(account_changed_at=NOW),
    "accounts are accepted": lambda: update(Source).values(account_changed_at=None),
    "lists are forgotten": lambda: delete(ProviderListing),
}

# Two sources that lack a voice: a stored "missing" does not hold once one of them is disabled.
LACKING: dict[str, Any] = {
    "kind": "cartesia",
    "owner": None,
    "disabled_at": None,
    "account_changed_at": None,
    "voices": {},
    "listings": [{"result": "complete", "complete_at": NOW, "message": ""}],
    "look_ups": {"a": "absent"},
}
MISSING: dict[str, Any] = {
    "owner": "Acme",
    "provider": "cartesia",
    "provider_voice_id": "a",
    "status": VoiceStatus.READY,
    "is_archived_here": False,
    "created_at": NOW,
}


def create(source: dict[str, Any], owners: Mapping[str | None, int | None]) -> None:
    fields = {name: source[name] for name in ("kind", "disabled_at", "account_changed_at")}
    given = {"name": "Source", "address": "", "created_at": NOW, "created_by": "", "organization_id": None} | fields
    row = Source(**(given | {"organization_id": owners[source["owner"]]}))
    db.session.add(row)
    db.session.flush()
    for number, listing in enumerate(source["listings"]):
        base = {"name": str(number), "attempted_at": NOW, "voices": 0, "withheld": ""}
        db.session.add(ProviderListing(source_id=row.id, **(base | listing)))
    texts = dict.fromkeys(("name", "raw_state", "reason", "category", "language", "gender"), "")
    for id, voice in source["voices"].items():
        db.session.add(StoredProviderVoice(source_id=row.id, voice_id=id, first_listed_at=NOW, **texts, **voice))
    for id, answer in source["look_ups"].items():
        db.session.add(ProviderLookUp(source_id=row.id, voice_id=id, answer=answer, message="", asked_at=NOW))


def create_voices(voices: Sequence[dict[str, Any]], organizations: Mapping[str, Organization]) -> list[int]:
    names = ("provider", "provider_voice_id", "status", "created_at")
    rows = [voice_row(**{name: voice[name] for name in names}) for voice in voices]
    for name, organization in organizations.items():
        put_voices(organization, [row for row, voice in zip(rows, voices, strict=True) if voice["owner"] == name])
    archived = [row.id for row, voice in zip(rows, voices, strict=True) if voice["is_archived_here"]]
    archive = {"upstream_status": ClonedVoice.status, "status": VoiceStatus.ARCHIVED, "archived_at": NOW}
    with write_transaction():
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id.in_(archived)).values(archive))
    return [row.id for row in rows]


def draw_worlds() -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Yield sources and voices."""
    yield [LACKING, LACKING], [MISSING, MISSING | {"owner": "Globex"}]
    for seed in range(WORLDS):
        random = Random(seed)
        sources = [draw_source(random) for _ in range(random.randint(2, 4))]
        for source, kind in zip(sources, KINDS, strict=False):
            source["kind"] = kind
        yield sources, [draw_voice(random) for _ in range(16)]


def test_what_is_stored_is_what_the_page_says(app: Flask) -> None:
    seen = {verdict for sources, voices in draw_worlds() for verdict in check_world(sources, voices)}

    assert len(seen) >= 9  # of 12, so that the worlds do not become empty unnoticed


def check_world(sources: Sequence[dict[str, Any]], voices: Sequence[dict[str, Any]]) -> set[Verdict | None]:
    """Compare what is stored with the pages after each step. Return the verdicts that were seen."""
    for table in (Source, ClonedVoice):
        with write_transaction():
            db.session.execute(delete(table))
    organizations = {name: make_organization(name) for name in ("Acme", "Globex")}
    owners: dict[str | None, int | None] = {None: None, **{name: row.id for name, row in organizations.items()}}
    with write_transaction():
        for source in sources:
            create(source, owners)
    ids = create_voices(voices, organizations)
    with write_transaction():
        reset_organizations([organization.id for organization in organizations.values()], now=NOW)
    seen = renew(ids)
    for name, step in STEPS.items():
        with write_transaction():
            db.session.execute(step())
            for kind in () if name == "lists fail" else KINDS:
                reset_verdicts(kind, None, now=NOW)
        compare_with_pages(ids, is_judged=name == "lists fail")
        seen |= renew(ids)
    return seen


def renew(ids: list[int]) -> set[Verdict | None]:
    assert renew_verdicts(AttentionThresholds(), now=NOW)
    return compare_with_pages(ids)


def compare_with_pages(ids: list[int], *, is_judged: bool = True) -> set[Verdict | None]:
    """Compare verdicts and certainties with those of the pages, and return the verdicts.

    Before voices are judged again, nothing may be known of them.
    """
    db.session.rollback()
    stored = read_verdicts(ids, now=NOW)
    for id in ids if is_judged else stored:
        judgement = evidence_of(id).judgement
        found = (stored[id].verdict, stored[id].certainty) if id in stored else None
        assert found == (None if judgement.verdict is None else judgement[:2])
    return {stored[id].verdict if id in stored else None for id in ids}
