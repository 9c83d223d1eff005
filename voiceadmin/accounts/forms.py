"""What people send about themselves, about colleagues and about keys."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.accounts.actions.accounts import Grant
from voiceadmin.accounts.passwords import weakness
from voiceadmin.identity import GRANTABLE_ROLES, Role
from voiceadmin.web.fields import PasswordField, choice_field, email_field, next_path_field, password_field, text_field

Sent = MultiDict[str, str]


EVERYWHERE = "all"  # the word for all organizations, where others are named by their ids


NO_ROLE = "none"


class SignInForm(Form):
    """E-mail and password."""

    email = email_field()
    password = password_field("Password")
    next = next_path_field()


class ConfirmForm(Form):
    """The password once more."""

    password = password_field("Your password")
    next = next_path_field()


class JoinForm(Form):
    """What somebody with a link gives. known: whether they have an account, and so a password."""

    email = email_field()
    name = text_field("Your name", required=False)
    password = password_field("Password")

    def __init__(self, sent: Sent | None, *, email: str, known: bool) -> None:
        """email: whom the link is for; "" when the form asks."""
        super().__init__(sent)
        self.fixed, self.known = email, known
        if email:
            self.email.data = email

    def validate_password(self, field: PasswordField) -> None:
        """A new one must be good enough."""
        weak = None if self.known else weakness(field.data, self.email.data, self.name.data)
        if weak:
            raise ValidationError(weak)


class PasswordForm(Form):
    """The old password and a new one."""

    old = password_field("Your password now")
    new = password_field("New password")

    def __init__(self, sent: Sent | None, *, email: str) -> None:
        super().__init__(sent)
        self.own = email

    def validate_new(self, field: PasswordField) -> None:
        """It must be good enough."""
        weak = weakness(field.data, self.own)
        if weak:
            raise ValidationError(weak)


class GrantForm(Form):
    """A role, and where it holds. organizations: those to choose from, by id; everywhere: whether all is a choice."""

    organization = choice_field("Organization", {}, noun="an organization of yours", default="")
    role = choice_field("Role", {}, noun="a role", default=Role.VIEWER.slug)

    def __init__(
        self, sent: Sent | None, organizations: Mapping[int, str], *, everywhere: bool = False, remove: bool = False
    ) -> None:
        super().__init__(sent)
        self.organization.choices = {str(id): name for id, name in organizations.items()}
        if everywhere:
            self.organization.choices |= {EVERYWHERE: "All, as an admin of the platform"}
        self.role.choices = {role.slug: role.label for role in GRANTABLE_ROLES} | (
            {NO_ROLE: "No role"} if remove else {}
        )

    def grant(self) -> Grant:
        """The answer, where a role was chosen. Call only after validate()."""
        if self.organization.data == EVERYWHERE:
            return Grant(None, Role.PLATFORM)
        return Grant(int(self.organization.data), Role.from_slug(self.role.data))

    @property
    def removes(self) -> bool:
        """Whether the role is to be taken away."""
        return self.role.data == NO_ROLE


class InviteForm(GrantForm):
    """Whom to invite, to what."""

    email = email_field()
