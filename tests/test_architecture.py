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

from tests.programs import find_program
from voiceadmin import create_app
from voiceadmin.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "voiceadmin"
TEMPLATES = ROOT / "templates"

# Layers, lowest first. A module may import modules of its own layer and of lower ones.
LAYERS = (
    ("root", {"clock", "config", "enums", "errors", "identity", "pagination", "tabular", "text", "tokens"}),
    ("database", {"database"}),
    (
        "types",
        {
            "models",
            "types",
            "json_body",
            "data",
            "names",
            "passwords",
            "statistics",
            "clients",
            "keys",
            "verdicts",
            "breaker",
            "daily_use",
            "trends",
            "forecasts",
            "sparklines",
        },
    ),
    (
        "queries",
        {
            "queries",
            "rules",
            "changes",
            "sentences",
            "listing",
            "exporting",
            "locks",
            "usage",
            "connecting",
            "evidence",
            "provider_queries",
            "facts",
            "verdict_queries",
            "reset_queries",
            "last_days",
        },
    ),
    ("actions", {"actions", "rate_limiter", "importing", "plan_text"}),
    ("web", {"web", "cli"}),
    ("forms", {"forms", "counting", "bulk", "code_samples", "document"}),
    ("views", {"views", "deletion_views", "orphan_views", "api", "cli", "sync_cli", "server"}),
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


def test_a_module_imports_only_its_own_layer_and_lower_ones() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {'.'.join(parts)}"
        for path in FILES
        for parts in imported(path)
        if layer(parts) > layer(dotted(path))
    ]

    assert not wrong


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


def test_no_function_contains_an_import() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in modules()
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not wrong


def test_every_module_has_a_docstring() -> None:
    assert not [path for path in modules() if not ast.get_docstring(tree(path))]


def packages_imported(path: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def test_the_root_modules_need_only_the_standard_library() -> None:
    lowest = [path for path in FILES if layer(dotted(path)) == 0]

    assert {name for path in lowest for name in packages_imported(path)} <= {*sys.stdlib_module_names, "voiceadmin"}


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


# Tests of no single module: by the start of their file name.
ABOUT_THE_WHOLE = {
    *("architecture", "documents", "dev", "wheel", "hostile", "fuzz", "folding", "growth"),
    *("database", "migrations", "upgrade", "exports"),
    *("killed", "states", "concurrency", "situations", "documentation"),
}


def mirrors_a_module(path: Path) -> bool:
    """Return whether a test file is `test_<module>.py`, `test_<module>_<subject>.py` or in a folder named after one."""
    words = path.stem.removeprefix("test_").split("_")
    names = {"_".join(words[:length]) for length in range(1, len(words) + 1)}
    folder = PACKAGE / path.relative_to(ROOT / "tests").parent
    if names & ABOUT_THE_WHOLE or folder.with_suffix(".py").exists():
        return True
    return any((folder / name).with_suffix(".py").exists() for name in names)


def test_test_files_mirror_the_modules_they_test() -> None:
    assert not [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if {"browser", "benchmarks"}.isdisjoint(path.parts) and not mirrors_a_module(path)
    ]


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
    """Return the environment that renders the pages."""
    return create_app(Settings()).jinja_env


def template_names() -> list[str]:
    """Return the names of all templates."""
    return sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def source(name: str) -> str:
    """Return the text of a template."""
    return (TEMPLATES / name).read_text("utf-8")


def names_imported(template: nodes.Template) -> set[str]:
    """Return the macros that a template imports."""
    return {
        alias if isinstance(alias, str) else alias[1]
        for node in template.find_all(nodes.FromImport)
        for alias in node.names
    }


def names_used(jinja: Environment, template: nodes.Template) -> set[str]:
    """Return the names that a template and the partials that it includes read."""
    partials = [jinja.parse(source(str(node.template.as_const()))) for node in template.find_all(nodes.Include)]
    return {node.name for part in (template, *partials) for node in part.find_all(nodes.Name) if node.ctx == "load"}


def test_every_template_compiles(jinja: Environment) -> None:
    for name in template_names():
        jinja.get_template(name)


def test_a_template_uses_every_macro_that_it_imports(jinja: Environment) -> None:
    parsed = {name: jinja.parse(source(name)) for name in template_names()}

    unused = {name: names_imported(template) - names_used(jinja, template) for name, template in parsed.items()}

    assert not {name: macros for name, macros in unused.items() if macros}


FORBIDDEN = (
    r"\|\s*safe\b|autoescape\s+false|<style|\sstyle=|\son[a-z]+=|javascript:"  # needs escaping or inline code
    r"|<script(?![^>]*\ssrc=)"
    r"|(src|href)=\"(https?:)?//"  # loads from another origin
)


def test_no_template_contains_what_the_security_headers_forbid() -> None:
    assert not [name for name in template_names() if re.search(FORBIDDEN, source(name), re.IGNORECASE)]


def test_components_take_everything_as_arguments(jinja: Environment) -> None:
    of_requests = {"request", "g", "session", "current_user", "config"}
    components = [name for name in template_names() if name.startswith("components/") and "_" not in name]

    assert components
    assert not [name for name in components if meta.find_undeclared_variables(jinja.parse(source(name))) & of_requests]


def test_every_template_is_used() -> None:
    texts = "".join(
        path.read_text("utf-8")
        for folder in (TEMPLATES, PACKAGE)
        for path in folder.rglob("*.*")
        if path.suffix in (".html", ".py")
    )

    assert not [name for name in template_names() if f'"{name}"' not in texts]


def styles() -> str:
    """Return all style sheets, one after the other."""
    return "".join(path.read_text("utf-8") for path in sorted((ROOT / "static").glob("*.css"), reverse=True))


def test_colours_stand_only_in_the_tokens_layer() -> None:
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


def test_every_package_is_pinned_by_hash_and_names_no_registry() -> None:
    for lock in ROOT.glob("*.lock"):
        pins = lock.read_text("utf-8")
        assert "://" not in pins, lock.name
        for pin in re.split(r"\n(?=\S)", pins):
            assert pin.startswith("#") or "--hash=sha256:" in pin, (lock.name, pin[:80])


def test_the_root_contains_only_what_it_must() -> None:
    tracked = subprocess.run([find_program("git"), "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:  # not a checkout, so there is nothing to compare
        assert not (ROOT / ".git").exists()
        return

    assert {name.partition("/")[0] for name in tracked.stdout.splitlines()} <= {
        *("voiceadmin", "templates", "static", "tests", "instance", "pyproject.toml", "README.md", "CHANGELOG.md"),
        *("dev", "run.lock", "test.lock", "bench.lock", ".gitignore", ".ci", "docs"),
    }
