"""The command `dev`, run as a process in a small substitute of a checkout, without network access."""

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
from click.testing import CliRunner
from packaging.requirements import Requirement

from voiceadmin.__main__ import cli

ROOT = Path(__file__).resolve().parent.parent
FAKE_PROGRAM = """
import json, os, signal, sys
bytecode = {"writes_bytecode": not sys.dont_write_bytecode, "bytecode": sys.pycache_prefix}
call = {"words": sys.argv[1:], "folder": os.getcwd(), "pid": os.getpid(), "path": sys.path} | bytecode
print(json.dumps(call), flush=True)
if "--wait" in sys.argv:
    signal.pause()
"""
FAKE_UV = """#!/bin/sh
# Creates an environment without packages. Installing any package fails.
for word; do case "$word" in *.lock) lock=$word ;; esac; done
case "$1" in
    venv) echo created >> "$(dirname "$0")/log"; for home; do :; done; exec "$PYTHON" -m venv --without-pip "$home" ;;
    pip) ! grep -q "==" "$lock" ;;
esac
"""


class Checkout:
    """A folder with `dev`, empty locks, a fake uv that needs no network, and a fake voiceadmin that prints its call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "voiceadmin").mkdir(parents=True)
        (folder / "voiceadmin" / "__main__.py").write_text(FAKE_PROGRAM)
        (folder / "run.lock").write_text("# nothing\n")
        (folder / "test.lock").write_text("# nothing\n")
        (folder / "bench.lock").write_text("# nothing\n")
        (folder / "tests" / "benchmarks").mkdir(parents=True)
        (folder / "tests" / "benchmarks" / "__main__.py").write_text(FAKE_PROGRAM)
        (folder / "tests" / "upstream").mkdir()
        (folder / "tests" / "upstream" / "demo.py").write_text(FAKE_PROGRAM)
        (folder / "bin").mkdir()
        (folder / "bin" / "uv").write_text(FAKE_UV)
        (folder / "bin" / "uv").chmod(0o755)
        shutil.copy2(ROOT / "dev", folder)

    def start(self, *words: str, folder: Path | None = None, **environ: str) -> subprocess.Popen[str]:
        """Start `dev` in the background, in a folder and with additional environment variables if given."""
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        inherited = os.environ | {
            "PATH": path,
            "PYTHON": sys.executable,
            "PIP_NO_INDEX": "1",
            "VOICEADMIN_CHROMIUM": "",
        }
        return subprocess.Popen(
            [sys.executable, self.folder / "dev", *words],
            cwd=folder or self.folder.parent,
            env=inherited | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dev(self, *words: str, folder: Path | None = None, **environ: str) -> tuple[int, str, str]:
        """Run `dev`, and return its exit code, standard output and standard error."""
        with self.start(*words, folder=folder, **environ) as process:
            output, messages = process.communicate()
        return process.returncode, output, messages

    def run_program(self, *words: str, folder: Path | None = None, **environ: str) -> dict[str, Any]:
        """Run `dev`, and return how it called the fake program: arguments, folder, process id and import path."""
        code, output, messages = self.dev(*words, folder=folder, **environ)
        assert code == 0, messages
        call: dict[str, Any] = json.loads(output)
        return call


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with complete environments. Tests must not change it."""
    checkout = Checkout(tmp_path_factory.mktemp("Bürö Möbel") / "voice admin")
    checkout.run_program("run")
    return checkout


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "voiceadmin")


def test_dev_is_executable() -> None:
    assert os.access(ROOT / "dev", os.X_OK)


def test_dev_without_arguments_prints_its_usage_and_fails(ready: Checkout) -> None:
    code, output, messages = ready.dev()

    assert (code, output) == (1, "")
    assert all(f"./dev {verb}" in messages for verb in ("run", "test", "check", "bench", "upstream", "mutate", "lock"))


