"""The addresses to which requests with a key may be sent."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from voiceadmin.config import is_loopback
from voiceadmin.sources.clients.outcomes import Fault, FaultKind, UpstreamFailed

_HOST = re.compile(r"[a-z0-9._:-]+", re.ASCII | re.IGNORECASE)  # names outside of ASCII as in a certificate: xn--


def check_address(address: str, fixed_hosts: Iterable[str], named_hosts: Iterable[str]) -> None:
    """Refuse an address to which a key must not be sent. Looks up the name of a public host.

    A fixed host that resolves to a private address could only answer with a certificate for its public name, so that
    the key would not be sent; it is refused before a connection is opened. Private addresses of hosts that the operator
    has named are allowed.

    Args:
        address: the base address, as in https://api.example.com.
        fixed_hosts: the public hosts of this kind of source.
        named_hosts: the value of VOICEADMIN_UPSTREAM_HOSTS.

    Raises:
        UpstreamFailed: with a message that names the address and the remedy.
    """
    if public := check_host(address, fixed_hosts, named_hosts):
        _check_public(*public)


def check_host(address: str, fixed_hosts: Iterable[str], named_hosts: Iterable[str]) -> tuple[str, int] | None:
    """Refuse an address like `check_address`, without looking up names.

    Returns:
        The name and the port of a public host; None for this machine and for hosts that the operator has named.

    Raises:
        UpstreamFailed: with a message that names the address and the remedy.
    """
    parts, port = _split(address)
    host = (parts.hostname or "").lower()
    if is_loopback(host):
        if parts.scheme not in ("http", "https"):
            raise _refused(f"{address} does not begin with https:// or http://.")
        return None
    if parts.scheme != "https":
        raise _refused(f"{address} does not begin with https://. Keys are never sent without TLS.")
    if host in named_hosts:
        return None
    if host not in fixed_hosts:
        raise _refused(f"{host} is not a known host. Add it to VOICEADMIN_UPSTREAM_HOSTS to allow it.")
    return host, port or 443


def _split(address: str) -> tuple[SplitResult, int | None]:
    """Return the parts of a base address, and its port."""
    try:
        parts = urlsplit(address)
        is_base = parts.username is None and parts.hostname and not (parts.query or parts.fragment)
        if is_base and _HOST.fullmatch(parts.hostname or ""):
            return parts, parts.port  # raises ValueError for a port that is not a number
    except ValueError:
        pass
    raise _refused(f"{address} is not a base address. Give it as https://host or https://host/path.")


def _check_public(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"{host} cannot be resolved. Check the network and the name server."
        raise UpstreamFailed(Fault(FaultKind.UNREACHABLE, message)) from error
    private = {str(entry[4][0]) for entry in found if not ipaddress.ip_address(entry[4][0]).is_global}
    if private:
        remedy = f"Add {host} to VOICEADMIN_UPSTREAM_HOSTS to allow it."
        message = f"{host} resolves to the private address {min(private)}. {remedy}"
        raise _refused(message)


def _refused(message: str) -> UpstreamFailed:
    return UpstreamFailed(Fault(FaultKind.ADDRESS_REFUSED, message))
