"""What people send about themselves, about colleagues and about keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from tests.conftest import NOW
from voiceadmin.accounts.actions.accounts import Grant
from voiceadmin.accounts.forms import ConfirmForm, GrantForm, InviteForm, JoinForm, PasswordForm, SignInForm
from voiceadmin.api_keys.forms import LIFETIMES, KeyForm
from voiceadmin.identity import Role

OURS = {5: "Acme", 7: "Other"}
EMPTY = ["This is empty. Fill it in."]
NO_SECRET = ["This is empty. Give your password."]
FINE = "correct horse"


def sent(**fields: Any) -> MultiDict[str, str]:
    return MultiDict(fields)


def errors(form: Form) -> dict[str, Any]:
    form.validate()
    return {str(name): list(messages) for name, messages in form.errors.items()}


# Oneself


def test_signing_in_takes_an_e_mail_a_password_and_where_to_go_on_to() -> None:
    form = SignInForm(sent(email=" ada@example.com ", password=" x ", next="/people"))

    assert form.validate()
    assert form.data == {"email": "ada@example.com", "password": " x ", "next": "/people"}
    assert errors(SignInForm(sent())) == {
        "email": EMPTY,
        "password": NO_SECRET,
    }
    assert errors(SignInForm(sent(email=f"{'x' * 242}@example.com", password="x"))) == {}
    assert errors(SignInForm(sent(email=f"{'x' * 243}@example.com", password="x"))) == {
        "email": ["This is 255 letters long. Give at most 254."]
    }
    assert SignInForm(sent(next="//evil.example")).next.data == ""


def test_confirming_takes_a_password() -> None:
    form = ConfirmForm(sent(password="x", next="/api-keys"))

    assert form.validate()
    assert form.data == {"password": "x", "next": "/api-keys"}
    assert errors(ConfirmForm(sent())) == {"password": NO_SECRET}


def test_who_joins_by_a_set_up_link_gives_an_e_mail_and_a_good_password() -> None:
    form = JoinForm(sent(email="ada@example.com", name=" Ada ", password=FINE), email="", known=False)

    assert form.validate()
    assert form.data == {"email": "ada@example.com", "name": "Ada", "password": FINE}
    assert (form.fixed, form.known) == ("", False)
    assert errors(JoinForm(sent(password=FINE), email="", known=False)) == {"email": EMPTY}


def test_a_link_for_somebody_is_for_nobody_else() -> None:
    form = JoinForm(sent(email="eve@example.com", password=FINE), email="ada@example.com", known=False)

    assert form.validate()
    assert (form.email.data, form.fixed) == ("ada@example.com", "ada@example.com")
    assert JoinForm(None, email="ada@example.com", known=False).email.data == "ada@example.com"
    assert JoinForm(None, email="", known=False).email.data == ""


@pytest.mark.parametrize(
    ("password", "name", "fault"),
    [
        ("seven77", "", "This has 7 letters. Give at least 8; 15 or more are better."),
        ("password1", "", "This is one of the commonest passwords. Choose one that nobody else would."),
        ("ada@example.com", "", "This is a name, not a password. Choose another one."),
        ("Ada Lovelace", "ada lovelace", "This is a name, not a password. Choose another one."),
    ],
)
@pytest.mark.parametrize("email", ["", "ada@example.com"])
def test_a_new_password_must_be_good_enough_and_one_that_is_known_need_not(
    email: str, password: str, name: str, fault: str
) -> None:
    given = sent(email="ada@example.com", name=name, password=password)

    assert errors(JoinForm(given, email=email, known=False)) == {"password": [fault]}
    assert errors(JoinForm(given, email=email, known=True)) == {}


def test_changing_a_password_takes_the_old_one_and_a_good_one() -> None:
    assert errors(PasswordForm(sent(old="x", new=FINE), email="ada@example.com")) == {}
    assert errors(PasswordForm(sent(old="", new="ada@example.com"), email="Ada@example.com")) == {
        "old": NO_SECRET,
        "new": ["This is a name, not a password. Choose another one."],
    }
    assert errors(PasswordForm(sent(), email=""))["new"][0] == NO_SECRET[0]


# Colleagues


@pytest.mark.parametrize(
    ("organization", "role", "grant"),
    [
        ("5", "viewer", Grant(5, Role.VIEWER)),
        ("7", "admin", Grant(7, Role.ADMIN)),
        ("all", "viewer", Grant(None, Role.PLATFORM)),
        ("5", "", Grant(5, Role.VIEWER)),
    ],
)
def test_a_grant_is_a_role_and_where_it_holds(organization: str, role: str, grant: Grant) -> None:
    form = GrantForm(sent(organization=organization, role=role), OURS, everywhere=True)

    assert form.validate()
    assert form.grant() == grant
    assert not form.removes


@pytest.mark.parametrize("organization", ["6", "all", "05", " 5", "5\n", "Acme", "-5", "5.0", "٥", "*"])
def test_only_an_organization_that_is_offered_is_taken(organization: str) -> None:
    shown = '"5\\n"' if organization == "5\n" else f'"{organization}"'

    assert errors(GrantForm(sent(organization=organization, role="viewer"), OURS)) == {
        "organization": [f"{shown} is not an organization of yours. Choose from the list."]
    }


@pytest.mark.parametrize("role", ["platform", "none", "Viewer", "3", "owner"])
def test_only_a_role_that_is_offered_is_taken(role: str) -> None:
    assert errors(GrantForm(sent(organization="5", role=role), OURS, everywhere=True)) == {
        "role": [f'"{role}" is not a role. Choose from the list.']
    }


def test_what_is_offered_is_what_the_scope_allows() -> None:
    roles = {"viewer": "Viewer", "operator": "Operator", "admin": "Admin"}

    mine, whole = GrantForm(None, OURS), GrantForm(None, OURS, everywhere=True, remove=True)

    assert (mine.organization.choices, mine.role.choices) == ({"5": "Acme", "7": "Other"}, roles)
    assert whole.organization.choices == {"5": "Acme", "7": "Other", "all": "All, as an admin of the platform"}
    assert whole.role.choices == roles | {"none": "No role"}
    assert (mine.organization.default, mine.role.default) == ("", "viewer")
    assert GrantForm(None, {}).organization.choices == {}
    assert list(GrantForm(None, {}, everywhere=True).organization.choices) == ["all"]


def test_without_an_organization_nothing_is_granted() -> None:
    assert errors(GrantForm(sent(role="viewer"), OURS)) == {
        "organization": ['"" is not an organization of yours. Choose from the list.']
    }


def test_a_role_can_be_taken_away_where_that_is_offered() -> None:
    form = GrantForm(sent(organization="5", role="none"), OURS, remove=True)

    assert form.validate()
    assert form.removes


@given(st.text(max_size=6), st.text(max_size=10))
def test_no_grant_is_ever_beyond_what_was_offered(organization: str, role: str) -> None:
    form = GrantForm(sent(organization=organization, role=role), OURS)

    if form.validate():
        grant = form.grant()
        assert grant.organization_id in OURS
        assert grant.role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


def test_an_invitation_is_a_grant_with_an_e_mail() -> None:
    form = InviteForm(sent(email=" bo@example.com", organization="7", role="operator"), OURS)

    assert form.validate()
    assert (form.email.data, form.grant()) == ("bo@example.com", Grant(7, Role.OPERATOR))
    assert errors(InviteForm(sent(email="bo", organization="7"), OURS)) == {
        "email": ['"bo" is no e-mail. Write it as name@example.com.']
    }
    assert errors(InviteForm(sent(email=f"{'x' * 243}@example.com", organization="7"), OURS)) == {
        "email": ["This is 255 letters long. Give at most 254."]
    }


# Keys


def key(everywhere: bool = False, **fields: Any) -> KeyForm:
    given = {"name": "board", "organizations": ["5"], "expires": "30"} | fields
    return KeyForm(sent(**given), OURS, everywhere=everywhere)


@pytest.mark.parametrize(
    ("organizations", "chosen"),
    [
        (["5"], frozenset({5})),
        (["7", "5", "5"], frozenset({5, 7})),
        (["all"], None),
        (["5", "all"], None),
    ],
)
def test_a_key_reads_what_is_chosen(organizations: list[str], chosen: frozenset[int] | None) -> None:
    form = key(everywhere=True, organizations=organizations)

    assert form.validate()
    assert form.chosen() == chosen


@pytest.mark.parametrize(
    ("expires", "lives"),
    [("30", timedelta(30)), ("90", timedelta(90)), ("365", timedelta(365)), ("", timedelta(365)), ("never", None)],
)
def test_a_key_expires_when_it_is_chosen_to(expires: str, lives: timedelta | None) -> None:
    form = key(expires=expires)

    assert form.validate()
    assert form.expires_at(NOW) == (None if lives is None else NOW + lives)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": " "}, {"name": EMPTY}),
        ({"name": "x" * 101}, {"name": ["This is 101 letters long. Give at most 100."]}),
        ({"organizations": []}, {"organizations": ["None is chosen. Choose what the key may read."]}),
        (
            {"organizations": ["5", "6"]},
            {"organizations": ['"6" is not an organization of yours. Choose from the list.']},
        ),
        (
            {"organizations": ["all"]},
            {"organizations": ['"all" is not an organization of yours. Choose from the list.']},
        ),
        ({"expires": "31"}, {"expires": ['"31" is not a lifetime. Choose from the list.']}),
        ({"expires": "-1"}, {"expires": ['"-1" is not a lifetime. Choose from the list.']}),
    ],
)
def test_a_wrong_key_is_named_at_its_field(fields: dict[str, Any], fault: dict[str, list[str]]) -> None:
    assert errors(key(**fields)) == fault


def test_a_name_of_a_hundred_letters_will_do() -> None:
    assert errors(key(name="x" * 100)) == {}


def test_what_a_key_may_read_is_what_the_scope_allows() -> None:
    assert KeyForm(None, OURS, everywhere=False).organizations.choices == {"5": "Acme", "7": "Other"}
    assert KeyForm(None, OURS, everywhere=True).organizations.choices == {
        "all": "All, those to come too",
        "5": "Acme",
        "7": "Other",
    }
    assert LIFETIMES == {"30": "30 days", "90": "90 days", "365": "one year", "never": "never"}
    assert KeyForm(None, OURS, everywhere=False).expires.choices == LIFETIMES


@pytest.mark.parametrize(
    ("form", "labels"),
    [
        (SignInForm(), ["E-mail", "Password"]),
        (ConfirmForm(), ["Your password"]),
        (JoinForm(None, email="", known=False), ["E-mail", "Your name", "Password"]),
        (PasswordForm(None, email=""), ["Your password now", "New password"]),
        (InviteForm(None, OURS), ["Organization", "Role", "E-mail"]),
        (KeyForm(None, OURS, everywhere=False), ["Name", "Organizations", "Expires after"]),
    ],
    ids=["sign in", "confirm", "join", "password", "invite", "key"],
)
def test_fields_have_names_for_people(form: Form, labels: list[str]) -> None:
    assert [field.label.text for field in form if field.name != "next"] == labels
