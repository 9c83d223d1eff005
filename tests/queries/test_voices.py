"""Voices by filters, order and page."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event

from tests.factories import DAY, LONG_AGO, make_assistant, make_organization, make_voice, put_voices, voice_row
from voiceadmin.actions.importing import ImportTarget, import_voices
from voiceadmin.db import db, writing
from voiceadmin.folding import folded, name_key
from voiceadmin.formats.record import FIELDS
from voiceadmin.models import ClonedVoice, Organization
from voiceadmin.problems import VoiceNotFound
from voiceadmin.queries.voices import get_voice, list_voices, voice_choices, voices_answer
from voiceadmin.shapes import Fault, VoiceFilters, VoiceQuery, VoiceRow
from voiceadmin.vocabulary import (
    MAX_ID,
    PAGE_SIZES,
    QualityTier,
    VoiceColumn,
    VoiceOrder,
    VoiceStatus,
    VoiceUse,
)

READY, FAILED, PROCESSING = VoiceStatus.READY, VoiceStatus.FAILED, VoiceStatus.PROCESSING


@pytest.fixture
def acme(store: Flask) -> Organization:
    """An organization that holds the voices of a test."""
    return make_organization()


def names(organization: Organization, now: datetime, **filters: Any) -> set[str]:
    """The names of the voices that filters choose."""
    return {row.name for row in list_voices(organization.id, VoiceFilters(**filters), now=now).page.rows}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, {"Ada", "Bo_b", "Recepción", "50%"}, id="no-filter-is-all"),
        pytest.param({"text": "ADA"}, {"Ada"}, id="name-ignores-case"),
        pytest.param({"text": "recepcion"}, {"Recepción"}, id="name-ignores-accents"),
        pytest.param({"text": "RECEPCIÓN"}, {"Recepción"}, id="accents-in-the-search-are-ignored-too"),
        pytest.param({"text": "_"}, {"Bo_b"}, id="underscore-is-a-letter"),
        pytest.param({"text": "%"}, {"50%"}, id="percent-is-a-letter"),
        pytest.param({"text": "pv-bo"}, {"Bo_b"}, id="provider-id-is-searched"),
        pytest.param({"text": "adapv"}, set(), id="name-and-provider-id-do-not-run-together"),
        pytest.param({"statuses": (FAILED,)}, {"Bo_b"}, id="one-status"),
        pytest.param({"statuses": (FAILED, PROCESSING)}, {"Bo_b", "Recepción"}, id="any-of-two-statuses"),
        pytest.param({"providers": ("playht",)}, {"50%"}, id="a-provider-without-a-name-here"),
        pytest.param({"providers": ("playht", "resemble")}, {"50%", "Bo_b"}, id="any-of-two-providers"),
        pytest.param({"tiers": (QualityTier.EXCELLENT,)}, {"Ada"}, id="one-is-excellent"),
        pytest.param({"tiers": (QualityTier.GOOD,)}, {"Bo_b"}, id="lower-bound-is-in"),
        pytest.param({"tiers": (QualityTier.POOR,)}, {"50%"}, id="zero-is-poor"),
        pytest.param({"tiers": (None,)}, {"Recepción"}, id="not-scored"),
        pytest.param({"tiers": (None, QualityTier.POOR)}, {"Recepción", "50%"}, id="not-scored-or-poor"),
        pytest.param({"languages": ("fr",)}, {"Bo_b"}, id="one-language"),
        pytest.param({"uses": (VoiceUse.NEVER,)}, {"Recepción", "50%"}, id="never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_30,)}, {"Bo_b", "50%"}, id="idle-includes-old-ones-never-used"),
        pytest.param({"uses": (VoiceUse.IDLE_90,)}, {"50%"}, id="idle-for-longer"),
        pytest.param({"statuses": (READY,), "tiers": (QualityTier.POOR,)}, {"50%"}, id="filters-add-up"),
        pytest.param({"statuses": (READY,), "languages": ("fr",)}, set(), id="filters-can-exclude-all"),
    ],
)
def test_filters_choose_voices(acme: Organization, now: datetime, filters: dict[str, Any], expected: set[str]) -> None:
    make_voice(acme, name="Ada", provider_voice_id="pv-ada", quality_score=1.0, last_used_at=now, synthesis_count=3)
    make_voice(
        acme,
        name="Bo_b",
        provider="resemble",
        provider_voice_id="pv-bo",
        status=FAILED,
        quality_score=QualityTier.GOOD.low,
        language="fr",
        last_used_at=now - 30 * DAY,
        synthesis_count=1,
    )
    make_voice(acme, name="Recepción", status=PROCESSING, quality_score=None, created_at=now - 29 * DAY)
    make_voice(acme, name="50%", provider="playht", quality_score=0.0, created_at=LONG_AGO)
    make_voice(make_organization("Other"), name="Ada of another organization")

    assert names(acme, now, **filters) == expected


def test_a_voice_with_uses_but_no_date_counts_as_used(acme: Organization, now: datetime) -> None:
    make_voice(acme, name="Undated", synthesis_count=5, last_used_at=None)

    assert names(acme, now, uses=(VoiceUse.NEVER,)) == set()


def test_the_bounds_of_idleness_are_inclusive(acme: Organization, now: datetime) -> None:
    instant = timedelta(microseconds=1)
    make_voice(acme, name="At", last_used_at=now - 30 * DAY, synthesis_count=1)
    make_voice(acme, name="Inside", last_used_at=now - 30 * DAY + instant, synthesis_count=1)

    assert names(acme, now, uses=(VoiceUse.IDLE_30,)) == {"At"}


def test_counts_by_status_stand_under_the_other_filters(acme: Organization, now: datetime) -> None:
    make_voice(acme, status=READY)
    make_voice(acme, status=FAILED)
    make_voice(acme, status=FAILED, provider="resemble")

    filters = VoiceFilters(statuses=(READY,), providers=("elevenlabs",))
    found = list_voices(acme.id, filters, now=now)

    assert found.counts == {PROCESSING: 0, READY: 1, FAILED: 1, VoiceStatus.ARCHIVED: 0}
    assert found.page.total == 1
    assert [(label, number) for _, label, number in found.tabs][:2] == [("All", 2), ("Ready", 1)]


def test_a_page_past_the_end_is_empty_and_knows_the_total(acme: Organization, now: datetime) -> None:
    make_voice(acme)

    page = list_voices(acme.id, VoiceFilters(page=9), now=now).page

    assert (page.rows, page.total, page.last) == ([], 1, 1)


def test_users_are_the_assistants_set_to_a_voice(acme: Organization, now: datetime) -> None:
    used = make_voice(acme, provider="resemble", provider_voice_id="X1")
    other_case = make_voice(acme, provider="resemble", provider_voice_id="x1")
    other_provider = make_voice(acme, provider="inworld", provider_voice_id="X1")
    nameless = make_voice(acme, provider_voice_id="")
    for _ in range(2):
        make_assistant(acme, tts_provider="resemble", tts_voice_id="X1")
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="")
    make_assistant(make_organization("Other"), tts_provider="inworld", tts_voice_id="X1")

    users = list_voices(acme.id, VoiceFilters(), now=now).users

    assert users == {used.id: 2}
    assert not {other_case.id, other_provider.id, nameless.id} & set(users)


def test_choices_are_the_words_of_this_organization_alone(acme: Organization) -> None:
    make_voice(acme, provider="playht", language="fr")
    make_voice(acme, provider="inworld", language=None)
    make_voice(make_organization("Other"), provider="lmnt", language="de")

    choices = voice_choices(acme.id)

    assert choices.providers == ("inworld", "playht")
    assert choices.languages == ("fr",)


def test_a_voice_comes_with_its_assistants_the_set_ones_first(acme: Organization) -> None:
    voice = make_voice(acme, provider="inworld", provider_voice_id="acme__x")
    make_assistant(acme, name="Aaron")
    make_assistant(acme, name="Zoe", tts_provider="inworld", tts_voice_id="acme__x")

    detail = get_voice(voice.id)

    assert detail.voice == voice
    assert [assistant.name for assistant in detail.assistants] == ["Zoe", "Aaron"]
    assert (detail.set_by, detail.organization.assistants) == (1, 2)


def test_a_voice_that_is_not_there_is_not_found(store: Flask) -> None:
    with pytest.raises(VoiceNotFound, match="Cloned voice with ID 7 not found"):
        get_voice(7)


# Every order, filter and page, against plain Python over the same rows

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
SCORES = st.none() | st.sampled_from([0.0, 0.6999999999999999, 0.7, 0.8, 0.897, 0.9, 1.0]) | st.floats(0, 1)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 22)).map(  # noqa: DTZ001  # made aware at once
    lambda time: time.replace(tzinfo=LONG_AGO.tzinfo)
)
VOICES = st.builds(
    voice_row,
    name=WORDS | st.sampled_from(["Ada", "ada", "Émile", "emile", "Zoë"]),
    provider=st.sampled_from(["elevenlabs", "resemble", "playht", "Zed"]),
    provider_voice_id=WORDS,
    language=st.sampled_from([None, "en", "fr", "en-US"]),
    status=st.sampled_from(list(VoiceStatus)),
    quality_score=SCORES,
    created_at=TIMES,
    last_used_at=st.none() | TIMES,
    synthesis_count=st.sampled_from([0, 0, 1, 2, MAX_ID]),
)
FILTERS = st.builds(
    VoiceFilters,
    text=st.sampled_from(["", "a", "é", "%", "E"]),
    statuses=st.lists(st.sampled_from(list(VoiceStatus)), max_size=2, unique=True).map(tuple),
    providers=st.lists(st.sampled_from(["elevenlabs", "playht"]), max_size=2, unique=True).map(tuple),
    tiers=st.lists(st.sampled_from([None, *QualityTier]), max_size=2, unique=True).map(tuple),
    uses=st.lists(st.sampled_from(list(VoiceUse)), max_size=2, unique=True).map(tuple),
    languages=st.lists(st.sampled_from(["en", "fr"]), max_size=2, unique=True).map(tuple),
    order=st.sampled_from(list(VoiceOrder)),
    size=st.sampled_from([1, 2, 3]),
)
IN_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def refill(organization: Organization, rows: Sequence[VoiceRow]) -> None:
    """Let an organization have exactly these voices."""
    with writing():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(organization, rows)


def chosen(row: VoiceRow, filters: VoiceFilters, now: datetime) -> bool:
    """What the filters mean, in plain Python."""

    def in_use(use: VoiceUse) -> bool:
        if use.idle is None:
            return row.last_used_at is None and row.synthesis_count == 0
        return (row.last_used_at or row.created_at) <= now - use.idle

    return (
        (folded(filters.text) in folded(row.name) or folded(filters.text) in folded(row.provider_voice_id))
        and (not filters.statuses or row.status in filters.statuses)
        and (not filters.providers or row.provider in filters.providers)
        and (not filters.tiers or row.tier in filters.tiers)
        and (not filters.uses or any(map(in_use, filters.uses)))
        and (not filters.languages or row.language in filters.languages)
    )


def ordered(rows: Sequence[VoiceRow], order: VoiceOrder) -> list[VoiceRow]:
    """What the order means, in plain Python: nulls last both ways, ties by id."""
    values: dict[VoiceColumn, Callable[[VoiceRow], Any]] = {
        VoiceColumn.NAME: lambda row: name_key(row.name),
        VoiceColumn.PROVIDER: lambda row: row.provider,
        VoiceColumn.STATUS: lambda row: row.status.value,
        VoiceColumn.QUALITY: lambda row: row.quality_score,
        VoiceColumn.SYNTHESES: lambda row: row.synthesis_count,
        VoiceColumn.LAST_USED: lambda row: row.last_used_at,
        VoiceColumn.CREATED: lambda row: row.created_at,
    }
    value = values[order.column]
    by_id = sorted(rows, key=lambda row: row.id)
    known = sorted((row for row in by_id if value(row) is not None), key=value, reverse=order.descending)
    return known + [row for row in by_id if value(row) is None]


@IN_DATABASE
@given(rows=st.lists(VOICES, max_size=12), filters=FILTERS)
def test_pages_together_are_the_list_that_plain_python_makes(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = ordered([row for row in rows if chosen(row, filters, now)], filters.order)

    first = list_voices(acme.id, filters, now=now)
    pages = [list_voices(acme.id, filters.but(page=number), now=now).page for number in range(1, first.page.last + 1)]

    assert [row for page in pages for row in page.rows] == expected
    assert first.page.total == len(expected)


@IN_DATABASE
@given(
    rows=st.lists(VOICES, max_size=8),
    status=st.none() | st.sampled_from(list(VoiceStatus)),
    provider=st.none() | st.sampled_from(["elevenlabs", "playht"]),
    skip=st.sampled_from([0, 1, 3, MAX_ID]),
    limit=st.none() | st.sampled_from([1, 2, MAX_ID]),
)
def test_the_answer_for_programs_is_the_list_that_plain_python_makes(
    acme: Organization,
    rows: list[VoiceRow],
    status: VoiceStatus | None,
    provider: str | None,
    skip: int,
    limit: int | None,
) -> None:
    refill(acme, rows)
    matching = sorted(
        (row for row in rows if status in (None, row.status) and provider in (None, row.provider)),
        key=lambda row: row.id,
    )

    body = json.loads(voices_answer(acme.id, VoiceQuery(status, provider, skip, limit)))

    assert body["success"] is True
    expected = matching[skip:] if limit is None else matching[skip : skip + limit]
    assert [(voice["id"], voice["quality_score"]) for voice in body["cloned_voices"]] == [
        (row.id, row.quality_score) for row in expected
    ]
    assert all(tuple(voice) == FIELDS for voice in body["cloned_voices"])


@IN_DATABASE
@given(score=SCORES)
def test_python_and_sql_grade_alike(acme: Organization, now: datetime, score: float | None) -> None:
    row = voice_row(quality_score=score)
    refill(acme, [row])

    tiers = [tier for tier in (None, *QualityTier) if names(acme, now, tiers=(tier,))]

    assert tiers == [QualityTier.of(score)]


@pytest.mark.parametrize("size", PAGE_SIZES)
def test_a_list_takes_three_statements_whatever_its_length(acme: Organization, now: datetime, size: int) -> None:
    make_assistant(acme)
    refill(acme, [voice_row() for _ in range(size + 1)])
    statements: list[str] = []
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    list_voices(acme.id, VoiceFilters(size=size), now=now)

    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) == 3


def test_an_import_is_seen_by_the_next_reading(acme: Organization, now: datetime) -> None:
    assistant, faults = make_assistant(acme), list[Fault]()
    line = json.dumps({**voice_row(name="New")._asdict(), "created_at": "2026-01-01T00:00:00Z"}).encode()

    import_voices(io.BytesIO(line), ImportTarget(assistant.id), on_fault=faults.append)

    assert not faults

    assert names(acme, now) == {"New"}
