"""Texts that try to become code: in each place where a text of others can stand, they stay texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from tests.browser.conftest import Serve, cookie
from tests.browser.crowd import ROOT, VIEWER, let_in
from tests.browser.watching import Watch
from tests.conftest import NOW
from tests.factories import make_account, make_assistant, make_organization, make_voice
from voiceadmin.accounts.actions.links import create_invitation
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
MARK = "window.alert = window.confirm = window.prompt = () => { window.__executed = true; };"
HARM = """() => {
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
SHOWN = """() => ({
  title: document.title,
  heading: document.querySelector("h1").textContent,
  assistant: document.querySelector("#assistants a").textContent,
  record: [...document.querySelectorAll("#details dd")].map((node) => node.textContent),
  json: document.querySelector("#details pre").textContent,
})"""
ASKED = """[document.querySelector("[role=status]").textContent, document.querySelector("[type=search]").value]"""
HTML_SPACE = "[ \t\n\f\r]+"
SEARCHED = [payload for payload in PAYLOADS if payload.strip() and len(payload) <= 200]


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    """A server where payload n, from 1, is every text of organization, assistant and voice n and its doings.

    All payloads together are the texts of the voices 101 onward, of assistant 1000.
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
            for act, how in (
                (TriageAction.NOTE, {"note": payload}),
                (TriageAction.SNOOZE, {}),
                (TriageAction.ASSIGN, {"assignee_id": account.id}),
            ):
                order = ActionRequest(act, voice, f"{act} {number}", 0, **how)
                apply_action(EVERYTHING, order, AttentionThresholds(), by=by, now=NOW)

    return serve(fill)


@pytest.fixture(scope="module")
def peopled_server(serve: Serve) -> str:
    """A server where payload n, from 1, is every text of account, organization, key, invitation, session and doing n.

    All payloads together are the organizations, and the clients of the sessions, of account 1.
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
                    let_in(account, f"{VIEWER}-{at}", NOW, client=client, address=client)
        with write_transaction():
            facts = {payload: payload for payload in PAYLOADS}
            for payload in PAYLOADS:
                thing = AuditTarget(ObjectKind.VOICE, 1, payload)
                by = Actor(ActorKind.CLI, None, payload, payload)
                record_events(AuditEventType.VOICE_CHANGED, [(thing, 1, facts, facts)], by=by, now=NOW, note=payload)

    return serve(fill)


@pytest.fixture(scope="module")
def marked_page(browser: Browser) -> Iterator[Page]:
    """A page in which whatever is executed leaves a mark."""
    with browser.new_context() as context:
        context.add_init_script(MARK)
        yield context.new_page()


@pytest.fixture
def marked(marked_page: Page) -> Iterator[Page]:
    """The same page, watched."""
    marked_page.context.add_cookies([cookie(ROOT)])
    with Watch(marked_page) as watch:
        yield marked_page
    watch.check()


def check_unharmed(page: Page, forms: int, scripts: int = 1) -> None:
    """Nothing ran, and nothing is in the page that its templates did not put there. forms: signing out is one."""
    assert page.evaluate(HARM) == {
        "executed": False,
        "foreign": [],
        "handlers": [],
        "forms": forms,
        "scripts": scripts,
    }


def seen(payload: str) -> str:
    """The text of a page in which a payload stands as a name."""
    return payload if payload.strip() else "(no name)"


def test_the_list_of_assistants_shows_them_all(marked: Page, server: str) -> None:
    marked.goto(server + "/assistants?size=100")

    check_unharmed(marked, forms=2)
    names = marked.get_by_role("rowheader").get_by_role("link").all_text_contents()
    organizations = marked.locator("tbody td:nth-child(2) a").all_text_contents()
    assert sorted(names) == sorted([seen(payload) for payload in PAYLOADS] + ["Everything"])
    assert sorted(organizations) == sorted(names)


def test_a_list_of_voices_shows_them_all(marked: Page, server: str) -> None:
    marked.goto(server + "/assistants/1000/voices?size=100&sort=created")

    check_unharmed(marked, forms=3)
    rows = marked.locator("tbody").get_by_role("row")
    assert rows.locator("th a").all_text_contents() == [seen(payload) for payload in PAYLOADS]
    assert rows.locator("th > span").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(2)").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(3)").all_text_contents() == [f"{payload} · {payload}" for payload in PAYLOADS]
    for menu in ("Provider", "Language"):
        labels = marked.get_by_role("group", name=menu, exact=True).locator("label").all_text_contents()
        assert set(PAYLOADS) <= set(labels)


