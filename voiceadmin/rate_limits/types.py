"""Rate limits and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The settings of a token bucket. capacity: tokens when full. rate: tokens added per second."""

    capacity: float
    rate: float


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The tokens taken from a bucket. remaining: tokens still in it. retry_after: seconds until it has a whole one."""

    tokens: int
    remaining: float
    retry_after: float


class RateLimitResult(NamedTuple):
    """Whether a request is within its limit. remaining: requests still allowed. retry_after: seconds until the next."""

    allowed: bool
    remaining: int
    retry_after: float
