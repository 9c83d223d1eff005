"""Every page in every state, size and theme: what axe, a careful eye and the console say of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.excess import LONELY, LONG_NAMED, MIXED, NAMELESS

Theme = Literal["light", "dark"]

SIGHT = Path(__file__).with_name("sight.js").read_text("utf-8")
SPACED = """() => {
  const spacing = new CSSStyleSheet();
  spacing.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-block-end: 2em !important }
  `);
  document.adoptedStyleSheets = [spacing];
}"""
OPEN = "for (const part of document.querySelectorAll('details')) { part.name = ''; part.open = true }"
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}

WIDTHS = (1440, 390, 320)
# On both sides of where the layout changes, a tablet, a small phone, and (720) a desk's screen zoomed to 200 %.
OTHER_WIDTHS = (1920, 1141, 1024, 960, 768, 720, 360)
THEMES: tuple[Theme, Theme] = ("light", "dark")


class Scene(NamedTuple):
    """What is looked at. opened: whether its menus are open."""

    server: str
    path: str
    status: int = 200
    opened: bool = False


PAGES = {
    "assistants": Scene("sample", "/assistants"),
    "voices": Scene("excess", f"/assistants/{MIXED}/voices?size=25&page=2&sort=created"),
    "voice": Scene("sample", "/voices/456"),
    "error": Scene("sample", "/assistants/99/voices", 404),
}
VOICES = "/assistants/31/voices"
STATES = {
    "assistants found": Scene("sample", "/assistants?q=desk"),
    "assistants of an organization": Scene("sample", "/assistants?organization=1"),
    "assistants not found": Scene("sample", "/assistants?q=nobody"),
    "assistants past the last page": Scene("sample", "/assistants?page=9"),
    "assistants wrongly asked for": Scene("sample", "/assistants?q=%00&page=x", 422),
    "no assistants": Scene("bare", "/assistants"),
    "excessive assistants": Scene("excess", "/assistants"),
    "voices filtered": Scene(
        "sample",
        f"{VOICES}?q=e&status=ready&provider=elevenlabs&quality=good&use=idle-30&language=en&sort=name&size=25",
    ),
    "voices on the first page": Scene("sample", f"{VOICES}?size=25"),
    "voices on a middle page": Scene("sample", f"{VOICES}?page=12&size=25"),
    "voices opened": Scene("sample", f"{VOICES}?size=25", opened=True),
    "no voice matches": Scene("sample", f"{VOICES}?q=zzz&status=failed&provider=resemble"),
    "voices past the last page": Scene("sample", f"{VOICES}?page=99"),
    "voices wrongly asked for": Scene("sample", f"{VOICES}?q=%00&status=x&provider=x&use=x&sort=x&size=7&page=0", 422),
    "an organization without voices": Scene("sample", "/assistants/230/voices"),
    "excessive voices": Scene("excess", f"/assistants/{LONG_NAMED}/voices?size=25"),
    "excessive voices opened": Scene("excess", f"/assistants/{NAMELESS}/voices?size=25&sort=name", opened=True),
    "no name and no voices": Scene("excess", f"/assistants/{LONELY}/voices"),
    "voice opened": Scene("sample", "/voices/458", opened=True),
    "excessive voice": Scene("excess", "/voices/1", opened=True),
    "nameless voice": Scene("excess", "/voices/2"),
    "no such page": Scene("sample", "/nowhere", 404),
    "store out of reach": Scene("broken", "/assistants", 503),
    "no such voice": Scene("bare", "/voices/9223372036854775807", 404),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each page in each theme and size; each state in one of them, and with --long in all."""
    if "theme" not in metafunc.fixturenames:
        return
    looks = [(theme, width) for theme in THEMES for width in WIDTHS]
    cases = [(name, scene, look) for name, scene in PAGES.items() for look in looks]
    for number, (name, scene) in enumerate(STATES.items()):
        some = looks if metafunc.config.getoption("--long") else [looks[0] if number % 2 else looks[-1]]
        cases += [(name, scene, look) for look in some]
    ids = [f"{name}-{theme}-{width}" for name, _, (theme, width) in cases]
    metafunc.parametrize(("scene", "theme", "width"), [(scene, *look) for _, scene, look in cases], ids=ids)


@pytest.fixture
def show(visit: Visit, servers: Mapping[str, str]) -> Visit:
    """Go to a scene, with the options of a visit."""

    def go(scene: Scene, **options: Any) -> Page:
        page = visit(servers[scene.server] + scene.path, **options)
        assert page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") == scene.status
        if scene.opened:
            page.evaluate(OPEN)
        return page

    return go


def test_axe_finds_nothing(show: Visit, scene: Scene, theme: Theme, width: int) -> None:
    found = Axe().run(show(scene, width=width, color_scheme=theme), options=AXE)

    assert not found.response["violations"], found.generate_report()


@pytest.mark.parametrize("scene", [pytest.param(scene, id=name) for name, scene in (PAGES | STATES).items()])
def test_nothing_is_cut_too_small_or_too_wide(show: Visit, scene: Scene, long: bool) -> None:
    page = show(scene)
    troubles = []

    for spaced in (False, True):
        if spaced:
            page.evaluate(SPACED)
        for width in WIDTHS if spaced and not long else WIDTHS + OTHER_WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            where = f"at {width}px{', spaced' if spaced else ''}"
            troubles += [f"{where}: {trouble}" for trouble in page.evaluate(SIGHT)]

    assert not troubles, "\n".join(troubles)
