"""The index of grams: every voice that holds a text is a candidate, and none of another organization."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text

from tests.factories import make_organization, make_voice, put_voices, voice_row
from tests.strategies import IN_DATABASE, TEXTS
from voiceadmin.db import db, writing
from voiceadmin.folding import folded
from voiceadmin.formats.record import MAX_NAME, MAX_VOICE_ID
from voiceadmin.models import ClonedVoice, Organization
from voiceadmin.queries.search import candidates, held


@pytest.fixture
def acme(store: Flask) -> Organization:
    """An organization that holds the voices of a test."""
    return make_organization()


def possible(organization: Organization, sought: str) -> set[int]:
    """The ids of the candidates."""
    statement, values = candidates(organization.id, folded(sought))
    return set(db.session.scalars(text(statement), values))


def really(sought: str) -> set[int]:
    """The ids of the voices of any organization that hold a text, by reading them all."""
    condition, values = held(folded(sought))
    return set(db.session.scalars(text(f"SELECT id FROM cloned_voice WHERE {condition.format('search_key')}"), values))


@IN_DATABASE
@given(names=st.lists(TEXTS, min_size=1, max_size=5), data=st.data())
def test_every_voice_that_holds_a_text_is_a_candidate(acme: Organization, names: list[str], data: Any) -> None:
    with writing():
        db.session.execute(delete(ClonedVoice))
    put_voices(acme, [voice_row(name=name, provider_voice_id="pv 7") for name in names])
    name = folded(data.draw(st.sampled_from(names)))
    start = data.draw(st.integers(0, len(name)))
    sought = name[start : start + data.draw(st.integers(1, 200))].strip("\n") or "pv"
    if "\n" in sought:
        return  # no search text holds one

    assert really(sought) <= possible(acme, sought)


def test_the_longest_name_and_provider_id_are_found_by_their_ends(acme: Organization) -> None:
    voice = make_voice(acme, name="x" * (MAX_NAME - 3) + "end", provider_voice_id="y" * (MAX_VOICE_ID - 3) + "fin")

    assert possible(acme, "end") == possible(acme, "fin") == {voice.id}


@pytest.mark.parametrize("sought", ["m", "ma", "maria"])
def test_voices_of_another_organization_are_no_candidates(acme: Organization, sought: str) -> None:
    make_voice(make_organization("Other"), name="Maria")
    voice = make_voice(acme, name="Anna Maria")

    assert possible(acme, sought) == {voice.id}


def test_a_voice_that_was_renamed_moved_or_deleted_is_found_as_it_is_now(acme: Organization) -> None:
    other = make_organization("Other")
    renamed, moved, deleted = (make_voice(acme, name="Maria") for _ in range(3))

    put_voices(acme, [renamed._replace(name="Sophie")])
    put_voices(other, [moved])
    with writing():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == deleted.id))

    assert possible(acme, "maria") == set()
    assert possible(acme, "sophie") == {renamed.id}
    assert possible(other, "maria") == {moved.id}
