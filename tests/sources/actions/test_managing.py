"""Sources are managed within a scope, tested outside of transactions, and never show their keys."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import make_organization
from tests.sources.scenario import (
    ENCRYPTION_KEY,
    KEY,
    NEWER_ENCRYPTION_KEY,
    NOWHERE,
    Provider,
    describe_source,
    make_source,
)
from tests.two_tenants import audit_event_types, dump, rows_of
from tests.upstream import server
from voiceadmin.config import Settings
from voiceadmin.errors import OrganizationNotFound, RateLimited, SourceNotFound, SourceRefused
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import remove_organization
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import check_source, disable_source, enable_source, reencrypt_keys
from voiceadmin.sources.connecting import CLIENT_KINDS
from voiceadmin.sources.keys import decrypt_key
from voiceadmin.sources.queries import get_source, list_sources
from voiceadmin.sources.types import KeyTest, SourceKind, SourceState

USUAL = CLIENT_KINDS[SourceKind.ELEVENLABS].address
VARIABLE = "UPSTREAM_KEY_A"


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def globex(app: Flask) -> Organization:
    return make_organization("Globex")


def scope_of(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


def check(settings: Settings, id: int, scope: Scope = EVERYTHING, now: datetime = NOW, **environ: str) -> KeyTest:
    return check_source(scope, id, settings, by=SHELL, now=now, environ=environ)


def state_of(id: int) -> SourceState:
    return get_source(EVERYTHING, id).state


# Scopes


def test_an_admin_sees_the_sources_of_the_own_organizations_only(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    ids = [make_source(settings, describe_source(owner)) for owner in (None, globex.id, acme.id)]

    assert [row.id for row in list_sources(EVERYTHING)] == [ids[0], ids[2], ids[1]]
    assert [row.id for row in list_sources(scope_of(acme))] == [ids[2]]
    assert list_sources(scope_of()) == []
    for id in ids[:2]:
        with pytest.raises(SourceNotFound, match=f"There is no source {id}"):
            get_source(scope_of(acme), id)


def test_an_admin_changes_the_sources_of_the_own_organizations_only(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    ids = [make_source(settings, describe_source(owner)) for owner in (None, globex.id)]
    before = dump()

    for id in ids:
        with pytest.raises(SourceNotFound):
            check(settings, id, scope_of(acme))
        for change in (disable_source, enable_source, remove_source):
            with pytest.raises(SourceNotFound):
                change(scope_of(acme), id, by=SHELL, now=NOW)

    assert dump() == before


def test_an_admin_adds_a_source_to_an_own_organization(acme: Organization, settings: Settings) -> None:
    id = make_source(settings, describe_source(acme.id, USUAL), scope_of(acme))

    row = get_source(scope_of(acme), id)
    assert (row.organization_name, row.address, row.created_by, row.state) == (
        "Acme",
        USUAL,
        SHELL.name,
        SourceState.NOT_TESTED,
    )


def test_an_admin_cannot_add_what_only_a_platform_admin_may(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    before, scope = dump(), scope_of(acme)

    with pytest.raises(SourceRefused, match=f"another address than {USUAL}"):
        make_source(settings, describe_source(acme.id, NOWHERE), scope)
    with pytest.raises(SourceRefused, match="a source of the platform"):
        make_source(settings, describe_source(None, USUAL), scope)
    with pytest.raises(SourceRefused, match="name a variable"):
        make_source(settings, describe_source(acme.id, USUAL, key_variable=VARIABLE), scope)
    with pytest.raises(OrganizationNotFound):
        make_source(settings, describe_source(globex.id, USUAL), scope)

    assert dump() == before


def test_a_source_cannot_belong_to_a_merged_or_unknown_organization(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    merge_organizations(EVERYTHING, globex.id, acme.id, by=SHELL, now=NOW)

    for id in (globex.id, 99):
        with pytest.raises(OrganizationNotFound):
            make_source(settings, describe_source(id))


# Adding


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://api.elevenlabs.io", "Keys are never sent without TLS"),
        ("https://elsewhere.example", "VOICEADMIN_UPSTREAM_HOSTS"),
        ("https://[", "is not a base address"),
    ],
)
def test_an_address_to_which_no_key_may_be_sent_is_refused(
    app: Flask, settings: Settings, address: str, message: str
) -> None:
    with pytest.raises(SourceRefused, match=message):
        make_source(settings, describe_source(None, address))

    assert rows_of("source") == []


def test_a_host_of_the_setting_is_allowed(app: Flask, settings: Settings) -> None:
    allowed = replace(settings, upstream_hosts=("elsewhere.example",))

    assert make_source(allowed, describe_source(None, "https://elsewhere.example")) == 1


def test_a_key_is_stored_encrypted_and_a_variable_by_its_name(app: Flask, settings: Settings) -> None:
    make_source(settings, describe_source())
    make_source(settings, describe_source(key_variable=VARIABLE))

    stored, named = rows_of("source")
    assert decrypt_key(stored["encrypted_key"], settings.encryption_keys) == KEY
    assert (stored["key_variable"], named["key_variable"], named["encrypted_key"]) == (None, VARIABLE, None)
    assert KEY not in repr(dump())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": ""}, "There is no key"),
        ({"key_variable": "PATH"}, "There is no key. Give one, or name a variable such as UPSTREAM_KEY_"),
        ({"key": f"{KEY} {KEY}"}, "is not a key"),
    ],
    ids=["none", "another variable", "blank"],
)
def test_a_source_without_a_usable_key_is_refused(
    app: Flask, settings: Settings, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceRefused, match=message) as raised:
        make_source(settings, describe_source(**fields))

    assert KEY not in str(raised.value)
    assert rows_of("source") == []


def test_a_key_cannot_be_stored_without_an_encryption_key(app: Flask, settings: Settings) -> None:
    with pytest.raises(SourceRefused, match="VOICEADMIN_ENCRYPTION_KEYS"):
        make_source(replace(settings, encryption_keys=()), describe_source())


# Testing the key


def test_a_good_key_works_and_its_rights_are_stored(app: Flask, settings: Settings, provider: Provider) -> None:
    id = make_source(settings, describe_source(None, provider.server.address))

    test = check(settings, id)

    assert [(right.label, right.is_granted) for right in test.rights] == [
        ("List voices", True),
        ("Read the account", True),
        ("Read slots", True),
    ]
    assert get_source(EVERYTHING, id).test == test
    assert state_of(id) is SourceState.WORKING
    assert audit_event_types() == ["source-created", "source-tested"]


def test_a_key_without_further_rights_works(app: Flask, settings: Settings, provider: Provider) -> None:
    provider.world.keys = {KEY: frozenset({"voices_read"})}
    id = make_source(settings, describe_source(None, provider.server.address))

    test = check(settings, id)

    assert [right.is_granted for right in test.rights] == [True, False, False]
    assert test.account_hash == ""
    assert state_of(id) is SourceState.WORKING


def test_a_key_that_may_not_list_voices_does_not_work(app: Flask, settings: Settings, provider: Provider) -> None:
    provider.world.keys = {KEY: frozenset({"user_read"})}
    id = make_source(settings, describe_source(None, provider.server.address))

    test = check(settings, id)

    assert [right.is_granted for right in test.rights] == [False, None, None]
    assert "voices_read" in test.rights[0].message
    assert state_of(id) is SourceState.FAILING
    assert len(provider.server.requests) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_a_test_that_the_upstream_did_not_answer_has_no_result(
    app: Flask, settings: Settings, provider: Provider, status: int
) -> None:
    provider.server.show(server.status(status))
    id = make_source(settings, describe_source(None, provider.server.address))

    assert check(settings, id).works is None
    assert state_of(id) is SourceState.NO_ANSWER
    assert json.loads(rows_of("audit_event")[-1]["after"]) == {"works": None}


def test_a_key_that_is_tested_too_often_is_not_sent_until_the_named_time_is_over(
    app: Flask, settings: Settings, provider: Provider
) -> None:
    id, other = (make_source(settings, describe_source(None, provider.server.address)) for _ in range(2))
    for _ in range(10):
        check(settings, id)
    sent = len(provider.server.requests)

    with pytest.raises(RateLimited) as limited:
        check(settings, id)

    assert str(limited.value) == "The key of this source was tested too often. Wait 6 seconds, then test it again."
    assert len(provider.server.requests) == sent
    assert check(settings, other).works is True
    assert check(settings, id, now=NOW + timedelta(seconds=6)).works is True


def test_a_key_that_cannot_be_read_is_a_test_without_a_result(app: Flask, settings: Settings) -> None:
    named = make_source(settings, describe_source(key_variable=VARIABLE))
    stored = make_source(settings, describe_source())

    unset = check(settings, named)
    undecryptable = check(replace(settings, encryption_keys=(NEWER_ENCRYPTION_KEY,)), stored)

    assert f"The variable {VARIABLE} is not set" in unset.rights[0].message
    assert "cannot be decrypted" in undecryptable.rights[0].message
    assert state_of(named) is state_of(stored) is SourceState.NO_ANSWER


def test_an_address_that_is_no_longer_allowed_gets_no_key(app: Flask, settings: Settings) -> None:
    allowed = replace(settings, upstream_hosts=("elsewhere.example",))
    id = make_source(allowed, describe_source(None, "https://elsewhere.example"))

    (right,) = check(settings, id).rights

    assert (right.is_granted, "VOICEADMIN_UPSTREAM_HOSTS" in right.message) == (None, True)


def test_a_key_of_another_account_is_noticed(app: Flask, settings: Settings, provider: Provider) -> None:
    id = make_source(settings, describe_source(None, provider.server.address, key_variable=VARIABLE))
    later = NOW + timedelta(hours=1)
    check(settings, id, UPSTREAM_KEY_A=KEY)
    check(settings, id, now=later, UPSTREAM_KEY_A=KEY)
    assert get_source(EVERYTHING, id).account_changed_at is None

    provider.server.show(server.status(500))
    check(settings, id, now=later, UPSTREAM_KEY_A=KEY)
    provider.server.recover()
    assert get_source(EVERYTHING, id).account_changed_at is None

    provider.world.workspace_id = "workspace-2"
    check(settings, id, now=later, UPSTREAM_KEY_A=KEY)
    assert get_source(EVERYTHING, id).account_changed_at == later


def test_the_account_is_stored_as_a_hash(app: Flask, settings: Settings, provider: Provider) -> None:
    provider.world.workspace_id = "ada@example.com"
    check(settings, make_source(settings, describe_source(None, provider.server.address)))

    assert "ada@example.com" not in repr(dump())


def test_a_key_that_the_upstream_repeats_is_neither_stored_nor_logged(
    app: Flask, settings: Settings, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.server.show(server.status(401, {"detail": {"message": f"Invalid API key: {KEY}", "status": KEY}}))
    id = make_source(settings, describe_source(None, provider.server.address))

    with caplog.at_level(logging.DEBUG):
        test = check(settings, id)

    assert "Invalid API key: (key removed)" in test.rights[0].message
    assert provider.server.requests[0].headers["xi-api-key"] == KEY
    assert KEY not in repr(test) + repr(dump()) + repr(list_sources(EVERYTHING)) + caplog.text


# Disabling, removing, encrypting anew


def test_a_source_is_disabled_and_enabled_once(app: Flask, settings: Settings) -> None:
    id = make_source(settings, describe_source())

    for _ in range(2):
        assert disable_source(EVERYTHING, id, by=SHELL, now=NOW) == "Voices"
    assert get_source(EVERYTHING, id).disabled_at == NOW
    assert state_of(id) is SourceState.DISABLED
    for _ in range(2):
        assert enable_source(EVERYTHING, id, by=SHELL, now=NOW) == "Voices"

    assert state_of(id) is SourceState.NOT_TESTED
    assert audit_event_types() == ["source-created", "source-disabled", "source-enabled"]


def test_a_removed_source_leaves_nothing_but_its_audit_events(app: Flask, settings: Settings) -> None:
    id = make_source(settings, describe_source())

    assert remove_source(EVERYTHING, id, by=SHELL, now=NOW) == "Voices"

    assert rows_of("source") == []
    event = rows_of("audit_event")[-1]
    assert (event["event_type"], event["object_kind"], event["object_name"]) == ("source-removed", "source", "Voices")
    assert json.loads(event["before"]) == {"kind": "elevenlabs", "address": NOWHERE}
    with pytest.raises(SourceNotFound):
        remove_source(EVERYTHING, id, by=SHELL, now=NOW)


def test_all_stored_keys_are_encrypted_with_the_first_encryption_key(app: Flask, settings: Settings) -> None:
    cases: list[dict[str, Any]] = [{}, {"key": "another-key"}, {"key_variable": VARIABLE}]
    for fields in cases:
        make_source(settings, describe_source(**fields))

    both = replace(settings, encryption_keys=(NEWER_ENCRYPTION_KEY, ENCRYPTION_KEY))
    assert reencrypt_keys(both, by=SHELL, now=NOW) == 2

    rows = rows_of("source")
    keys = [decrypt_key(row["encrypted_key"], [NEWER_ENCRYPTION_KEY]) for row in rows[:2]]
    assert keys == [KEY, "another-key"]
    assert rows[2]["encrypted_key"] is None
    assert audit_event_types().count("source-key-reencrypted") == 2


def test_nothing_is_encrypted_anew_if_one_key_cannot_be_decrypted(app: Flask, settings: Settings) -> None:
    newer = replace(settings, encryption_keys=(NEWER_ENCRYPTION_KEY,))
    for either in (newer, settings):
        make_source(either, describe_source())
    before = dump()

    with pytest.raises(SourceRefused, match="cannot be decrypted"):
        reencrypt_keys(newer, by=SHELL, now=NOW)

    assert dump() == before


# Organizations


def test_a_merge_moves_sources_and_its_undo_returns_them(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    moved, own, of_platform = (make_source(settings, describe_source(id)) for id in (acme.id, globex.id, None))
    merge_id = merge_organizations(EVERYTHING, acme.id, globex.id, by=SHELL, now=NOW)
    added = make_source(settings, describe_source(globex.id))

    assert [row.id for row in list_sources(scope_of(globex))] == [moved, own, added]
    undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)

    assert [row.id for row in list_sources(scope_of(globex))] == [own, added]
    assert [row.id for row in list_sources(scope_of(acme))] == [moved]
    assert get_source(EVERYTHING, of_platform).organization_id is None


def test_a_source_that_was_removed_after_a_merge_does_not_return(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    moved = make_source(settings, describe_source(acme.id))
    merge_id = merge_organizations(EVERYTHING, acme.id, globex.id, by=SHELL, now=NOW)
    remove_source(EVERYTHING, moved, by=SHELL, now=NOW)

    undo_merge(EVERYTHING, merge_id, by=SHELL, now=NOW)

    assert list_sources(EVERYTHING) == []


def test_an_organization_is_removed_with_its_sources(
    acme: Organization, globex: Organization, settings: Settings
) -> None:
    make_source(settings, describe_source(acme.id))
    kept = [make_source(settings, describe_source(id)) for id in (None, globex.id)]

    remove_organization(EVERYTHING, acme.id, by=SHELL, now=NOW)

    assert [row.id for row in list_sources(EVERYTHING)] == kept
