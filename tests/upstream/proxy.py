"""A small HTTP proxy that only understands CONNECT, and a certificate for the server behind it."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.upstream.server import LOOPBACK


class ConnectProxy:
    """Connects every host to one port of this machine.

    Attributes:
        address: of the proxy.
        targets: the hosts and ports that were asked for.
        received: everything that the clients have sent.
        status: what it answers.
    """

    def __init__(self, port: int) -> None:
        self.targets: list[str] = []
        self.received = b""
        self.status = "200 OK"
        self._server = _Server((LOOPBACK, 0), _build_handler(self, port))
        self.address = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @contextmanager
    def run(self) -> Iterator[ConnectProxy]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True


def _build_handler(proxy: ConnectProxy, port: int) -> type[BaseRequestHandler]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (part := self.request.recv(1 << 16)):
                head += part
            proxy.received += head
            proxy.targets.append(head.split(b" ")[1].decode())
            self.request.sendall(f"HTTP/1.1 {proxy.status}\r\n\r\n".encode())
            if proxy.status.startswith("200"):
                with socket.create_connection((LOOPBACK, port)) as upstream:
                    self._relay(upstream)

        def _relay(self, upstream: socket.socket) -> None:
            """Copy bytes in both directions until one side closes its connection."""
            others = {self.request: upstream, upstream: self.request}
            while True:
                for source in select.select(list(others), [], [])[0]:
                    part = source.recv(1 << 16)
                    if not part:
                        return
                    if source is self.request:
                        proxy.received += part
                    others[source].sendall(part)

    return Handler


def create_certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a certificate that nobody trusts, and the settings of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context
