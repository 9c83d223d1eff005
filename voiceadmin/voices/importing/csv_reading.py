"""Read CSV files as exports and spreadsheets write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator

from voiceadmin.tabular import unescape_formula
from voiceadmin.text import pluralize
from voiceadmin.voices.importing.json_stream import MAX_VALUE_LENGTH, JsonStream
from voiceadmin.voices.importing.records import ParsedRecord, invalid_record, parse_record
from voiceadmin.voices.importing.types import refuse
from voiceadmin.voices.json_body import FIELDS, OPTIONAL

ROW = "Row"  # what a record is called in messages; its number is the one that a spreadsheet shows

SEPARATORS = ",;\t"

TEXT_FIELDS = ("name", "provider", "provider_voice_id", "language", "gender")

REQUIRED = tuple(name for name in FIELDS if name not in OPTIONAL)

_WHOLE_NUMBER = re.compile(r"(-?[0-9]+)[.,]0+", re.ASCII)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

_SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\Z", re.IGNORECASE)

# A spreadsheet shows the id 219382910293812093812093 so.
_ROUNDED_NUMBER = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+", re.ASCII)

# What other programs write for a missing value. Each is noted once: a provider could use it as an id.
PLACEHOLDERS = {"null", "nan", "none", "n/a", "#n/a", "#name?", "#value!", "#ref!", "undefined"}


def read_csv(text: JsonStream, notify: Callable[[str], None]) -> Iterator[ParsedRecord]:
    """Yield the records of a CSV file. An empty cell is null where the field may be null.

    Args:
        text: the file.
        notify: called with what a person should know although no record is invalid.
    """
    number, placeholders = 1, set(PLACEHOLDERS)
    try:
        rows, separator = _open_rows(text)
        columns = _read_header(next(rows, []), notify)
        for number, cells in enumerate(rows, 2):
            if any(cells):
                record = _parse_row(number, cells, columns, separator)
                if record.row is not None and record.row.provider_voice_id.strip().casefold() in placeholders:
                    placeholder = record.row.provider_voice_id
                    placeholders.discard(placeholder.strip().casefold())
                    notify(f"Row {number} has the provider ID “{placeholder}”. Leave the cell empty if there is none.")
                yield record
    except csv.Error as error:
        refuse(f"is not valid CSV: {error}.", "Export the file again.", record=number + 1, unit=ROW, cause=error)


def _open_rows(text: JsonStream) -> tuple[Iterator[list[str]], str]:
    """Return all rows from the header on, and the separator: that of a line such as sep=; or of the header."""
    first = text.read_line(any_end=True)
    if match := _SEPARATOR_LINE.match(first.rstrip("\r\n")):
        return _read_rows(text, "", match[1]), match[1]
    counts = {separator: _count_known(first, separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda candidate: counts[candidate])
    return _read_rows(text, first, separator), separator


def _count_known(line: str, separator: str) -> int:
    return sum(_normalize_name(cell.strip('"')) in FIELDS for cell in line.split(separator))


def _normalize_name(name: str) -> str:
    return "_".join(name.strip().casefold().split())


def _read_header(cells: list[str], notify: Callable[[str], None]) -> list[str]:
    """Return the normalized names of the columns."""
    names = [_normalize_name(cell) for cell in cells]
    if not set(names) & set(FIELDS):
        refuse(
            "is neither JSON nor a CSV table of voices: its first line names no field of a voice.",
            f"Import the response of the API, or give a header with {', '.join(REQUIRED)}.",
        )
    missing = [name for name in REQUIRED if name not in names]
    repeated = sorted({name for name in names if name in FIELDS and names.count(name) > 1})
    if missing or repeated:
        problems = {"missing": missing, "repeated": repeated}
        named = "; ".join(f"{problem}: {', '.join(found)}" for problem, found in problems.items() if found)
        refuse(f"has a header with columns {named}.", f"Give {', '.join(REQUIRED)} once each.")
    unknown = [cell.strip() for cell, name in zip(cells, names, strict=True) if name and name not in FIELDS]
    if unknown:
        notify(f"Ignored {pluralize(len(unknown), 'column')} that voices do not have: {', '.join(unknown[:20])}.")
    return names


def _parse_row(number: int, cells: list[str], columns: list[str], separator: str) -> ParsedRecord:
    if len(cells) != len(columns):
        problem = f"has {len(cells)} cells, but the header has {len(columns)}."
        return invalid_record(number, problem, "Put texts with separators in quotation marks.", unit=ROW)
    raw = {name: cell for name, cell in zip(columns, cells, strict=True) if name in FIELDS}
    for name in TEXT_FIELDS:
        if name in raw:
            raw[name] = unescape_formula(raw[name])
    for name in ("id", "synthesis_count"):
        raw[name] = _WHOLE_NUMBER.sub(r"\1", raw[name].strip())
    for name in ("created_at", "last_used_at"):
        if _DAY.fullmatch(raw.get(name, "")):
            raw[name] += "T00:00:00Z"
    if separator != "," and "quality_score" in raw:
        raw["quality_score"] = raw["quality_score"].replace(",", ".")
    provider_voice_id = raw.get("provider_voice_id", "")
    if _ROUNDED_NUMBER.fullmatch(provider_voice_id):
        remedy = "Export again, and format the column as text before the spreadsheet opens it."
        field = "provider_voice_id"
        return invalid_record(number, "is a rounded number.", remedy, unit=ROW, field=field, value=provider_voice_id)
    return parse_record(number, raw, unit=ROW, unknown_fields=sum(name not in FIELDS for name in columns))


def _read_rows(text: JsonStream, first: str, separator: str) -> Iterator[list[str]]:
    """Yield all rows, empty ones too: a spreadsheet counts them.

    Raises:
        csv.Error: also for a row that is too long, such as one with an unclosed quotation mark.
    """
    row_length = 0

    def read_lines() -> Iterator[str]:
        nonlocal row_length
        line = first or text.read_line(any_end=True)
        while line:
            row_length += len(line)
            if row_length > MAX_VALUE_LENGTH:
                raise csv.Error("the row is too long")
            yield line
            line = text.read_line(any_end=True)

    for row in csv.reader(read_lines(), delimiter=separator, strict=True):
        row_length = 0
        yield row
