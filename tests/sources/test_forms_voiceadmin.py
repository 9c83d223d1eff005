"""A source that is another voiceadmin needs what that voiceadmin does not tell."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from tests.factories import make_organization
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.sources.forms import SourceForm
from voiceadmin.sources.types import SourceKind

GIVEN = {
    "kind": "voiceadmin",
    "name": "Peer",
    "address": "https://peer.example.com/",
    "key_variable": "UPSTREAM_KEY_PEER",
    "assistants": "31, 62",
}


def build_form(**changes: str) -> SourceForm:
    """The form with these changes, validated, for an organization that exists."""
    organization = str(make_organization("Harbour").id)
    data = MultiDict(GIVEN | {"organization": organization} | changes)
    form = SourceForm(data, list_organization_choices(EVERYTHING), offer_platform=True)
    form.validate()
    return form


def test_address_organization_and_assistants_make_a_source(sqlite_app: Flask) -> None:
    form = build_form()

    assert form.errors == {}
    new = form.build_source()
    assert (new.kind, new.address, new.assistant_ids) == (SourceKind.VOICEADMIN, "https://peer.example.com", (31, 62))
    assert new.organization_id is not None


@pytest.mark.parametrize("field", ["address", "organization", "assistants"])
def test_none_of_them_can_be_left_out(sqlite_app: Flask, field: str) -> None:
    form = build_form(**{field: ""})

    message = "Another voiceadmin needs its base address, the organization here, and the IDs of its assistants."
    assert form.errors["kind"] == [message]


def test_burki_needs_none_of_them(sqlite_app: Flask) -> None:
    assert build_form(kind="burki", address="", organization="", assistants="").errors == {}
