"""Assigning voices and assistants."""

from __future__ import annotations

import pytest

from tests.factories import LONG_AGO, make_account, make_organization, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import Runner, read_assignees, read_audit_events, skip_reasons
from voiceadmin.accounts.models import Account
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Role
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction


def test_a_voice_is_assigned_reassigned_and_unassigned(acme: Organization, runner: Runner, clara: Account) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])

    first = runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    second = runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=dora.id)
    again = runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=dora.id)
    unassigned = runner.apply(TriageAction.ASSIGN, 1, assignee_id=None)
    unassigned_again = runner.apply(TriageAction.ASSIGN, 1, assignee_id=None)

    of_clara, of_dora = ({"id": one.id, "email": one.email} for one in (clara, dora))
    assert read_audit_events(first) == [("assigned", 1, {"assignee": None}, {"assignee": of_clara}, "")]
    assert [line[2:4] for line in read_audit_events(second)] == [
        ({"assignee": of_clara}, {"assignee": of_dora}),
        ({"assignee": None}, {"assignee": of_dora}),
    ]
    assert skip_reasons(again) == dict.fromkeys((1, 2), SkipReason.ALREADY_ASSIGNED)
    assert read_audit_events(unassigned) == [("assigned", 1, {"assignee": of_dora}, {"assignee": None}, "")]
    assert skip_reasons(unassigned_again) == {1: SkipReason.ALREADY_UNASSIGNED}
    assert read_assignees() == {2: dora.id}


def test_an_assignee_must_be_operator_of_all_selected_organizations(acme: Organization, runner: Runner) -> None:
    other = make_organization("Other")
    make_voice(acme, id=1)
    make_voice(other, id=2)
    both = make_account(roles={acme: Role.OPERATOR, other: Role.ADMIN})
    refused = {
        "other organization": make_account(roles={other: Role.OPERATOR}),
        "viewer": make_account(roles={acme: Role.VIEWER, other: Role.OPERATOR}),
        "only one of both": make_account(roles={acme: Role.OPERATOR}),
        "disabled": make_account(roles={acme: Role.ADMIN, other: Role.ADMIN}, disabled_at=LONG_AGO),
        "disabled admin": make_account(platform=True, disabled_at=LONG_AGO),
    }

    for account in refused.values():
        with pytest.raises(ChangeRefused, match="no access"):
            runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=account.id)

    assert read_assignees() == {}
    assert runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=both.id).object_count == 2
