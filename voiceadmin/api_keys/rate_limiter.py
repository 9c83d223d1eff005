"""The rate limiter of API keys: a local lease on the token buckets in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from threading import Lock

from sqlalchemy import bindparam, update

from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.types import AuthenticatedKey
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import WriteUnavailable, optional_write_transaction
from voiceadmin.errors import RateLimited
from voiceadmin.identity import Actor
from voiceadmin.rate_limits.actions import RATE_LIMITED_EVENTS, acquire_tokens
from voiceadmin.rate_limits.types import RateLimit, RateLimitResult
from voiceadmin.text import pluralize

LAST_USED_PRECISION = timedelta(minutes=1)  # limits writes to one per minute and key

LEASE_SECONDS = 1.0  # the tokens of a lease are those of this time; without any left, it is renewed after it

# For how long the tokens of a lease can be used. Programs that poll every few seconds then need no write for each poll.
LEASE_LIFETIME = 30.0

# At most half of the tokens of a key go to one process, so that the others can serve the key too.
LEASE_SHARE = 0.5

_MARK_USED = update(ApiKey).where(ApiKey.id == bindparam("key")).values(last_used_at=bindparam("now"))


@dataclass(slots=True)
class _Lease:
    """Tokens that this process took from a key's bucket in advance. Times are in seconds since 1970.

    Attributes:
        tokens: not used yet.
        bucket_remaining: tokens left in the bucket when the lease was taken.
        taken_at: when the lease was taken.
        silent_until: when the next audit event of the rate limit may be recorded.
    """

    tokens: int = 0
    bucket_remaining: float = 0
    taken_at: float = 0
    silent_until: float = 0
    lock: Lock = field(default_factory=Lock)


class KeyRateLimiter:
    """Limits the requests of each API key, without a write for each request.

    A process leases the tokens of one second at once, at most half of those in
    the bucket, and returns unused ones with the next lease. A key within its
    rate limit causes at most one write per second and process, and tokens
    remain for other processes. Every request uses a token of the bucket.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._leases: dict[int, _Lease] = {}
        self._lock = Lock()

    def acquire(self, key: AuthenticatedKey, *, by: Actor, now: datetime) -> RateLimitResult:
        """Count one request of a key and return whether it is allowed."""
        with self._lock:
            lease = self._leases.setdefault(key.id, _Lease())
        time = now.timestamp()
        with lease.lock:
            lifetime = LEASE_LIFETIME if lease.tokens else LEASE_SECONDS
            is_current = lease.taken_at <= time < lease.taken_at + lifetime
            if not is_current or (not lease.tokens and lease.bucket_remaining >= 1):
                self._renew(key, lease, now=now)
            if not lease.tokens:
                if time >= lease.silent_until:
                    lease.silent_until = time + self._record_limited(key, by=by, now=now)
                return RateLimitResult(False, 0, max(0.0, lease.taken_at + LEASE_SECONDS - time))
            lease.tokens -= 1
            return RateLimitResult(True, lease.tokens + int(lease.bucket_remaining), 0.0)

    def _renew(self, key: AuthenticatedKey, lease: _Lease, *, now: datetime) -> None:
        """Return the unused tokens of a lease, take new ones, and record that the key is used."""
        try:
            self._renew_from_bucket(key, lease, now=now)
        except WriteUnavailable:  # programs must be able to read: allow one lease without the bucket
            lease.tokens, lease.bucket_remaining = ceil(self.limit.rate * LEASE_SECONDS), 0
        lease.taken_at = now.timestamp()

    def _renew_from_bucket(self, key: AuthenticatedKey, lease: _Lease, *, now: datetime) -> None:
        with optional_write_transaction():
            acquisition = acquire_tokens(
                f"key {key.id}",
                self.limit,
                now,
                at_most=ceil(self.limit.rate * LEASE_SECONDS),
                share=LEASE_SHARE,
                returned=lease.tokens,
            )
            if key.last_used_at is None or now - key.last_used_at >= LAST_USED_PRECISION:
                db.session.connection().execute(_MARK_USED, {"key": key.id, "now": now})
        lease.tokens, lease.bucket_remaining = acquisition.tokens, acquisition.remaining

    def _record_limited(self, key: AuthenticatedKey, *, by: Actor, now: datetime) -> float:
        """Record that a key is rate limited, unless another process did. Returns the seconds until the next record."""
        try:
            return self._record_limited_once(key, by=by, now=now)
        except WriteUnavailable:
            return LEASE_SECONDS

    def _record_limited_once(self, key: AuthenticatedKey, *, by: Actor, now: datetime) -> float:
        with optional_write_transaction():
            acquisition = acquire_tokens(f"audit key {key.id}", RATE_LIMITED_EVENTS, now)
            if acquisition.tokens:
                target = AuditTarget(ObjectKind.KEY, key.id, key.name)
                organizations = key.organizations or ()
                record_event(AuditEventType.RATE_LIMITED, target, by=by, now=now, organizations=organizations)
        return acquisition.retry_after


def too_many_requests(result: RateLimitResult) -> RateLimited:
    """Return the error for a request that the rate limiter refused."""
    seconds = max(1, ceil(result.retry_after))
    return RateLimited(f"Too many requests. Try again in {pluralize(seconds, 'second')}.", result.retry_after)
