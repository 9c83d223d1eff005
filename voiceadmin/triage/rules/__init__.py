"""The rules of attention, worst first. Each module of this package that defines `RULE` adds one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from voiceadmin.triage.rules.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (import_module(f"{__name__}.{module.name}").RULE for module in iter_modules(__path__) if module.name != "rule"),
        key=lambda rule: rule.rank,
    )
)


RULES_BY_SLUG = {rule.slug: rule for rule in RULES}