def test_a_voice_shows_them_everywhere(marked: Page, server: str) -> None:
    for number, payload in enumerate(PAYLOADS, 1):
        marked.goto(f"{server}/voices/{number}")

        check_unharmed(marked, forms=2, scripts=2)
        shown = marked.evaluate(SHOWN)
        assert shown["heading"] == shown["assistant"] == seen(payload)
        assert shown["record"][1:6] == [payload] * 5
        assert json.loads(shown["json"])["name"] == payload
        assert shown["title"] == re.sub(HTML_SPACE, " ", f"{seen(payload)} · voiceadmin").strip(" ")


def test_a_voice_shows_who_did_what_to_it(marked: Page, server: str) -> None:
    for number, payload in enumerate(PAYLOADS, 1):
        marked.goto(f"{server}/voices/{number}")

        told = marked.locator(".timeline b:first-child").all_text_contents()
        assert lines(told) == lines([payload]) or not payload
        assert f"added a note: {payload}" in (marked.locator(".timeline").text_content() or "")
        assert lines([payload]) <= lines(marked.locator("#action-assignee option").all_text_contents())


def test_the_queue_shows_them_all(marked: Page, server: str) -> None:
    wanted = lines([seen(payload) for payload in PAYLOADS])
    for muted in ("", "yes"):
        marked.goto(f"{server}/triage?size=100&muted={muted}")

        check_unharmed(marked, forms=3, scripts=2)
        rows = marked.locator("tbody tr")
        assert wanted <= lines(rows.locator("th > a").all_text_contents())
        assert lines(PAYLOADS) <= lines(rows.locator("th > span").all_text_contents())
        ticks = marked.get_by_role("checkbox").evaluate_all("(all) => all.map((one) => one.ariaLabel)")
        assert wanted <= lines([tick for tick in ticks if tick])
    assert wanted <= lines(rows.locator("td:nth-child(2) .dotted-link").all_text_contents())
    assert lines(PAYLOADS) <= lines(rows.locator("td:nth-child(4) .truncate").all_text_contents()) | {""}
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        marked.goto(f"{server}/triage?reason={asked}&provider={asked}x&owner={asked}&muted={asked}&after={asked}")
        check_unharmed(marked, forms=2)
        assert quote_value(payload, 40) in (marked.get_by_role("alert").text_content() or "")


def test_the_overview_shows_them(marked: Page, server: str) -> None:
    marked.goto(server + "/")

    check_unharmed(marked, forms=1)
    assert lines(PAYLOADS) <= lines(marked.locator(".provider-status h3 .truncate").all_text_contents())


def test_what_was_done_and_all_that_match_do_no_harm(marked: Page, server: str) -> None:
    for number, payload in enumerate(PAYLOADS):
        marked.goto(f"{server}/operations/{3 * number + 1}")
        check_unharmed(marked, forms=2)
        if payload.strip():
            assert payload.strip() in (marked.locator(".page-header p").text_content() or "")
        if payload in SEARCHED:
            marked.goto(f"{server}/triage/all?provider={quote(payload, safe='')}")
            check_unharmed(marked, forms=2)
            assert lines([marked.locator("main p b").nth(1).text_content() or ""]) == lines([payload])


def test_a_search_and_filters_show_what_was_asked(marked: Page, server: str) -> None:
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        assistant = PAYLOADS.index(payload) + 1
        marked.goto(f"{server}/assistants/{assistant}/voices?q={asked}&provider={asked}&language={asked}")

        check_unharmed(marked, forms=3)
        sentence, field = marked.evaluate(ASKED)
        assert f"1 of 1 voice at {payload}, in {payload}, with “{payload.strip()}”" in sentence
        assert field == payload.strip()


def test_wrong_filters_and_addresses_do_no_harm(marked: Page, server: str) -> None:
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        marked.goto(f"{server}/assistants/1/voices?status={asked}&sort={asked}&page={asked}&language={asked}x")

        check_unharmed(marked, forms=2)
        assert quote_value(payload, 40) in marked.evaluate("document.querySelector('[role=alert]').textContent")
    marked.goto(f"{server}/{quote(PAYLOADS[0], safe='')}")
    check_unharmed(marked, forms=1)


def lines(texts: list[str]) -> set[str]:
    """Texts of a page, and payloads as they look there."""
    return {re.sub(HTML_SPACE, " ", text).strip(" ") for text in texts}


