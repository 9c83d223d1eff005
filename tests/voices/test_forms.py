"""The filter forms of voices and assistants, and their query arguments."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.assistants.forms import AssistantFilterForm, assistant_arguments
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE, PAGE_SIZES
from voiceadmin.text import MAX_ID
from voiceadmin.voices import forms as filter_forms
from voiceadmin.voices.forms import VoiceFilterForm, validate_voice_filters, voice_arguments, voice_query
from voiceadmin.voices.types.filters import VoiceChoices, VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.provider import PROVIDER_LABELS, provider_label
from voiceadmin.voices.types.quality import NOT_SCORED_LABEL, QualityTier
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import Verdict

CHOICES = VoiceChoices(providers=("elevenlabs", "playht"), languages=("en", "fr"))


def form(*pairs: tuple[str, str]) -> VoiceFilterForm:
    """Return the form for these query arguments, in this order."""
    return VoiceFilterForm(MultiDict(pairs), CHOICES)


def errors(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Return the error messages of the form by field."""
    submitted = form(*pairs)
    submitted.validate()
    return dict(submitted.errors)


def round_trip(arguments: dict[str, Any]) -> MultiDict[str, str]:
    """Return the arguments after a round trip through a URL."""
    return MultiDict(parse_qsl(urlencode(arguments, doseq=True)))


def test_no_parameters_mean_the_default_filters() -> None:
    submitted = form()

    assert submitted.validate()
    assert submitted.filters() == VoiceFilters()


def test_a_cached_form_is_that_of_the_same_parameters_and_choices() -> None:
    arguments = (("language", "fr"), ("status", "ready"), ("status", "failed"))
    submitted = validate_voice_filters(arguments, CHOICES)

    assert not submitted.errors
    assert submitted.filters() == VoiceFilters(statuses=(VoiceStatus.READY, VoiceStatus.FAILED), languages=("fr",))
    assert set(validate_voice_filters(arguments, VoiceChoices((), ())).errors) == {"language"}
    assert validate_voice_filters(arguments[1:], CHOICES).filters().languages == ()
    assert validate_voice_filters(arguments, CHOICES) is submitted


def test_empty_parameters_are_ignored() -> None:
    submitted = form(
        *((name, "") for name in ("q", "status", "provider", "quality", "use", "language", "sort", "size", "page"))
    )

    assert submitted.validate()
    assert submitted.filters() == VoiceFilters()


def test_repeated_values_of_a_filter_are_read_once() -> None:
    submitted = form(
        ("status", "ready"), ("status", "failed"), ("status", "ready"), ("quality", "none"), ("quality", "poor")
    )

    assert submitted.validate()
    assert submitted.filters().statuses == (VoiceStatus.READY, VoiceStatus.FAILED)
    assert submitted.filters().tiers == (None, QualityTier.POOR)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("status", "reddy", '"reddy" is not a status. Choose from the list.'),
        ("status", "READY", '"READY" is not a status. Choose from the list.'),
        ("provider", "lmnt", '"lmnt" is not a provider of these voices. Choose from the list.'),
        ("quality", "0.9", '"0.9" is not a quality tier. Choose from the list.'),
        ("use", "often", '"often" is not a usage filter. Choose from the list.'),
        ("language", "de", '"de" is not a language of these voices. Choose from the list.'),
        (
            "sort",
            "id; DROP TABLE cloned_voice",
            '"id; DROP TABLE cloned_voice" is not a sort order. Choose from the list.',
        ),
        ("size", "51", '"51" is not a number of rows per page. Choose from the list.'),
        ("page", "0", f'"0" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "-1", f'"-1" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "two", f'"two" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "1_000", f'"1_000" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "٣", f'"٣" is not a number from 1 to {MAX_PAGE}.'),
        ("page", " 2", f'" 2" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "2\n", f'"2\\n" is not a number from 1 to {MAX_PAGE}.'),
        ("page", str(MAX_PAGE + 1), f'"{MAX_PAGE + 1}" is not a number from 1 to {MAX_PAGE}.'),
        ("page", "9" * 5000, f'"{"9" * 38}… is not a number from 1 to {MAX_PAGE}.'),
        ("q", "a\0b", "This contains control characters. Remove them."),
        ("q", "a\nb", "This contains control characters. Remove them."),
        ("q", "a\ud800b", "This contains control characters. Remove them."),
        ("q", "x" * 201, "This is 201 characters long. Search for at most 200."),
    ],
)
def test_an_invalid_value_is_reported_at_its_field_with_a_remedy(name: str, value: str, message: str) -> None:
    assert errors((name, value)) == {name: [message]}


