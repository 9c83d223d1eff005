"""Check which voices of a plan can be deleted at their providers, and read what was requested and done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from voiceadmin.cleanup.models import CleanUpItem, CleanUpListing, DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.uses import read_uses
from voiceadmin.cleanup.types.deletions import (
    CheckedVoice,
    DeletionAction,
    DeletionItemRow,
    DeletionObstacle,
    DeletionState,
    EndedRequest,
    OpenRequest,
)
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.cleanup.types.uses import VoiceUse
from voiceadmin.database.base import db
from voiceadmin.operations.models import Operation
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.connecting import WITHOUT_CREATION_TIME
from voiceadmin.sources.models import Source
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion
from voiceadmin.voices.queries import IS_DELETED_AT_PROVIDER

ITEMS_PER_PAGE = 50


class _Listing(NamedTuple):
    """A source that listed a voice when its plan was created."""

    position: int
    provider_voice_id: str
    created_at: datetime | None
    source: Source


def check_voices(
    plan_id: int, *, now: datetime, provider: str | None = None, position: int | None = None
) -> list[CheckedVoice]:
    """Check the archived voices of a plan, those of one provider, or the one at a position."""
    chosen = [CleanUpItem.plan_id == plan_id, CleanUpItem.state == ItemState.ARCHIVED.value]
    if provider is not None:
        chosen.append(CleanUpItem.provider == provider)
    if position is not None:
        chosen.append(CleanUpItem.position == position)
    listings = _read_listings(plan_id, position)
    rows = db.session.execute(_select_archived().where(*chosen).order_by(CleanUpItem.position)).all()
    uses = read_uses([row.CleanUpItem.voice_id for row in rows if row.current is not None], now=now)
    return [_check(row, uses.get(row.CleanUpItem.voice_id), listings.get(row.CleanUpItem.position, ())) for row in rows]


def _select_archived() -> Any:
    is_voice = (ClonedVoice.id == CleanUpItem.voice_id) & (ClonedVoice.organization_id == CleanUpItem.organization_id)
    is_item = (DeletionItem.plan_id == CleanUpItem.plan_id) & (DeletionItem.position == CleanUpItem.position)
    return (
        select(
            CleanUpItem,
            ClonedVoice.json_body.label("current"),
            ClonedVoice.archived_at,
            Operation.at.label("operation_at"),
            ProviderDeletion.voice_id.is_not(None).label("is_marked"),
            DeletionItem.state.label("deletion_state"),
        )
        .outerjoin(ClonedVoice, is_voice)
        .outerjoin(Operation, Operation.id == CleanUpItem.operation_id)
        .outerjoin(ProviderDeletion, IS_DELETED_AT_PROVIDER)
        .outerjoin(DeletionItem, is_item)
    )


def _read_listings(plan_id: int, position: int | None) -> Mapping[int, Sequence[_Listing]]:
    """Return the sources of each position, those of an organization first."""
    found = (
        select(CleanUpListing.position, CleanUpListing.provider_voice_id, CleanUpListing.created_at, Source)
        .join(Source, Source.id == CleanUpListing.source_id)
        .where(CleanUpListing.plan_id == plan_id)
        .order_by(Source.organization_id.is_(None), Source.id)
    )
    if position is not None:
        found = found.where(CleanUpListing.position == position)
    listings: dict[int, list[_Listing]] = {}
    for row in db.session.execute(found):
        listings.setdefault(row[0], []).append(_Listing(*row))
    return listings


def _check(row: Any, use: VoiceUse | None, listings: Sequence[_Listing]) -> CheckedVoice:
    item: CleanUpItem = row.CleanUpItem
    archived = json.loads(item.json_body)
    obstacle = _find_obstacle(row, use, archived)
    listing, of_source = _choose_source(item, archived["provider_voice_id"], listings)
    return CheckedVoice(
        position=item.position,
        voice_id=item.voice_id,
        organization_id=item.organization_id,
        name=archived["name"],
        provider=item.provider,
        provider_voice_id=archived["provider_voice_id"],
        source_id=None if listing is None else listing.source.id,
        created_at=None if listing is None else listing.created_at,
        obstacle=obstacle or of_source,
        state=DeletionState(row.deletion_state) if row.deletion_state else None,
    )


def _find_obstacle(row: Any, use: VoiceUse | None, archived: Mapping[str, Any]) -> DeletionObstacle | None:
    """Return what the voice itself says against its deletion.

    Args:
        row: of `_select_archived`.
        use: None if the voice does not exist any more.
        archived: its fields right before it was archived.
    """
    if row.current is None or use is None or row.archived_at is None or row.archived_at != row.operation_at:
        return DeletionObstacle.NOT_ARCHIVED
    current = json.loads(row.current)
    conditions = {
        DeletionObstacle.NO_ID: not archived["provider_voice_id"],
        DeletionObstacle.MARKED: row.is_marked,
        DeletionObstacle.CHANGED: _differs(current, archived, "provider", "provider_voice_id"),
        DeletionObstacle.RECLONED: _differs(current, archived, "created_at"),
        DeletionObstacle.USED: _differs(current, archived, "last_used_at", "synthesis_count"),
        DeletionObstacle.IN_USE: use.is_in_use,
        DeletionObstacle.UNKNOWN_USE: use.reading.is_outdated,
        DeletionObstacle.SHARED: use.is_shared,
    }
    return next((obstacle for obstacle, holds in conditions.items() if holds), None)


def _differs(current: Mapping[str, Any], archived: Mapping[str, Any], *names: str) -> bool:
    return any(current[name] != archived[name] for name in names)


def _choose_source(
    item: CleanUpItem, provider_voice_id: str, listings: Sequence[_Listing]
) -> tuple[_Listing | None, DeletionObstacle | None]:
    """Return the first source through which a voice can be deleted, or the first one with what prevents it."""
    own = [one for one in listings if _can_list(one, item, provider_voice_id)]
    for listing in own:
        if _find_source_obstacle(listing) is None:
            return listing, None
    return (own[0], _find_source_obstacle(own[0])) if own else (None, DeletionObstacle.NOT_LISTED)


def _can_list(listing: _Listing, item: CleanUpItem, provider_voice_id: str) -> bool:
    source = listing.source
    is_own = source.organization_id in (None, item.organization_id)
    return is_own and source.kind == item.provider and listing.provider_voice_id == provider_voice_id


def _find_source_obstacle(listing: _Listing) -> DeletionObstacle | None:
    source = listing.source
    is_dated = listing.created_at is not None or source.kind in WITHOUT_CREATION_TIME
    conditions = {
        DeletionObstacle.DISABLED: source.disabled_at is not None,
        DeletionObstacle.ACCOUNT: source.account_changed_at is not None,
        DeletionObstacle.NOT_ALLOWED: source.deletion_allowed_at is None,
        DeletionObstacle.NO_DATE: not is_dated,
    }
    return next((obstacle for obstacle, holds in conditions.items() if holds), None)


def list_open_requests(*, now: datetime, plan_id: int | None = None, source_id: int | None = None) -> list[OpenRequest]:
    """Return the requests that are not carried out yet, oldest first; those of one plan or source if it is given."""
    due = (
        select(func.count()).where(DeletionItem.request_id == DeletionRequest.id, DeletionItem.is_due).scalar_subquery()
    )
    found = select(DeletionRequest, due).where(DeletionRequest.ended_at.is_(None)).order_by(DeletionRequest.id)
    if plan_id is not None:
        found = found.where(DeletionRequest.plan_id == plan_id)
    if source_id is not None:
        found = found.where(DeletionRequest.source_id == source_id)
    return [_build_request(row, count, now) for row, count in db.session.execute(found)]


def _build_request(row: DeletionRequest, due: int, now: datetime) -> OpenRequest:
    return OpenRequest(
        row.id,
        row.plan_id,
        row.source_id,
        DeletionAction(row.action),
        row.provider,
        row.voice_count,
        due,
        row.requested_at,
        row.requested_by,
        is_running=row.holder_expires_at is not None and row.holder_expires_at > now,
    )


def find_ended_early(plan_id: int | None, source_id: int | None = None) -> EndedRequest | None:
    """Return why the newest request of a plan or source ended early; None if it is open, or was carried out."""
    newest = (
        select(DeletionRequest)
        .filter_by(plan_id=plan_id, source_id=source_id)
        .order_by(DeletionRequest.id.desc())
        .limit(1)
    )
    row = db.session.scalar(newest)
    return EndedRequest(row.ended_at, row.message) if row is not None and row.ended_at and row.message else None


def list_deletion_items(plan_id: int, state: DeletionState | None, page_number: int) -> list[DeletionItemRow]:
    """Return a page of the voices of a plan whose deletion was requested, in the order of the plan."""
    found = (
        select(DeletionItem, CleanUpItem, Organization.name, DeletionRequest.requested_by)
        .join(
            CleanUpItem,
            (CleanUpItem.plan_id == DeletionItem.plan_id) & (CleanUpItem.position == DeletionItem.position),
        )
        .join(DeletionRequest, DeletionRequest.id == DeletionItem.request_id)
        .outerjoin(Organization, Organization.id == CleanUpItem.organization_id)
        .where(DeletionItem.plan_id == plan_id)
        .order_by(DeletionItem.position)
        .limit(ITEMS_PER_PAGE)
        .offset((page_number - 1) * ITEMS_PER_PAGE)
    )
    if state is not None:
        found = found.where(DeletionItem.state == state.value)
    return [_build_item(*row) for row in db.session.execute(found)]


def _build_item(item: DeletionItem, planned: CleanUpItem, organization: str | None, by: str) -> DeletionItemRow:
    return DeletionItemRow(
        planned.voice_id,
        json.loads(planned.json_body)["name"],
        organization or "",
        planned.provider,
        item.provider_voice_id,
        item.created_at,
        DeletionState(item.state),
        item.message,
        item.sent_at,
        item.decided_at,
        by,
    )


def count_deletion_states(plan_id: int) -> dict[DeletionState, int]:
    """Return how many voices of a plan are in each state of deletion; states without a voice are left out."""
    found = select(DeletionItem.state, func.count()).filter_by(plan_id=plan_id).group_by(DeletionItem.state)
    counts = {DeletionState(state): count for state, count in db.session.execute(found)}
    return {state: counts[state] for state in DeletionState if state in counts}
