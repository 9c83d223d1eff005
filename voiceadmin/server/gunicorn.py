"""The server process: gunicorn, told what to do in one place."""

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

GRACE_SECONDS = 10  # for requests under way when the server is told to stop


LINGER_SECONDS = 2  # then, for connections on which nobody has asked anything


IDLE_SECONDS = 75  # for a connection that waits for a request; longer than proxies keep theirs, so that they hang up


MOST_PEEKED = 1 << 16  # bytes; a longer head is for the parser to refuse


STOPS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # the workers' heartbeat must not wait for a disk


class Connection(TConn):
    """One that may be closed twice."""

    def close(self, graceful: bool = False) -> None:
        if self.sock.fileno() != -1:
            super().close(graceful)

    def hang_up(self) -> None:
        """Close it so that the answer arrives: where bytes are unread the system would throw it away, so linger."""
        unread = False
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.setblocking(False)
            unread = bool(self.sock.recv(1, socket.MSG_PEEK))
        self.close(graceful=unread)


class Worker(ThreadWorker):
    """gunicorn's threads for whole requests only, and no connection left behind at the end.

    Connections wait for their request where they cost no thread, so that
    clients that say nothing, or something slowly, hold up nobody else. When
    the worker is told to stop, it takes in whoever has connected and closes
    its socket, where gunicorn would leave them unanswered until the last of
    its requests is done.
    """

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was quicker, or the client has gone
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client, address, listener.getsockname())
        connection.set_timeout()
        self.pending_conns.append(connection)
        self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        if _has_request(client):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        if _has_request(client):
            super().on_client_socket_readable(conn, client)

    def handle(self, conn: TConn) -> bool:
        """Answer, and hang up if need be; gunicorn's main thread would wait for the client to do so first."""
        stays = super().handle(conn)
        if not stays and isinstance(conn, Connection):
            conn.hang_up()
        return stays

    def set_accept_enabled(self, enabled: bool | None) -> None:
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        while self.sockets:
            listener, known = self.sockets.pop(), -1
            while known != self.nr_conns:
                known = self.nr_conns
                self.accept(listener)
            listener.close()
        end = time.monotonic() + LINGER_SECONDS
        for connection in self.pending_conns:
            connection.timeout = end


def _has_request(client: socket.socket) -> bool:
    """Whether the head of a request is there whole, or no more of it will come; otherwise only more bytes wake us."""
    try:
        head = client.recv(MOST_PEEKED, socket.MSG_PEEK)
        awaited = client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)  # woken for fewer, this is the end
        partly = awaited <= len(head) < MOST_PEEKED and b"\r\n\r\n" not in head
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(head) + 1 if partly else 1)
    except BlockingIOError:
        return False
    except OSError:
        return True  # the thread that reads meets the same error, and tidies up
    return not partly


def _keep_signals() -> None:
    """For later: a worker that is told to stop before it is set up to listen would not hear it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def _hear_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


class _Server(BaseApplication):
    """gunicorn with our app and without its own command line and files."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.app, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.app


def serve(app: Flask, *, host: str, port: int, workers: int, threads: int, when_ready: Callable[[], None]) -> None:
    """Serve until a signal says stop; requests under way get their answer first.

    Call with an address that `check_address` let through, and with no
    connection to the store open: the workers are forked from this process.
    """
    os.register_at_fork(after_in_parent=_hear_signals)
    _Server(
        app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": Worker,
            "threads": threads,
            "forwarded_allow_ips": "",  # what a proxy says is read by the app, if a setting tells it to
            "keepalive": IDLE_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "preload_app": True,
            "control_socket_disable": True,  # it would lie in the home folder, and all servers would share it
            "pre_fork": lambda server, worker: _keep_signals(),
            "post_worker_init": lambda worker: _hear_signals(),
            "when_ready": lambda server: when_ready(),
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "proc_name": "voiceadmin",
        },
    ).run()


def check_address(host: str, port: int, *, open_to_all: bool) -> None:
    """Refuse an address that is taken, or that others reach while whoever comes needs no account.

    Raises ServeRefused.
    """
    if open_to_all and not is_loopback(host):
        raise ServeRefused(
            f"With VOICEADMIN_ANONYMOUS_ROLE nobody has to sign in, so voiceadmin does not listen on {host}: "
            "use 127.0.0.1, or take the setting away and invite people."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServeRefused(f"{host}:{port} cannot be used: {error.strerror}. Choose another --port.") from error
