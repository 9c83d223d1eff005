"""Fixtures that run commands of the CLI against the database of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine

Shell = Callable[..., Result]


@pytest.fixture
def make_shell() -> Iterator[Callable[[Settings], Shell]]:
    """Return a function that runs commands with given settings, each with an application of its own."""
    apps: list[Flask] = []

    def factory(settings: Settings) -> Flask:
        apps.append(create_app(settings))
        return apps[-1]

    def run(settings: Settings, *words: str | Path, stdin: bytes | str = b"") -> Result:
        result = CliRunner().invoke(cli, [str(word) for word in words], obj=partial(factory, settings), input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    yield lambda settings: partial(run, settings)
    for app in apps:
        with app.app_context():
            dispose_engine()


@pytest.fixture
def shell(app: Flask, settings: Settings, make_shell: Callable[[Settings], Shell]) -> Shell:
    """Return a function that runs a command against the database of the test."""
    return make_shell(settings)
