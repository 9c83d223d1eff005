"""API keys: creation, revocation and scope."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from tests.api_keys.scenario import ADA, create_key, find_key, list_audit_events
from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_organization
from voiceadmin.api_keys.actions import revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.queries import find_api_key, list_api_keys
from voiceadmin.api_keys.types import ApiKeyRow
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, KeyNotFound, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, ActorKind, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("app")

SECOND = timedelta(seconds=1)


def get_row(scope: Scope, id: int) -> ApiKeyRow:
    """Return one key of the list."""
    (row,) = [row for row in list_api_keys(scope) if row.id == id]
    return row


def ids_and_scope(*organizations: Organization) -> tuple[frozenset[int], Scope]:
    ids = frozenset(int(organization.id) for organization in organizations)
    return ids, Scope(ids)


def test_the_database_stores_only_the_hash_of_a_key() -> None:
    token = create_key()
    dump = "\n".join(str(row) for table in db.metadata.sorted_tables for row in db.session.execute(select(table)).all())

    assert token.startswith("va_")
    assert len(token) == 46
    assert token not in dump
    assert token[9:] not in dump
    assert hash_token(token) in dump
    (line,) = list_audit_events(AuditEventType.KEY_CREATED)
    assert line.after == {"key": token[:9], "expires_at": None}


def test_keys_are_unique() -> None:
    assert len({create_key() for _ in range(20)}) == 20


def test_a_key_is_found_with_its_organizations() -> None:
    (acme, _), (other, _) = ids_and_scope(make_organization("Acme")), ids_and_scope(make_organization("Other"))

    unlimited = find_key(create_key())
    limited = find_key(create_key(acme | other, expires_at=NOW + DAY))

    assert (unlimited.name, unlimited.organizations, unlimited.expires_at, unlimited.last_used_at) == (
        "status board",
        None,
        None,
        None,
    )
    assert (limited.organizations, limited.expires_at) == (acme | other, NOW + DAY)
    row = get_row(EVERYTHING, limited.id)
    assert (row.created_by, row.created_at, row.organizations) == (
        "ada@example.com",
        NOW,
        {min(acme): "Acme", min(other): "Other"},
    )


def test_creating_and_revoking_a_key_of_two_organizations_leaves_one_event_each() -> None:
    ids, scope = ids_and_scope(make_organization("Acme"), make_organization("Other"))
    token = create_key(ids, scope=scope, expires_at=NOW + DAY)
    id = find_key(token).id

    assert revoke_api_key(scope, id, by=ADA, now=NOW + SECOND) == "status board"

    created, revoked = list_audit_events(AuditEventType.KEY_CREATED), list_audit_events(AuditEventType.KEY_REVOKED)
    assert [event.organization_id for event in created + revoked] == [None, None]
    assert {(line.object_kind, line.object_id, line.object_name) for line in created + revoked} == {
        (ObjectKind.KEY, id, "status board")
    }
    assert {(line.actor_kind, line.actor_id, line.actor_name, line.address) for line in created + revoked} == {
        (ActorKind.ACCOUNT, 77, "ada@example.com", "203.0.113.7")
    }
    assert created[0].after == {"key": token[:9], "expires_at": "2026-11-23T14:00:00+00:00"}
    assert (revoked[0].at, revoked[0].before, revoked[0].after) == (NOW + SECOND, {"key": token[:9]}, None)


def test_an_event_names_the_organization_of_a_key_that_reads_one() -> None:
    ids, scope = ids_and_scope(make_organization("Acme"))
    revoke_api_key(scope, find_key(create_key(ids, scope=scope)).id, by=ADA, now=NOW)

    events = list_audit_events(AuditEventType.KEY_CREATED, AuditEventType.KEY_REVOKED)

    assert [event.organization_id for event in events] == [*ids, *ids]


def test_events_of_a_key_for_all_organizations_have_no_organization() -> None:
    id = find_key(create_key()).id
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW)

    assert [
        line.organization_id for line in list_audit_events(AuditEventType.KEY_CREATED, AuditEventType.KEY_REVOKED)
    ] == [
        None,
        None,
    ]


def test_a_revoked_key_is_not_found_and_keeps_the_time_of_its_revocation() -> None:
    token = create_key()
    id = find_key(token).id

    assert [revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW + seconds * SECOND) for seconds in (1, 2)] == [
        "status board",
        "status board",
    ]

    assert find_api_key(token) is None
    assert get_row(EVERYTHING, id).revoked_at == NOW + SECOND
    assert len(list_audit_events(AuditEventType.KEY_REVOKED)) == 1


def test_a_key_is_active_until_it_expires_or_is_revoked() -> None:
    id = find_key(create_key(expires_at=NOW + DAY)).id

    row = get_row(EVERYTHING, id)
    assert [row.is_active(NOW + DAY + offset) for offset in (-SECOND, timedelta(0), SECOND)] == [True, False, False]
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW)
    assert not get_row(EVERYTHING, id).is_active(NOW)


@pytest.mark.parametrize("late", [timedelta(0), SECOND])
def test_an_expiry_that_is_not_in_the_future_is_refused(late: timedelta) -> None:
    with pytest.raises(ChangeRefused, match=r"^The key would have expired already\. Choose a later day\.$"):
        create_key(expires_at=NOW - late)

    create_key(expires_at=NOW + timedelta(microseconds=1))


def test_a_key_without_organizations_is_refused() -> None:
    with pytest.raises(ChangeRefused, match=r"^The key would read no organization\. Select at least one\.$"):
        create_key(frozenset())


def test_an_admin_cannot_create_a_key_beyond_the_own_organizations() -> None:
    (acme, scope), (other, _) = ids_and_scope(make_organization("Acme")), ids_and_scope(make_organization("Other"))

    for ids in (other, acme | other, frozenset({999})):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {max(ids)}\.$"):
            create_key(ids, scope=scope)
    with pytest.raises(ChangeRefused, match=r"^Only a platform admin can create a key for all organizations\.$"):
        create_key(None, scope=scope)
    with pytest.raises(OrganizationNotFound, match=r"^There is no organization 999\.$"):
        create_key(frozenset({999}))

    assert db.session.scalars(select(ApiKey)).all() == []
    assert list_audit_events(AuditEventType.KEY_CREATED) == []
    create_key(acme, scope=scope)
    assert len(list_audit_events(AuditEventType.KEY_CREATED)) == 1


def test_an_admin_cannot_revoke_a_key_beyond_the_own_organizations() -> None:
    (acme, scope), (other, _) = ids_and_scope(make_organization("Acme")), ids_and_scope(make_organization("Other"))
    foreign = [find_key(create_key(ids)).id for ids in (None, other, acme | other)]
    inside = find_key(create_key(acme)).id

    for id in [*foreign, 999]:
        with pytest.raises(KeyNotFound, match=rf"^There is no API key {id}\.$"):
            revoke_api_key(scope, id, by=ADA, now=NOW)

    assert all(get_row(EVERYTHING, id).revoked_at is None for id in foreign)
    revoke_api_key(scope, inside, by=ADA, now=NOW)
    assert get_row(scope, inside).revoked_at == NOW


def test_a_key_whose_organizations_are_deleted_reads_nothing_and_belongs_to_the_platform() -> None:
    acme = make_organization("Acme")
    ids, scope = ids_and_scope(acme)
    token = create_key(ids)
    with write_transaction():
        db.session.execute(delete(Organization))

    assert find_key(token).organizations == frozenset()
    with pytest.raises(KeyNotFound):
        revoke_api_key(scope, find_key(token).id, by=ADA, now=NOW)
    assert get_row(EVERYTHING, find_key(token).id).organizations == {}
