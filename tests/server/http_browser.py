"""An HTTP client that behaves like a browser."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.request
from urllib.parse import urlencode


class Browser:
    """An HTTP client that stores cookies, follows redirects, and sends forms with their CSRF token."""

    def __init__(self, address: str) -> None:
        self.address = address
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy))
        self.opener = urllib.request.build_opener(jar)

    def get(self, path: str, data: bytes | None = None) -> str:
        """Fetch a path, and return the text of the final response."""
        try:
            with self.opener.open(self.address + path, data) as answer:
                text: str = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        return text

    def send(self, path: str, **fields: str) -> str:
        """Fill in the form of a page and submit it."""
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', self.get(path))[-1:]
        return self.get(path, urlencode(fields | {"csrf_token": token}).encode())
