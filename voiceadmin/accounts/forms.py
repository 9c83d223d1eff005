"""Forms of accounts: signing in, one-time links, passwords, invitations and roles."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.accounts.passwords import find_weakness
from voiceadmin.accounts.types import Grant
from voiceadmin.identity import GRANTABLE_ROLES, Role
from voiceadmin.web.fields import PasswordField, choice_field, email_field, name_field, next_path_field, password_field

FormData = MultiDict[str, str]

ALL_ORGANIZATIONS = "all"  # a value of the field organization besides ids
NO_ROLE = "none"


class SignInForm(Form):
    """E-mail and password. next: the path to go to afterwards."""

    email = email_field()
    password = password_field("Password")
    next = next_path_field()


class ConfirmPasswordForm(Form):
    """The password of the signed-in account. next: the path to go to afterwards."""

    password = password_field("Your password")
    next = next_path_field()


class AcceptLinkForm(Form):
    """The fields of every one-time link. email: of the account, "" if it is a field."""

    password = password_field("Password")

    def __init__(self, data: FormData | None, email: str = "") -> None:
        super().__init__(data)
        self.account_email = email

    def account_name(self) -> str:
        """Return the name of the new account, "" if there is no such field."""
        return ""


class OwnInvitationForm(AcceptLinkForm):
    """The password of the signed-in account that accepts an invitation."""


class ResetPasswordForm(AcceptLinkForm):
    """A new password for an account."""

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a weak password."""
        _refuse_weak(field, self.account_email)


class InvitationForm(AcceptLinkForm):
    """The password of the invited account, or the name and the password of a new one.

    One form for both: it does not reveal whether the invited address has an account.
    """

    name = name_field("Your name", required=False)

    def account_name(self) -> str:
        """Return the name of the new account."""
        return self.name.data

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a weak password, which no existing account has."""
        _refuse_weak(field, self.account_email, self.name.data)


class FirstAccountForm(Form):
    """The first account. Unlike other links, the set-up link does not contain its e-mail."""

    email = email_field()
    name = name_field("Your name", required=False)
    password = password_field("Password")

    def account_name(self) -> str:
        """Return the name of the new account."""
        return self.name.data

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a weak password."""
        _refuse_weak(field, self.email.data, self.name.data)


class ChangePasswordForm(Form):
    """The current password and a new one."""

    old = password_field("Current password")
    new = password_field("New password")

    def __init__(self, data: FormData | None, *, email: str) -> None:
        super().__init__(data)
        self.account_email = email

    def validate_new(self, field: PasswordField) -> None:
        """Refuse a weak password."""
        _refuse_weak(field, self.account_email)


class GrantForm(Form):
    """A role and the organization in which it applies."""

    organization = choice_field("Organization", {}, noun="one of your organizations", default="")
    role = choice_field("Role", {}, noun="a role", default=Role.VIEWER.slug)

    def __init__(
        self,
        data: FormData | None,
        organizations: Mapping[int, str],
        *,
        offer_all: bool = False,
        offer_removal: bool = False,
    ) -> None:
        """Create the form.

        Args:
            data: what the browser sent, None for an empty form.
            organizations: names of the organizations to choose from, by id.
            offer_all: whether all organizations are a choice, which makes a platform admin.
            offer_removal: whether no role is a choice.
        """
        super().__init__(data)
        self.organization.choices = {str(id): name for id, name in organizations.items()}
        if offer_all:
            self.organization.choices |= {ALL_ORGANIZATIONS: "All organizations, as platform admin"}
        self.role.choices = {role.slug: role.label for role in GRANTABLE_ROLES}
        if offer_removal:
            self.role.choices |= {NO_ROLE: "No role"}

    def grant(self) -> Grant:
        """Return the role to grant. Call after validate(), and only if the role is not to be removed."""
        if self.organization.data == ALL_ORGANIZATIONS:
            return Grant(None, Role.PLATFORM)
        return Grant(int(self.organization.data), Role.from_slug(self.role.data))

    @property
    def removes_role(self) -> bool:
        """Return whether the role is to be removed."""
        return self.role.data == NO_ROLE


class InviteForm(GrantForm):
    """The e-mail to invite, and the role to grant."""

    email = email_field()


def _refuse_weak(field: PasswordField, *personal: str) -> None:
    weakness = find_weakness(field.data, *personal)
    if weakness:
        raise ValidationError(weakness)
