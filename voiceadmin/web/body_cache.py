"""A cache for response bodies by their ETag, in the memory of a process."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from cachetools import LRUCache


class ResponseBodyCache:
    """The most recently used bodies, up to a number of bytes in total, safe for use by several threads.

    An ETag always identifies the same content, so entries never become invalid.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lock = Lock()
        self._bodies: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)

    @property
    def size(self) -> int:
        """The bytes in use."""
        return int(self._bodies.currsize)

    def get(self, etag: str, build: Callable[[], bytes]) -> bytes:
        """Return the body of an ETag, building it unless it is cached.

        Two threads may build the same body at the same time. A body larger than the cache is not stored.
        """
        with self._lock:
            body: bytes | None = self._bodies.get(etag)
        if body is None:
            body = build()
            with self._lock:
                if len(body) <= self._bodies.maxsize:
                    self._bodies[etag] = body
        return body
