"""The measured servers: their commands, as in production, and the addresses that return the same rows.

WSGI applications run in gunicorn with the worker class and the threads of
`voiceadmin serve`, ASGI applications in uvicorn without an access log. Datasette
runs without facets, which it would count for every page. All servers have one
worker process unless stated otherwise, and listen on the loopback interface only.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks.client import HOST, BadResponse, fetch
from tests.benchmarks.database import BenchmarkDatabase, build_fragments_body
from tests.benchmarks.peers.fields import FIELDS

HERE = Path(__file__).resolve().parent
PYTHON = [sys.executable, "-P", "-m"]
STARTS_WITHIN = 60  # seconds
STOPS_WITHIN = 15
FILTERS = {"status": "ready", "provider": "elevenlabs"}
SHARED_MEMORY = Path("/dev/shm")

OURS = "voiceadmin"
ADMINS = ("Flask-Admin", "Django admin", "SQLAdmin", "Datasette")
TABLE = "Flask ORM + Jinja"
JSON_PEERS = ("FastAPI", "Flask ORM + jsonify", "Datasette")
RAW, FRAGMENTS, MEMORY, NGINX = "bare WSGI", "bare WSGI, fragments", "bare WSGI, memory", "nginx, file"


@dataclass(frozen=True)
class Kind:
    """A program to measure. module: what it needs. command: returns its command for a database and a port."""

    name: str
    module: str
    command: Callable[[BenchmarkDatabase, int], list[str]]


@dataclass(frozen=True)
class Server:
    """A running program."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    starting: float  # seconds from its start to its first answer

    def children(self) -> list[int]:
        """The process ids of its workers, or an empty list if the system does not provide them."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(id) for id in path.read_text().split()] if path.exists() else []

    def peak_memory(self) -> float | None:
        """The largest peak memory of its processes in MB, or None if the system does not provide it."""
        peaks = []
        for process in [self.process.pid, *self.children()]:
            status = Path(f"/proc/{process}/status")
            if status.exists():
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                peaks.append(int(lines["VmHWM"].split()[0]) / 1024)
        return max(peaks, default=None)


def _ours(workers: int) -> Callable[[BenchmarkDatabase, int], list[str]]:
    return lambda database, port: [*PYTHON, "voiceadmin", "serve", "--port", str(port), "--workers", str(workers)]


def _gunicorn(module: str) -> Callable[[BenchmarkDatabase, int], list[str]]:
    def command(database: BenchmarkDatabase, port: int) -> list[str]:
        words = [*PYTHON, "gunicorn", "--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--threads", "4"]
        words += ["--worker-tmp-dir", str(SHARED_MEMORY)] if SHARED_MEMORY.is_dir() else []
        return [*words, "--preload", "--log-level", "warning", f"tests.benchmarks.peers.{module}:app"]

    return command


def _uvicorn(module: str) -> Callable[[BenchmarkDatabase, int], list[str]]:
    return lambda database, port: [
        *PYTHON,
        *("uvicorn", "--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"),
        f"tests.benchmarks.peers.{module}:app",
    ]


def _datasette(database: BenchmarkDatabase, port: int) -> list[str]:
    settings = {
        "max_returned_rows": "200000",
        "sql_time_limit_ms": "60000",
        "allow_facet": "off",
        "suggest_facets": "off",
    }
    words = [word for name, value in settings.items() for word in ("--setting", name, value)]
    metadata = str(HERE / "peers" / "datasette.json")
    return [*PYTHON, "datasette", "serve", str(database.file), "--port", str(port), "--metadata", metadata, *words]


def _nginx(database: BenchmarkDatabase, port: int) -> list[str]:
    """The command of nginx with the response bodies as files. It writes only into the folder of the database."""
    folder = database.folder / "nginx"
    folder.mkdir(exist_ok=True)
    temporary_paths = "\n".join(
        f'{name}_temp_path "{folder}/{name}";' for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    for organization in range(1, len(database.plan.big) + 1):
        (folder / f"{organization}.json").write_bytes(build_fragments_body(database, organization))
    owner = "" if os.geteuid() else "user root; "  # otherwise workers run as another user, who cannot enter the folder
    (folder / "nginx.conf").write_text(
        f"""{owner}daemon off; worker_processes 1; pid "{folder}/pid"; error_log stderr;
events {{}}
http {{
access_log off; sendfile on; tcp_nopush on; {temporary_paths}
server {{ listen {HOST}:{port}; root "{folder}"; default_type application/json; }}
}}
""",
        "utf-8",
    )
    return [shutil.which("nginx") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(OURS, "voiceadmin", _ours(1)),
        Kind("Flask-Admin", "flask_admin", _gunicorn("flask_admin_app")),
        Kind("Django admin", "django", _gunicorn("django_admin")),
        Kind("SQLAdmin", "sqladmin", _uvicorn("sqladmin_app")),
        Kind("Datasette", "datasette", _datasette),
        Kind("FastAPI", "fastapi", _uvicorn("fastapi_json")),
        Kind(TABLE, "flask_sqlalchemy", _gunicorn("flask_orm")),
        Kind(RAW, "gunicorn", _gunicorn("bare")),
    )
}
TWO_WORKERS = Kind(f"{OURS}, two workers", "voiceadmin", _ours(2))
OF_SAME_PROCESS = {"Flask ORM + jsonify": TABLE, FRAGMENTS: RAW, MEMORY: RAW}
PEERS = (*ADMINS, TABLE, "FastAPI")
WITH_POSTGRESQL = (OURS, "FastAPI")


def is_installed(kind: Kind) -> bool:
    """Whether the module of a program is installed."""
    return find_spec(kind.module) is not None


def find_nginx() -> Kind | None:
    """The program nginx, or None if it is not installed."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return Kind(NGINX, "voiceadmin", _nginx) if shutil.which("nginx", path=path) else None


