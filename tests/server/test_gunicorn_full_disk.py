"""A full or read-only disk: reading goes on, writes are refused with a sentence, and all works again afterwards."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.factories import PASSWORD, voice_row
from tests.server.http_browser import Browser
from tests.server.server_process import (
    SETUP_MESSAGE,
    VOICES_REQUEST,
    ServerProcess,
    Start,
    connect,
)
from tests.server.small_disk import SmallDisk, mount_small_disk
from tests.voices.importing.actions.scenario import lines

MEGABYTE = 1 << 20
JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"
ACCOUNT = {"email": "root@example.com", "password": PASSWORD}
PRIVATE = {"VOICEADMIN_ANONYMOUS_ROLE": ""}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mount_small_disk(tmp_path / "disk", 48 * MEGABYTE) as disk:
        yield disk


def voices_file(folder: Path, count: int, name: str) -> Path:
    """Write a file of voices 1 to `count` with this name."""
    path = folder / f"{name}.ndjson"
    path.write_bytes(lines(voice_row(id=id, name=name) for id in range(1, count + 1)))
    return path


def import_voices(disk: SmallDisk, file: Path, **environ: str) -> tuple[int, str]:
    return disk.run("import", file, "--assistant", "31", environ=environ)


def list_names(disk: SmallDisk, copy: Path) -> set[str]:
    """Return the different names of the voices in the database, which must not be damaged. No process may use it."""
    for suffix in ("", "-wal"):
        if (file := disk.outside / f"voiceadmin.sqlite{suffix}").exists():
            shutil.copy(file, f"{copy}{suffix}")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {name for (name,) in connection.execute("SELECT DISTINCT name FROM cloned_voice")}


def create_first_account(server: ServerProcess) -> Browser:
    """Return a browser that is signed in as a platform admin."""
    (link,) = [line.removeprefix(SETUP_MESSAGE) for line in server.log if line.startswith(SETUP_MESSAGE)]
    browser = Browser(server.address)
    browser.send(link.removeprefix(server.address), **ACCOUNT)
    return browser


def refuse_sign_in(server: ServerProcess) -> urllib.error.HTTPError:
    """Try to sign in. Return the error response."""
    browser = Browser(server.address)
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in"))[-1:]
    form = urlencode(ACCOUNT | {"csrf_token": token}).encode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.opener.open(f"{server.address}/sign-in", form)
    return refused.value


def read_status(server: ServerProcess, path: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(server.address + path, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_server_on_a_full_disk_reads_and_refuses_writes_until_space_is_free(
    start: Start, disk: SmallDisk, tmp_path: Path
) -> None:
    server = start("serve", folder=disk.folder, enter=disk.enter, **PRIVATE)
    browser = create_first_account(server)
    import_voices(disk, voices_file(tmp_path, 20, "first"))
    _, printed = disk.run("key", "add", "poller", "--all-organizations")
    (key,) = re.findall(r"\bva_\S+", printed)
    disk.fill()

    refused = refuse_sign_in(server)
    page = browser.get("/assistants/31/voices")
    statuses = [
        read_status(server, path, Authorization=f"Bearer {key}") for path in (JSON_ROUTE, "/readyz", "/healthz")
    ]
    code, printed = disk.run("key", "add", "other", "--all-organizations")
    disk.free()
    signed_in = Browser(server.address).send("/sign-in", **ACCOUNT)
    recovered = read_status(server, "/readyz")
    _, output = server.end(signal.SIGTERM)

    assert (refused.code, refused.headers["Retry-After"]) == (503, "5")
    assert "Database unavailable" in refused.read().decode()
    assert "first" in page
    assert statuses == [200, 503, 200]
    assert (code, printed.count("\n")) == (1, 1)
    assert re.match(r"Error: The disk of the SQLite file.* is full.*\. Nothing was written\.", printed)
    assert "root@example.com" in signed_in
    assert recovered == 200
    assert "raceback" not in output
    assert "The database is unavailable: The disk of the SQLite file" in output
    assert list_names(disk, tmp_path / "copy") == {"first"}


@pytest.mark.parametrize(
    ("count", "leave", "is_interrupted"),
    [(900, 0, False), (900, MEGABYTE // 2, False), (1500, MEGABYTE // 8, False), (1500, 2 * MEGABYTE, True)],
    ids=["nothing", "in-transaction", "before-steps", "in-steps"],
)
def test_an_import_into_a_full_disk_writes_nothing_or_is_completed_by_the_next_one(
    disk: SmallDisk, tmp_path: Path, count: int, leave: int, is_interrupted: bool
) -> None:
    import_voices(disk, voices_file(tmp_path, count, "first"))
    disk.fill(leave=leave)

    code, printed = import_voices(disk, voices_file(tmp_path, count, "second"))
    disk.free()
    found = list_names(disk, tmp_path / "copy")
    _, later = import_voices(disk, voices_file(tmp_path, count, "third"))

    assert (code, printed.count("\n")) == (1, 1)
    assert "full" in printed
    if is_interrupted:
        assert "A part of the import is written. The next import, or the next start of a server, writes the" in printed
        assert "Note: An earlier import was interrupted. Its remaining voices have been written." in later
        assert found == {"first", "second"}
    else:
        assert printed.endswith("Nothing was written.\n")
        assert found == {"first"}
    assert f"{count:,} changed" in later
    assert list_names(disk, tmp_path / "copy") == {"third"}


def test_a_server_completes_an_import_that_filled_the_disk_once_space_is_free(
    start: Start, disk: SmallDisk, tmp_path: Path
) -> None:
    import_voices(disk, voices_file(tmp_path, 1500, "first"))
    disk.fill(leave=2 * MEGABYTE)
    import_voices(disk, voices_file(tmp_path, 1500, "second"))

    code, printed = disk.run("serve")
    disk.free()
    server = start("serve", folder=disk.folder, enter=disk.enter)
    server.end(signal.SIGTERM)

    assert (code, printed.count("\n")) == (1, 1)
    assert "A part of the import is written" in printed
    assert server.output[0] == "An import that had been interrupted was completed."
    assert list_names(disk, tmp_path / "copy") == {"second"}


def test_an_import_names_the_folder_for_temporary_files_that_is_full(disk: SmallDisk, tmp_path: Path) -> None:
    file = voices_file(tmp_path, 3000, "first")
    elsewhere = {"VOICEADMIN_INSTANCE": str(tmp_path / "instance"), "TMPDIR": str(disk.folder)}
    disk.fill(leave=MEGABYTE // 16)

    refused = import_voices(disk, file, **elsewhere)
    disk.free()
    _, printed = import_voices(disk, file, **elsewhere)

    assert refused[0] == 1
    assert refused[1] == (
        f"Error: The folder for temporary files, {disk.folder}, cannot be used: No space left on device. Free space in "
        "it, or set TMPDIR to another folder. Nothing was written.\n"
    )
    assert "3,000 added" in printed


def test_requests_and_responses_that_cannot_be_stored_end_alone(start: Start, disk: SmallDisk, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    import_voices(disk, voices_file(tmp_path, 30_000, "first"), VOICEADMIN_INSTANCE=str(instance))
    server = start("serve", "--workers", "1", folder=instance, enter=disk.enter, TMPDIR=str(disk.folder))
    disk.fill(leave=MEGABYTE // 16)
    body = bytes(MEGABYTE * 7 // 8)

    with connect(server, VOICES_REQUEST, receive_buffer=4096) as slow:
        slow.recv(1)
        long = connect(server, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body))
        with long, suppress(ConnectionError):
            long.sendall(body)
            assert long.recv(1) == b""
        pages = [server.get(path)[0] for path in ("/healthz", "/readyz", "/assistants/31/voices")]
    disk.free()
    whole = server.get(JSON_ROUTE)[1]
    _, output = server.end(signal.SIGTERM)

    assert pages == [200] * 3
    assert whole.count('"id"') == 30_000
    assert re.findall(r"its (\w+) cannot be stored in the folder for temporary files: No space", output) == [
        "response",
        "request",
    ]
    assert "raceback" not in output


def test_exporting_to_a_full_disk_fails_with_one_sentence(disk: SmallDisk, tmp_path: Path) -> None:
    import_voices(disk, voices_file(tmp_path, 2000, "first"))
    disk.run("key", "add", "poller", "--all-organizations")
    with Path("/dev/full").open("wb") as full:
        exported = disk.run("export", "--assistant", "31", stdout=full)
        listed = disk.run("key", "list", stdout=full)

    assert exported == listed == (1, "Error: The output cannot be written: No space left on device.\n")


def test_a_new_database_on_a_full_disk_is_not_half_migrated(disk: SmallDisk) -> None:
    disk.fill(leave=MEGABYTE // 8)

    refused = [disk.run(command) for command in ("migrate", "serve")]
    disk.free()

    sentence = (
        "Error: The disk of the SQLite file, or that of temporary files (TMPDIR), is full. Nothing was written.\n"
    )
    assert refused == [(1, sentence)] * 2
    assert disk.run("migrate") == (0, "The database was migrated.\n")


def test_a_server_starts_on_a_full_disk_if_it_has_nothing_to_write(
    start: Start, disk: SmallDisk, tmp_path: Path
) -> None:
    server = start("serve", folder=disk.folder, enter=disk.enter, **PRIVATE)
    create_first_account(server)
    server.end(signal.SIGTERM)
    disk.fill(leave=MEGABYTE // 16)

    server = start("serve", folder=disk.folder, enter=disk.enter, **PRIVATE)

    assert "<h1>Sign in</h1>" in Browser(server.address).get("/sign-in")
    assert read_status(server, "/readyz") == 503


def test_commands_on_a_read_only_disk_say_so(disk: SmallDisk, tmp_path: Path) -> None:
    file = voices_file(tmp_path, 1, "first")
    import_voices(disk, file)
    disk.make_read_only()

    refused = [disk.run("account", "list"), disk.run("serve"), import_voices(disk, file)]

    sentence = (
        f"Error: {disk.folder}/voiceadmin.sqlite cannot be written: Read-only file system. Make its folder writable, "
        "or choose another VOICEADMIN_INSTANCE.\n"
    )
    assert refused == [(1, sentence)] * 3
