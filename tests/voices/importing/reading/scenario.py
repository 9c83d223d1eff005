"""Records and readers that the tests of reading share."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import pytest

from tests.factories import voice_row
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.importing.plain_records import parse_if_plain
from voiceadmin.voices.importing.reading import read_voices
from voiceadmin.voices.importing.records import ParsedRecord
from voiceadmin.voices.importing.types import Fault, UnreadableInput
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

ADA = voice_row(id=1, name="Ada")
BO = voice_row(id=2, name="Recepción “Bo” 😀", quality_score=None, last_used_at=ADA.created_at)
A, B = (json.dumps(voice_to_json(row), ensure_ascii=False) for row in (ADA, BO))
HEADER = ",".join(FIELDS)
CSV_A, CSV_B = "".join(format_file([ADA, BO], ExportFormat.CSV)).splitlines()[1:]
INPUT = "The input: "


def read_records(data: str | bytes) -> list[ParsedRecord]:
    """Return all records of an input."""
    return list(parse_records(io.BytesIO(data if isinstance(data, bytes) else data.encode())))


def parse_records(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Read and validate the records of a stream one by one."""
    return map(parse_if_plain, read_voices(stream))


def rows(data: str | bytes) -> list[VoiceRow | None]:
    """Return the rows of an input, None for an invalid record."""
    return [record.row for record in read_records(data)]


def faults(data: str | bytes) -> list[str]:
    """Return the faults of a readable input."""
    return [str(fault) for record in read_records(data) for fault in record.faults]


def refusal(data: str | bytes) -> str:
    """Return why an input cannot be read."""
    with pytest.raises(UnreadableInput) as caught:
        read_records(data)
    return str(caught.value)


def notices(data: str | bytes) -> list[str]:
    """Return what reading an input notes."""
    found: list[str] = []
    list(read_voices(io.BytesIO(data if isinstance(data, bytes) else data.encode()), found.append))
    return found


def outcome(stream: io.BufferedIOBase) -> tuple[list[ParsedRecord], Fault | None]:
    """Return the records of a stream, and the fault that ended it, if any."""
    found: list[ParsedRecord] = []
    try:
        found.extend(parse_records(stream))  # type: ignore[arg-type]  # it has the methods of a BinaryIO that are used
    except UnreadableInput as invalid:
        return found, invalid.fault
    return found, None


class SlowStream(io.RawIOBase):
    """A stream that returns a few bytes per read, as a slow pipe does."""

    def __init__(self, pieces: Iterable[bytes], size: int = 1) -> None:
        self.pieces, self.size, self.rest, self.read_count = iter(pieces), size, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = piece
        size = min(self.size, len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        self.read_count += size
        return size
