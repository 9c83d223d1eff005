"""Deadlines and limits of connections, in waitress's event loop without a server process."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from waitress import wasyncore
from waitress.server import create_server

from voiceadmin.rate_limits.actions import bucket_address
from voiceadmin.server import connections
from voiceadmin.server.connections import Connection, Connections
from voiceadmin.server.worker import WAITRESS_SETTINGS

HEAD = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends RST
LARGE = 64 << 20  # more than the buffers of the kernel hold


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the status in the path and the length of the request, or with many bytes."""
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return [b"x" * LARGE]
    if environ["PATH_INFO"] == "/chunks":
        start_response("200 OK", [])
        return iter([] if environ["REQUEST_METHOD"] == "HEAD" else [b"a", b"b"])
    start_response(environ["PATH_INFO"].removeprefix("/") + " Status", [])
    return [str(len(environ["wsgi.input"].read())).encode()] if environ["PATH_INFO"] == "/200" else []


class Loop:
    """A server whose event loop runs only when a test calls it."""

    def __init__(self, limit_per_address: int) -> None:
        self.polled: dict[int, Any] = {}
        self.connections = Connections(limit_per_address)
        listener = socket.create_server(("127.0.0.1", 0))
        settings: Any = WAITRESS_SETTINGS
        server: Any = create_server(application, map=self.polled, sockets=[listener], threads=1, **settings)
        self.server = server
        self.server.channel_class = partial(Connection, connections=self.connections)
        self.address = listener.getsockname()
        self.clients: list[socket.socket] = []

    def connect(self, data: bytes = b"") -> socket.socket:
        """Open a connection, send data, and let the server receive it."""
        client = socket.create_connection(self.address)
        self.clients.append(client)
        count = len(self.server.active_channels)
        self.run_until(lambda: len(self.server.active_channels) >= min(count + 1, self.connections.limit_per_address))
        client.sendall(data)
        return client

    def run_until(self, condition: Callable[[], object]) -> None:
        """Run the event loop until a condition is true."""
        for _ in range(1000):
            if condition():
                return
            wasyncore.loop(timeout=0.1, use_poll=True, map=self.polled, count=1)
        raise AssertionError("the condition never became true")

    def read(self, client: socket.socket, end: bytes) -> bytes:
        """Read from a connection until the bytes end so, or the server closes it."""
        client.setblocking(False)
        data = bytearray()

        def is_complete() -> bool:
            try:
                part = client.recv(1 << 20)
            except BlockingIOError:
                return False
            data.extend(part)
            return not part or data.endswith(end)

        self.run_until(is_complete)
        return bytes(data)

    def is_closed(self, client: socket.socket) -> bool:
        """Return whether the server closed a connection."""
        client.setblocking(False)
        try:
            while client.recv(1 << 20):
                pass
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        return True


@pytest.fixture
def loop() -> Iterator[Loop]:
    """Return an event loop that accepts three connections of an address."""
    started = Loop(limit_per_address=3)
    yield started
    started.server.task_dispatcher.shutdown()
    for connection in started.connections.list():
        connection.handle_close()
    wasyncore.close_all(started.polled)
    for client in started.clients:
        client.close()


@pytest.mark.parametrize("status", [b"200", b"204", b"304"])
def test_a_connection_stays_open_after_a_response(loop: Loop, status: bytes) -> None:
    client = loop.connect(HEAD % status)
    first = loop.read(client, b"0" if status == b"200" else b"\r\n\r\n")
    client.sendall(HEAD % status)
    second = loop.read(client, b"0" if status == b"200" else b"\r\n\r\n")

    for response in (first, second):
        assert response.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" not in response.lower()
    assert not loop.is_closed(client)


