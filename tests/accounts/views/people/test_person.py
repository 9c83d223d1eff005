"""The page of a person: state, password reset and sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.accounts.views.people.scenario import (
    LINK,
    load_account,
    only_account,
    open_page_as,
    read_event_types,
    read_form_actions,
    read_messages,
    read_rows,
    start_session,
    submit,
)
from tests.factories import make_account, make_organization
from tests.page import OpenPage
from voiceadmin.accounts.models import Account, AccountSession, OneTimeLink
from voiceadmin.accounts.queries.credentials import find_link
from voiceadmin.accounts.types import LinkPurpose
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import hash_token


def test_the_page_of_a_person_shows_roles_sessions_and_actions(
    open_page: OpenPage, acme: Organization, now: datetime
) -> None:
    make_organization("Other")
    bo = make_account("bo@example.com", name="Bo", roles={acme: Role.OPERATOR})
    start_session(bo, now - timedelta(minutes=5))

    found = open_page(f"/people/{bo.id}")

    assert found.root.one("h1").text == "bo@example.com"
    assert "Bo · Created on 2026-01-10" in found.text
    assert read_rows(found, "Sessions") == [["Firefox on Linux", "203.0.113.7", "5 min ago", "5 min ago"]]
    role_select = found.root.one("select", id=f"role-{acme.id}")
    assert role_select.one("option", selected="").text == "Operator"
    assert [option.text for option in found.root.one("select", name="organization").all("option")] == ["Other"]
    base = f"/people/{bo.id}"
    assert read_form_actions(found) == {
        f"{base}/{action}" for action in ("platform", "role", "sessions/end", "reset", "disable")
    }
    assert f"/activity?who={bo.email}" in {node.attributes.get("href") for node in found.root.one("main").all("a")}


def test_the_page_explains_what_an_admin_cannot_change(admin: FlaskClient, acme: Organization) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER, make_organization("Other"): Role.VIEWER})

    found = open_page_as(admin, f"/people/{bo.id}")

    assert "This person also has roles in organizations that you do not administer." in found.text
    assert "Only a platform admin can disable the account or reset its password" in found.text
    assert read_form_actions(found) == {f"/people/{bo.id}/role"}
    assert "Other" not in found.text


def test_the_page_of_the_own_account_offers_no_role_change(admin: FlaskClient) -> None:
    (own_id,) = db.session.scalars(select(Account.id)).all()

    found = open_page_as(admin, f"/people/{own_id}")

    assert "This is your account." in found.text
    assert read_form_actions(found) <= {f"/people/{own_id}/role", f"/people/{own_id}/sessions/end"}
    assert not found.root.one("main").all("select")


def test_an_account_outside_the_scope_is_not_found(admin: FlaskClient) -> None:
    cy = make_account(roles={make_organization("Other"): Role.ADMIN})

    assert f"There is no account {cy.id}." in open_page_as(admin, f"/people/{cy.id}", 404).text
    for action in ("role", "disable", "enable", "reset", "sessions/end"):
        assert f"There is no account {cy.id}." in submit(admin, f"/people/{cy.id}/{action}", 404).text


def test_an_account_is_disabled_and_enabled(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})
    start_session(bo, now)

    disabled = submit(admin, f"/people/{bo.id}/disable")
    assert read_messages(disabled) == ["The account bo@example.com is disabled, and its sessions have ended."]
    assert "Disabled just now" in disabled.text
    assert "No open session." in disabled.text
    assert load_account(bo.id).disabled_at == now
    enabled = submit(admin, f"/people/{bo.id}/enable")

    assert read_messages(enabled) == ["The account bo@example.com is enabled, and can sign in again."]
    assert load_account(bo.id).disabled_at is None


def test_disabling_names_the_active_keys_of_the_account(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.ADMIN})
    by = Actor(ActorKind.ACCOUNT, bo.id, bo.email)
    for _ in range(2):
        create_api_key(EVERYTHING, "board", frozenset({acme.id}), expires_at=None, by=by, now=now)

    disabled = submit(admin, f"/people/{bo.id}/disable")

    (message,) = read_messages(disabled)
    assert message.startswith("The account bo@example.com is disabled, and its sessions have ended.")
    assert message.endswith(" Active API keys that this account created: 2. Show API keys")
    assert disabled.link("Show API keys") == "/api-keys"


@pytest.mark.parametrize(("role", "is_named"), [("operator", True), ("none", True), ("admin", False)])
def test_a_lost_role_names_the_active_keys_of_the_account(
    admin: FlaskClient, acme: Organization, now: datetime, role: str, is_named: bool
) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.ADMIN})
    by = Actor(ActorKind.ACCOUNT, bo.id, bo.email)
    create_api_key(EVERYTHING, "board", frozenset({acme.id}), expires_at=None, by=by, now=now)

    (message,) = read_messages(submit(admin, f"/people/{bo.id}/role", organization=str(acme.id), role=role))

    assert ("Active API keys that this account created: 1." in message) == is_named


def test_a_reset_link_is_shown_once(admin: FlaskClient, acme: Organization, now: datetime) -> None:
    bo = make_account("bo@example.com", roles={acme: Role.VIEWER})

    created = submit(admin, f"/people/{bo.id}/reset")

    token = created.root.one("code", id="link").text.removeprefix(LINK)
    assert (
        "With this link, bo@example.com can set a new password. It works once, for 1 day, and is not shown"
        in created.text
    )
    link = find_link(token, now)
    assert link is not None
    assert (link.purpose, link.account_id) == (LinkPurpose.RESET, bo.id)
    assert token not in open_page_as(admin, f"/people/{bo.id}").html
    assert db.session.scalars(select(OneTimeLink.token_hash)).all() == [hash_token(token)]


def account_with_other_roles(acme: Organization) -> Account:
    return make_account("bo@example.com", roles={acme: Role.VIEWER, make_organization("Other"): Role.VIEWER})


REFUSALS: list[tuple[str, Callable[[Organization], Account], str]] = [
    ("reset", lambda _: only_account(), "This is your own account. Change your password on the page “Your account”."),
    ("disable", lambda _: only_account(), "This is your own account. Ask another admin to change it."),
    ("role", lambda _: only_account(), "This is your own role. Ask another admin to change it."),
    ("reset", account_with_other_roles, "bo@example.com also has roles outside your organizations."),
    ("disable", account_with_other_roles, "bo@example.com also has roles outside your organizations."),
    ("enable", account_with_other_roles, "bo@example.com also has roles outside your organizations."),
]


@pytest.mark.parametrize(("action", "create_account", "message"), REFUSALS)
def test_a_refused_change_shows_the_reason(
    admin: FlaskClient, acme: Organization, action: str, create_account: Callable[[Organization], Account], message: str
) -> None:
    found = submit(admin, f"/people/{create_account(acme).id}/{action}", 409, organization=str(acme.id), role="viewer")

    assert message in found.text
    assert read_event_types() == []


@pytest.mark.parametrize(
    ("count", "flash"), [(0, "There was no session."), (1, "1 session ended."), (2, "2 sessions ended.")]
)
def test_all_sessions_of_an_account_are_ended(
    admin: FlaskClient, acme: Organization, now: datetime, count: int, flash: str
) -> None:
    bo = make_account(roles={acme: Role.VIEWER})
    for _ in range(count):
        start_session(bo, now)

    assert read_messages(submit(admin, f"/people/{bo.id}/sessions/end")) == [flash]
    assert len(db.session.scalars(select(AccountSession.id)).all()) == 1


def test_the_sessions_of_an_account_with_other_roles_are_ended_in_the_own_organizations(
    admin: FlaskClient, acme: Organization, now: datetime
) -> None:
    bo = account_with_other_roles(acme)
    start_session(bo, now)
    button = "End sessions in your organizations"
    assert button in open_page_as(admin, f"/people/{bo.id}").text

    found = submit(admin, f"/people/{bo.id}/sessions/end")

    assert read_messages(found) == ["1 session ended."]
    assert "No open session." in found.text
    assert button not in found.text
    assert len(db.session.scalars(select(AccountSession.id)).all()) == 2


def test_ending_all_own_sessions_signs_out(admin: FlaskClient) -> None:
    response = admin.post(f"/people/{only_account().id}/sessions/end")

    assert (response.status_code, response.location) == (303, "/sign-in")
    assert read_messages(open_page_as(admin, "/sign-in")) == ["All your sessions have ended. Sign in again."]
    assert admin.get("/people").status_code == 303


def test_all_users_are_signed_out(client: FlaskClient, now: datetime) -> None:
    start_session(make_account(), now)

    found = submit(client, "/people/sessions/end")

    assert read_messages(found) == ["All users are signed out, you included."]
    db.session.rollback()
    assert db.session.scalars(select(AccountSession.id)).all() == []
    assert read_event_types() == [AuditEventType.SESSION_ENDED]


def test_only_a_platform_admin_signs_out_all_users(admin: FlaskClient) -> None:
    submit(admin, "/people/sessions/end", 403)

    assert len(db.session.scalars(select(AccountSession.id)).all()) == 1
