"""Send requests to one upstream: time limits, size limits, retries, and a record of each attempt.

httpx2 is imported only here.
"""

from __future__ import annotations

import json
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import httpx2
import stamina

from voiceadmin import clock
from voiceadmin.config import is_loopback
from voiceadmin.sources.clients.errors import read_error
from voiceadmin.sources.clients.outcomes import Fault, FaultKind, RequestRecord, UpstreamFailed

CONNECT_SECONDS = 3.0

READ_SECONDS = 10.0  # without a byte

RESPONSE_SECONDS = 120.0  # for a whole response, so that one that sends a byte now and then ends as well

BODY_LIMIT = 10 << 20  # bytes of a decoded body

LIST_BODY_LIMIT = 64 << 20  # bytes of a listing that the platform sends in one body

ERROR_BODY_LIMIT = 1 << 16

ATTEMPTS = 5

RETRY_SECONDS = 30.0  # for all attempts of a request, and the longest Retry-After that is obeyed at once

RETRIED = {
    FaultKind.UNREACHABLE,
    FaultKind.TIMED_OUT,
    FaultKind.TRUNCATED,
    FaultKind.RATE_LIMITED,
    FaultKind.SERVER_FAILED,
}

MAX_ETAG = 300  # characters

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-trace-id")

KEY_HEADERS = ("authorization", "xi-api-key")

MIN_SECRET = 8  # characters; shorter texts occur in messages by chance

REMOVED = b"(key removed)"

PROXY_SETTING = "VOICEADMIN_UPSTREAM_PROXY"

OnPage = Callable[[str, int, int], None]

Parameters = Mapping[str, str | int]

T = TypeVar("T")


class _NotModified(Exception):
    """The upstream says that the body is still the one of the ETag."""


