"""People: who has an account, with which roles, and the links by which they come in.

`scope` is where whoever acts is an admin: all organizations for admins of the
platform and for the shell. What lies outside of it is not found.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import CursorResult, delete, or_, select, update

from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions.sessions import REFUSED, check_password, create_session, end_sessions
from voiceadmin.accounts.models import Account, AccountSession, Membership, OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link, has_any_account
from voiceadmin.accounts.types import LINK_TTL, LinkPurpose, OneTimeLinkRow
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import (
    AccountNotFound,
    ChangeRefused,
    LinkNotFound,
    LinkRefused,
    OrganizationNotFound,
    SignInRefused,
)
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.text import normalize_email
from voiceadmin.tokens import generate_token, hash_token

NOT_GOOD = "This link is not good any more, or never was. Ask whoever gave it to you for a new one."


class Grant(NamedTuple):
    """A role in an organization, or (organization None, role PLATFORM) in all of them."""

    organization_id: int | None
    role: Role


# Links


def create_setup_link(*, by: Actor, now: datetime) -> str:
    """The token of a link that makes the first account, which is an admin of the platform.

    Earlier ones are void. Raises ChangeRefused when there is an account.
    """
    with write_transaction():
        if has_any_account():
            raise ChangeRefused("The store has accounts already; an admin invites others.")
        _void(OneTimeLink.purpose == LinkPurpose.SETUP, now=now)
        return _make_link(LinkPurpose.SETUP, "", None, by=by, now=now)


def invite(scope: Scope, email: str, grant: Grant, *, by: Actor, now: datetime) -> str:
    """The token of a link that lets somebody in with a role. An earlier one for the same is void.

    Raises OrganizationNotFound for an organization outside the scope, and
    ChangeRefused when a role of the platform is not in the scope's power.
    """
    with write_transaction():
        _check_grant(scope, grant)
        earlier = select(OneTimeLink.id, OneTimeLink.email).where(
            OneTimeLink.purpose == LinkPurpose.INVITATION,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.organization_id.is_(None)
            if grant.organization_id is None
            else OneTimeLink.organization_id == grant.organization_id,
        )
        same = [id for id, known in db.session.execute(earlier) if normalize_email(known) == normalize_email(email)]
        _void(OneTimeLink.id.in_(same), now=now)
        return _make_link(LinkPurpose.INVITATION, email, grant, by=by, now=now)


def create_reset_link(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """The token of a link by which somebody chooses a new password. Earlier ones are void. Raises AccountNotFound."""
    with write_transaction():
        account = _managed(scope, account_id)
        if account.disabled_at is not None:
            raise ChangeRefused(f"{account.email} is disabled. Enable the account first.")
        _void(OneTimeLink.purpose == LinkPurpose.RESET, OneTimeLink.account_id == account_id, now=now)
        return _make_link(LinkPurpose.RESET, account.email, None, account_id=account_id, by=by, now=now)


def revoke_link(scope: Scope, link_id: int, *, by: Actor, now: datetime) -> str:
    """Take an open invitation back; for whom it was. Raises LinkNotFound."""
    with write_transaction():
        link = db.session.get(OneTimeLink, link_id)
        is_open = link is not None and link.purpose == LinkPurpose.INVITATION and link.used_at is None
        if link is None or not is_open or not _in_power(scope, link.organization_id):
            raise LinkNotFound("There is no such open invitation.")
        link.used_at = now
        record_event(
            AuditEventType.LINK_REVOKED,
            AuditTarget(ObjectKind.LINK, link.id, link.email),
            by=by,
            now=now,
            organization_id=link.organization_id,
        )
        return link.email


def join(token: str, *, email: str, name: str, password: str, by: Actor, user_agent: str, now: datetime) -> str:
    """Use a link, and begin a session: its token.

    email: for the first account; other links name theirs. Somebody who has an
    account gives its password, others choose one. Raises LinkRefused,
    ChangeRefused for a password that will not do, SignInRefused for a wrong
    one, RateLimited.
    """
    link = find_link(token, now)
    db.session.rollback()
    if link is None:
        raise LinkRefused(NOT_GOOD)
    if link.purpose is LinkPurpose.SETUP:
        link = replace(link, email=email)
    kept = _prove(link, name, password, by=by, now=now)
    with write_transaction():
        acquire_advisory_lock("account")
        _use(link, now)
        account = _account_of(link, name, kept, by=by, now=now)
        actor = Actor(ActorKind.ACCOUNT, account.id, account.email, by.address)
        if link.purpose is LinkPurpose.RESET:
            account.password_hash = kept
            end_sessions(account.id)
            record_event(AuditEventType.PASSWORD_CHANGED, _thing(account), by=actor, now=now, note="by a link")
        _receive(account, link, by=actor, now=now)
        return create_session(account.id, address=by.address or "", user_agent=user_agent, now=now)


def _receive(account: Account, link: OneTimeLinkRow, *, by: Actor, now: datetime) -> None:
    """Give an account what a link grants, unless it has as much already."""
    if link.role is not None and link.organization_id is not None:
        held = _role(account.id, link.organization_id) or Role.ANYONE
        if held < link.role:
            _grant(account, link.organization_id, link.role, by=by, now=now)
    if link.platform and not account.platform:
        _set_platform(account, on=True, by=by, now=now)


def _prove(link: OneTimeLinkRow, name: str, password: str, *, by: Actor, now: datetime) -> str:
    """Check the password of somebody who has one here, or take a new one: what the store will keep of it."""
    if link.purpose is LinkPurpose.INVITATION and link.has_account:
        check_password(link.email, password, by=by, now=now)
        return ""
    weakness = passwords.weakness(password, link.email, name)
    if weakness:
        raise ChangeRefused(weakness)
    return passwords.password_hash(password)


def _use(link: OneTimeLinkRow, now: datetime) -> None:
    """Take a link, unless somebody was quicker."""
    taken = db.session.execute(
        update(OneTimeLink).where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None)).values(used_at=now)
    )
    assert isinstance(taken, CursorResult)  # noqa: S101  # tells the type checker
    if not taken.rowcount or (link.purpose is LinkPurpose.SETUP and has_any_account()):
        raise LinkRefused(NOT_GOOD)


def _account_of(link: OneTimeLinkRow, name: str, kept: str, *, by: Actor, now: datetime) -> Account:
    """Find or make the account that a link is for."""
    account = db.session.scalars(select(Account).where(Account.email_key == normalize_email(link.email))).one_or_none()
    if (account is not None) != link.has_account:
        raise LinkRefused(NOT_GOOD)  # it came or went while the password was looked at
    if account is None:
        return _make_account(link, name, kept, by=by, now=now)
    if account.disabled_at is not None:
        raise SignInRefused(REFUSED)
    return account


def _make_account(link: OneTimeLinkRow, name: str, kept: str, *, by: Actor, now: datetime) -> Account:
    account = Account(
        email=link.email,
        email_key=normalize_email(link.email),
        name=name.strip(),
        password_hash=kept,
        platform=link.platform or link.purpose is LinkPurpose.SETUP,
        created_at=now,
    )
    db.session.add(account)
    db.session.flush()
    record_event(
        AuditEventType.ACCOUNT_CREATED,
        _thing(account),
        by=Actor(ActorKind.ACCOUNT, account.id, account.email, by.address),
        now=now,
        organization_id=link.organization_id,
        after={"email": account.email, "platform": account.platform},
        note=f"by {'the set-up link' if link.purpose is LinkPurpose.SETUP else 'an invitation'}",
    )
    return account


def _make_link(
    purpose: LinkPurpose, email: str, grant: Grant | None, *, account_id: int | None = None, by: Actor, now: datetime
) -> str:
    token = generate_token()
    organization_id = None if grant is None else grant.organization_id
    link = OneTimeLink(
        token_hash=hash_token(token),
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
        organization_id=organization_id,
        after={"purpose": purpose.value} | ({} if grant is None else {"role": grant.role.slug}),
    )
    return token


def _void(*conditions: object, now: datetime) -> None:
    statement = update(OneTimeLink).where(OneTimeLink.used_at.is_(None), *conditions).values(used_at=now)  # type: ignore[arg-type]
    db.session.execute(statement)


# Roles


def change_role(
    scope: Scope, account_id: int, organization_id: int, role: Role | None, *, by: Actor, now: datetime
) -> str:
    """Give somebody another role in an organization, or (None) none; whose it was. It ends their sessions.

    Raises AccountNotFound, OrganizationNotFound, and ChangeRefused for one's own role.
    """
    with write_transaction():
        account = _seen(scope, account_id)
        _check_grant(scope, Grant(organization_id, role or Role.VIEWER))
        _not_oneself(account, by, "role")
        if role is None:
            _ungrant(account, organization_id, by=by, now=now)
        else:
            _grant(account, organization_id, role, by=by, now=now)
        return account.email


def set_platform_admin(scope: Scope, account_id: int, *, on: bool, by: Actor, now: datetime) -> str:
    """Make somebody an admin of the platform, or one no longer; who it was. It ends their sessions."""
    with write_transaction():
        acquire_advisory_lock("account")  # two who take it from one another would leave none
        account = _managed(scope, account_id)
        _check_grant(scope, Grant(None, Role.PLATFORM))
        _not_oneself(account, by, "role")
        if account.platform != on:
            _set_platform(account, on=on, by=by, now=now)
        return account.email


def _set_platform(account: Account, *, on: bool, by: Actor, now: datetime) -> None:
    if not on:
        _not_the_last(account)
    account.platform = on
    _shut_out(account, now=now)
    record_event(
        AuditEventType.ROLE_CHANGED,
        _thing(account),
        by=by,
        now=now,
        before={"platform": not on},
        after={"platform": on},
    )


def _grant(account: Account, organization_id: int, role: Role, *, by: Actor, now: datetime) -> None:
    before = _role(account.id, organization_id)
    if before is role:
        return
    row = {"account_id": account.id, "organization_id": organization_id, "role": int(role)}
    db.session.execute(upsert_statement(Membership), [row])
    _record_role(account, organization_id, before, role, by=by, now=now)


def _ungrant(account: Account, organization_id: int, *, by: Actor, now: datetime) -> None:
    before = _role(account.id, organization_id)
    if before is None:
        return
    db.session.execute(
        delete(Membership).where(Membership.account_id == account.id, Membership.organization_id == organization_id)
    )
    _record_role(account, organization_id, before, None, by=by, now=now)


def _record_role(
    account: Account, organization_id: int, before: Role | None, after: Role | None, *, by: Actor, now: datetime
) -> None:
    _shut_out(account, now=now)
    record_event(
        AuditEventType.ROLE_CHANGED,
        _thing(account),
        by=by,
        now=now,
        organization_id=organization_id,
        before={"role": (before or Role.ANYONE).slug},
        after={"role": (after or Role.ANYONE).slug},
    )


def _shut_out(account: Account, *, now: datetime) -> None:
    """End all sessions, and void open links: those for their password, and those that they made for others.

    Whoever made one may not have that power any more.
    """
    end_sessions(account.id)
    _void(or_(OneTimeLink.account_id == account.id, OneTimeLink.created_by == account.id), now=now)


def _role(account_id: int, organization_id: int) -> Role | None:
    found = db.session.scalar(
        select(Membership.role).where(
            Membership.account_id == account_id, Membership.organization_id == organization_id
        )
    )
    return None if found is None else Role(found)


# Accounts


def disable_account(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """Let somebody in no more, from now on; who it was. Raises AccountNotFound, or ChangeRefused for oneself."""
    with write_transaction():
        acquire_advisory_lock("account")
        account = _managed(scope, account_id)
        _not_oneself(account, by, "account")
        if account.platform:
            _not_the_last(account)
        if account.disabled_at is None:
            account.disabled_at = now
            _shut_out(account, now=now)
            record_event(
                AuditEventType.ACCOUNT_DISABLED, _thing(account), by=by, now=now, organization_id=_home(account)
            )
        return account.email


def enable_account(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """Let somebody in again; who it was. Raises AccountNotFound."""
    with write_transaction():
        account = _managed(scope, account_id)
        if account.disabled_at is not None:
            account.disabled_at = None
            record_event(
                AuditEventType.ACCOUNT_ENABLED, _thing(account), by=by, now=now, organization_id=_home(account)
            )
        return account.email


def end_account_sessions(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> int:
    """End all sessions of somebody; how many. Raises AccountNotFound."""
    with write_transaction():
        account = _managed(scope, account_id)
        ended = end_sessions(account.id)
        if ended:
            after = {"sessions": ended}
            record_event(
                AuditEventType.SESSION_ENDED,
                _thing(account),
                by=by,
                now=now,
                organization_id=_home(account),
                after=after,
            )
        return ended


def end_all_sessions(*, by: Actor, now: datetime) -> int:
    """End the sessions of everybody, one's own included; how many. For admins of the platform."""
    with write_transaction():
        accounts = set(db.session.scalars(select(AccountSession.account_id)))
        ended = sum(end_sessions(account_id) for account_id in accounts)
        after = {"sessions": ended, "accounts": len(accounts)}
        record_event(
            AuditEventType.SESSION_ENDED,
            AuditTarget(ObjectKind.DATABASE, None, "everybody"),
            by=by,
            now=now,
            after=after,
        )
        return ended


