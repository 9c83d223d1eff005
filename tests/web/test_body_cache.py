"""The cache for response bodies: each is built once, and the total size is bounded."""

from __future__ import annotations

from collections.abc import Callable

from voiceadmin.web.body_cache import ResponseBodyCache


def must_not_build() -> bytes:
    raise AssertionError("built again")


def body_of(length: int) -> Callable[[], bytes]:
    """Return a function that builds a body of this length."""
    return lambda: b"x" * length


def test_a_body_is_built_once() -> None:
    cache = ResponseBodyCache(100)

    assert cache.get("a", body_of(10)) == b"x" * 10
    assert cache.get("a", must_not_build) == b"x" * 10


def test_the_least_recently_used_body_is_removed_first() -> None:
    cache = ResponseBodyCache(100)
    for etag in ("a", "b"):
        cache.get(etag, body_of(40))
    cache.get("a", must_not_build)

    cache.get("c", body_of(40))

    assert cache.get("a", must_not_build)
    assert cache.get("b", lambda: b"built again") == b"built again"


def test_the_total_size_stays_within_the_limit() -> None:
    cache = ResponseBodyCache(100)

    for length in (50, 101, 100, 30, 0, 49, 200, 50):
        cache.get(str(length), body_of(length))
        assert cache.size <= 100

    assert cache.get("101", lambda: b"too large to be cached") == b"too large to be cached"


def test_an_empty_body_is_cached() -> None:
    cache = ResponseBodyCache(100)
    cache.get("a", lambda: b"")

    assert cache.get("a", must_not_build) == b""


def test_a_body_that_two_threads_build_counts_once() -> None:
    cache = ResponseBodyCache(100)

    cache.get("a", lambda: cache.get("a", body_of(40)))

    assert cache.size == 40
