"""The filter over the providers."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from voiceadmin.providers.forms import ProvidersForm

OURS = {3: "Acme", 12: "Bravo"}


@pytest.mark.parametrize(
    ("given", "chosen"), [([], None), ([("organization", "")], None), ([("organization", "12")], 12)]
)
def test_it_chooses_one_organization_or_all(given: list[tuple[str, str]], chosen: int | None) -> None:
    form = ProvidersForm(MultiDict(given), OURS)

    assert form.validate()
    assert form.chosen() == chosen


@pytest.mark.parametrize("word", ["4", "03", "+3", "3 ", "x", "٣", "9" * 5000])
def test_another_organization_is_refused(word: str) -> None:
    form = ProvidersForm(MultiDict({"organization": word}), OURS)

    assert not form.validate()
    assert form.organization.errors[0].endswith("is not an organization of yours. Choose from the list.")