def change_password(requester: Requester, old: str, new: str, *, user_agent: str, now: datetime) -> str:
    """Give oneself a new password: the token of a new session. All others end, and open links for a new one are void.

    Raises SignInRefused when the old one is wrong, ChangeRefused when the new one will not do, RateLimited.
    """
    by = requester.actor
    account_id = requester.account_id
    check_password(by.name, old, by=by, now=now)
    weakness = passwords.weakness(new, by.name)
    if weakness:
        raise ChangeRefused(weakness)
    kept = passwords.password_hash(new)
    with write_transaction():
        account = db.session.get_one(Account, account_id)
        account.password_hash = kept
        _shut_out(account, now=now)
        record_event(AuditEventType.PASSWORD_CHANGED, _thing(account), by=by, now=now)
        return create_session(account.id, address=by.address or "", user_agent=user_agent, now=now)


def find_account_id(email: str) -> int:
    """The id of the account of an e-mail, for the shell. Raises AccountNotFound."""
    found = db.session.scalar(select(Account.id).where(Account.email_key == normalize_email(email)))
    if found is None:
        raise AccountNotFound(f"There is no account of {email}.")
    return found


# Rights


def _in_power(scope: Scope, organization_id: int | None) -> bool:
    return scope == EVERYTHING if organization_id is None else scope.covers(organization_id)


