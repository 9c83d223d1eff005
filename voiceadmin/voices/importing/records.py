"""One record of an import file, validated or as it was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from voiceadmin.voices.importing.json_stream import DECODER
from voiceadmin.voices.importing.types import RECORD, Fault
from voiceadmin.voices.json_body import FIELDS, InvalidVoice, parse_voice
from voiceadmin.voices.types.rows import VoiceRow


class ParsedRecord(NamedTuple):
    """One record of the input.

    Attributes:
        number: position in the input, from 1; in a CSV file the number of its row, from 2.
        row: None if the record is invalid; `faults` contains the reasons.
        unknown_fields: how many fields the API does not have; they are ignored.
        unit: what the record is called in messages.
    """

    number: int
    row: VoiceRow | None
    faults: tuple[Fault, ...]
    unknown_fields: int
    unit: str = RECORD

    @property
    def id(self) -> int | None:
        """Return the id of the voice, None if the record is invalid."""
        return None if self.row is None else self.row.id


class PlainRecord(NamedTuple):
    """A record that matches PLAIN_RECORD, not decoded yet. It is JSON, but its values may be invalid.

    Attributes:
        number: as in ParsedRecord.
        match: of PLAIN_RECORD.
    """

    number: int
    id: int
    match: re.Match[str]

    def is_equal(self, json_body: str) -> bool:
        """Return whether the record is this JSON text, apart from blanks between its tokens."""
        return self.match[0] == json_body or _JSON_BODY % self.match.groups() == json_body

    def parse(self) -> ParsedRecord:
        """Decode and validate the record."""
        return parse_json_record(self.number, DECODER.decode(self.match[0]))


AnyRecord = ParsedRecord | PlainRecord


def parse_if_plain(record: AnyRecord) -> ParsedRecord:
    """Return the validated record."""
    return record.parse() if isinstance(record, PlainRecord) else record


def build_plain_record(number: int, match: re.Match[str]) -> PlainRecord:
    """Return the record of a match of PLAIN_RECORD."""
    return PlainRecord(number, int(match[1]), match)


def parse_record(number: int, raw: Mapping[str, Any], *, unknown_fields: int, unit: str = RECORD) -> ParsedRecord:
    """Validate the fields of a record."""
    try:
        return ParsedRecord(number, parse_voice(raw), (), unknown_fields, unit)
    except InvalidVoice as invalid:
        faults = tuple(Fault(number, *error, unit) for error in invalid.errors)
        return ParsedRecord(number, None, faults, unknown_fields, unit)


def parse_json_record(number: int, raw: object) -> ParsedRecord:
    """Validate a record that was read from JSON."""
    if not isinstance(raw, dict):
        remedy = f"Give an object with the fields {', '.join(FIELDS)}."
        return invalid_record(number, "is not an object.", remedy, value=raw)
    unknown = 0 if raw.keys() == _KNOWN_FIELDS else len(raw.keys() - _KNOWN_FIELDS)
    return parse_record(number, raw, unknown_fields=unknown)


def invalid_record(
    number: int, problem: str, remedy: str, *, field: str | None = None, value: object = None, unit: str = RECORD
) -> ParsedRecord:
    """Return a record with one fault."""
    return ParsedRecord(number, None, (Fault(number, field, value, problem, remedy, unit),), 0, unit)


_KNOWN_FIELDS = frozenset(FIELDS)


# A record with exactly the fields of the API, in its order, on one line and without escapes in texts, as the API and
# `export` write most voices. The groups are the JSON tokens of the values.

_TEXT = r'"[^"\\\x00-\x1f]*"'
_INTEGER = "(?:0|[1-9][0-9]{0,17})"
_TOKENS = dict.fromkeys(FIELDS, f"{_TEXT}|null") | {
    "id": "[1-9][0-9]{0,17}",
    "quality_score": rf"{_INTEGER}(?:\.[0-9]+)?(?:e-?[0-9]{{1,3}})?|null",
    "synthesis_count": _INTEGER,
}

PLAIN_RECORD = re.compile("{" + ", ?".join(f'"{name}": ?({token})' for name, token in _TOKENS.items()) + "}")

_JSON_BODY = "{" + ",".join(f'"{name}":%s' for name in FIELDS) + "}"
