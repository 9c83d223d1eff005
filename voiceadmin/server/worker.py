"""The worker process: gunicorn starts, watches and stops it; waitress's event loop receives and sends.

A request gets a thread once it is complete, with its body, and a response is buffered until the client has read it.
Clients that send or read slowly occupy no thread.
"""

from __future__ import annotations

import os
import resource
import time
from functools import partial
from types import FrameType
from typing import Any, cast

from gunicorn.workers.base import Worker as GunicornWorker
from waitress import wasyncore
from waitress.server import create_server

from voiceadmin.config import Settings
from voiceadmin.server.connections import Connection, Connections

GRACE_SECONDS = 10  # for running requests after a stop signal


LINGER_SECONDS = 2  # for connections without a complete request after a stop signal


HEARTBEAT_SECONDS = 1.0  # gunicorn replaces a worker that is silent for 30 s


CHECK_SECONDS = 1.0  # between two checks of the deadlines of clients


MAX_FILES = 1 << 14  # open files of a process, if the system allows as many


RESERVED_FILES = 100  # for the database, log and libraries


CONNECTIONS_PER_ADDRESS = 500  # of each process; a browser opens 6


SEND_BYTES = 1 << 20  # of a response that a thread collects for the event loop: small parts make both threads compete


WAITRESS_SETTINGS: dict[str, Any] = {
    "asyncore_use_poll": True,  # select() supports 1,024 files at most
    "channel_timeout": 1 << 30,  # `Connections.close_expired` does it, also for clients that read nothing
    "clear_untrusted_proxy_headers": False,  # the application evaluates the headers of proxies
    "ident": None,  # no Server header
    "max_request_body_size": 4 << 20,  # the application refuses more than 512 KiB, with a page
    "max_request_header_size": 1 << 14,
    "outbuf_high_watermark": 1 << 40,  # a thread never waits for a client: responses overflow into temporary files
}


class Worker(GunicornWorker):
    """Serves the sockets of gunicorn until a stop signal, then completes the requests that have begun."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._polled: dict[int, Any] = {}  # by file descriptor; waitress adds and removes its sockets
        self._servers: list[Any] = []  # waitress's, one for each address
        self._next_check = 0.0  # monotonic time

    def run(self) -> None:
        """Serve until a stop signal, or until the master process has ended."""
        limit = _raise_connection_limit()
        app: Any = self.wsgi
        settings: Settings = app.config["VOICEADMIN"]
        # All connections through a proxy have its address. Below the limit of waitress, which then accepts no others.
        self._connections = Connections(limit - 10 if settings.proxies else min(limit // 2, CONNECTIONS_PER_ADDRESS))
        listeners: list[Any] = self.sockets
        self._servers += [self._create_server(listener.sock, limit) for listener in listeners]
        while self.alive and self.ppid == os.getppid():
            self._poll(HEARTBEAT_SECONDS)
        self._stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the stop signal, and wake the event loop up."""
        super().handle_exit(sig, frame)
        for server in self._servers:
            server.pull_trigger()

    def _create_server(self, listener: Any, connection_limit: int) -> Any:
        server: Any = create_server(
            cast("Any", self.wsgi),
            map=self._polled,
            sockets=[listener],
            threads=self.cfg.threads,
            connection_limit=connection_limit,
            **WAITRESS_SETTINGS,
        )
        server.adj.send_bytes = SEND_BYTES  # as a setting it is deprecated, without a replacement
        server.channel_class = partial(Connection, connections=self._connections)
        return server

    def _poll(self, seconds: float) -> None:
        """Wait for events, at most this long, and handle them."""
        self.notify()
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._polled, count=1)
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + CHECK_SECONDS
            self._connections.close_expired()

    def _stop(self) -> None:
        """Refuse new connections, complete the requests of others, and give incomplete requests a short time."""
        self._connections.is_stopping = True
        for server in self._servers:
            _close_listener(server)
        now = time.monotonic()
        end, linger_end = now + GRACE_SECONDS, now + LINGER_SECONDS
        while (connections := self._connections.list()) and time.monotonic() < end:
            for connection in connections:
                if not connection.is_busy() and time.monotonic() >= linger_end:
                    connection.handle_close()
            self._poll(0.1)


def _close_listener(server: Any) -> None:
    """Accept the connections that wait, then close the listening socket."""
    accepted = -1
    while accepted != len(server.active_channels):
        accepted = len(server.active_channels)
        server.handle_accept()
    server.del_channel()
    server.socket.close()


def _raise_connection_limit() -> int:
    """Let this process open more files, and return how many connections that allows.

    Each connection may need a temporary file for its response.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return (files - RESERVED_FILES) // 2
