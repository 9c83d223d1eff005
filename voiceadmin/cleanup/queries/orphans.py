"""List the orphans of a source, and check which of them can be deleted at the provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, false, func, literal_column, or_, select, union
from sqlalchemy.orm import aliased

from voiceadmin.cleanup.models import DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.deletions import ITEMS_PER_PAGE
from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionItemRow, DeletionObstacle, DeletionState
from voiceadmin.cleanup.types.orphans import DeletableFilter, Orphan, OrphanFilters, Orphans, PlatformList, SlotFilter
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Assistant, AssistantVoice
from voiceadmin.sources.clients.types import ProviderState, SlotKind
from voiceadmin.sources.connecting import WITHOUT_CREATION_TIME
from voiceadmin.sources.models import ProviderListing, Source, StoredProviderVoice
from voiceadmin.sources.provider_queries import find_believed_at, is_listed_orphan
from voiceadmin.sources.types import ListingResult, SourceKind
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

MAX_PLATFORM_AGE = timedelta(hours=1)  # of the platform's lists, since an assistant can take up a voice at any time

MIN_AGE = timedelta(hours=1)  # of an orphan when they were read: cloning takes up to an hour, and is named afterwards

# Of one voice of a provider, by lookups: the index of voices begins with the organization.
NAMED_ANYWHERE = literal_column(
    "EXISTS (SELECT 1 FROM organization AS owner CROSS JOIN cloned_voice AS named"
    " WHERE named.organization_id = owner.id AND named.provider = source.kind"
    " AND named.provider_voice_id = provider_voice.voice_id)",
    Boolean,
)
USED_ANYWHERE = literal_column(
    "(EXISTS (SELECT 1 FROM assistant WHERE assistant.tts_provider = source.kind"
    " AND assistant.tts_voice_id = provider_voice.voice_id)"
    " OR EXISTS (SELECT 1 FROM assistant_voice AS setting WHERE setting.provider = source.kind"
    " AND setting.provider_voice_id = provider_voice.voice_id))",
    Boolean,
)

PLATFORM_KINDS = [kind.value for kind in SourceKind if kind.is_platform]


def orphans_lock(source_id: int) -> str:
    """Return the name of the lock under which deletions of the orphans of a source are requested."""
    return f"orphans {source_id}"


def list_orphans(source_id: int, filters: OrphanFilters, *, now: datetime) -> Orphans:
    """Return all orphans of a source that match the filters, by name, checked for deletion.

    Args:
        source_id: of a source of a provider that a query with a scope has found.
    """
    source = db.session.get_one(Source, source_id)
    platform, listings = list_platform(source, now=now), _list_listings(source_id)
    believed_at = None if source.account_changed_at else find_believed_at(listings)
    if believed_at is None:
        return Orphans(False, (), None, platform)
    check = _Check(source, listings, platform, now)
    used = StoredProviderVoice.voice_id.in_(_select_used(source.kind))
    is_orphan = is_listed_orphan(source_id, source.kind, believed_at)
    rows = db.session.execute(
        _select(false(), used)
        .where(*is_orphan, *_conditions(filters))
        .order_by(StoredProviderVoice.name, StoredProviderVoice.voice_id)
    )
    orphans = [_build(row, check) for row in rows]
    return Orphans(True, [row for row in orphans if _matches(row, filters)], believed_at, platform)


def _conditions(filters: OrphanFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.text:
        columns = (StoredProviderVoice.name, StoredProviderVoice.voice_id)
        conditions.append(or_(*(column.icontains(filters.text, autoescape=True) for column in columns)))
    if filters.slot is not None:
        slot = StoredProviderVoice.slot
        conditions.append(slot.is_not(None) if filters.slot is SlotFilter.YES else slot.is_(None))
    return conditions


def _matches(orphan: Orphan, filters: OrphanFilters) -> bool:
    wanted = filters.deletable
    return wanted is None or orphan.checked.can_be_deleted is (wanted is DeletableFilter.YES)


def _select_used(kind: str) -> Any:
    """Return a statement that selects the voices that settings of any assistant name."""
    spoken = select(Assistant.tts_voice_id).filter_by(tts_provider=kind)
    return union(spoken, select(AssistantVoice.provider_voice_id).filter_by(provider=kind))


def _select(is_named: ColumnElement[bool], is_used: ColumnElement[bool]) -> Any:
    other, request = aliased(DeletionItem), aliased(DeletionRequest)
    is_item = (
        DeletionItem.plan_id.is_(None),
        DeletionItem.source_id == StoredProviderVoice.source_id,
        DeletionItem.provider_voice_id == StoredProviderVoice.voice_id,
    )
    open_states = (DeletionState.WAITING.value, DeletionState.UNCONFIRMED.value)
    is_open = (
        other.provider_voice_id == StoredProviderVoice.voice_id,
        or_(other.plan_id.is_not(None), other.source_id != StoredProviderVoice.source_id),
        other.state.in_(open_states),
    )
    has_other = select(other.id).join(request, request.id == other.request_id).where(*is_open)
    return (
        select(
            StoredProviderVoice,
            is_named.label("is_named"),
            is_used.label("is_used"),
            has_other.where(request.provider == Source.kind).exists().label("has_other"),
            DeletionItem.state.label("deletion_state"),
        )
        .join(Source, Source.id == StoredProviderVoice.source_id)
        .outerjoin(DeletionItem, (is_item[0]) & (is_item[1]) & (is_item[2]))
    )


def check_orphan(item: DeletionItem, provider: str, *, now: datetime) -> CheckedVoice:
    """Check the orphan of an item again. Call inside the transaction that decides about it."""
    source = db.session.get(Source, item.source_id)
    if source is None:
        return _build_gone(item, provider, None)
    is_one = (
        StoredProviderVoice.source_id == item.source_id,
        StoredProviderVoice.voice_id == item.provider_voice_id,
    )
    row = db.session.execute(_select(NAMED_ANYWHERE, USED_ANYWHERE).where(*is_one)).one_or_none()
    if row is None:
        return _build_gone(item, provider, source.organization_id)
    check = _Check(source, _list_listings(source.id), list_platform(source, now=now), now)
    return _check(row, check)


def _build_gone(item: DeletionItem, provider: str, organization_id: int | None) -> CheckedVoice:
    return CheckedVoice(
        item.position,
        None,
        organization_id,
        item.name,
        provider,
        item.provider_voice_id,
        item.source_id,
        item.created_at,
        DeletionObstacle.GONE,
        DeletionState(item.state),
    )


class _Check:
    """What holds for all orphans of a source.

    Attributes:
        obstacle: why none of them can be deleted; None if nothing prevents it.
        platform_read_at: when the oldest list of the platform was read; None if one is not current.
    """

    def __init__(
        self, source: Source, listings: Sequence[ProviderListing], platform: Sequence[PlatformList], now: datetime
    ) -> None:
        self.source = source
        self.believed_at = find_believed_at(listings)
        times = [row.read_at for row in platform if row.read_at is not None and not row.problem]
        self.platform_read_at = min(times) if times and len(times) == len(platform) else None
        self.obstacle = self._find_obstacle(listings, now)

    def _find_obstacle(self, listings: Sequence[ProviderListing], now: datetime) -> DeletionObstacle | None:
        source = self.source
        is_read = all(row.result == ListingResult.COMPLETE.value for row in listings)
        is_old = self.believed_at is None or self.believed_at < now - MAX_LIST_AGE
        conditions = {
            DeletionObstacle.DISABLED: source.disabled_at is not None,
            DeletionObstacle.ACCOUNT: source.account_changed_at is not None,
            DeletionObstacle.NOT_ALLOWED: source.deletion_allowed_at is None,
            DeletionObstacle.LISTS: is_old or not is_read,
            DeletionObstacle.PLATFORM: self.platform_read_at is None,
        }
        return next((obstacle for obstacle, holds in conditions.items() if holds), None)

    def is_listed(self, voice: StoredProviderVoice) -> bool:
        """Return whether a believed list has a voice as ours."""
        is_present = voice.is_ours and voice.absent_since is None
        return is_present and self.believed_at is not None and voice.first_listed_at <= self.believed_at

    def is_too_new(self, voice: StoredProviderVoice) -> bool:
        """Return whether the platform's lists may have been read before the platform could name a voice."""
        appeared_at = voice.created_at or voice.first_listed_at
        return self.platform_read_at is not None and appeared_at > self.platform_read_at - MIN_AGE


