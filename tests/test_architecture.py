"""Architecture and style checks over the source tree: layers, templates, style sheets, documents."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from jinja2 import Environment, meta, nodes

from voiceadmin import create_app
from voiceadmin.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "voiceadmin"
TEMPLATES = ROOT / "templates"

# Layers, lowest first. A module may import modules of its own layer and of lower ones.
LAYERS = (
    ("root", {"clock", "config", "enums", "errors", "identity", "pagination", "tabular", "text", "tokens"}),
    ("database", {"database"}),
    ("types", {"models", "types", "changes", "json_body", "data", "names", "passwords", "statistics"}),
    ("queries", {"queries", "rules", "listing", "exporting", "locks", "usage"}),
    ("actions", {"actions", "rate_limiter", "importing"}),
    ("web", {"web", "cli"}),
    ("forms", {"forms", "cached_counts", "bulk", "code_samples", "document"}),
    ("views", {"views", "api", "cli", "server"}),
    ("application", {"__init__", "__main__"}),
)
LAYER_OF = {name: number for number, (_, names) in enumerate(LAYERS) for name in names}
TYPES, ACTIONS = 2, 4  # the domain layers
SHARED = {"database", "web", "server"}  # packages that are a layer as a whole


def modules() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> tuple[str, ...]:
    """Return the parts of a module's name below the package, such as ("voices", "listing", "planner")."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts


def layer(parts: tuple[str, ...]) -> int:
    """Return the number of a module's layer: by its own name at the root, by the name inside its feature otherwise."""
    if len(parts) == 1 and parts[0] in LAYER_OF:
        return 5 if parts[0] == "cli" else LAYER_OF[parts[0]]
    if parts[0] in SHARED:
        return LAYER_OF[parts[0]]
    return LAYER_OF[parts[1]]


@cache
def tree(path: Path) -> ast.Module:
    """Return a parsed file."""
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the modules of the package that a file imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "voiceadmin":
            base = (node.module or "").split(".")[1:]
            for alias in node.names:
                parts = (*base, alias.name)
                if not base and alias.name == "create_app":
                    yield ("__init__",)
                elif PACKAGE.joinpath(*parts).is_dir() or PACKAGE.joinpath(*parts).with_suffix(".py").exists():
                    yield parts
                else:
                    yield tuple(base)


def is_feature(parts: tuple[str, ...]) -> bool:
    """Return whether a module belongs to a feature, and not to the root or a shared package."""
    return len(parts) > 1 and parts[0] not in SHARED


FILES = [path for path in modules() if len(dotted(path)) > 1 or path.parent == PACKAGE]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_its_own_layer_and_lower_ones(path: Path) -> None:
    own = layer(dotted(path))

    assert not [".".join(parts) for parts in imported(path) if layer(parts) > own]


def test_the_models_types_queries_and_actions_of_features_form_no_cycle() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        parts = dotted(path)
        if is_feature(parts) and TYPES <= layer(parts) <= ACTIONS:
            below = {other[0] for other in imported(path) if is_feature(other)} - {parts[0]}
            graph.setdefault(parts[0], set()).update(below)

    assert tuple(TopologicalSorter(graph).static_order())


def test_no_view_imports_a_view_of_another_module() -> None:
    views = LAYER_OF["views"]
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {'.'.join(parts)}"
        for path in FILES
        if layer(dotted(path)) == views and dotted(path)[0] not in SHARED
        for parts in imported(path)
        if is_feature(parts) and layer(parts) == views
    ]

    assert not wrong


def test_only_forms_views_and_web_know_flask() -> None:
    wrong = [
        path
        for path in FILES
        if layer(dotted(path)) < LAYER_OF["web"] and dotted(path)[0] != "database"
        if re.search(r"^(from|import) (flask|werkzeug|wtforms)\b", path.read_text("utf-8"), re.MULTILINE)
    ]

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


def test_the_root_modules_need_only_the_standard_library() -> None:
    for path in FILES:
        if layer(dotted(path)) == 0:
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
    writers = [
        path
        for path in FILES
        if re.search(r"\bwrite_transaction\(\)|\.commit\(\)", path.read_text("utf-8"))
        and dotted(path) != ("database", "transactions")
    ]

    assert {layer(dotted(path)) for path in writers} == {ACTIONS}


def test_tests_stand_where_the_code_stands() -> None:
    about_the_whole = {
        *(
            "test_architecture.py",
            "test_documents.py",
            "test_dev.py",
            "test_wheel.py",
            "test_hostile.py",
            "test_fuzz.py",
            "test_folding.py",
        ),
        *("test_database.py", "test_migrations.py", "test_upgrade.py", "test_exports.py"),
        *("test_killed.py", "test_states.py", "test_concurrency.py", "test_bulk.py"),
        *("test_situations.py", "test_documentation.py", "test_types.py", "test_enums.py"),
    }
    strays = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name not in about_the_whole and "browser" not in path.parts and "benchmarks" not in path.parts
        if not (PACKAGE / path.relative_to(ROOT / "tests").parent / path.name.removeprefix("test_")).exists()
    ]

    assert not strays


def test_no_test_sleeps() -> None:
    pattern = re.compile(r"\b(time\.sleep|wait_for_timeout)\b")

    assert not [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "test_architecture.py" and pattern.search(path.read_text("utf-8"))
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


# Repository


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
