"""A monitor that records errors of a page during a test."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page, Request, Response


class PageMonitor:
    """Records console messages, exceptions, dialogs, and requests to other hosts.

    This includes violations of the content security policy, which the browser logs.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self._error_pages: set[str] = set()
        self._listeners = {
            "console": self._on_console,
            "pageerror": self._on_error,
            "dialog": self._on_dialog,
            "request": self._on_request,
            "response": self._on_response,
        }

    def __enter__(self) -> Self:
        for event, listener in self._listeners.items():
            self.page.on(event, listener)  # type: ignore[call-overload]  # the overloads require literal names
        return self

    def __exit__(self, *_: object) -> None:
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def check(self) -> None:
        """Fail if anything was recorded."""
        assert not self.problems, "\n".join(self.problems)

    def _on_console(self, message: ConsoleMessage) -> None:
        # The browser itself logs the status of error pages.
        if message.location["url"] not in self._error_pages:
            self.problems.append(f"console: {message.text}")

    def _on_error(self, error: Error) -> None:
        self.problems.append(f"exception: {error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.problems.append(f"request: {request.url[:200]}")

    def _on_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status >= 400:
            self._error_pages.add(response.url)
