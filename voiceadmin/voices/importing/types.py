"""Faults of imported records, and the report of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from voiceadmin.errors import Problem
from voiceadmin.text import quote_value

RECORD = "Record"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a field of a record is invalid; without a field the record, without a record the whole input.

    Attributes:
        record: position in the input, from 1; None if the whole input is invalid.
        value: as it was given; None if it was missing.
        unit: what the record is called in the file.
    """

    record: int | None
    field: str | None
    value: Any
    problem: str
    remedy: str
    unit: str = RECORD

    def __str__(self) -> str:
        """Return one line with the record, field, value, problem and remedy."""
        subject = "The input" if self.record is None else f"{self.unit} {self.record}"
        if self.field is not None:
            subject += f", {self.field}"
        value = "" if self.value is None else f" {quote_value(self.value)}"
        return f"{subject}:{value} {self.problem} {self.remedy}"


class UnreadableInput(Problem):
    """The input cannot be read to its end. Records read before the fault must not be written."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def refuse(
    problem: str, remedy: str, *, record: int | None = None, unit: str = RECORD, cause: Exception | None = None
) -> NoReturn:
    """Raise UnreadableInput for the whole input, or for one of its records."""
    raise UnreadableInput(Fault(record, None, None, problem, remedy, unit)) from cause


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Number of records by outcome.

    Attributes:
        ignored: unknown fields, in all records together.
        written: False after a dry run, and if invalid records prevented the import.
        reset: changed voices whose number of uses is lower than the stored one.
    """

    added: int
    changed: int
    unchanged: int
    refused: int
    ignored: int
    written: bool
    reset: int = 0
