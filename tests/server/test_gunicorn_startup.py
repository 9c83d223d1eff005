"""Starting the server: its output, the set-up link, and its log."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from tests.conftest import NOW, SHELL
from tests.database.conftest import connect, create_database
from tests.factories import make_account, make_assistant, make_organization, make_voice, voice_row
from tests.programs import find_program
from tests.server.http_browser import Browser
from tests.server.server_process import (
    HEALTHY,
    ROOT,
    SETUP_MESSAGE,
    Start,
    count_voices,
    wait_until,
)
from tests.voices.importing.actions.scenario import lines
from voiceadmin.config import COMMAND
from voiceadmin.database.schema import dispose_engine
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget


def test_run_adds_sample_data_to_an_empty_database_and_prints_its_address(start: Start, tmp_path: Path) -> None:
    find_program("curl")
    server = start("run")

    sample_line, address_line, example = server.output
    status, page = server.get("/assistants")
    with subprocess.Popen(
        ["sh", "-c", example.removeprefix("As JSON:")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as shell:
        response, _ = shell.communicate()

    assert sample_line.startswith("The database was empty. Sample organizations: 8 added.")
    assert sample_line.endswith(
        f"Remove the sample data with: VOICEADMIN_INSTANCE={tmp_path} {COMMAND} sample --remove"
    )
    assert address_line == f"voiceadmin shows sample data at {server.address} (stop with Ctrl-C)"
    assert (status, "Front desk" in page) == (200, True)
    assert {voice["status"] for voice in json.loads(response)["cloned_voices"]} == {"ready"}


def test_run_does_not_change_a_database_with_data(start: Start, sqlite_app: Flask) -> None:
    folder = sqlite_app.config["VOICEADMIN"].instance
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme)
    dispose_engine()

    server = start("run", folder=folder)

    assert server.output == [
        f"voiceadmin shows your database at {server.address} (stop with Ctrl-C)",
        f"As JSON:  curl '{server.address}/api/v1/assistants/31/cloned-voices?status=ready'",
    ]
    assert count_voices(folder) == 1


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_server_completes_an_interrupted_import_when_it_starts(
    start: Start, sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 5)
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, id=1)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    file = io.BytesIO(lines([voice_row(id=id) for id in range(10, 20)]))
    with pytest.raises(KeyboardInterrupt):
        import_voices(file, ImportTarget(31), by=SHELL, now=NOW, on_fault=lambda _: None, on_written=interrupt)
    dispose_engine()

    server = start(command, folder=sqlite_app.config["VOICEADMIN"].instance)

    assert server.output[0] == "An import that had been interrupted was completed."


def test_serve_creates_an_empty_database(start: Start, tmp_path: Path) -> None:
    server = start("serve", folder=tmp_path / "new")

    assert server.output == [f"voiceadmin listens on 127.0.0.1, port {server.port}"]
    assert server.get("/readyz") == (200, '{"status":"ready"}\n')
    assert count_voices(tmp_path / "new") == 0


def test_serve_prints_a_set_up_link_that_works_once(start: Start, tmp_path: Path) -> None:
    server = start("serve", folder=tmp_path / "new", VOICEADMIN_ANONYMOUS_ROLE="")
    (link,) = [line.removeprefix(SETUP_MESSAGE) for line in server.log if line.startswith(SETUP_MESSAGE)]
    browser = Browser(server.address)

    before = browser.get("/assistants")
    created = browser.send(
        link.removeprefix(server.address), email="root@example.com", password="correct horse battery"
    )
    after = browser.get("/people")
    again = Browser(server.address).get(link.removeprefix(server.address))
    server.end(signal.SIGTERM)
    later = start("serve", folder=tmp_path / "new")

    assert "<h1>Sign in</h1>" in before
    assert link.startswith(f"{server.address}/links/")
    assert "root@example.com" in created
    assert "<h1>People</h1>" in after
    assert "This link is no longer valid" in again
    assert [line for line in later.log if line.startswith(SETUP_MESSAGE)] == []


def test_the_log_has_one_json_object_per_line_and_no_secrets(start: Start, tmp_path: Path) -> None:
    server = start("serve", folder=tmp_path / "new", VOICEADMIN_ANONYMOUS_ROLE="")
    (link,) = [line.removeprefix(SETUP_MESSAGE) for line in server.log if line.startswith(SETUP_MESSAGE)]
    browser = Browser(server.address)
    browser.send(link.removeprefix(server.address), email="root@example.com", password="correct horse battery")
    browser.send("/sign-in", email="root@example.com", password="a wrong password")

    _, output = server.end(signal.SIGTERM)

    messages = [json.loads(line)["message"] for line in [*server.log, *output.splitlines()] if line.startswith("{")]
    assert [line.partition(":")[0] for line in messages] == ["link-created", "account-created", "sign-in-failed"]
    for secret in ("correct horse", "a wrong", link.rpartition("/")[2]):
        assert secret not in "".join(messages)


def test_run_requires_signing_in_once_an_account_exists(start: Start, sqlite_app: Flask) -> None:
    make_voice(make_organization())
    dispose_engine()
    server = start("run", folder=sqlite_app.config["VOICEADMIN"].instance, ready_text="voiceadmin shows")
    before = server.get("/assistants")[1]

    make_account(platform=True)
    dispose_engine()
    after = [server.get("/assistants")[1] for _ in range(8)]

    assert "There are no accounts yet" in before
    assert all("<h1>Sign in</h1>" in page for page in after)


def test_one_worker_with_one_thread_answers_parallel_requests(start: Start) -> None:
    server = start("serve", "--workers", "1", "--threads", "1")

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(server.get, ["/healthz"] * 40))

    assert responses == [(200, HEALTHY)] * 40


@pytest.mark.parametrize(("verb", "filled"), [("run", 2500), ("serve", 0)])
def test_two_servers_can_start_together_on_a_new_database(start: Start, tmp_path: Path, verb: str, filled: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        servers = list(pool.map(lambda _: start(verb, folder=tmp_path / "new"), "ab"))

    ready = [server.get("/readyz")[0] for server in servers]
    ends = [server.end(signal.SIGTERM) for server in servers]

    assert ready == [200, 200]
    assert ends == [(0, ""), (0, "")]
    assert count_voices(tmp_path / "new") == filled


PRINT_PREPARED = """
import os, sys
from pathlib import Path
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.server.gunicorn import serve

def print_prepared():
    print(len({name for _, name in app.jinja_env.cache.keys()}), len(app.jinja_env.list_templates()), flush=True)
    print(all(mapper.configured for mapper in db.Model.registry.mappers), flush=True)
    os._exit(0)

app = create_app(Settings(instance=Path(sys.argv[1])))
serve(app, host="127.0.0.1", port=0, workers=1, threads=1, log_as_json=False, when_ready=print_prepared)
"""


def test_templates_and_models_are_prepared_before_the_workers_are_forked(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", PRINT_PREPARED, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )

    compiled, all_templates, are_configured = found.stdout.split()
    assert int(compiled) == int(all_templates) > 0
    assert are_configured == "True"


def test_each_worker_opens_a_connection_before_its_first_request(start: Start, postgres: str) -> None:
    name = f"{make_url(postgres).database}_workers"
    create_database(postgres, name)
    address = make_url(postgres).set(database=name).render_as_string(hide_password=False)

    start("serve", "--workers", "2", VOICEADMIN_DATABASE_URL=address)

    with connect(postgres) as observer:
        count_connections = f"SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = '{name}'".encode()
        wait_until(lambda: observer.execute(count_connections).fetchone() == (True,), "two connections")
