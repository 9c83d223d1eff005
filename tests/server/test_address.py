"""The address that the server listens on, and the links that it and the commands print."""

from __future__ import annotations

import http.client
import re
import signal
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.server.server_process import SETUP_MESSAGE, ServerProcess, Start, create_app_in
from voiceadmin.__main__ import cli
from voiceadmin.config import Settings
from voiceadmin.server import gunicorn
from voiceadmin.server.address import format_address, one_time_url, parse_listen_host


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:8001"),
        ("0.0.0.0", "127.0.0.1:8001"),
        ("::", "[::1]:8001"),
        ("::1", "[::1]:8001"),
        ("[::1]", "[::1]:8001"),
        ("0:0:0:0:0:0:0:1", "[::1]:8001"),
        ("LOCALHOST", "localhost:8001"),
    ],
)
def test_an_address_is_printed_as_browsers_need_it(host: str, address: str) -> None:
    assert format_address(parse_listen_host(host), 8001) == address


@pytest.mark.parametrize(
    ("settings", "address", "url"),
    [
        pytest.param(Settings(), "127.0.0.1:8001", "http://127.0.0.1:8001/links/T", id="served-address"),
        pytest.param(Settings(), None, "/links/T", id="no-server-known"),
        pytest.param(
            Settings(hosts=(".voices.example", "x")), "127.0.0.1:8001", "https://voices.example/links/T", id="public"
        ),
        pytest.param(Settings(hosts=("voices.example",)), None, "https://voices.example/links/T", id="from-the-cli"),
    ],
)
def test_a_one_time_link_has_the_address_of_the_server(settings: Settings, address: str | None, url: str) -> None:
    assert one_time_url(settings, "T", address) == url


@pytest.mark.parametrize("host", ["127.0.0.5", "[::1]", "0:0:0:0:0:0:0:1", "0.0.0.0"])
def test_the_printed_set_up_link_answers(start: Start, host: str) -> None:
    server = start("serve", "--workers", "1", "--host", host, VOICEADMIN_ANONYMOUS_ROLE="")
    (link,) = [line.removeprefix(SETUP_MESSAGE) for line in server.log if line.startswith(SETUP_MESSAGE)]
    match = re.fullmatch(r"http://([^/]+)(/links/.+)", link)
    assert match

    with closing(http.client.HTTPConnection(match[1])) as connection:
        connection.request("GET", match[2])
        response = connection.getresponse()
        page = response.read().decode()

    assert response.status == 200
    assert "Create account" in page


def invite(server_folder: Path) -> tuple[str, str]:
    """Return the link that `account add` prints, and its messages."""
    arguments = ["account", "add", "ada@example.com", "--platform"]
    result = CliRunner().invoke(cli, arguments, obj=lambda: create_app_in(server_folder))
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[-1], result.stderr


def test_a_command_prints_links_with_the_address_of_the_running_server(start: Start, tmp_path: Path) -> None:
    server: ServerProcess = start("serve", "--workers", "1")
    link, messages = invite(tmp_path)

    assert link.startswith(f"{server.address}/links/")
    assert messages == ""
    assert server.get(link.removeprefix(server.address))[0] == 200
    server.end(signal.SIGTERM)
    link, messages = invite(tmp_path)
    assert link.startswith("/links/")
    assert messages == "Put the address of your server before the path, as in http://127.0.0.1:8000.\n"


def test_the_heartbeat_files_are_in_shared_memory_if_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn, "SHARED_MEMORY", tmp_path)
    assert gunicorn.heartbeat_folder() == str(tmp_path)

    monkeypatch.setattr(gunicorn, "SHARED_MEMORY", tmp_path / "missing")
    assert gunicorn.heartbeat_folder() is None