def test_a_connection_closes_if_the_client_asks_for_it(loop: Loop) -> None:
    client = loop.connect((HEAD % b"304").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert b"Connection: close" in loop.read(client, b"")
    loop.run_until(lambda: loop.is_closed(client))


@pytest.mark.parametrize(("method", "body"), [(b"GET", b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), (b"HEAD", b"")])
def test_a_response_to_head_has_no_body(loop: Loop, method: bytes, body: bytes) -> None:
    client = loop.connect((HEAD % b"chunks").replace(b"GET", method))

    assert loop.read(client, b"").partition(b"\r\n\r\n")[2] == body


def test_a_stopping_server_announces_that_the_connection_closes(loop: Loop) -> None:
    client = loop.connect()
    loop.connections.is_stopping = True
    client.sendall(HEAD % b"200")

    assert b"Connection: close" in loop.read(client, b"")
    loop.run_until(lambda: loop.is_closed(client))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HT",
        b"POST /200 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabc",
        b"POST /200 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
    ids=["head", "body", "chunk"],
)
def test_a_request_must_be_complete_in_time(loop: Loop, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    client = loop.connect(data)
    (connection,) = loop.connections.list()
    loop.run_until(lambda: connection.request is not None)

    loop.connections.close_expired()
    assert not loop.is_closed(client)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", -1)
    loop.connections.close_expired()

    loop.run_until(lambda: loop.is_closed(client))


def test_an_idle_connection_closes_in_time(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    client = loop.connect()

    loop.connections.close_expired()
    assert not loop.is_closed(client)
    monkeypatch.setattr(connections, "IDLE_SECONDS", -1)
    loop.connections.close_expired()

    loop.run_until(lambda: loop.is_closed(client))


def test_a_response_that_the_client_does_not_read_occupies_no_thread_and_ends_in_time(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.connect(HEAD % b"large")
    (stuck,) = loop.connections.list()
    loop.run_until(lambda: stuck.total_outbufs_len and not stuck.requests)
    other = loop.connect(HEAD % b"200")
    assert loop.read(other, b"0").endswith(b"0")  # by the only thread

    loop.connections.close_expired()
    assert stuck in loop.connections.list()
    monkeypatch.setattr(connections, "SEND_SECONDS", -1)
    loop.connections.close_expired()

    assert [one.addr[1] for one in loop.connections.list()] == [other.getsockname()[1]]


@pytest.mark.parametrize("data", [HEAD % b"large", HEAD % b"large" * 2, HEAD[:20]], ids=["one", "two", "incomplete"])
def test_a_client_that_resets_its_connection_does_not_end_the_event_loop(loop: Loop, data: bytes) -> None:
    client = loop.connect(data)
    (connection,) = loop.connections.list()
    loop.run_until(lambda: connection.total_outbufs_len or connection.request)

    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()

    loop.run_until(lambda: not loop.connections.list())
    assert loop.read(loop.connect(HEAD % b"200"), b"0").endswith(b"0")


def test_the_largest_unread_response_ends_first_if_there_are_too_many_bytes(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [loop.connect(HEAD % b"large") for _ in range(2)]
    loop.run_until(lambda: all(one.total_outbufs_len and not one.requests for one in loop.connections.list()))
    first, second = loop.connections.list()
    loop.run_until(lambda: loop.read(clients[0], b"x") and first.total_outbufs_len < second.total_outbufs_len)

    monkeypatch.setattr(connections, "MAX_UNSENT_BYTES", first.total_outbufs_len + second.total_outbufs_len)
    loop.connections.close_expired()
    assert loop.connections.list() == [first, second]
    monkeypatch.setattr(connections, "MAX_UNSENT_BYTES", first.total_outbufs_len + second.total_outbufs_len - 1)
    loop.connections.close_expired()

    assert loop.connections.list() == [first]


def test_a_new_connection_replaces_the_longest_idle_one_of_its_address(loop: Loop) -> None:
    idle, *others = [loop.connect() for _ in range(3)]
    for client in others:
        client.sendall(HEAD % b"200")
        assert loop.read(client, b"0")

    newest = loop.connect(HEAD % b"200")

    assert loop.read(newest, b"0").endswith(b"0")
    loop.run_until(lambda: loop.is_closed(idle))
    assert not any(loop.is_closed(client) for client in others)
    assert len(loop.connections.list()) == 3


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    def network(host: str) -> str:
        return bucket_address(host)

    assert network("2001:db8::1") == network("2001:db8:0:0:ffff::2") != network("2001:db8:0:1::1")
    assert network("fe80::1%eth0") == network("fe80::2")
    assert network("192.0.2.1") != network("192.0.2.2")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /200 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", b"400"),
        (b"POST /200 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", b"400"),
        (b"POST /200 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST /200 HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /200 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /200 HTTP/1.1\r\nHost:\r\n\r\n", b"400"),
        (b"GET /200 HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /200?" + b"x" * 4100 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET /200 HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
    ids=[
        "chunk size",
        "chunk end",
        "coding",
        "length",
        "no host",
        "blank host",
        "http 1.0",
        "address",
        "header",
        "tls",
    ],
)
def test_invalid_requests_are_refused_with_a_status(loop: Loop, data: bytes, status: bytes) -> None:
    assert loop.read(loop.connect(data), b"").split()[1] == status


def test_a_client_that_expects_100_continue_gets_it_without_a_thread(loop: Loop) -> None:
    client = loop.connect(b"POST /200 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert loop.read(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    other = loop.connect(HEAD % b"200")
    assert loop.read(other, b"0").endswith(b"0")  # by the only thread

    client.sendall(b"abc")

    assert loop.read(client, b"3").startswith(b"HTTP/1.1 200 ")
