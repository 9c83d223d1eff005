"""ResponseBodyCache kept in memory: each made once, the oldest pushed out, never more than there is room for."""

from __future__ import annotations

from collections.abc import Callable

from voiceadmin.web.body_cache import ResponseBodyCache


def never() -> bytes:
    raise AssertionError("made again")


def of(length: int) -> Callable[[], bytes]:
    """Make a body of this length."""
    return lambda: b"x" * length


def test_a_body_is_made_once() -> None:
    bodies = ResponseBodyCache(100)

    assert bodies.get("a", of(10)) == b"x" * 10
    assert bodies.get("a", never) == b"x" * 10


def test_the_one_that_was_not_asked_for_the_longest_goes_first() -> None:
    bodies = ResponseBodyCache(100)
    for tag in ("a", "b"):
        bodies.get(tag, of(40))
    bodies.get("a", never)

    bodies.get("c", of(40))

    assert bodies.get("a", never)
    assert bodies.get("b", lambda: b"made again") == b"made again"


def test_there_is_never_more_than_the_room() -> None:
    bodies = ResponseBodyCache(100)

    for length in (50, 101, 100, 30, 0, 49, 200, 50):
        bodies.get(str(length), of(length))
        assert bodies.size <= 100

    assert bodies.get("101", lambda: b"too large to be kept") == b"too large to be kept"


def test_one_that_two_made_together_counts_once() -> None:
    bodies = ResponseBodyCache(100)

    bodies.get("a", lambda: bodies.get("a", of(40)))

    assert bodies.size == 40
