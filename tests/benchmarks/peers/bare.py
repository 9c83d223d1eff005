"""Minimal programs: WSGI without a framework, reading the same table, stored fragments, or memory.

They show how much of a time is the work itself, and how much is the framework
and the code of voiceadmin.
"""

from __future__ import annotations

import html
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from tests.benchmarks.peers.fields import FIELDS

StartResponse = Callable[[str, list[tuple[str, str]]], object]
COLUMNS = ", ".join(FIELDS)
thread_local = threading.local()
cache: dict[str, bytes] = {}


def _store(variable: str) -> sqlite3.Connection:
    """The open connection of this thread."""
    if not hasattr(thread_local, variable):
        setattr(thread_local, variable, sqlite3.connect(os.environ[variable], timeout=5))
    connection: sqlite3.Connection = getattr(thread_local, variable)
    return connection


def _raw(organization: str) -> bytes:
    records = []
    for row in _store("BENCH_DATABASE").execute(
        f"SELECT {COLUMNS} FROM cloned_voice WHERE organization_id = ? ORDER BY id", [organization]
    ):
        record = dict(zip(FIELDS, row, strict=True))
        record["created_at"] = record["created_at"][:19] + "Z"
        record["last_used_at"] = record["last_used_at"] and record["last_used_at"][:19] + "Z"
        records.append(record)
    return json.dumps({"success": True, "cloned_voices": records}, ensure_ascii=False).encode()


def _fragments(organization: str) -> bytes:
    (body,) = (
        _store("BENCH_FRAGMENTS")
        .execute(
            "SELECT group_concat(json) FROM (SELECT json FROM fragment WHERE organization_id = ? ORDER BY id)",
            [organization],
        )
        .fetchone()
    )
    return b'{"success":true,"cloned_voices":[' + (body or "").encode() + b"]}"


def _memory(organization: str) -> bytes:
    if organization not in cache:
        cache[organization] = _fragments(organization)
    return cache[organization]


def _page(organization: str) -> bytes:
    rows = _store("BENCH_DATABASE").execute(
        f"SELECT {COLUMNS} FROM cloned_voice WHERE organization_id = ? AND status = 'ready' AND provider = 'elevenlabs'"
        " ORDER BY synthesis_count DESC, id DESC LIMIT 50",
        [organization],
    )
    cells = ("".join(f"<td>{html.escape(str(value))}</td>" for value in row) for row in rows)
    return f"<!doctype html><table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>".encode()


ROUTES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "/raw": ("application/json", _raw),
    "/fragments": ("application/json", _fragments),
    "/memory": ("application/json", _memory),
    "/page": ("text/html; charset=utf-8", _page),
}


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request."""
    kind, make = ROUTES[environ["PATH_INFO"]]
    body = make(dict(parse_qsl(environ["QUERY_STRING"]))["organization_id"])
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
