"""Limit how often a password may be tried, for each account and for each address."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited
from voiceadmin.identity import Actor
from voiceadmin.rate_limits.actions import RATE_LIMITED_EVENTS, acquire_tokens, bucket_address, return_token
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.text import pluralize
from voiceadmin.tokens import hash_token

STRANGERS = RateLimit(5, 2 / 60)  # for each account, from all devices that nobody signed in on yet
DEVICE = RateLimit(5, 2 / 60)  # for each device on which the account has signed in
SESSION = RateLimit(5, 2 / 60)  # for each account, to confirm or change the password in a session
IN_ALL = RateLimit(10, 10 / 60)  # for each account, all of these together
PER_ADDRESS = RateLimit(50, 50 / 300)  # more, because the people of an office share one address


class Attempt(NamedTuple):
    """Who tries a password.

    Attributes:
        key: the folded e-mail of the account, which need not exist.
        address: the IP address of the request.
        device: the id of a device on which the account has signed in before, "" for others.
        has_session: whether the account is signed in, and confirms its password.
    """

    key: str
    address: str
    device: str = ""
    has_session: bool = False


def acquire_attempt(attempt: Attempt, target: AuditTarget, *, by: Actor, now: datetime) -> None:
    """Count an attempt against each of its limits, or against none if one of them has none left.

    Wrong passwords of strangers do not lock out the owner of an account on a known device or in a session.

    Args:
        attempt: who tries.
        target: of the audit event, which is recorded once in 5 minutes.

    Raises:
        RateLimited: if one of them has none left.
    """
    try:
        with write_transaction():
            for name, limit in _list_buckets(attempt):
                acquisition = acquire_tokens(name, limit, now)
                if not acquisition.tokens:
                    raise _BucketEmpty(name, acquisition.retry_after)  # rolls back what the other bucket gave
    except _BucketEmpty as empty:
        with write_transaction():
            if acquire_tokens(f"audit {empty.name}", RATE_LIMITED_EVENTS, now).tokens:
                record_account_event(AuditEventType.RATE_LIMITED, target, by=by, now=now)
        minutes = max(1, round(empty.retry_after / 60))
        raise RateLimited(
            f"Too many attempts. Wait {pluralize(minutes, 'minute')}, then try again.", empty.retry_after
        ) from empty


def return_attempt(attempt: Attempt, now: datetime) -> None:
    """Stop counting an attempt, because its password was right. Call inside a write transaction."""
    for name, limit in _list_buckets(attempt):
        return_token(name, limit, now)


def _list_buckets(attempt: Attempt) -> list[tuple[str, RateLimit]]:
    """Return the buckets of an attempt. The account comes first, so that its limit spares the shared address."""
    account = hash_token(attempt.key)
    in_all = (f"sign-in account in all {account}", IN_ALL)
    if attempt.has_session:
        return [(f"sign-in session {account}", SESSION), in_all]
    if attempt.device:
        return [(f"sign-in device {attempt.device}", DEVICE), in_all]
    address = (f"sign-in address {bucket_address(attempt.address)}", PER_ADDRESS)
    return [(f"sign-in account {account}", STRANGERS), in_all, address]


class _BucketEmpty(Exception):
    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__()
        self.name, self.retry_after = name, retry_after
