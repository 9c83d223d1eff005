"""One effect is one audit event: a form that is sent five times at once changes something once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.conftest import NOW, SHELL
from tests.factories import (
    PASSWORD,
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    sign_in,
)
from tests.two_tenants import rows_of
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import create_source, disable_source
from voiceadmin.sources.types import NewSource, SourceKind
from voiceadmin.triage.types import TriageAction
from voiceadmin.web.access import cookie_name

pytestmark = pytest.mark.usefixtures("now")

PRESSES = 5
THRESHOLDS = AttentionThresholds()
E = AuditEventType
Form = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """An admin of Acme who is signed in, Bob who has a role in two organizations, and two voices."""

    admin: Account
    acme: Organization
    other: Organization
    bob: Account
    root: Account


@pytest.fixture
def world(app: Flask) -> World:
    acme, other = make_organization("Acme"), make_organization("Other")
    make_voice(acme, id=9456)
    make_voice(acme, id=9457)
    return World(
        admin=make_account("ada@example.com", roles={acme: Role.ADMIN}),
        acme=acme,
        other=other,
        bob=make_account("bob@example.com", roles={acme: Role.VIEWER, other: Role.VIEWER}),
        root=make_account("root@example.com", platform=True),
    )


def invite(world: World) -> Form:
    grant = Grant(world.acme.id, Role.OPERATOR)
    token = create_invitation(EVERYTHING, "new@example.com", grant, by=SHELL, now=NOW)
    return f"/links/{token}", {"name": "New", "password": PASSWORD}


def invite_bob(world: World) -> Form:
    token = create_invitation(EVERYTHING, "bob@example.com", Grant(world.acme.id, Role.ADMIN), by=SHELL, now=NOW)
    return f"/links/{token}", {"password": PASSWORD}


def reset(world: World) -> Form:
    token = create_reset_link(EVERYTHING, world.bob.id, by=SHELL, now=NOW)
    return f"/links/{token}", {"password": "another secret 5"}


def revoke_invitation(world: World) -> Form:
    create_invitation(EVERYTHING, "new@example.com", Grant(world.acme.id, Role.VIEWER), by=SHELL, now=NOW)
    return "/invitations/1/revoke", {}


def revoke_key(world: World) -> Form:
    create_api_key(EVERYTHING, "board", frozenset({world.acme.id}), expires_at=None, by=SHELL, now=NOW)
    return "/api-keys/1/revoke", {}


def start_session(account: Account) -> None:
    with write_transaction():
        create_session(account.id, address="", user_agent="", now=NOW)


def end_sessions(world: World) -> Form:
    start_session(world.bob)
    return f"/people/{world.bob.id}/sessions/end", {}


def end_own_session(world: World) -> Form:
    start_session(world.admin)
    ids = [row["id"] for row in rows_of("account_session") if row["account_id"] == world.admin.id]
    return f"/account/sessions/{max(ids)}/end", {}


def end_other_sessions(world: World) -> Form:
    start_session(world.admin)
    return "/account/sessions/end", {}


def enable(world: World) -> Form:
    disable_account(EVERYTHING, world.bob.id, by=SHELL, now=NOW)
    return f"/people/{world.bob.id}/enable", {}


def make_plan(world: World, *, is_executed: bool = True) -> int:
    id = create_plan(EVERYTHING, CleanUpFilters(), THRESHOLDS, "key", by=SHELL, now=NOW)
    if is_executed:
        confirm_plan(EVERYTHING, id, by=SHELL, now=NOW)
        resume_plan(EVERYTHING, id, THRESHOLDS, by=SHELL, now=NOW, seconds=60)
    return id


def retry(world: World) -> Form:
    id = make_plan(world)
    with write_transaction():
        db.session.execute(update(CleanUpItem).where(CleanUpItem.position == 1).values(state="failed"))
    return f"/clean-up/plans/{id}/retry", {}


def undo_operation(world: World) -> Form:
    request = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 9456),), "key", 0)
    operation = apply_action(EVERYTHING, request, THRESHOLDS, by=SHELL, now=NOW)
    return f"/operations/{operation.id}/undo", {"key": "undo"}


def prepare_assistants(world: World) -> None:
    """Give Acme two assistants, so that one of them can be moved or removed."""
    for id in (31, 32):
        make_assistant(world.acme, id=id)


def rename_assistant(world: World) -> Form:
    prepare_assistants(world)
    return "/assistants/31/name", {"name": "Another name"}


def move_assistant(world: World) -> Form:
    prepare_assistants(world)
    return "/assistants/31/move", {"organization": str(world.other.id)}


def remove_assistant(world: World) -> Form:
    prepare_assistants(world)
    return "/assistants/31/remove", {}


def remove_organization(world: World) -> Form:
    return f"/organizations/{make_organization('Empty').id}/remove", {}


def merge(world: World) -> Form:
    return f"/organizations/{world.other.id}/merge", {"organization": str(world.acme.id)}


def undo_merge(world: World) -> Form:
    id = merge_organizations(EVERYTHING, world.other.id, world.acme.id, by=SHELL, now=NOW)
    return f"/organizations/merges/{id}/undo", {}


def make_source(world: World) -> int:
    new = NewSource(world.acme.id, SourceKind.ELEVENLABS, "Voices", "http://127.0.0.1:9", "UPSTREAM_KEY_OF_NO_TEST")
    return create_source(EVERYTHING, new, Settings(), by=SHELL, now=NOW)


def enable_source(world: World) -> Form:
    id = make_source(world)
    disable_source(EVERYTHING, id, by=SHELL, now=NOW)
    return f"/sources/{id}/enable", {}


ARCHIVE = {"ref": "voice-9456", "action": "archive", "key": "once", "next": "/triage"}
PRICE = {"provider": "elevenlabs", "price": "2.00", "currency": "USD", "as_of": "2026-11-01"}
CASES: dict[str, tuple[AuditEventType, str, Callable[[World], Form]]] = {
    "accept an invitation": (E.INVITATION_ACCEPTED, "anonymous", invite),
    "create an account": (E.ACCOUNT_CREATED, "anonymous", invite),
    "accept with an account": (E.INVITATION_ACCEPTED, "anonymous", invite_bob),
    "use a reset link": (E.PASSWORD_CHANGED, "anonymous", reset),
    "change the password": (
        E.PASSWORD_CHANGED,
        "admin",
        lambda _: ("/account/password", {"old": PASSWORD, "new": "another secret 5"}),
    ),
    "sign out": (E.SIGNED_OUT, "admin", lambda _: ("/sign-out", {})),
    "revoke an invitation": (E.LINK_REVOKED, "admin", revoke_invitation),
    "revoke a key": (E.KEY_REVOKED, "admin", revoke_key),
    "change a role": (
        E.ROLE_CHANGED,
        "admin",
        lambda w: (f"/people/{w.bob.id}/role", {"organization": str(w.acme.id), "role": "operator"}),
    ),
    "remove a role": (
        E.ROLE_CHANGED,
        "admin",
        lambda w: (f"/people/{w.bob.id}/role", {"organization": str(w.acme.id), "role": "none"}),
    ),
    "make a platform admin": (E.ROLE_CHANGED, "root", lambda w: (f"/people/{w.bob.id}/platform", {})),
    "disable": (E.ACCOUNT_DISABLED, "root", lambda w: (f"/people/{w.bob.id}/disable", {})),
    "enable": (E.ACCOUNT_ENABLED, "root", enable),
    "end the sessions of a person": (E.SESSION_ENDED, "root", end_sessions),
    "end the sessions of a person in one organization": (E.SESSION_ENDED, "admin", end_sessions),
    "end an own session": (E.SESSION_ENDED, "admin", end_own_session),
    "end other sessions": (E.SESSION_ENDED, "admin", end_other_sessions),
    "sign out all users": (E.SESSION_ENDED, "root", lambda _: ("/people/sessions/end", {})),
    "archive": (E.VOICE_ARCHIVED, "admin", lambda _: ("/operations", ARCHIVE)),
    "undo an operation": (E.VOICE_RESTORED, "admin", undo_operation),
    "create a plan": (E.CLEAN_UP_PLANNED, "admin", lambda _: ("/clean-up/plans", {"key": "once"})),
    "confirm a plan": (
        E.CLEAN_UP_CONFIRMED,
        "admin",
        lambda w: (f"/clean-up/plans/{make_plan(w, is_executed=False)}/run", {"count": "2"}),
    ),
    "retry a plan": (E.CLEAN_UP_RETRIED, "admin", retry),
    "undo a plan": (E.CLEAN_UP_UNDONE, "admin", lambda w: (f"/clean-up/plans/{make_plan(w)}/undo", {})),
    "rename an organization": (
        E.ORGANIZATION_RENAMED,
        "admin",
        lambda w: (f"/organizations/{w.acme.id}/name", {"name": "Another name"}),
    ),
    "rename an assistant": (E.ASSISTANT_RENAMED, "admin", rename_assistant),
    "move an assistant": (E.ASSISTANT_MOVED, "root", move_assistant),
    "remove an assistant": (E.ASSISTANT_REMOVED, "root", remove_assistant),
    "remove an organization": (E.ORGANIZATION_REMOVED, "root", remove_organization),
    "merge organizations": (E.ORGANIZATION_MERGED, "root", merge),
    "undo a merge": (E.ORGANIZATION_MERGE_UNDONE, "root", undo_merge),
    "disable a source": (E.SOURCE_DISABLED, "admin", lambda w: (f"/sources/{make_source(w)}/disable", {})),
    "enable a source": (E.SOURCE_ENABLED, "admin", enable_source),
    "allow deletion": (E.DELETION_ALLOWED, "admin", lambda w: (f"/sources/{make_source(w)}/allow-deletion", {})),
    "remove a source": (E.SOURCE_REMOVED, "admin", lambda w: (f"/sources/{make_source(w)}/remove", {})),
    "set a price": (E.PRICE_CHANGED, "root", lambda _: ("/clean-up/prices", PRICE)),
}


def make_browsers(app: Flask, world: World, name: str) -> list[FlaskClient]:
    """Return five browsers with the same session."""
    browsers = [app.test_client() for _ in range(PRESSES)]
    if name != "anonymous":
        account = world.admin if name == "admin" else world.root
        name = cookie_name(app.config["VOICEADMIN"])
        cookie = sign_in(browsers[0], account).get_cookie(name)
        assert cookie is not None
        for browser in browsers[1:]:
            browser.set_cookie(name, cookie.value)
    return browsers


def send_at_once(browsers: list[FlaskClient], address: str, data: dict[str, Any]) -> list[int]:
    """Send the same form from all browsers at the same moment and return the status codes."""
    db.session.rollback()
    start = Barrier(len(browsers))

    def press(browser: FlaskClient) -> int:
        start.wait()
        return browser.post(address, data=data).status_code

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(press, browsers))


def count_events(event_type: AuditEventType) -> int:
    db.session.rollback()
    return sum(row["event_type"] == event_type for row in rows_of("audit_event"))


@pytest.mark.parametrize(("event_type", "who", "prepare"), CASES.values(), ids=list(CASES))
def test_an_action_that_is_sent_five_times_at_once_is_recorded_once(
    app: Flask, world: World, event_type: AuditEventType, who: str, prepare: Callable[[World], Form]
) -> None:
    browsers = make_browsers(app, world, who)
    address, data = prepare(world)
    before = count_events(event_type)

    statuses = send_at_once(browsers, address, data)

    assert count_events(event_type) - before == 1
    assert {200, 303} & set(statuses)
    assert max(statuses) < 500


@pytest.mark.parametrize(("event_type", "who", "prepare"), CASES.values(), ids=list(CASES))
def test_an_action_that_finds_nothing_left_to_do_records_nothing(
    app: Flask, world: World, event_type: AuditEventType, who: str, prepare: Callable[[World], Form]
) -> None:
    first, second, *_ = make_browsers(app, world, who)
    address, data = prepare(world)
    first.post(address, data=data)
    before = count_events(event_type)

    second.post(address, data=data)

    assert count_events(event_type) == before > 0
