"""Forms of accounts: signing in, one-time links, passwords, invitations and roles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from werkzeug.datastructures import MultiDict
from wtforms import Form, TextAreaField, ValidationError

from voiceadmin.accounts.passwords import find_weakness
from voiceadmin.accounts.types import MAX_GRANTS, MAX_INVITED, Grant
from voiceadmin.identity import GRANTABLE_ROLES, Role
from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.text import normalize_email, quote_value
from voiceadmin.web.fields import (
    QUOTED,
    REQUIRED,
    PasswordField,
    SelectMultipleField,
    choice_field,
    email_field,
    multiple_choice_field,
    name_field,
    next_path_field,
    password_field,
    text_or_empty,
)
from voiceadmin.web.organization_field import (
    ALL_ORGANIZATIONS,
    NO_ORGANIZATION,
    OrganizationListField,
    organization_choice_field,
    organization_list_field,
)

FormData = MultiDict[str, str]

PLATFORM_ADMIN = f"{ALL_ORGANIZATIONS}:{Role.PLATFORM.slug}"  # a value of the field roles besides those like 7:viewer
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

    organization = organization_choice_field()
    role = choice_field("Role", {}, noun="a role", default=Role.VIEWER.slug)

    def __init__(
        self,
        data: FormData | None,
        organizations: OrganizationChoices,
        *,
        without: Collection[int] = (),
        offer_removal: bool = False,
    ) -> None:
        """Create the form.

        Args:
            data: what the browser sent, None for an empty form.
            organizations: those to choose from.
            without: ids of organizations that are not listed.
            offer_removal: whether no role is a choice.
        """
        super().__init__(data)
        self.organization.offer(organizations, without=without)
        self.role.choices = {role.slug: role.label for role in GRANTABLE_ROLES}
        if offer_removal:
            self.role.choices |= {NO_ROLE: "No role"}

    @property
    def removes_role(self) -> bool:
        """Return whether the role is to be removed."""
        return self.role.data == NO_ROLE


class _AddressesForm(Form):
    """The e-mail addresses to invite.

    Attributes:
        addresses: the parsed e-mail addresses, after validate().
    """

    emails = TextAreaField("E-mail addresses", filters=[text_or_empty])
    addresses: Sequence[str] = ()

    def validate_emails(self, field: TextAreaField) -> None:
        """Read the addresses, and name each line that is wrong."""
        self.addresses, errors = parse_emails((field.data or "").splitlines(), "Line")
        field.errors = [*field.errors, *errors]


class InviteForm(_AddressesForm):
    """The e-mail addresses to invite, and a role to grant to each of them in each of a few organizations.

    Attributes:
        organizations: names of the organizations to choose from, by id.
    """

    roles = multiple_choice_field("Roles", {}, noun="a role in one of your organizations")

    def __init__(self, data: FormData | None, organizations: Mapping[int, str], *, offer_platform: bool) -> None:
        """Create the form. offer_platform: whether platform admin is a choice."""
        super().__init__(data)
        self.organizations = organizations
        self.roles.choices = {f"{id}:{role.slug}": role.label for id in organizations for role in GRANTABLE_ROLES}
        if offer_platform:
            self.roles.choices |= {PLATFORM_ADMIN: Role.PLATFORM.label}
        elif data is None and len(organizations) == 1:
            self.roles.data = [next(iter(self.roles.choices))]

    def validate_roles(self, field: SelectMultipleField) -> None:
        """Refuse no role, several roles in one organization, and too many organizations."""
        if field.errors:
            return
        counts = Counter(grant.organization_id for grant in self.grants())
        if not counts:
            raise ValidationError("No role is chosen. Choose a role in at least one organization.")
        if None in counts and len(counts) > 1:
            raise ValidationError("A platform admin is an admin of every organization. Choose no other role.")
        id, count = counts.most_common(1)[0]
        if id is not None and count > 1:
            raise ValidationError(f"{quote_value(self.organizations[id], QUOTED)} has {count} roles. Choose one.")
        _refuse_many(len(counts))

    def grants(self) -> list[Grant]:
        """Return the roles to grant. Call after the roles have been compared with the choices."""
        return [_parse_grant(value) for value in self.roles.data]


class InviteToManyForm(_AddressesForm):
    """The e-mail addresses to invite, and one role to grant to each of them in some of many organizations."""

    organizations = organization_list_field()
    role = choice_field("Role", {}, noun="a role", default=Role.VIEWER.slug)

    def __init__(self, data: FormData | None, organizations: OrganizationChoices, *, offer_platform: bool) -> None:
        """Create the form. offer_platform: whether platform admin is a choice."""
        super().__init__(data)
        self.organizations.offer(organizations)
        roles = (*GRANTABLE_ROLES, Role.PLATFORM) if offer_platform else GRANTABLE_ROLES
        self.role.choices = {role.slug: role.label for role in roles}

    def validate_organizations(self, field: OrganizationListField) -> None:
        """Refuse no organization and too many, and any for a platform admin."""
        if field.errors or self.role.data not in self.role.choices:
            return
        is_platform, count = self.role.data == Role.PLATFORM.slug, len(field.organization_ids)
        if is_platform and count:
            raise ValidationError("A platform admin is an admin of every organization. Leave this empty.")
        if not (is_platform or count):
            raise ValidationError(NO_ORGANIZATION[field.is_text])
        _refuse_many(count)

    def grants(self) -> list[Grant]:
        """Return the roles to grant. Call after validate()."""
        role, organizations = Role.from_slug(self.role.data), sorted(self.organizations.organization_ids)
        return [Grant(None, role)] if role is Role.PLATFORM else [Grant(id, role) for id in organizations]


def create_invite_form(
    data: FormData | None, organizations: OrganizationChoices, *, offer_platform: bool
) -> InviteForm | InviteToManyForm:
    """Return the form that fits the number of organizations. offer_platform: whether platform admin is a choice."""
    if organizations.listed is None:
        return InviteToManyForm(data, organizations, offer_platform=offer_platform)
    return InviteForm(data, organizations.listed, offer_platform=offer_platform)


def _refuse_many(count: int) -> None:
    if count > MAX_GRANTS:
        raise ValidationError(f"These are {count} organizations. Choose at most {MAX_GRANTS}.")


def _parse_grant(value: str) -> Grant:
    organization, _, role = value.partition(":")
    return Grant(None if value == PLATFORM_ADMIN else int(organization), Role.from_slug(role))


class _EmailForm(Form):
    email = email_field()


def parse_emails(lines: Sequence[str], noun: str) -> tuple[list[str], list[str]]:
    """Return the e-mail addresses in lines of text, and errors with position, value and remedy.

    Args:
        lines: addresses between commas, semicolons or blanks, also with names: "Ada <ada@example.com>".
        noun: what a line is called in the errors: "Line".
    """
    found = [(f"{noun} {number}", text) for number, line in enumerate(lines, 1) for text in _split_emails(line)]
    if not found:
        return [], [REQUIRED]
    if len(found) > MAX_INVITED:
        return [], [f"These are {len(found):,} addresses. Enter at most {MAX_INVITED}, and invite the others later."]
    addresses, errors, positions = [], [], dict[str, str]()
    for position, text in found:
        form = _EmailForm(MultiDict({"email": text}))
        value, key = quote_value(text, QUOTED), normalize_email(text)
        if not form.validate():
            error = str(form.email.errors[0])
            errors.append(f"{position}: {error if value in error else f'{value}: {error}'}")
        elif key in positions:
            errors.append(f"{position}: {value} is a duplicate of {positions[key].lower()}. Remove one of them.")
        addresses.append(form.email.data)
        positions.setdefault(key, position)
    return addresses, errors


_EMAIL_ITEM = re.compile(r'(?:"[^"]*"|<[^<>]*>|[^,;])+')  # commas and semicolons inside a quoted name are part of it
_EMAIL_WORD = re.compile(r'"[^"]*"|<[^<>]*>|[^\s"<>]+|["<>]')


def _split_emails(line: str) -> Iterator[str]:
    """Yield the addresses of a line: texts in angle brackets, and other words unless they are the name before one."""
    for item in _EMAIL_ITEM.findall(line):
        words = _EMAIL_WORD.findall(item)
        has_brackets = any(len(word) > 1 and word.startswith("<") for word in words)
        for word in words:
            if len(word) > 1 and word.startswith("<"):
                yield word[1:-1].strip()
            elif not has_brackets or ("@" in word and not word.startswith('"')):
                yield word.strip('"') or word


def _refuse_weak(field: PasswordField, *personal: str) -> None:
    weakness = find_weakness(field.data, *personal)
    if weakness:
        raise ValidationError(weakness)
