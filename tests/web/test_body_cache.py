"""The cache for response bodies: the total size is bounded."""

from __future__ import annotations

from voiceadmin.web.body_cache import ResponseBodyCache


def test_a_stored_body_is_found_by_its_etag() -> None:
    cache = ResponseBodyCache(100)
    cache.store("a", b"x" * 10)

    assert cache.find("a") == b"x" * 10
    assert cache.find("b") is None


def test_the_least_recently_used_body_is_removed_first() -> None:
    cache = ResponseBodyCache(100)
    for etag in ("a", "b"):
        cache.store(etag, b"x" * 40)
    cache.find("a")

    cache.store("c", b"x" * 40)

    assert cache.find("a")
    assert cache.find("b") is None


def test_the_total_size_stays_within_the_limit() -> None:
    cache = ResponseBodyCache(100)

    for length in (50, 101, 100, 30, 0, 49, 200, 50):
        cache.store(str(length), b"x" * length)
        assert cache.size <= 100

    assert cache.find("200") is None


def test_an_empty_body_is_cached() -> None:
    cache = ResponseBodyCache(100)
    cache.store("a", b"")

    assert cache.find("a") == b""


def test_a_body_that_is_stored_twice_counts_once() -> None:
    cache = ResponseBodyCache(100)
    for _ in range(2):
        cache.store("a", b"x" * 40)

    assert cache.size == 40
