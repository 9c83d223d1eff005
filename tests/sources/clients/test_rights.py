"""The rights of a key: the needed one first, and a failed request is not a missing right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voiceadmin.sources.clients.outcomes import Fault, FaultKind, UpstreamFailed
from voiceadmin.sources.clients.rights import Check, check_rights
from voiceadmin.sources.clients.types import RightCheck


def fail_with(kind: FaultKind) -> Callable[[], object]:
    def request() -> object:
        raise UpstreamFailed(Fault(kind, f"The fault {kind.value}."))

    return request


def answer() -> object:
    return None


def test_a_right_whose_request_succeeds_is_granted() -> None:
    assert check_rights((("List", answer), ("Read", answer))) == (RightCheck("List", True), RightCheck("Read", True))


@pytest.mark.parametrize("kind", [FaultKind.KEY_REFUSED, FaultKind.RIGHT_MISSING])
def test_a_right_that_the_upstream_refuses_is_not_granted(kind: FaultKind) -> None:
    _, right = check_rights((("List", answer), ("Read", fail_with(kind))))

    assert right == RightCheck("Read", False, f"The fault {kind.value}.")


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - {FaultKind.KEY_REFUSED, FaultKind.RIGHT_MISSING}))
def test_any_other_fault_says_nothing_about_a_right(kind: FaultKind) -> None:
    _, right = check_rights((("List", answer), ("Read", fail_with(kind))))

    assert right == RightCheck("Read", None, f"The fault {kind.value}.")


@pytest.mark.parametrize("kind", [FaultKind.KEY_REFUSED, FaultKind.TIMED_OUT])
def test_without_the_needed_right_nothing_more_is_requested(kind: FaultKind) -> None:
    requested: list[str] = []
    other: Check = ("Read", lambda: requested.append("Read"))

    _, right = check_rights((("List", fail_with(kind)), other))

    assert right == RightCheck("Read", None, "Not checked.")
    assert requested == []


def test_a_missing_right_does_not_stop_the_checks_of_others() -> None:
    checks: tuple[Check, ...] = (("List", answer), ("Read", fail_with(FaultKind.RIGHT_MISSING)), ("Count", answer))

    assert [right.is_granted for right in check_rights(checks)] == [True, False, True]