def _check(row: Any, check: _Check) -> CheckedVoice:
    voice: StoredProviderVoice = row.StoredProviderVoice
    conditions = {
        DeletionObstacle.GONE: not check.is_listed(voice),
        DeletionObstacle.NAMED: row.is_named,
        DeletionObstacle.IN_USE: row.is_used,
        DeletionObstacle.OTHER: row.has_other,
    }
    obstacle = next((obstacle for obstacle, holds in conditions.items() if holds), None) or check.obstacle
    return CheckedVoice(
        0,
        None,
        check.source.organization_id,
        voice.name,
        check.source.kind,
        voice.voice_id,
        voice.source_id,
        voice.created_at,
        obstacle or _find_own_obstacle(voice, check),
        _find_state(row),
    )


def _find_own_obstacle(voice: StoredProviderVoice, check: _Check) -> DeletionObstacle | None:
    if check.is_too_new(voice):
        return DeletionObstacle.TOO_NEW
    is_dated = voice.created_at is not None or check.source.kind in WITHOUT_CREATION_TIME
    return None if is_dated else DeletionObstacle.NO_DATE


def _find_state(row: Any) -> DeletionState | None:
    """Return the state of the deletion of an orphan. A deleted one that is listed again was not deleted yet."""
    state = DeletionState(row.deletion_state) if row.deletion_state else None
    return None if state is DeletionState.DELETED else state


