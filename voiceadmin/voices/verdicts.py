"""SQL of stored verdicts: which rows are valid, and whether the lists that they rest on still hold.

A row is valid if the voice is what it was judged on, and no change of sources since then concerns it: a `VerdictReset`.

A verdict is stored as if the lists of its provider were current. Whether they are is a property of a few rows of
`source` and `provider_listing`, and is read with the verdict, so that a sync without news writes no verdict, and a sync
that fails makes all verdicts of a provider stale at once. The page of a voice decides the same in
`sources.facts.ListsOfProvider`.

The aliases are `voice` for `cloned_voice` and `judged` for `voice_verdict`. The parameter is :lists_before, the current
time less MAX_LIST_AGE.
"""

from __future__ import annotations

# Whether the voice is what it was judged on.
IS_UNCHANGED = (
    "judged.voice_id = voice.id AND judged.organization_id = voice.organization_id AND judged.provider = voice.provider"
    " AND judged.provider_voice_id = voice.provider_voice_id AND judged.status = voice.status"
    " AND judged.upstream_status = coalesce(voice.upstream_status, '')"
)

# Whether a verdict can depend on the sources of `reset.provider`: on those of its own provider, and of another one if
# that lists the voice, or if nothing else is known that could.
CAN_DEPEND = (
    "(reset.provider = judged.provider OR judged.verdict IS NULL OR judged.verdict = 'wrong-provider'"
    " OR EXISTS (SELECT 1 FROM provider_voice AS listed JOIN source AS other ON other.id = listed.source_id"
    " WHERE listed.voice_id = judged.provider_voice_id AND other.kind = reset.provider))"
)

# Whether the sources have changed since the voice was judged. Nearly always, no reset has a greater id.
IS_RESET = (
    "EXISTS (SELECT 1 FROM verdict_reset AS reset WHERE reset.id > judged.reset_id"
    " AND (reset.organization_id = judged.organization_id OR reset.organization_id IS NULL)"
    f" AND {CAN_DEPEND})"
)

IS_VALID = f"{IS_UNCHANGED} AND NOT {IS_RESET}"

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


def build_lists_read(provider: str, organization: str, unusable: str = _IS_UNREAD) -> str:
    """Return the condition that a provider has enabled sources for an organization, and each was read as a whole.

    Args:
        provider, organization: as SQL.
        unusable: the condition of a source that is not enough.
    """
    # Each of the two alternatives is a range of the index.
    can_list = (
        f"(source.kind = {provider} AND source.organization_id = {organization}"
        f" OR source.kind = {provider} AND source.organization_id IS NULL) AND source.disabled_at IS NULL"
    )
    return (
        f"(EXISTS (SELECT 1 FROM source WHERE {can_list})"
        f" AND NOT EXISTS (SELECT 1 FROM source WHERE {can_list} AND ({unusable})))"
    )


_OF_VERDICT = ("judged.provider", "judged.organization_id")

# Whether the lists of the provider were read. If not, there is no verdict.
ARE_LISTS_READ = build_lists_read(*_OF_VERDICT)

# Whether these lists are also the newest that were requested. If not, there is no verdict that rests on absence.
ARE_LISTS_CURRENT = build_lists_read(*_OF_VERDICT, f"{_IS_UNREAD} OR {_IS_OUTDATED}")

# Whether the stored verdict holds now. Stored rows without a verdict hold as well.
HOLDS = f"CASE WHEN judged.rests_on_absence THEN {ARE_LISTS_CURRENT} ELSE {ARE_LISTS_READ} END"
