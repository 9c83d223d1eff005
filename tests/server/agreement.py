"""Every kind of action sent to one server, and the check that another server of the database shows the same numbers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from html import unescape
from itertools import takewhile
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.page import Node, Page
from tests.server.http_browser import Browser

PAGES = (
    *("/", "/triage", "/triage?reason=unused", "/triage?muted=yes", "/providers", "/clean-up"),
    *("/assistants", "/activity", "/organizations"),
)
PAGES_OF_ORGANIZATION = ("/triage", "/providers", "/clean-up")
NO_TEXT = re.compile(r"<head\b.*?</head>|<(script|style)\b.*?</\1>|<[^>]*>|\s+", re.DOTALL)
AGES = re.compile(r"\b(just now|\d+ (second|minute)s? ago)")
OPERATED = 3  # voices that each action is applied to
IMPORTED = 40  # voices
FIRST_IMPORTED_ID = 10**12


class Organizations(NamedTuple):
    """The organizations of the steps.

    Attributes:
        source: id of the organization that is merged.
        target: id of the one that it is merged into, and that is shown alone.
        assistant: id of an assistant of the target, for imports.
    """

    source: str
    target: str
    assistant: str

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages to compare."""
        return (*PAGES, *(f"{path}?organization={self.target}" for path in PAGES_OF_ORGANIZATION))


def find_organizations(browser: Browser) -> Organizations:
    """Return the last organizations by name: those of a benchmark have few voices."""
    *_, target, source = re.findall(r'<a href="/organizations/(\d+)"', browser.get("/organizations"))
    assistants = re.findall(r'href="/assistants/(\d+)/', browser.get(f"/organizations/{target}"))
    return Organizations(source, target, assistants[0])


