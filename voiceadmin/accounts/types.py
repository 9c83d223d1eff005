"""Rows of accounts and one-time links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum
from voiceadmin.identity import Role


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
    last_active_at: datetime | None
    roles: Sequence[OrganizationRole] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class OneTimeLinkRow:
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


class LinkPurpose(LabelledEnum):
    """What a link that is good for one use lets its holder do."""

    SETUP = "setup", "Set-up"
    INVITATION = "invitation", "Invitation"
    RESET = "reset", "New password"


LINK_TTL = {  # how long each is good for
    LinkPurpose.SETUP: timedelta(minutes=30),
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=24),
}


REAUTH_TTL = timedelta(minutes=15)  # after the password was given, until a dangerous act asks for it again
