"""The HTTP server of a stand-in, and the faults that it can be told to show."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """A request as a stand-in sees it. query: the last value of each parameter. target: path and query as sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str = ""

    def number(self, name: str, default: int) -> int:
        """A parameter as a number."""
        return int(self.query.get(name, default))


@dataclass(frozen=True)
class Response:
    """What a stand-in sends.

    declared_length: the Content-Length; None for the true one. wait: what the server waits for before it sends.
    is_lost: whether the server closes the connection instead of sending it.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    declared_length: int | None = None
    wait: threading.Event | None = None
    is_lost: bool = False

    @property
    def document(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    def with_document(self, document: Any) -> Response:
        """The same response with another body."""
        return replace(self, body=json.dumps(document).encode())

    def with_header(self, name: str, value: str) -> Response:
        """The same response with one more header."""
        return replace(self, headers={**self.headers, name: value})


def as_json(document: Any, status: int = 200) -> Response:
    """A response with a JSON body."""
    return Response(status).with_document(document)


Fault = Callable[[Response], Response]


@dataclass
class _Shown:
    """A fault, and the requests that it concerns. times: how many are left."""

    fault: Fault
    path: str
    times: int
    method: str
    is_carried_out: bool

    def concerns(self, request: Request) -> bool:
        return request.path.startswith(self.path) and self.method in ("", request.method) and self.times > 0


class StandIn:
    """A running server that answers with a function.

    Attributes:
        address: the base address.
        requests: what was requested, in order.
        released: set it to let responses that wait go on.
    """

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._answer = answer
        self._faults: list[_Shown] = []
        self._server = _Server((LOOPBACK, 0), _build_handler(self))
        self.address = f"http://{LOOPBACK}:{self._server.server_port}"

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Answer with TLS. Call before `run`."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._server.server_port

    @property
    def deletions(self) -> list[str]:
        """The paths of all DELETE requests, in order."""
        return [request.path for request in self.requests if request.method == "DELETE"]

    def show(
        self, fault: Fault, path: str = "", times: int = 1 << 30, *, method: str = "", is_carried_out: bool = True
    ) -> None:
        """Apply a fault to the next responses to paths that begin with this one.

        method: of the requests; "" for all. is_carried_out: whether the request has its effect nevertheless.
        """
        self._faults.append(_Shown(fault, path, times, method, is_carried_out))

    def recover(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def respond(self, request: Request) -> Response:
        """Record a request and return its response, with the first fault that is left for its path."""
        self.requests.append(request)
        shown = next((shown for shown in self._faults if shown.concerns(request)), None)
        if shown is None:
            return self._answer(request)
        shown.times -= 1
        return shown.fault(self._answer(request) if shown.is_carried_out else Response())

    @contextmanager
    def run(self) -> Iterator[StandIn]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client may close its connection at any time."""


def _build_handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_DELETE(self) -> None:
            self._respond()

        def _respond(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(stand_in.respond(Request(self.command, unquote(url.path), query, headers, self.path)))

        def _send(self, response: Response) -> None:
            if response.wait is not None:
                response.wait.wait()
            if response.is_lost:
                self.close_connection = True
                return
            length = len(response.body) if response.declared_length is None else response.declared_length
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(response.body)
            self.close_connection = length != len(response.body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Print nothing."""

    return Handler


# Faults


def status(code: int, document: Any = None, **headers: str) -> Fault:
    """Answer with a status; headers as in Retry_After="3"."""

    def fault(_: Response) -> Response:
        response = as_json({"detail": "A fault of the stand-in."} if document is None else document, code)
        for name, value in headers.items():
            response = response.with_header(name.replace("_", "-"), value)
        return response

    return fault


def html(response: Response) -> Response:
    """Answer with a web page and the status of success."""
    return replace(response, body=b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"})


def redirect(response: Response) -> Response:
    """Redirect to a page to sign in."""
    return replace(response, status=302, body=b"").with_header("Location", "/sign-in")


def truncate(response: Response) -> Response:
    """Close the connection in the middle of the body."""
    half = len(response.body) // 2
    return replace(response, body=response.body[:half], declared_length=len(response.body))


def lose(response: Response) -> Response:
    """Close the connection without a response."""
    return replace(response, is_lost=True)


def without(name: str) -> Fault:
    """Leave a field of the body out."""
    return lambda response: response.with_document({k: v for k, v in response.document.items() if k != name})


def with_field(name: str, value: Any) -> Fault:
    """Replace a field of the body."""
    return lambda response: response.with_document({**response.document, name: value})


def bare(name: str) -> Fault:
    """Send a list without the object around it."""
    return lambda response: response.with_document(response.document[name])


def text(body: bytes) -> Fault:
    """Send this body."""
    return lambda response: replace(response, body=body)


def gzip_bomb(size: int) -> Fault:
    """Send a small compressed body that becomes as large as this."""
    body = gzip.compress(b" " * size)
    return lambda response: replace(response, body=body).with_header("Content-Encoding", "gzip")


def zipped(response: Response) -> Response:
    """Compress the body."""
    return replace(response, body=gzip.compress(response.body)).with_header("Content-Encoding", "gzip")


def wait_for(event: threading.Event) -> Fault:
    """Answer only when an event is set."""
    return lambda response: replace(response, wait=event)


@contextmanager
def refuse_connections() -> Iterator[str]:
    """Yield an address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        yield f"http://{LOOPBACK}:{probe.getsockname()[1]}"


@contextmanager
def reset_connections() -> Iterator[str]:
    """Yield the address of a server that resets each connection once it has received something."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
