"""Whether what is known from a source holds now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from voiceadmin.overview.types import Freshness, ListedSource
from voiceadmin.sources.types import SourceKind

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CURRENT = ListedSource(1, 1, "Acme", "Voices", SourceKind.INWORLD, NOW - HOUR, None, "", None, None)


@pytest.mark.parametrize(
    ("fields", "freshness"),
    [
        ({}, Freshness.CURRENT),
        ({"read_at": NOW - 2 * DAY}, Freshness.CURRENT),
        ({"read_at": NOW - 2 * DAY - HOUR}, Freshness.OLD),
        ({"failing_since": NOW}, Freshness.OLD),
        ({"read_at": None}, Freshness.UNREAD),
        ({"read_at": None, "failing_since": NOW}, Freshness.UNREAD),
        ({"failing_since": NOW, "account_changed_at": NOW}, Freshness.ANOTHER_ACCOUNT),
        ({"account_changed_at": NOW, "disabled_at": NOW}, Freshness.DISABLED),
    ],
    ids=["read", "two days", "older", "failing", "never", "never and failing", "account", "disabled"],
)
def test_a_source_is_current_if_it_was_read_within_two_days_and_nothing_speaks_against_it(
    fields: dict[str, Any], freshness: Freshness
) -> None:
    assert CURRENT._replace(**fields).get_freshness(NOW - 2 * DAY) is freshness
