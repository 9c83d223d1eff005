"""Injection: texts that could be executed as code are shown as text on every page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from tests.browser.accounts import ROOT, VIEWER, create_session_with_token
from tests.browser.conftest import Serve, cookie
from tests.browser.page_monitor import PageMonitor
from tests.conftest import NOW
from tests.factories import create_invitation, make_account, make_assistant, make_organization, make_voice
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.actions import record_events
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.text import quote_value
from voiceadmin.triage.types import TriageAction

PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//e.example></script>",
    '"><img src=x onerror=alert(1)>',
    "'\"><svg/onload=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></code><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "</summary></details><details open ontoggle=alert(1)>",
    "<!--",
    "--!><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}{{ config }}",
    "${7*7}",
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    '<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x"></svg>',
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "<object data=javascript:alert(1)>",
    "<base href=//e.example>",
    "<meta http-equiv=refresh content=0;url=//e.example>",
    "<link rel=stylesheet href=//e.example>",
    "<form action=//e.example><button>Show</button>",
    '<a href=" javascript:alert(1)">Show all</a>',
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover=alert(1) '",
    " onmouseover=alert(1) tabindex=0 autofocus ",
    "`-alert(1)-`",
    "\u2028alert(1)\u2029//",
    "\u202egnp.<script>alert(1)</script>",
    "<style>*{background:url(//e.example)}</style>",
    "W" * 10_000,
    " ",
]
RECORD_DIALOGS = "window.alert = window.confirm = window.prompt = () => { window.__executed = true; };"
INJECTED = """() => {
  const texts = (nodes) => [...nodes].map((node) => node.outerHTML.slice(0, 200));
  const all = [...document.querySelectorAll("*")];
  return {
    executed: Boolean(window.__executed),
    foreign: texts(document.querySelectorAll("iframe, object, base, style, math, animate, meta[http-equiv], img")),
    handlers: texts(all.filter((node) => [...node.attributes].some((one) => /^on|^style$|^srcdoc$/.test(one.name)))),
    forms: document.forms.length,
    scripts: document.scripts.length,
  };
}"""
VOICE_TEXTS = """() => ({
  title: document.title,
  heading: document.querySelector("h1").textContent,
  assistant: document.querySelector("#assistants a").textContent,
  record: [...document.querySelectorAll("#details dd")].map((node) => node.textContent),
  json: document.querySelector("#details pre").textContent,
})"""
SEARCH_TEXTS = (
    """[document.querySelector("[role=status]").textContent, document.querySelector("[type=search]").value]"""
)
HTML_SPACE = "[ \t\n\f\r]+"
# One payload for each way to leave a context. Pages that show one payload each are tested with these, all with --long.
REPRESENTATIVE = {
    "<script>alert(1)</script>",
    "'\"><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></code><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "--!><script>alert(1)</script>",
    "{{7*7}}",
    "javascript:alert(1)",
    "<base href=//e.example>",
    " onmouseover=alert(1) tabindex=0 autofocus ",
    "\u202egnp.<script>alert(1)</script>",
    "W" * 10_000,
    " ",
}


@pytest.fixture
def payloads(long: bool) -> list[tuple[int, str]]:
    """Return the payloads for pages that show one each, with their numbers from 1."""
    return [(number, payload) for number, payload in enumerate(PAYLOADS, 1) if long or payload in REPRESENTATIVE]


@pytest.fixture
def searched(payloads: list[tuple[int, str]]) -> list[str]:
    """Return the payloads that a search accepts."""
    return [payload for _, payload in payloads if payload.strip() and len(payload) <= 200]


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    """The address of a server on which payload n, from 1, is every text of organization, assistant and voice n.

    The organization of assistant 1000 has a voice with each payload, numbered from 101.
    """

    def fill() -> None:
        everything = make_organization("Everything")
        make_assistant(everything, id=1000, name="Everything")
        for number, payload in enumerate(PAYLOADS, 1):
            organization = make_organization(payload)
            make_assistant(organization, id=number, name=payload, tts_provider=payload, tts_voice_id=payload)
            texts = {"provider_voice_id": payload, "language": payload, "gender": payload, "provider": payload}
            make_voice(organization, id=number, name=payload, **texts)
            make_voice(everything, id=100 + number, name=payload, **texts)
        for number, payload in enumerate(PAYLOADS, 1):
            account = make_account(platform=True)
            with write_transaction():
                db.session.execute(update(Account).where(Account.id == account.id).values(email=payload))
            by, voice = Actor(ActorKind.ACCOUNT, account.id, payload, payload), (ObjectRef(ObjectKind.VOICE, number),)
            for action, options in (
                (TriageAction.NOTE, {"note": payload}),
                (TriageAction.SNOOZE, {}),
                (TriageAction.ASSIGN, {"assignee_id": account.id}),
            ):
                request = ActionRequest(action, voice, f"{action} {number}", 0, **options)
                apply_action(EVERYTHING, request, AttentionThresholds(), by=by, now=NOW)

    return serve(fill)


@pytest.fixture(scope="module")
def accounts_server(serve: Serve) -> str:
    """The address of a server on which payload n, from 1, is every text of account, organization, key and event n.

    Account 1 has a role in the organizations and a session with the user agent of each payload.
    """

    def fill() -> None:
        organizations = [make_organization(payload) for payload in PAYLOADS]
        for number, (payload, organization) in enumerate(zip(PAYLOADS, organizations, strict=True), 1):
            roles = dict.fromkeys(organizations if number == 1 else [organization], Role.ADMIN)
            account = make_account(name=payload, roles=roles)
            with write_transaction():
                db.session.execute(update(Account).where(Account.id == account.id).values(email=payload))
            by = Actor(ActorKind.ACCOUNT, account.id, payload, payload)
            create_invitation(EVERYTHING, payload, Grant(organization.id, Role.VIEWER), by=by, now=NOW)
            create_api_key(EVERYTHING, payload, frozenset({organization.id}), expires_at=None, by=by, now=NOW)
            if number == 1:
                for at, client in enumerate(PAYLOADS):
                    create_session_with_token(account, f"{VIEWER}-{at}", NOW, client=client, address=client)
        with write_transaction():
            values = {payload: payload for payload in PAYLOADS}
            for payload in PAYLOADS:
                voice = AuditTarget(ObjectKind.VOICE, 1, payload)
                by = Actor(ActorKind.CLI, None, payload, payload)
                record_events(AuditEventType.VOICE_CHANGED, [(voice, 1, values, values)], by=by, now=NOW, note=payload)

    return serve(fill)


@pytest.fixture(scope="module")
def recording_page(browser: Browser) -> Iterator[Page]:
    """A page that records calls of alert, confirm and prompt."""
    with browser.new_context() as context:
        context.add_init_script(RECORD_DIALOGS)
        yield context.new_page()


@pytest.fixture
def page(recording_page: Page) -> Iterator[Page]:
    """The same page, with a session of a platform admin and a monitor."""
    recording_page.context.add_cookies([cookie(ROOT)])
    with PageMonitor(recording_page) as monitor:
        yield recording_page
    monitor.check()


def check_not_injected(page: Page, forms: int, scripts: int = 1) -> None:
    """Check that no payload was executed or parsed as HTML. forms: the number of forms, with that to sign out."""
    assert page.evaluate(INJECTED) == {
        "executed": False,
        "foreign": [],
        "handlers": [],
        "forms": forms,
        "scripts": scripts,
    }


def display_name(payload: str) -> str:
    """The text that pages show for a payload as a name."""
    shown = payload if len(payload) <= 500 else payload[:499] + "…"
    return shown if payload.strip() else "(no name)"


def test_the_list_of_assistants_shows_every_payload(page: Page, server: str) -> None:
    page.goto(server + "/assistants?size=100")

    check_not_injected(page, forms=2)
    names = page.get_by_role("rowheader").get_by_role("link").all_text_contents()
    organizations = page.locator("tbody td:nth-child(2) a").all_text_contents()
    assert sorted(names) == sorted([display_name(payload) for payload in PAYLOADS] + ["Everything"])
    assert sorted(organizations) == sorted(names)


def test_a_list_of_voices_shows_every_payload(page: Page, server: str) -> None:
    page.goto(server + "/assistants/1000/voices?size=100&sort=created")

    check_not_injected(page, forms=3)
    rows = page.locator("tbody").get_by_role("row")
    assert rows.locator("th a").all_text_contents() == [display_name(payload) for payload in PAYLOADS]
    assert rows.locator("th > span").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(2)").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(3)").all_text_contents() == [f"{payload} · {payload}" for payload in PAYLOADS]
    for menu in ("Provider", "Language"):
        labels = page.get_by_role("group", name=menu, exact=True).locator("label").all_text_contents()
        assert set(PAYLOADS) <= set(labels)


def test_a_voice_page_shows_its_payload(page: Page, server: str, payloads: list[tuple[int, str]]) -> None:
    for number, payload in payloads:
        page.goto(f"{server}/voices/{number}")

        check_not_injected(page, forms=2, scripts=2)
        shown = page.evaluate(VOICE_TEXTS)
        assert shown["heading"] == shown["assistant"] == display_name(payload)
        assert shown["record"][1:6] == [payload] * 5
        assert json.loads(shown["json"])["name"] == payload
        assert shown["title"] == re.sub(HTML_SPACE, " ", f"{display_name(payload)} · voiceadmin").strip(" ")


def test_the_history_of_a_voice_shows_its_payload(page: Page, server: str, payloads: list[tuple[int, str]]) -> None:
    for number, payload in payloads:
        page.goto(f"{server}/voices/{number}")

        actors = page.locator(".timeline b:first-child").all_text_contents()
        assert lines(actors) == lines([payload]) or not payload
        assert f"added a note: {payload}" in (page.locator(".timeline").text_content() or "")
        assert lines([payload]) <= lines(page.locator("#action-assignee option").all_text_contents())


def test_the_queue_shows_every_payload(page: Page, server: str, searched: list[str]) -> None:
    expected = lines([display_name(payload) for payload in PAYLOADS])
    for muted in ("", "yes"):
        page.goto(f"{server}/triage?size=100&muted={muted}")

        check_not_injected(page, forms=3, scripts=2)
        rows = page.locator("tbody tr")
        assert expected <= lines(rows.locator("th > a").all_text_contents())
        assert lines(PAYLOADS) <= lines(rows.locator("th > span").all_text_contents())
        labels = page.get_by_role("checkbox").evaluate_all("(all) => all.map((one) => one.ariaLabel)")
        assert expected <= lines([label for label in labels if label])
    assert expected <= lines(rows.locator("td:nth-child(2) .dotted-link").all_text_contents())
    assert lines(PAYLOADS) <= lines(rows.locator("td:nth-child(4) .truncate").all_text_contents()) | {""}
    for payload in searched:
        quoted = quote(payload, safe="")
        page.goto(f"{server}/triage?reason={quoted}&provider={quoted}x&owner={quoted}&muted={quoted}&after={quoted}")
        check_not_injected(page, forms=2)
        assert quote_value(payload, 40) in (page.get_by_role("alert").text_content() or "")


def test_the_overview_shows_every_payload(page: Page, server: str) -> None:
    page.goto(server + "/")

    check_not_injected(page, forms=1)
    assert lines(PAYLOADS) <= lines(page.locator(".provider-status h3 .truncate").all_text_contents())


def test_operations_and_all_matching_show_every_payload(
    page: Page, server: str, payloads: list[tuple[int, str]], searched: list[str]
) -> None:
    for number, payload in payloads:
        page.goto(f"{server}/operations/{3 * number - 2}")
        check_not_injected(page, forms=2)
        if payload.strip():
            assert payload.strip() in (page.locator(".page-header p").text_content() or "")
        if payload in searched:
            page.goto(f"{server}/triage/all?provider={quote(payload, safe='')}")
            check_not_injected(page, forms=2)
            assert lines([page.locator("main p b").nth(1).text_content() or ""]) == lines([payload])


def test_filters_show_the_payload(page: Page, server: str, searched: list[str]) -> None:
    for payload in searched:
        quoted = quote(payload, safe="")
        assistant = PAYLOADS.index(payload) + 1
        page.goto(f"{server}/assistants/{assistant}/voices?q={quoted}&provider={quoted}&language={quoted}")

        check_not_injected(page, forms=3)
        sentence, field = page.evaluate(SEARCH_TEXTS)
        assert f"1 of 1 voice at {payload}, in {payload}, with “{payload.strip()}”" in sentence
        assert field == payload.strip()


def test_invalid_filters_and_addresses_show_the_payload(page: Page, server: str, searched: list[str]) -> None:
    for payload in searched:
        quoted = quote(payload, safe="")
        page.goto(f"{server}/assistants/1/voices?status={quoted}&sort={quoted}&page={quoted}&language={quoted}x")

        check_not_injected(page, forms=2)
        assert quote_value(payload, 40) in page.evaluate("document.querySelector('[role=alert]').textContent")
    page.goto(f"{server}/{quote(PAYLOADS[0], safe='')}")
    check_not_injected(page, forms=1)


def lines(texts: list[str]) -> set[str]:
    """Texts with white space collapsed as in HTML, to compare payloads with the texts of a page."""
    return {re.sub(HTML_SPACE, " ", text).strip(" ") for text in texts}


def test_people_and_api_keys_show_every_payload(page: Page, accounts_server: str) -> None:
    expected = lines([display_name(payload) for payload in PAYLOADS])
    page.goto(accounts_server + "/people")
    check_not_injected(page, forms=2 + len(PAYLOADS))
    rows = page.locator("table").first.locator("tbody tr")
    assert lines(PAYLOADS) - {""} <= lines(rows.locator("th > a").all_text_contents())
    assert lines(PAYLOADS) - {""} <= lines(rows.locator("th > span").all_text_contents())
    assert expected - {PAYLOADS[0]} <= lines(
        rows.locator("td:nth-child(2) .truncate").all_text_contents()
    )  # five at most
    assert lines(PAYLOADS) - {""} <= lines(page.locator("table").last.locator("tbody th").all_text_contents())

    page.goto(accounts_server + "/api-keys")
    check_not_injected(page, forms=1 + len(PAYLOADS))
    rows = page.locator("tbody tr")
    assert lines(PAYLOADS) == lines(rows.locator("th b").all_text_contents())
    assert expected == lines(rows.locator("td:nth-child(2) .line-clamp").all_text_contents())
    creators = rows.locator("td:nth-child(5) .subtext").all_text_contents()
    assert lines([f"by {payload}" for payload in PAYLOADS if payload]) == lines(creators)
    assert lines([f"Revoke “{payload}”?" for payload in PAYLOADS]) == lines(rows.locator("h2").all_text_contents())


def test_organizations_and_the_settings_of_assistants_show_the_payload(
    page: Page, server: str, payloads: list[tuple[int, str]]
) -> None:
    page.goto(server + "/organizations")
    check_not_injected(page, forms=1)
    expected = lines([display_name(payload) for payload in PAYLOADS])
    assert expected <= lines(page.locator("tbody th a").all_text_contents())

    for number, payload in payloads:
        organization = number + 1  # organization 1 contains every payload
        for path, forms in (
            (f"/organizations/{organization}", 3),
            (f"/organizations/{organization}/merge?organization=1", 2),
            (f"/organizations/1/merge?organization={organization}", 2),
            (f"/assistants/{number}/settings", 2),
        ):
            page.goto(server + path)
            check_not_injected(page, forms=forms)
            (shown,) = lines([page.locator("main").text_content() or ""])
            (name,) = lines([display_name(payload)])
            assert name in shown, path


def test_a_person_and_their_account_show_the_payload(
    page: Page, accounts_server: str, payloads: list[tuple[int, str]]
) -> None:
    expected = lines([display_name(payload) for payload in PAYLOADS])
    for number, payload in payloads:
        page.goto(f"{accounts_server}/people/{number}")
        check_not_injected(page, forms=6 if number > 1 else 5 + len(PAYLOADS))
        assert lines([page.locator("h1").text_content() or ""]) == lines([payload])
        if number == 1:
            assert expected == lines(page.locator(".role-row > .truncate").all_text_contents())
            assert len(page.locator("tbody tr").all()) == len(PAYLOADS)

    page.context.add_cookies([cookie(f"{VIEWER}-0")])
    page.goto(accounts_server + "/account")
    check_not_injected(page, forms=3 + len(PAYLOADS))
    assert expected == lines(page.locator(".role-list .truncate").all_text_contents())
    browsers = page.locator("tbody th").all_text_contents()
    for payload in PAYLOADS:
        assert any(text.strip().startswith(payload[:40].strip()) for text in browsers), payload


def test_the_activity_shows_every_payload(page: Page, accounts_server: str, searched: list[str]) -> None:
    page.goto(accounts_server + "/activity?kind=voice-changed")

    check_not_injected(page, forms=2)
    rows = page.locator("tbody tr")
    assert lines(PAYLOADS) - {""} == lines(rows.locator("td:nth-child(2) > a").all_text_contents()) - {""}
    assert lines(PAYLOADS) == lines(rows.locator("td:nth-child(3) > .subtext").all_text_contents())
    assert lines([display_name(payload) for payload in PAYLOADS]) == lines(
        rows.locator("td:nth-child(4) > a").all_text_contents()
    )
    changes = lines(rows.first.locator(".change").all_text_contents())
    assert (
        lines([f"{payload.replace('_', ' ').capitalize()}: {payload} → {payload}" for payload in PAYLOADS]) == changes
    )
    for payload in searched:
        quoted = quote(payload, safe="")
        page.goto(f"{accounts_server}/activity?who={quoted}")
        check_not_injected(page, forms=2)
        assert page.locator("[role=status] b").nth(1).text_content() == payload.strip()
        page.goto(
            f"{accounts_server}/activity?kind={quoted}&voice={quoted}&since={quoted}&until={quoted}&older={quoted}"
        )
        check_not_injected(page, forms=2)


def test_the_message_after_a_change_shows_the_payload(
    page: Page, accounts_server: str, payloads: list[tuple[int, str]]
) -> None:
    for number, payload in payloads[1:]:
        page.goto(f"{accounts_server}/people/{number}")
        with page.expect_navigation():
            page.get_by_role("button", name="Save").click()
        check_not_injected(page, forms=6)
        message = page.locator(".flash").text_content() or ""
        assert lines([message]) == lines(
            [f"The role of {payload} at {payload[:200]} is now admin. They have to sign in again to use it."]
        )


def test_a_refused_invitation_shows_the_payload(page: Page, accounts_server: str, searched: list[str]) -> None:
    for payload in searched:
        page.goto(accounts_server + "/people/invite")
        page.evaluate("document.forms[1].noValidate = true")
        page.get_by_label("E-mail").fill(payload)
        with page.expect_navigation():
            page.get_by_role("button", name="Create invitation").click()
        check_not_injected(page, forms=2)
        assert page.get_by_label("E-mail").input_value() == payload
