"""The filter of the provider page."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.providers.forms import ProviderFilterForm

OURS = OrganizationChoices({3: "Acme", 12: "Bravo"}, lambda _: {})


@pytest.mark.parametrize(
    ("given", "organization_id"), [([], None), ([("organization", "")], None), ([("organization", "12")], 12)]
)
def test_the_filter_selects_one_organization_or_all(given: list[tuple[str, str]], organization_id: int | None) -> None:
    form = ProviderFilterForm(MultiDict(given), OURS)

    assert form.validate()
    assert form.organization.organization_id == organization_id


@pytest.mark.parametrize("word", ["4", "03", "+3", "x", "٣"])
def test_an_organization_that_is_not_listed_is_refused(word: str) -> None:
    form = ProviderFilterForm(MultiDict({"organization": word}), OURS)

    assert not form.validate()
    assert form.organization.errors[0].endswith("is not one of your organizations. Choose from the list.")
