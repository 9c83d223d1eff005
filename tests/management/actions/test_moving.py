"""Moving and removing assistants and organizations."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.conftest import SHELL
from tests.factories import make_account, make_assistant, make_organization, make_voice
from tests.two_tenants import dump, rows_of
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.errors import AssistantNotFound, ChangeRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.management.actions.moving import move_assistant, remove_assistant, remove_organization
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Create an organization with two assistants and a voice."""
    acme = make_organization("Acme")
    make_assistant(acme, id=31, name="Day desk")
    make_assistant(acme, id=32, name="Night desk")
    make_voice(acme, id=1)
    return acme


def list_assistants() -> dict[int, int]:
    """Return the organization of each assistant."""
    return {row["id"]: row["organization_id"] for row in rows_of("assistant")}


def list_events() -> list[tuple[str, int | None]]:
    """Return the type and the organization of each audit event."""
    return [(row["event_type"], row["organization_id"]) for row in rows_of("audit_event")]


def test_a_moved_assistant_takes_its_assignee_along(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    person = make_account("ada@example.com", roles={acme: Role.OPERATOR})
    refs = (ObjectRef(ObjectKind.ASSISTANT, 31),)
    request = ActionRequest(TriageAction.ASSIGN, refs, "key", 10**9, assignee_id=person.id)
    apply_action(EVERYTHING, request, AttentionThresholds(), by=SHELL, now=now)

    move_assistant(EVERYTHING, 31, other.id, by=SHELL, now=now)

    assert list_assistants() == {31: other.id, 32: acme.id}
    assert [row["organization_id"] for row in rows_of("assignment")] == [other.id]
    assert list_events()[-1] == ("assistant-moved", None)
    organizations = [row["organization_id"] for row in rows_of("audit_event_organization")]
    assert organizations == [acme.id, other.id]


def test_moving_an_assistant_to_its_own_organization_changes_nothing(acme: Organization, now: datetime) -> None:
    move_assistant(EVERYTHING, 31, acme.id, by=SHELL, now=now)

    assert list_events() == []


def test_the_last_assistant_of_voices_is_neither_moved_nor_removed(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    remove_assistant(EVERYTHING, 32, by=SHELL, now=now)
    before = dump()

    with pytest.raises(ChangeRefused, match=r"is the only assistant of “Acme”, .* Merge the organization instead"):
        move_assistant(EVERYTHING, 31, other.id, by=SHELL, now=now)
    with pytest.raises(ChangeRefused, match=r"is the only assistant of “Acme”, .* merge the organization into"):
        remove_assistant(EVERYTHING, 31, by=SHELL, now=now)

    assert dump() == before


def test_a_removed_assistant_leaves_its_voices(acme: Organization, now: datetime) -> None:
    assert remove_assistant(EVERYTHING, 31, by=SHELL, now=now) == "Day desk"

    assert list_assistants() == {32: acme.id}
    assert len(rows_of("cloned_voice")) == 1
    assert list_events() == [("assistant-removed", acme.id)]


def test_an_organization_is_removed_only_when_it_is_empty(acme: Organization, now: datetime) -> None:
    empty = make_organization("Empty")
    make_account("ada@example.com", roles={empty: Role.ADMIN})

    with pytest.raises(ChangeRefused, match="“Acme” still has assistants or voices"):
        remove_organization(EVERYTHING, acme.id, by=SHELL, now=now)
    assert remove_organization(EVERYTHING, empty.id, by=SHELL, now=now) == "Empty"

    assert [row["name"] for row in rows_of("organization")] == ["Acme"]
    assert rows_of("membership") == []
    assert list_events() == [("organization-removed", None)]


def test_an_organization_with_merged_ones_is_not_removed(acme: Organization, now: datetime) -> None:
    empty = make_organization("Empty")
    merge_organizations(EVERYTHING, make_organization("Old").id, empty.id, by=SHELL, now=now)

    with pytest.raises(ChangeRefused, match="Other organizations were merged into “Empty”"):
        remove_organization(EVERYTHING, empty.id, by=SHELL, now=now)


def test_objects_outside_the_scope_are_not_found(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    scope = Scope(frozenset({other.id}))
    before = dump()

    with pytest.raises(AssistantNotFound):
        remove_assistant(scope, 31, by=SHELL, now=now)
    with pytest.raises(AssistantNotFound):
        move_assistant(scope, 31, other.id, by=SHELL, now=now)
    with pytest.raises(OrganizationNotFound):
        move_assistant(Scope(frozenset({acme.id})), 31, other.id, by=SHELL, now=now)
    with pytest.raises(OrganizationNotFound):
        remove_organization(scope, acme.id, by=SHELL, now=now)

    assert dump() == before
