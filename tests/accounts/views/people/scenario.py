"""Pages, forms and readers that the tests of the people pages share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.page import Node, Page
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.queries.accounts import get_account
from voiceadmin.accounts.types import AccountRow
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role, anonymous_requester

LINK = "http://localhost/links/"


def open_page_as(client: FlaskClient, address: str, status: int = 200) -> Page:
    return check_page(client.get(address), status)


def check_page(response: Any, status: int = 200) -> Page:
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def submit(client: FlaskClient, address: str, status: int = 200, **fields: str) -> Page:
    """Submit a form, and return the page after the redirect."""
    return check_page(client.post(address, data=MultiDict(fields), follow_redirects=True), status)


def read_messages(found: Page) -> list[str]:
    return [node.text for node in found.root.all("div") if node.attributes.get("class") == "flash"]


def read_alert(found: Page) -> str:
    return found.root.one("div", role="alert").text


def read_rows(found: Page, region: str) -> list[list[str]]:
    body = found.root.one("div", role="region", **{"aria-label": region}).one("tbody")
    return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in body.all("tr")]


def read_form_actions(found: Page) -> set[str]:
    """Return the addresses of the forms in the content."""
    return {
        form.attributes["action"]
        for form in found.root.one("main").all("form")
        if form.attributes.get("method") == "post" and "action" in form.attributes
    }


def load_account(id: int) -> AccountRow:
    db.session.rollback()
    return get_account(EVERYTHING, id)


def start_session(account: Account, now: datetime) -> None:
    with write_transaction():
        create_session(account.id, address="203.0.113.7", user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0", now=now)


def read_event_types() -> list[AuditEventType]:
    """Return the types of all audit events, newest first."""
    db.session.rollback()
    return [event.event_type for event in list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0]]


def only_account() -> Account:
    return db.session.scalars(select(Account)).one()
