"""What an import reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voiceadmin.text import quote_value


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of one record, or (field None) with the record or the whole input.

    record: its number in the input, from 1; None when the fault is the
    input's. value: as it was given; None when absent.
    """

    record: int | None
    field: str | None
    value: Any
    problem: str
    remedy: str

    def __str__(self) -> str:
        """One line: where, what was given, what is wrong with it, what to do."""
        where = "The input" if self.record is None else f"Record {self.record}"
        if self.field is not None:
            where += f", {self.field}"
        given = "" if self.value is None else f" {quote_value(self.value)}"
        return f"{where}:{given} {self.problem} {self.remedy}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How an import ended: records by what became of them.

    ignored: unknown fields that were passed over, in all records together.
    written: whether the store has it now; False after a dry run or a refusal.
    """

    added: int
    changed: int
    unchanged: int
    refused: int
    ignored: int
    written: bool