class Transport:
    """A connection to one upstream.

    Args:
        address: the base address, which has passed `check_address`.
        headers: sent with each request, such as the key.
        on_request: called with a record of each attempt.
        on_page: called by clients after each page of a listing: with its name, and the pages and items so far.
        proxy: the address of the proxy; "" for none. It is not used for addresses of this machine. TLS is between this
            program and the upstream, so that the proxy cannot read the key.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        on_request: Callable[[RequestRecord], None] = lambda _: None,
        *,
        on_page: OnPage = lambda *_: None,
        proxy: str = "",
    ) -> None:
        self.host = httpx2.URL(address).host
        self._proxy = "" if is_loopback(self.host) else proxy
        self.on_page = on_page
        self._on_request = on_request
        self._headers: dict[str, str] = {}
        self._etag = ""
        self._status = 0
        self._client = httpx2.Client(
            base_url=address.rstrip("/"),
            headers={"Accept": "application/json", "User-Agent": "voiceadmin", **headers},
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,  # .netrc could replace the key
            verify=_create_ssl_context(),
            proxy=_build_proxy(self._proxy) if self._proxy else None,
        )

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._client.close()

    def get_json(self, path: str, parameters: Parameters | None = None) -> Any:
        """Return the decoded body of a GET request, retried where that can help.

        Raises:
            UpstreamFailed: if there is no JSON with a status of success.
        """
        return self._get(path, parameters, BODY_LIMIT, self._decode)

    def download(self, path: str, parameters: Parameters | None, file: BinaryIO, limit: int = LIST_BODY_LIMIT) -> None:
        """Write the body of a GET request to a file, retried from its beginning where that can help.

        Raises:
            UpstreamFailed: if the body did not arrive as a whole with a status of success.
        """

        def write(parts: Iterator[bytes]) -> None:
            file.seek(0)
            file.truncate()
            file.writelines(parts)

        self._get(path, parameters, limit, write)

    def download_if_changed(self, path: str, file: BinaryIO, etag: str, limit: int = LIST_BODY_LIMIT) -> str | None:
        """Write the body of a GET request to a file, unless it is still the one of an ETag.

        Args:
            path: below the base address.
            file: gets the body.
            etag: of the body that is known; "" if none is.
            limit: bytes of the decoded body.

        Returns:
            The ETag of the body, "" if it has none; None if the body has not changed.

        Raises:
            UpstreamFailed: if the body did not arrive as a whole with a status of success.
        """
        self._headers = {"If-None-Match": etag} if etag else {}
        try:
            self.download(path, None, file, limit)
        except _NotModified:
            return None
        finally:
            self._headers = {}
        return self._etag if len(self._etag) <= MAX_ETAG else ""

    def delete(self, path: str) -> tuple[int, bytes]:
        """Send a DELETE request once. It is never retried: a lost answer does not say whether it was carried out.

        Returns:
            The HTTP status and the body.

        Raises:
            UpstreamFailed: unless the status is one of success.
        """
        request = self._client.build_request("DELETE", path.lstrip("/"))
        body = self._request(request, 1, BODY_LIMIT, b"".join)
        return self._status, body

    def _get(self, path: str, parameters: Parameters | None, limit: int, read: Callable[[Iterator[bytes]], T]) -> T:
        request = self._client.build_request(
            "GET", path.lstrip("/"), params=dict(parameters or {}), headers=self._headers
        )
        for context in stamina.retry_context(on=_choose_wait, attempts=ATTEMPTS, timeout=RETRY_SECONDS):
            with context:
                return self._request(request, context.num, limit, read)
        raise AssertionError("The last attempt returns or raises.")

    def _request(self, request: httpx2.Request, attempt: int, limit: int, read: Callable[[Iterator[bytes]], T]) -> T:
        """Make one attempt, record it, and return what `read` makes of the decoded body."""
        record = _Recorder(request, attempt, self._on_request)
        try:
            result = read(self._stream(request, record, limit))
        except UpstreamFailed as failed:
            record.end(failed.fault)
            raise
        except _NotModified:
            record.end(None)
            raise
        except (httpx2.TransportError, zlib.error) as error:
            fault = _describe_error(self.host, error, self._proxy)
            record.end(fault)
            raise UpstreamFailed(fault) from error
        record.end(None)
        return result

    def _stream(self, request: httpx2.Request, record: _Recorder, limit: int) -> Iterator[bytes]:
        response = self._client.send(request, stream=True)
        try:
            record.response = response
            self._etag, self._status = response.headers.get("etag", ""), response.status_code
            if response.status_code == 304 and "if-none-match" in request.headers:
                raise _NotModified
            if response.is_success:
                yield from _count(_decode_body(response, limit, self.host), record)
                return
            body = _remove_secrets(_read_start(response), request.headers)
            raise UpstreamFailed(read_error(self.host, response.status_code, response.headers, body, clock.now()))
        finally:
            response.close()

    def _decode(self, parts: Iterator[bytes]) -> Any:
        body = b"".join(parts)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something else"
            message = f"{self.host} sent {what} instead of JSON. Check the base address."
            raise UpstreamFailed(Fault(FaultKind.NOT_JSON, message, 200)) from error


@cache
def _create_ssl_context() -> ssl.SSLContext:
    """Return the TLS settings of all connections. Loading the certificates of the system takes about 30 ms."""
    return httpx2.create_ssl_context(trust_env=False)


def _build_proxy(address: str) -> httpx2.Proxy:
    is_secure = address.startswith("https:")
    return httpx2.Proxy(address, ssl_context=_create_ssl_context() if is_secure else None)


class _Recorder:
    """Measures one attempt."""

    def __init__(self, request: httpx2.Request, attempt: int, on_request: Callable[[RequestRecord], None]) -> None:
        self.response: httpx2.Response | None = None
        self.size = 0
        self._request, self._attempt, self._on_request = request, attempt, on_request
        self._start = time.perf_counter()

    def end(self, fault: Fault | None) -> None:
        """Pass on the record."""
        headers: Mapping[str, str] = {} if self.response is None else self.response.headers
        self._on_request(
            RequestRecord(
                self._request.method,
                self._request.url.raw_path.decode("ascii"),
                self._attempt,
                None if self.response is None else self.response.status_code,
                round((time.perf_counter() - self._start) * 1000),
                self.size,
                next((headers[name][:100] for name in REQUEST_ID_HEADERS if name in headers), ""),
                fault,
            )
        )


def _count(parts: Iterator[bytes], record: _Recorder) -> Iterator[bytes]:
    for part in parts:
        record.size += len(part)
        yield part


def _choose_wait(error: Exception) -> bool | float:
    """Return whether to retry after an error, or the seconds that the upstream asked to wait."""
    if not isinstance(error, UpstreamFailed) or error.fault.kind not in RETRIED:
        return False
    wait = error.fault.retry_after
    if wait is None:
        return True
    return wait if wait <= RETRY_SECONDS else False


def _decode_body(response: httpx2.Response, limit: int, host: str) -> Iterator[bytes]:
    """Yield the body in parts of at most `limit` bytes in all, also if it is compressed."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        parts = response.iter_raw()
    elif encoding in ("gzip", "deflate"):
        parts = _decompress(response, limit)
    else:
        message = f"{host} sent a body in the encoding {encoding[:20]!r}, which was not asked for."
        raise UpstreamFailed(Fault(FaultKind.WRONG_SHAPE, message, response.status_code))
    size, end = 0, time.perf_counter() + RESPONSE_SECONDS
    for part in parts:
        size += len(part)
        if size > limit:
            message = f"{host} sent more than {limit >> 20} MB. Nothing of it was used."
            raise UpstreamFailed(Fault(FaultKind.TOO_LARGE, message, response.status_code))
        if time.perf_counter() > end:
            message = f"{host} needed more than {RESPONSE_SECONDS:.0f} seconds for one response."
            raise UpstreamFailed(Fault(FaultKind.TIMED_OUT, message, response.status_code))
        yield part


