"""A cache for response bodies by their ETag, in the memory of a process."""

from __future__ import annotations

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

    def find(self, etag: str) -> bytes | None:
        """Return the body of an ETag, None if it is not cached."""
        with self._lock:
            body: bytes | None = self._bodies.get(etag)
        return body

    def store(self, etag: str, body: bytes) -> None:
        """Store a body, unless it is larger than the cache."""
        with self._lock:
            if len(body) <= self._bodies.maxsize:
                self._bodies[etag] = body
