"""Keys are sent to known hosts with TLS only."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from voiceadmin.sources.clients.addresses import check_address
from voiceadmin.sources.clients.outcomes import FaultKind, UpstreamFailed

FIXED = ("api.example.com",)
NAMED = ("voices.internal",)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every host have these addresses."""

    def find(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", find)


ALLOWED = [
    "https://api.example.com",
    "https://API.example.com:8443/v1",
    "https://voices.internal",
    "http://127.0.0.1:5000",
    "http://localhost:5000",
    "https://[::1]",
]
REFUSED = {
    "http://api.example.com": "does not begin with https://",
    "https://other.example.com": "VOICEADMIN_UPSTREAM_HOSTS",
    "https://api.example.com.evil.com": "VOICEADMIN_UPSTREAM_HOSTS",
    "https://169.254.169.254": "VOICEADMIN_UPSTREAM_HOSTS",
    "https://10.0.0.1": "VOICEADMIN_UPSTREAM_HOSTS",
    "http://0.0.0.0": "does not begin with https://",
    "ftp://localhost": "does not begin with https:// or http://",
    "https://user@api.example.com": "is not a base address",
    "https://api.example.com?key=1": "is not a base address",
    "api.example.com": "is not a base address",
    "https://api.example.com:port": "is not a base address",
    "https://api.example.com:99999": "is not a base address",
    "https://[": "is not a base address",
    "https://a b": "is not a base address",
    "https://": "is not a base address",
    "": "is not a base address",
}


@pytest.mark.parametrize("address", ALLOWED)
def test_fixed_and_named_hosts_and_this_machine_are_allowed(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, "93.184.215.14")

    check_address(address, FIXED, NAMED)


@pytest.mark.parametrize("address", REFUSED)
def test_other_addresses_are_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, "93.184.215.14")

    with pytest.raises(UpstreamFailed, match=REFUSED[address]) as raised:
        check_address(address, FIXED, NAMED)

    assert raised.value.fault.kind is FaultKind.ADDRESS_REFUSED


@pytest.mark.parametrize(
    "private", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0"]
)
def test_a_fixed_host_with_a_private_address_is_refused_and_a_named_one_is_not(
    monkeypatch: pytest.MonkeyPatch, private: str
) -> None:
    resolve_to(monkeypatch, "93.184.215.14", private)

    check_address("https://voices.internal", FIXED, NAMED)
    with pytest.raises(UpstreamFailed, match=f"resolves to the private address {private}"):
        check_address("https://api.example.com", FIXED, NAMED)


def test_a_host_without_an_address_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(UpstreamFailed, match="cannot be resolved") as raised:
        check_address("https://api.example.com", FIXED, NAMED)

    assert raised.value.fault.kind is FaultKind.UNREACHABLE
