"""Deeds: what was done at the desk, and whether it can still be undone."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select

from voiceadmin.database.base import db
from voiceadmin.errors import DeedNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.models import Deed
from voiceadmin.operations.types import UNDONE_FOR, DeedRow, Left
from voiceadmin.triage.types import Act


def get_deed(scope: Scope, deed_id: int) -> DeedRow:
    """One deed, if all that it was about is in the scope. Raises DeedNotFound."""
    deed = db.session.get(Deed, deed_id)
    if deed is None or not scope.covers_all(frozenset(json.loads(deed.outcome)["organizations"])):
        raise DeedNotFound(f"There is no deed {deed_id}.")
    return deed_row(deed)


def deed_row(deed: Deed) -> DeedRow:
    """A deed as the floors above know it."""
    outcome = json.loads(deed.outcome)
    return DeedRow(
        deed.id,
        deed.at,
        deed.actor_name,
        Act(deed.act),
        deed.number,
        outcome["voices"],
        frozenset(outcome["organizations"]),
        [Left(*one) for one in outcome["left"]],
        outcome["left_out"],
        deed.undoes,
        deed.undone_by,
        outcome["set_to"],
    )


def last_deed() -> int:
    """The newest deed; what is done after it was not seen by whoever looks now."""
    return db.session.scalar(select(func.max(Deed.id))) or 0


def is_undoable(deed: DeedRow, now: datetime) -> bool:
    """Whether a deed can be undone, as far as that is known without looking at what it changed."""
    return bool(deed.number) and deed.undone_by is None and now - deed.at <= UNDONE_FOR