def test_every_invalid_field_is_reported() -> None:
    assert set(errors(("status", "x"), ("use", "x"), ("page", "x"), ("language", "x"))) == {
        "status",
        "use",
        "page",
        "language",
    }


def test_a_labelled_provider_is_valid_even_if_no_voice_has_it() -> None:
    assert errors(("provider", "cartesia"), ("provider", "playht")) == {}


@pytest.mark.parametrize(
    ("raw", "read"), [("  Ada ", "Ada"), ("e\u0301", "é"), ("%_'\"", "%_'\""), ("x" * 200, "x" * 200)]
)
def test_a_search_text_is_trimmed_and_composed(raw: str, read: str) -> None:
    submitted = form(("q", raw))

    assert submitted.validate()
    assert submitted.filters().text == read


@given(
    st.builds(
        VoiceFilters,
        text=st.sampled_from(["", "Ada", "é%_", "😀"]),
        statuses=st.lists(st.sampled_from(list(VoiceStatus)), unique=True).map(tuple),
        providers=st.lists(st.sampled_from(["elevenlabs", "playht", "inworld"]), unique=True).map(tuple),
        tiers=st.lists(st.sampled_from([None, *QualityTier]), unique=True).map(tuple),
        uses=st.lists(st.sampled_from(list(VoiceUse)), unique=True).map(tuple),
        languages=st.lists(st.sampled_from(["en", "fr"]), unique=True).map(tuple),
        order=st.sampled_from(list(VoiceOrder)),
        size=st.sampled_from(PAGE_SIZES),
        page=st.sampled_from([1, 2, MAX_PAGE]),
    )
)
def test_filters_survive_a_round_trip_through_a_url(filters: VoiceFilters) -> None:
    submitted = VoiceFilterForm(round_trip(voice_arguments(filters)), CHOICES)

    assert submitted.validate(), submitted.errors
    assert submitted.filters() == filters


@given(
    st.builds(
        AssistantFilters,
        text=st.sampled_from(["", "desk", "123"]),
        organization=st.sampled_from([None, 1, MAX_ID]),
        size=st.sampled_from(PAGE_SIZES),
        page=st.sampled_from([1, MAX_PAGE]),
    )
)
def test_assistant_filters_survive_a_round_trip_through_a_url(filters: AssistantFilters) -> None:
    submitted = AssistantFilterForm(round_trip(assistant_arguments(filters)))

    assert submitted.validate(), submitted.errors
    assert submitted.filters() == filters


@given(st.dictionaries(st.sampled_from(["q", "status", "sort", "size", "page", "use", "x"]), st.text(max_size=8)))
def test_arbitrary_parameters_do_not_break_the_form(arguments: dict[str, str]) -> None:
    submitted = VoiceFilterForm(MultiDict(arguments), CHOICES)

    if submitted.validate():
        submitted.filters()
    else:
        assert all(messages for messages in submitted.errors.values())


# Query arguments


def test_the_default_filters_have_an_empty_query_string() -> None:
    assert voice_arguments(VoiceFilters()) == {}
    assert voice_query(VoiceFilters()) == ""
    assert assistant_arguments(AssistantFilters()) == {}


def test_each_voice_filter_has_its_own_parameter() -> None:
    filters = VoiceFilters(
        text="Ada & Bo",
        statuses=(VoiceStatus.READY, VoiceStatus.FAILED),
        providers=("playht",),
        tiers=(None, QualityTier.POOR),
        uses=(VoiceUse.NEVER,),
        languages=("fr",),
        order=VoiceOrder("-name"),
        size=PAGE_SIZES[-1],
        page=2,
    )

    assert voice_arguments(filters) == {
        "q": "Ada & Bo",
        "status": ["ready", "failed"],
        "provider": ["playht"],
        "quality": ["none", "poor"],
        "use": ["never"],
        "language": ["fr"],
        "sort": "-name",
        "size": PAGE_SIZES[-1],
        "page": 2,
    }
    assert voice_query(filters) == (
        "?q=Ada+%26+Bo&status=ready&status=failed&provider=playht&quality=none&quality=poor&use=never&language=fr"
        f"&sort=-name&size={PAGE_SIZES[-1]}&page=2"
    )


