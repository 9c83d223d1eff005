"""The filter of verdicts: how voices compare with their provider, by what is stored of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from voiceadmin.database.dialect import fetch_rows
from voiceadmin.voices.listing.single_voices import SingleVoiceFilter
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE, Verdict
from voiceadmin.voices.verdicts import ARE_LISTS_CURRENT, ARE_LISTS_READ, IS_VALID

# The providers that have a source for an organization, and the state of their lists. There are few.
_PROVIDERS = (
    f"SELECT judged.provider, {ARE_LISTS_READ}, {ARE_LISTS_CURRENT} FROM (SELECT DISTINCT kind AS provider,"
    " CAST(:organization AS BIGINT) AS organization_id FROM source WHERE organization_id = :organization"
    " OR organization_id IS NULL) AS judged ORDER BY judged.provider"
)

_ROW = (
    "SELECT 1 FROM cloned_voice AS whole JOIN voice_verdict AS judged ON " + IS_VALID.replace("voice.", "whole.") + ""
    " WHERE whole.id = {0} AND "
)


def build_verdict_filter(organization_id: int, verdicts: Sequence[Verdict | None], now: datetime) -> SingleVoiceFilter:
    """Return the filter as SQL, with one statement that reads the state of the lists.

    Voices with given verdicts are found through the index of verdicts. For None, voices without a verdict, all voices
    of the organization are read.
    """
    parameters: dict[str, Any] = {"organization": organization_id, "lists_before": now - MAX_LIST_AGE}
    holds, providers = _build_holds(parameters)
    wanted = [verdict.value for verdict in verdicts if verdict is not None]
    names = [f"verdict{index}" for index in range(len(wanted))]
    has_one = f"EXISTS ({_ROW}judged.verdict IN ({', '.join(f':{name}' for name in names)}) AND {holds})"
    conditions = [has_one] if wanted else []
    if None in verdicts:
        conditions.append(f"NOT EXISTS ({_ROW}judged.verdict IS NOT NULL AND {holds})")
    condition = f"({' OR '.join(conditions)})"
    values = {"organization": organization_id} | providers | dict(zip(names, wanted, strict=True))
    if None in verdicts:
        candidates = f"SELECT voice.id FROM cloned_voice AS voice WHERE {condition.format('voice.id')}"
        candidates += " AND voice.organization_id = :organization"
        return SingleVoiceFilter(candidates, condition, reads_all=True, parameters=values)
    in_list = ", ".join(f":{name}" for name in names)
    candidates = (
        "SELECT judged.voice_id AS id FROM voice_verdict AS judged"
        f" WHERE judged.verdict IN ({in_list}) AND judged.organization_id = :organization"
    )
    return SingleVoiceFilter(candidates, condition, reads_all=False, parameters=values)


def _build_holds(parameters: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the condition that a stored verdict of an organization holds now, and its parameters."""
    rows = fetch_rows(_PROVIDERS, parameters)
    conditions, values = [], {}
    for index, (provider, is_read, is_current) in enumerate(rows):
        if is_read:
            values[f"listing{index}"] = provider
            absence = "" if is_current else " AND NOT judged.rests_on_absence"
            conditions.append(f"(judged.provider = :listing{index}{absence})")
    return f"({' OR '.join(conditions) or 'FALSE'})", values
