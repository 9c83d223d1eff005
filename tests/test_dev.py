"""The one command of a checkout: `dev`, tried through its door on a small stand-in, without a network."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = """
import json, os, signal, sys
print(json.dumps({"words": sys.argv[1:], "folder": os.getcwd(), "pid": os.getpid(), "path": sys.path}), flush=True)
if "--wait" in sys.argv:
    signal.pause()
"""
STAND_IN_UV = """#!/bin/sh
# An environment in a moment; every package there is, is not to be had.
for word; do case "$word" in *.lock) lock=$word ;; esac; done
case "$1" in
    venv) echo made >> "$(dirname "$0")/log"; for home; do :; done; exec "$PYTHON" -m venv --without-pip "$home" ;;
    pip) ! grep -q "==" "$lock" ;;
esac
"""


class Checkout:
    """A folder with `dev`, empty locks, a uv that needs no network and a voiceadmin that tells how it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "voiceadmin").mkdir(parents=True)
        (folder / "voiceadmin" / "__main__.py").write_text(STAND_IN)
        (folder / "run.lock").write_text("# nothing\n")
        (folder / "test.lock").write_text("# nothing\n")
        (folder / "bench.lock").write_text("# nothing\n")
        (folder / "tests" / "benchmarks").mkdir(parents=True)
        (folder / "tests" / "benchmarks" / "__main__.py").write_text(STAND_IN)
        (folder / "bin").mkdir()
        (folder / "bin" / "uv").write_text(STAND_IN_UV)
        (folder / "bin" / "uv").chmod(0o755)
        shutil.copy2(ROOT / "dev", folder)

    def start(self, *words: str, folder: Path | None = None, **environ: str) -> subprocess.Popen[str]:
        """Start `dev` in the background, from another folder and with other variables where these are given."""
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        own = os.environ | {"PATH": path, "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "VOICEADMIN_CHROMIUM": ""}
        return subprocess.Popen(
            [sys.executable, self.folder / "dev", *words],
            cwd=folder or self.folder.parent,
            env=own | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dev(self, *words: str, folder: Path | None = None, **environ: str) -> tuple[int, str, str]:
        """Run `dev` to its end: exit code, output, messages."""
        with self.start(*words, folder=folder, **environ) as process:
            output, messages = process.communicate()
        return process.returncode, output, messages

    def told(self, *words: str, folder: Path | None = None) -> dict[str, Any]:
        """What the stand-in says of its start."""
        code, output, messages = self.dev(*words, folder=folder)
        assert code == 0, messages
        told: dict[str, Any] = json.loads(output)
        return told


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose environments are set up; tests leave it as it is."""
    checkout = Checkout(tmp_path_factory.mktemp("Bürö Möbel") / "voice admin")
    checkout.told("run")
    return checkout


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "voiceadmin")


def test_dev_can_be_started_as_it_is() -> None:
    assert os.access(ROOT / "dev", os.X_OK)


def test_without_a_word_it_says_how_it_is_used_and_fails(ready: Checkout) -> None:
    code, output, messages = ready.dev()

    assert (code, output) == (1, "")
    assert all(f"./dev {verb}" in messages for verb in ("run", "test", "check", "bench", "mutate", "lock"))


def test_help_is_no_failure(ready: Checkout) -> None:
    code, output, _ = ready.dev("--help")

    assert code == 0
    assert "./dev run" in output


def test_python_3_6_can_read_it() -> None:
    text = (ROOT / "dev").read_text("utf-8")

    ast.parse(text, feature_version=(3, 6))

    assert "from __future__" not in text  # annotations came with 3.7


def as_old_python(path: str) -> subprocess.CompletedProcess[str]:
    """Run `dev` under this Python that takes itself for 3.9, with nothing but `path` on the PATH."""
    pretend = "import runpy, sys; sys.version_info, sys.version = (3, 9, 2), '3.9.2 (main)'; sys.argv = sys.argv[1:]; "
    pretend += "runpy.run_path(sys.argv[0], run_name='__main__')"
    run = [sys.executable, "-c", pretend, str(ROOT / "dev"), "--help"]
    return subprocess.run(run, env={"PATH": path, "PYENV_ROOT": path}, capture_output=True, text=True, check=False)


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = as_old_python(str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == "voiceadmin needs Python 3.11 or later; this is 3.9.2, and no later one was found.\n"


def test_an_old_python_hands_over_to_a_later_one(tmp_path: Path) -> None:
    (tmp_path / f"python3.{sys.version_info.minor}").symlink_to(sys.executable)

    done = as_old_python(str(tmp_path))

    assert done.returncode == 0
    assert "./dev run" in done.stdout


def test_a_pretender_among_the_later_pythons_is_passed_over(tmp_path: Path) -> None:
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 127\n")
        (tmp_path / name).chmod(0o755)

    assert as_old_python(str(tmp_path)).returncode == 1


@pytest.mark.parametrize("words", [("run", "--port", "8000"), ("import", "Stimmen für alle.json"), ("--version",)])
def test_other_words_go_to_voiceadmin_unchanged(ready: Checkout, words: tuple[str, ...]) -> None:
    assert ready.told(*words)["words"] == list(words)


def test_bench_has_an_environment_of_its_own(ready: Checkout) -> None:
    told = ready.told("bench", "--quick", "--folder", "ein Ordner")

    assert told["words"] == ["--quick", "--folder", "ein Ordner"]
    assert any("/.venv/bench/" in path for path in told["path"])


def test_the_users_folder_stays_the_working_folder(fresh: Checkout, tmp_path: Path) -> None:
    first, later = (fresh.told("import", "x.json", folder=tmp_path) for _ in range(2))

    assert first["folder"] == later["folder"] == str(tmp_path)


def test_the_checkout_is_importable_and_the_users_folder_is_not(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the user’s folder')")

    path = ready.told("run", folder=tmp_path)["path"]

    assert str(ready.folder) in path
    assert str(tmp_path) not in path


def test_the_server_itself_gets_the_signals(ready: Checkout) -> None:
    with ready.start("run", "--wait") as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)

    assert told["pid"] == process.pid
    assert process.returncode == -signal.SIGTERM


def test_it_sets_up_only_once(ready: Checkout) -> None:
    assert ready.dev("run")[2] == ""


def broken_stamp(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "run" / ".ready").write_text("half")


def other_lock(checkout: Checkout) -> None:
    (checkout.folder / "run.lock").write_text("# nothing else\n")


def no_python(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "run" / "bin" / "python").unlink()


@pytest.mark.parametrize("harm", [broken_stamp, other_lock, no_python])
def test_an_environment_that_does_not_match_is_made_anew(fresh: Checkout, harm: Callable[[Checkout], None]) -> None:
    fresh.told("run")
    leftover = fresh.folder / ".venv" / "run" / "leftover"
    leftover.touch()
    harm(fresh)

    code, _, messages = fresh.dev("run")

    assert (code, messages) == (0, "Setting up .venv/run; this is needed once ...\n")
    assert not leftover.exists()


def test_a_failed_set_up_never_passes_as_ready(fresh: Checkout) -> None:
    fresh.told("run")
    pins, good = fresh.folder / "run.lock", "# nothing\n"
    pins.write_text(f"nowhere-to-be-had==1.0 --hash=sha256:{64 * '0'}\n")

    failures = [fresh.dev("run") for _ in range(2)]
    pins.write_text(good)
    code, _, messages = fresh.dev("run")

    assert [failure[0] for failure in failures] == [1, 1]
    assert all("This command failed: " in failure[2] for failure in failures)
    assert (code, "Setting up" in messages) == (0, True)


def test_two_that_start_together_set_up_once(fresh: Checkout) -> None:
    processes = [fresh.start("run") for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]

    assert all('"words": ["run"]' in output for output in outputs)
    assert (fresh.folder / "bin" / "log").read_text() == "made\n"


def test_without_uv_pip_sets_it_up(fresh: Checkout, tmp_path: Path) -> None:
    pytest.importorskip("ensurepip", reason="this Python was taken apart: it cannot make environments without uv")

    code, output, messages = fresh.dev("run", PATH=str(tmp_path))

    assert code == 0, messages
    assert str(fresh.folder) in json.loads(output)["path"]
    assert not (fresh.folder / "bin" / "log").exists()


def test_a_moved_checkout_sets_up_again(fresh: Checkout, tmp_path: Path) -> None:
    fresh.told("run")
    fresh.folder = fresh.folder.rename(tmp_path / "moved")

    _, output, messages = fresh.dev("run")

    assert "Setting up" in messages
    assert str(tmp_path / "moved") in json.loads(output)["path"]


def test_a_browser_that_is_not_there_is_refused_by_name(ready: Checkout) -> None:
    code, _, messages = ready.dev("test", VOICEADMIN_CHROMIUM="/no/such/browser")

    assert code == 1
    assert messages.endswith("VOICEADMIN_CHROMIUM is not a program: /no/such/browser\n")


def test_the_fast_tests_need_no_browser(ready: Checkout) -> None:
    _, _, messages = ready.dev("test", "--fast", VOICEADMIN_CHROMIUM="/no/such/browser")

    assert "No module named pytest" in messages


@pytest.mark.parametrize("name", ["run", "test", "bench"])
def test_a_lock_names_no_address_and_no_folder(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text("utf-8").replace("    --hash=", "")

    assert "./dev lock" in text
    assert not re.search(r"://|\.(org|com|net|io)\b|^\s*-|/(home|root|tmp|Users)/", text, re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Package and version of each pin in a lock. Every pin has a hash."""
    text = (ROOT / f"{name}.lock").read_text("utf-8")
    blocks = re.findall(r"^([a-z0-9-]+)==([^ ]+)(.*(?:\n    .*)*)", text, re.MULTILINE)
    assert all("--hash=sha256:" in rest for _, _, rest in blocks)
    return {package: version for package, version, _ in blocks}


def test_the_locks_hold_what_the_project_asks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    run = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    asked = {"run": run} | {name: [*run, *settings["dependency-groups"][name]] for name in ("test", "bench")}

    for name, lines in asked.items():
        locked = pins(name)
        for wanted in map(Requirement, lines):
            assert wanted.specifier.contains(locked.get(wanted.name, "0")), f"{name}.lock: {wanted}"


@pytest.mark.parametrize("name", ["test", "bench"])
def test_tests_and_benchmarks_use_the_versions_that_run(name: str) -> None:
    assert pins("run").items() <= pins(name).items()
