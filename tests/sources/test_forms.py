"""The form of a new source."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from tests.factories import make_many_organizations, make_organization
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.sources.connecting import CLIENT_KINDS
from voiceadmin.sources.forms import SourceForm
from voiceadmin.sources.types import NewSource, SourceKind

pytestmark = pytest.mark.usefixtures("sqlite_app")

VARIABLE = "UPSTREAM_KEY_A"


def fill(scope: Scope = EVERYTHING, **data: str) -> SourceForm:
    """A validated form, with a name and a variable unless others are given."""
    values = {"kind": "elevenlabs", "name": "Voices"} | ({} if "key" in data else {"key_variable": VARIABLE}) | data
    form = SourceForm(MultiDict(values), list_organization_choices(scope), offer_platform=scope == EVERYTHING)
    form.validate()
    return form


def test_a_platform_source_has_the_address_of_its_kind_unless_another_is_given() -> None:
    form = fill()

    assert form.errors == {}
    address = CLIENT_KINDS[SourceKind.ELEVENLABS].address
    assert form.build_source() == NewSource(None, SourceKind.ELEVENLABS, "Voices", address, VARIABLE)
    assert fill(address="http://127.0.0.1:5000/ ").build_source().address == "http://127.0.0.1:5000"


def test_the_organization_is_selected_by_its_id_and_the_platform_by_none() -> None:
    acme = make_organization("Acme")

    form = fill(organization=str(acme.id))

    assert list(form.organization.choices.values()) == ["The platform", "Acme"]
    assert form.build_source().organization_id == acme.id
    assert fill(organization="").build_source().organization_id is None


def test_the_only_organization_of_an_admin_is_the_owner_without_a_choice() -> None:
    acme = make_organization("Acme")
    make_organization("Globex")

    form = fill(Scope(frozenset({acme.id})), organization=str(acme.id), key="a-key")
    absent = fill(Scope(frozenset({acme.id})), key="a-key")

    assert form.organization.flags.hidden
    assert (form.errors, absent.errors) == ({}, {})
    assert form.build_source().organization_id == absent.build_source().organization_id == acme.id


def test_an_admin_of_several_organizations_must_select_one() -> None:
    scope = Scope(frozenset({make_organization("Acme").id, make_organization("Globex").id}))

    form = fill(scope, key="a-key")

    assert list(form.organization.choices.values()) == ["Acme", "Globex"]
    assert "organization" in form.errors


def test_one_of_many_organizations_is_found_by_its_name() -> None:
    make_many_organizations()
    zeta = make_organization("Zeta")

    assert fill(organization="Zeta").build_source().organization_id == zeta.id
    assert fill(organization="").build_source().organization_id is None


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no key": ({"key": ""}, "key", "Enter either a key, or the name of a variable"),
    "a key and a variable": ({"key": "a-key", "key_variable": VARIABLE}, "key", "Enter either a key, or"),
    "another variable": ({"key_variable": "PATH"}, "key_variable", '"PATH" must begin with UPSTREAM_KEY_'),
    "an unknown kind": ({"kind": "acme"}, "kind", '"acme" is not a kind of source'),
    "no name": ({"name": " "}, "name", ""),
    "a long name": ({"name": "n" * 101}, "name", ""),
    "assistants of a provider": ({"assistants": "31"}, "assistants", "A provider has no assistants"),
    "no id": ({"kind": "burki", "assistants": "31, x"}, "assistants", '"x" is not the ID of an assistant'),
    "zero": ({"kind": "burki", "assistants": "0"}, "assistants", '"0" is not the ID of an assistant'),
    "a large id": ({"kind": "burki", "assistants": str(2**63)}, "assistants", "is not the ID of an assistant"),
    "many digits": ({"kind": "burki", "assistants": "9" * 1999}, "assistants", "is not the ID of an assistant"),
    "an exponent": ({"kind": "burki", "assistants": "²"}, "assistants", '"²" is not the ID of an assistant'),
    "an unknown kind with assistants": ({"kind": "acme", "assistants": "31"}, "kind", '"acme" is not a kind'),
    "many ids": (
        {"kind": "burki", "assistants": " ".join(map(str, range(1, 102)))},
        "assistants",
        "These are 101 assistants. Enter at most 100.",
    ),
}


@pytest.mark.parametrize(("data", "field", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_reported_at_its_field(data: dict[str, Any], field: str, message: str) -> None:
    errors = fill(**data).errors

    assert message in str(dict[str | None, Any](errors)[field][0])


def test_assistants_are_separated_by_commas_or_blanks() -> None:
    form = fill(kind="burki", assistants="31, 32\t33")

    assert form.build_source().assistant_ids == (31, 32, 33)
