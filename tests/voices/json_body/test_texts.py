"""Texts and the status of a record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.voices.json_body.scenario import errors, read, shown
from voiceadmin.voices.json_body import MAX_NAME, MAX_VOICE_ID, MAX_WORD, InvalidValue, parse_name
from voiceadmin.voices.types.provider import Provider


@pytest.mark.parametrize(
    ("field", "maximum"),
    [
        ("name", MAX_NAME),
        ("provider", MAX_WORD),
        ("provider_voice_id", MAX_VOICE_ID),
        ("language", MAX_WORD),
        ("gender", MAX_WORD),
    ],
)
def test_a_text_may_have_its_maximal_length_and_no_more(field: str, maximum: int) -> None:
    assert getattr(read(**{field: "😀" * maximum}), field) == "😀" * maximum
    assert errors(**{field: "x" * (maximum + 1)})[0][2:] == (
        f"has {maximum + 1:,} characters.",
        f"Shorten it to {maximum:,}.",
    )


@pytest.mark.parametrize("field", ["name", "provider", "provider_voice_id", "language", "gender"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\0b", "contains a NUL character."),
        ("a\ud800b", "contains an unpaired surrogate."),
        ("\udc00", "contains an unpaired surrogate."),
        (5, "is not a string."),
        (True, "is not a string."),
        (["a"], "is not a string."),
        ({"a": "b"}, "is not a string."),
    ],
    ids=shown,
)
def test_values_that_no_database_stores_are_refused_as_texts(field: str, value: Any, problem: str) -> None:
    assert [found[2] for found in errors(**{field: value})] == [problem]


def test_a_name_may_be_empty() -> None:
    assert read(name="").name == ""


@pytest.mark.parametrize("provider", ["", " ", "\t\n\u2003"])
def test_a_provider_may_not_be_blank(provider: str) -> None:
    assert errors(provider=provider)[0][2] == "is blank."


@pytest.mark.parametrize("field", ["language", "gender"])
def test_an_empty_language_or_gender_is_null(field: str) -> None:
    assert getattr(read(**{field: ""}), field) is None


@pytest.mark.parametrize("provider", ["playht", "PlayHT", " playht ", "Eleven", "AI", "---", "elevenlabs-eu", "11labs"])
def test_an_unknown_provider_is_accepted_as_it_is(provider: str) -> None:
    assert read(provider=provider).provider == provider


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        *[(provider.label, provider.value) for provider in Provider],
        ("ELEVENLABS", "elevenlabs"),
        (" Eleven Labs ", "elevenlabs"),
        ("eleven_labs", "elevenlabs"),
        ("ＥｌｅｖｅｎＬａｂｓ", "elevenlabs"),
        ("Resemble AI", "resemble"),
        ("resemble.ai", "resemble"),
        ("Inworld AI", "inworld"),
        ("CARTESIA", "cartesia"),
    ],
)
def test_a_known_provider_is_recognized_by_its_label_in_any_spelling(given: str, slug: str) -> None:
    assert read(provider=given).provider == slug


def test_other_names_have_the_same_rules() -> None:
    assert parse_name("Night desk") == "Night desk"
    with pytest.raises(InvalidValue, match="is not a string"):
        parse_name(None)


@pytest.mark.parametrize("status", ["gone", "READY", "ready ", "", 5, True, [], {}, ["ready"]], ids=shown)
def test_a_status_is_one_of_four_values(status: Any) -> None:
    ((field, value, problem, remedy),) = errors(status=status)

    assert (field, value, problem) == ("status", status, "is not a status.")
    assert remedy == "Use one of processing, ready, failed, archived."
