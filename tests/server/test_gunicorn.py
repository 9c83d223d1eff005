"""The server as a process: it says where it listens, keeps to this machine, and ends with its work done."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from tests.factories import make_account, make_assistant, make_organization, make_voice, put_voices, voice_row
from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.config import COMMAND, Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.identity import Role
from voiceadmin.voices.models import ClonedVoice

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
UP = '{"status":"up"}\n'
ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
KEPT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"  # the connection stays open for more
VOICES = b"GET /api/v1/assistants/31/cloned-voices HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


OPEN = {"VOICEADMIN_ANONYMOUS_ROLE": "viewer"}  # so that most of these tests need no account
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
LINK = "Create the first account within 30 minutes: "


class Browser:
    """A browser that keeps cookies, follows redirects, and sends forms with their hidden token."""

    def __init__(self, address: str) -> None:
        self.address = address
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy))
        self.opener = urllib.request.build_opener(jar)

    def get(self, path: str, data: bytes | None = None) -> str:
        """The text of the page where a path leads."""
        try:
            with self.opener.open(self.address + path, data) as answer:
                text: str = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        return text

    def send(self, path: str, **fields: str) -> str:
        """Fill in the form of a page and send it."""
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', self.get(path))[-1:]
        return self.get(path, urlencode(fields | {"csrf_token": token}).encode())


class Served:
    """A server process over the store in a folder. said: what it printed until it was ready; told: its log."""

    def __init__(self, folder: Path, *words: str, last: str, **more: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voiceadmin", *words, "--port", str(self.port)],
            env=kept | OPEN | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(folder)} | more,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self.told: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            of_nobody = line.startswith(("{", LINK))  # the log, and the link that makes the first account
            (self.told if of_nobody else self.said).append(line.rstrip("\n"))
            if last in line:
                break

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        with urllib.request.urlopen(self.address + path) as answer:
            return answer.status, answer.read().decode()

    def end(self, how: signal.Signals | None = None) -> tuple[int, str]:
        """Stop it, or wait until it stops: the exit code, and what else it printed."""
        if how is not None:
            self.process.send_signal(how)
        output, _ = self.process.communicate()
        return self.process.returncode, output


Start = Callable[..., Served]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers, and leave none behind."""
    started: list[Served] = []

    def begin(verb: str, *words: str, folder: Path = tmp_path, last: str = "", **more: str) -> Served:
        served = Served(folder, verb, *words, last=last or {"run": "curl", "serve": "listens"}[verb], **more)
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