def test_people_and_keys_show_them_all(marked: Page, peopled_server: str) -> None:
    wanted = lines([seen(payload) for payload in PAYLOADS])
    marked.goto(peopled_server + "/people")
    check_unharmed(marked, forms=2 + len(PAYLOADS))
    rows = marked.locator("table").first.locator("tbody tr")
    assert lines(PAYLOADS) - {""} <= lines(rows.locator("th > a").all_text_contents())
    assert lines(PAYLOADS) - {""} <= lines(rows.locator("th > span").all_text_contents())
    assert wanted - {PAYLOADS[0]} <= lines(
        rows.locator("td:nth-child(2) .truncate").all_text_contents()
    )  # five at most
    assert lines(PAYLOADS) - {""} <= lines(marked.locator("table").last.locator("tbody th").all_text_contents())

    marked.goto(peopled_server + "/api-keys")
    check_unharmed(marked, forms=1 + len(PAYLOADS))
    rows = marked.locator("tbody tr")
    assert lines(PAYLOADS) == lines(rows.locator("th b").all_text_contents())
    assert wanted == lines(rows.locator("td:nth-child(2) .line-clamp").all_text_contents())
    makers = lines([f"by {payload}" for payload in PAYLOADS if payload])
    assert makers <= lines(rows.locator("td:nth-child(5) .subtext").all_text_contents())
    assert lines([f"Revoke “{payload}”?" for payload in PAYLOADS]) == lines(rows.locator("h2").all_text_contents())


def test_a_person_and_their_account_show_them_all(marked: Page, peopled_server: str) -> None:
    wanted = lines([seen(payload) for payload in PAYLOADS])
    for number, payload in enumerate(PAYLOADS, 1):
        marked.goto(f"{peopled_server}/people/{number}")
        check_unharmed(marked, forms=6 if number > 1 else 5 + len(PAYLOADS))
        assert lines([marked.locator("h1").text_content() or ""]) == lines([payload])
        if number == 1:
            assert wanted == lines(marked.locator(".role-row > .truncate").all_text_contents())
            assert len(marked.locator("tbody tr").all()) == len(PAYLOADS)

    marked.context.add_cookies([cookie(f"{VIEWER}-0")])
    marked.goto(peopled_server + "/account")
    check_unharmed(marked, forms=3 + len(PAYLOADS))
    assert wanted == lines(marked.locator(".role-list .truncate").all_text_contents())
    browsers = marked.locator("tbody th").all_text_contents()
    for payload in PAYLOADS:
        assert any(text.strip().startswith(payload[:40].strip()) for text in browsers), payload


def test_the_activity_shows_them_all(marked: Page, peopled_server: str) -> None:
    marked.goto(peopled_server + "/activity?kind=voice-changed")

    check_unharmed(marked, forms=2)
    rows = marked.locator("tbody tr")
    assert lines(PAYLOADS) - {""} == lines(rows.locator("td:nth-child(2) > a").all_text_contents()) - {""}
    assert lines(PAYLOADS) == lines(rows.locator("td:nth-child(3) > .subtext").all_text_contents())
    assert lines([seen(payload) for payload in PAYLOADS]) == lines(
        rows.locator("td:nth-child(4) > a").all_text_contents()
    )
    facts = lines(rows.first.locator(".change").all_text_contents())
    assert lines([f"{payload.replace('_', ' ')} {payload} → {payload}" for payload in PAYLOADS]) == facts
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        marked.goto(f"{peopled_server}/activity?who={asked}")
        check_unharmed(marked, forms=2)
        assert marked.locator("[role=status] b").nth(1).text_content() == payload.strip()
        marked.goto(f"{peopled_server}/activity?kind={asked}&voice={asked}&since={asked}&until={asked}&older={asked}")
        check_unharmed(marked, forms=2)


def test_what_is_said_after_a_change_does_no_harm(marked: Page, peopled_server: str) -> None:
    for number, payload in enumerate(PAYLOADS[1:], 2):
        marked.goto(f"{peopled_server}/people/{number}")
        with marked.expect_navigation():
            marked.get_by_role("button", name="Save").click()
        check_unharmed(marked, forms=6)
        said = marked.locator(".flash").text_content() or ""
        assert lines([said]) == lines(
            [f"The role of {payload} at {payload[:200]} is now admin. They have to sign in again."]
        )


def test_sign_in_and_links_show_what_was_typed(marked: Page, peopled_server: str) -> None:
    for payload in SEARCHED[:12]:
        marked.goto(peopled_server + "/people/invite")
        marked.evaluate("document.forms[1].noValidate = true")
        marked.get_by_label("E-mail").fill(payload)
        with marked.expect_navigation():
            marked.get_by_role("button", name="Create invitation").click()
        check_unharmed(marked, forms=2)
        assert marked.get_by_label("E-mail").input_value() == payload.strip()
