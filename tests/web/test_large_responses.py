"""The number of exports and large lists that a requester can create at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_account, make_assistant, make_organization, make_voice, sign_in
from tests.two_tenants import rows_of
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import AuditEventType
from voiceadmin.identity import Actor, ActorKind, Requester, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.voices import api
from voiceadmin.web.large_responses import LARGE_RESPONSES, MAX_LARGE_RESPONSES, LargeResponses

EXPORT = "/assistants/31/voices.csv"
VOICES = "/api/v1/assistants/31/cloned-voices"


@pytest.fixture
def acme(app: Flask, now: datetime) -> Organization:
    """An organization with a voice."""
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, name="Anna")
    return acme


@pytest.fixture
def bob(acme: Organization) -> Account:
    """An operator."""
    return make_account("bob@example.com", roles={acme: Role.OPERATOR})


@pytest.fixture
def operator(app: Flask, bob: Account) -> FlaskClient:
    """A test client with the session of an operator."""
    return sign_in(app.test_client(), bob)


@pytest.fixture
def begun(app: Flask, bob: Account) -> Iterator[list[Callable[[], None]]]:
    """Functions that end the exports which the operator has in progress, as many as allowed."""
    responses: LargeResponses = app.extensions[LARGE_RESPONSES]
    requester = Requester(Actor(ActorKind.ACCOUNT, bob.id, bob.email))
    stacks = [ExitStack() for _ in range(MAX_LARGE_RESPONSES)]
    for stack in stacks:
        stack.enter_context(responses.count(requester))
    yield [stack.close for stack in stacks]
    for stack in stacks:
        stack.close()


def count_audited_exports() -> int:
    """The number of audit events about exports."""
    return sum(row["event_type"] == AuditEventType.VOICES_EXPORTED for row in rows_of("audit_event"))


def test_an_export_is_refused_while_too_many_of_the_requester_are_in_progress(
    operator: FlaskClient, begun: list[Callable[[], None]]
) -> None:
    refused = operator.get(EXPORT)
    audited = count_audited_exports()
    begun[0]()
    begun[0]()  # ends one response only once
    accepted = operator.get(EXPORT)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert "You have 2 exports or large lists in progress. Wait until one is complete." in refused.text
    assert audited == 0
    assert accepted.status_code == 200
    assert "Anna" in accepted.text


def test_a_completed_export_does_not_count(operator: FlaskClient) -> None:
    assert [operator.get(EXPORT).status_code for _ in range(5)] == [200] * 5


@pytest.mark.usefixtures("begun")
def test_exports_of_another_requester_do_not_count(app: Flask, acme: Organization) -> None:
    other = sign_in(app.test_client(), make_account(roles={acme: Role.VIEWER}))

    assert other.get(EXPORT).status_code == 200


def test_a_large_list_counts_and_a_small_or_unchanged_one_does_not(
    operator: FlaskClient, begun: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "large_lists", set())
    small = operator.get(VOICES)
    monkeypatch.setattr(api, "LARGE_BODY", 100)
    first = operator.get(VOICES, query_string={"status": "ready"})  # its size is not known yet
    refused = operator.get(VOICES, query_string={"limit": 5})
    cached = operator.get(VOICES)
    unchanged = operator.get(VOICES, headers={"If-None-Match": small.headers["ETag"]})
    begun[0]()
    accepted = operator.get(VOICES, query_string={"limit": 5})

    assert [small.status_code, first.status_code, cached.status_code, unchanged.status_code] == [200, 200, 200, 304]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert "large lists" in refused.get_json()["detail"]
    assert accepted.status_code == 200
