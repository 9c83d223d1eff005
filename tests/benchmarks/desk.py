"""What the ops desk takes over the whole store: its pages, a operation over many voices and its undoing, a long export.

A page's figures are counted anew at most once a minute; `anew` is the answer
that counts them, the others are those in between.
"""

from __future__ import annotations

import http.client
import re
import time
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

from tests.benchmarks.admitted import HEADERS
from tests.benchmarks.client import HOST, BadAnswer, Client
from tests.benchmarks.servers import KINDS, OURS, Server, started
from tests.benchmarks.store import DatabaseIdentity

PAGES = {
    "Overview": "/",
    "Triage": "/triage",
    "Triage, unused": "/triage?reason=unused",
    "Triage, one organization": "/triage?organization=1",
    "Providers": "/providers",
    "Clean-up": "/clean-up",
    "JSON of attention": "/api/v1/attention",
}
SENT = dict(line.split(": ", 1) for line in HEADERS.strip().split("\r\n"))


class Asked(NamedTuple):
    """A page, in milliseconds: the answer that counts anew, then the median and the 95th percentile of the others."""

    anew: float
    middle: float
    high: float


class Operation(NamedTuple):
    """Something done to so many voices at once, and undone, in seconds each."""

    voices: int
    doing: float
    undoing: float


class Export(NamedTuple):
    """A list as CSV: its voices, seconds to the first byte and to the last, and MB of memory more than before."""

    voices: int
    first: float
    whole: float
    memory: float | None


def pages(store: DatabaseIdentity, times: int) -> dict[str, Asked]:
    """Ask for every page so many times, by a server that has counted nothing yet."""
    found = {}
    with started(KINDS[OURS], store) as server, Client(server.port) as client:
        for name, path in PAGES.items():
            taken = []
            for _ in range(times + 1):
                start = time.perf_counter()
                answer = client.get(path)
                taken.append((time.perf_counter() - start) * 1000)
                if answer.status != 200:
                    raise BadAnswer(f"{path}: {answer.status}")
            rest = sorted(taken[1:])
            found[name] = Asked(taken[0], rest[len(rest) // 2], rest[min(len(rest) - 1, len(rest) * 95 // 100)])
    return found


def operation(store: DatabaseIdentity, organization: int) -> Operation:
    """Archive all voices of an organization that are not archived, by one form, and undo it by another."""
    path = f"/assistants/{organization}/voices"
    some = "?status=ready&status=failed&status=processing"
    with started(KINDS[OURS], store) as server:
        page = _get(server, f"{path}/all{some}")
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        doing, place = _post(server, f"{path}/all{some}", hidden | {"action": "archive"})
        page = _get(server, unescape(place))
        found = re.search(r'action="(/desk/\d+/undo)".*?name="csrf_token" value="([^"]*)"', page, re.DOTALL)
        if found is None:
            raise BadAnswer("No way to undo is offered.")
        undoing, _ = _post(server, found[1], {"csrf_token": found[2], "next": path})
    return Operation(int(hidden["count"]), doing, undoing)


def export(store: DatabaseIdentity, organization: int) -> Export:
    """Take a list as CSV."""
    path = f"/assistants/{organization}/voices.csv"
    with started(KINDS[OURS], store) as server:
        _get(server, f"/assistants/{organization}/voices")
        before = server.peak_memory()
        connection, start = _connection(server), time.perf_counter()
        connection.request("GET", path, headers=SENT)
        answer = connection.getresponse()
        answer.read(1)
        first, lines = time.perf_counter() - start, 0
        while block := answer.read(1 << 16):
            lines += block.count(b"\n")
        whole, after = time.perf_counter() - start, server.peak_memory()
        connection.close()
    return Export(lines - 1, first, whole, None if before is None or after is None else after - before)


cookies: dict[str, str] = {}


def _connection(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, server.port, timeout=120)


def _get(server: Server, path: str) -> str:
    _, answer = _asked(server, "GET", path, {}, 200)
    return answer[0]


def _post(server: Server, path: str, form: dict[str, str]) -> tuple[float, str]:
    """Seconds, and where it leads to."""
    taken, answer = _asked(server, "POST", path, form, 303)
    return taken, answer[1]


def _asked(server: Server, method: str, path: str, form: dict[str, str], wanted: int) -> tuple[float, tuple[str, str]]:
    """Ask as a browser does, which keeps its cookies."""
    cookie = "; ".join([SENT["Cookie"], *(f"{name}={value}" for name, value in cookies.items())])
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection, start = _connection(server), time.perf_counter()
    connection.request(method, path, urlencode(form) if form else None, headers)
    answer = connection.getresponse()
    body, taken = answer.read().decode(), time.perf_counter() - start
    connection.close()
    for line in answer.headers.get_all("Set-Cookie") or []:
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
    if answer.status != wanted:
        raise BadAnswer(f"{method} {path}: {answer.status} instead of {wanted}: {body[:500]!r}")
    return taken, (body, answer.headers.get("Location") or "")
