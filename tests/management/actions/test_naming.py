"""Renaming organizations and assistants."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.conftest import SHELL
from tests.factories import make_assistant, make_organization
from tests.two_tenants import rows_of
from voiceadmin.assistants.queries import list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.errors import AssistantNotFound, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.management.actions.naming import rename_assistant, rename_organization


def list_events() -> list[tuple[str, str, str | None, str | None]]:
    """Return the type, object and values of each audit event."""
    return [(row["event_type"], row["object_name"], row["before"], row["after"]) for row in rows_of("audit_event")]


def test_an_organization_gets_another_name(app: Flask, now: datetime) -> None:
    acme = make_organization("Assistant 31")

    for _ in range(2):
        rename_organization(EVERYTHING, acme.id, "Acme", by=SHELL, now=now)

    assert [row["name"] for row in rows_of("organization")] == ["Acme"]
    assert list_events() == [("organization-renamed", "Acme", '{"name": "Assistant 31"}', '{"name": "Acme"}')]


def test_an_assistant_is_found_by_its_new_name(app: Flask, now: datetime) -> None:
    make_assistant(make_organization("Acme"), id=31, name="Assistant 31")

    for _ in range(2):
        rename_assistant(EVERYTHING, 31, "Empfang Süd", by=SHELL, now=now)

    (found,) = list_assistants(EVERYTHING, AssistantFilters(text="SÜD")).rows
    assert found.assistant.name == "Empfang Süd"
    assert [event[0] for event in list_events()] == ["assistant-renamed"]


def test_names_outside_the_scope_cannot_be_changed(app: Flask, now: datetime) -> None:
    acme, other = make_organization("Acme"), make_organization("Other")
    make_assistant(acme, id=31)
    scope = Scope(frozenset({other.id}))

    with pytest.raises(OrganizationNotFound):
        rename_organization(scope, acme.id, "Mine", by=SHELL, now=now)
    with pytest.raises(AssistantNotFound):
        rename_assistant(scope, 31, "Mine", by=SHELL, now=now)

    assert list_events() == []
