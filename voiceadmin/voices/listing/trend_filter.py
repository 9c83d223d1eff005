"""The filter of trends: how the use of voices has changed, by what is stored of them.

A stored trend matches only if it is the one that the page of the voice shows: for the day on which the voice was last
read from upstream, and the newest row before this day. So a voice that is used again does not match, even before its
trend is renewed. Neither does one whose source is no longer read, unless its trend holds for the day of the last sync.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from voiceadmin.history.last_days import build_last_day, build_today
from voiceadmin.history.types import Trend
from voiceadmin.voices.listing.single_voices import SingleVoiceFilter

# {last_day}: values of earlier days are final. A row of such a day after the basis ends the trend.
_HOLDS = (
    "EXISTS (SELECT 1 FROM (SELECT {last_day} AS day) AS last"
    " WHERE trending.from_day <= last.day AND trending.until_day >= last.day"
    " AND NOT EXISTS (SELECT 1 FROM voice_day AS later WHERE later.voice_id = trending.voice_id"
    " AND later.day > trending.basis_day AND later.day < last.day))"
    " AND EXISTS (SELECT 1 FROM voice_day AS basis WHERE basis.voice_id = trending.voice_id"
    " AND basis.day = trending.basis_day AND basis.synthesis_count = trending.basis_count)"
)


def build_trend_filter(organization_id: int, trends: Sequence[Trend], now: datetime) -> SingleVoiceFilter:
    """Return the filter as SQL. Voices are found through the index of trends.

    Args:
        organization_id: of the voices.
        trends: at least one of STORED_TRENDS.
        now: the current time.
    """
    names = {f"trend{index}": trend.value for index, trend in enumerate(trends)}
    is_wanted = f"trending.trend IN ({', '.join(f':{name}' for name in names)})"
    holds = _HOLDS.format(last_day=build_last_day("trending.voice_id"))
    condition = (
        "EXISTS (SELECT 1 FROM voice_trend AS trending WHERE trending.voice_id = {0}"
        f" AND trending.organization_id = :organization AND {is_wanted} AND {holds})"
    )
    candidates = (
        "SELECT trending.voice_id AS id FROM voice_trend AS trending"
        f" WHERE {is_wanted} AND trending.organization_id = :organization"
    )
    parameters: dict[str, Any] = names | {"today": build_today(now), "organization": organization_id}
    return SingleVoiceFilter(candidates, condition, reads_all=False, parameters=parameters)
