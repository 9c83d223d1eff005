"""The globals of the templates."""

from __future__ import annotations

from flask import Flask, render_template_string


def test_templates_have_the_globals_of_the_environment_without_a_copy(app: Flask) -> None:
    template = app.jinja_env.from_string("{{ COMMAND }}")

    assert template.globals is app.jinja_env.globals
    assert render_template_string("{{ COMMAND }}") == app.jinja_env.globals["COMMAND"]


def test_the_own_globals_of_a_template_are_not_those_of_others(app: Flask) -> None:
    template = app.jinja_env.from_string("{{ COMMAND }} {{ own }}", {"own": "x"})

    assert template.render() == f"{app.jinja_env.globals['COMMAND']} x"
    assert "own" not in app.jinja_env.globals
