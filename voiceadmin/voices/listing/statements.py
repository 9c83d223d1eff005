"""The columns that the statements of a list select."""

from __future__ import annotations

from typing import Any

from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.usage import ASSISTANT_COUNT

# The columns of a VoiceRow, for `parse_voice_row`, and the number of assistants that use the voice.
SELECTED_COLUMNS = ", ".join([*(f"voice.{name}" for name in VoiceRow._fields), ASSISTANT_COUNT])

# Rows of SELECTED_COLUMNS as the driver returns them; see `fetch_rows`.
VoiceRows = list[tuple[Any, ...]]
