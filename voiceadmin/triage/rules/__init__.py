"""The rules of attention, worst first. Each module of this package that defines `RULE` adds one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from voiceadmin.triage.rules.rule import Rule

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]


RULES: tuple[Rule, ...] = tuple(
    sorted((module.RULE for module in _MODULES if hasattr(module, "RULE")), key=lambda rule: rule.rank)
)


RULES_BY_SLUG = {rule.slug: rule for rule in RULES}
