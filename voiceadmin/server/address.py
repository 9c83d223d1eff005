"""The address of the server: what it listens on, and the URLs that it prints."""

from __future__ import annotations

import http.client
import ipaddress
import socket
from contextlib import closing, suppress
from pathlib import Path

from voiceadmin.config import Settings, is_loopback, normalize_host
from voiceadmin.errors import ServeRefused

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # only compared, never bound

HEALTHY = b'{"status":"up"}\n'  # the body of /healthz

ANSWER_SECONDS = 2  # that a command waits for the server


def parse_listen_host(host: str) -> str:
    """Return an address to listen on: an IP address in its short form, without brackets, or a name as it is."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host.strip("[]")))
    return host


def check_address(host: str, port: int, *, open_to_all: bool) -> None:
    """Check that the address is free, and that only this machine can reach it if no account is required.

    Raises:
        ServeRefused: if it is not.
    """
    if open_to_all and not is_loopback(host):
        raise ServeRefused(
            f"With VOICEADMIN_ANONYMOUS_ROLE no account is required, so voiceadmin does not listen on {host}. "
            "Use 127.0.0.1, or unset the variable and invite people."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServeRefused(
                f"{format_address(host, port)} cannot be used: {error.strerror}. Choose another --port."
            ) from error


def format_address(host: str, port: int) -> str:
    """Return host and port as in a URL. The addresses that mean all interfaces become those of this machine."""
    host = LOOPBACK_OF.get(host, host)
    return f"{normalize_host(host) or host}:{port}"


def remember_address(settings: Settings, host: str, port: int) -> None:
    """Write the address on which the server answers into the instance folder, for the links that commands print."""
    path = _address_file(settings)
    with suppress(OSError):  # on a full disk, links lack the address, but the server must start
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(format_address(host, port), "utf-8")


def find_running_server(settings: Settings) -> str | None:
    """Return host and port of the server that was started last for this instance folder, None if none answers."""
    with suppress(OSError, ValueError, http.client.HTTPException):
        address = _address_file(settings).read_text("utf-8")
        with closing(http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)) as connection:
            connection.request("GET", "/healthz")
            if connection.getresponse().read() == HEALTHY:
                return address
    return None


def one_time_url(settings: Settings, token: str, address: str | None) -> str:
    """Return the URL of a one-time link.

    The host is the public name in VOICEADMIN_HOSTS if there is one, else the address on which the server listens.
    If neither is known, the result is a path.

    Args:
        settings: contain the public host name.
        token: the secret of the link.
        address: host and port on which the server answers, None if they are not known.
    """
    path = f"/links/{token}"
    if settings.public_host is not None:
        return f"https://{settings.public_host}{path}"
    return path if address is None else f"http://{address}{path}"


def _address_file(settings: Settings) -> Path:
    return settings.instance / "server-address"
