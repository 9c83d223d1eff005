"""Judge one voice for its page, with what each source says about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.facts import PROVIDER_KINDS, JudgedVoice, SourceFacts, read_facts
from voiceadmin.sources.verdicts import Answer, Judgement, judge
from voiceadmin.voices.types.rows import VoiceDetail

NO_ANSWERS = (Answer.NOT_ASKED, Answer.ELSEWHERE)


class SourceEvidence(NamedTuple):
    """What one source says about a voice.

    Attributes:
        read_at: when its lists were last read as a whole; None if never.
        message: why its newest lists say nothing, "" if they are complete.
        raw_state: the provider's words for the voice; "" if its list lacks the voice.
        reason: the provider's text about a failure.
        breaks_at: when the voice will stop working.
        looked_up_at, answer: of the newest look-up; None and "" if there was none.
    """

    source_id: int
    name: str
    read_at: datetime | None
    message: str
    raw_state: str = ""
    reason: str = ""
    breaks_at: datetime | None = None
    looked_up_at: datetime | None = None
    answer: str = ""


class VoiceEvidence(NamedTuple):
    """A judgement, and what each source says."""

    judgement: Judgement
    sources: Sequence[SourceEvidence]


def collect_evidence(detail: VoiceDetail, *, now: datetime, cloning_timeout: timedelta) -> VoiceEvidence | None:
    """Judge a voice by the sources of its provider; None if there is no such kind of source, or it has no ID there."""
    voice = _build_judged_voice(detail)
    if voice.provider not in PROVIDER_KINDS or not voice.provider_voice_id:
        return None
    facts = read_facts([voice], now=now)
    provider, platform = facts.build_provider_facts(voice), facts.build_platform_facts(voice)
    judgement = judge(platform, provider, now=now, cloning_timeout=cloning_timeout)
    return VoiceEvidence(judgement, [_describe(item) for item in facts.list_source_facts(voice)])


def _build_judged_voice(detail: VoiceDetail) -> JudgedVoice:
    voice = detail.voice
    return JudgedVoice(
        voice.id,
        detail.organization.id,
        voice.provider,
        voice.provider_voice_id,
        voice.status.value,
        detail.archive.upstream_status.value if detail.archive else "",
        detail.status_changed_at,
    )


def _describe(item: SourceFacts) -> SourceEvidence:
    lists, listed = item.lists, item.listed
    is_asked = item.look_up is not None and item.look_up.answer not in NO_ANSWERS
    asked = item.look_up if is_asked else None
    return SourceEvidence(
        source_id=lists.source.id,
        name=lists.source.name,
        read_at=lists.read_at,
        message="This source is disabled." if lists.source.disabled_at else lists.message,
        raw_state=(listed.raw_state or ProviderState(listed.state).label) if listed else "",
        reason=listed.reason if listed else "",
        breaks_at=listed.breaks_at if listed else None,
        looked_up_at=asked.asked_at if asked else None,
        answer=asked.message if asked else "",
    )
