"""Texts that try to become code: in each place where a text of others can stand, they stay texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Serve
from tests.browser.watching import Watch
from tests.factories import make_assistant, make_organization, make_voice
from voiceadmin.shapes import quoted

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
  record: [...document.querySelectorAll("#record dd")].map((node) => node.textContent),
  json: document.querySelector("#record pre").textContent,
})"""
ASKED = """[document.querySelector("[role=status]").textContent, document.querySelector("[type=search]").value]"""
HTML_SPACE = "[ \t\n\f\r]+"
SEARCHED = [payload for payload in PAYLOADS if payload.strip() and len(payload) <= 200]


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    """A server where payload n, from 1, is every text of organization, assistant and voice n.

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
    with Watch(marked_page) as watch:
        yield marked_page
    watch.check()


def check_unharmed(page: Page, forms: int) -> None:
    """Nothing ran, and nothing is in the page that its templates did not put there."""
    assert page.evaluate(HARM) == {"executed": False, "foreign": [], "handlers": [], "forms": forms, "scripts": 1}


def seen(payload: str) -> str:
    """The text of a page in which a payload stands as a name."""
    return payload if payload.strip() else "(no name)"


def test_the_list_of_assistants_shows_them_all(marked: Page, server: str) -> None:
    marked.goto(server + "/assistants?size=100")

    check_unharmed(marked, forms=1)
    names = marked.get_by_role("rowheader").get_by_role("link").all_text_contents()
    organizations = marked.locator("tbody td:nth-child(2)").all_text_contents()
    assert sorted(names) == sorted([seen(payload) for payload in PAYLOADS] + ["Everything"])
    assert sorted(organizations) == sorted(names)


def test_a_list_of_voices_shows_them_all(marked: Page, server: str) -> None:
    marked.goto(server + "/assistants/1000/voices?size=100&sort=created")

    check_unharmed(marked, forms=1)
    rows = marked.locator("tbody").get_by_role("row")
    assert rows.locator("th > a").all_text_contents() == [seen(payload) for payload in PAYLOADS]
    assert rows.locator("th > span").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(2)").all_text_contents() == PAYLOADS
    assert rows.locator("td:nth-child(3)").all_text_contents() == [f"{payload} · {payload}" for payload in PAYLOADS]
    for menu in ("Provider", "Language"):
        labels = marked.get_by_role("group", name=menu, exact=True).locator("label").all_text_contents()
        assert set(PAYLOADS) <= set(labels)


def test_a_voice_shows_them_everywhere(marked: Page, server: str) -> None:
    for number, payload in enumerate(PAYLOADS, 1):
        marked.goto(f"{server}/voices/{number}")

        check_unharmed(marked, forms=0)
        shown = marked.evaluate(SHOWN)
        assert shown["heading"] == shown["assistant"] == seen(payload)
        assert shown["record"][1:6] == [payload] * 5
        assert json.loads(shown["json"])["name"] == payload
        assert shown["title"] == re.sub(HTML_SPACE, " ", f"{seen(payload)} · voiceadmin").strip(" ")


def test_a_search_and_filters_show_what_was_asked(marked: Page, server: str) -> None:
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        assistant = PAYLOADS.index(payload) + 1
        marked.goto(f"{server}/assistants/{assistant}/voices?q={asked}&provider={asked}&language={asked}")

        check_unharmed(marked, forms=1)
        sentence, field = marked.evaluate(ASKED)
        assert f"1 of 1 voice at {payload}, in {payload}, with “{payload.strip()}”" in sentence
        assert field == payload.strip()


def test_wrong_filters_and_addresses_do_no_harm(marked: Page, server: str) -> None:
    for payload in SEARCHED:
        asked = quote(payload, safe="")
        marked.goto(f"{server}/assistants/1/voices?status={asked}&sort={asked}&page={asked}&language={asked}x")

        check_unharmed(marked, forms=1)
        assert quoted(payload, 40) in marked.evaluate("document.querySelector('[role=alert]').textContent")
    marked.goto(f"{server}/{quote(PAYLOADS[0], safe='')}")
    check_unharmed(marked, forms=0)