def test_help_prints_the_usage_and_succeeds(ready: Checkout) -> None:
    code, output, _ = ready.dev("--help")

    assert code == 0
    assert "./dev run" in output


def test_the_usage_names_every_command(ready: Checkout) -> None:
    _, usage, _ = ready.dev("--help")

    assert [name for name in cli.commands if not re.search(rf"\b{name}\b", usage)] == []


def test_the_version_is_that_of_the_project() -> None:
    result = CliRunner().invoke(cli, ["--version"])

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert result.stdout == f"voiceadmin, version {project['version']}\n"


def test_dev_is_valid_syntax_for_python_3_6() -> None:
    text = (ROOT / "dev").read_text("utf-8")

    ast.parse(text, feature_version=(3, 6))

    assert "from __future__" not in text  # annotations came with 3.7


def run_as_old_python(path: str) -> subprocess.CompletedProcess[str]:
    """Run `dev` in this Python with the version changed to 3.9.2, and only `path` on the PATH."""
    script = "import runpy, sys; sys.version_info, sys.version = (3, 9, 2), '3.9.2 (main)'; sys.argv = sys.argv[1:]; "
    script += "runpy.run_path(sys.argv[0], run_name='__main__')"
    run = [sys.executable, "-c", script, str(ROOT / "dev"), "--help"]
    return subprocess.run(run, env={"PATH": path, "PYENV_ROOT": path}, capture_output=True, text=True, check=False)


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    done = run_as_old_python(str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == "voiceadmin needs Python 3.11 or later; this is 3.9.2, and no later one was found.\n"


def test_an_old_python_starts_a_later_one(tmp_path: Path) -> None:
    (tmp_path / f"python3.{sys.version_info.minor}").symlink_to(sys.executable)

    done = run_as_old_python(str(tmp_path))

    assert done.returncode == 0
    assert "./dev run" in done.stdout


def test_later_pythons_that_cannot_start_are_skipped(tmp_path: Path) -> None:
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 127\n")
        (tmp_path / name).chmod(0o755)

    assert run_as_old_python(str(tmp_path)).returncode == 1


@pytest.mark.parametrize("words", [("run", "--port", "8000"), ("import", "Stimmen für alle.json"), ("--version",)])
def test_other_arguments_are_passed_to_voiceadmin(ready: Checkout, words: tuple[str, ...]) -> None:
    assert ready.run_program(*words)["words"] == list(words)


def test_bench_has_its_own_environment(ready: Checkout) -> None:
    call = ready.run_program("bench", "--quick", "--folder", "ein Ordner")

    assert call["words"] == ["--quick", "--folder", "ein Ordner"]
    assert any("/.venv/bench/" in path for path in call["path"])


def test_the_stand_ins_need_no_packages_of_the_tests(ready: Checkout) -> None:
    call = ready.run_program("upstream")

    assert call["words"] == []
    assert any("/.venv/run/" in path for path in call["path"])


def test_the_commands_that_the_stand_ins_print_add_sources_and_sync_them(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "tests.upstream.demo"]
    with subprocess.Popen(command, cwd=ROOT, env=CLEAN, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        commands = "".join(demo.stdout.readline() for _ in range(7))
        done = run_printed_commands(commands, tmp_path)
        demo.send_signal(signal.SIGINT)

    assert demo.returncode == 130
    assert re.findall("List voices: (.*)", done.stdout) == ["yes"] * 5
    assert done.stdout.splitlines()[-5:] == [
        "burki-demo: complete. Voices: 60 added, 0 changed, 0 unchanged. Assistants: 4 added or changed.",
        *(
            f"{provider}-demo: complete. Voices: 15 added, 0 changed, 0 unchanged."
            for provider in ("cartesia", "elevenlabs", "inworld", "resemble")
        ),
    ]


CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("VOICEADMIN_", "UPSTREAM_"))} | {
    "PYTHONPATH": str(ROOT)
}


