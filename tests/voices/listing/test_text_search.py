"""The trigram index: every voice that contains a text is a candidate, and no voice of another organization is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text

from tests.factories import make_organization, make_voice, put_voices, voice_row
from tests.strategies import IN_DATABASE, TEXTS
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.text import fold_case
from voiceadmin.voices.json_body import MAX_NAME, MAX_VOICE_ID
from voiceadmin.voices.listing import text_search
from voiceadmin.voices.listing.text_search import build_candidates_select, build_like_condition
from voiceadmin.voices.models import ClonedVoice


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Return an organization for the voices of a test."""
    return make_organization()


def find_candidates(organization: Organization, search_text: str) -> set[int]:
    """Return the ids of the candidates."""
    statement, values = build_candidates_select(organization.id, fold_case(search_text))
    return set(db.session.scalars(text(statement), values))


def find_matches(search_text: str) -> set[int]:
    """Return the ids of the voices of all organizations that contain a text, found by a full scan."""
    condition, values = build_like_condition(fold_case(search_text))
    return set(db.session.scalars(text(f"SELECT id FROM cloned_voice WHERE {condition.format('search_key')}"), values))


@IN_DATABASE
@given(names=st.lists(TEXTS, min_size=1, max_size=5), data=st.data())
def test_every_voice_that_contains_a_text_is_a_candidate(acme: Organization, names: list[str], data: Any) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    put_voices(acme, [voice_row(name=name, provider_voice_id="pv 7") for name in names])
    name = fold_case(data.draw(st.sampled_from(names)))
    start = data.draw(st.integers(0, len(name)))
    search_text = name[start : start + data.draw(st.integers(1, 200))].strip("\n") or "pv"
    if "\n" in search_text:
        return  # a search text contains no newline

    assert find_matches(search_text) <= find_candidates(acme, search_text)


def test_the_longest_name_and_provider_id_are_found_by_their_ends(acme: Organization) -> None:
    voice = make_voice(acme, name="x" * (MAX_NAME - 3) + "end", provider_voice_id="y" * (MAX_VOICE_ID - 3) + "fin")

    assert find_candidates(acme, "end") == find_candidates(acme, "fin") == {voice.id}


@pytest.mark.parametrize("search_text", ["m", "ma", "maria"])
def test_voices_of_another_organization_are_no_candidates(acme: Organization, search_text: str) -> None:
    make_voice(make_organization("Other"), name="Maria")
    voice = make_voice(acme, name="Anna Maria")

    assert find_candidates(acme, search_text) == {voice.id}


def test_renamed_moved_and_deleted_voices_are_indexed_as_they_are_now(acme: Organization) -> None:
    other = make_organization("Other")
    renamed, moved, deleted = (make_voice(acme, name="Maria") for _ in range(3))

    put_voices(acme, [renamed._replace(name="Sophie")])
    put_voices(other, [moved])
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == deleted.id))

    assert find_candidates(acme, "maria") == set()
    assert find_candidates(acme, "sophie") == {renamed.id}
    assert find_candidates(other, "maria") == {moved.id}


# The exact SQL

EITHER_PATTERN = "(key LIKE :pattern ESCAPE '/' OR key LIKE :second_pattern ESCAPE '/')"


@pytest.mark.parametrize(
    ("search_text", "condition", "values"),
    [
        ("ada", "key LIKE :pattern ESCAPE '/'", {"pattern": "%ada%"}),
        ("5/%_a", "key LIKE :pattern ESCAPE '/'", {"pattern": "%5///%/_a%"}),
        ("ab", EITHER_PATTERN, {"pattern": "%\nab%", "second_pattern": "% ab%"}),
        ("%", EITHER_PATTERN, {"pattern": "%\n/%%", "second_pattern": "% /%%"}),
    ],
)
def test_like_patterns_escape_wildcards(search_text: str, condition: str, values: dict[str, str]) -> None:
    template, parameters = build_like_condition(search_text)

    assert template.format("key") == condition
    assert parameters == values


@pytest.mark.parametrize(
    ("search_text", "trigrams"),
    [
        ("a", "5x0a61* OR 5x2061*"),
        ("ab", "5x0a6162 OR 5x206162"),
        ("abc", "5x616263"),
        ("abcd", "5x626364 AND 5x616263"),
        ("aaaa", "5x616161"),
    ],
)
def test_sqlite_matches_words_of_one_organization(sqlite_app: Flask, search_text: str, trigrams: str) -> None:
    assert build_candidates_select(5, search_text) == (
        "SELECT rowid AS id FROM voice_search WHERE voice_search MATCH :trigrams",
        {"trigrams": trigrams},
    )


@pytest.mark.parametrize(
    ("search_text", "operator", "trigrams"),
    [
        ("a", "&&", ["5x\na", "5x a"]),
        ("ab", "&&", ["5x\nab", "5x ab"]),
        ("abc", "@>", ["5xabc"]),
        ("abcd", "@>", ["5xbcd", "5xabc"]),
    ],
)
def test_postgresql_matches_trigrams_of_one_organization(
    monkeypatch: pytest.MonkeyPatch, search_text: str, operator: str, trigrams: list[str]
) -> None:
    engine = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"))
    monkeypatch.setattr(text_search, "db", SimpleNamespace(engine=engine))

    condition = f"voice_trigrams(organization_id, search_key) {operator} CAST(:trigrams AS text[])"
    assert build_candidates_select(5, search_text) == (
        f"SELECT id FROM cloned_voice WHERE {condition}",
        {"trigrams": trigrams},
    )


@pytest.mark.parametrize(
    ("length", "positions"),
    [
        (3, [0]),
        (4, [1, 0]),
        (18, list(range(15, -1, -1))),  # the maximum number of trigrams
        (19, list(range(16, -1, -2))),
        (34, list(range(31, -1, -2))),
        (35, list(range(32, -1, -3))),
    ],
)
def test_a_long_text_is_sampled_from_its_end(length: int, positions: list[int]) -> None:
    search_text = "".join(chr(ord("A") + number) for number in range(length))

    assert text_search._sample_trigrams(search_text) == [search_text[position : position + 3] for position in positions]
    assert len(positions) <= text_search.MAX_TRIGRAMS
