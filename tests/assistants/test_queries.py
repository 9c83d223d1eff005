"""The assistant list, and look-ups of assistants and organizations."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.assistants.queries import FIELDS, assistants_file, list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.errors import AssistantNotFound, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.queries import (
    find_example_assistant,
    get_assistant,
    get_assistant_organization,
    get_organization,
    list_organizations,
)
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID
from voiceadmin.voices.types.status import VoiceStatus

pytestmark = pytest.mark.usefixtures("app")


def test_an_assistant_is_returned_with_its_organization() -> None:
    acme = make_organization("Acme")
    make_assistant(acme, id=MAX_ID, name="Night desk", tts_provider="elevenlabs", tts_voice_id="rachel", active=False)
    make_assistant(acme)

    assistant = get_assistant(EVERYTHING, MAX_ID)

    assert (assistant.name, assistant.active, assistant.tts_voice_id) == ("Night desk", False, "rachel")
    assert (assistant.organization.name, assistant.organization.assistant_count) == ("Acme", 2)


def test_unknown_ids_are_not_found() -> None:
    with pytest.raises(AssistantNotFound, match="Assistant with ID 999 not found"):
        get_assistant(EVERYTHING, 999)
    with pytest.raises(OrganizationNotFound, match="no organization 999"):
        get_organization(EVERYTHING, 999)


def test_a_revision_changes_with_every_write_to_voices_and_with_no_other_write(app: Flask) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    before = get_organization(EVERYTHING, acme.id).revision

    make_voice(other)
    make_assistant(acme)
    unmoved = get_organization(EVERYTHING, acme.id).revision
    make_voice(acme)

    assert unmoved == before
    assert get_organization(EVERYTHING, acme.id).revision != before


def test_the_list_is_sorted_by_name_ignoring_case_and_accents() -> None:
    for name in ("Zoë", "émile", "Emil", "zoe"):
        make_assistant(name=name)

    names = [row.assistant.name for row in list_assistants(EVERYTHING, AssistantFilters()).rows]

    assert names == ["Emil", "émile", "Zoë", "zoe"]


def test_a_search_matches_part_of_a_name_or_a_whole_id() -> None:
    make_assistant(id=123, name="Front desk")
    make_assistant(id=31, name="Line 123")
    make_assistant(id=1234, name="Other")

    found = {row.assistant.id for row in list_assistants(EVERYTHING, AssistantFilters(text="123")).rows}

    assert found == {123, 31}


def test_an_assistant_is_listed_with_its_voice_and_the_counts_of_its_organization() -> None:
    acme = make_organization()
    voice = make_voice(acme, provider="inworld", provider_voice_id="acme__x", status=VoiceStatus.FAILED)
    make_voice(make_organization("Other"), provider="inworld", provider_voice_id="acme__y")
    make_assistant(acme, name="A", tts_provider="inworld", tts_voice_id="acme__x")
    make_assistant(acme, name="B", tts_provider="inworld", tts_voice_id="acme__y")
    make_assistant(acme, name="C")

    rows = list_assistants(EVERYTHING, AssistantFilters(organization=acme.id)).rows

    assert [row.voice for row in rows] == [voice, None, None]
    assert all(row.counts[VoiceStatus.FAILED] == 1 and sum(row.counts.values()) == 1 for row in rows)


def test_an_assistant_uses_the_first_of_duplicate_voices() -> None:
    acme = make_organization()
    first, _ = (make_voice(acme, provider_voice_id="twice") for _ in range(2))
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="twice")

    (row,) = list_assistants(EVERYTHING, AssistantFilters()).rows

    assert row.voice == first


def test_pages_are_consecutive_and_a_page_past_the_end_is_empty() -> None:
    for number in range(3):
        make_assistant(name=f"Desk {number}")

    pages = [list_assistants(EVERYTHING, AssistantFilters(size=2, page=page)) for page in (1, 2, 3)]

    assert [[row.assistant.name for row in page.rows] for page in pages] == [["Desk 0", "Desk 1"], ["Desk 2"], []]
    assert {(page.total, page.last_page) for page in pages} == {(3, 2)}


def test_the_example_is_the_preferred_assistant_or_any_or_none() -> None:
    assert find_example_assistant(EVERYTHING, 123) is None

    make_assistant(id=5)
    assert find_example_assistant(EVERYTHING, 123) == 5

    make_assistant(id=123)
    assert find_example_assistant(EVERYTHING, 123) == 123


def test_objects_outside_the_scope_are_not_found() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    make_assistant(acme, id=31, name="Ours")
    make_assistant(other, id=7, name="Theirs")
    here = Scope(frozenset({acme.id}))

    for scope in (here, NOTHING):
        with pytest.raises(AssistantNotFound, match="Assistant with ID 7 not found"):
            get_assistant(scope, 7)
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {other.id}\.$"):
            get_organization(scope, other.id)
        assert get_assistant_organization(scope, 7) is None
        theirs = list_assistants(scope, AssistantFilters(organization=other.id))
        assert (theirs.rows, theirs.total) == ([], 0)
    found = list_assistants(here, AssistantFilters())
    assert ([row.assistant.name for row in found.rows], found.total) == (["Ours"], 1)
    assert get_assistant(here, 31).organization.id == acme.id == get_organization(here, acme.id).id
    assert [find_example_assistant(scope, 7) for scope in (EVERYTHING, here, NOTHING)] == [7, 31, None]


def test_the_organization_of_an_assistant_is_returned_with_its_revision() -> None:
    acme = make_organization("Acme")
    make_assistant(acme, id=31)

    assert get_assistant_organization(EVERYTHING, 31) == (acme.id, get_organization(EVERYTHING, acme.id).revision)
    assert get_assistant_organization(Scope(frozenset({acme.id})), 31) == get_assistant_organization(EVERYTHING, 31)
    assert get_assistant_organization(EVERYTHING, 32) is None


def test_organizations_are_sorted_by_name_and_id() -> None:
    zed, acme, twin = (make_organization(name) for name in ("Zed", "Acme", "Acme"))

    assert list(list_organizations(EVERYTHING).items()) == [(acme.id, "Acme"), (twin.id, "Acme"), (zed.id, "Zed")]
    assert list_organizations(Scope(frozenset({twin.id, 999}))) == {twin.id: "Acme"}
    assert list_organizations(NOTHING) == {}


def test_without_the_preferred_assistant_the_example_has_the_smallest_id() -> None:
    other, acme = make_organization("Other"), make_organization("Acme")
    make_assistant(other, id=9)
    make_assistant(acme, id=5)

    assert find_example_assistant(EVERYTHING, 123) == 5
    assert find_example_assistant(Scope(frozenset({acme.id, other.id})), 123) == 5


def test_assistants_with_equal_names_are_sorted_by_id_across_organizations() -> None:
    other, acme = make_organization("Other"), make_organization("Acme")
    make_assistant(other, id=9)
    make_assistant(acme, id=5)
    make_assistant(other, id=7)

    for scope in (EVERYTHING, Scope(frozenset({acme.id, other.id}))):
        assert [row.assistant.id for row in list_assistants(scope, AssistantFilters()).rows] == [5, 7, 9]


def test_a_page_has_its_number_and_its_size() -> None:
    page = list_assistants(EVERYTHING, AssistantFilters(size=25, page=3))

    assert (page.page_number, page.size, page.total, page.rows) == (3, 25, 0, [])


@pytest.mark.parametrize(("text", "found"), [("%", {1}), ("_", {2}), ("/", {3}), ("50", {1}), ("%_", set())])
def test_wildcards_of_like_are_searched_literally(text: str, found: set[int]) -> None:
    for id, name in ((1, "50% off"), (2, "night_desk"), (3, "day/night"), (4, "Plain")):
        make_assistant(id=id, name=name)

    assert {row.assistant.id for row in list_assistants(EVERYTHING, AssistantFilters(text=text)).rows} == found


@pytest.mark.parametrize(
    ("provider", "voice_id"), [("elevenlabs", ""), ("elevenlabs", None), ("", "pv"), (None, "pv"), (None, None)]
)
def test_an_assistant_with_an_incomplete_voice_reference_uses_no_voice(
    provider: str | None, voice_id: str | None
) -> None:
    acme = make_organization()
    make_voice(acme, provider="elevenlabs", provider_voice_id="")
    make_voice(acme, provider="", provider_voice_id="pv")
    make_assistant(acme, tts_provider=provider, tts_voice_id=voice_id)

    (row,) = list_assistants(EVERYTHING, AssistantFilters()).rows

    assert row.voice is None


def test_voices_are_counted_by_organization_and_status() -> None:
    acme, other, bare = (make_organization(name) for name in ("Acme", "Other", "Bare"))
    for organization, statuses in (
        (acme, [VoiceStatus.READY, VoiceStatus.READY, VoiceStatus.FAILED]),
        (other, [VoiceStatus.READY, VoiceStatus.ARCHIVED, VoiceStatus.ARCHIVED, VoiceStatus.ARCHIVED]),
    ):
        for number, status in enumerate(statuses):
            make_voice(organization, status=status, provider=("inworld", "playht")[number % 2])
    for number, organization in enumerate((acme, other, bare)):
        make_assistant(organization, name=f"Desk {number}")

    counts = [row.counts for row in list_assistants(EVERYTHING, AssistantFilters()).rows]

    nothing = dict.fromkeys(VoiceStatus, 0)
    assert counts == [
        nothing | {VoiceStatus.READY: 2, VoiceStatus.FAILED: 1},
        nothing | {VoiceStatus.READY: 1, VoiceStatus.ARCHIVED: 3},
        nothing,
    ]


def test_an_export_of_assistants_has_the_values_of_the_list() -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    voice = make_voice(acme, provider="resemble", status=VoiceStatus.FAILED)
    make_voice(acme)
    make_assistant(
        acme, id=7, name="Night desk", tts_provider="resemble", tts_voice_id=voice.provider_voice_id, active=False
    )
    make_assistant(other, id=8, name="Attic", tts_provider="rime", tts_voice_id="stock")

    lines = [
        json.loads(line)
        for line in "".join(assistants_file(EVERYTHING, AssistantFilters(), ExportFormat.NDJSON)).splitlines()
    ]

    assert lines == [
        {
            "id": 8,
            "name": "Attic",
            "active": True,
            "organization_id": other.id,
            "organization": "Other",
            "tts_provider": "rime",
            "tts_voice_id": "stock",
            "is_voice_spoken": True,
            "voice_id": None,
            "voice_name": None,
            "voice_status": None,
            "ready": 0,
            "processing": 0,
            "failed": 0,
            "archived": 0,
            "voices": 0,
        },
        {
            "id": 7,
            "name": "Night desk",
            "active": False,
            "organization_id": acme.id,
            "organization": "Acme",
            "tts_provider": "resemble",
            "tts_voice_id": voice.provider_voice_id,
            "is_voice_spoken": True,
            "voice_id": voice.id,
            "voice_name": voice.name,
            "voice_status": "failed",
            "ready": 1,
            "processing": 0,
            "failed": 1,
            "archived": 0,
            "voices": 2,
        },
    ]
    assert [tuple(line) for line in lines] == [FIELDS] * 2
    only = AssistantFilters(organization=acme.id)
    assert len("".join(assistants_file(EVERYTHING, only, ExportFormat.CSV)).splitlines()) == 2
    assert list(assistants_file(NOTHING, AssistantFilters(), ExportFormat.NDJSON)) == []
