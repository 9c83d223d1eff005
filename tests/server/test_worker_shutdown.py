"""Stopping the server: requests in progress are completed first."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from tests.factories import make_assistant, make_organization, put_voices, voice_row
from tests.programs import find_program
from tests.server.server_process import (
    HEALTHY,
    KEEP_ALIVE_REQUEST,
    LOCK_WAITS,
    REQUEST,
    ROOT,
    VOICES_REQUEST,
    Start,
    connect,
    count_workers,
    find_worker,
    is_closed,
    read_response,
    wait_until,
)
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_server_stops_right_after_its_start(start: Start, stop_signal: signal.Signals) -> None:
    assert start("serve", "--workers", "4").end(stop_signal) == (0, "")


def test_a_stop_signal_before_a_worker_has_its_handlers_is_not_lost(start: Start, tmp_path: Path) -> None:
    slow_start = tmp_path / "slow_start"
    slow_start.mkdir()
    pause = "import os, threading\nos.register_at_fork(after_in_child=lambda: threading.Event().wait(2))\n"
    (slow_start / "sitecustomize.py").write_text(pause)
    server = start("serve", "--workers", "1", PYTHONPATH=f"{slow_start}:{ROOT}")
    wait_until(lambda: count_workers(server) == 1, "the worker is forked")

    assert server.end(signal.SIGINT) == (0, "")  # else gunicorn reports that it had to kill the worker


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_server_stops_while_connections_are_open(start: Start, count: str) -> None:
    server = start("serve", "--workers", count)
    with connect(server), connect(server, REQUEST[:20]), connect(server, KEEP_ALIVE_REQUEST) as kept_alive:
        assert kept_alive.recv(1)

        assert server.end(signal.SIGTERM) == (0, "")


def test_a_response_in_progress_is_completed_and_new_connections_are_refused(start: Start, sqlite_app: Flask) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(gender="x" * 100_000) for _ in range(200)])  # more than the socket buffers hold
    dispose_engine()
    server = start("serve", "--workers", "1", folder=sqlite_app.config["VOICEADMIN"].instance)

    connection = connect(server, VOICES_REQUEST)
    first_byte = connection.recv(1)
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: is_closed(server.port), "new connections are refused")
    head, _, body = (first_byte + read_response(connection)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(json.loads(body)["cloned_voices"]) == 200
    assert server.end() == (0, "")


def test_accepted_connections_get_a_response_before_the_server_stops(start: Start) -> None:
    server = start("serve", "--workers", "1")
    server.get("/healthz")
    worker = find_worker(server)

    os.kill(worker, signal.SIGSTOP)
    connections = [connect(server, REQUEST) for _ in range(20)]
    for process in (server.process.pid, worker):
        os.kill(process, signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    responses = [read_response(connection) for connection in connections]

    assert all(response.startswith(b"HTTP/1.1 200 ") and response.endswith(HEALTHY.encode()) for response in responses)
    assert server.end() == (0, "")


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_server_stops_without_output_on_a_signal(start: Start, stop_signal: signal.Signals) -> None:
    server = start("serve")
    server.get("/readyz")

    assert server.end(stop_signal) == (0, "")
    assert is_closed(server.port)


@pytest.mark.databases("postgresql")  # in SQLite readers do not wait for writers
def test_a_request_in_progress_is_completed_before_the_server_stops(
    start: Start, app: Flask, settings: Settings
) -> None:
    find_program("ps")
    make_assistant(id=31, name="Night desk")
    dispose_engine()
    server = start("serve", "--workers", "2", VOICEADMIN_DATABASE_URL=settings.database_url)
    url = settings.database_url.replace("+psycopg", "")

    with (
        psycopg.connect(url) as locker,
        psycopg.connect(url, autocommit=True) as observer,
        ThreadPoolExecutor(1) as pool,
    ):
        locker.execute("LOCK TABLE assistant IN ACCESS EXCLUSIVE MODE")
        response = pool.submit(server.get, "/assistants/31/voices")
        wait_until(lambda: observer.execute(LOCK_WAITS).fetchone(), "the request waits for the lock")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: count_workers(server) == 1, "the idle worker has stopped")
        is_waiting = not response.done()
        locker.rollback()
        status, page = response.result()

    assert is_waiting
    assert (status, "Night desk" in page) == (200, True)
    assert server.end() == (0, "")
