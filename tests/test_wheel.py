"""The built wheel contains templates and static files, and serves them from an empty folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_contains_only_the_package(installed: Path) -> None:
    (metadata,) = installed.glob("voiceadmin-*.dist-info")

    assert {path.name for path in installed.iterdir()} == {"voiceadmin", metadata.name}
    assert "voiceadmin = voiceadmin.__main__:main" in (metadata / "entry_points.txt").read_text()
    for folder in ("templates", "static"):
        inside = {
            path.relative_to(installed / "voiceadmin") for path in (installed / "voiceadmin" / folder).rglob("*.*")
        }
        assert inside == {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.*")}


def test_the_wheel_serves_pages_and_styles_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "voiceadmin", "run", "--port", str(port)],
        cwd=tmp_path,
        env=environ | {"PYTHONPATH": str(installed)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        announced = next(line for line in server.stdout if "http://" in line)
        with urlopen(f"http://127.0.0.1:{port}/assistants/123/voices") as answer:
            page = answer.read().decode()
        (styles,) = [word for word in page.split('"') if word.startswith("/static/base.css")]
        with urlopen(f"http://127.0.0.1:{port}{styles}") as answer:
            css = answer.read().decode()
        server.terminate()
        server.stdout.read()

    assert "sample data" in announced
    assert "Custom Professional Voice" in page
    assert "@layer" in css
    assert [path.name for path in tmp_path.iterdir()] == ["instance"]
    assert server.returncode == 0
