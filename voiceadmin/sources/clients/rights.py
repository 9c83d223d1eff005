"""Find out what a key may do, beginning with the one right that it needs."""

from __future__ import annotations

from collections.abc import Callable

from voiceadmin.sources.clients.outcomes import FaultKind, UpstreamFailed
from voiceadmin.sources.clients.types import RightCheck

Check = tuple[str, Callable[[], object]]  # the label of a right, and a request that needs it


def check_rights(checks: tuple[Check, ...]) -> tuple[RightCheck, ...]:
    """Return whether a key has each right.

    Without the first right no further request is sent: the key is not accepted, or the upstream cannot be reached.

    Args:
        checks: the right that is needed first.
    """
    needed, *others = checks
    first = _check(*needed)
    if not first.is_granted:
        return (first, *(RightCheck(label, None, "Not checked.") for label, _ in others))
    return (first, *(_check(*check) for check in others))


def _check(label: str, request: Callable[[], object]) -> RightCheck:
    try:
        request()
    except UpstreamFailed as failed:
        is_refusal = failed.fault.kind in (FaultKind.KEY_REFUSED, FaultKind.RIGHT_MISSING)
        return RightCheck(label, False if is_refusal else None, failed.fault.message)
    return RightCheck(label, True)
