"""Somebody who watches a page while a test does things to it."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page, Request, Response


class Watch:
    """Notes what a good page never does: log, throw, ask in a dialog, or send for anything from another host.

    A broken rule of the content security policy is among it: the browser logs each one.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: list[str] = []
        self._refused: set[str] = set()
        self._listeners = {
            "console": self._logged,
            "pageerror": self._threw,
            "dialog": self._asked,
            "request": self._sent,
            "response": self._answered,
        }

    def __enter__(self) -> Self:
        for event, listener in self._listeners.items():
            self.page.on(event, listener)  # type: ignore[call-overload]  # the overloads want the name spelled out
        return self

    def __exit__(self, *_: object) -> None:
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def check(self) -> None:
        """Fail if there was anything."""
        assert not self.troubles, "\n".join(self.troubles)

    def _logged(self, message: ConsoleMessage) -> None:
        # The browser itself logs that a page came with an error's status, which a page of an error does.
        if message.location["url"] not in self._refused:
            self.troubles.append(f"console: {message.text}")

    def _threw(self, error: Error) -> None:
        self.troubles.append(f"thrown: {error}")

    def _asked(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _sent(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.troubles.append(f"request: {request.url[:200]}")

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status >= 400:
            self._refused.add(response.url)
