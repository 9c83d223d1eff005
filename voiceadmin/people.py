"""Who is there and what they may see: scopes, visitors, accounts, sessions, keys, links, lines of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, NewType

from voiceadmin.vocabulary import ActorKind, AuditWord, LinkPurpose, ObjectKind, Role

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
    """A session. seen_at: the last activity, to the minute. sure_at: when the password was given last."""

    id: int
    account_id: int
    created_at: datetime
    seen_at: datetime
    sure_at: datetime
    address: str
    client: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever makes a request.

    actor: who that is. roles: by organization. everywhere: a role that holds
    in all organizations. session: of a person who signed in, else None.
    """

    actor: Actor
    roles: Mapping[int, Role] = field(default_factory=dict)
    everywhere: Role = Role.ANYONE
    session: SessionRow | None = None

    @property
    def highest(self) -> Role:
        """The greatest role that they have anywhere."""
        return max(self.everywhere, *self.roles.values(), Role.ANYONE)

    @property
    def account_id(self) -> int | None:
        """The account of somebody who signed in, else None."""
        return None if self.session is None else self.session.account_id

    def scope(self, role: Role) -> Scope:
        """The organizations in which they have this role or a greater one."""
        if self.everywhere >= role:
            return EVERYTHING
        if role is Role.PLATFORM:
            return NOTHING
        return Scope(frozenset(id for id, granted in self.roles.items() if granted >= role))


def nobody(address: str | None = None, role: Role = Role.ANYONE) -> Visitor:
    """Somebody who did not sign in. role: what everybody may, by the settings."""
    return Visitor(Actor(ActorKind.NOBODY, None, "", address), everywhere=role)


class OrganizationRole(NamedTuple):
    """A role and the organization that it holds in."""

    organization_id: int
    organization_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account. roles: those in organizations that its reader may see; elsewhere: whether it has others too."""

    id: int
    email: str
    name: str
    platform: bool
    disabled_at: datetime | None
    created_at: datetime
    seen_at: datetime | None
    roles: Sequence[OrganizationRole] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link that is good for one use.

    organization_name, role: what an invitation grants, None when it is all organizations (platform). has_account:
    whether somebody with this e-mail is here already.
    """

    id: int
    purpose: LinkPurpose
    email: str
    organization_id: int | None
    organization_name: str | None
    role: Role | None
    platform: bool
    created_at: datetime
    expires_at: datetime
    account_id: int | None = None
    has_account: bool = False


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key. hint: how it begins. organizations: names of those it reads, by id; None means all of them."""

    id: int
    name: str
    hint: str
    organizations: Mapping[int, str] | None
    maker: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def works(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class HeldKey(NamedTuple):
    """What a request needs to know of the key that it came with. organizations: None means all of them."""

    id: int
    name: str
    expires_at: datetime | None
    used_at: datetime | None
    organizations: frozenset[int] | None


class Thing(NamedTuple):
    """What something was done to."""

    kind: ObjectKind
    id: int | None
    name: str


class AuditRow(NamedTuple):
    """A line of the audit trail: who did what to what, when and from where; before and after, as far as they differ.

    organization_name: None too for an organization that is gone. deed_id: of the
    deed that it is a part of, deed_number: how many things that changed, undone: whether it was taken back.
    """

    id: int
    at: datetime
    actor_kind: ActorKind
    actor_id: int | None
    actor_name: str
    address: str | None
    word: AuditWord
    organization_id: int | None
    object_kind: ObjectKind
    object_id: int | None
    object_name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    why: str
    deed_id: int | None = None
    organization_name: str | None = None
    deed_number: int | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which lines of the audit trail to show, newest first.

    who: e-mail, name of a key or user of a shell, in full. since, until:
    bounds in time, the second one out. older_than: id of a line; those before it.
    """

    who: str = ""
    words: tuple[AuditWord, ...] = ()
    voice: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    older_than: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of tokens: how many it holds, and how many come back in a second."""

    capacity: float
    rate: float


class Budget(NamedTuple):
    """What came of asking for tokens. left: whole tokens still there. wait: seconds until there is one again."""

    allowed: bool
    left: int
    wait: float
