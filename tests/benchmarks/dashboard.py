"""Times of pages over the whole database, of a bulk operation and its undo, and of a long export.

Statistics of pages are cached for up to a minute: `uncached` is the time of the
response that computes them, the other times are those of the responses after it.
"""

from __future__ import annotations

import http.client
import re
import socket
import time
from contextlib import ExitStack
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

from tests.benchmarks.client import HOST, BadResponse, Client
from tests.benchmarks.credentials import HEADERS
from tests.benchmarks.database import BenchmarkDatabase
from tests.benchmarks.servers import KINDS, OURS, Server, start_server

PAGES = {
    "Overview": "/",
    "Triage": "/triage",
    "Triage, unused": "/triage?reason=unused",
    "Triage, one organization": "/triage?organization=1",
    "Providers": "/providers",
    "Clean-up": "/clean-up",
    "JSON of attention": "/api/v1/attention",
}
SLOW_CLIENTS = 200  # that read slowly, and as many that write slowly
REQUEST_HEADERS = dict(line.split(": ", 1) for line in HEADERS.strip().split("\r\n"))


class PageTimes(NamedTuple):
    """Milliseconds of a page: the uncached response, and the median and the 95th percentile of the others."""

    uncached: float
    median: float
    percentile_95: float


class Operation(NamedTuple):
    """The number of voices of a bulk operation, and the seconds to apply and to undo it."""

    voices: int
    apply_seconds: float
    undo_seconds: float


class Export(NamedTuple):
    """A CSV export: its voices, the seconds to the first and to the last byte, and the additional memory in MB."""

    voices: int
    first_byte_seconds: float
    total_seconds: float
    memory: float | None


def measure_pages(database: BenchmarkDatabase, times: int) -> dict[str, PageTimes]:
    """Request every page this many times from a new server with an empty cache."""
    found = {}
    with start_server(KINDS[OURS], database) as server, Client(server.port) as client:
        for name, path in PAGES.items():
            taken = [measure_response(client, path) for _ in range(times + 1)]
            rest = sorted(taken[1:])
            found[name] = PageTimes(taken[0], rest[len(rest) // 2], rest[min(len(rest) - 1, len(rest) * 95 // 100)])
    return found


def measure_among_slow_clients(database: BenchmarkDatabase, organization: int, times: int) -> PageTimes:
    """Request a page while 200 clients do not read the list of an organization, and 200 do not finish a form.

    `uncached` is the median without them.
    """
    path = f"/assistants/{organization}/voices"
    with start_server(KINDS[OURS], database) as server, ExitStack() as stack:
        client = stack.enter_context(Client(server.port))
        alone = sorted(measure_response(client, path) for _ in range(times))
        for _ in range(SLOW_CLIENTS):
            reader = stack.enter_context(_slow_client(server, f"GET /api/v1{path[:-6]}cloned-voices HTTP/1.1", ""))
            reader.recv(1)
            stack.enter_context(_slow_client(server, "POST /sign-in HTTP/1.1", "Content-Length: 100\r\n"))
        among = sorted(measure_response(client, path) for _ in range(times))
    return PageTimes(alone[len(alone) // 2], among[len(among) // 2], among[min(len(among) - 1, len(among) * 95 // 100)])


def _slow_client(server: Server, request_line: str, headers: str) -> socket.socket:
    """Send the head of a request from a connection with a small receive buffer."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((HOST, server.port))
    connection.sendall(f"{request_line}\r\nHost: {HOST}\r\n{HEADERS}{headers}\r\n".encode())
    return connection


def measure_response(client: Client, path: str) -> float:
    """Return the milliseconds of a response."""
    start = time.perf_counter()
    response = client.get(path)
    if response.status != 200:
        raise BadResponse(f"{path}: {response.status}")
    return (time.perf_counter() - start) * 1000


def measure_operation(database: BenchmarkDatabase, organization: int) -> Operation:
    """Archive all voices of an organization that are not archived with one form, and undo it with another."""
    path = f"/assistants/{organization}/voices"
    query = "?status=ready&status=failed&status=processing"
    with start_server(KINDS[OURS], database) as server:
        page = _get(server, f"{path}/all{query}")
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        apply_seconds, location = _post(server, f"{path}/all{query}", hidden | {"action": "archive"})
        page = _get(server, unescape(location))
        found = re.search(r'action="(/operations/\d+/undo)".*?name="csrf_token" value="([^"]*)"', page, re.DOTALL)
        if found is None:
            raise BadResponse("The page of the operation has no form to undo it.")
        undo_seconds, _ = _post(server, found[1], {"csrf_token": found[2], "next": path})
    return Operation(int(hidden["count"]), apply_seconds, undo_seconds)


def measure_export(database: BenchmarkDatabase, organization: int) -> Export:
    """Export the voices of an organization as CSV."""
    path = f"/assistants/{organization}/voices.csv"
    with start_server(KINDS[OURS], database) as server:
        _get(server, f"/assistants/{organization}/voices")
        before = server.peak_memory()
        connection, start = _connection(server), time.perf_counter()
        connection.request("GET", path, headers=REQUEST_HEADERS)
        response = connection.getresponse()
        response.read(1)
        first, lines = time.perf_counter() - start, 0
        while block := response.read(1 << 16):
            lines += block.count(b"\n")
        whole, after = time.perf_counter() - start, server.peak_memory()
        connection.close()
    return Export(lines - 1, first, whole, None if before is None or after is None else after - before)


cookies: dict[str, str] = {}


def _connection(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, server.port, timeout=120)


def _get(server: Server, path: str) -> str:
    _, response = _send(server, "GET", path, {}, 200)
    return response[0]


def _post(server: Server, path: str, form: dict[str, str]) -> tuple[float, str]:
    """Post a form, and return the seconds and the location of the redirect."""
    taken, response = _send(server, "POST", path, form, 303)
    return taken, response[1]


def _send(server: Server, method: str, path: str, form: dict[str, str], expected: int) -> tuple[float, tuple[str, str]]:
    """Send a request with the cookies of earlier responses. Return the seconds, and the body and the location."""
    cookie = "; ".join([REQUEST_HEADERS["Cookie"], *(f"{name}={value}" for name, value in cookies.items())])
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection, start = _connection(server), time.perf_counter()
    connection.request(method, path, urlencode(form) if form else None, headers)
    response = connection.getresponse()
    body, taken = response.read().decode(), time.perf_counter() - start
    connection.close()
    for line in response.headers.get_all("Set-Cookie") or []:
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
    if response.status != expected:
        raise BadResponse(f"{method} {path}: {response.status} instead of {expected}: {body[:500]!r}")
    return taken, (body, response.headers.get("Location") or "")
