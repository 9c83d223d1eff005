"""Rows of accounts and one-time links, and how long links and confirmed passwords last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum
from voiceadmin.identity import Role

MAX_INVITED = 50  # e-mail addresses in one form


MAX_GRANTS = 50  # organizations in one invitation


# For how long after entering the password sensitive actions are allowed ("sudo mode").
REAUTH_TTL = timedelta(minutes=15)


class Grant(NamedTuple):
    """A role to grant. organization_id: None for the role of platform admin, which applies to all organizations."""

    organization_id: int | None
    role: Role


class OrganizationRole(NamedTuple):
    """A role in one organization."""

    organization_id: int
    organization_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as an admin sees it.

    Attributes:
        platform: whether it is a platform admin.
        last_active_at: of its sessions, None without one.
        roles: its roles in the organizations that the reader administers.
        has_other_roles: whether it has roles in other organizations too.
    """

    id: int
    email: str
    name: str
    platform: bool
    disabled_at: datetime | None
    created_at: datetime
    last_active_at: datetime | None
    roles: Sequence[OrganizationRole] = ()
    has_other_roles: bool = False


class LinkPurpose(LabelledEnum):
    """What a one-time link is for."""

    SETUP = "setup", "First account"
    INVITATION = "invitation", "Invitation"
    RESET = "reset", "New password"


LINK_TTL = {
    LinkPurpose.SETUP: timedelta(minutes=30),
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=24),
}


@dataclass(frozen=True, slots=True)
class OneTimeLinkRow:
    """A one-time link. An invitation to several organizations has a row for each, so that each can be revoked.

    Attributes:
        organization_id, organization_name, role: what an invitation grants; None for platform admin.
        platform: whether the invitation grants the role of platform admin.
        account_id: whose password a reset link sets.
        is_open: whether it was neither used nor revoked.
        has_account: whether there is an account with this e-mail.
        parts: the rows of the same link, this one included; only of a link that was found by its token.
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
    is_open: bool = True
    has_account: bool = False
    parts: Sequence[OneTimeLinkRow] = ()
