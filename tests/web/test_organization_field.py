"""The filter by organization: a select box of a few, and a text field for one of many."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.web.organization_field import (
    OrganizationField,
    organization_choice_field,
    organization_filter_field,
)

NAMES = {3: "Acme", 12: "Bolt"}
BRANCHES = {number: f"Branch {number}" for number in range(1, 8)}


class FilterForm(Form):
    """A form with the field alone."""

    organization = organization_filter_field()


class ActionForm(Form):
    """A form with the field of an action alone."""

    organization = organization_choice_field()


def read(
    text: str | None,
    listed: dict[int, str] | None,
    found: dict[int, str] | None = None,
    form_class: type[FilterForm | ActionForm] = FilterForm,
) -> OrganizationField:
    """Return the field after its validation. found: what the text names."""
    form = form_class(MultiDict({} if text is None else {"organization": text}))
    form.organization.offer(OrganizationChoices(listed, lambda text: found or {}))
    form.validate()
    field: OrganizationField = form.organization
    return field


@pytest.mark.parametrize("listed", [NAMES, None])
@pytest.mark.parametrize("text", [None, "", " "])
def test_no_value_means_all_organizations(text: str | None, listed: dict[int, str] | None) -> None:
    field = read(text, listed)

    assert (field.errors, field.data) == ([], "")
    assert (field.organization_id, field.organization_name) == (None, "")


def test_a_few_organizations_are_chosen_from_a_list_by_id() -> None:
    field = read("12", NAMES)

    assert field.choices == {"": "All", "3": "Acme", "12": "Bolt"}
    assert (field.organization_id, field.organization_name, field.data) == (12, "Bolt", "12")


@pytest.mark.parametrize("text", ["4", "03", "+3", "Acme", "Acme (3)", "٣", "9" * 200])
def test_what_is_not_in_the_list_is_refused(text: str) -> None:
    field = read(text, NAMES, NAMES)

    assert field.errors[0].endswith(" is not one of your organizations. Choose from the list.")
    assert (field.organization_id, field.data) == (None, text)


def test_one_of_many_is_named_by_a_text_that_becomes_its_name_and_id() -> None:
    field = read(" acm ", None, {3: "Acme"})

    assert not field.choices
    assert (field.errors, field.organization_id, field.organization_name) == ([], 3, "Acme")
    assert field.data == "Acme (3)"


def test_a_text_that_names_no_organization_is_refused_with_its_value() -> None:
    field = read("zzz", None)

    assert field.errors == ['"zzz" is not one of your organizations. Enter a name or an ID.']
    assert (field.organization_id, field.data) == (None, "zzz")


def test_a_text_that_names_several_organizations_is_refused_with_matches() -> None:
    assert read("a", None, NAMES).errors == [
        '"a" matches 2 organizations: Acme (3), Bolt (12). Enter an ID, or more of the name.'
    ]
    (error,) = read("b", None, BRANCHES).errors
    assert error.startswith('"b" matches 7 organizations: Branch 1 (1), Branch 2 (2), Branch 3 (3), Branch 4 (4), ')
    assert error.endswith("Branch 5 (5) and 2 more. Enter an ID, or more of the name.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 201, "This is 201 characters long. Enter at most 200."),
        ("a\0b", "This contains control characters. Remove them."),
    ],
)
def test_a_malformed_text_is_not_looked_up(text: str, message: str) -> None:
    assert read(text, None, {3: "Acme"}).errors == [message]


@pytest.mark.parametrize(("listed", "is_hidden"), [({}, True), ({3: "Acme"}, True), (NAMES, False), (None, False)])
def test_the_field_is_hidden_when_there_is_nothing_to_choose(listed: dict[int, str] | None, is_hidden: bool) -> None:
    assert bool(read(None, listed).flags.hidden) is is_hidden


@pytest.mark.parametrize("text", ["Acme", "3", "Acme (3)"])
def test_an_action_needs_an_organization_with_its_name_or_id(text: str) -> None:
    field = read(text, None, {3: "Acme"}, ActionForm)

    assert (field.errors, field.organization_id, field.organization_name) == ([], 3, "Acme")


def test_an_action_does_not_take_a_part_of_a_name() -> None:
    message = '"acm" matches 1 organization: Acme (3). Enter an ID, or more of the name.'

    assert read("acm", None, {3: "Acme"}, ActionForm).errors == [message]
    assert read("", None, {3: "Acme"}, ActionForm).errors == ["This is empty. Fill it in."]


def test_the_list_of_an_action_has_no_choice_of_all_and_leaves_out_organizations() -> None:
    field = read("", NAMES, {}, ActionForm)

    assert field.choices == {"3": "Acme", "12": "Bolt"}
    assert field.errors == ['"" is not one of your organizations. Choose from the list.']
    field.offer(OrganizationChoices(NAMES, lambda _: {}), without=[3])
    assert (field.choices, field.flags.hidden) == ({"12": "Bolt"}, False)
    field.offer(OrganizationChoices(NAMES, lambda _: {}), without=[3, 12])
    assert (field.choices, field.flags.hidden) == ({}, True)