def _build(row: Any, check: _Check) -> Orphan:
    voice: StoredProviderVoice = row.StoredProviderVoice
    return Orphan(
        _check(row, check),
        voice.raw_state or ProviderState(voice.state).label,
        voice.category,
        SlotKind(voice.slot).label if voice.slot else "",
        voice.breaks_at,
        voice.first_listed_at,
    )


def _list_listings(source_id: int) -> Sequence[ProviderListing]:
    return db.session.scalars(select(ProviderListing).filter_by(source_id=source_id)).all()


def list_platform(source: Source, *, now: datetime) -> list[PlatformList]:
    """Return the sources of the platform that could name an orphan of a source.

    Those are all for a source of the platform, and otherwise those of the platform and of the organization.
    A disabled one may name voices that are not known here.
    """
    listed = select(Source).where(Source.kind.in_(PLATFORM_KINDS)).order_by(Source.name, Source.id)
    if source.organization_id is not None:
        own = Source.organization_id == source.organization_id
        listed = listed.where(or_(Source.organization_id.is_(None), own))
    return [_build_list(one, source, now) for one in db.session.scalars(listed)]


def _build_list(one: Source, source: Source, now: datetime) -> PlatformList:
    """Return what is known of a source of the platform. Admins of organizations do not see the names of others."""
    is_visible = source.organization_id in (None, one.organization_id)
    return PlatformList(one.name if is_visible else "A source of the platform", one.read_at, _describe(one, now))


def _describe(source: Source, now: datetime) -> str:
    """Return why the lists of a source of the platform are not current, "" if they are."""
    conditions = {
        "disabled": source.disabled_at is not None,
        "the key belongs to another account": source.account_changed_at is not None,
        "never read as a whole": source.read_at is None,
        "the newest sync is not complete": source.failing_since is not None,
        "older than an hour": source.read_at is not None and source.read_at < now - MAX_PLATFORM_AGE,
    }
    return next((text for text, holds in conditions.items() if holds), "")


def list_orphan_deletions(source_id: int, state: DeletionState | None, page_number: int) -> list[DeletionItemRow]:
    """Return a page of the orphans of a source whose deletion was requested, newest result first."""
    found = (
        select(DeletionItem, DeletionRequest.provider, DeletionRequest.requested_by)
        .join(DeletionRequest, DeletionRequest.id == DeletionItem.request_id)
        .where(DeletionItem.plan_id.is_(None), DeletionItem.source_id == source_id)
        .order_by(DeletionItem.decided_at.desc(), DeletionItem.id)
        .limit(ITEMS_PER_PAGE)
        .offset((page_number - 1) * ITEMS_PER_PAGE)
    )
    if state is not None:
        found = found.where(DeletionItem.state == state.value)
    return [_build_item(*row) for row in db.session.execute(found)]


def _build_item(item: DeletionItem, provider: str, by: str) -> DeletionItemRow:
    return DeletionItemRow(
        None,
        item.name,
        "",
        provider,
        item.provider_voice_id,
        item.created_at,
        DeletionState(item.state),
        item.message,
        item.sent_at,
        item.decided_at,
        by,
    )


def count_orphan_deletions(source_id: int) -> dict[DeletionState, int]:
    """Return how many orphans of a source are in each state of deletion; states without an orphan are left out."""
    is_own = (DeletionItem.plan_id.is_(None), DeletionItem.source_id == source_id)
    found = select(DeletionItem.state, func.count()).where(*is_own).group_by(DeletionItem.state)
    counts = {DeletionState(state): count for state, count in db.session.execute(found)}
    return {state: counts[state] for state in DeletionState if state in counts}
