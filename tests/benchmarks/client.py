"""The load client: keep-alive connections to the loopback interface, and loops limited in count and time.

It only parses the head of a response and reads its body, so that the times are
those of the server.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Self

from tests.benchmarks.credentials import HEADERS

HOST = "127.0.0.1"
TIMEOUT = 120  # seconds for one response


class Response(NamedTuple):
    """An HTTP response. headers: by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class BadResponse(Exception):
    """A server returned an unexpected response, or closed the connection."""


class Client:
    """A connection that stays open until the server closes it."""

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

    def get(self, path: str, etag: str | None = None, token: str | None = None) -> Response:
        """Send a request and read the whole response. token: an API key to send instead of HEADERS."""
        credentials = HEADERS if token is None else f"Authorization: Bearer {token}\r\n"
        condition = f"If-None-Match: {etag}\r\n" if etag else ""
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nAccept: */*\r\n{credentials}{condition}\r\n".encode()
        )
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port), timeout=TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        lines = self._read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if status == 304:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._read_chunks()
        elif "content-length" in headers:
            body = self._read_exactly(int(headers["content-length"]))
        else:
            raise BadResponse(f"{path}: the response has no length")
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Response(status, headers, body)

    def _receive(self) -> bytes:
        assert self.socket is not None
        block = self.socket.recv(1 << 18)
        if not block:
            raise BadResponse("the server closed the connection")
        return block

    def _read_until(self, end: bytes) -> bytes:
        while end not in self.rest:
            self.rest += self._receive()
        before, _, self.rest = self.rest.partition(end)
        return before

    def _read_exactly(self, length: int) -> bytes:
        blocks, missing = [self.rest], length - len(self.rest)
        while missing > 0:
            blocks.append(self._receive())
            missing -= len(blocks[-1])
        whole = b"".join(blocks)
        body, self.rest = whole[:length], whole[length:]
        return body

    def _read_chunks(self) -> bytes:
        chunks = []
        while length := int(self._read_until(b"\r\n").partition(b";")[0], 16):
            chunks.append(self._read_exactly(length))
            self._read_until(b"\r\n")
        self._read_until(b"\r\n")
        return b"".join(chunks)


def fetch(port: int, path: str, etag: str | None = None, expected: int = 200) -> Response:
    """Fetch a path on a new connection. Raises BadResponse if the status is not the expected one."""
    with Client(port) as client:
        response = client.get(path, etag)
    if response.status != expected:
        raise BadResponse(f"{path}: {response.status} instead of {expected}: {response.body[:500]!r}")
    return response


def measure_times(
    port: int, path: str, *, before: Callable[[], None], etag: str | None = None, max_requests: int, seconds: float
) -> list[float]:
    """Send requests one after the other, and return the milliseconds of each response.

    before: called ahead of each request, outside the measured time. The first
    request, which connects and warms up, is not counted unless it alone takes
    half of the seconds.
    """
    expected, taken = 304 if etag else 200, list[float]()
    stop = time.perf_counter() + seconds
    with Client(port) as client:
        while len(taken) <= max_requests and (len(taken) < 2 or time.perf_counter() < stop):
            before()
            start = time.perf_counter()
            response = client.get(path, etag)
            taken.append((time.perf_counter() - start) * 1000)
            if response.status != expected:
                raise BadResponse(f"{path}: {response.status} instead of {expected}")
            if len(taken) == 1 and taken[0] > seconds * 500:
                return taken
    return taken[1:]


class Rate(NamedTuple):
    """The throughput of a server."""

    responses_per_second: float
    errors: int


def measure_rate(port: int, path: str, *, clients: int, seconds: float, max_requests: int = 100_000) -> Rate:
    """The responses per second that parallel clients get in total, each on its own connection."""
    done, errors = [0] * clients, [0] * clients
    ready = threading.Barrier(clients + 1)

    def run_client(number: int) -> None:
        with Client(port) as client:
            try:
                status = client.get(path).status
            except (OSError, BadResponse):
                status = 0
                client.close()
            errors[number] += status != 200
            ready.wait()
            stop = time.perf_counter() + seconds
            while time.perf_counter() < stop and done[number] + errors[number] < max_requests:
                try:
                    is_ok = client.get(path).status == 200
                except (OSError, BadResponse):
                    is_ok = False
                    client.close()
                done[number] += is_ok
                errors[number] += not is_ok

    threads = [threading.Thread(target=run_client, args=[number], daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return Rate(sum(done) / (time.perf_counter() - start), sum(errors))
