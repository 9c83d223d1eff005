"""Rate limits and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A bucket of tokens: how many it holds, and how many come back in a second."""

    capacity: float
    rate: float


class RateLimitResult(NamedTuple):
    """What came of asking for tokens. left: whole tokens still there. wait: seconds until there is one again."""

    allowed: bool
    left: int
    wait: float
