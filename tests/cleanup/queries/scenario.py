"""Readers and values that the tests of candidates and plans share."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from voiceadmin.tabular import ExportFormat, unescape_formula


def read_records(text: str, format: ExportFormat) -> list[dict[str, Any]]:
    """Return the records of an export."""
    if format.file_extension == "csv":
        return [
            {name: unescape_formula(value) or None for name, value in record.items()}
            for record in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        ]
    if format is ExportFormat.JSON:
        return list(json.loads(text))
    return [json.loads(record) for record in text.splitlines()]


def expected_record(format: ExportFormat, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as an export in this format contains it."""
    if format.file_extension != "csv":
        return record
    return {name: None if value is None else str(value) or None for name, value in record.items()}


HOSTILE = ("=1+1", '"quoted", and\nbroken', "'@x", "Ωmega \u202e", "\t")
