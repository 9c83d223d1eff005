"""Connections: the addresses that the server listens on, and slow or invalid clients."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.factories import make_assistant, make_organization, put_voices, voice_row
from tests.server.server_process import (
    HEALTHY,
    KEEP_ALIVE_REQUEST,
    LOOPBACK,
    REQUEST,
    VOICES_REQUEST,
    Start,
    connect,
    create_app_in,
    find_worker,
    read_response,
    wait_until,
)
from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine
from voiceadmin.identity import Role


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.com", "127.0.0.1.example", ""])
def test_a_server_with_anonymous_access_listens_on_the_loopback_only(tmp_path: Path, host: str) -> None:
    settings = Settings(instance=tmp_path, anonymous_role=Role.VIEWER)

    result = CliRunner().invoke(cli, ["serve", "--host", host], obj=lambda: create_app(settings))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: With VOICEADMIN_ANONYMOUS_ROLE no account is required, so voiceadmin does not listen on {host}. "
        "Use 127.0.0.1, or unset the variable and invite people.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["serve", "run"])
def test_a_port_in_use_is_reported_and_no_database_is_created(tmp_path: Path, verb: str) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = CliRunner().invoke(cli, [verb, "--port", str(port)], obj=lambda: create_app_in(tmp_path))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: 127.0.0.1:{port} cannot be used: Address already in use. Choose another --port.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_every_loopback_name_is_accepted(start: Start, host: str) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")

    server = start("serve", "--host", host, "--workers", "1")

    with socket.create_connection((host, server.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in connection.recv(100)


def test_incomplete_requests_do_not_block_other_requests(start: Start) -> None:
    server = start("serve", "--workers", "1", "--threads", "1")
    with connect(server), connect(server, REQUEST[:20]) as slow, connect(server, KEEP_ALIVE_REQUEST) as kept_alive:
        with kept_alive.makefile("rb") as stream:
            assert next(line for line in stream if line == HEALTHY.encode())  # the connection stays open
        kept_alive.sendall(REQUEST[:20])

        responses = [server.get("/healthz") for _ in range(3)]

        kept_alive.sendall(REQUEST[20:])
        for byte in REQUEST[20:]:
            slow.sendall(bytes([byte]))
        late = [read_response(slow), read_response(kept_alive)]

    assert responses == [(200, HEALTHY)] * 3
    assert [response.startswith(b"HTTP/1.1 200 ") and response.endswith(HEALTHY.encode()) for response in late] == [
        True,
        True,
    ]


def test_connections_that_clients_leave_open_do_not_block_other_requests(start: Start) -> None:
    server = start("serve", "--workers", "1", "--threads", "1")
    connections = [connect(server, REQUEST) for _ in range(20)]

    assert all(read_response(connection).endswith(HEALTHY.encode()) for connection in reversed(connections))
    assert server.end(signal.SIGTERM) == (0, "")


def test_a_half_closed_connection_with_an_incomplete_request_is_closed(start: Start) -> None:
    server = start("serve", "--workers", "1", "--threads", "1")
    connection = connect(server, REQUEST[:20])
    connection.shutdown(socket.SHUT_WR)

    assert read_response(connection) == b""
    assert server.get("/healthz") == (200, HEALTHY)


def test_a_head_response_has_no_body(start: Start) -> None:
    server = start("serve", "--workers", "1")
    connection = connect(server, b"HEAD /assistants HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    head, _, body = read_response(connection).partition(b"\r\n\r\n")

    assert (head.split()[1], body) == (b"200", b"")


POST = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 100\r\n\r\nemail=",
        POST + b"Transfer-Encoding: chunked\r\n\r\n64\r\nemail=",
        POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        VOICES_REQUEST,
    ],
    ids=["body", "chunk", "100-continue", "unread response"],
)
def test_silent_clients_occupy_no_thread(start: Start, sqlite_app: Flask, request_: bytes) -> None:
    fill_large_list()
    server = start("serve", "--workers", "1", "--threads", "2", folder=sqlite_app.config["VOICEADMIN"].instance)

    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(connect(server, request_, receive_buffer=4096))
        responses = [server.get("/readyz")[0] for _ in range(3)]

    assert responses == [200, 200, 200]


def test_two_hundred_slow_readers_and_two_hundred_slow_writers_do_not_block_a_page(
    start: Start, sqlite_app: Flask
) -> None:
    fill_large_list()
    server = start("serve", "--workers", "1", folder=sqlite_app.config["VOICEADMIN"].instance)

    with ExitStack() as stack:
        for _ in range(200):
            reader = stack.enter_context(connect(server, VOICES_REQUEST, receive_buffer=4096))
            assert reader.recv(1)  # the rest of the response waits for the client
            stack.enter_context(connect(server, POST + b"Content-Length: 100\r\n\r\nemail="))
        page = server.get("/assistants/31/voices")

    assert page[0] == 200


def test_more_idle_connections_than_files_do_not_block_other_requests(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--workers", "1", max_files=256)
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connect(server))

        assert server.get("/healthz") == (200, HEALTHY)
    assert server.end(signal.SIGTERM) == (0, "")


def test_2200_idle_connections_do_not_block_other_requests(start: Start) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3000:
        pytest.skip(f"this system allows only {hard} open files")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (3000, hard))
    server = start("serve")
    try:
        with ExitStack() as stack:
            for _ in range(2200):
                stack.enter_context(connect(server))

            assert server.get("/healthz") == (200, HEALTHY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_request_that_is_refused_is_not_logged(start: Start) -> None:
    server = start("serve", "--workers", "1")
    for request in (
        b"GET /links/secret-token HTTP/1.1\r\n\r\n",
        b"GET /links/secret-token HTTP/1.1\r\nHost: localhost\r\nsecret-token\r\n\r\n",
        b"secret-token\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nsecret-token\r\n",
    ):
        assert read_response(connect(server, request)).split()[1] == b"400"

    code, output = server.end(signal.SIGTERM)

    assert code == 0
    assert "secret" not in output


def test_the_log_of_the_server_itself_is_json(start: Start) -> None:
    server = start("serve", "--workers", "1")
    server.get("/healthz")
    os.kill(find_worker(server), signal.SIGKILL)
    wait_until(lambda: server.get("/healthz"), "another worker has started")

    _, output = server.end(signal.SIGTERM)

    events = [json.loads(line) for line in output.splitlines()]
    assert [event["logger"] for event in events] == ["gunicorn.error"]
    assert "SIGKILL" in events[0]["message"]


def fill_large_list() -> None:
    """Add an assistant with a list of 5 MB, more than the send buffer of the kernel holds."""
    acme = make_organization()
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(gender="x" * 25_000) for _ in range(200)])
    dispose_engine()
