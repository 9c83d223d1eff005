"""The environment of the templates."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment


class TemplateEnvironment(Environment):
    """Flask's environment, with less work for each import of macros.

    An import compares the names of the globals of both templates. Jinja's own globals are a ChainMap, in which each
    name is looked up by Python code: for a page with seven imports that took a tenth of its time.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template: those of the environment, unless it has own ones."""
        return super().make_globals(d) if d else self.globals
