"""Assistants by name, with what their organizations have."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.problems import AssistantNotFound, OrganizationNotFound
from voiceadmin.queries.assistants import get_assistant, get_organization, list_assistants, some_assistant
from voiceadmin.shapes import AssistantFilters
from voiceadmin.vocabulary import MAX_ID, VoiceStatus

pytestmark = pytest.mark.usefixtures("store")


def test_an_assistant_comes_with_its_organization() -> None:
    acme = make_organization("Acme")
    make_assistant(acme, id=MAX_ID, name="Night desk", tts_provider="elevenlabs", tts_voice_id="rachel", active=False)
    make_assistant(acme)

    assistant = get_assistant(MAX_ID)

    assert (assistant.name, assistant.active, assistant.tts_voice_id) == ("Night desk", False, "rachel")
    assert (assistant.organization.name, assistant.organization.assistants) == ("Acme", 2)


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(AssistantNotFound, match="Assistant with ID 999 not found"):
        get_assistant(999)
    with pytest.raises(OrganizationNotFound, match="no organization 999"):
        get_organization(999)


def test_a_revision_moves_with_every_write_to_the_voices_and_with_no_other(store: Flask) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    before = get_organization(acme.id).revision

    make_voice(other)
    make_assistant(acme)
    unmoved = get_organization(acme.id).revision
    make_voice(acme)

    assert unmoved == before
    assert get_organization(acme.id).revision != before


def test_the_list_is_by_name_without_case_and_accents() -> None:
    for name in ("Zoë", "émile", "Emil", "zoe"):
        make_assistant(name=name)

    names = [row.assistant.name for row in list_assistants(AssistantFilters()).rows]

    assert names == ["Emil", "émile", "Zoë", "zoe"]


def test_a_search_finds_a_part_of_a_name_or_a_whole_id() -> None:
    make_assistant(id=123, name="Front desk")
    make_assistant(id=31, name="Line 123")
    make_assistant(id=1234, name="Other")

    found = {row.assistant.id for row in list_assistants(AssistantFilters(text="123")).rows}

    assert found == {123, 31}


def test_an_assistant_shows_the_voice_it_is_set_to_and_the_counts_of_its_organization() -> None:
    acme = make_organization()
    voice = make_voice(acme, provider="inworld", provider_voice_id="acme__x", status=VoiceStatus.FAILED)
    make_voice(make_organization("Other"), provider="inworld", provider_voice_id="acme__y")
    make_assistant(acme, name="A", tts_provider="inworld", tts_voice_id="acme__x")
    make_assistant(acme, name="B", tts_provider="inworld", tts_voice_id="acme__y")
    make_assistant(acme, name="C")

    rows = list_assistants(AssistantFilters(organization=acme.id)).rows

    assert [row.voice for row in rows] == [voice, None, None]
    assert all(row.counts[VoiceStatus.FAILED] == 1 and sum(row.counts.values()) == 1 for row in rows)


def test_of_duplicates_the_first_is_the_voice_an_assistant_is_set_to() -> None:
    acme = make_organization()
    first, _ = (make_voice(acme, provider_voice_id="twice") for _ in range(2))
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="twice")

    (row,) = list_assistants(AssistantFilters()).rows

    assert row.voice == first


def test_pages_follow_one_another_and_end() -> None:
    for number in range(3):
        make_assistant(name=f"Desk {number}")

    pages = [list_assistants(AssistantFilters(size=2, page=page)) for page in (1, 2, 3)]

    assert [[row.assistant.name for row in page.rows] for page in pages] == [["Desk 0", "Desk 1"], ["Desk 2"], []]
    assert {(page.total, page.last) for page in pages} == {(3, 2)}


def test_an_example_is_the_preferred_assistant_or_any_or_none() -> None:
    assert some_assistant(123) is None

    make_assistant(id=5)
    assert some_assistant(123) == 5

    make_assistant(id=123)
    assert some_assistant(123) == 123
