"""Connections: the addresses that the server listens on, and slow or invalid clients."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.server.server_process import (
    HEALTHY,
    KEEP_ALIVE_REQUEST,
    LOOPBACK,
    REQUEST,
    Start,
    connect,
    create_app_in,
    read_response,
)
from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.config import Settings
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


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /assistants HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /healthz?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", b"431"),
    ],
    ids=["HEAD", "long address", "long header"],
)
def test_a_head_response_has_no_body_and_oversized_requests_are_refused(
    start: Start, request_: bytes, status: bytes
) -> None:
    server = start("serve", "--workers", "1")

    head, _, body = read_response(connect(server, request_)).partition(b"\r\n\r\n")

    assert head.split()[1] == status
    assert status != b"200" or not body
