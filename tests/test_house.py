"""The rules of the house, checked by walking its code: floors, templates, styles, documents, names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, meta, nodes

from voiceadmin import create_app
from voiceadmin.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "voiceadmin"
TEMPLATES = ROOT / "templates"

FLOORS = {
    0: {
        *("vocabulary", "shapes", "people", "problems", "tokens"),
        *("config", "clock", "folding", "logs", "sample_data", "wording", "desk", "cleaning"),
    },
    1: {"db", "models", "migrations", "formats"},
    2: {"queries", "actions"},
    3: {"forms", "presenting", "access", "headers", "views", "openapi", "deployment", "server", "cli"},
    4: {"__init__", "__main__"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room that a file stands in."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def tree(path: Path) -> ast.Module:
    """A parsed file."""
    return ast.parse(path.read_text("utf-8"))


def rooms_imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "voiceadmin":
            names = [f"voiceadmin.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.startswith("voiceadmin."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_go_down_the_stairs(path: Path) -> None:
    floor = FLOOR_OF[room(path)]
    allowed = {0, 2, 3} if floor == 3 else set(range(floor + 1))

    wrong = {name for name in rooms_imported(path) if FLOOR_OF.get(name, 4) not in allowed}

    assert not wrong


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_inside_a_function(path: Path) -> None:
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]

    hidden = [
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not hidden


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_its_sentence(path: Path) -> None:
    assert ast.get_docstring(tree(path))


def test_the_words_of_the_house_need_nothing_but_the_standard_library() -> None:
    for path in modules():
        if FLOOR_OF[room(path)] == 0:
            outside = {
                name.split(".")[0]
                for node in ast.walk(tree(path))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            }
            assert outside <= {*sys.stdlib_module_names, "voiceadmin"}, path


def test_only_the_clock_reads_the_time() -> None:
    readers = [
        path
        for path in modules()
        if re.search(r"\b(utcnow|datetime\.now|date\.today|time\.time)\(", path.read_text("utf-8"))
    ]

    assert readers == [PACKAGE / "clock.py"]


def test_only_actions_write() -> None:
    writers = {
        room(path)
        for path in modules()
        if re.search(r"\bwriting\(\)|\.commit\(\)", path.read_text("utf-8")) and path.name != "db.py"
    }

    assert writers == {"actions"}


def test_tests_stand_where_the_code_stands() -> None:
    about_the_whole = {
        "test_house.py",
        "test_documents.py",
        "test_dev.py",
        "test_wheel.py",
        "test_hostile.py",
        "test_fuzz.py",
        "test_bulk.py",
        "test_steps.py",
        "test_situations.py",
        "test_documentation.py",
        "test_desk_states.py",
        "test_desk_together.py",
        "test_desk_killed.py",
    }
    strangers = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name not in about_the_whole and "browser" not in path.parts and "benchmarks" not in path.parts
        if not (PACKAGE / path.relative_to(ROOT / "tests").parent / path.name.removeprefix("test_")).exists()
    ]

    assert not strangers


def test_no_test_sleeps() -> None:
    pattern = re.compile(r"\b(time\.sleep|wait_for_timeout)\b")

    assert not [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "test_house.py" and pattern.search(path.read_text("utf-8"))
    ]


# Templates and styles


@pytest.fixture(scope="module")
def jinja() -> Environment:
    """The environment that renders the pages."""
    return create_app(Settings()).jinja_env


def templates() -> list[str]:
    """The names of all templates."""
    return sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def source(name: str) -> str:
    """The text of a template."""
    return (TEMPLATES / name).read_text("utf-8")


@pytest.mark.parametrize("name", templates())
def test_a_template_compiles_and_uses_what_it_imports(jinja: Environment, name: str) -> None:
    jinja.get_template(name)
    parsed = jinja.parse(source(name))

    imported = {
        alias if isinstance(alias, str) else alias[1]
        for node in parsed.find_all(nodes.FromImport)
        for alias in node.names
    }
    # What a page imports, the pieces that it includes may use.
    included = [str(node.template.as_const()) for node in parsed.find_all(nodes.Include)]
    used = {
        node.name
        for text in [name, *included]
        for node in jinja.parse(source(text)).find_all(nodes.Name)
        if node.ctx == "load"
    }

    assert imported <= used


@pytest.mark.parametrize("name", templates())
def test_a_template_holds_nothing_that_our_policy_forbids(name: str) -> None:
    text = source(name)

    assert not re.search(r"\|\s*safe\b|autoescape\s+false|<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("name", [name for name in templates() if name.startswith("components/") and "_" not in name])
def test_a_macro_is_given_all_it_needs(jinja: Environment, name: str) -> None:
    of_requests = {"request", "g", "session", "current_user", "config"}

    assert not meta.find_undeclared_variables(jinja.parse(source(name))) & of_requests


@pytest.mark.parametrize("name", templates())
def test_every_template_is_reached(name: str) -> None:
    texts = [
        path.read_text("utf-8")
        for folder in (TEMPLATES, PACKAGE)
        for path in folder.rglob("*.*")
        if path.suffix in (".html", ".py")
    ]

    assert any(f'"{name}"' in text for text in texts)


def styles() -> str:
    """All style sheets one after the other."""
    return "".join(path.read_text("utf-8") for path in sorted((ROOT / "static").glob("*.css"), reverse=True))


def test_a_colour_is_written_among_the_tokens_and_nowhere_else() -> None:
    css = styles()
    before, _, rest = css.partition("@layer tokens {")
    tokens, _, after = rest.partition("\n}\n")

    assert "--accent:" in tokens
    assert not re.search(
        r"#[0-9a-f]{3,8}\b(?!\w*-)|\b(rgb|hsl|oklch)\(|\b(red|black|white|gray|grey|blue|green)\b(?!-)", before + after
    )
    assert "!important" not in css
    assert "@import" not in css


def test_every_token_is_defined_and_used() -> None:
    css = re.sub(r"/\*.*?\*/", "", styles(), flags=re.DOTALL)

    assert set(re.findall(r"var\((--[\w-]+)", css)) == set(re.findall(r"[{;]\s+(--[\w-]+):", css))


def test_every_package_is_pinned_by_its_hash_and_from_no_named_place() -> None:
    for lock in ROOT.glob("*.lock"):
        pins = lock.read_text("utf-8")
        assert "://" not in pins, lock.name
        for pin in re.split(r"\n(?=\S)", pins):
            assert pin.startswith("#") or "--hash=sha256:" in pin, (lock.name, pin[:80])


def test_only_what_must_stands_at_the_root() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:  # not a checkout, so there is nothing to compare
        assert not (ROOT / ".git").exists()
        return

    assert {name.partition("/")[0] for name in tracked.stdout.splitlines()} <= {
        *("voiceadmin", "templates", "static", "tests", "instance", "pyproject.toml", "README.md", "CHANGELOG.md"),
        *("dev", "run.lock", "test.lock", "bench.lock", ".gitignore", ".ci", "docs"),
    }


@pytest.mark.parametrize("words", [["ruff", "format", "--check"], ["ruff", "check"], ["mypy"]], ids=" ".join)
def test_the_code_is_clean(words: list[str]) -> None:
    result = subprocess.run([sys.executable, "-P", "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
