"""One record of an import file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from voiceadmin.voices.importing.types import RECORD, Fault
from voiceadmin.voices.json_body import FIELDS, InvalidValue, InvalidVoice, parse_voice, parse_voice_id
from voiceadmin.voices.types.rows import VoiceRow


class ParsedRecord(NamedTuple):
    """One record of the input.

    Attributes:
        number: position in the input, from 1; in a CSV file the number of its row, from 2.
        row: None if the record is invalid; `faults` contains the reasons.
        unknown_fields: how many fields the API does not have; they are ignored.
        unit: what the record is called in messages.
        given_id: the id of an invalid record, None if it has no valid one.
    """

    number: int
    row: VoiceRow | None
    faults: tuple[Fault, ...]
    unknown_fields: int
    unit: str = RECORD
    given_id: int | None = None

    @property
    def id(self) -> int | None:
        """Return the id of the voice, None if the record is invalid."""
        return None if self.row is None else self.row.id


def parse_record(number: int, raw: Mapping[str, Any], *, unknown_fields: int, unit: str = RECORD) -> ParsedRecord:
    """Validate the fields of a record."""
    try:
        return ParsedRecord(number, parse_voice(raw), (), unknown_fields, unit)
    except InvalidVoice as invalid:
        faults = tuple(Fault(number, *error, unit) for error in invalid.errors)
        return ParsedRecord(number, None, faults, unknown_fields, unit, _read_id(raw))


def _read_id(raw: Mapping[str, Any]) -> int | None:
    """Return the id of a record whose other fields may be invalid, None if it is invalid itself."""
    try:
        return parse_voice_id(raw.get("id"))
    except InvalidValue:
        return None


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
