"""Real nginx proxies in front of a server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.programs import find_program
from tests.server.server_process import free_port

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location {location} {{
            proxy_pass {target};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {headers}
        }}
    }}
}}
"""

# What the documentation tells to set.
HEADERS = """
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Prefix "{prefix}";
"""


@contextmanager
def nginx(folder: Path, target: str, *, prefix: str = "", headers: str = HEADERS) -> Iterator[str]:
    """Run nginx in front of an address, and yield its own address. prefix: the path below which it serves it."""
    program = find_program("nginx")
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            location=f"{prefix}/",
            target=f"{target}/",
            headers=headers.format(prefix=prefix),
        )
    )
    process = subprocess.Popen([program, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"])
    address = f"http://127.0.0.1:{port}{prefix}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urlopen(f"{address}/healthz"):
                return
        except ConnectionError:
            continue
        except OSError as error:
            if not isinstance(error.__cause__ or error.__context__, ConnectionError):
                raise
    raise AssertionError("nginx ended at its start")
