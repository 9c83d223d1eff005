"""The assistant and the organization of an import."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import make_organization, voice_row
from tests.strategies import HOSTILE
from tests.voices.importing.actions.scenario import (
    ASSISTANT_ID,
    dump,
    lines,
    load_assistant,
    organization_names,
    run_import,
)
from voiceadmin.database.base import db
from voiceadmin.errors import ImportRefused
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.text import MAX_ID, find_invisible_character, parse_integer
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.models import ClonedVoice


def test_a_new_assistant_gets_its_own_organization(app: Flask) -> None:
    run_import(lines([voice_row(id=1)]))

    assert (load_assistant().name, load_assistant().name_key) == ("Assistant 31", "assistant 31")
    assert organization_names() == ["Assistant 31"]


def test_a_new_assistant_and_its_organization_get_the_given_names(app: Flask) -> None:
    run_import(lines([]), ImportTarget(ASSISTANT_ID, "Recepción", "Acme Telecom"))

    assert (load_assistant().name, load_assistant().name_key) == ("Recepción", "recepcion")
    assert organization_names() == ["Acme Telecom"]


def test_an_organization_without_a_given_name_gets_the_name_of_the_assistant(app: Flask) -> None:
    run_import(lines([]), ImportTarget(ASSISTANT_ID, "Night desk"))

    assert organization_names() == ["Night desk"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_new_assistant_belongs_to_the_given_organization(acme: Organization, by: str) -> None:
    named = acme.name if by == "name" else str(acme.id)

    run_import(lines([voice_row(id=3)]), ImportTarget(77, organization=named))

    assert db.session.get_one(Assistant, 77).organization_id == acme.id
    assert organization_names() == ["Acme", "Other"]


def test_an_existing_assistant_is_renamed_only_if_a_name_is_given(acme: Organization) -> None:
    run_import(lines([]))
    name_before = load_assistant().name

    run_import(lines([]), ImportTarget(ASSISTANT_ID, "Día"))

    assert name_before == "Night desk"
    assert (load_assistant().name, load_assistant().name_key) == ("Día", "dia")
    assert organization_names() == ["Acme", "Other"]


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_current_organization_of_an_assistant_can_be_given(acme: Organization, by: str) -> None:
    report, _ = run_import(
        lines([voice_row(id=3)]), ImportTarget(ASSISTANT_ID, None, acme.name if by == "name" else str(acme.id))
    )

    assert report.written


def test_among_organizations_with_one_name_that_of_the_assistant_is_used(acme: Organization) -> None:
    make_organization("Acme")

    assert run_import(lines([voice_row(id=3)]), ImportTarget(ASSISTANT_ID, organization="Acme"))[0].written
    assert db.session.get_one(ClonedVoice, 3).organization_id == acme.id


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param(
            ImportTarget(ASSISTANT_ID, organization="Other"),
            "Assistant 31 belongs to the organization “Acme” (1), not to “Other”. Remove --organization.",
            id="another-organization",
        ),
        pytest.param(
            ImportTarget(ASSISTANT_ID, organization="Brand new"),
            "Assistant 31 belongs to the organization “Acme” (1), not to “Brand new”. Remove --organization.",
            id="a-new-organization",
        ),
        pytest.param(
            ImportTarget(77, organization="77"),
            "There is no organization 77. Give a name to create one.",
            id="unknown-id",
        ),
        pytest.param(ImportTarget(77, organization="-1"), "There is no organization -1.", id="negative-id"),
        pytest.param(ImportTarget(77, organization="9" * 30), "There is no organization 9999", id="id-out-of-range"),
        pytest.param(ImportTarget(0), "The id of an assistant is from 1 to", id="assistant-zero"),
        pytest.param(ImportTarget(-31), "The id of an assistant is from 1 to", id="assistant-below-zero"),
        pytest.param(ImportTarget(MAX_ID + 1), "The id of an assistant is from 1 to", id="assistant-too-large"),
        pytest.param(ImportTarget(77, " \t"), "--assistant-name is blank. Give a name", id="blank-name"),
        pytest.param(ImportTarget(77, "a\0b"), "--assistant-name contains a NUL character. Remove it.", id="nul"),
        pytest.param(
            ImportTarget(77, "a\udc80"), "--assistant-name contains an unpaired surrogate.", id="undecodable-name"
        ),
        pytest.param(
            ImportTarget(77, "Front\u200bdesk"),
            "--assistant-name contains the invisible character U+200B (ZERO WIDTH SPACE). Type the name again.",
            id="invisible-name",
        ),
        pytest.param(
            ImportTarget(77, organization="\u202eemcA"),
            "--organization contains the invisible character U+202E (RIGHT-TO-LEFT OVERRIDE). Type the name again.",
            id="invisible-organization",
        ),
        pytest.param(ImportTarget(77, organization=""), "--organization is blank.", id="blank-organization"),
        pytest.param(
            ImportTarget(77, organization="x" * 10_001), "--organization has 10,001 characters.", id="long-organization"
        ),
    ],
)
def test_a_contradictory_target_is_refused(acme: Organization, target: ImportTarget, message: str) -> None:
    before = dump()

    with pytest.raises(ImportRefused) as caught:
        run_import(lines([voice_row(id=3)]), target)

    assert str(caught.value).startswith(message)
    assert dump() == before


def test_an_ambiguous_organization_name_is_refused_with_the_ids(acme: Organization) -> None:
    twin = make_organization("Acme")

    with pytest.raises(ImportRefused, match=rf"Give the id of one of them: {acme.id}, {twin.id}\."):
        run_import(lines([]), ImportTarget(77, organization="Acme"))


def test_hostile_names_of_assistants_and_organizations_are_stored(app: Flask) -> None:
    visible = [text for text in HOSTILE if text.strip() and find_invisible_character(text) is None]
    named = [text for text in visible if parse_integer(text) is None]  # an integer is an id

    for number, text in enumerate(named, 1):
        run_import(lines([]), ImportTarget(number, text, text))

    assert organization_names() == named
    assert list(db.session.scalars(select(Assistant.name).order_by(Assistant.id))) == named


def test_an_organization_that_has_an_invisible_character_already_is_found_by_its_name(app: Flask) -> None:
    organization = make_organization("Acme\u200b")

    run_import(lines([]), ImportTarget(77, "Desk", "Acme\u200b"))

    assert db.session.get_one(Assistant, 77).organization_id == organization.id
