"""What a person can decide about lists that are not believed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.history.models import SlotDay
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.managing import find_source, record_source_event
from voiceadmin.sources.actions.orphans import write_orphan_slots
from voiceadmin.sources.actions.provider_voices import set_absent
from voiceadmin.sources.actions.removal import list_possible, note_elsewhere, remember_voices
from voiceadmin.sources.actions.resetting import reset_verdicts
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, SlotUse, StoredProviderVoice
from voiceadmin.sources.provider_queries import find_orphan_slots
from voiceadmin.sources.types import ListingResult
from voiceadmin.sources.verdicts import Answer

TABLES_OF_ACCOUNT = (ProviderListing, StoredProviderVoice, ProviderLookUp, SlotUse, SlotDay)


def believe_list(scope: Scope, source_id: int, list_hash: str, *, by: Actor, now: datetime) -> int:
    """Believe the newest lists of a source although they lack many voices. Return how many they lack.

    Holds for these lists only. The next sync looks the voices up before any of them counts as missing.

    Args:
        list_hash: of the lists that the person has seen, see `hash_withheld`.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        ChangeRefused: if its newest lists are believed already, are not complete, or are not those that were seen.
    """
    with write_transaction():
        source = find_source(scope, source_id)
        listings = db.session.scalars(select(ProviderListing).filter_by(source_id=source_id).with_for_update()).all()
        withheld = _check_withheld(listings, list_hash)
        set_absent(source_id, withheld["absent"], now=now)
        _add_unanswered(source_id, withheld["lacking"], now)
        for row in listings:
            row.result, row.message, row.withheld = ListingResult.COMPLETE.value, "", ""
            row.complete_at = row.attempted_at
        source.read_at, source.failing_since, source.failure = listings[0].attempted_at, None, ""
        db.session.flush()
        write_orphan_slots(source, find_orphan_slots(source))
        lacking = len({*withheld["absent"], *withheld["lacking"]})
        record_source_event(AuditEventType.LIST_BELIEVED, source, by, now, after={"voices": lacking})
        reset_verdicts(source.kind, source.organization_id, now=now)
        return lacking


def _check_withheld(listings: Sequence[ProviderListing], list_hash: str) -> dict[str, list[str]]:
    """Return what the lists lack."""
    is_waiting = listings and all(row.result == ListingResult.WITHHELD for row in listings)
    withheld: dict[str, list[str]] = json.loads(listings[0].withheld or "{}") if is_waiting else {}
    if not withheld:
        raise ChangeRefused("There is no list that waits for a decision. Load the page again.")
    if hash_withheld(listings[0].withheld) != list_hash:
        raise ChangeRefused("The list has changed since the page was loaded. Load the page again.")
    return withheld


def _add_unanswered(source_id: int, ids: Sequence[str], now: datetime) -> None:
    """Note voices that the list lacks and that are still to be looked up.

    An answer that was noted since the list was read stays: a source that was removed may have the voice.
    """
    message = "A person believes the list, which lacks the voice. It has not been looked up yet."
    answered = set(db.session.scalars(select(ProviderLookUp.voice_id).filter_by(source_id=source_id)))
    for id in ids:
        if id not in answered:
            row = ProviderLookUp(source_id=source_id, voice_id=id, answer=Answer.NOT_ASKED.value)
            row.message, row.asked_at = message, now
            db.session.add(row)


def accept_account(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> str:
    """Accept that a key belongs to another account, and return the name of the source.

    What was known by the former account is deleted, except which voices it may have, and deletion is no longer allowed.
    The next sync reads the lists of the new account.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        ChangeRefused: if the account has not changed.
    """
    with write_transaction():
        source = find_source(scope, source_id)
        if source.account_changed_at is None:
            raise ChangeRefused("The account of this key has not changed. Load the page again.")
        possible = list_possible(source)
        remember_voices(source, now=now)
        for table in TABLES_OF_ACCOUNT:
            db.session.execute(delete(table).where(table.source_id == source_id))
        note_elsewhere(source_id, possible, now=now)
        source.account_changed_at, source.account_hash, source.sync_requested_at = None, "", now
        source.read_at, source.failing_since, source.failure = None, None, ""
        source.orphan_count, source.orphans_since = None, None
        source.deletion_allowed_at, source.deletion_allowed_by = None, None  # it was allowed for the former account
        record_source_event(AuditEventType.ACCOUNT_ACCEPTED, source, by, now)
        reset_verdicts(source.kind, source.organization_id, now=now)
        return source.name
