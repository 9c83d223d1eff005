"""Times of sign-in, page and JSON while another process imports changed voices into the same SQLite database."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from tests.benchmarks.client import HOST, Client
from tests.benchmarks.credentials import create_credentials
from tests.benchmarks.database import BenchmarkDatabase, Plan, generate_voice
from tests.benchmarks.servers import PYTHON, TWO_WORKERS, Server, start_server
from voiceadmin import create_app
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.passwords import hash_password
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.voices.json_body import voice_to_json

OTHERS = 100  # voices of the organization whose JSON is read
PATHS = {"page": "/assistants/1/voices", "JSON": "/api/v1/assistants/2/cloned-voices"}
SIGN_IN = "sign-in"
FORM = {"email": "ada@example.com", "password": "correct horse battery"}


class BesideImport(NamedTuple):
    """Responses during an import, and before it.

    Attributes:
        seconds: duration of the import.
        requests: number of requests during the import.
        refused: how many of them had another status than 200, or 303 after signing in.
        alone: 95th percentile in milliseconds before the import, by name.
        beside: the same during the import.
    """

    seconds: float
    requests: int
    refused: int
    alone: dict[str, float]
    beside: dict[str, float]


def measure_beside_import(folder: Path, voices: int, rounds: int) -> BesideImport:
    """Import this many voices, then change them all with a second import while a client signs in and reads."""
    database = BenchmarkDatabase(Plan(voices, 1, (voices,)), folder)
    folder.mkdir(parents=True)
    changed = _write_files(folder, voices)
    for assistant, file in ((1, "voices"), (2, "others")):
        _import(database, folder / file, assistant).wait()
    create_account(database)
    with start_server(TWO_WORKERS, database, "/healthz") as server:
        alone, _ = _request_until(server, lambda done: done >= rounds)
        start = time.perf_counter()
        process = _import(database, changed, 1)
        beside, refused = _request_until(server, lambda _: process.poll() is not None)
        seconds = time.perf_counter() - start
    assert process.returncode == 0
    return BesideImport(seconds, sum(map(len, beside.values())), refused, _percentiles(alone), _percentiles(beside))


def _write_files(folder: Path, voices: int) -> Path:
    """Write the voices of both organizations, and changes of those of the first. Return the path of the changes."""
    generator = random.Random(4)
    records = [voice_to_json(generate_voice(id, generator)) for id in range(1, voices + OTHERS + 1)]
    changes = [record | {"synthesis_count": record["synthesis_count"] + 1} for record in records[:voices]]
    for name, content in (("voices", records[:voices]), ("others", records[voices:]), ("changes", changes)):
        (folder / name).write_text("\n".join(map(json.dumps, content)), "utf-8")
    return folder / "changes"


def _import(database: BenchmarkDatabase, file: Path, assistant: int) -> subprocess.Popen[bytes]:
    command = [*PYTHON, "voiceadmin", "import", str(file), "--assistant", str(assistant)]
    return subprocess.Popen(command, env=os.environ | database.environ, stdout=subprocess.DEVNULL)


def create_account(database: BenchmarkDatabase) -> None:
    """Write the account of FORM, a platform admin, to a database."""
    create_credentials(database.settings)
    email, now = FORM["email"], datetime.now(UTC)
    with create_app(database.settings).app_context():
        with write_transaction():
            password_hash = hash_password(FORM["password"])
            db.session.add(
                Account(
                    email=email, email_key=email, name="", password_hash=password_hash, platform=True, created_at=now
                )
            )
        dispose_engine()


def _request_until(server: Server, is_done: Callable[[int], bool]) -> tuple[dict[str, list[float]], int]:
    """Sign in and read in turn. Return the milliseconds of each response by name, and the number of refused requests.

    is_done: called with the number of rounds.
    """
    taken, refused, rounds = defaultdict[str, list[float]](list), 0, 0
    with Client(server.port) as client:
        while not is_done(rounds):
            milliseconds, status = _sign_in(server)
            taken[SIGN_IN].append(milliseconds)
            refused += status != 303
            for name, path in PATHS.items():
                start = time.perf_counter()
                refused += client.get(path).status != 200
                taken[name].append((time.perf_counter() - start) * 1000)
            rounds += 1
    return taken, refused


def _sign_in(server: Server) -> tuple[float, int]:
    """Fill in the sign-in form. Return the milliseconds of the response to it, and its status."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("GET", "/sign-in")
    response = connection.getresponse()
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', response.read().decode())[-1:]
    cookies = [line.partition(";")[0] for line in response.headers.get_all("Set-Cookie") or []]
    headers = {"Cookie": "; ".join(cookies), "Content-Type": "application/x-www-form-urlencoded"}
    start = time.perf_counter()
    connection.request("POST", "/sign-in", urlencode(FORM | {"csrf_token": token}), headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return (time.perf_counter() - start) * 1000, response.status


def _percentiles(taken: dict[str, list[float]]) -> dict[str, float]:
    return {name: sorted(times)[min(len(times) - 1, len(times) * 95 // 100)] for name, times in taken.items()}
