"""A limit on the exports and large lists that a process creates for one requester at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock

from flask import Flask, current_app

from voiceadmin.errors import RateLimited
from voiceadmin.identity import Requester
from voiceadmin.web.access import requester

LARGE_RESPONSES = "voiceadmin_large_responses"  # key in app.extensions

MAX_LARGE_RESPONSES = 2  # for one requester; a process has four threads unless --threads says otherwise


RETRY_SECONDS = 5


class LargeResponses:
    """The number of large responses in progress of each requester, safe for use by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[Hashable] = Counter()

    @contextmanager
    def count(self, requester: Requester) -> Iterator[None]:
        """Count a response while the block runs.

        Raises:
            RateLimited: if the requester has MAX_LARGE_RESPONSES in progress.
        """
        actor = requester.actor
        key = (actor.kind, actor.address if actor.id is None else actor.id)
        with self._lock:
            if self._counts[key] >= MAX_LARGE_RESPONSES:
                raise RateLimited(
                    f"You have {MAX_LARGE_RESPONSES} exports or large lists in progress. Wait until one is complete.",
                    RETRY_SECONDS,
                )
            self._counts[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[key] -= 1
                self._counts += Counter()  # forgets requesters without responses


def init_app(app: Flask) -> None:
    """Count the large responses of an application."""
    app.extensions[LARGE_RESPONSES] = LargeResponses()


def large_response() -> AbstractContextManager[None]:
    """Count a large response of the current requester; see `LargeResponses.count`."""
    responses: LargeResponses = current_app.extensions[LARGE_RESPONSES]
    return responses.count(requester())
