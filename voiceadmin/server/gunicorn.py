"""The server process: gunicorn with its settings and a worker class."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from voiceadmin.database.base import db
from voiceadmin.server.logs import LOG_CONFIG
from voiceadmin.server.worker import GRACE_SECONDS, Worker

STOP_SIGNALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # heartbeat files of workers; on a disk they could block


def heartbeat_folder() -> str | None:
    """Return the folder for the heartbeat files of workers; None for gunicorn's default, a temporary folder."""
    try:
        with tempfile.TemporaryFile(dir=SHARED_MEMORY):
            return str(SHARED_MEMORY)
    except OSError:  # missing, read-only or full, as in some containers
        return None


def _block_stop_signals() -> None:
    """Block stop signals until a worker has installed its handlers: it would lose earlier ones."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _unblock_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _prepare(app: Flask) -> None:
    """Compile all templates and configure the models, so that no worker does it again during its first requests."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    configure_mappers()


def _open_connection(app: Flask) -> None:
    """Open a worker's first connection before its first request. Without a database, requests are answered with 503."""
    with app.app_context(), suppress(SQLAlchemyError):
        db.engine.connect().close()


def _start_worker(app: Flask) -> None:
    _open_connection(app)
    _unblock_stop_signals()


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


def serve(
    app: Flask,
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    log_as_json: bool,
    when_ready: Callable[[], None],
) -> None:
    """Serve until a stop signal, and finish running requests.

    Call it with an address that passed `check_address`, and without open database connections: the workers are forked
    from this process.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # also without LOG_CONFIG, as with `run`
    _prepare(app)
    os.register_at_fork(after_in_parent=_unblock_stop_signals)  # gunicorn has no hook after a fork in the parent
    _Server(
        app,
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": Worker,
            "threads": threads,
            "forwarded_allow_ips": "",  # the application evaluates the headers of proxies
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "logconfig_dict": LOG_CONFIG | {"root": {"level": "WARNING", "handlers": ["json"]}} if log_as_json else {},
            "preload_app": True,
            "control_socket_disable": True,  # it is in the home folder, where all servers would share it
            "pre_fork": lambda server, worker: _block_stop_signals(),
            "post_worker_init": lambda worker: _start_worker(app),
            "when_ready": lambda server: when_ready(),
            "worker_tmp_dir": heartbeat_folder(),
            "proc_name": "voiceadmin",
        },
    ).run()
