"""All situations by family. Each rule has its own module."""

from __future__ import annotations

from collections.abc import Sequence

from tests.triage.rules.situations.archived import ARCHIVED_VOICES
from tests.triage.rules.situations.assistant_unready import ASSISTANTS
from tests.triage.rules.situations.duplicate import DUPLICATES
from tests.triage.rules.situations.failed import FAILED_VOICES
from tests.triage.rules.situations.never_used import NEVER_USED_VOICES
from tests.triage.rules.situations.poor import POOR_VOICES
from tests.triage.rules.situations.several import SEVERAL
from tests.triage.rules.situations.situation import Situation
from tests.triage.rules.situations.stuck import PROVIDERS, TIMES
from tests.triage.rules.situations.unused import UNUSED_VOICES
from tests.triage.rules.situations.verdicts import VERDICTS

SITUATIONS: dict[str, Sequence[Situation]] = {
    "failed": FAILED_VOICES,
    "stuck at each provider": PROVIDERS,
    "stuck in time": TIMES,
    "poor": POOR_VOICES,
    "unused": UNUSED_VOICES,
    "never used": NEVER_USED_VOICES,
    "archived": ARCHIVED_VOICES,
    "verdicts": VERDICTS,
    "duplicates": DUPLICATES,
    "assistants": ASSISTANTS,
    "several at once": SEVERAL,
}
