"""Limit how often a password may be tried, for each account and for each address."""

from __future__ import annotations

from datetime import datetime

from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited
from voiceadmin.identity import Actor
from voiceadmin.rate_limits.actions import RATE_LIMITED_EVENTS, acquire_tokens, bucket_address, return_token
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.text import pluralize
from voiceadmin.tokens import hash_token

PER_ACCOUNT = RateLimit(10, 10 / 300)  # 10 attempts, refilled in 5 minutes
PER_ADDRESS = RateLimit(50, 50 / 300)  # more, because the people of an office share one address


def acquire_attempt(key: str, address: str, target: AuditTarget, *, by: Actor, now: datetime) -> None:
    """Count an attempt against the account and the address, or against neither if one of them has none left.

    Args:
        key: the folded e-mail of the account, which need not exist.
        target: of the audit event, which is recorded once in 5 minutes.

    Raises:
        RateLimited: if one of them has none left.
    """
    try:
        with write_transaction():
            for name, limit in _list_buckets(key, address):
                acquisition = acquire_tokens(name, limit, now)
                if not acquisition.tokens:
                    raise _BucketEmpty(name, acquisition.retry_after)  # rolls back what the other bucket gave
    except _BucketEmpty as empty:
        with write_transaction():
            if acquire_tokens(f"audit {empty.name}", RATE_LIMITED_EVENTS, now).tokens:
                record_event(AuditEventType.RATE_LIMITED, target, by=by, now=now)
        minutes = max(1, round(empty.retry_after / 60))
        raise RateLimited(
            f"Too many attempts. Wait {pluralize(minutes, 'minute')}, then try again.", empty.retry_after
        ) from empty


def return_attempt(key: str, address: str, now: datetime) -> None:
    """Stop counting an attempt, because its password was right. Call inside a write transaction."""
    for name, limit in _list_buckets(key, address):
        return_token(name, limit, now)


def _list_buckets(key: str, address: str) -> tuple[tuple[str, RateLimit], tuple[str, RateLimit]]:
    """Return the buckets of an attempt. The account comes first, so that its limit spares the shared address."""
    return (
        (f"sign-in account {hash_token(key)}", PER_ACCOUNT),
        (f"sign-in address {bucket_address(address)}", PER_ADDRESS),
    )


class _BucketEmpty(Exception):
    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__()
        self.name, self.retry_after = name, retry_after
