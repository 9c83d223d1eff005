"""Change the password of the signed-in account."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK, account_target
from voiceadmin.accounts.actions.revocation import revoke_access
from voiceadmin.accounts.actions.sessions import PASSWORD_REFUSED, check_password, create_session
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.passwords import find_weakness, hash_password
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, SignInRefused
from voiceadmin.identity import Requester


def change_password(requester: Requester, old: str, new: str, *, user_agent: str, now: datetime) -> str:
    """Replace the password of the requester's account and return the token of a new session.

    All its other sessions end, and its open password reset links are void.

    Raises:
        SignInRefused: if the old password is wrong.
        ChangeRefused: if the new password is too weak.
        RateLimited: if there were too many wrong passwords.
    """
    by = requester.actor
    stored_hash = db.session.get_one(Account, requester.account_id).password_hash
    check_password(by.name, old, by=by, now=now)
    weakness = find_weakness(new, by.name)
    if weakness:
        raise ChangeRefused(weakness)
    password_hash = hash_password(new)  # before the transaction: a hash takes time, and others would wait for it
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = db.session.get_one(Account, requester.account_id)
        if account.password_hash != stored_hash:  # the password changed in the meantime
            raise SignInRefused(PASSWORD_REFUSED)
        account.password_hash = password_hash
        revoke_access(account, now=now)
        record_account_event(AuditEventType.PASSWORD_CHANGED, account_target(account), by=by, now=now)
        return create_session(account.id, address=by.address or "", user_agent=user_agent, now=now)
