"""At most one process has the lease of syncs, and one that has died loses it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import NOW
from voiceadmin.sources.actions.leasing import LEASE_PERIOD, end_lease, renew_lease
from voiceadmin.sources.queries import find_sync_process

EVERY = timedelta(minutes=5)

pytestmark = pytest.mark.usefixtures("app")


def test_only_one_process_gets_the_lease_and_can_renew_it() -> None:
    assert renew_lease("a", EVERY, now=NOW)
    assert not renew_lease("b", EVERY, now=NOW)
    assert renew_lease("a", EVERY, now=NOW + LEASE_PERIOD / 2)
    assert not renew_lease("b", EVERY, now=NOW + LEASE_PERIOD)


def test_a_process_that_does_not_renew_the_lease_loses_it() -> None:
    renew_lease("a", EVERY, now=NOW)

    assert renew_lease("b", EVERY, now=NOW + LEASE_PERIOD)
    assert not renew_lease("a", EVERY, now=NOW + LEASE_PERIOD)


def test_a_process_that_ends_gives_only_its_own_lease_up() -> None:
    renew_lease("a", EVERY, now=NOW)

    end_lease("b")
    assert not renew_lease("b", EVERY, now=NOW)
    end_lease("a")
    assert renew_lease("b", EVERY, now=NOW)


def test_pages_know_whether_a_process_syncs() -> None:
    assert find_sync_process(now=NOW) is None

    renew_lease("a", EVERY, now=NOW)

    process = find_sync_process(now=NOW)
    assert process is not None
    assert process.every == EVERY
    assert find_sync_process(now=NOW + LEASE_PERIOD) is None
