"""Deeds: what was done at the desk, and whether it can still be undone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, select

from voiceadmin.db import db
from voiceadmin.desk import DeedRow, Left
from voiceadmin.models import Account, Assistant, ClonedVoice, Deed, Membership
from voiceadmin.people import Scope
from voiceadmin.problems import DeedNotFound
from voiceadmin.queries.rows import within
from voiceadmin.vocabulary import UNDONE_FOR, Act, Role


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


def count_set_to(voice_ids: Sequence[int]) -> int:
    """How many of these voices assistants are set to."""
    return sum(
        db.session.scalar(_SET_TO.where(ClonedVoice.id.in_(voice_ids[start : start + CHUNK]))) or 0
        for start in range(0, len(voice_ids), CHUNK)
    )


CHUNK = 500  # voices looked up by one statement
_SET_TO = select(func.count(ClonedVoice.id)).where(
    ClonedVoice.provider_voice_id != "",
    exists().where(
        Assistant.organization_id == ClonedVoice.organization_id,
        Assistant.tts_provider == ClonedVoice.provider,
        Assistant.tts_voice_id == ClonedVoice.provider_voice_id,
    ),
)


def list_assignable(scope: Scope) -> dict[int, str]:
    """The e-mails, by account, of those who can act in an organization of the scope; in their order."""
    acts = (
        select(Membership.account_id)
        .where(within(scope, Membership.organization_id), Membership.role >= Role.OPERATOR)
        .correlate(None)
    )
    found = (
        select(Account.id, Account.email)
        .where(Account.disabled_at.is_(None), Account.platform | Account.id.in_(acts))
        .order_by(Account.email_key)
    )
    return {row.id: row.email for row in db.session.execute(found)}


def last_deed() -> int:
    """The newest deed; what is done after it was not seen by whoever looks now."""
    return db.session.scalar(select(func.max(Deed.id))) or 0


def is_undoable(deed: DeedRow, now: datetime) -> bool:
    """Whether a deed can be undone, as far as that is known without looking at what it changed."""
    return bool(deed.number) and deed.undone_by is None and now - deed.at <= UNDONE_FOR
