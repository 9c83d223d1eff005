"""Buckets of tokens in the store: how often something may be tried, whichever process is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import floor

from sqlalchemy import delete, select

from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.rate_limits.types import RateLimit

SIGN_IN_OF_ACCOUNT = RateLimit(10, 10 / 300)  # tries, and those that come back in a second: 10 in 5 minutes


SIGN_IN_FROM_ADDRESS = RateLimit(50, 50 / 300)  # many people can share one address


TOLD_AGAIN = RateLimit(1, 1 / 300)  # that somebody is throttled goes into the audit trail once in five minutes


STALE = timedelta(days=1)  # after which every bucket is full, and no row says the same


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a bucket gave: whole tokens, those that are left, and the seconds until there is one more."""

    tokens: int
    left: float
    wait: float


def draw(name: str, limit: RateLimit, now: datetime, *, most: int = 1, share: float = 1, back: float = 0) -> Drawn:
    """Take up to `most` whole tokens out of a bucket, after putting `back` what was not used. Call while writing.

    share: of what is there, so that others find some too; one token is taken in
    any case. A clock that was set back takes nothing away.
    """
    acquire_advisory_lock(f"bucket {name}")
    at = now.timestamp()
    row = db.session.execute(
        select(TokenBucket.tokens, TokenBucket.counted_at).where(TokenBucket.name == name)
    ).one_or_none()
    tokens, since = (limit.capacity, at) if row is None else row
    tokens = min(limit.capacity, tokens + max(0.0, at - since) * limit.rate + back)
    taken = min(most, floor(tokens + 1e-9), max(1, floor(tokens * share + 1e-9)))
    if taken or back:
        counted = {"name": name, "tokens": float(tokens - taken), "counted_at": max(at, since)}
        db.session.execute(upsert_statement(TokenBucket), [counted])
    return Drawn(taken, tokens - taken, max(0.0, (1 - (tokens - taken)) / limit.rate))


def put_back(name: str, limit: RateLimit, now: datetime) -> None:
    """Give one token back: it was no try that counts. Call while writing."""
    draw(name, limit, now, most=0, back=1)


def forget_full_buckets(now: datetime) -> None:
    """Remove the rows that say no more than no row would. Call while writing."""
    db.session.execute(delete(TokenBucket).where(TokenBucket.counted_at < (now - STALE).timestamp()))


def network(address: str) -> str:
    """What stands for an address among buckets: who has one of IPv6 has 2**64 of them."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return f"{IPv6Address(int(ip) >> 64 << 64)}/64"
    return str(ip)
