"""Connections of a worker process: waitress's channels, with deadlines and a limit per address.

All methods run in the thread of the event loop, except `write_soon` and those of `Response`, which run in the thread of
a request.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask
from waitress.utilities import Error

from voiceadmin import clock
from voiceadmin.rate_limits.actions import bucket_address

log = logging.getLogger("voiceadmin.server")

MAX_REQUEST_LINE = 4094  # bytes, as of gunicorn: the longest address that proxies and browsers pass on reliably


MAX_DISCARDED_BYTES = 1 << 18  # of a refused request


MAX_UNSENT_BYTES = 1 << 30  # of all responses of a process that clients have not read yet


REQUEST_SECONDS = 30  # from the first byte of a request to its last


IDLE_SECONDS = 75  # without a request; longer than the 60 s of proxies, so that the proxy closes first


SEND_SECONDS = 60  # in which the client reads nothing of its response


class UriTooLong(Error):
    """A request line that is longer than MAX_REQUEST_LINE."""

    code = 414
    reason = "URI Too Long"


class Request(HTTPRequestParser):
    """Parses one request."""

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head. Refuse HTTP/1.1 without a Host header (RFC 9112, section 3.2) and long addresses."""
        super().parse_header(header_plus)
        if self.version == "1.1" and not self.headers.get("HOST"):
            raise ParsingError("Host header missing")
        if len(self.first_line) > MAX_REQUEST_LINE:
            self.error = UriTooLong(f"The request line is longer than {MAX_REQUEST_LINE} bytes.")


class Response(WSGITask):
    """Runs the application for one request."""

    channel: Connection
    request: Any

    def set_close_on_finish(self) -> None:
        """Keep the connection open after 304 and 204: waitress closes it because they have no Content-Length."""
        if self.has_body or self.request.connection_close or self.channel.connections.is_stopping:
            super().set_close_on_finish()

    def build_response_header(self) -> bytes:
        """Announce that the connection closes if the server stops. Send no end of chunks after HEAD."""
        if self.channel.connections.is_stopping:
            self.set_close_on_finish()
        header = super().build_response_header()
        if self.request.command == "HEAD":
            self.chunked_response = False
        return header


class Connection(HTTPChannel):
    """The connection of one client."""

    task_class = Response
    parser_class = Request

    def __init__(
        self,
        server: TcpWSGIServer,
        sock: socket.socket,
        address: Any,
        adjustments: Adjustments,
        map: dict[int, Any] | None = None,  # noqa: A002  # waitress passes it by this name
        *,
        connections: Connections,
    ) -> None:
        self.connections = connections
        self.request_began_at = 0.0  # monotonic time of the first byte of the current request
        super().__init__(server, sock, address, adjustments, map=map)
        connections.add(self)

    def received(self, data: bytes) -> bool:
        """Take bytes of the client."""
        if self.request is None:
            self.request_began_at = time.monotonic()
        try:
            return super().received(data)
        except OSError as error:
            _log_full_disk("request", error)
            self.handle_close()
            return False

    def write_soon(self, data: Any) -> int:
        """Send a part of the response, or store it until the client reads."""
        try:
            return super().write_soon(data)
        except OSError as error:
            _log_full_disk("response", error)
            raise ClientDisconnected from error

    def handle_close(self) -> None:
        """Close the connection, also while its request runs: the next write of the application fails then.

        Read what has arrived before: the kernel would discard the response if bytes of the request remained unread.
        """
        if self.socket is None:  # closed already: one event of a socket can call this twice
            return
        self.connections.discard(self)
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.recv(MAX_DISCARDED_BYTES)
        super().handle_close()

    def is_busy(self) -> bool:
        """Return whether a request is running, or a response is not sent completely."""
        return bool(self.requests or self.total_outbufs_len)

    def is_expired(self) -> bool:
        """Return whether the client has exceeded a deadline."""
        if self.requests:
            return False
        if self.request is not None:
            return time.monotonic() - self.request_began_at > REQUEST_SECONDS
        idle_seconds = clock.now().timestamp() - self.last_activity
        return idle_seconds > (SEND_SECONDS if self.total_outbufs_len else IDLE_SECONDS)


def _log_full_disk(part: str, error: OSError) -> None:
    log.error(
        "Closed a connection: its %s cannot be stored in the folder for temporary files: %s", part, error.strerror
    )


@dataclass
class Connections:
    """The open connections of a process. is_stopping: whether each closes after its response."""

    limit_per_address: int
    is_stopping: bool = False
    by_address: defaultdict[str, dict[Connection, None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, connection: Connection) -> None:
        """Add a connection. If its address has too many, close the one of them that waits longest for its client."""
        same_address = self.by_address[bucket_address(connection.addr[0])]
        if len(same_address) >= self.limit_per_address:
            waiting = (other for other in same_address if not other.requests)
            min(waiting, key=lambda other: other.last_activity, default=connection).handle_close()
        if connection.connected:
            same_address[connection] = None

    def discard(self, connection: Connection) -> None:
        """Forget a connection that closes."""
        network = bucket_address(connection.addr[0])
        self.by_address[network].pop(connection, None)
        if not self.by_address[network]:
            del self.by_address[network]

    def list(self) -> list[Connection]:
        """Return all open connections."""
        return [connection for connections in self.by_address.values() for connection in connections]

    def close_expired(self) -> None:
        """Close connections whose client is too slow, then those with the most unsent bytes if there are too many."""
        for connection in self.list():
            if connection.is_expired():
                connection.handle_close()
        unsent = sorted(self.list(), key=lambda connection: connection.total_outbufs_len)
        while sum(connection.total_outbufs_len for connection in unsent) > MAX_UNSENT_BYTES:
            largest = unsent.pop()
            unread = largest.total_outbufs_len
            log.warning("Closed a connection of %s: its client left %d bytes unread", largest.addr[0], unread)
            largest.handle_close()
