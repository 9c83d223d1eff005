"""Token buckets in the database, shared by all processes. Call all functions inside a write transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import floor

from sqlalchemy import bindparam, delete, select

from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.rate_limits.types import Acquisition, RateLimit

RATE_LIMITED_EVENTS = RateLimit(1, 1 / 300)  # one audit event in 5 minutes for each bucket that is empty

FULL_AFTER = timedelta(days=1)  # every limit of the program refills sooner, so older rows are full buckets

ROUNDING = 1e-9  # tokens; a bucket that refilled to 0.9999999999 has one

# Built once and executed without the ORM: a program that polls needs it every 30 seconds, in each process.
_COLUMNS = ("name", "tokens", "counted_at")
_SELECT_BUCKET = select(TokenBucket.tokens, TokenBucket.counted_at).where(TokenBucket.name == bindparam("bucket"))


def acquire_tokens(
    name: str, limit: RateLimit, now: datetime, *, at_most: int = 1, share: float = 1, returned: float = 0
) -> Acquisition:
    """Take whole tokens from a bucket. If the clock was set back, the bucket loses no tokens.

    Args:
        name: of the bucket; an unknown one is full.
        at_most: how many tokens to take.
        share: the part of the available tokens to take, from 0 to 1, so that other processes get some too.
            One token is taken in any case, if there is one.
        returned: unused tokens to put back first.
    """
    acquire_advisory_lock(f"bucket {name}")
    time = now.timestamp()
    row = db.session.connection().execute(_SELECT_BUCKET, {"bucket": name}).one_or_none()
    tokens, counted_at = (limit.capacity, time) if row is None else row
    tokens = min(limit.capacity, tokens + max(0.0, time - counted_at) * limit.rate + returned)
    taken = min(at_most, floor(tokens + ROUNDING), max(1, floor(tokens * share + ROUNDING)))
    remaining = tokens - taken
    if taken or returned:
        upsert_rows(TokenBucket, _COLUMNS, [(name, float(remaining), max(time, counted_at))])
    return Acquisition(taken, remaining, max(0.0, (1 - remaining) / limit.rate))


def return_token(name: str, limit: RateLimit, now: datetime) -> None:
    """Put one token back into a bucket, for an attempt that does not count."""
    acquire_tokens(name, limit, now, at_most=0, returned=1)


def delete_full_buckets(now: datetime) -> None:
    """Delete the rows of full buckets: a bucket without a row is full too."""
    db.session.execute(delete(TokenBucket).where(TokenBucket.counted_at < (now - FULL_AFTER).timestamp()))


def bucket_address(address: str) -> str:
    """Return the name of an IP address for a bucket: the /64 network of an IPv6 address, which one client controls."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return f"{IPv6Address(int(ip) >> 64 << 64)}/64"
    return str(ip)
