"""The forms of accounts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.accounts.forms import (
    AcceptLinkForm,
    ChangePasswordForm,
    ConfirmPasswordForm,
    FirstAccountForm,
    GrantForm,
    InvitationForm,
    InviteForm,
    OwnInvitationForm,
    ResetPasswordForm,
    SignInForm,
)
from voiceadmin.identity import Role
from voiceadmin.organizations.types import OrganizationChoices

ORGANIZATIONS = {5: "Acme", 7: "Other"}
CHOICES = OrganizationChoices(ORGANIZATIONS, lambda _: {})
EMPTY = ["This is empty. Fill it in."]
NO_SECRET = ["This is empty. Enter your password."]
STRONG = "correct horse"


def sent(**fields: Any) -> MultiDict[str, str]:
    return MultiDict(fields)


def errors(form: Form) -> dict[str, Any]:
    form.validate()
    return {str(name): list(messages) for name, messages in form.errors.items()}


# Own account


def test_the_sign_in_form_reads_e_mail_password_and_next() -> None:
    form = SignInForm(sent(email=" ada@example.com ", password=" x ", next="/people"))

    assert form.validate()
    assert form.data == {"email": "ada@example.com", "password": " x ", "next": "/people"}
    assert errors(SignInForm(sent())) == {
        "email": EMPTY,
        "password": NO_SECRET,
    }
    assert errors(SignInForm(sent(email=f"{'x' * 242}@example.com", password="x"))) == {}
    assert errors(SignInForm(sent(email=f"{'x' * 243}@example.com", password="x"))) == {
        "email": ["This is 255 characters long. Enter at most 254."]
    }
    assert SignInForm(sent(next="//evil.example")).next.data == ""


def test_the_confirmation_form_reads_a_password() -> None:
    form = ConfirmPasswordForm(sent(password="x", next="/api-keys"))

    assert form.validate()
    assert form.data == {"password": "x", "next": "/api-keys"}
    assert errors(ConfirmPasswordForm(sent())) == {"password": NO_SECRET}


def test_the_first_account_has_an_e_mail_and_a_strong_password() -> None:
    form = FirstAccountForm(sent(email="ada@example.com", name=" Ada ", password=STRONG))

    assert form.validate()
    assert form.data == {"email": "ada@example.com", "name": "Ada", "password": STRONG}
    assert form.account_name() == "Ada"
    assert errors(FirstAccountForm(sent(password=STRONG))) == {"email": EMPTY}


@pytest.mark.parametrize("form_class", [InvitationForm, OwnInvitationForm, ResetPasswordForm])
def test_a_link_ignores_the_e_mail_of_the_form(form_class: type[AcceptLinkForm]) -> None:
    form = form_class(sent(email="eve@example.com", password=STRONG), "ada@example.com")

    assert form.validate()
    assert (form.account_email, "email" in form.data) == ("ada@example.com", False)


def test_only_a_new_account_reads_a_name() -> None:
    given = sent(name=" Ada ", password=STRONG)

    assert InvitationForm(given, "ada@example.com").account_name() == "Ada"
    assert OwnInvitationForm(given, "ada@example.com").account_name() == ""
    assert ResetPasswordForm(given, "ada@example.com").account_name() == ""


WEAK = [
    ("seven77", "This has 7 characters. Use at least 8; 15 or more are better."),
    ("password1", "This is one of the most common passwords. Choose another one."),
    ("ada@example.com", "This is a name, and easy to guess. Choose another password."),
]


@pytest.mark.parametrize(("password", "fault"), WEAK)
def test_only_a_new_password_must_be_strong(password: str, fault: str) -> None:
    given = sent(email="ada@example.com", password=password)

    assert errors(FirstAccountForm(given)) == {"password": [fault]}
    assert errors(InvitationForm(given, "ada@example.com")) == {"password": [fault]}
    assert errors(ResetPasswordForm(given, "ada@example.com")) == {"password": [fault]}
    assert errors(OwnInvitationForm(given, "ada@example.com")) == {}


def test_the_name_of_the_account_is_refused_as_password() -> None:
    given = sent(email="ada@example.com", name="ada lovelace", password="Ada Lovelace")
    fault = ["This is a name, and easy to guess. Choose another password."]

    assert errors(FirstAccountForm(given)) == {"password": fault}
    assert errors(InvitationForm(given, "ada@example.com")) == {"password": fault}


def test_changing_a_password_requires_the_old_one_and_a_strong_new_one() -> None:
    assert errors(ChangePasswordForm(sent(old="x", new=STRONG), email="ada@example.com")) == {}
    assert errors(ChangePasswordForm(sent(old="", new="ada@example.com"), email="Ada@example.com")) == {
        "old": NO_SECRET,
        "new": ["This is a name, and easy to guess. Choose another password."],
    }
    assert errors(ChangePasswordForm(sent(), email=""))["new"][0] == NO_SECRET[0]


# People


def test_a_grant_has_a_role_and_an_organization() -> None:
    form = GrantForm(sent(organization="7", role=""), CHOICES)

    assert form.validate()
    assert (form.organization.organization_id, form.role.data, form.removes_role) == (7, "viewer", False)


@pytest.mark.parametrize("organization", ["6", "all", "05", "Acme", "-5", "5.0", "٥", "*"])
def test_an_organization_that_is_not_offered_is_refused(organization: str) -> None:
    assert errors(GrantForm(sent(organization=organization, role="viewer"), CHOICES)) == {
        "organization": [f'"{organization}" is not one of your organizations. Choose from the list.']
    }


@pytest.mark.parametrize("role", ["platform", "none", "Viewer", "3", "owner"])
def test_a_role_that_is_not_offered_is_refused(role: str) -> None:
    assert errors(GrantForm(sent(organization="5", role=role), CHOICES)) == {
        "role": [f'"{role}" is not a role. Choose from the list.']
    }


def test_the_form_offers_organizations_and_roles() -> None:
    roles = {"viewer": "Viewer", "operator": "Operator", "admin": "Admin"}

    form = GrantForm(None, CHOICES)

    assert (form.organization.choices, form.role.choices) == ({"5": "Acme", "7": "Other"}, roles)
    assert GrantForm(None, CHOICES, offer_removal=True).role.choices == roles | {"none": "No role"}
    assert form.role.default == "viewer"
    assert GrantForm(None, OrganizationChoices({}, lambda _: {})).organization.choices == {}


def test_a_grant_without_an_organization_is_refused() -> None:
    assert errors(GrantForm(sent(role="viewer"), CHOICES)) == {
        "organization": ['"" is not one of your organizations. Choose from the list.']
    }


def test_a_role_can_be_removed_where_removal_is_offered() -> None:
    form = GrantForm(sent(organization="5", role="none"), CHOICES, offer_removal=True)

    assert form.validate()
    assert form.removes_role


@given(st.text(max_size=6), st.text(max_size=10))
def test_a_valid_grant_is_always_one_that_is_offered(organization: str, role: str) -> None:
    form = GrantForm(sent(organization=organization, role=role), CHOICES)

    if form.validate():
        assert form.organization.organization_id in ORGANIZATIONS
        assert Role.from_slug(form.role.data) in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


@pytest.mark.parametrize(
    ("form", "labels"),
    [
        (SignInForm(), ["E-mail", "Password"]),
        (ConfirmPasswordForm(), ["Your password"]),
        (FirstAccountForm(None), ["E-mail", "Your name", "Password"]),
        (OwnInvitationForm(None), ["Password"]),
        (ChangePasswordForm(None, email=""), ["Current password", "New password"]),
        (GrantForm(None, CHOICES), ["Organization", "Role"]),
        (InviteForm(None, ORGANIZATIONS, offer_platform=True), ["E-mail addresses", "Roles"]),
    ],
    ids=["sign in", "confirm", "first account", "existing account", "password", "grant", "invite"],
)
def test_fields_have_labels(form: Form, labels: list[str]) -> None:
    assert [field.label.text for field in form if field.name != "next"] == labels
