"""The form of API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form

from tests.conftest import NOW
from voiceadmin.api_keys.forms import LIFETIMES, ApiKeyForm
from voiceadmin.organizations.types import OrganizationChoices

ORGANIZATIONS = OrganizationChoices({5: "Acme", 7: "Other"}, lambda _: {})
FOUND = {"Acme": {5: "Acme"}, "7": {7: "Other"}, "ac": {5: "Acme"}}
MANY = OrganizationChoices(None, lambda text: FOUND.get(text, {}))
EMPTY = ["This is empty. Fill it in."]


def sent(**fields: Any) -> MultiDict[str, str]:
    return MultiDict(fields)


def errors(form: Form) -> dict[str, Any]:
    form.validate()
    return {str(name): list(messages) for name, messages in form.errors.items()}


def key(offer_all: bool = False, offered: OrganizationChoices = ORGANIZATIONS, **fields: Any) -> ApiKeyForm:
    given = {"name": "board", "organizations": ["5"], "expires": "30"} | fields
    return ApiKeyForm(sent(**given), offered, offer_all=offer_all)


@pytest.mark.parametrize(
    ("organizations", "ids"),
    [
        (["5"], frozenset({5})),
        (["7", "5", "5"], frozenset({5, 7})),
        (["all"], None),
        (["5", "all"], None),
    ],
)
def test_a_key_reads_the_selected_organizations(organizations: list[str], ids: frozenset[int] | None) -> None:
    form = key(offer_all=True, organizations=organizations)

    assert form.validate()
    assert form.organization_ids() == ids


@pytest.mark.parametrize(
    ("expires", "lifetime"),
    [("30", timedelta(30)), ("90", timedelta(90)), ("365", timedelta(365)), ("", timedelta(365)), ("never", None)],
)
def test_a_key_expires_after_the_selected_lifetime(expires: str, lifetime: timedelta | None) -> None:
    form = key(expires=expires)

    assert form.validate()
    assert form.expires_at(NOW) == (None if lifetime is None else NOW + lifetime)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": " "}, {"name": EMPTY}),
        ({"name": "x" * 101}, {"name": ["This is 101 characters long. Enter at most 100."]}),
        ({"organizations": []}, {"organizations": ["No organization is selected. Select at least one."]}),
        (
            {"organizations": ["5", "6"]},
            {"organizations": ['"6" is not one of your organizations. Choose from the list.']},
        ),
        (
            {"organizations": ["all"]},
            {"organizations": ['"all" is not one of your organizations. Choose from the list.']},
        ),
        ({"expires": "31"}, {"expires": ['"31" is not a lifetime. Choose from the list.']}),
        ({"expires": "-1"}, {"expires": ['"-1" is not a lifetime. Choose from the list.']}),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(fields: dict[str, Any], fault: dict[str, list[str]]) -> None:
    assert errors(key(**fields)) == fault


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (["Acme"], frozenset({5})),
        (["\r\n Acme \r\n7\r\nAcme\r\n"], frozenset({5, 7})),
        (["Acme\n7", "all"], None),
        (["", "all"], None),
    ],
)
def test_a_key_reads_those_of_many_organizations_that_the_lines_name(
    values: list[str], ids: frozenset[int] | None
) -> None:
    form = key(offer_all=True, offered=MANY, organizations=values)

    assert errors(form) == {}
    assert form.organization_ids() == ids
    assert form.organizations.text == values[0]


@pytest.mark.parametrize(
    ("values", "messages"),
    [
        ([], ["No organization is given. Enter at least one."]),
        ([" \n "], ["No organization is given. Enter at least one."]),
        (["all"], ['Line 1: "all" is not one of your organizations. Enter a name or an ID.']),
        (
            ["Acme\n\nzzz\nac\n" + "x" * 201],
            [
                'Line 3: "zzz" is not one of your organizations. Enter a name or an ID.',
                'Line 4: "ac" matches 1 organization: Acme (5). Enter an ID, or more of the name.',
                "Line 5: This is 201 characters long. Enter at most 200.",
            ],
        ),
        (["Acme\n" * 101], ["These are 101 organizations. Enter at most 100."]),
    ],
)
def test_each_line_that_does_not_name_an_organization_is_reported(values: list[str], messages: list[str]) -> None:
    assert errors(key(offered=MANY, organizations=values)) == {"organizations": messages}


def test_a_name_of_the_maximum_length_is_accepted() -> None:
    assert errors(key(name="x" * 100)) == {}


def test_the_form_offers_the_organizations_of_the_scope() -> None:
    assert ApiKeyForm(None, ORGANIZATIONS, offer_all=False).organizations.choices == {"5": "Acme", "7": "Other"}
    assert ApiKeyForm(None, ORGANIZATIONS, offer_all=True).organizations.choices == {
        "all": "All organizations, including future ones",
        "5": "Acme",
        "7": "Other",
    }
    assert LIFETIMES == {"30": "30 days", "90": "90 days", "365": "1 year", "never": "Never"}
    assert ApiKeyForm(None, ORGANIZATIONS, offer_all=False).expires.choices == LIFETIMES
