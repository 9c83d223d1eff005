"""The command that checks the totals."""

from __future__ import annotations

from datetime import datetime

from flask import Flask

from tests.commands import Shell
from tests.totals.damage import damage, make_totals


def test_right_totals_are_reported(app: Flask, shell: Shell, now: datetime) -> None:
    make_totals(now)

    result = shell("check-totals")

    assert (result.exit_code, result.output) == (0, "All totals are right.\n")


def test_wrong_totals_are_named_and_repaired(app: Flask, shell: Shell, now: datetime) -> None:
    make_totals(now)
    damage("shared_provider_voice_ref")

    found = shell("check-totals")
    repaired = shell("check-totals", "--repair")

    assert found.exit_code == 1
    assert "shared_provider_voice_ref: 1 wrong row\n" in found.output
    assert "check-totals --repair" in found.output
    assert (repaired.exit_code, repaired.output.splitlines()[-1]) == (0, "All totals were computed anew.")
    assert shell("check-totals").exit_code == 0