def run_printed_commands(commands: str, instance: Path) -> subprocess.CompletedProcess[str]:
    """Run printed commands as a person does who copies them, with the program of this environment."""
    script = commands.replace("./dev ", f"{sys.executable} -P -m voiceadmin ")
    environ = CLEAN | {"VOICEADMIN_INSTANCE": str(instance)}
    return subprocess.run(["sh", "-e", "-c", script], env=environ, capture_output=True, text=True, check=True)


def test_bytecode_is_written_outside_of_the_source_folders(ready: Checkout) -> None:
    call = ready.run_program("import", "x.json", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX="")

    assert call["writes_bytecode"]
    assert Path(call["bytecode"]) == ready.folder.resolve() / ".venv" / "pycache"


def test_the_working_folder_is_not_changed(fresh: Checkout, tmp_path: Path) -> None:
    first, later = (fresh.run_program("import", "x.json", folder=tmp_path) for _ in range(2))

    assert first["folder"] == later["folder"] == str(tmp_path)


def test_the_checkout_is_importable_and_the_working_folder_is_not(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')")

    path = ready.run_program("run", folder=tmp_path)["path"]

    assert str(ready.folder) in path
    assert str(tmp_path) not in path


def test_signals_reach_the_server_process(ready: Checkout) -> None:
    with ready.start("run", "--wait") as process:
        assert process.stdout
        call = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)

    assert call["pid"] == process.pid
    assert process.returncode == -signal.SIGTERM


def test_a_complete_environment_is_not_set_up_again(ready: Checkout) -> None:
    assert ready.dev("run")[2] == ""


def break_stamp(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "run" / ".ready").write_text("half")


def change_lock(checkout: Checkout) -> None:
    (checkout.folder / "run.lock").write_text("# nothing else\n")


def remove_python(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "run" / "bin" / "python").unlink()


@pytest.mark.parametrize("damage", [break_stamp, change_lock, remove_python])
def test_an_environment_that_does_not_match_is_created_again(
    fresh: Checkout, damage: Callable[[Checkout], None]
) -> None:
    fresh.run_program("run")
    leftover = fresh.folder / ".venv" / "run" / "leftover"
    leftover.touch()
    damage(fresh)

    code, _, messages = fresh.dev("run")

    assert (code, messages) == (0, "Setting up .venv/run; this is needed once ...\n")
    assert not leftover.exists()


def test_an_environment_with_a_failed_set_up_is_not_used(fresh: Checkout) -> None:
    fresh.run_program("run")
    pins, good = fresh.folder / "run.lock", "# nothing\n"
    pins.write_text(f"no-such-package==1.0 --hash=sha256:{64 * '0'}\n")

    failures = [fresh.dev("run") for _ in range(2)]
    pins.write_text(good)
    code, _, messages = fresh.dev("run")

    assert [failure[0] for failure in failures] == [1, 1]
    assert all("This command failed: " in failure[2] for failure in failures)
    assert (code, "Setting up" in messages) == (0, True)


def test_two_parallel_starts_set_up_once(fresh: Checkout) -> None:
    processes = [fresh.start("run") for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]

    assert all('"words": ["run"]' in output for output in outputs)
    assert (fresh.folder / "bin" / "log").read_text() == "created\n"


def test_pip_is_used_without_uv(fresh: Checkout, tmp_path: Path) -> None:
    pytest.importorskip("ensurepip", reason="this Python has no ensurepip: it cannot create environments without uv")

    code, output, messages = fresh.dev("run", PATH=str(tmp_path))

    assert code == 0, messages
    assert str(fresh.folder) in json.loads(output)["path"]
    assert not (fresh.folder / "bin" / "log").exists()


def test_a_moved_checkout_sets_up_again(fresh: Checkout, tmp_path: Path) -> None:
    fresh.run_program("run")
    fresh.folder = fresh.folder.rename(tmp_path / "moved")

    _, output, messages = fresh.dev("run")

    assert "Setting up" in messages
    assert str(tmp_path / "moved") in json.loads(output)["path"]


