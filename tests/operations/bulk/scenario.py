"""Pages, forms and readers that the tests of bulk operations share."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from tests.page import Page
from tests.two_tenants import rows_of
from voiceadmin.audit.types import AuditEventType
from voiceadmin.voices.types.rows import VoiceRow

LIST = "/assistants/31/voices"
ALL = LIST + "/all"


def open_page(client: FlaskClient, address: str, status: int = 200) -> Page:
    response = client.get(address)
    assert response.status_code == status, response.text[:2000]
    found = Page(response.text)
    found.check()
    return found


def build_form(found: Page, **more: Any) -> MultiDict[str, Any]:
    """Return what the form of a page sends by default, with these fields added."""
    (form,) = found.root.all("form", **{"class": "selection-form"})
    hidden = {node.attributes["name"]: node.attributes["value"] for node in form.all("input", type="hidden")}
    return MultiDict(hidden | more)


def submit_action(
    client: FlaskClient, action: str, voices: list[VoiceRow], found: Page | None = None, **more: Any
) -> Any:
    """Select voices on a page of the list and submit an action."""
    form = build_form(found or open_page(client, LIST), action=action, ref=[str(voice.id) for voice in voices], **more)
    return client.post("/operations", data=form)


def read_messages(client: FlaskClient, response: Any) -> list[str]:
    """Return the messages of the page that a response redirects to."""
    assert response.status_code == 303, response.text[:2000]
    return [
        node.text
        for node in open_page(client, response.headers["Location"]).root.all("div")
        if node.attributes.get("class") == "flash"
    ]


def read_statuses() -> dict[int, str]:
    return {row["id"]: row["status"] for row in rows_of("cloned_voice")}


def read_audit_events(event_type: AuditEventType) -> list[dict[str, Any]]:
    """Return the audit events of one type."""
    return [line for line in rows_of("audit_event") if line["event_type"] == event_type.value]
