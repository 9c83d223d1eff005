"""Change the password of the signed-in account."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.accounts.actions.guards import account_target
from voiceadmin.accounts.actions.revocation import revoke_access
from voiceadmin.accounts.actions.sessions import check_password, create_session
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.passwords import find_weakness, hash_password
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused
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
    check_password(by.name, old, by=by, now=now)
    weakness = find_weakness(new, by.name)
    if weakness:
        raise ChangeRefused(weakness)
    password_hash = hash_password(new)  # before the transaction: a hash takes time, and others would wait for it
    with write_transaction():
        account = db.session.get_one(Account, requester.account_id)
        account.password_hash = password_hash
        revoke_access(account, now=now)
        record_event(AuditEventType.PASSWORD_CHANGED, account_target(account), by=by, now=now)
        return create_session(account.id, address=by.address or "", user_agent=user_agent, now=now)
