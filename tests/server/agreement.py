"""Every kind of action sent to one server, and the check that another server of the database shows the same numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from html import unescape
from urllib.parse import urlencode

from tests.page import Node, Page
from tests.server.server_process import Browser

PAGES = (
    *("/", "/triage", "/triage?reason=unused", "/triage?muted=yes", "/providers", "/clean-up"),
    *("/assistants", "/activity"),
)
AGES = re.compile(r"\b(just now|\d+ (second|minute)s? ago)")
OPERATED = 3  # voices that each action is applied to


def read(browser: Browser, path: str) -> Page:
    return Page(browser.get(path))


def post(browser: Browser, path: str, form: Node, **fields: str | list[str]) -> Page:
    """Send a form with its hidden fields."""
    data = urlencode(Page.hidden_fields(form) | fields, doseq=True).encode()
    return Page(browser.get(path, data))


def find_form(page: Page, action: str) -> Node:
    """Return the form whose address matches a pattern."""
    (form,) = [form for form in page.root.all("form", method="post") if re.fullmatch(action, form.attributes["action"])]
    return form


def operate(browser: Browser, path: str, action: str, **fields: str) -> None:
    """Apply an action to the first voices of the queue."""
    page = read(browser, path)
    refs = [node.attributes["value"] for node in page.root.all("input", name="ref")]
    voices = [ref for ref in refs if ref.startswith("voice")][:OPERATED]
    assert voices, page.text
    post(browser, "/operations", find_form(page, "/operations"), ref=voices, action=action, **fields)


def undo(browser: Browser, path: str) -> None:
    """Undo the operation that the page offers to undo."""
    form = find_form(read(browser, path), r"/operations/\d+/undo")
    post(browser, form.attributes["action"], form)


def archive_all_matching(browser: Browser) -> None:
    path = "/triage/all?reason=poor"
    (form,) = read(browser, path).root.all("form", method="post")[-1:]
    post(browser, path, form, action="archive")


def find_last_operation(browser: Browser) -> str:
    first: str = re.findall(r'href="(/operations/\d+)"', browser.get("/activity"))[0]
    return first


def create_plan(browser: Browser) -> str:
    page = post(browser, "/clean-up/plans", find_form(read(browser, "/clean-up"), "/clean-up/plans"), limit="40")
    return unescape(re.findall(r"/clean-up/plans/\d+", page.html)[0])


def run_plan(browser: Browser, plan: str) -> None:
    page = read(browser, f"{plan}/run")
    (form,) = [form for form in page.root.all("form", method="post") if form.all("input", name="count")]
    post(browser, f"{plan}/run", form, count="40")


def undo_plan(browser: Browser, plan: str) -> None:
    (form,) = [form for form in read(browser, f"{plan}/undo").root.all("form", method="post") if not_header(form)]
    post(browser, f"{plan}/undo", form)


def not_header(form: Node) -> bool:
    return not form.attributes.get("action", "").startswith("/sign-out")


def list_steps(browser: Browser) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every kind of action, each with a name."""
    me = re.findall(r'<option value="(\d+)">Me</option>', browser.get("/triage"))[0]
    actions: dict[str, dict[str, str]] = {"acknowledge": {}, "snooze": {}, "assign": {"assignee": me}, "archive": {}}
    for action, fields in actions.items():
        yield action, partial(operate, browser, "/triage?reason=failed", action, **fields)
    yield "undo", lambda: undo(browser, find_last_operation(browser))
    yield "archive all matching", lambda: archive_all_matching(browser)
    yield "undo all matching", lambda: undo(browser, find_last_operation(browser))
    plans: list[str] = []
    yield "plan", lambda: plans.append(create_plan(browser))
    yield "clean up", lambda: run_plan(browser, plans[0])
    yield "undo clean-up", lambda: undo_plan(browser, plans[0])


def read_numbers(browser: Browser) -> dict[str, str]:
    """Return the text of every page with all numbers, but without the ages that change with time."""
    texts = {}
    for path in PAGES:
        page = read(browser, path)
        header = page.root.all("header")[0].text
        texts[path] = AGES.sub("…", f"{header} {page.text}")
    return texts


def assert_pages_agree(browser: Browser) -> None:
    """Check that no two numbers of different pages contradict each other."""
    overview, triage = read(browser, "/"), read(browser, "/triage")
    providers, clean_up = read(browser, "/providers"), read(browser, "/clean-up")
    rows = {row[0]: row[1] for row in overview.rows()}
    tabs = {link.text.rpartition(" ")[0]: link.text.rpartition(" ")[2] for link in tab_links(triage)[1:]}
    assert tabs == rows
    assert re.findall(r"with ([\d,]+) voices", providers.text) == [format_sum(overview, "provider-status")]
    candidates = re.search(r"([\d,]+) voices? can be archived", clean_up.text)
    assert candidates is not None
    by_reason = re.findall(r": ([\d,]+) not used for .*? and ([\d,]+) never used", clean_up.text)
    assert sum(map(parse, by_reason[0])) == parse(candidates[1])
    assert parse(tabs["Unused"]) >= parse(by_reason[0][0])


def tab_links(page: Page) -> list[Node]:
    return page.root.one("nav", **{"aria-label": "Reason"}).all("a")


def format_sum(page: Page, css_class: str) -> str:
    blocks = page.root.all("div", **{"class": css_class})
    return f"{sum(parse(block.one('h3').all('span')[-1].text) for block in blocks):,}"


def parse(number: str) -> int:
    return int(number.replace(",", ""))