@contextmanager
def start_server(kind: Kind, database: BenchmarkDatabase, first_path: str | None = None) -> Iterator[Server]:
    """Start a server and yield it when it answers the first path. Stop it with all its processes at the end."""
    port = _free_port()
    log = database.folder / "logs" / f"{kind.name}.txt"
    log.parent.mkdir(exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
    command = kind.command(database, port)
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environ | database.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, port, first_path or ADDRESSES[kind.name].any_path(), log)
        yield Server(kind.name, port, process, time.perf_counter() - start)
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until a server answers. Until it listens, connections are refused at once."""
    end = time.perf_counter() + STARTS_WITHIN
    while True:
        try:
            fetch(port, path)
        except ConnectionError:
            pass
        else:
            return
        try:
            process.wait(timeout=0.005)
        except subprocess.TimeoutExpired:
            if time.perf_counter() < end:
                continue
        raise BadResponse(f"{process.args!r} did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Send SIGINT, wait, and then kill the process group of the server."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOPS_WITHIN)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


# Addresses


@dataclass(frozen=True)
class Page:
    """A page of 50 voices, most used first. number: from 1. filtered: whether FILTERS apply. text: to search for."""

    organization: int
    number: int = 1
    filtered: bool = True
    text: str = ""


@dataclass(frozen=True)
class Addresses:
    """Functions that return the path of a page, and of all voices of an organization as JSON."""

    page: Callable[[Page], str] | None = None
    json: Callable[[int], str] | None = None

    def any_path(self) -> str:
        """A path with a small response."""
        if self.json is not None:
            return self.json(4) if self.page is None else self.page(Page(4))
        assert self.page is not None
        return self.page(Page(4))


def _our_page(page: Page) -> str:
    query = list(FILTERS.items()) if page.filtered else []
    query += [("q", page.text)] if page.text else []
    query += [("page", str(page.number))] if page.number > 1 else []
    return f"/assistants/{page.organization}/voices?{urlencode(query)}"


def _plain(path: str, suffix: str = "") -> Callable[[Page], str]:
    """Paths with columns by name and pages from 1."""

    def address(page: Page) -> str:
        query = {"organization_id": str(page.organization), **(FILTERS if page.filtered else {})}
        return f"{path}?{urlencode(query)}&page={page.number}{suffix}"

    return address


def _flask_admin(page: Page) -> str:
    filters = {"organization_id": str(page.organization), **(FILTERS if page.filtered else {})}
    query = {f"flt{index}_{name}_equals": value for index, (name, value) in enumerate(filters.items())}
    return f"/admin/voices/?{urlencode(query)}&page={page.number - 1}"


def _django(page: Page) -> str:
    filters = {"organization_id": str(page.organization), **(FILTERS if page.filtered else {})}
    query = {f"{name}__exact": value for name, value in filters.items()}
    return f"/admin/admin/voice/?{urlencode(query)}&p={page.number}"


def _datasette_page(page: Page) -> str:
    """The path of the first page with the eleven columns. Datasette does not number its pages."""
    filters = {"organization_id": str(page.organization), **(FILTERS if page.filtered else {})}
    columns = [("_col", name) for name in FIELDS]
    return f"/voiceadmin/cloned_voice?{urlencode([*filters.items(), *columns])}&_sort_desc=synthesis_count&_size=50"


ADDRESSES = {
    OURS: Addresses(_our_page, lambda organization: f"/api/v1/assistants/{organization}/cloned-voices"),
    "Flask-Admin": Addresses(_flask_admin),
    "Django admin": Addresses(_django),
    "SQLAdmin": Addresses(_plain("/admin/voice/list", "&organization_id_op=equals&sortBy=synthesis_count&sort=desc")),
    "Datasette": Addresses(
        _datasette_page, lambda organization: f"/voiceadmin/voices.json?organization_id={organization}&_shape=array"
    ),
    TABLE: Addresses(_plain("/page")),
    "Flask ORM + jsonify": Addresses(None, lambda organization: f"/json?organization_id={organization}"),
    "FastAPI": Addresses(None, lambda organization: f"/json?organization_id={organization}"),
    RAW: Addresses(_plain("/page"), lambda organization: f"/raw?organization_id={organization}"),
    FRAGMENTS: Addresses(None, lambda organization: f"/fragments?organization_id={organization}"),
    MEMORY: Addresses(None, lambda organization: f"/memory?organization_id={organization}"),
    NGINX: Addresses(None, lambda organization: f"/{organization}.json"),
}
