"""What people send about themselves, about colleagues and about keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from voiceadmin.actions.accounts import Grant
from voiceadmin.actions.passwords import weakness
from voiceadmin.forms.fields import MAX_EMAIL, EmailField, LineField, PathField, SecretField, WordField, WordsField
from voiceadmin.vocabulary import GRANTED, Role

Sent = MultiDict[str, str]

EVERYWHERE = "all"  # the word for all organizations, where others are named by their ids
NO_ROLE = "none"
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "one year", "never": "never"}


class SignInForm(Form):
    """E-mail and password."""

    email = EmailField("E-mail", most=MAX_EMAIL)
    password = SecretField("Password")
    next = PathField()


class ConfirmForm(Form):
    """The password once more."""

    password = SecretField("Your password")
    next = PathField()


class JoinForm(Form):
    """What somebody with a link gives. known: whether they have an account, and so a password."""

    email = EmailField("E-mail", most=MAX_EMAIL)
    name = LineField("Your name", least=0)
    password = SecretField("Password")

    def __init__(self, sent: Sent | None, *, email: str, known: bool) -> None:
        """email: whom the link is for; "" when the form asks."""
        super().__init__(sent)
        self.fixed, self.known = email, known
        if email:
            self.email.data = email

    def validate_password(self, field: SecretField) -> None:
        """A new one must be good enough."""
        weak = None if self.known else weakness(field.data, self.email.data, self.name.data)
        if weak:
            raise ValidationError(weak)


class PasswordForm(Form):
    """The old password and a new one."""

    old = SecretField("Your password now")
    new = SecretField("New password")

    def __init__(self, sent: Sent | None, *, email: str) -> None:
        super().__init__(sent)
        self.own = email

    def validate_new(self, field: SecretField) -> None:
        """It must be good enough."""
        weak = weakness(field.data, self.own)
        if weak:
            raise ValidationError(weak)


class GrantForm(Form):
    """A role, and where it holds. organizations: those to choose from, by id; everywhere: whether all is a choice."""

    organization = WordField("Organization", {}, thing="an organization of yours", fallback="")
    role = WordField("Role", {}, thing="a role", fallback=Role.VIEWER.word)

    def __init__(
        self, sent: Sent | None, organizations: Mapping[int, str], *, everywhere: bool = False, remove: bool = False
    ) -> None:
        super().__init__(sent)
        self.organization.words = {str(id): name for id, name in organizations.items()}
        if everywhere:
            self.organization.words |= {EVERYWHERE: "All, as an admin of the platform"}
        self.role.words = {role.word: role.label for role in GRANTED} | ({NO_ROLE: "No role"} if remove else {})

    def grant(self) -> Grant:
        """The answer, where a role was chosen. Call only after validate()."""
        if self.organization.data == EVERYWHERE:
            return Grant(None, Role.PLATFORM)
        return Grant(int(self.organization.data), Role.called(self.role.data))

    @property
    def removes(self) -> bool:
        """Whether the role is to be taken away."""
        return self.role.data == NO_ROLE


class InviteForm(GrantForm):
    """Whom to invite, to what."""

    email = EmailField("E-mail", most=MAX_EMAIL)


class KeyForm(Form):
    """A new API key."""

    name = LineField("Name", most=100)
    organizations = WordsField("Organizations", {}, thing="an organization of yours")
    expires = WordField("Expires after", LIFETIMES, thing="a lifetime", fallback="365")

    def __init__(self, sent: Sent | None, organizations: Mapping[int, str], *, everywhere: bool) -> None:
        super().__init__(sent)
        words = {str(id): name for id, name in organizations.items()}
        self.organizations.words = ({EVERYWHERE: "All, those to come too"} if everywhere else {}) | words

    def validate_organizations(self, field: WordsField) -> None:
        """The key must read something."""
        if not field.data:
            raise ValidationError("None is chosen. Choose what the key may read.")

    def chosen(self) -> frozenset[int] | None:
        """The ids of the organizations, None for all. Call only after validate()."""
        words = self.organizations.data
        return None if EVERYWHERE in words else frozenset(map(int, words))

    def expires_at(self, now: datetime) -> datetime | None:
        """When it expires, None for never. Call only after validate()."""
        days: Any = self.expires.data
        return None if days == "never" else now + timedelta(days=int(days))