def test_a_missing_browser_is_reported_by_name(ready: Checkout) -> None:
    code, _, messages = ready.dev("test", VOICEADMIN_CHROMIUM="/no/such/browser")

    assert code == 1
    assert messages.endswith("VOICEADMIN_CHROMIUM is not a program: /no/such/browser\n")


def test_the_fast_tests_need_no_browser(ready: Checkout) -> None:
    _, _, messages = ready.dev("test", "--fast", VOICEADMIN_CHROMIUM="/no/such/browser")

    assert "No module named pytest" in messages


@pytest.fixture
def bare_path(fresh: Checkout, tmp_path: Path) -> str:
    """A PATH with the fake uv and what it runs, but without apt-get and the programs that tests run."""
    for name in ("dirname", "grep"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    return f"{fresh.folder}/bin:{tmp_path}"


def test_the_programs_that_tests_lack_are_named_at_once_before_the_run(fresh: Checkout, bare_path: str) -> None:
    _, _, messages = fresh.dev("test", PATH=bare_path, CI="")

    named, _, after = messages.partition("MISSING: ")[2].partition("The tests that need them are skipped. ")
    assert named.startswith("curl, git, ")
    assert after.startswith("On Debian and Ubuntu, run this as root, then run ./dev again:\n  apt-get update && ")
    assert f"apt-get install -y {named.rstrip('. ').replace(',', '')}\n" in after
    assert after.endswith("No module named pytest\n")


def test_a_build_server_needs_every_program(fresh: Checkout, bare_path: str) -> None:
    code, _, messages = fresh.dev("test", PATH=bare_path, CI="true")

    assert code == 1
    assert "MISSING: curl, git, " in messages
    assert "No module named pytest" not in messages


@pytest.mark.parametrize(("words", "packages"), [("run", "\n"), ("test --fast", " git\n"), ("test", " curl git ")])
def test_a_missing_venv_module_is_reported_with_everything_else_that_is_missing(
    fresh: Checkout, tmp_path: Path, words: str, packages: str
) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError")

    code, _, messages = fresh.dev(*words.split(), PATH=str(tmp_path), PYTHONPATH=str(tmp_path))

    assert code == 1
    assert "no venv module. On Debian and Ubuntu, run this as root, then run ./dev again:\n" in messages
    assert f"  apt-get update && apt-get install -y python3.{sys.version_info.minor}-venv{packages}" in messages


@pytest.mark.parametrize("name", ["run", "test", "bench"])
def test_a_lock_contains_no_url_and_no_folder(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text("utf-8").replace("    --hash=", "")

    assert "./dev lock" in text
    assert not re.search(r"://|\.(org|com|net|io)\b|^\s*-|/(home|root|tmp|Users)/", text, re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """The package and version of each pin in a lock. Every pin must have a hash."""
    text = (ROOT / f"{name}.lock").read_text("utf-8")
    blocks = re.findall(r"^([a-z0-9-]+)==([^ ]+)(.*(?:\n    .*)*)", text, re.MULTILINE)
    assert all("--hash=sha256:" in rest for _, _, rest in blocks)
    return {package: version for package, version, _ in blocks}


def test_the_locks_satisfy_the_requirements_of_the_project() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    run = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    required = {"run": run} | {name: [*run, *settings["dependency-groups"][name]] for name in ("test", "bench")}

    for name, lines in required.items():
        locked = pins(name)
        for requirement in map(Requirement, lines):
            assert requirement.specifier.contains(locked.get(requirement.name, "0")), f"{name}.lock: {requirement}"


@pytest.mark.parametrize("name", ["test", "bench"])
def test_tests_and_benchmarks_use_the_versions_of_the_run_time(name: str) -> None:
    assert pins("run").items() <= pins(name).items()
