"""Roles, scopes, actors and requesters: who makes a request and what they may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, NewType, Self

from voiceadmin.enums import LabelledEnum


class Role(IntEnum):
    """A set of permissions. Each role has the permissions of all lower ones.

    Viewer, operator and admin hold in one organization, platform admin in all.

    Attributes:
        slug: its name in forms, commands and settings.
        description: a sentence for people who choose a role.
    """

    ANYONE = 0, "none", "No role", "Sees nothing."
    VIEWER = 1, "viewer", "Viewer", "Sees voices, assistants, and the activity on them."
    OPERATOR = (
        2,
        "operator",
        "Operator",
        "Also archives, restores and assigns voices, and acknowledges or snoozes findings.",
    )
    ADMIN = 3, "admin", "Admin", "Also manages people and API keys, and confirms clean-ups."
    PLATFORM = 4, "platform", "Platform admin", "Is an admin of all organizations, including future ones."

    slug: str
    label: str
    description: str

    def __new__(cls, value: int, slug: str = "", label: str = "", description: str = "") -> Self:
        """Create a member with its rank, slug, label and description."""
        member = int.__new__(cls, value)
        member._value_, member.slug, member.label, member.description = value, slug, label, description
        return member

    @classmethod
    def from_slug(cls, slug: str) -> Role:
        """Return the role with a slug.

        Raises:
            ValueError: if there is none.
        """
        for role in cls:
            if role.slug == slug:
                return role
        raise ValueError(f"{slug!r} is not a role.")


GRANTABLE_ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)  # in one organization


class ActorKind(LabelledEnum):
    """The kind of an actor."""

    ACCOUNT = "account", "Person"
    KEY = "key", "API key"
    CLI = "cli", "CLI"
    ANONYMOUS = "anonymous", "Not signed in"


OrganizationId = NewType("OrganizationId", int)
"""The id of an organization that the requester may see. Only queries with a scope create one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The organizations that a query may show. organizations: their ids; None for all."""

    organizations: frozenset[int] | None

    def covers(self, organization_id: int | None) -> bool:
        """Return whether the scope has this organization. None is the platform, which only EVERYTHING has."""
        return self.organizations is None or organization_id in self.organizations

    def covers_all(self, organization_ids: frozenset[int | None]) -> bool:
        """Return whether the scope has all these organizations. None is the platform, as in `covers`."""
        return self.organizations is None or organization_ids <= self.organizations

    def narrow(self, organization_id: int | None) -> Scope:
        """Return the scope of only this organization, which is empty if it is not in this scope. None: all of it."""
        if organization_id is None:
            return self
        return Scope(frozenset({organization_id} if self.covers(organization_id) else ()))


EVERYTHING = Scope(None)
NOTHING = Scope(frozenset())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as audit events record it.

    Attributes:
        id: of the account or the API key, None for others.
        name: the e-mail of an account, the name of an API key, or the user of a CLI command.
        address: the IP address of the request, None for the CLI.
    """

    kind: ActorKind
    id: int | None
    name: str
    address: str | None = None


class SessionRow(NamedTuple):
    """A session. last_active_at: to the minute. reauthenticated_at: when the password was last entered."""

    id: int
    account_id: int
    created_at: datetime
    last_active_at: datetime
    reauthenticated_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Requester:
    """Who makes a request: an account with a session, an API key, or an anonymous requester.

    Attributes:
        roles: by organization id.
        global_role: a role that holds in all organizations.
        session: of an account, None for others.
        has_ended_roles: whether the account has further roles, for organizations in which the session has ended.
    """

    actor: Actor
    roles: Mapping[int, Role] = field(default_factory=dict)
    global_role: Role = Role.ANYONE
    session: SessionRow | None = None
    has_ended_roles: bool = False

    @property
    def highest(self) -> Role:
        """Return the highest role in any organization."""
        return max(self.global_role, *self.roles.values(), Role.ANYONE)

    @property
    def account_id(self) -> int | None:
        """Return the id of the account that is signed in, None if there is none."""
        return None if self.session is None else self.session.account_id

    def scope(self, role: Role) -> Scope:
        """Return the organizations in which the requester has this role or a higher one."""
        if self.global_role >= role:
            return EVERYTHING
        if role is Role.PLATFORM:
            return NOTHING
        return Scope(frozenset(id for id, granted in self.roles.items() if granted >= role))


def anonymous_requester(address: str | None = None, role: Role = Role.ANYONE) -> Requester:
    """Return a requester that is not signed in. role: what the settings allow everyone."""
    return Requester(Actor(ActorKind.ANONYMOUS, None, "", address), global_role=role)
