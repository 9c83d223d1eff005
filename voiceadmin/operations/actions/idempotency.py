"""Recognize repeated requests: the same form sent twice is applied once."""

from __future__ import annotations

import hashlib
import json
from typing import TypeVar

from sqlalchemy import select

from voiceadmin.audit.types import hash_selection
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.identity import Actor
from voiceadmin.operations.actions.handler import format_time
from voiceadmin.operations.types import ActionRequest
from voiceadmin.tokens import generate_token

Row = TypeVar("Row", bound=Base)


def find_repeated(table: type[Row], key: str) -> Row | None:
    """Return the row that an earlier request with this key made, None for a new key. The table has a column `key`.

    Until the transaction ends, other requests with the same key wait here.
    """
    acquire_advisory_lock(f"{table.__tablename__} {key}")
    return db.session.scalar(select(table).filter_by(key=key))


def build_request_key(request: ActionRequest, by: Actor, selection_hash: str = "") -> str:
    """Return the key to store of a request.

    It also depends on the content: after going back in the browser, another action has the same form key.

    Args:
        request: the request; without a key of its own it is never a repeated one.
        by: the actor.
        selection_hash: of the objects, "" to hash those of the request.
    """
    return hash_parts(
        request.key or generate_token(),
        by.kind,
        by.id,
        by.name,
        request.action,
        selection_hash or hash_selection(request.refs),
        request.note,
        None if request.until is None else format_time(request.until),
        request.assignee_id,
    )


def hash_parts(*parts: str | int | None) -> str:
    """Return a hash of all parts."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