def worker_of(served: Served) -> int:
    """The process id of a server's only worker."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in listed.stdout.splitlines())
    (found,) = [int(pid) for pid, parent in pairs if parent == str(served.process.pid)]
    return found


def connect(served: Served, request: bytes = b"") -> socket.socket:
    """A connection on which this much has been said."""
    requester = socket.create_connection((LOOPBACK, served.port))
    requester.sendall(request)
    return requester


def answer(requester: socket.socket) -> bytes:
    """All that a server says until it hangs up."""
    with requester, requester.makefile("rb") as stream:
        return stream.read()


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
        assert not prepare_database()
        found = db.session.scalar(select(func.count()).select_from(ClonedVoice))
        dispose_engine()
    return found or 0


# What it says


def test_run_fills_an_empty_store_and_says_where_to_look(start: Start, tmp_path: Path) -> None:
    served = start("run")

    filled, where, example = served.said
    answered, page = served.get("/assistants")
    with subprocess.Popen(
        ["sh", "-c", example.removeprefix("As JSON:")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as shell:
        answer, _ = shell.communicate()

    assert filled.startswith("The database was empty. Sample organizations: 8 added.")
    assert filled.endswith(f"Remove the sample data with: VOICEADMIN_INSTANCE={tmp_path} {COMMAND} sample --remove")
    assert where == f"voiceadmin shows sample data at {served.address} (stop with Ctrl-C)"
    assert (answered, "Front desk" in page) == (200, True)
    if shutil.which("curl"):
        assert {voice["status"] for voice in json.loads(answer)["cloned_voices"]} == {"ready"}


def test_run_shows_a_store_as_it_is(start: Start, sqlite_store: Flask) -> None:
    folder = sqlite_store.config["VOICEADMIN"].instance
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme)
    dispose_engine()

    served = start("run", folder=folder)

    assert served.said == [
        f"voiceadmin shows your database at {served.address} (stop with Ctrl-C)",
        f"As JSON:  curl '{served.address}/api/v1/assistants/31/cloned-voices?status=ready'",
    ]
    assert voices(folder) == 1


def test_serve_makes_the_store_and_leaves_it_empty(start: Start, tmp_path: Path) -> None:
    served = start("serve", folder=tmp_path / "new")

    assert served.said == [f"voiceadmin listens on 127.0.0.1, port {served.port}"]
    assert served.get("/readyz") == (200, '{"status":"ready"}\n')
    assert voices(tmp_path / "new") == 0


def test_serve_prints_a_link_that_makes_the_first_account_once(start: Start, tmp_path: Path) -> None:
    served = start("serve", folder=tmp_path / "new", VOICEADMIN_ANONYMOUS_ROLE="")
    (link,) = [line.removeprefix(LINK) for line in served.told if line.startswith(LINK)]
    browser = Browser(served.address)

    shut = browser.get("/assistants")
    made = browser.send(link.removeprefix(served.address), email="root@example.com", password="correct horse battery")
    opened = browser.get("/people")
    again = Browser(served.address).get(link.removeprefix(served.address))
    served.end(signal.SIGTERM)
    later = start("serve", folder=tmp_path / "new")

    assert "<h1>Sign in</h1>" in shut
    assert link.startswith(f"{served.address}/links/")
    assert "root@example.com" in made
    assert "<h1>People</h1>" in opened
    assert "This link is no longer valid" in again
    assert [line for line in later.told if line.startswith(LINK)] == []


def test_the_log_is_one_object_a_line_and_has_no_secret(start: Start, tmp_path: Path) -> None:
    served = start("serve", folder=tmp_path / "new", VOICEADMIN_ANONYMOUS_ROLE="")
    (link,) = [line.removeprefix(LINK) for line in served.told if line.startswith(LINK)]
    browser = Browser(served.address)
    browser.send(link.removeprefix(served.address), email="root@example.com", password="correct horse battery")
    browser.send("/sign-in", email="root@example.com", password="a wrong password")

    _, output = served.end(signal.SIGTERM)

    said = [json.loads(line)["message"] for line in [*served.told, *output.splitlines()] if line.startswith("{")]
    assert [line.partition(":")[0] for line in said] == ["link-created", "account-created", "sign-in-failed"]
    for secret in ("correct horse", "a wrong", link.rpartition("/")[2]):
        assert secret not in "".join(said)


def test_run_asks_for_an_account_as_soon_as_there_is_one(start: Start, sqlite_store: Flask) -> None:
    make_voice(make_organization())
    dispose_engine()
    served = start("run", folder=sqlite_store.config["VOICEADMIN"].instance, last="voiceadmin shows")
    before = served.get("/assistants")[1]

    make_account(platform=True)
    dispose_engine()
    after = [served.get("/assistants")[1] for _ in range(8)]

    assert "There are no accounts yet" in before
    assert all("<h1>Sign in</h1>" in page for page in after)


def test_one_worker_with_one_thread_is_enough(start: Start) -> None:
    served = start("serve", "--workers", "1", "--threads", "1")

    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(served.get, ["/healthz"] * 40))

    assert answers == [(200, UP)] * 40


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
def test_it_does_not_listen_beyond_this_machine_while_nobody_has_to_sign_in(tmp_path: Path, host: str) -> None:
    settings = Settings(instance=tmp_path, anonymous_role=Role.VIEWER)

    result = CliRunner().invoke(cli, ["serve", "--host", host], obj=lambda: create_app(settings))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: With VOICEADMIN_ANONYMOUS_ROLE no account is required, so voiceadmin does not listen on {host}. "
        "Use 127.0.0.1, or unset the variable and invite people.\n"
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

    with socket.create_connection((host, served.port)) as requester:
        requester.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in requester.recv(100)


# Whom it waits for


def test_nobody_waits_for_those_who_say_nothing_or_not_all(start: Start) -> None:
    served = start("serve", "--workers", "1", "--threads", "1")
    with connect(served), connect(served, ASKED[:20]) as halting, connect(served, KEPT) as coming_back:
        with coming_back.makefile("rb") as stream:
            assert next(line for line in stream if line == UP.encode())  # the connection stays open
        coming_back.sendall(ASKED[:20])

        answers = [served.get("/healthz") for _ in range(3)]

        coming_back.sendall(ASKED[20:])
        for byte in ASKED[20:]:
            halting.sendall(bytes([byte]))
        late = [answer(halting), answer(coming_back)]

    assert answers == [(200, UP)] * 3
    assert [said.startswith(b"HTTP/1.1 200 ") and said.endswith(UP.encode()) for said in late] == [True, True]


def test_nobody_waits_for_those_who_have_their_answer_and_do_not_hang_up(start: Start) -> None:
    served = start("serve", "--workers", "1", "--threads", "1")
    answered = [connect(served, ASKED) for _ in range(20)]

    assert all(answer(requester).endswith(UP.encode()) for requester in reversed(answered))
    assert served.end(signal.SIGTERM) == (0, "")


def test_whoever_breaks_off_is_let_go(start: Start) -> None:
    served = start("serve", "--workers", "1", "--threads", "1")
    requester = connect(served, ASKED[:20])
    requester.shutdown(socket.SHUT_WR)

    assert answer(requester) == b""
    assert served.get("/healthz") == (200, UP)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /assistants HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET /healthz?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", b"431"),
    ],
    ids=["HEAD", "long address", "long header"],
)
def test_an_answer_without_a_body_and_requests_that_are_too_long(start: Start, request_: bytes, status: bytes) -> None:
    served = start("serve", "--workers", "1")

    head, _, body = answer(connect(served, request_)).partition(b"\r\n\r\n")

    assert head.split()[1] == status
    assert status != b"200" or not body


# How it ends


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_ends_though_it_has_only_begun(start: Start, how: signal.Signals) -> None:
    assert start("serve", "--workers", "4").end(how) == (0, "")


@pytest.mark.parametrize("count", ["1", "2"])
def test_it_ends_though_connections_are_open(start: Start, count: str) -> None:
    served = start("serve", "--workers", count)
    with connect(served), connect(served, ASKED[:20]), connect(served, KEPT) as kept:
        assert kept.recv(1)

        assert served.end(signal.SIGTERM) == (0, "")


def test_an_answer_under_way_is_sent_whole_and_nobody_is_let_in_behind_it(start: Start, sqlite_store: Flask) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(gender="x" * 100_000) for _ in range(200)])  # more than the system takes off the server
    dispose_engine()
    served = start("serve", "--workers", "1", folder=sqlite_store.config["VOICEADMIN"].instance)

    requester = connect(served, VOICES)
    begun = requester.recv(1)
    served.process.send_signal(signal.SIGTERM)
    until(lambda: refused(served.port), "nobody else is let in")
    head, _, body = (begun + answer(requester)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(json.loads(body)["cloned_voices"]) == 200
    assert served.end() == (0, "")


def test_whoever_has_connected_gets_an_answer_before_the_server_ends(start: Start) -> None:
    if not shutil.which("ps"):
        pytest.skip("there is no ps to find the worker")
    served = start("serve", "--workers", "1")
    served.get("/healthz")
    worker = worker_of(served)

    os.kill(worker, signal.SIGSTOP)
    visitors = [connect(served, ASKED) for _ in range(20)]
    for process in (served.process.pid, worker):
        os.kill(process, signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    answers = [answer(requester) for requester in visitors]

    assert all(said.startswith(b"HTTP/1.1 200 ") and said.endswith(UP.encode()) for said in answers)
    assert served.end() == (0, "")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_ends_quietly_when_told_to(start: Start, how: signal.Signals) -> None:
    served = start("serve")
    served.get("/readyz")

    assert served.end(how) == (0, "")
    assert refused(served.port)


@pytest.mark.databases("postgresql")  # in SQLite no reader ever waits for anybody
def test_a_request_under_way_gets_its_answer_before_the_server_ends(
    start: Start, store: Flask, settings: Settings
) -> None:
    if not shutil.which("ps"):
        pytest.skip("there is no ps to see when the server has begun to end")
    make_assistant(id=31, name="Night desk")
    dispose_engine()
    served = start("serve", "--workers", "2", VOICEADMIN_DATABASE_URL=settings.database_url)
    url = settings.database_url.replace("+psycopg", "")

    with (
        psycopg.connect(url) as keeper,
        psycopg.connect(url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as requester,
    ):
        keeper.execute("LOCK TABLE assistant IN ACCESS EXCLUSIVE MODE")
        answer = requester.submit(served.get, "/assistants/31/voices")
        until(lambda: watcher.execute(WAITING).fetchone(), "the request waits")
        served.process.send_signal(signal.SIGTERM)
        until(lambda: workers(served) == 1, "the worker that has nothing to do is gone")
        waiting = not answer.done()
        keeper.rollback()
        status, page = answer.result()

    assert waiting
    assert (status, "Night desk" in page) == (200, True)
    assert served.end() == (0, "")