def _decompress(response: httpx2.Response, limit: int) -> Iterator[bytes]:
    """Yield the decompressed body. One byte more than the limit is decompressed at most."""
    decompressor, left = zlib.decompressobj(zlib.MAX_WBITS | 32), limit + 1
    for part in response.iter_raw():
        while part and left > 0:
            decoded = decompressor.decompress(part, left)
            left -= len(decoded)
            yield decoded
            part = decompressor.unconsumed_tail  # noqa: PLW2901  # the rest of this part
    if left > 0 and not decompressor.eof:
        raise zlib.error("the compressed body has no end")


def _read_start(response: httpx2.Response) -> bytes:
    """Return the beginning of the body of an error response, b"" if it cannot be read."""
    body = b""
    try:
        for part in _decode_body(response, ERROR_BODY_LIMIT, ""):
            body += part
    except (UpstreamFailed, httpx2.TransportError, zlib.error):
        pass
    return body


def _remove_secrets(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return an error body without the key of the request, which an upstream could repeat in its message."""
    for name in KEY_HEADERS:
        key = headers.get(name, "").rpartition(" ")[2].encode()
        if len(key) >= MIN_SECRET:
            body = body.replace(key, REMOVED)
    return body


def _describe_error(host: str, error: Exception, proxy: str) -> Fault:
    """Return the fault of a request without a usable response."""
    if isinstance(error, httpx2.ProxyError):
        message = f"The proxy {proxy} does not connect to {host}. Allow the host there, or correct {PROXY_SETTING}."
        return Fault(FaultKind.UNREACHABLE, message)
    if isinstance(error, httpx2.TimeoutException):
        return Fault(FaultKind.TIMED_OUT, f"{host} did not answer in time.")
    if isinstance(error, (httpx2.RemoteProtocolError, httpx2.ReadError, zlib.error)):
        return Fault(FaultKind.TRUNCATED, f"{host} closed the connection before the response was complete.")
    if "certificate" in str(error).lower() or "ssl" in str(error).lower():
        return Fault(FaultKind.INSECURE, f"The certificate of {host} is not valid. The key was not sent.")
    if proxy:
        message = f"{host} cannot be reached through the proxy {proxy}. Check the network and {PROXY_SETTING}."
        return Fault(FaultKind.UNREACHABLE, message)
    return Fault(FaultKind.UNREACHABLE, f"{host} cannot be reached. Check the network and the base address.")
