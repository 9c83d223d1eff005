"""Compiled templates on disk: valid only for the template, the program and the versions that they were compiled for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment

from voiceadmin.web import template_cache
from voiceadmin.web.template_cache import TemplateCache, default_folder

Render = Callable[..., str]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that were compiled, in this order."""
    names: list[str] = []
    original = Environment.compile

    def compile_template(self: Environment, source: str, name: str | None = None, *rest: object) -> object:
        names.append(str(name))
        return original(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", compile_template)
    return names


@pytest.fixture
def render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Return a function that renders a template in a new environment with a cache in a folder of the test."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    def render_template(source: str = "{{ 'a'|mark }}", mark: str = "1") -> str:
        environment = Environment(
            loader=DictLoader({"x.html": source}), bytecode_cache=TemplateCache(tmp_path / "cache"), autoescape=True
        )
        environment.filters["mark"] = lambda text: f"{text}{mark}"
        return environment.get_template("x.html").render()

    return render_template


def test_a_template_is_compiled_once(render: Render, compiled: list[str], tmp_path: Path) -> None:
    assert [render(), render()] == ["a1", "a1"]

    assert compiled == ["x.html"]
    (path,) = (tmp_path / "cache").iterdir()
    assert path.stat().st_mode & 0o022 == 0


def test_a_changed_template_is_compiled_again(render: Render, compiled: list[str]) -> None:
    assert [render("first"), render("second"), render("second")] == ["first", "second", "second"]

    assert len(compiled) == 2


def test_a_template_is_compiled_again_after_a_change_of_the_program(
    render: Render, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiler calls a filter whose argument is a constant."""
    assert render(mark="1") == "a1"
    monkeypatch.setattr(template_cache, "compiler_version", lambda: b"changed")

    assert render(mark="2") == "a2"
    assert len(compiled) == 2


def test_the_version_of_the_compiler_depends_on_the_files_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_cache, "PACKAGE", tmp_path)
    found = []
    for text in ("", "x = 1"):
        (tmp_path / "module.py").write_text(text)
        found.append(template_cache.compiler_version.__wrapped__())

    assert found[0] != found[1]


@pytest.mark.parametrize(
    "damage",
    [lambda stored: b"", lambda stored: stored[:-1], lambda stored: stored + b"x"],
    ids=["empty", "short", "long"],
)
def test_a_damaged_file_is_replaced(
    render: Render, compiled: list[str], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    render()
    (path,) = (tmp_path / "cache").iterdir()
    stored = path.read_bytes()
    path.write_bytes(damage(stored))

    assert render() == "a1"
    assert len(compiled) == 2
    assert path.read_bytes() == stored


def test_templates_are_rendered_without_a_folder_for_them(render: Render, compiled: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in place of the folder")

    assert [render(), render()] == ["a1", "a1"]
    assert len(compiled) == 2


def test_an_interrupted_write_leaves_no_file(render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)

    assert render() == "a1"
    assert list((tmp_path / "cache").iterdir()) == []


def test_nothing_is_written_if_python_writes_no_bytecode(
    render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    assert render() == "a1"
    assert not (tmp_path / "cache").exists()


def test_the_application_stores_templates_beside_the_bytecode_of_the_program(app: Flask) -> None:
    assert isinstance(app.jinja_env.bytecode_cache, TemplateCache)
    assert app.jinja_env.bytecode_cache.folder == default_folder()
    if sys.pycache_prefix:
        assert default_folder().is_relative_to(sys.pycache_prefix)
