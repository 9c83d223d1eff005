"""Ordinary records: read and compared by one regular expression, which is several times faster than decoding JSON.

A record is ordinary if it has exactly the fields of the API in its order, on one line, with texts without escapes and
valid values. Most records are. All others take the general path of `records`, which gives the same result for these.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from voiceadmin.voices.importing.json_stream import DECODER
from voiceadmin.voices.importing.records import ParsedRecord, parse_json_record
from voiceadmin.voices.json_body import FIELDS, MAX_NAME, MAX_VOICE_ID, MAX_WORD
from voiceadmin.voices.types.provider import normalize_provider
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

_LETTER = r'[^"\\\x00-\x1f]'
_WORD = f'"{_LETTER}{{0,{MAX_WORD}}}"'
_INTEGER = "[1-9][0-9]{0,17}"
_DAY = "(?:197[1-9]|19[89][0-9]|20[0-9]{2})-[01][0-9]-[0-3][0-9]"  # from FIRST_KNOWN_TIME on
_TIME = rf'"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{6}})?Z"'

_STATUSES = {f'"{status.value}"': status for status in VoiceStatus}

# The JSON of each value.
_TOKENS = {
    "id": _INTEGER,
    "name": f'"{_LETTER}{{0,{MAX_NAME}}}"',
    "provider": rf'"(?=\S){_LETTER}{{1,{MAX_WORD}}}"',
    "provider_voice_id": f'"{_LETTER}{{0,{MAX_VOICE_ID}}}"',
    "language": f"{_WORD}|null",
    "gender": f"{_WORD}|null",
    "status": "|".join(_STATUSES),
    "quality_score": r"0\.[0-9]{1,17}|1\.0|null",
    "created_at": _TIME,
    "last_used_at": f"{_TIME}|null",
    "synthesis_count": f"0|{_INTEGER}",
}

PLAIN_RECORD = re.compile("{" + ", ?".join(f'"{name}": ?({_TOKENS[name]})' for name in FIELDS) + "}")

_JSON_BODY = "{" + ",".join(f'"{name}":%s' for name in FIELDS) + "}"  # the layout of `ClonedVoice.json_body`


class PlainRecord(NamedTuple):
    """An ordinary record that was not decoded.

    Attributes:
        number: as in ParsedRecord.
        match: of PLAIN_RECORD. Each group is the JSON of a value.
    """

    number: int
    id: int
    match: re.Match[str]

    def is_equal(self, json_body: str) -> bool:
        """Return whether the record is this JSON text, apart from blanks between its tokens."""
        return self.match[0] == json_body or _JSON_BODY % self.match.groups() == json_body

    def parse(self) -> ParsedRecord:
        """Return what `parse_json_record` returns for the record."""
        try:
            return ParsedRecord(self.number, _build_row(self.match), (), 0)
        except ValueError:  # a day such as February 30
            return parse_json_record(self.number, DECODER.decode(self.match[0]))


AnyRecord = ParsedRecord | PlainRecord


def build_plain_record(number: int, match: re.Match[str]) -> PlainRecord:
    """Return the record of a match of PLAIN_RECORD."""
    return PlainRecord(number, int(match[1]), match)


def parse_if_plain(record: AnyRecord) -> ParsedRecord:
    """Return the validated record."""
    return record.parse() if isinstance(record, PlainRecord) else record


def _build_row(match: re.Match[str]) -> VoiceRow:
    """Return the voice of a match of PLAIN_RECORD. Raises ValueError if a day does not exist."""
    id, name, provider, provider_voice_id, language, gender, status, score, created_at, last_used_at, count = (
        match.groups()
    )
    return VoiceRow(
        int(id),
        name[1:-1],
        normalize_provider(provider[1:-1]),
        provider_voice_id[1:-1],
        None if language == "null" else language[1:-1] or None,
        None if gender == "null" else gender[1:-1] or None,
        _STATUSES[status],
        None if score == "null" else float(score),
        datetime.fromisoformat(created_at[1:-1]),
        None if last_used_at == "null" else datetime.fromisoformat(last_used_at[1:-1]),
        int(count),
    )
