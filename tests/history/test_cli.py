"""The commands that thin the history out and renew trends."""

from __future__ import annotations

from datetime import datetime

from tests.commands import Shell
from tests.factories import make_organization, make_voice
from tests.history.scenario import FIRST, add_days, list_days


def test_the_history_is_thinned_out_by_the_settings(shell: Shell, now: datetime) -> None:
    voice, today = make_voice(make_organization()), (now.date() - FIRST).days
    add_days(voice.id, [(today - 402, 1), (today - 401, 2), (today - 400, 3), (today - 399, 4), (today, 5)])
    result = shell("history", "thin")

    # 400 days before Sunday, 2026-11-22, is a Saturday.
    assert [row[1] for row in list_days(voice.id)] == [3, 4, 5]
    assert result.output == (
        "2 rows deleted. Each day is kept after 2025-10-18, and the last day of each week after 2021-11-22.\n"
    )
    assert shell("history", "thin").output.startswith("0 rows deleted.")


def test_trends_are_renewed_once_a_day(shell: Shell, now: datetime) -> None:
    voice, today = make_voice(make_organization()), (now.date() - FIRST).days
    add_days(voice.id, [(today - 90, 0), (today - 5, 4)])

    assert shell("history", "renew-trends").output == "1 trend written.\n"
    assert shell("history", "renew-trends").output == "0 trends written.\n"
