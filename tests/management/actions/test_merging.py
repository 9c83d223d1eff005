"""Merging organizations moves everything, is undone completely, and reveals nothing to other people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from tests.conftest import SHELL
from tests.database.schema import assert_totals_are_correct
from tests.factories import (
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    put_voices,
    sign_in,
    voice_row,
)
from tests.history.scenario import add_days, noon
from tests.two_tenants import dump, rows_of
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ImportRefused, OrganizationNotFound
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.queries import list_organization_summaries, preview_merge
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing.target import ImportTarget, find_target_organization_id
from voiceadmin.voices.models import ClonedVoice


@dataclass
class Merger:
    """Two organizations with people, keys, assistants, voices and assignments."""

    source: Organization
    target: Organization
    admin_of_source: Account
    viewer_of_both: Account
    admin_of_target: Account


@pytest.fixture
def two(app: Flask, now: datetime) -> Merger:
    source, target = make_organization("Assistant 31"), make_organization("Acme")
    make_assistant(source, id=31)
    make_assistant(target, id=32)
    put_voices(source, [voice_row(id=id, name=f"Ada {id}") for id in range(1, 6)])
    put_voices(target, [voice_row(id=9, name="Bo")])
    add_days(1, [(0, 5)])
    sum(renew_trends(now=noon(90)))
    two = Merger(
        source,
        target,
        make_account("ada@example.com", roles={source: Role.ADMIN}),
        make_account("bo@example.com", roles={source: Role.OPERATOR, target: Role.VIEWER}),
        make_account("cy@example.com", roles={target: Role.ADMIN}),
    )
    refs = (ObjectRef(ObjectKind.VOICE, 1), ObjectRef(ObjectKind.ASSISTANT, 31))
    request = ActionRequest(TriageAction.ASSIGN, refs, "assign", 10**9, assignee_id=two.viewer_of_both.id)
    apply_action(EVERYTHING, request, AttentionThresholds(), by=SHELL, now=now)
    for name, ids in (("source", {source.id}), ("both", {source.id, target.id}), ("target", {target.id})):
        create_api_key(EVERYTHING, name, frozenset(ids), expires_at=None, by=SHELL, now=now)
    return two


def merge(two: Merger, now: datetime) -> int:
    """Merge the source into the target."""
    return merge_organizations(EVERYTHING, two.source.id, two.target.id, by=SHELL, now=now)


def comparable(state: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return a dump without the history, revisions, and the former references that triggers record."""
    left_out = {"audit_event", "organization_merge", "former_provider_voice_ref"}
    return {
        table: [{name: value for name, value in row.items() if name != "revision"} for row in rows]
        for table, rows in state.items()
        if table not in left_out
    }


def test_a_merge_moves_everything_to_the_target(two: Merger, now: datetime) -> None:
    merge(two, now)

    for table in ("cloned_voice", "assistant", "assignment", "voice_trend"):
        assert {row["organization_id"] for row in rows_of(table)} == {two.target.id}
    assert [(row.name, row.assistant_count, row.voice_count) for row in list_organization_summaries(EVERYTHING)] == [
        ("Acme", 2, 6)
    ]
    roles = {row["account_id"]: row["role"] for row in rows_of("membership")}
    assert roles == {
        two.admin_of_source.id: Role.ADMIN,
        two.viewer_of_both.id: Role.VIEWER,
        two.admin_of_target.id: Role.ADMIN,
    }
    assert {row["organization_id"] for row in rows_of("api_key_organization")} == {two.target.id}
    assert len(rows_of("api_key_organization")) == 3
    assert_totals_are_correct()


def test_undoing_a_merge_restores_everything(two: Merger, now: datetime) -> None:
    before = comparable(dump())
    id = merge(two, now)

    assert undo_merge(EVERYTHING, id, by=SHELL, now=now + timedelta(days=29)) == "Assistant 31"

    assert comparable(dump()) == before
    assert_totals_are_correct()
    with pytest.raises(OrganizationNotFound):
        undo_merge(EVERYTHING, id, by=SHELL, now=now)


def test_a_preview_names_who_gets_access(two: Merger) -> None:
    preview = preview_merge(EVERYTHING, two.source.id, two.target.id)

    assert (preview.source.assistant_count, preview.source.voice_count, preview.target.people_count) == (1, 5, 2)
    assert [(role.email, role.role) for role in preview.gaining] == [("ada@example.com", Role.ADMIN)]
    assert [(role.email, role.role, role.target_role) for role in preview.changing] == [
        ("bo@example.com", Role.OPERATOR, Role.VIEWER)
    ]
    assert [key.name for key in preview.new_keys] == ["source"]


def test_what_was_added_or_removed_after_a_merge_stays_so(two: Merger, now: datetime) -> None:
    id = merge(two, now)
    make_voice(two.target, id=50, name="Later")
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 2))
    change_role(EVERYTHING, two.admin_of_source.id, two.target.id, None, by=SHELL, now=now)

    undo_merge(EVERYTHING, id, by=SHELL, now=now)

    owners = {row["id"]: row["organization_id"] for row in rows_of("cloned_voice")}
    assert owners == {1: two.source.id, 3: two.source.id, 4: two.source.id, 5: two.source.id, 9: two.target.id} | {
        50: two.target.id
    }
    assert two.admin_of_source.id not in {row["account_id"] for row in rows_of("membership")}