def test_each_assistant_filter_has_its_own_parameter() -> None:
    filters = AssistantFilters(text="desk", organization=7, size=PAGE_SIZES[-1], page=2)

    assert assistant_arguments(filters) == {"q": "desk", "organization": 7, "size": PAGE_SIZES[-1], "page": 2}


# Labels and choices


def test_fields_have_labels_and_choices() -> None:
    submitted, search = form(), AssistantFilterForm(MultiDict())

    assert [field.label.text for field in submitted] == [
        *("Name or provider ID", "Status", "Provider", "Quality", "Usage", "Language", "At provider"),
        *("Trend", "More columns", "Sort order", "Rows per page", "Page"),
    ]
    assert [field.label.text for field in search] == ["Name or ID", "Organization", "Rows per page", "Page"]
    assert submitted.status.choices == {status.value: status.label for status in VoiceStatus}
    assert submitted.quality.choices == {tier.value: tier.label for tier in QualityTier} | {"none": NOT_SCORED_LABEL}
    assert submitted.use.choices == {use.value: use.label for use in VoiceUse}
    assert submitted.sort.choices == {order.value: order.label for order in VoiceOrder}
    verdicts = {verdict.value: verdict.label for verdict in Verdict if verdict is not Verdict.ORPHAN}
    assert submitted.verdict.choices == verdicts | {"none": "No verdict"}
    assert list(submitted.trend.choices) == ["rising", "falling", "new-use", "stopped", "no-use"]
    assert submitted.language.choices == {"en": "en", "fr": "fr"}
    assert submitted.provider.choices == PROVIDER_LABELS | {
        "elevenlabs": "ElevenLabs",
        "playht": provider_label("playht"),
    }
    for size in (submitted.size, search.size):
        assert size.choices == {str(number): str(number) for number in PAGE_SIZES}
        assert size.default == str(DEFAULT_PAGE_SIZE)


def test_a_new_size_field_equals_the_one_of_the_forms() -> None:
    """The forms create their fields once, at import."""

    class Fresh(Form):
        size = filter_forms.build_size_field()

    fresh = Fresh(MultiDict([("size", "51")]))

    assert not fresh.validate()
    assert fresh.errors == {"size": ['"51" is not a number of rows per page. Choose from the list.']}
    assert (fresh.size.label.text, fresh.size.choices, fresh.size.default) == (
        "Rows per page",
        {str(number): str(number) for number in PAGE_SIZES},
        str(DEFAULT_PAGE_SIZE),
    )
    assert filter_forms._labels(VoiceStatus) == form().status.choices


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("organization", "0", '"0" is not an ID. Enter a whole number, such as 456.'),
        ("organization", str(MAX_ID + 1), f'"{MAX_ID + 1}" is not an ID. Enter a whole number, such as 456.'),
        ("size", "51", '"51" is not a number of rows per page. Choose from the list.'),
        ("page", "0", f'"0" is not a number from 1 to {MAX_PAGE}.'),
        ("q", "x" * 201, "This is 201 characters long. Search for at most 200."),
    ],
)
def test_an_invalid_assistant_filter_is_reported_at_its_field(name: str, value: str, message: str) -> None:
    submitted = AssistantFilterForm(MultiDict([(name, value)]))

    assert not submitted.validate()
    assert dict(submitted.errors) == {name: [message]}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("organization", "1", AssistantFilters(organization=1)),
        ("organization", str(MAX_ID), AssistantFilters(organization=MAX_ID)),
        ("page", "1", AssistantFilters()),
        ("page", str(MAX_PAGE), AssistantFilters(page=MAX_PAGE)),
    ],
)
def test_the_bounds_of_assistant_filters_are_inclusive(name: str, value: str, read: AssistantFilters) -> None:
    submitted = AssistantFilterForm(MultiDict([(name, value)]))

    assert submitted.validate()
    assert submitted.filters() == read
