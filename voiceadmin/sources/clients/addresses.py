"""The addresses to which requests with a key may be sent."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from voiceadmin.config import is_loopback
from voiceadmin.sources.clients.outcomes import Fault, FaultKind, UpstreamFailed


def check_address(address: str, fixed_hosts: Iterable[str], named_hosts: Iterable[str]) -> None:
    """Refuse an address to which a key must not be sent.

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
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if parts.username is not None or parts.query or parts.fragment or not host:
        raise _refused(f"{address} is not a base address. Give it as https://host or https://host/path.")
    if is_loopback(host):
        if parts.scheme not in ("http", "https"):
            raise _refused(f"{address} does not begin with https:// or http://.")
        return
    if parts.scheme != "https":
        raise _refused(f"{address} does not begin with https://. Keys are never sent without TLS.")
    if host in named_hosts:
        return
    if host not in fixed_hosts:
        raise _refused(f"{host} is not a known host. Add it to VOICEADMIN_UPSTREAM_HOSTS to allow it.")
    _check_public(host, parts.port or 443)


def _check_public(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"{host} cannot be resolved. Check the network and the name server."
        raise UpstreamFailed(Fault(FaultKind.UNREACHABLE, message)) from error
    private = {str(entry[4][0]) for entry in found if not ipaddress.ip_address(entry[4][0]).is_global}
    if private:
        message = f"{host} resolves to the private address {min(private)}. Add it to VOICEADMIN_UPSTREAM_HOSTS if so."
        raise _refused(message)


def _refused(message: str) -> UpstreamFailed:
    return UpstreamFailed(Fault(FaultKind.ADDRESS_REFUSED, message))
