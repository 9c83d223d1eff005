"""One voice, the choices of the filters, and the body of the JSON route."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from tests.factories import make_assistant, make_organization, make_voice, name_voice, refill, voice_row
from tests.strategies import IN_DATABASE, LISTS, LONGEST_NAMES, PLAIN_VOICES, STORED_LISTS
from tests.voices.importing.reading.scenario import rows
from voiceadmin.errors import VoiceNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.queries import ASSISTANTS_SHOWN, build_voices_body, get_voice, get_voice_choices, voices_file
from voiceadmin.voices.types.filters import VoiceQuery
from voiceadmin.voices.types.rows import AssistantUse, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Return an organization for the voices of a test."""
    return make_organization()


def test_choices_are_the_values_of_one_organization(acme: Organization) -> None:
    make_voice(acme, provider="playht", language="fr")
    make_voice(acme, provider="inworld", language=None)
    make_voice(make_organization("Other"), provider="lmnt", language="de")

    choices = get_voice_choices(acme.id)

    assert choices.providers == ("inworld", "playht")
    assert choices.languages == ("fr",)


def test_the_assistants_of_a_voice_start_with_those_that_use_it(acme: Organization) -> None:
    voice = make_voice(acme, provider="inworld", provider_voice_id="acme__x")
    make_assistant(acme, name="Aaron")
    make_assistant(acme, name="Zoe", tts_provider="inworld", tts_voice_id="acme__x")

    detail = get_voice(EVERYTHING, voice.id)

    assert detail.voice == voice
    assert [assistant.name for assistant in detail.assistants] == ["Zoe", "Aaron"]
    assert (detail.using_assistant_count, detail.organization.assistant_count) == (1, 2)


def test_an_unknown_voice_is_not_found(app: Flask) -> None:
    with pytest.raises(VoiceNotFound, match="Cloned voice with ID 7 not found"):
        get_voice(EVERYTHING, 7)


def test_a_voice_outside_a_scope_is_not_found(acme: Organization) -> None:
    own_voice, foreign_voice = make_voice(acme), make_voice(make_organization("Other"))
    own_scope = Scope(frozenset({acme.id}))

    assert get_voice(own_scope, own_voice.id).voice == own_voice
    for scope, voice in ((own_scope, foreign_voice), (NOTHING, own_voice)):
        with pytest.raises(VoiceNotFound, match=f"Cloned voice with ID {voice.id} not found"):
            get_voice(scope, voice.id)


