"""Finished bodies, kept in the memory of a process by their tags."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock


class ResponseBodyCache:
    """The bodies that were asked for last, so many bytes of them at most.

    A tag names one content for ever, so nothing ever has to be taken back:
    what is no longer asked for is pushed out by what is. A body that is larger
    than the room is not kept.
    """

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """The body of this tag, made unless it is there. Two that ask together may both make it."""
        with self._lock:
            if tag in self._bodies:
                self._bodies.move_to_end(tag)
                return self._bodies[tag]
        body = make()
        if len(body) <= self.most:
            with self._lock:
                self.size += len(body) - len(self._bodies.pop(tag, b""))
                self._bodies[tag] = body
                while self.size > self.most:
                    self.size -= len(self._bodies.popitem(last=False)[1])
        return body