def list_contradictions(first: Browser, second: Browser, environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Send each kind of action to the first server. Yield its name, and what the pages of both contradict.

    Args:
        first: a client of the server that gets the actions.
        second: a client of the other server.
        environ: environment variables of the command that imports into the database of both.
    """
    organizations = find_organizations(first)
    before = read_numbers(second, organizations.pages)
    for name, act in list_steps(first, organizations, environ):
        act()
        first.get("/")  # shows the message about the action, which only this session gets
        seen, others = (read_numbers(browser, organizations.pages) for browser in (first, second))
        faults = [] if seen != before else ["No page shows the action."]
        faults += [
            f"{path}: {find_difference(seen[path], others[path])}" for path in seen if seen[path] != others[path]
        ]
        yield name, faults + compare_pages(second)
        before = seen


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


def archive_all_matching(browser: Browser, organization: str) -> None:
    path = f"/triage/all?reason=poor&organization={organization}"
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


def find_difference(one: str, other: str) -> str:
    """Return the first words in which two texts differ, and some words around them."""
    words = one.split(), other.split()
    start = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*words, strict=False))))
    parts = (" ".join(text[max(start - 6, 0) : start + 6]) for text in words)
    return " but ".join(f"“{part}”" for part in parts)


def import_voices(environ: Mapping[str, str], assistant: str, **changes: Any) -> None:
    """Import voices of every status with the command line. changes: of the fields of every voice."""
    voices = [make_record(number) | changes for number in range(IMPORTED)]
    subprocess.run(
        [sys.executable, "-P", "-m", "voiceadmin", "import", "-", "--assistant", assistant],
        input="\n".join(map(json.dumps, voices)).encode(),
        env=os.environ | environ,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def make_record(number: int) -> dict[str, Any]:
    """Return a voice as upstream writes it. Most have a finding, and some have no id at the provider."""
    return {
        "id": FIRST_IMPORTED_ID + number,
        "name": f"Imported {number}",
        "provider": ("elevenlabs", "resemble", "playht")[number % 3],
        "provider_voice_id": f"imported-{number}" if number % 5 else "",
        "language": "en",
        "gender": None,
        "status": ("ready", "ready", "failed", "processing")[number % 4],
        "quality_score": 0.2 if number % 2 else 0.9,
        "created_at": "2024-01-01T00:00:00Z",
        "last_used_at": "2024-02-01T00:00:00Z" if number % 8 == 1 else None,
        "synthesis_count": 7 if number % 8 == 1 else 0,
    }


def merge(browser: Browser, organizations: Organizations) -> None:
    path = f"/organizations/{organizations.source}/merge"
    page = read(browser, f"{path}?organization={organizations.target}")
    post(browser, path, find_form(page, path))


def undo_merge(browser: Browser, organizations: Organizations) -> None:
    form = find_form(read(browser, f"/organizations/{organizations.target}"), r"/organizations/merges/\d+/undo")
    post(browser, form.attributes["action"], form)


def list_steps(
    browser: Browser, organizations: Organizations, environ: Mapping[str, str]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every kind of action, each with a name."""
    yield "import", lambda: import_voices(environ, organizations.assistant)
    yield "import of changes", lambda: import_voices(environ, organizations.assistant, status="failed")
    yield "merge", lambda: merge(browser, organizations)
    yield "undo merge", lambda: undo_merge(browser, organizations)
    me = re.findall(r'<option value="(\d+)">Me</option>', browser.get("/triage"))[0]
    actions: dict[str, dict[str, str]] = {"acknowledge": {}, "snooze": {}, "assign": {"assignee": me}, "archive": {}}
    for action, fields in actions.items():
        yield action, partial(operate, browser, "/triage?reason=failed", action, **fields)
    yield "undo", lambda: undo(browser, find_last_operation(browser))
    yield "archive all matching", lambda: archive_all_matching(browser, organizations.target)
    yield "undo all matching", lambda: undo(browser, find_last_operation(browser))
    plans: list[str] = []
    yield "plan", lambda: plans.append(create_plan(browser))
    yield "clean up", lambda: run_plan(browser, plans[0])
    yield "undo clean-up", lambda: undo_plan(browser, plans[0])


def read_numbers(browser: Browser, paths: Iterable[str]) -> dict[str, str]:
    """Return the text of every page with all numbers, but without the ages that change with time."""
    return {path: AGES.sub("…", NO_TEXT.sub(" ", browser.get(path))) for path in paths}


def compare_pages(browser: Browser) -> list[str]:
    """Return the numbers of different pages that contradict each other."""
    overview, triage = read(browser, "/"), read(browser, "/triage")
    providers, clean_up = read(browser, "/providers"), read(browser, "/clean-up")
    tabs = {link.text.rpartition(" ")[0]: link.text.rpartition(" ")[2] for link in tab_links(triage)[1:]}
    (candidates,) = re.findall(r"([\d,]+) voices? can be archived", clean_up.text)
    ((unused, never_used),) = re.findall(r": ([\d,]+) not used for .*? and ([\d,]+) never used", clean_up.text)
    pairs: dict[str, tuple[object, object]] = {
        "reasons of Triage and Overview": (tabs, {row[0]: row[1] for row in overview.rows()}),
        "voices of Providers and Overview": (
            re.findall(r"with ([\d,]+) voices", providers.text),
            [format_sum(overview, "provider-status")],
        ),
        "voices of Organizations and Overview": (
            f"{sum(map(parse, read(browser, '/organizations').column('Voices'))):,}",
            format_sum(overview, "provider-status"),
        ),
        "reasons and candidates of Clean-up": (parse(unused) + parse(never_used), parse(candidates)),
        "unused voices of Clean-up, up to those of Triage": (parse(unused), min(parse(unused), parse(tabs["Unused"]))),
    }
    return [f"{name}: {one!r} but {other!r}" for name, (one, other) in pairs.items() if one != other]


def tab_links(page: Page) -> list[Node]:
    return page.root.one("nav", **{"aria-label": "Reason"}).all("a")


def format_sum(page: Page, css_class: str) -> str:
    blocks = page.root.all("div", **{"class": css_class})
    return f"{sum(parse(block.one('h3').all('span')[-1].text) for block in blocks):,}"


def parse(number: str) -> int:
    return int(number.replace(",", ""))
