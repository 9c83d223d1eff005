"""API keys: made, revoked, and spent request by request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from threading import Lock

from sqlalchemy import insert, select, update

from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.api_keys.types import AuthenticatedKey
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, KeyNotFound, OrganizationNotFound, RateLimited
from voiceadmin.identity import EVERYTHING, Actor, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.rate_limits.actions import TOLD_AGAIN, draw
from voiceadmin.rate_limits.types import RateLimit, RateLimitResult
from voiceadmin.tokens import HINT_LENGTH, generate_api_key, hash_token

MINUTE = timedelta(minutes=1)


SHARE = 0.5  # of a key's bucket that a process takes at once at most


def create_api_key(
    scope: Scope,
    name: str,
    organizations: frozenset[int] | None,
    *,
    expires_at: datetime | None,
    by: Actor,
    now: datetime,
) -> str:
    """A new API key, which nobody can read again.

    organizations: those that it reads; None for all, which takes a whole scope.
    Raises OrganizationNotFound for one outside the scope, ChangeRefused for none or for a key that never worked.
    """
    if expires_at is not None and expires_at <= now:
        raise ChangeRefused("The key would have expired already. Choose a later day.")
    if organizations is None and scope != EVERYTHING:
        raise ChangeRefused("Only an admin of the platform can make a key for all organizations.")
    if organizations is not None and not organizations:
        raise ChangeRefused("The key would read nothing. Choose an organization.")
    key = generate_api_key()
    with write_transaction():
        wanted = sorted(organizations or ())
        there = set(db.session.scalars(select(Organization.id).where(Organization.id.in_(wanted))))
        for id in wanted:
            if id not in there or not scope.covers(id):
                raise OrganizationNotFound(f"There is no organization {id}.")
        made = ApiKey(
            name=name,
            token_hash=hash_token(key),
            hint=key[:HINT_LENGTH],
            all_organizations=organizations is None,
            created_by=by.name,
            created_at=now,
            expires_at=expires_at,
        )
        db.session.add(made)
        db.session.flush()
        if wanted:
            rows = [{"key_id": made.id, "organization_id": id} for id in wanted]
            db.session.execute(insert(ApiKeyOrganization), rows)
        facts = {"key": made.hint, "expires_at": None if expires_at is None else expires_at.isoformat()}
        _record(AuditEventType.KEY_CREATED, made, wanted, by=by, now=now, after=facts)
    return key


def revoke_api_key(scope: Scope, key_id: int, *, by: Actor, now: datetime) -> str:
    """Let a key open nothing any more; its name. Raises KeyNotFound unless the scope shows the key."""
    with write_transaction():
        key = db.session.get(ApiKey, key_id)
        read = select(ApiKeyOrganization.organization_id).where(ApiKeyOrganization.key_id == key_id)
        organizations = frozenset(db.session.scalars(read))
        if key is None or not (scope == EVERYTHING or (organizations and scope.covers_all(organizations))):
            raise KeyNotFound(f"There is no API key {key_id}.")
        if key.revoked_at is None:
            key.revoked_at = now
            _record(AuditEventType.KEY_REVOKED, key, sorted(organizations), by=by, now=now, before={"key": key.hint})
        return key.name


def _record(
    event_type: AuditEventType,
    key: ApiKey | AuthenticatedKey,
    organizations: list[int],
    *,
    by: Actor,
    now: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str | None] | None = None,
) -> None:
    """One line for each organization, so that the admins of each can read it."""
    thing = AuditTarget(ObjectKind.KEY, key.id, key.name)
    places: list[int | None] = [*organizations] or [None]
    for organization in places:
        record_event(event_type, thing, by=by, now=now, organization_id=organization, before=before, after=after)


@dataclass(slots=True)
class _Hand:
    """What a process holds of a key's bucket, what the store had left, and until when that counts.

    told: until when the trail knows that the key is slowed down. Times are seconds since 1970.
    """

    tokens: int = 0
    left: float = 0
    until: float = 0
    told: float = 0
    lock: Lock = field(default_factory=Lock)


class KeyRateLimiter:
    """What a process took in advance out of the buckets of keys, so that not every request writes.

    It takes a second's worth at a time, at most half of what is there, and lets
    the store have back what it did not use. So a key that keeps to its rate
    costs a process at most one write a second, no process leaves another one
    without, and no key ever gets more than its bucket holds.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._hands: dict[int, _Hand] = {}
        self._lock = Lock()

    def spend(self, key: AuthenticatedKey, *, by: Actor, now: datetime) -> RateLimitResult:
        """One request of a key."""
        with self._lock:
            hand = self._hands.setdefault(key.id, _Hand())
        at = now.timestamp()
        with hand.lock:
            fresh = hand.until - 1 <= at < hand.until
            if not fresh or (not hand.tokens and hand.left >= 1):
                self._draw(key, hand, by=by, now=now)
            if not hand.tokens:
                if at >= hand.told:
                    hand.told = at + self._tell(key, by=by, now=now)
                return RateLimitResult(False, 0, max(0.0, hand.until - at))
            hand.tokens -= 1
            return RateLimitResult(True, hand.tokens + int(hand.left), 0.0)

    def _draw(self, key: AuthenticatedKey, hand: _Hand, *, by: Actor, now: datetime) -> None:
        with write_transaction():
            most = ceil(self.limit.rate)
            drawn = draw(f"key {key.id}", self.limit, now, most=most, share=SHARE, back=hand.tokens)
            if key.last_used_at is None or now - key.last_used_at >= MINUTE:
                db.session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
        hand.tokens, hand.left = drawn.tokens, drawn.left
        hand.until = now.timestamp() + 1

    def _tell(self, key: AuthenticatedKey, *, by: Actor, now: datetime) -> float:
        """Let the audit trail know, unless another process did; for how many seconds that is enough."""
        with write_transaction():
            told = draw(f"told key {key.id}", TOLD_AGAIN, now)
            if told.tokens:
                _record(AuditEventType.RATE_LIMITED, key, sorted(key.organizations or ()), by=by, now=now)
        return told.wait


def too_fast(budget: RateLimitResult) -> RateLimited:
    """What to tell a program that has no token left."""
    seconds = max(1, ceil(budget.wait))
    return RateLimited(f"Too many requests. Try again in {seconds} second{'' if seconds == 1 else 's'}.", budget.wait)
