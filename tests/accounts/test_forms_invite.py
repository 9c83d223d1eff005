"""The form that invites people: how e-mail addresses and roles are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from voiceadmin.accounts.forms import InviteForm, InviteToManyForm, create_invite_form, parse_emails
from voiceadmin.accounts.types import Grant
from voiceadmin.identity import Role
from voiceadmin.organizations.types import OrganizationChoices

ORGANIZATIONS = {5: "Acme", 7: "Other"}
NOT_AN_ADDRESS = "is not an e-mail address. Write it as name@example.com."


def fill(emails: str, *roles: str, offer_platform: bool = False) -> InviteForm:
    data = MultiDict([("emails", emails), *(("roles", role) for role in roles)])
    return InviteForm(data, ORGANIZATIONS, offer_platform=offer_platform)


def fill_for_many(organizations: str, role: str = "", *, offer_platform: bool = False) -> InviteToManyForm:
    """Return the form with a text field, for the organizations 1 to 60, which have their ids as names."""
    data = MultiDict({"emails": "a@x.example", "organizations": organizations, "role": role})
    names = {str(id): {id: str(id)} for id in range(1, 61)}
    offered = OrganizationChoices(None, lambda text: names.get(text, {}))
    form = create_invite_form(data, offered, offer_platform=offer_platform)
    assert isinstance(form, InviteToManyForm)
    return form


def errors(form: InviteForm | InviteToManyForm) -> dict[str, Any]:
    form.validate()
    return {str(name): list(messages) for name, messages in form.errors.items()}


# Addresses


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example\nb@x.example",
        "a@x.example\r\n\r\n  b@x.example\r\n",
        "a@x.example,b@x.example",
        "a@x.example; b@x.example;",
        "a@x.example b@x.example",
        "a@x.example\tb@x.example",
        "<a@x.example>, <b@x.example>",
        "Ada <a@x.example>, Bo van Dyk <b@x.example>",
        "Ada <a@x.example> Bo <b@x.example>",
        '"Lovelace, Ada; the first" <a@x.example>; "b@y.example" <b@x.example>',
        "a@x.example Bo <b@x.example>",
        '"a@x.example", b@x.example',
    ],
)
def test_addresses_are_separated_by_lines_commas_semicolons_or_blanks_and_may_have_names(text: str) -> None:
    form = fill(text, "5:viewer")

    assert form.validate()
    assert form.addresses == ["a@x.example", "b@x.example"]


def test_each_line_that_is_wrong_is_named_with_its_value_and_a_remedy() -> None:
    text = f"a@x.example\nbo\n\ncy@, Dee <dee>\n{'x' * 250}@x.example\nA@X.example b@x.example\n<> \x00@x.example"

    assert errors(fill(text, "5:viewer")) == {
        "emails": [
            f'Line 2: "bo" {NOT_AN_ADDRESS}',
            f'Line 4: "cy@" {NOT_AN_ADDRESS}',
            f'Line 4: "dee" {NOT_AN_ADDRESS}',
            f'Line 5: "{"x" * 38}…: This is 260 characters long. Enter at most 254.',
            'Line 6: "A@X.example" is a duplicate of line 1. Remove one of them.',
            'Line 7: "": This is empty. Fill it in.',
            r'Line 7: "\u0000@x.example": This contains control characters. Remove them.',
        ]
    }


@pytest.mark.parametrize("text", ["Lovelace, Ada <a@x.example>", "a@x.example <b@x.example", '"a@x.example'])
def test_a_text_that_is_not_understood_is_refused(text: str) -> None:
    assert NOT_AN_ADDRESS in errors(fill(text, "5:viewer"))["emails"][0]


def test_as_many_addresses_as_stated_can_be_invited_at_once() -> None:
    lines = [f"a{number}@x.example" for number in range(51)]

    assert errors(fill("\n".join(lines[:50]), "5:viewer")) == {}
    assert errors(fill("\n".join(lines), "5:viewer")) == {
        "emails": ["These are 51 addresses. Enter at most 50, and invite the others later."]
    }


@pytest.mark.parametrize("text", ["", " \n ", ",;"])
def test_no_address_is_refused(text: str) -> None:
    assert errors(fill(text, "5:viewer")) == {"emails": ["This is empty. Fill it in."]}


@given(st.lists(st.text(st.sampled_from('a@.<>",; \n'), max_size=12), max_size=5))
def test_a_text_has_either_addresses_or_errors_and_no_address_twice(lines: list[str]) -> None:
    addresses, faults = parse_emails(lines, "Line")

    assert addresses or faults
    if not faults:
        assert len(set(addresses)) == len(addresses)
        assert all(address.count("@") == 1 and not set(address) & set("<>,; \n") for address in addresses)


# Roles


def test_each_organization_has_a_role_of_its_own() -> None:
    form = fill("a@x.example", "", "7:admin", "5:viewer")

    assert form.validate()
    assert form.grants() == [Grant(7, Role.ADMIN), Grant(5, Role.VIEWER)]


def test_a_platform_admin_has_no_other_role() -> None:
    form = fill("a@x.example", "all:platform", offer_platform=True)
    assert form.validate()
    assert form.grants() == [Grant(None, Role.PLATFORM)]

    assert errors(fill("a@x.example", "all:platform", "5:viewer", offer_platform=True)) == {
        "roles": ["A platform admin is an admin of every organization. Choose no other role."]
    }


@pytest.mark.parametrize(
    "role", ["6:viewer", "all:platform", "05:viewer", " 5:viewer", "5:platform", "5:none", "5", ":viewer", "٥:viewer"]
)
def test_a_role_that_is_not_offered_is_refused(role: str) -> None:
    assert errors(fill("a@x.example", "5:viewer", role)) == {
        "roles": [f'"{role}" is not a role in one of your organizations. Choose from the list.']
    }


def test_no_role_and_two_roles_in_one_organization_are_refused() -> None:
    assert errors(fill("a@x.example", "", "")) == {
        "roles": ["No role is chosen. Choose a role in at least one organization."]
    }
    assert errors(fill("a@x.example", "7:viewer", "5:viewer", "5:admin")) == {
        "roles": ['"Acme" has 2 roles. Choose one.']
    }


def test_as_many_organizations_as_stated_can_be_chosen() -> None:
    organizations = dict.fromkeys(range(1, 52), "Acme")
    roles = [("roles", f"{id}:viewer") for id in organizations]

    def check(count: int) -> dict[str, Any]:
        data = MultiDict([("emails", "a@x.example"), *roles[:count]])
        return errors(InviteForm(data, organizations, offer_platform=False))

    assert (check(50), check(51)) == ({}, {"roles": ["These are 51 organizations. Choose at most 50."]})


def test_the_only_organization_has_a_role_at_first() -> None:
    only = {5: "Acme"}

    assert InviteForm(None, only, offer_platform=False).roles.data == ["5:viewer"]
    assert InviteForm(None, only, offer_platform=True).roles.data == []
    assert InviteForm(None, ORGANIZATIONS, offer_platform=False).roles.data == []


# Many organizations


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_one_role_is_granted_in_those_of_many_organizations_that_the_lines_name(role: Role) -> None:
    form = fill_for_many("7\n5\n7", role.slug)

    assert errors(form) == {}
    assert (form.addresses, form.grants()) == (["a@x.example"], [Grant(5, role), Grant(7, role)])
    assert (fill_for_many("5").role.data, form.organizations.text) == ("viewer", "7\n5\n7")


def test_a_platform_admin_is_invited_without_naming_one_of_many_organizations() -> None:
    form = fill_for_many("", "platform", offer_platform=True)
    assert errors(form) == {}
    assert form.grants() == [Grant(None, Role.PLATFORM)]

    assert errors(fill_for_many("5", "platform", offer_platform=True)) == {
        "organizations": ["A platform admin is an admin of every organization. Leave this empty."]
    }
    assert errors(fill_for_many("5", "platform")) == {"role": ['"platform" is not a role. Choose from the list.']}


def test_no_unknown_and_too_many_of_many_organizations_are_refused() -> None:
    def check(organizations: str) -> object:
        return errors(fill_for_many(organizations)).get("organizations")

    assert check(" \n") == ["No organization is given. Enter at least one."]
    assert check("5\n61") == ['Line 2: "61" is not one of your organizations. Enter a name or an ID.']
    assert check("\n".join(map(str, range(1, 51)))) is None
    assert check("\n".join(map(str, range(1, 52)))) == ["These are 51 organizations. Choose at most 50."]


def test_a_few_organizations_are_listed() -> None:
    few = OrganizationChoices(ORGANIZATIONS, lambda _: {})

    assert isinstance(create_invite_form(None, few, offer_platform=False), InviteForm)
