"""The server process: gunicorn on this machine's loopback, told what to do in one place."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from voiceadmin.problems import ServeRefused

GRACE_SECONDS = 10  # for requests under way when the server is told to stop
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # the workers' heartbeat must not wait for a disk


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
    _Server(
        app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": threads,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "preload_app": True,
            "when_ready": lambda server: when_ready(),
            "worker_tmp_dir": str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
            "proc_name": "voiceadmin",
        },
    ).run()


def check_address(host: str, port: int) -> None:
    """Refuse an address that is not this machine's own, for there are no accounts yet, or that is taken.

    Raises ServeRefused.
    """
    if not _is_loopback(host):
        raise ServeRefused(
            f"voiceadmin has no accounts yet, so it does not listen on {host}: "
            "use 127.0.0.1, and a tunnel or a proxy with its own sign-in for others."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServeRefused(f"{host}:{port} cannot be used: {error.strerror}. Choose another --port.") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
