"""The server as a process: it says where it listens, keeps to this machine, and ends with its work done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin import create_app
from voiceadmin.actions.store import let_go, prepare_store
from voiceadmin.cli import cli
from voiceadmin.config import COMMAND, Settings
from voiceadmin.db import db
from voiceadmin.models import ClonedVoice

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"


class Served:
    """A server process over the store in a folder. said: the lines that it printed until it was ready."""

    def __init__(self, folder: Path, *words: str, last: str, **more: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voiceadmin", *words, "--port", str(self.port)],
            env=kept | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(folder)} | more,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if last in line:
                break

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        with urllib.request.urlopen(self.address + path) as answer:
            return answer.status, answer.read().decode()

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Stop it: the exit code, and what else it printed."""
        self.process.send_signal(how)
        output, _ = self.process.communicate()
        return self.process.returncode, output


Start = Callable[..., Served]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers, and leave none behind."""
    started: list[Served] = []

    def begin(verb: str, *words: str, folder: Path = tmp_path, **more: str) -> Served:
        served = Served(folder, verb, *words, last={"run": "curl", "serve": "listens"}[verb], **more)
        started.append(served)
        return served

    yield begin
    for served in started:
        if served.process.stdout and not served.process.stdout.closed:
            served.end(signal.SIGTERM)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def refused(port: int) -> bool:
    """Whether nobody listens on a port any more."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


def workers(served: Served) -> int:
    """How many processes a server has started that still run."""
    listed = subprocess.run(["ps", "-A", "-o", "ppid="], capture_output=True, text=True, check=True)
    return listed.stdout.split().count(str(served.process.pid))


def until(condition: Callable[[], Any], what: str) -> None:
    """Look again and again until it is so."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(f"waited in vain until {what}")


def app_of(folder: Path) -> Flask:
    """An app over the store in a folder."""
    return create_app(Settings(instance=folder))


def voices(folder: Path) -> int:
    """How many voices lie in the store in a folder, which is up to date."""
    with app_of(folder).app_context():
        assert not prepare_store()
        found = db.session.scalar(select(func.count()).select_from(ClonedVoice))
        let_go()
    return found or 0


# What it says


def test_run_fills_an_empty_store_and_says_where_to_look(start: Start, tmp_path: Path) -> None:
    served = start("run")

    filled, where, example = served.said
    answered, page = served.get("/")
    with subprocess.Popen(
        ["sh", "-c", example.removeprefix("As JSON:")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as shell:
        answer, _ = shell.communicate()

    assert filled.startswith("The store was empty. Sample organizations: 8 added.")
    assert filled.endswith(f"Take it out again with: {COMMAND} sample --remove")
    assert where == f"voiceadmin shows sample data at {served.address} (stop with Ctrl-C)"
    assert (answered, "Front desk" in page) == (200, True)
    if shutil.which("curl"):
        assert {voice["status"] for voice in json.loads(answer)["cloned_voices"]} == {"ready"}


def test_run_shows_a_store_as_it_is(start: Start, sqlite_store: Flask, tmp_path: Path) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme)
    let_go()

    served = start("run")

    assert served.said == [
        f"voiceadmin shows your store at {served.address} (stop with Ctrl-C)",
        f"As JSON:  curl '{served.address}/api/v1/assistants/31/cloned-voices?status=ready'",
    ]
    assert voices(tmp_path) == 1


def test_serve_makes_the_store_and_leaves_it_empty(start: Start, tmp_path: Path) -> None:
    served = start("serve", folder=tmp_path / "new")

    assert served.said == [f"voiceadmin listens on 127.0.0.1, port {served.port}"]
    assert served.get("/readyz") == (200, '{"status":"ready"}\n')
    assert voices(tmp_path / "new") == 0


def test_one_worker_with_one_thread_is_enough(start: Start) -> None:
    served = start("serve", "--workers", "1", "--threads", "1")

    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(served.get, ["/healthz"] * 40))

    assert answers == [(200, '{"status":"up"}\n')] * 40


@pytest.mark.parametrize(("verb", "filled"), [("run", 2500), ("serve", 0)])
def test_two_that_start_together_on_a_new_store_both_come_up(
    start: Start, tmp_path: Path, verb: str, filled: int
) -> None:
    with ThreadPoolExecutor(2) as together:
        both = list(together.map(lambda _: start(verb, folder=tmp_path / "new"), "ab"))

    ready = [served.get("/readyz")[0] for served in both]
    ends = [served.end(signal.SIGTERM) for served in both]

    assert ready == [200, 200]
    assert ends == [(0, ""), (0, "")]
    assert voices(tmp_path / "new") == filled


# Whom it answers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.com", "127.0.0.1.example", ""])
def test_it_does_not_listen_beyond_this_machine(tmp_path: Path, host: str) -> None:
    result = CliRunner().invoke(cli, ["serve", "--host", host], obj=lambda: app_of(tmp_path))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: voiceadmin has no accounts yet, so it does not listen on {host}: "
        "use 127.0.0.1, and a tunnel or a proxy with its own sign-in for others.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["serve", "run"])
def test_a_taken_port_is_refused_in_one_sentence_and_the_store_left_alone(tmp_path: Path, verb: str) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = CliRunner().invoke(cli, [verb, "--port", str(port)], obj=lambda: app_of(tmp_path))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: 127.0.0.1:{port} cannot be used: Address already in use. Choose another --port.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_every_name_of_this_machine_is_its_own(start: Start, host: str) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")

    served = start("serve", "--host", host, "--workers", "1")

    with socket.create_connection((host, served.port)) as visitor:
        visitor.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in visitor.recv(100)


# How it ends


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_ends_quietly_when_told_to(start: Start, how: signal.Signals) -> None:
    served = start("serve")
    served.get("/readyz")

    assert served.end(how) == (0, "")
    assert refused(served.port)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)  # in SQLite no reader ever waits for anybody
def test_a_request_under_way_gets_its_answer_before_the_server_ends(
    start: Start, store: Flask, settings: Settings
) -> None:
    if not shutil.which("ps"):
        pytest.skip("there is no ps to see when the server has begun to end")
    make_assistant(id=31, name="Night desk")
    let_go()
    served = start("serve", "--workers", "2", VOICEADMIN_DATABASE_URL=settings.database_url)
    url = settings.database_url.replace("+psycopg", "")

    with (
        psycopg.connect(url) as keeper,
        psycopg.connect(url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as visitor,
    ):
        keeper.execute("LOCK TABLE cloned_voice IN ACCESS EXCLUSIVE MODE")
        answer = visitor.submit(served.get, "/assistants/31/voices")
        until(lambda: watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone(), "the request waits")
        served.process.send_signal(signal.SIGTERM)
        until(lambda: workers(served) == 1, "the worker that has nothing to do is gone")
        waiting = not answer.done()
        keeper.rollback()
        status, page = answer.result()

    assert waiting
    assert (status, "Night desk" in page) == (200, True)
    assert served.end(signal.SIGTERM) == (0, "")
