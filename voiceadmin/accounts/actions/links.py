"""Create and revoke one-time links: set-up links, invitations and password reset links.

`scope` holds the organizations that the actor administers: all of them for
platform admins and for the CLI. Objects outside of it are not found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK, check_grant, get_managed_account, list_organization_ids
from voiceadmin.accounts.actions.revocation import void_links
from voiceadmin.accounts.models import OneTimeLink
from voiceadmin.accounts.queries.credentials import has_any_account
from voiceadmin.accounts.types import LINK_TTL, Grant, LinkPurpose
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, LinkNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Scope
from voiceadmin.text import normalize_email
from voiceadmin.tokens import generate_token, hash_token, list_token_hashes


def create_setup_link(*, by: Actor, now: datetime) -> str:
    """Create the link for the first account, which is a platform admin, and return its token. Voids earlier ones.

    Raises:
        ChangeRefused: if there is an account already.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        if has_any_account():
            raise ChangeRefused("There are accounts already. An admin invites other people.")
        void_links(OneTimeLink.purpose == LinkPurpose.SETUP, now=now)
        return _create_link(LinkPurpose.SETUP, "", by=by, now=now)


def create_invitations(
    scope: Scope, emails: Sequence[str], grants: Sequence[Grant], *, by: Actor, now: datetime
) -> dict[str, str]:
    """Create a link for each e-mail address that grants roles to its owner, and return the tokens by e-mail.

    Voids earlier invitations of the same addresses to the same organizations.

    Args:
        emails: different addresses, at most MAX_INVITED.
        grants: roles in different organizations, at most MAX_GRANTS.

    Raises:
        OrganizationNotFound: if an organization is outside the scope.
        ChangeRefused: if a role is platform admin and the scope is not all organizations.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        for grant in grants:
            check_grant(scope, grant)
            void_links(OneTimeLink.id.in_(_list_open_invitations(emails, grant)), now=now)
        return {email: _create_invitation(email, grants, by=by, now=now) for email in emails}


def create_reset_link(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """Create a link for a new password of an account, and return its token. Voids earlier ones.

    Raises:
        AccountNotFound: if the account is outside the scope.
        ChangeRefused: if the account is disabled, or has roles outside the scope too.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_managed_account(scope, account_id)
        if account.disabled_at is not None:
            raise ChangeRefused(f"{account.email} is disabled. Enable the account first.")
        void_links(OneTimeLink.purpose == LinkPurpose.RESET, OneTimeLink.account_id == account_id, now=now)
        return _create_link(LinkPurpose.RESET, account.email, account_id=account_id, by=by, now=now)


def revoke_invitation(scope: Scope, link_id: int, *, by: Actor, now: datetime) -> str:
    """Revoke an open invitation and return the e-mail that it was for.

    Raises:
        LinkNotFound: if there is no such open invitation inside the scope.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        link = db.session.get(OneTimeLink, link_id)
        is_open = link is not None and link.purpose == LinkPurpose.INVITATION and link.used_at is None
        if link is None or not is_open or not _is_inside(scope, link.organization_id):
            raise LinkNotFound("There is no such open invitation. It may have been accepted or revoked already.")
        link.used_at = now
        record_event(
            AuditEventType.LINK_REVOKED,
            AuditTarget(ObjectKind.LINK, link.id, link.email),
            by=by,
            now=now,
            organizations=_list_concerned_organizations(link),
        )
        return link.email


def _list_open_invitations(emails: Sequence[str], grant: Grant) -> list[int]:
    """Return the ids of the open invitations of e-mail addresses to the organization of a grant."""
    invitations = select(OneTimeLink.id, OneTimeLink.email).where(
        OneTimeLink.purpose == LinkPurpose.INVITATION,
        OneTimeLink.used_at.is_(None),
        OneTimeLink.organization_id.is_(None)
        if grant.organization_id is None
        else OneTimeLink.organization_id == grant.organization_id,
    )
    keys = set(map(normalize_email, emails))
    return [id for id, invited in db.session.execute(invitations) if normalize_email(invited) in keys]


def _is_inside(scope: Scope, organization_id: int | None) -> bool:
    return scope == EVERYTHING if organization_id is None else scope.covers(organization_id)


def _list_concerned_organizations(link: OneTimeLink) -> Collection[int]:
    """Return the organization of an invitation, or those in which the account of a password reset link has a role."""
    if link.account_id is not None:
        return list_organization_ids(link.account_id)
    return () if link.organization_id is None else (link.organization_id,)


def _create_invitation(email: str, grants: Sequence[Grant], *, by: Actor, now: datetime) -> str:
    token = generate_token()
    for grant, token_hash in zip(grants, list_token_hashes(token, len(grants)), strict=True):
        _store_link(token_hash, LinkPurpose.INVITATION, email, grant=grant, by=by, now=now)
    return token


def _create_link(purpose: LinkPurpose, email: str, *, account_id: int | None = None, by: Actor, now: datetime) -> str:
    token = generate_token()
    _store_link(hash_token(token), purpose, email, account_id=account_id, by=by, now=now)
    return token


def _store_link(
    token_hash: str,
    purpose: LinkPurpose,
    email: str,
    *,
    grant: Grant | None = None,
    account_id: int | None = None,
    by: Actor,
    now: datetime,
) -> None:
    organization_id = None if grant is None else grant.organization_id
    link = OneTimeLink(
        token_hash=token_hash,
        purpose=purpose,
        email=email,
        account_id=account_id,
        created_by=by.id if by.kind is ActorKind.ACCOUNT else None,
        organization_id=organization_id,
        role=None if grant is None or organization_id is None else int(grant.role),
        platform=grant is not None and organization_id is None,
        created_at=now,
        expires_at=now + LINK_TTL[purpose],
    )
    db.session.add(link)
    db.session.flush()
    record_event(
        AuditEventType.LINK_CREATED,
        AuditTarget(ObjectKind.LINK, link.id, email),
        by=by,
        now=now,
        organizations=_list_concerned_organizations(link),
        after={"purpose": purpose.value} | ({} if grant is None else {"role": grant.role.slug}),
    )
