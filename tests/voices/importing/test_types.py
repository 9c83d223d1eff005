"""Faults of import files."""

from __future__ import annotations

import pytest

from voiceadmin.voices.importing.types import Fault


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        pytest.param(
            Fault(3, "id", "x", "is not a whole number.", "Give one."),
            'Record 3, id: "x" is not a whole number. Give one.',
            id="of-a-field",
        ),
        pytest.param(Fault(3, "id", None, "is missing.", "Add it."), "Record 3, id: is missing. Add it.", id="absent"),
        pytest.param(Fault(3, None, 5, "is no object.", "Give one."), "Record 3: 5 is no object. Give one.", id="all"),
        pytest.param(Fault(None, None, None, "is empty.", "Fill it."), "The input: is empty. Fill it.", id="of-input"),
    ],
)
def test_a_fault_has_position_problem_and_remedy(fault: Fault, line: str) -> None:
    assert str(fault) == line
