"""SQL of stored verdicts: which rows are valid, and whether the lists that they rest on still hold.

A verdict is stored as if the lists of its provider were current. Whether they are is a property of a few rows of
`source` and `provider_listing`, and is read with the verdict, so that a sync without news writes no verdict, and a sync
that fails makes all verdicts of a provider stale at once. The page of a voice decides the same in
`sources.facts.ListsOfProvider`.

The aliases are `voice` for `cloned_voice` and `judged` for `voice_verdict`. The parameter is :lists_before, the current
time less MAX_LIST_AGE.
"""

from __future__ import annotations

IS_VALID = (
    "judged.voice_id = voice.id AND judged.organization_id = voice.organization_id AND judged.provider = voice.provider"
    " AND judged.provider_voice_id = voice.provider_voice_id AND judged.status = voice.status"
    " AND judged.upstream_status = coalesce(voice.upstream_status, '')"
)

# Two alternatives, each of which is a range of the index.
_CAN_LIST = (
    "(source.kind = judged.provider AND source.organization_id = judged.organization_id"
    " OR source.kind = judged.provider AND source.organization_id IS NULL) AND source.disabled_at IS NULL"
)

_IS_UNREAD = (
    "source.account_changed_at IS NOT NULL"
    " OR NOT EXISTS (SELECT 1 FROM provider_listing AS listing WHERE listing.source_id = source.id)"
    " OR EXISTS (SELECT 1 FROM provider_listing AS listing"
    " WHERE listing.source_id = source.id AND listing.complete_at IS NULL)"
)

_IS_OUTDATED = (
    "EXISTS (SELECT 1 FROM provider_listing AS listing WHERE listing.source_id = source.id"
    " AND (listing.result <> 'complete' OR listing.complete_at < :lists_before))"
)

# Whether every enabled source of the provider was read as a whole. If not, there is no verdict.
ARE_LISTS_READ = (
    f"(EXISTS (SELECT 1 FROM source WHERE {_CAN_LIST})"
    f" AND NOT EXISTS (SELECT 1 FROM source WHERE {_CAN_LIST} AND ({_IS_UNREAD})))"
)

# Whether these lists are also the newest that were requested. If not, there is no verdict that rests on absence.
ARE_LISTS_CURRENT = (
    f"(EXISTS (SELECT 1 FROM source WHERE {_CAN_LIST})"
    f" AND NOT EXISTS (SELECT 1 FROM source WHERE {_CAN_LIST} AND ({_IS_UNREAD} OR {_IS_OUTDATED})))"
)

# Whether the stored verdict holds now. Stored rows without a verdict hold as well.
HOLDS = f"CASE WHEN judged.rests_on_absence THEN {ARE_LISTS_CURRENT} ELSE {ARE_LISTS_READ} END"
