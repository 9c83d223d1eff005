"""Deletion at a provider is off until an admin allows it, and again when the account behind the key changes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.scenario import describe_source, make_source
from tests.two_tenants import audit_event_types, dump
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.errors import SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.believing import accept_account
from voiceadmin.sources.actions.permissions import allow_deletion, forbid_deletion
from voiceadmin.sources.models import Source
from voiceadmin.sources.queries import get_source
from voiceadmin.sources.types import SourceKind

pytestmark = pytest.mark.usefixtures("storing_app")


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


def read_permission(id: int) -> tuple[bool, str]:
    db.session.rollback()
    row = get_source(EVERYTHING, id)
    return row.deletion_allowed_at is not None, row.deletion_allowed_by


def test_deletion_is_allowed_and_forbidden_once_with_an_event(acme: Organization, settings: Settings) -> None:
    id = make_source(settings, describe_source(acme.id))
    own = Scope(frozenset({acme.id}))
    found = [read_permission(id)]

    for change in (allow_deletion, allow_deletion, forbid_deletion, forbid_deletion):
        assert change(own, id, by=SHELL, now=NOW) == "Voices"
        found.append(read_permission(id))

    allowed = (True, SHELL.name)
    assert found == [(False, ""), allowed, allowed, (False, ""), (False, "")]
    assert audit_event_types()[1:] == ["deletion-allowed", "deletion-forbidden"]


def test_deletion_is_allowed_within_the_scope_only(acme: Organization, settings: Settings) -> None:
    globex = make_organization("Globex")
    ids = [make_source(settings, describe_source(owner)) for owner in (None, globex.id)]
    before = dump()

    for id in ids:
        for change in (allow_deletion, forbid_deletion):
            with pytest.raises(SourceNotFound):
                change(Scope(frozenset({acme.id})), id, by=SHELL, now=NOW)

    assert dump() == before


def test_deletion_is_never_allowed_at_a_platform(acme: Organization, settings: Settings) -> None:
    id = make_source(settings, describe_source(acme.id, kind=SourceKind.BURKI))

    with pytest.raises(SourceRefused, match="at providers only"):
        allow_deletion(EVERYTHING, id, by=SHELL, now=NOW)

    assert read_permission(id) == (False, "")


def test_a_permission_ends_when_another_account_is_accepted(acme: Organization, settings: Settings) -> None:
    id = make_source(settings, describe_source(acme.id))
    allow_deletion(EVERYTHING, id, by=SHELL, now=NOW)
    db.session.execute(update(Source).values(account_changed_at=NOW))
    db.session.commit()

    with pytest.raises(SourceRefused, match="Accept the account first"):
        allow_deletion(EVERYTHING, id, by=SHELL, now=NOW)
    accept_account(EVERYTHING, id, by=SHELL, now=NOW)

    assert read_permission(id) == (False, "")
