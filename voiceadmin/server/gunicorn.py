"""The server process: gunicorn with its settings and a worker class."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from voiceadmin.config import is_loopback
from voiceadmin.errors import ServeRefused

GRACE_SECONDS = 10  # for running requests after a stop signal


LINGER_SECONDS = 2  # for connections without a complete request after a stop signal


IDLE_SECONDS = 75  # for idle connections; longer than the 60 s of proxies, so that the proxy closes first


MAX_PEEKED_BYTES = 1 << 16  # of a request head; the parser refuses longer ones


STOP_SIGNALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # heartbeat files of workers; on a disk they could block


class Connection(TConn):
    """A connection that a thread closes before gunicorn's main thread closes it again."""

    def close(self, graceful: bool = False) -> None:
        """Close the socket unless it is closed already."""
        if self.sock.fileno() != -1:
            super().close(graceful)

    def close_after_response(self) -> None:
        """Close the connection. If unread bytes remain, linger: the kernel would discard the response otherwise."""
        has_unread_bytes = False
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.setblocking(False)
            has_unread_bytes = bool(self.sock.recv(1, socket.MSG_PEEK))
        self.close(graceful=has_unread_bytes)


class Worker(ThreadWorker):
    """gunicorn's thread worker, with threads for complete request heads only, and an orderly stop.

    gunicorn has no hook or setting for either. Its threads wait up to 5 seconds for the first byte of a connection, and
    without limit for the rest of a request head.
    """

    def accept(self, listener: socket.socket) -> None:
        """Wait for the request in the poller: silent clients occupy no thread."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker accepted it, or the client has gone
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client, address, listener.getsockname())
        connection.set_timeout()
        self.pending_conns.append(connection)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Hand a new connection to a thread once its request head is complete: slow clients occupy no thread."""
        if _has_request(client):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Hand a kept-alive connection to a thread once its next request head is complete."""
        if _has_request(client):
            super().on_client_socket_readable(conn, client)

    def handle(self, conn: TConn) -> bool:
        """Respond, and close the connection here: gunicorn's main thread would wait up to 2 seconds for the client."""
        keep_alive = super().handle(conn)
        if not keep_alive and isinstance(conn, Connection):
            conn.close_after_response()
        return keep_alive

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """On stop, accept what has connected already, then refuse others, which gunicorn would keep waiting."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        while self.sockets:
            listener, accepted = self.sockets.pop(), -1
            while accepted != self.nr_conns:
                accepted = self.nr_conns
                self.accept(listener)
            listener.close()
        end = time.monotonic() + LINGER_SECONDS
        for connection in self.pending_conns:
            connection.timeout = end


def _has_request(client: socket.socket) -> bool:
    """Return whether the head of a request is complete, or no more of it will arrive.

    Otherwise raise the low-water mark of the socket, so that the poller reports it only when more bytes have arrived.
    """
    try:
        head = client.recv(MAX_PEEKED_BYTES, socket.MSG_PEEK)
        low_water_mark = client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)  # with fewer bytes, it is the end
        is_partial = low_water_mark <= len(head) < MAX_PEEKED_BYTES and b"\r\n\r\n" not in head
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(head) + 1 if is_partial else 1)
    except BlockingIOError:
        return False
    except OSError:
        return True  # the thread gets the same error, and closes the connection
    return not is_partial


def _block_stop_signals() -> None:
    """Block stop signals until a worker has installed its handlers: it would lose earlier ones."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _unblock_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class _Server(BaseApplication):
    """gunicorn's application without its command line and configuration files."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.app, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.app


def serve(app: Flask, *, host: str, port: int, workers: int, threads: int, when_ready: Callable[[], None]) -> None:
    """Serve until a stop signal, and finish running requests.

    Call it with an address that passed `check_address`, and without open database connections: the workers are forked
    from this process.
    """
    os.register_at_fork(after_in_parent=_unblock_stop_signals)  # gunicorn has no hook after a fork in the parent
    _Server(
        app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": Worker,
            "threads": threads,
            "forwarded_allow_ips": "",  # the application evaluates the headers of proxies
            "keepalive": IDLE_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "preload_app": True,
            "control_socket_disable": True,  # it is in the home folder, where all servers would share it
            "pre_fork": lambda server, worker: _block_stop_signals(),
            "post_worker_init": lambda worker: _unblock_stop_signals(),
            "when_ready": lambda server: when_ready(),
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "proc_name": "voiceadmin",
        },
    ).run()


def check_address(host: str, port: int, *, open_to_all: bool) -> None:
    """Check that the address is free, and that only this machine can reach it if no account is required.

    Raises:
        ServeRefused: if it is not.
    """
    if open_to_all and not is_loopback(host):
        raise ServeRefused(
            f"With VOICEADMIN_ANONYMOUS_ROLE no account is required, so voiceadmin does not listen on {host}. "
            "Use 127.0.0.1, or unset the variable and invite people."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServeRefused(f"{host}:{port} cannot be used: {error.strerror}. Choose another --port.") from error