def test_a_role_that_was_raised_after_a_merge_is_kept(two: Merger, now: datetime) -> None:
    id = merge(two, now)
    change_role(EVERYTHING, two.viewer_of_both.id, two.target.id, Role.ADMIN, by=SHELL, now=now)

    undo_merge(EVERYTHING, id, by=SHELL, now=now)

    roles = {(row["account_id"], row["organization_id"]): row["role"] for row in rows_of("membership")}
    assert roles[two.viewer_of_both.id, two.target.id] == Role.ADMIN
    assert roles[two.viewer_of_both.id, two.source.id] == Role.OPERATOR


def test_merges_are_undone_in_reverse_order(two: Merger, now: datetime) -> None:
    holding = make_organization("Holding")
    make_assistant(holding, id=33)
    before = comparable(dump())
    first = merge(two, now)
    second = merge_organizations(EVERYTHING, two.target.id, holding.id, by=SHELL, now=now)

    with pytest.raises(ChangeRefused, match="“Acme” was merged into another organization since"):
        undo_merge(EVERYTHING, first, by=SHELL, now=now)
    undo_merge(EVERYTHING, second, by=SHELL, now=now)
    undo_merge(EVERYTHING, first, by=SHELL, now=now)

    assert comparable(dump()) == before


def test_a_merge_cannot_be_undone_after_30_days(two: Merger, now: datetime) -> None:
    id = merge(two, now)

    with pytest.raises(ChangeRefused, match="A merge can be undone for 30 days"):
        undo_merge(EVERYTHING, id, by=SHELL, now=now + timedelta(days=31))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("Acme", "Acme", "cannot be merged into itself"),
        ("Acme", None, "no organization"),
        (None, "Acme", "no organization"),
    ],
)
def test_a_merge_of_the_wrong_organizations_is_refused(
    two: Merger, now: datetime, source: str | None, target: str | None, message: str
) -> None:
    ids = {"Acme": two.target.id, None: 999}
    before = dump()

    with pytest.raises((ChangeRefused, OrganizationNotFound), match=message):
        merge_organizations(EVERYTHING, ids[source], ids[target], by=SHELL, now=now)

    assert dump() == before


def test_a_merged_organization_gets_nothing_new(two: Merger, now: datetime) -> None:
    merge(two, now)
    grant = Grant(two.source.id, Role.VIEWER)

    with pytest.raises(OrganizationNotFound):
        merge(two, now)
    with pytest.raises(OrganizationNotFound):
        create_invitation(EVERYTHING, "dee@example.com", grant, by=SHELL, now=now)
    with pytest.raises(OrganizationNotFound):
        create_api_key(EVERYTHING, "new", frozenset({two.source.id}), expires_at=None, by=SHELL, now=now)
    with pytest.raises(ImportRefused, match="There is no organization"):
        find_target_organization_id(ImportTarget(77, organization=str(two.source.id)))
    assert find_target_organization_id(ImportTarget(77, organization="Assistant 31")) is None


def test_open_invitations_to_a_merged_organization_are_void(two: Merger, now: datetime) -> None:
    token = create_invitation(EVERYTHING, "dee@example.com", Grant(two.source.id, Role.ADMIN), by=SHELL, now=now)
    assert find_link(token, now) is not None

    merge(two, now)

    assert find_link(token, now) is None


def test_people_of_both_read_the_history_of_the_merged_organization(
    two: Merger, anonymous_client: FlaskClient, now: datetime
) -> None:
    for account in (two.admin_of_target, two.admin_of_source):
        merge_id = merge(two, now)
        browser = sign_in(anonymous_client, account)

        shown = browser.get("/activity?voice=1").text
        voice = browser.get("/voices/1")

        assert "assigned a voice" in shown
        assert voice.status_code == 200
        undo_merge(EVERYTHING, merge_id, by=SHELL, now=now)
    assert "assigned a voice" not in sign_in(anonymous_client, two.admin_of_target).get("/activity?voice=1").text


def test_people_of_the_target_restore_a_voice_that_was_archived_before_the_merge(two: Merger, now: datetime) -> None:
    request = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 3),), "archive", 10**9)
    before = apply_action(EVERYTHING, request, AttentionThresholds(), by=SHELL, now=now)
    merge(two, now)
    restore = ActionRequest(TriageAction.RESTORE, request.refs, "restore", before.id + 1)

    result = apply_action(
        Scope(frozenset({two.target.id})), restore, AttentionThresholds(), by=Actor(ActorKind.ACCOUNT, 1, "x"), now=now
    )

    assert result.object_count == 1
    assert db.session.scalar(select(ClonedVoice.status).where(ClonedVoice.id == 3)) == "ready"