@IN_DATABASE
@given(
    rows=st.lists(PLAIN_VOICES, max_size=8),
    status=st.none() | st.sampled_from(list(VoiceStatus)),
    provider=st.none() | st.sampled_from(["elevenlabs", "playht"]),
    skip=st.sampled_from([0, 1, 3, MAX_ID]),
    limit=st.none() | st.sampled_from([1, 2, MAX_ID]),
)
def test_the_json_route_returns_the_list_that_plain_python_builds(
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

    body = json.loads(build_voices_body(acme.id, VoiceQuery(status, provider, skip, limit))[1])

    assert body["success"] is True
    expected = matching[skip:] if limit is None else matching[skip : skip + limit]
    assert [(voice["id"], voice["quality_score"]) for voice in body["cloned_voices"]] == [
        (row.id, row.quality_score) for row in expected
    ]
    assert all(tuple(voice) == FIELDS for voice in body["cloned_voices"])


@IN_DATABASE
@example([voice_row(name=name) for name in LONGEST_NAMES])
@given(STORED_LISTS)
def test_the_database_encodes_every_voice_as_python_does(acme: Organization, voices: list[VoiceRow]) -> None:
    refill(acme, voices)

    body = build_voices_body(acme.id, VoiceQuery())[1]

    records = [voice_to_json(voice) for voice in sorted(voices, key=lambda voice: voice.id)]
    assert json.loads(body) == {"success": True, "cloned_voices": records}
    assert all(tuple(voice) == FIELDS for voice in json.loads(body)["cloned_voices"])


@IN_DATABASE
@given(LISTS)
def test_the_import_reads_the_json_route(acme: Organization, voices: list[VoiceRow]) -> None:
    refill(acme, voices)

    body = build_voices_body(acme.id, VoiceQuery())[1]

    assert rows(body) == sorted(voices, key=lambda voice: voice.id)


@pytest.mark.parametrize("format", ExportFormat)
def test_an_export_contains_all_voices_of_one_organization_by_id(acme: Organization, format: ExportFormat) -> None:
    voices = [make_voice(acme, id=id, name=name) for id, name in ((9, "Ada"), (3, "Bo"), (5, "é,\n\"x'"))]
    make_voice(make_organization("Other"), id=4)

    text = "".join(voices_file(acme.id, format))

    assert text == "".join(format_file(sorted(voices, key=lambda voice: voice.id), format))
    assert text.count("elevenlabs") == 3


def test_a_voice_has_a_limited_number_of_assistants_by_name(acme: Organization) -> None:
    voice = make_voice(acme, provider="inworld", provider_voice_id="x")
    for number in range(ASSISTANTS_SHOWN):
        make_assistant(acme, name=f"Desk {number:02}")
    using_voice = {"tts_provider": "inworld", "tts_voice_id": "x"}
    last = [make_assistant(acme, name=name, **using_voice).id for name in ("Zoe", "Yan")]
    make_assistant(acme, name="A", tts_provider="resemble", tts_voice_id="x")
    make_assistant(acme, name="B", tts_provider="inworld", tts_voice_id="X")
    make_assistant(make_organization("Other"), name="C", **using_voice)

    detail = get_voice(EVERYTHING, voice.id)

    names = [assistant.name for assistant in detail.assistants]
    assert names == ["Yan", "Zoe", "A", "B", *(f"Desk {number:02}" for number in range(ASSISTANTS_SHOWN - 4))]
    assert [assistant.id for assistant in detail.assistants[:2]] == last[::-1]
    assert (detail.using_assistant_count, detail.organization.assistant_count) == (2, ASSISTANTS_SHOWN + 4)


def test_assistants_that_name_a_voice_come_after_those_that_use_it(acme: Organization) -> None:
    voice = make_voice(acme, provider="inworld", provider_voice_id="x")
    make_assistant(acme, id=1, name="A")
    name_voice(make_assistant(acme, id=2, name="B", tts_provider="inworld", tts_voice_id="y"), "x", "inworld")
    name_voice(make_assistant(acme, id=3, name="C"), "x", "elevenlabs")
    for id, is_spoken in ((4, False), (5, True)):
        make_assistant(acme, id=id, name="D", tts_provider="inworld", tts_voice_id="x", is_voice_spoken=is_spoken)

    detail = get_voice(EVERYTHING, voice.id)

    assert [assistant.id for assistant in detail.assistants] == [5, 4, 2, 1, 3]
    assert detail.uses == {5: AssistantUse.USES, 4: AssistantUse.NOT_SPOKEN, 2: AssistantUse.NAMES}
    assert detail.using_assistant_count == 1


def test_an_assistant_that_uses_another_voice_with_the_same_id_does_not_use_this_one(acme: Organization) -> None:
    first, second = (make_voice(acme, provider="inworld", provider_voice_id="x") for _ in range(2))
    make_assistant(acme, id=1, tts_provider="inworld", tts_voice_id="x")

    assert get_voice(EVERYTHING, first.id).uses == {1: AssistantUse.USES}
    assert get_voice(EVERYTHING, second.id).uses == {}


def test_assistants_with_the_same_name_are_ordered_by_id(acme: Organization) -> None:
    voice = make_voice(acme, provider_voice_id="")
    for id in (902, 901):
        make_assistant(acme, id=id, name="Émile", tts_provider="elevenlabs", tts_voice_id="")

    detail = get_voice(EVERYTHING, voice.id)

    assert [assistant.id for assistant in detail.assistants] == [901, 902]
    assert detail.using_assistant_count == 0  # an assistant cannot use a voice without a provider id


def test_the_json_of_one_voice_is_what_the_json_route_lists(acme: Organization) -> None:
    voice = make_voice(acme)

    assert json.loads(build_voices_body(acme.id, VoiceQuery())[1])["cloned_voices"] == [voice_to_json(voice)]
