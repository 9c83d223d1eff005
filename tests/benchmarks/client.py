"""The load client: keep-alive connections to this machine's loopback, and loops bounded in count and time.

It does as little as can be done with an answer, so that what is measured is
the server: it reads the head, finds the end, and keeps the bytes.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Self

from tests.benchmarks.admitted import HEADERS

HOST = "127.0.0.1"
PATIENCE = 120  # seconds for one answer


class Answer(NamedTuple):
    """What came back. headers: by name in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


class BadAnswer(Exception):
    """A server answered otherwise than it must, or hung up."""


class Client:
    """One connection that stays open as long as the server lets it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket, self.rest = None, b""

    def get(self, path: str, etag: str | None = None) -> Answer:
        """One request and its whole answer."""
        known = f"If-None-Match: {etag}\r\n" if etag else ""
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nAccept: */*\r\n{HEADERS}{known}\r\n".encode()
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port), timeout=PATIENCE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if status == 304:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        elif "content-length" in headers:
            body = self._exactly(int(headers["content-length"]))
        else:
            raise BadAnswer(f"{path}: an answer without an end")
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body)

    def _more(self) -> bytes:
        assert self.socket is not None
        block = self.socket.recv(1 << 18)
        if not block:
            raise BadAnswer("the server hung up")
        return block

    def _until(self, end: bytes) -> bytes:
        while end not in self.rest:
            self.rest += self._more()
        before, _, self.rest = self.rest.partition(end)
        return before

    def _exactly(self, length: int) -> bytes:
        blocks, missing = [self.rest], length - len(self.rest)
        while missing > 0:
            blocks.append(self._more())
            missing -= len(blocks[-1])
        whole = b"".join(blocks)
        body, self.rest = whole[:length], whole[length:]
        return body

    def _chunks(self) -> bytes:
        chunks = []
        while length := int(self._until(b"\r\n").partition(b";")[0], 16):
            chunks.append(self._exactly(length))
            self._until(b"\r\n")
        self._until(b"\r\n")
        return b"".join(chunks)


def fetch(port: int, path: str, etag: str | None = None, wanted: int = 200) -> Answer:
    """One answer on a connection of its own. Raises BadAnswer for another status than the wanted one."""
    with Client(port) as client:
        answer = client.get(path, etag)
    if answer.status != wanted:
        raise BadAnswer(f"{path}: {answer.status} instead of {wanted}: {answer.body[:500]!r}")
    return answer


def times(
    port: int, path: str, *, before: Callable[[], None], etag: str | None = None, most: int, seconds: float
) -> list[float]:
    """How long answers take, in milliseconds, at most so many and about that long, one after the other.

    before: done ahead of each request, outside the measured time. A first
    request that connects and warms up does not count unless it alone takes
    half of the time.
    """
    wanted, taken = 304 if etag else 200, list[float]()
    stop = time.perf_counter() + seconds
    with Client(port) as client:
        while len(taken) <= most and (len(taken) < 2 or time.perf_counter() < stop):
            before()
            start = time.perf_counter()
            answer = client.get(path, etag)
            taken.append((time.perf_counter() - start) * 1000)
            if answer.status != wanted:
                raise BadAnswer(f"{path}: {answer.status} instead of {wanted}")
            if len(taken) == 1 and taken[0] > seconds * 500:
                return taken
    return taken[1:]


class Rate(NamedTuple):
    """What a server got done. second: answers a second."""

    second: float
    errors: int


def rate(port: int, path: str, *, clients: int, seconds: float, most: int = 100_000) -> Rate:
    """How many answers a second so many clients get together, each on a connection of its own."""
    done, errors = [0] * clients, [0] * clients
    ready = threading.Barrier(clients + 1)

    def visit(number: int) -> None:
        with Client(port) as client:
            try:
                warm = client.get(path).status
            except (OSError, BadAnswer):
                warm = 0
                client.close()
            errors[number] += warm != 200
            ready.wait()
            stop = time.perf_counter() + seconds
            while time.perf_counter() < stop and done[number] + errors[number] < most:
                try:
                    good = client.get(path).status == 200
                except (OSError, BadAnswer):
                    good = False
                    client.close()
                done[number] += good
                errors[number] += not good

    threads = [threading.Thread(target=visit, args=[number], daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return Rate(sum(done) / (time.perf_counter() - start), sum(errors))
