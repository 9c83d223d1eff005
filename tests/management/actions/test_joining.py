"""Organizations that imports created for single assistants are merged into the one that the platform names."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import create_invitation, make_account, make_assistant, voice_row
from tests.sources.actions.conftest import platform, world
from tests.sources.actions.scenario import Platform, own_organization, owners, stored_voices
from tests.sources.clients.conftest import run
from tests.sources.scenario import describe_source, make_source
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.joining import join_organizations
from voiceadmin.management.actions.merging import undo_merge
from voiceadmin.management.queries import list_merges
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.scheduling import list_due_sources
from voiceadmin.sources.types import SyncReport, SyncResult
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json

__all__ = ["platform", "run", "world"]

LATER = NOW + timedelta(hours=1)


def import_for_assistant_31() -> int:
    """Import a voice for an assistant whose organization is not known. Return the id of the organization created."""
    record = voice_to_json(voice_row(id=801, name="Radio spot"))
    file = io.BytesIO(json.dumps([record]).encode())
    import_voices(file, ImportTarget(31, "Front desk"), by=SHELL, now=NOW, on_fault=print)
    return owners()[801]


def join(platform: Platform, report: SyncReport) -> int:
    """Merge the organizations of the assistants that a sync has skipped. Return their number."""
    return join_organizations(platform.source_id, report.owned_elsewhere, by=SHELL, now=LATER)


def test_the_organization_that_an_import_created_for_an_assistant_is_merged(platform: Platform) -> None:
    made = import_for_assistant_31()
    first = platform.sync(LATER)

    merged = join(platform, first)

    own = own_organization(platform)
    later = platform.sync(LATER)
    assert (first.result, first.owned_elsewhere, merged) == (SyncResult.INCOMPLETE, (31,), 1)
    assert (later.result, later.messages, later.owned_elsewhere) == (SyncResult.COMPLETE, (), ())
    assert db.session.get_one(Organization, made).merged_into_id == own
    assert set(owners().values()) == {own}
    assert json.loads(stored_voices()[801])["name"] == "Voice 801"  # as the platform names it


def test_a_source_with_a_merged_organization_is_synced_again(platform: Platform) -> None:
    import_for_assistant_31()

    join(platform, platform.sync())

    assert [source.id for source in list_due_sources(timedelta(days=1), now=LATER)] == [platform.source_id]


def test_that_merge_can_be_undone(platform: Platform) -> None:
    made = import_for_assistant_31()
    join(platform, platform.sync(LATER))
    (merge,) = list_merges(EVERYTHING, own_organization(platform), LATER)

    undo_merge(EVERYTHING, merge.id, by=SHELL, now=LATER)

    assert owners()[801] == made


@pytest.mark.parametrize("reason", ["member", "key", "invitation", "source", "second assistant", "renamed", "known"])
def test_an_organization_that_a_person_uses_is_not_merged(platform: Platform, app: Flask, reason: str) -> None:
    made = import_for_assistant_31()
    organization = db.session.get_one(Organization, made)
    match reason:
        case "member":
            make_account("ada@example.com", roles={organization: Role.VIEWER})
        case "key":
            create_api_key(EVERYTHING, "Poller", frozenset({made}), expires_at=None, by=SHELL, now=NOW)
        case "invitation":
            create_invitation(EVERYTHING, "bob@example.com", Grant(made, Role.VIEWER), by=SHELL, now=NOW)
        case "source":
            make_source(app.config["VOICEADMIN"], describe_source(made, key_variable="UPSTREAM_KEY_OTHER"))
        case "second assistant":
            make_assistant(organization, id=9031, name="Ours")
        case "renamed":
            rename(organization, "Acme")
        case "known":
            set_upstream_id(organization, 77)

    report = platform.sync(LATER)

    assert (report.owned_elsewhere, join(platform, report)) == ((31,), 0)
    assert db.session.get_one(Organization, made).merged_into_id is None
    assert owners()[801] == made


def rename(organization: Organization, name: str) -> None:
    """Give an organization another name."""
    with write_transaction():
        db.session.get_one(Organization, organization.id).name = name


def set_upstream_id(organization: Organization, upstream_id: int) -> None:
    """Set the platform's id of an organization."""
    with write_transaction():
        db.session.get_one(Organization, organization.id).upstream_id = upstream_id
