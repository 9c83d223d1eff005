"""Readers of the pages that the tests of the triage views share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.conftest import SHELL
from tests.page import Page
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

FAILED, PROCESSING, ARCHIVED = VoiceStatus.FAILED, VoiceStatus.PROCESSING, VoiceStatus.ARCHIVED


def ref(voice: VoiceRow) -> ObjectRef:
    return ObjectRef(ObjectKind.VOICE, voice.id)


def apply(kind: TriageAction, *voices: VoiceRow, now: datetime, **options: Any) -> None:
    apply_action(
        EVERYTHING,
        ActionRequest(kind, tuple(map(ref, voices)), f"{kind} {voices}", 0, **options),
        AttentionThresholds(),
        by=SHELL,
        now=now,
    )


def read_names(page: Page) -> list[str]:
    """Return the names in the rows of the queue."""
    return [row.one("th").all("a")[0].text for row in page.root.one("tbody").all("tr") if row.all("th")]