def _check_grant(scope: Scope, grant: Grant) -> None:
    if grant.organization_id is None:
        if scope != EVERYTHING:
            raise ChangeRefused("Only an admin of the platform can make others one.")
    elif not scope.covers(grant.organization_id) or db.session.get(Organization, grant.organization_id) is None:
        raise OrganizationNotFound(f"There is no organization {grant.organization_id}.")


def _memberships(account_id: int) -> frozenset[int]:
    return frozenset(db.session.scalars(select(Membership.organization_id).where(Membership.account_id == account_id)))


def _seen(scope: Scope, account_id: int) -> Account:
    """An account with a role inside the scope. Raises AccountNotFound."""
    account = db.session.get(Account, account_id)
    if account is None or not (scope == EVERYTHING or any(map(scope.covers, _memberships(account_id)))):
        raise AccountNotFound(f"There is no account {account_id}.")
    return account


def _managed(scope: Scope, account_id: int) -> Account:
    """An account that the scope has whole power over: otherwise an admin of one organization could take over another.

    Raises AccountNotFound for one outside, ChangeRefused for one that reaches beyond.
    """
    account = _seen(scope, account_id)
    if scope != EVERYTHING and (account.platform or not scope.covers_all(_memberships(account_id))):
        raise ChangeRefused(
            f"{account.email} has roles beyond your organizations. Take away the role here, or ask a platform admin."
        )
    return account


def _not_oneself(account: Account, by: Actor, what: str) -> None:
    if by.kind is ActorKind.ACCOUNT and by.id == account.id:
        raise ChangeRefused(f"This is your own {what}. Ask another admin to change it.")


def _not_the_last(account: Account) -> None:
    others = select(Account.id).where(Account.platform, Account.disabled_at.is_(None), Account.id != account.id)
    if db.session.scalars(others.limit(1)).first() is None:
        raise ChangeRefused(f"{account.email} is the last admin of the platform. Make somebody else one first.")


def _home(account: Account) -> int | None:
    """The only organization of an account, whose admins may read of it; None if there are several or none."""
    ids = _memberships(account.id)
    return next(iter(ids)) if len(ids) == 1 else None


def _thing(account: Account) -> AuditTarget:
    return AuditTarget(ObjectKind.ACCOUNT, account.id, account.email)
