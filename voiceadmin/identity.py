"""Who makes a request and what they may see: roles, scopes, actors and requesters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, NewType, Self

from voiceadmin.enums import LabelledEnum


class Role(IntEnum):
    """What somebody may do; each role may do all that a smaller one may.

    Viewer, operator and admin are granted for one organization; a platform
    admin is one everywhere. `slug` stands in forms, commands and settings.
    """

    ANYONE = 0, "none", "Nobody", "Sees nothing."
    VIEWER = 1, "viewer", "Viewer", "Looks at voices and assistants."
    OPERATOR = 2, "operator", "Operator", "Triages: acts on voices too."
    ADMIN = 3, "admin", "Admin", "Decides about people, keys, sources and deletions too."
    PLATFORM = 4, "platform", "Platform admin", "Is an admin of every organization, and of the platform itself."

    slug: str
    label: str
    description: str

    def __new__(cls, value: int, slug: str = "", label: str = "", description: str = "") -> Self:
        """Give the member its rank, its slug, its label and a sentence that explains it."""
        member = int.__new__(cls, value)
        member._value_, member.slug, member.label, member.description = value, slug, label, description
        return member

    @classmethod
    def from_slug(cls, slug: str) -> Role:
        """The role of this slug. Raises ValueError."""
        for role in cls:
            if role.slug == slug:
                return role
        raise ValueError(f"{slug!r} is no role.")


GRANTABLE_ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)  # the roles of one organization


class ActorKind(LabelledEnum):
    """What kind of somebody does something."""

    ACCOUNT = "account", "Person"
    KEY = "key", "API key"
    CLI = "cli", "CLI"
    ANONYMOUS = "anonymous", "Nobody signed in"


OrganizationId = NewType("OrganizationId", int)
"""The id of an organization that its reader may see: only a query that was given a scope makes one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The organizations that a query may show. organizations: their ids; None means all of them."""

    organizations: frozenset[int] | None

    def covers(self, organization_id: int) -> bool:
        """Whether an organization is among them."""
        return self.organizations is None or organization_id in self.organizations

    def covers_all(self, organization_ids: frozenset[int]) -> bool:
        """Whether all of these are among them."""
        return self.organizations is None or organization_ids <= self.organizations


EVERYTHING = Scope(None)


NOTHING = Scope(frozenset())


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who does something, as the audit trail names them.

    id: of the account or the key; None for others. name: e-mail, name of the
    key, or user of the shell. address: where the request came from, None in a shell.
    """

    kind: ActorKind
    id: int | None
    name: str
    address: str | None = None


class SessionRow(NamedTuple):
    """A session. last_active_at: the last activity, to the minute. reauthenticated_at: when the password was given last."""

    id: int
    account_id: int
    created_at: datetime
    last_active_at: datetime
    reauthenticated_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Requester:
    """Whoever makes a request.

    actor: who that is. roles: by organization. global_role: a role that holds
    in all organizations. session: of a person who signed in, else None.
    """

    actor: Actor
    roles: Mapping[int, Role] = field(default_factory=dict)
    global_role: Role = Role.ANYONE
    session: SessionRow | None = None

    @property
    def highest(self) -> Role:
        """The greatest role that they have anywhere."""
        return max(self.global_role, *self.roles.values(), Role.ANYONE)

    @property
    def account_id(self) -> int | None:
        """The account of somebody who signed in, else None."""
        return None if self.session is None else self.session.account_id

    def scope(self, role: Role) -> Scope:
        """The organizations in which they have this role or a greater one."""
        if self.global_role >= role:
            return EVERYTHING
        if role is Role.PLATFORM:
            return NOTHING
        return Scope(frozenset(id for id, granted in self.roles.items() if granted >= role))


def anonymous_requester(address: str | None = None, role: Role = Role.ANYONE) -> Requester:
    """Somebody who did not sign in. role: what everybody may, by the settings."""
    return Requester(Actor(ActorKind.ANONYMOUS, None, "", address), global_role=role)
