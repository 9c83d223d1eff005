"""Changing the own password."""

from __future__ import annotations

import pytest

from tests.accounts.actions.scenario import (
    ADDRESS,
    NEW_PASSWORD,
    SECOND,
    count_sessions,
    start_session,
    summarize_audit_events,
)
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_account
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.passwords import change_password
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.credentials import find_link, find_session
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, Problem, SignInRefused
from voiceadmin.identity import EVERYTHING, Requester

pytestmark = pytest.mark.usefixtures("app")


def requester_of(account: Account) -> Requester:
    found = find_session(start_session(account), ADDRESS)
    assert found is not None
    return found


def test_changing_the_password_ends_all_sessions_and_starts_a_new_one() -> None:
    bo = make_account("bo@example.com")
    requester, reset = requester_of(bo), create_reset_link(EVERYTHING, bo.id, by=SHELL, now=NOW)
    start_session(bo)

    token = change_password(requester, PASSWORD, NEW_PASSWORD, user_agent="y", now=NOW)

    found = find_session(token, ADDRESS)
    assert found is not None
    assert found.session is not None
    assert (found.account_id, found.session.user_agent, found.session.address) == (bo.id, "y", ADDRESS)
    assert count_sessions(bo) == 1
    assert find_link(reset, NOW) is None
    sign_in("bo@example.com", NEW_PASSWORD, address=ADDRESS, user_agent="x", idle=SECOND, now=NOW)
    assert summarize_audit_events()[1] == (
        AuditEventType.PASSWORD_CHANGED,
        "bo@example.com",
        "bo@example.com",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("old", "new", "problem", "fault"),
    [
        ("wrong", NEW_PASSWORD, SignInRefused, "not the password of your account"),
        (PASSWORD, "short", ChangeRefused, "This has 5 characters"),
        (PASSWORD, "BO@example.com", ChangeRefused, "This is a name"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    old: str, new: str, problem: type[Problem], fault: str
) -> None:
    bo = make_account("bo@example.com")
    requester = requester_of(bo)

    with pytest.raises(problem, match=fault):
        change_password(requester, old, new, user_agent="y", now=NOW)

    assert count_sessions(bo) == 1
    assert passwords.is_password(PASSWORD, db.session.get_one(Account, bo.id).password_hash)
