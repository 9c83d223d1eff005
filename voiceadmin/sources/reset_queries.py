"""Read which voices are to be judged again because sources have changed."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.sources.queries import scope_of_owner
from voiceadmin.sources.types import SourceRow
from voiceadmin.voices.models import VerdictReset
from voiceadmin.voices.verdicts import CAN_DEPEND, IS_UNCHANGED, build_lists_read

NO_LIMIT = 10**9

# Voices of the provider itself, also those without a verdict. If its lists were not read, there is nothing to judge.
_OWN = (
    "SELECT {columns} FROM cloned_voice AS voice LEFT JOIN voice_verdict AS judged ON judged.voice_id = voice.id"
    " WHERE voice.provider = :provider AND voice.provider_voice_id <> '' AND {is_in_scope}"
    " AND voice.organization_id IN (SELECT owner.id FROM organization AS owner"
    f" WHERE {build_lists_read(':provider', 'owner.id')})"
    f" AND (judged.voice_id IS NULL OR judged.reset_id < :reset_id OR NOT ({IS_UNCHANGED}))"
)

_OTHERS = (
    "SELECT judged.voice_id FROM verdict_reset AS reset JOIN voice_verdict AS judged"
    " ON judged.reset_id < reset.id AND judged.provider <> reset.provider"
    f" WHERE reset.id = :reset_id AND {{is_in_scope}} AND {CAN_DEPEND}"
)

_HAS_OLDER_VERDICTS = (
    "SELECT EXISTS (SELECT 1 FROM verdict_reset AS reset JOIN voice_verdict AS judged ON judged.reset_id < reset.id"
    " AND (reset.organization_id = judged.organization_id OR reset.organization_id IS NULL)"
    f" WHERE reset.id = :reset_id AND {CAN_DEPEND})"
)


class Reset(NamedTuple):
    """A `VerdictReset`. organization_id: the owner of the voices; None for all organizations."""

    id: int
    provider: str
    organization_id: int | None


def list_unjudged_resets() -> list[Reset]:
    """Return the resets after which not all voices were judged yet, oldest first."""
    columns = select(VerdictReset.id, VerdictReset.provider, VerdictReset.organization_id)
    rows = db.session.execute(columns.where(VerdictReset.judged_at.is_(None)).order_by(VerdictReset.id))
    return [Reset(*row) for row in rows]


def list_voices_to_judge(reset: Reset, limit: int = NO_LIMIT) -> list[int]:
    """Return the ids of the voices that a reset concerns and that were not judged since, at most `limit` of them."""
    found: set[int] = set()
    for statement, column in ((_OWN, "voice.organization_id"), (_OTHERS, "judged.organization_id")):
        scope = scope_of_owner(reset.organization_id)
        sql = statement.format(columns="voice.id", is_in_scope=scope_sql(scope, column))
        rows = fetch_all(f"{sql} LIMIT :limit", _parameters(reset, scope) | {"limit": limit - len(found)})
        found.update(id for (id,) in rows)
    return sorted(found)


def count_unjudged_voices(source: SourceRow) -> int:
    """Return how many voices that a source of a provider can list are to be judged again."""
    resets = [reset for reset in list_unjudged_resets() if reset.provider == source.kind.value]
    of_all = [reset for reset in resets if reset.organization_id is None]
    # The one of all organizations includes those of each.
    return sum(_count_own(reset, source.organization_id) for reset in of_all or resets)


def _count_own(reset: Reset, owner: int | None) -> int:
    """Return how many voices of an owner and the provider are to be judged. owner: None for all organizations."""
    if owner is not None and reset.organization_id not in (owner, None):
        return 0
    scope = scope_of_owner(reset.organization_id if owner is None else owner)
    sql = _OWN.format(columns="count(*)", is_in_scope=scope_sql(scope, "voice.organization_id"))
    count: int = fetch_all(sql, _parameters(reset, scope))[0][0]
    return count


def has_older_verdicts(reset_id: int) -> bool:
    """Return whether a stored verdict does not hold because of a reset."""
    return bool(fetch_all(_HAS_OLDER_VERDICTS, {"reset_id": reset_id})[0][0])


def _parameters(reset: Reset, scope: Scope) -> dict[str, Any]:
    return {"provider": reset.provider, "reset_id": reset.id, **scope_parameters(scope)}
